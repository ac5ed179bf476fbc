/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/directory/test_doors_send.c - what submission asks of directory to send, what it gets
 * for qmgr and for the signer, and what a door that was taken over asks.
 */
#include "../base/cases.h"

#include "doors_world.h"

#include "clock.h"
#include "logins.h"

static struct directory_send_answer
send_it(struct door *door, const struct directory_send *m)
{
	struct directory_send_answer a;
	struct ipc_reader in;

	directory_send_encode(ipc_compose(door->ours), m);
	ask(door, DIRECTORY_SEND);
	assert_int_equal(door->err, ERR_OK);
	assert_int_equal(door->type, DIRECTORY_SEND_ANSWER);
	in = ipc_reader(buf_bytes(&door->body));
	assert_int_equal(directory_send_answer_decode(&in, &a), ERR_OK);
	return a;
}

static struct directory_send
a_message(struct bytes handle)
{
	return (struct directory_send){ .handle = handle,
		.session = 7,
		.queue_id = 55,
		.reverse_path = BYTES_LITERAL("joe@example.org"),
		.nsenders = 1,
		.senders = { BYTES_LITERAL("Info@Example.org") },
		.recipients = BYTES_LITERAL("12345678abcdefgh") };
}

/* What this service checks tickets with. */
static struct send_ticket_key
ticket_key(struct door *door)
{
	struct send_ticket_key key = { 0 };
	struct directory_ticket_key k;
	struct ipc_reader in;

	(void)ipc_compose(door->ours);
	ask(door, DIRECTORY_TICKET_KEY);
	in = ipc_reader(buf_bytes(&door->body));
	assert_int_equal(directory_ticket_key_decode(&in, &k), ERR_OK);
	key.id = k.id;
	memcpy(key.key, k.key.p, sizeof(key.key));
	return key;
}

/* The signer gets one of its own, for the author's domain; neither of the two serves the other. */
static void
a_ticket_for_the_signer(void **arg)
{
	struct door *door = door_open(SERVICE_SUBMISSION), *signer = door_open(SERVICE_SIGNER);
	struct door *qmgr = door_open(SERVICE_QMGR);
	uint8_t octets[DIRECTORY_HANDLE_SIZE];
	struct directory_send m = a_message(log_in(door, 7, octets));
	struct send_ticket used = { BYTES_LITERAL("joe@example.org"), 55, m.reverse_path,
		BYTES_LITERAL("example.org") };
	const uint64_t now_s = clock_wall_us() / 1000000;
	struct send_ticket_key key;
	struct directory_send_answer a;
	uint8_t sign[SEND_TICKET_SIZE], commit[SEND_TICKET_SIZE];

	UNUSED(arg);
	a = send_it(door, &m);
	assert_int_equal(a.sign_ticket.n, SEND_TICKET_SIZE);
	assert_int_equal(a.ticket.n, SEND_TICKET_SIZE);
	memcpy(sign, a.sign_ticket.p, sizeof(sign));
	memcpy(commit, a.ticket.p, sizeof(commit));
	key = ticket_key(signer);
	assert_int_equal(
		send_ticket_check(&key, &used, now_s, bytes_make(sign, sizeof(sign))), ERR_OK);
	assert_true(send_ticket_check(&key, &used, now_s, bytes_make(commit, sizeof(commit))) < 0);
	used.domain = BYTES_LITERAL("example.net");
	assert_int_equal(
		send_ticket_check(&key, &used, now_s, bytes_make(sign, sizeof(sign))), ERR_DENIED);
	used.domain = BYTES_NONE;
	key = ticket_key(qmgr);
	assert_true(send_ticket_check(&key, &used, now_s, bytes_make(sign, sizeof(sign))) < 0);
	/* nobody's message */
	m.author = m.nsenders;
	a = send_it(door, &m);
	assert_int_equal(a.ticket.n, SEND_TICKET_SIZE);
	assert_int_equal(a.sign_ticket.n, 0);
	door_close(door);
	door_close(signer);
	door_close(qmgr);
}

static void
a_ticket_for_qmgr(void **arg)
{
	struct door *door = door_open(SERVICE_SUBMISSION), *qmgr = door_open(SERVICE_QMGR);
	uint8_t octets[DIRECTORY_HANDLE_SIZE];
	struct directory_send m = a_message(log_in(door, 7, octets));
	const struct send_ticket used = { .login = BYTES_LITERAL("joe@example.org"),
		.queue_id = 55,
		.reverse_path = m.reverse_path };
	struct directory_send_answer a = send_it(door, &m);
	struct send_ticket_key key;
	uint8_t ticket[SEND_TICKET_SIZE];

	UNUSED(arg);
	assert_int_equal(a.verdict, DIRECTORY_SEND_OK);
	assert_int_equal(world->sends, 1);
	assert_int_equal(world->recipients, 2);
	assert_int_equal(a.ticket.n, sizeof(ticket));
	memcpy(ticket, a.ticket.p, sizeof(ticket));
	key = ticket_key(qmgr);
	assert_int_equal(send_ticket_check(&key, &used, clock_wall_us() / 1000000,
				 bytes_make(ticket, sizeof(ticket))),
		ERR_OK);
	/* at MAIL: nothing is counted, there is no ticket */
	m.queue_id = 0;
	a = send_it(door, &m);
	assert_int_equal(a.verdict, DIRECTORY_SEND_OK);
	assert_int_equal(a.ticket.n, 0);
	assert_int_equal(world->sends, 1);
	door_close(door);
	door_close(qmgr);
}

static void
handles_are_not_to_be_had(void **arg)
{
	struct door *door = door_open(SERVICE_SUBMISSION), *hacked = door_open(SERVICE_SUBMISSION);
	uint8_t octets[DIRECTORY_HANDLE_SIZE];
	struct directory_send m = a_message(log_in(door, 7, octets));
	struct directory_logout out = { m.handle, 7 };

	UNUSED(arg);
	assert_int_equal(send_it(hacked, &m).verdict, DIRECTORY_SEND_NO_LOGIN);
	m.session = 8; /* another client's, in the same process */
	assert_int_equal(send_it(door, &m).verdict, DIRECTORY_SEND_NO_LOGIN);
	m.session = 7;
	octets[0] ^= 1; /* forged */
	assert_int_equal(send_it(door, &m).verdict, DIRECTORY_SEND_NO_LOGIN);
	octets[0] ^= 1;
	directory_logout_encode(ipc_compose(hacked->ours), &out); /* not its own to end */
	ipc_send(hacked->ours, DIRECTORY_LOGOUT, NULL, 0);
	assert_int_equal(send_it(door, &m).verdict, DIRECTORY_SEND_OK);
	directory_logout_encode(ipc_compose(door->ours), &out);
	ipc_send(door->ours, DIRECTORY_LOGOUT, NULL, 0);
	assert_int_equal(send_it(door, &m).verdict, DIRECTORY_SEND_NO_LOGIN);
	(void)log_in(door, 9, octets);
	door_close(door); /* the process is gone, its logins too */
	assert_int_equal(logins_count(world->d->handles), 0);
	door_close(hacked);
}

static void
addresses_of_others(void **arg)
{
	struct door *door = door_open(SERVICE_SUBMISSION);
	uint8_t octets[DIRECTORY_HANDLE_SIZE];
	struct directory_send m = a_message(log_in(door, 7, octets));
	struct directory_send_answer a;

	UNUSED(arg);
	m.senders[m.nsenders++] = BYTES_LITERAL("ann@example.org");
	a = send_it(door, &m);
	assert_int_equal(a.verdict, DIRECTORY_SEND_NOT_OWNED);
	assert_true(a.in_header && bytes_is(a.address, "ann@example.org"));
	m.nsenders--;
	m.reverse_path = BYTES_LITERAL("joe@elsewhere.example");
	a = send_it(door, &m);
	assert_int_equal(a.verdict, DIRECTORY_SEND_NOT_OWNED);
	assert_true(!a.in_header && bytes_is(a.address, "joe@elsewhere.example"));
	m.reverse_path = BYTES_NONE;
	assert_int_equal(send_it(door, &m).verdict, DIRECTORY_SEND_OK);
	assert_int_equal(world->sends, 1); /* what is refused does not count */
	door_close(door);
}

static void
limits(void **arg)
{
	static const struct {
		enum ledger_send_verdict says;
		enum directory_send_verdict verdict;
	} rows[] = {
		{ LEDGER_SEND_MESSAGES, DIRECTORY_SEND_LIMIT },
		{ LEDGER_SEND_NEW_RECIPIENTS, DIRECTORY_SEND_LIMIT },
		{ LEDGER_SEND_BLOCKED, DIRECTORY_SEND_BLOCKED },
		{ LEDGER_SEND_LATER, DIRECTORY_SEND_TEMPORARY },
		{ LEDGER_SEND_OK, DIRECTORY_SEND_OK },
	};
	struct door *door = door_open(SERVICE_SUBMISSION);
	uint8_t octets[DIRECTORY_HANDLE_SIZE];
	struct directory_send m = a_message(log_in(door, 7, octets));
	struct directory_send_answer a;

	UNUSED(arg);
	for (size_t i = 0; i < NITEMS(rows); i++) {
		world->send.verdict = rows[i].says;
		a = send_it(door, &m);
		assert_int_equal(a.verdict, rows[i].verdict);
		assert_int_equal(a.ticket.n > 0, rows[i].verdict == DIRECTORY_SEND_OK);
		if (a.verdict == DIRECTORY_SEND_LIMIT)
			assert_true(a.reason.n > 0);
	}
	world->ledger_down = true; /* who can't be counted can't send, but can log in */
	assert_int_equal(send_it(door, &m).verdict, DIRECTORY_SEND_TEMPORARY);
	(void)log_in(door, 8, octets);
	door_close(door);
}

static void
a_door_may_not_ask_for_the_key(void **arg)
{
	struct door *door = door_open(SERVICE_SUBMISSION);

	UNUSED(arg);
	(void)ipc_compose(door->ours);
	door->asked++;
	ipc_request(door->ours, DIRECTORY_TICKET_KEY, NULL, 0, 0, on_answer, door);
	wait_for_answer(door);
	assert_int_equal(door->err, ERR_PEER);
	assert_true(door->closed);
	door_close(door);
}

int
main(void)
{
#define WITH_WORLD(f) cmocka_unit_test_setup_teardown(f, doors_setup, doors_teardown)
	const struct CMUnitTest tests[] = { WITH_WORLD(a_ticket_for_qmgr),
		WITH_WORLD(a_ticket_for_the_signer), WITH_WORLD(handles_are_not_to_be_had),
		WITH_WORLD(addresses_of_others), WITH_WORLD(limits),
		WITH_WORLD(a_door_may_not_ask_for_the_key) };

	return cmocka_run_group_tests_name("directory/sending at doors", tests, NULL, NULL);
}
