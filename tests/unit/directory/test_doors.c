/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/directory/test_doors.c - what doors ask of directory to log somebody in, and what a
 * door that was taken over asks.
 */
#include "../base/cases.h"

#include "doors_world.h"

#include "clock.h"
#include "logins.h"

static struct directory_auth_answer
sasl_start(struct door *door, enum sasl_mechanism mechanism, struct bytes initial)
{
	struct directory_sasl_start m = { .mechanism = mechanism,
		.protocol = DIRECTORY_SUBMISSION,
		.session = 7,
		.client = BYTES_LITERAL("192.0.2.1"),
		.has_initial = initial.n > 0,
		.initial = initial };

	directory_sasl_start_encode(ipc_compose(door->ours), &m);
	ask(door, DIRECTORY_SASL_START);
	return auth_answer(door);
}

static struct directory_auth_answer
sasl_step(struct door *door, uint64_t exchange, struct bytes response)
{
	const struct directory_sasl_step m = { exchange, response };

	directory_sasl_step_encode(ipc_compose(door->ours), &m);
	ask(door, DIRECTORY_SASL_STEP);
	return auth_answer(door);
}

/* ---- logging in ---- */

static const struct auth_row {
	const char *label, *login, *password;
	enum directory_protocol protocol;
	enum directory_auth_status status;
	enum ledger_tried_result told;
} auth_rows[] = {
	{ "IMAP", "joe@example.org", "secret", DIRECTORY_IMAP, DIRECTORY_AUTH_OK,
		LEDGER_TRIED_RIGHT },
	{ "POP3, another case", "Joe@Example.Org", "secret", DIRECTORY_POP3, DIRECTORY_AUTH_OK,
		LEDGER_TRIED_RIGHT },
	{ "app password", "joe@example.org", "phone-secret", DIRECTORY_IMAP, DIRECTORY_AUTH_OK,
		LEDGER_TRIED_RIGHT },
	{ "app password of another protocol", "joe@example.org", "phone-secret", DIRECTORY_POP3,
		DIRECTORY_AUTH_FAILED, LEDGER_TRIED_WRONG },
	{ "wrong", "joe@example.org", "Secret", DIRECTORY_IMAP, DIRECTORY_AUTH_FAILED,
		LEDGER_TRIED_WRONG },
	{ "nobody", "nobody@example.org", "secret", DIRECTORY_IMAP, DIRECTORY_AUTH_FAILED,
		LEDGER_TRIED_WRONG },
	{ "no login", "", "secret", DIRECTORY_IMAP, DIRECTORY_AUTH_FAILED, LEDGER_TRIED_WRONG },
	{ "locked", "locked@example.org", "secret", DIRECTORY_IMAP, DIRECTORY_AUTH_LOCKED,
		LEDGER_TRIED_RIGHT },
	{ "locked and wrong", "locked@example.org", "wrong", DIRECTORY_IMAP, DIRECTORY_AUTH_FAILED,
		LEDGER_TRIED_WRONG },
	{ "send-blocked may read", "quiet@example.org", "secret", DIRECTORY_IMAP, DIRECTORY_AUTH_OK,
		LEDGER_TRIED_RIGHT },
};

static void
run_auth(void **arg)
{
	const struct auth_row *t = *arg;
	struct directory_auth_answer a;
	struct door *door;
	void *unused;

	doors_setup(&unused);
	door = door_open(t->protocol == DIRECTORY_IMAP ? SERVICE_IMAP_LOGIN : SERVICE_POP3_LOGIN);
	a = auth(door, t->protocol, 1, t->login, t->password);
	assert_int_equal(a.status, t->status);
	assert_int_equal(a.token.n, t->status == DIRECTORY_AUTH_OK ? DIRECTORY_TOKEN_SIZE : 0);
	assert_int_equal(a.handle.n, 0);
	assert_int_equal(world->tries, 1);
	for (int i = 0; i < LEDGER_TRIED_RESULTS; i++)
		assert_int_equal(world->told[i], i == (int)t->told);
	if (strcmp(t->label, "app password") == 0)
		assert_string_equal(world->credential, "phone");
	door_close(door);
	doors_teardown(NULL);
}

static void
banned_and_delayed(void **arg)
{
	struct door *door = door_open(SERVICE_SUBMISSION);
	uint64_t begin;

	UNUSED(arg);
	world->try = (struct ledger_try_answer){ .delay_ms = 120 };
	begin = clock_mono_ms();
	assert_int_equal(auth(door, DIRECTORY_SUBMISSION, 1, "joe@example.org", "wrong").status,
		DIRECTORY_AUTH_FAILED);
	assert_true(clock_mono_ms() - begin >= 110);
	assert_int_equal(auth(door, DIRECTORY_SUBMISSION, 1, "joe@example.org", "secret").status,
		DIRECTORY_AUTH_OK);
	world->try = (struct ledger_try_answer){ .verdict = LEDGER_TRY_BANNED };
	assert_int_equal(auth(door, DIRECTORY_SUBMISSION, 1, "joe@example.org", "secret").status,
		DIRECTORY_AUTH_BANNED);
	assert_int_equal(world->told[LEDGER_TRIED_UNDECIDED], 0); /* nothing follows a ban */
	door_close(door);
}

static void
client_leaves_while_hashing(void **arg)
{
	struct door *door = door_open(SERVICE_SUBMISSION);
	const struct directory_auth m = { BYTES_LITERAL("joe@example.org"), BYTES_LITERAL("secret"),
		BYTES_LITERAL("192.0.2.1"), DIRECTORY_SUBMISSION, 1 };

	UNUSED(arg);
	directory_auth_encode(ipc_compose(door->ours), &m);
	ipc_request(door->ours, DIRECTORY_AUTH, NULL, 0, 0, on_answer, door);
	ipc_flush(door->ours);
	door_close(door);
	for (int i = 0; i < 200 && !LIST_EMPTY(&world->d->auths); i++)
		turn();
	assert_true(LIST_EMPTY(&world->d->auths));
	assert_int_equal(logins_count(world->d->handles), 0);
}

/* ---- exchanges ---- */

static void
exchanges_are_their_channels(void **arg)
{
	static const struct bytes first = BYTES_LITERAL("n,,n=joe@example.org,r=abc");
	struct door *a = door_open(SERVICE_SUBMISSION), *b = door_open(SERVICE_SUBMISSION);
	struct directory_auth_answer started = sasl_start(a, SASL_SCRAM_SHA_256, first);
	struct directory_sasl_cancel cancel = { started.exchange };
	uint64_t number = started.exchange;

	UNUSED(arg);
	assert_int_equal(started.status, DIRECTORY_AUTH_CHALLENGE);
	/* another process with the right number, and one that guesses */
	assert_int_equal(sasl_step(b, number, BYTES_LITERAL("x")).status, DIRECTORY_AUTH_TEMPORARY);
	assert_int_equal(sasl_step(a, number + ((uint64_t)1 << 32), BYTES_LITERAL("x")).status,
		DIRECTORY_AUTH_TEMPORARY);
	directory_sasl_cancel_encode(ipc_compose(b->ours), &cancel);
	ipc_send(b->ours, DIRECTORY_SASL_CANCEL, NULL, 0);
	/* it goes on for its owner */
	assert_int_equal(sasl_step(a, number, BYTES_LITERAL("c=biws,r=no,p=AAAA")).status,
		DIRECTORY_AUTH_FAILED);
	assert_int_equal(directory_sasl_count(world->d), 0);
	assert_int_equal(sasl_step(a, number, BYTES_LITERAL("c=biws,r=no,p=AAAA")).status,
		DIRECTORY_AUTH_TEMPORARY);
	assert_int_equal(sasl_start(a, SASL_SCRAM_SHA_256, BYTES_LITERAL("n,,n=joe")).status,
		DIRECTORY_AUTH_MALFORMED);
	assert_int_equal(sasl_start(a, SASL_SCRAM_SHA_1, first).status, DIRECTORY_AUTH_UNSUPPORTED);
	door_close(a);
	door_close(b);
}

/* Six in all, three for one process. */
static void
exchanges_are_few(void **arg)
{
	struct door *a = door_open(SERVICE_SUBMISSION), *b = door_open(SERVICE_SUBMISSION),
		    *c = door_open(SERVICE_SUBMISSION);
	struct directory_sasl_cancel cancel = { 0 };

	UNUSED(arg);
	for (int i = 0; i < 3; i++) {
		struct directory_auth_answer m = sasl_start(a, SASL_LOGIN, BYTES_NONE);

		assert_int_equal(m.status, DIRECTORY_AUTH_CHALLENGE);
		cancel.exchange = m.exchange;
	}
	for (int i = 0; i < 2; i++)
		assert_int_equal(
			sasl_start(b, SASL_LOGIN, BYTES_NONE).status, DIRECTORY_AUTH_CHALLENGE);
	assert_int_equal(sasl_start(a, SASL_LOGIN, BYTES_NONE).status, DIRECTORY_AUTH_TEMPORARY);
	assert_int_equal(sasl_start(b, SASL_LOGIN, BYTES_NONE).status, DIRECTORY_AUTH_CHALLENGE);
	assert_int_equal(sasl_start(c, SASL_LOGIN, BYTES_NONE).status, DIRECTORY_AUTH_TEMPORARY);
	directory_sasl_cancel_encode(ipc_compose(a->ours), &cancel);
	ipc_send(a->ours, DIRECTORY_SASL_CANCEL, NULL, 0);
	for (int i = 0; i < 50 && directory_sasl_count(world->d) == 6; i++)
		turn();
	assert_int_equal(sasl_start(c, SASL_LOGIN, BYTES_NONE).status, DIRECTORY_AUTH_CHALLENGE);
	door_close(a); /* its two go with it */
	assert_int_equal(directory_sasl_count(world->d), 4);
	door_close(b);
	door_close(c);
	assert_int_equal(directory_sasl_count(world->d), 0);
}

static void
exchanges_end(void **arg)
{
	struct door *door = door_open(SERVICE_SUBMISSION);
	struct directory_auth_answer m =
		sasl_start(door, SASL_SCRAM_SHA_256, BYTES_LITERAL("n,,n=joe@example.org,r=abc"));
	uint64_t number = m.exchange, end = clock_mono_ms() + 20000;

	UNUSED(arg);
	assert_int_equal(m.status, DIRECTORY_AUTH_CHALLENGE);
	LIST_FIRST(&world->d->auths)->deadline_ms = 1; /* its minute is over */
	while (directory_sasl_count(world->d) > 0 && clock_mono_ms() < end)
		turn();
	assert_int_equal(directory_sasl_count(world->d), 0);
	assert_int_equal(world->told[LEDGER_TRIED_UNDECIDED], 1);
	assert_int_equal(
		sasl_step(door, number, BYTES_LITERAL("x")).status, DIRECTORY_AUTH_TEMPORARY);
	door_close(door);
}

static void
plain_in_one_message(void **arg)
{
	struct door *door = door_open(SERVICE_SUBMISSION);
	struct directory_auth_answer m =
		sasl_start(door, SASL_PLAIN, BYTES_LITERAL("\0joe@example.org\0secret"));

	UNUSED(arg);
	assert_int_equal(m.status, DIRECTORY_AUTH_OK);
	assert_true(bytes_is(m.account, "joe@example.org"));
	assert_int_equal(m.handle.n, DIRECTORY_HANDLE_SIZE);
	assert_false(m.send_blocked);
	m = sasl_start(door, SASL_PLAIN, BYTES_LITERAL("\0quiet@example.org\0secret"));
	assert_true(m.send_blocked);
	door_close(door);
}

int
main(void)
{
#define WITH_WORLD(f) cmocka_unit_test_setup_teardown(f, doors_setup, doors_teardown)
	const struct CMUnitTest others[] = { WITH_WORLD(banned_and_delayed),
		WITH_WORLD(client_leaves_while_hashing), WITH_WORLD(exchanges_are_their_channels),
		WITH_WORLD(exchanges_are_few), WITH_WORLD(exchanges_end),
		WITH_WORLD(plain_in_one_message) };
	TABLE_TESTS(tests, auth_rows, run_auth);

	return cmocka_run_group_tests_name("directory/logins at doors", tests, NULL, NULL) +
	       cmocka_run_group_tests_name("directory/doors", others, NULL, NULL);
}
