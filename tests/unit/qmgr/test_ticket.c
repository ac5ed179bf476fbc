/* SPDX-License-Identifier: ISC */
/* tests/unit/qmgr/test_ticket.c - who may commit for a login. */
#include "clock.h"
#include "err.h"
#include "fake.h"

/* What submission commits is the login's own by directory's word, or it is refused. */
static void
test_tickets(void **state)
{
	struct fake *f = *state;
	const char *login = "alice@example.org";
	struct send_ticket_key other = { .id = 1, .key = { 7 } };
	const uint64_t id = queue_id_make(&f->ids, clock_wall_us());
	const struct bytes path = BYTES_LITERAL("sender@example.net");
	const struct {
		const char *label;
		struct send_ticket t;
		const struct send_ticket_key *key;
		uint64_t at_s;
		int err;
	} rows[] = {
		{ "another login's", { BYTES_LITERAL("bob@example.org"), id, path, BYTES_NONE },
			&f->key, now_s(), ERR_DENIED },
		{ "another reverse-path",
			{ bytes_from_str(login), id, BYTES_LITERAL("b@c"), BYTES_NONE }, &f->key,
			now_s(), ERR_DENIED },
		{ "another id", { bytes_from_str(login), id + 1, path, BYTES_NONE }, &f->key,
			now_s(), ERR_DENIED },
		{ "another key", { bytes_from_str(login), id, path, BYTES_NONE }, &other, now_s(),
			ERR_DENIED },
		{ "the signer's", { bytes_from_str(login), id, path, BYTES_LITERAL("example.org") },
			&f->key, now_s(), ERR_DENIED },
		{ "too old", { bytes_from_str(login), id, path, BYTES_NONE }, &f->key,
			now_s() - SEND_TICKET_LIFE_S - 10, ERR_BUSY },
	};
	struct buf ticket = BUF_INIT;

	f->login = login;
	for (size_t i = 0; i < NITEMS(rows); i++) {
		buf_clear(&ticket);
		send_ticket_make(rows[i].key, &rows[i].t, rows[i].at_s, &ticket);
		f->ticket = buf_bytes(&ticket);
		fake_commit_at(f, id, "user@example.org", SMALL_MESSAGE);
		assert_true(fake_until(f, fake_answered));
		assert_int_equal(f->last_err, rows[i].err);
		assert_int_equal(f->refused, i + 1);
	}
	assert_int_equal(f->q->stats.forged, 5);
	f->ticket = BYTES_NONE;
	fake_commit_at(f, id, "user@example.org", SMALL_MESSAGE);
	assert_true(fake_until(f, fake_empty));
	assert_int_equal(f->deliveries, 1);
	fake_commit_at(f, id, "user@example.org", SMALL_MESSAGE); /* the same once more */
	assert_true(fake_until(f, fake_answered));
	assert_int_equal(f->last_err, ERR_DENIED);
	f->ticket = BYTES_LITERAL("not a ticket");
	fake_commit(f, "user@example.org", SMALL_MESSAGE);
	assert_true(fake_until(f, fake_answered));
	assert_int_equal(f->last_err, ERR_DENIED);
	f->ticket = BYTES_NONE;
	f->key.id++; /* directory restarted, qmgr has not heard of it yet: 4yz, and it asks */
	fake_commit(f, "user@example.org", SMALL_MESSAGE);
	assert_true(fake_until(f, fake_answered));
	assert_int_equal(f->last_err, ERR_BUSY);
	fake_directory_restarts(f);
	fake_turns(f, 20);
	fake_commit(f, "user@example.org", SMALL_MESSAGE);
	assert_true(fake_until(f, fake_answered));
	assert_int_equal(f->accepted, 2);
	buf_free(&ticket);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FAKE_TEST(test_tickets),
	};

	return cmocka_run_group_tests_name("qmgr/ticket", tests, NULL, NULL);
}
