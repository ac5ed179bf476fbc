/* SPDX-License-Identifier: ISC */
/* tests/unit/directory/test_logins.c - login handles stay with their channel and session; tickets
 * are good for one message of one login, for a while. */
#include "../base/cases.h"

#include "err.h"
#include "logins.h"
#include "send_ticket.h"

static const char channels[2]; /* only their addresses count */

static struct bytes
handle_of(const struct login *l)
{
	return bytes_make(l->handle, sizeof(l->handle));
}

static void
a_handle_is_its_channels(void **arg)
{
	struct logins *all = logins_new();
	struct login joe = { .channel = &channels[0],
		.session = 7,
		.account = BYTES_LITERAL("joe@example.org"),
		.client = BYTES_LITERAL("192.0.2.1") };
	struct login ann = {
		.channel = &channels[1], .session = 7, .account = BYTES_LITERAL("ann@example.org")
	};
	const struct login *found = NULL;

	UNUSED(arg);
	assert_int_equal(logins_add(all, &joe), ERR_OK);
	assert_int_equal(logins_add(all, &ann), ERR_OK);
	assert_int_equal(logins_count(all), 2);
	assert_int_equal(logins_find(all, &channels[0], 7, handle_of(&joe), &found), LOGIN_FOUND);
	assert_true(bytes_is(found->account, "joe@example.org"));
	assert_true(bytes_is(found->client, "192.0.2.1"));
	/* another process, another session of the same, one that was never given */
	assert_int_equal(logins_find(all, &channels[1], 7, handle_of(&joe), &found), LOGIN_FOREIGN);
	assert_int_equal(logins_find(all, &channels[0], 8, handle_of(&joe), &found), LOGIN_FOREIGN);
	joe.handle[15] ^= 1;
	assert_int_equal(logins_find(all, &channels[0], 7, handle_of(&joe), &found), LOGIN_UNKNOWN);
	joe.handle[15] ^= 1;
	assert_int_equal(
		logins_find(all, &channels[0], 7, BYTES_LITERAL("short"), &found), LOGIN_UNKNOWN);

	logins_remove(all, &channels[1], 7, handle_of(&joe)); /* not its own: nothing happens */
	assert_int_equal(logins_count(all), 2);
	logins_remove(all, &channels[0], 7, handle_of(&joe));
	assert_int_equal(logins_find(all, &channels[0], 7, handle_of(&joe), &found), LOGIN_UNKNOWN);
	logins_remove_channel(all, &channels[1]);
	assert_int_equal(logins_count(all), 0);
	logins_free(&all);
	assert_null(all);
}

/* A channel has its share and no more; what it gives back it can have again. */
static void
many_handles(void **arg)
{
	static const char doors[LOGINS_MAX / LOGINS_PER_CHANNEL + 1];
	struct logins *all = logins_new();
	struct login l = { .account = BYTES_LITERAL("joe@example.org") };
	const struct login *found;

	UNUSED(arg);
	for (size_t door = 0; door < LOGINS_MAX / LOGINS_PER_CHANNEL; door++) {
		l.channel = &doors[door];
		for (l.session = 0; l.session < LOGINS_PER_CHANNEL; l.session++)
			assert_int_equal(logins_add(all, &l), ERR_OK);
		l.session--;
		assert_int_equal(
			logins_find(all, l.channel, l.session, handle_of(&l), &found), LOGIN_FOUND);
		assert_int_equal(logins_add(all, &l), ERR_LIMIT);
	}
	l.channel = &doors[NITEMS(doors) - 1];
	assert_int_equal(logins_add(all, &l), ERR_LIMIT); /* all of them together */
	logins_remove_channel(all, &doors[0]);
	assert_int_equal(logins_count(all), LOGINS_MAX - LOGINS_PER_CHANNEL);
	assert_int_equal(logins_add(all, &l), ERR_OK);
	logins_free(&all);
}

/* ---- tickets ---- */

static const struct row {
	const char *label;
	uint64_t now_s, queue_id;
	const char *login, *reverse_path, *domain;
	unsigned flip; /* this octet of the ticket is changed; 0: none */
	bool other_key, other_secret;
	int result;
} rows[] = {
	{ "right", 1000, 5, "joe@a", "joe@a", "a", 0, false, false, ERR_OK },
	{ "at its end", 1900, 5, "joe@a", "joe@a", "a", 0, false, false, ERR_OK },
	{ "too old", 1901, 5, "joe@a", "joe@a", "a", 0, false, false, ERR_BUSY },
	{ "another message", 1000, 6, "joe@a", "joe@a", "a", 0, false, false, ERR_DENIED },
	{ "another login", 1000, 5, "ann@a", "joe@a", "a", 0, false, false, ERR_DENIED },
	{ "another reverse-path", 1000, 5, "joe@a", "ann@a", "a", 0, false, false, ERR_DENIED },
	{ "null reverse-path", 1000, 5, "joe@a", "", "a", 0, false, false, ERR_DENIED },
	{ "another domain", 1000, 5, "joe@a", "joe@a", "b", 0, false, false, ERR_DENIED },
	{ "no domain", 1000, 5, "joe@a", "joe@a", "", 0, false, false, ERR_DENIED },
	{ "letters moved", 1000, 5, "joe@aj", "oe@a", "a", 0, false, false, ERR_DENIED },
	{ "version", 1000, 5, "joe@a", "joe@a", "a", 1, false, false, ERR_DENIED },
	{ "number of the key", 1000, 5, "joe@a", "joe@a", "a", 2, false, false, ERR_BUSY },
	{ "later expiry", 1000, 5, "joe@a", "joe@a", "a", 11, false, false, ERR_DENIED },
	{ "digest", 1000, 5, "joe@a", "joe@a", "a", 49, false, false, ERR_DENIED },
	{ "before a restart", 1000, 5, "joe@a", "joe@a", "a", 0, true, true, ERR_BUSY },
	{ "forged with another key", 1000, 5, "joe@a", "joe@a", "a", 0, false, true, ERR_DENIED },
};

static void
run_row(void **arg)
{
	const struct row *t = *arg;
	struct send_ticket_key key = { .id = 77, .key = "thirty-two octets, or near them" };
	const struct send_ticket made = { BYTES_LITERAL("joe@a"), 5, BYTES_LITERAL("joe@a"),
		BYTES_LITERAL("a") };
	const struct send_ticket used = { bytes_from_str(t->login), t->queue_id,
		bytes_from_str(t->reverse_path), bytes_from_str(t->domain) };
	struct buf ticket = BUF_INIT;

	send_ticket_make(&key, &made, 1000, &ticket);
	assert_int_equal(ticket.len, SEND_TICKET_SIZE);
	if (t->flip > 0)
		ticket.data[ticket.start + t->flip - 1] ^= 1;
	key.id += t->other_key;
	key.key[0] ^= t->other_secret;
	assert_int_equal(send_ticket_check(&key, &used, t->now_s, buf_bytes(&ticket)), t->result);
	/* cut, longer, none */
	for (size_t n = 0; n < ticket.len; n++)
		assert_int_equal(
			send_ticket_check(&key, &used, 1000, bytes_head(buf_bytes(&ticket), n)),
			ERR_DENIED);
	buf_put_u8(&ticket, 0);
	assert_int_equal(send_ticket_check(&key, &used, 1000, buf_bytes(&ticket)), ERR_DENIED);
	key.id = 0; /* not known yet */
	assert_int_equal(send_ticket_check(&key, &used, 1000,
				 bytes_head(buf_bytes(&ticket), SEND_TICKET_SIZE)),
		t->flip == 1 ? ERR_DENIED : ERR_BUSY);
	buf_free(&ticket);
}

int
main(void)
{
	const struct CMUnitTest others[] = { cmocka_unit_test(a_handle_is_its_channels),
		cmocka_unit_test(many_handles) };
	TABLE_TESTS(tests, rows, run_row);

	return cmocka_run_group_tests_name("directory/logins", others, NULL, NULL) +
	       cmocka_run_group_tests_name("ipc/send_ticket", tests, NULL, NULL);
}
