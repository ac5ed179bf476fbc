/* SPDX-License-Identifier: ISC */
/* tests/unit/directory/test_directory_msg.c - what is encoded is what is decoded, and every
 * shorter or longer body is refused. */
#include "../base/cases.h"

#include "directory_msg.h"
#include "err.h"
#include "ledger_msg.h"

typedef int decode_fn(struct ipc_reader *in, void *m);

/* The whole decodes; nothing that is cut or has an octet more does. */
static void
only_whole(const struct buf *body, decode_fn *decode, void *m)
{
	struct buf longer = BUF_INIT;
	struct ipc_reader in;

	for (size_t n = 0; n < body->len; n++) {
		in = ipc_reader(bytes_head(buf_bytes(body), n));
		assert_int_equal(decode(&in, m), ERR_SYNTAX);
	}
	buf_put_bytes(&longer, buf_bytes(body));
	buf_put_u8(&longer, 0);
	in = ipc_reader(buf_bytes(&longer));
	assert_int_equal(decode(&in, m), ERR_SYNTAX);
	buf_free(&longer);
	in = ipc_reader(buf_bytes(body));
	assert_int_equal(decode(&in, m), ERR_OK);
}

static void
questions(void **arg)
{
	struct directory_rcpt rcpt = { BYTES_LITERAL("a@b"), 12345678901, DIRECTORY_MAY_RELAY }, r2;
	struct directory_auth auth = { BYTES_LITERAL("joe"), BYTES_LITERAL("s\0x"),
		BYTES_LITERAL("192.0.2.1"), DIRECTORY_POP3, 7 },
			      a2;
	struct buf body = BUF_INIT;

	UNUSED(arg);
	directory_rcpt_encode(&body, &rcpt);
	only_whole(&body, directory_rcpt_decode, &r2);
	assert_true(bytes_equal(rcpt.address, r2.address));
	assert_int_equal(rcpt.size_octets, r2.size_octets);
	assert_int_equal(rcpt.flags, r2.flags);
	buf_clear(&body);
	directory_auth_encode(&body, &auth);
	only_whole(&body, directory_auth_decode, &a2);
	assert_true(bytes_equal(auth.password, a2.password));
	assert_int_equal(a2.protocol, DIRECTORY_POP3);
	buf_free(&body);
}

static void
resolve_answers(void **arg)
{
	struct directory_resolve_answer m = { .verdict = DIRECTORY_OK,
		.serial = 9,
		.total = 30,
		.first = 3,
		.count = DIRECTORY_TARGETS_MAX },
					out;
	char longest[DIRECTORY_HOME_MAX];
	struct buf body = BUF_INIT;
	struct ipc_reader in;

	UNUSED(arg);
	memset(longest, 'x', sizeof(longest));
	for (size_t i = 0; i < DIRECTORY_TARGETS_MAX; i++)
		m.targets[i] = (struct directory_target){ .kind = DIRECTORY_TARGET_ACCOUNT,
			.address = bytes_make(longest, DIRECTORY_ADDRESS_MAX),
			.account = bytes_make(longest, DIRECTORY_ACCOUNT_MAX),
			.home = bytes_make(longest, DIRECTORY_HOME_MAX),
			.detail = bytes_make(longest, DIRECTORY_DETAIL_MAX),
			.uid = 1,
			.gid = 2,
			.system_user = true,
			.quota_octets = 3,
			.quota_messages = 4 };
	directory_resolve_answer_encode(&body, &m);
	assert_true(body.len <= IPC_BODY_MAX);
	in = ipc_reader(buf_bytes(&body));
	assert_int_equal(directory_resolve_answer_decode(&in, &out), ERR_OK);
	assert_int_equal(out.count, DIRECTORY_TARGETS_MAX);
	assert_int_equal(out.targets[23].quota_messages, 4);
	assert_true(out.targets[23].system_user);
	buf_clear(&body);
	m.total = 10; /* fewer than first + count */
	directory_resolve_answer_encode(&body, &m);
	in = ipc_reader(buf_bytes(&body));
	assert_int_equal(directory_resolve_answer_decode(&in, &out), ERR_SYNTAX);
	buf_free(&body);
}

/* Remote targets have a next hop, and others have none. */
static void
next_hops(void **arg)
{
	struct directory_resolve_answer m = { .total = 1, .count = 1 }, out;
	struct buf body = BUF_INIT;
	struct ipc_reader in;

	UNUSED(arg);
	m.targets[0] = (struct directory_target){ .kind = DIRECTORY_TARGET_REMOTE,
		.address = BYTES_LITERAL("a@b"),
		.next_hop = BYTES_LITERAL("b"),
		.rule = BYTES_LITERAL("smarthost") };
	directory_resolve_answer_encode(&body, &m);
	in = ipc_reader(buf_bytes(&body));
	assert_int_equal(directory_resolve_answer_decode(&in, &out), ERR_OK);
	assert_true(bytes_is(out.targets[0].next_hop, "b"));
	assert_true(bytes_is(out.targets[0].rule, "smarthost"));
	buf_clear(&body);
	m.targets[0].kind = DIRECTORY_TARGET_ACCOUNT;
	directory_resolve_answer_encode(&body, &m);
	in = ipc_reader(buf_bytes(&body));
	assert_int_equal(directory_resolve_answer_decode(&in, &out), ERR_SYNTAX);
	buf_free(&body);
}

static void
hops(void **arg)
{
	const struct directory_hop hop = { BYTES_LITERAL("[b]:25"), BYTES_LITERAL("a@b") };
	struct directory_hop_answer m = { .status = DIRECTORY_HOP_OK, .count = DIRECTORY_HOPS_MAX },
				    m2;
	char longest[DIRECTORY_PASSWORD_MAX];
	struct buf body = BUF_INIT;
	struct directory_hop h2;

	UNUSED(arg);
	directory_hop_encode(&body, &hop);
	only_whole(&body, directory_hop_decode, &h2);
	assert_true(bytes_equal(h2.next_hop, hop.next_hop));
	assert_true(bytes_equal(h2.reverse_path, hop.reverse_path));
	buf_clear(&body);
	memset(longest, 'x', sizeof(longest));
	for (size_t i = 0; i < DIRECTORY_HOPS_MAX; i++)
		m.alternatives[i] = (struct directory_hop_alternative){ .protocol = NEXT_HOP_LMTP,
			.kind = NEXT_HOP_SRV,
			.host = bytes_make(longest, DIRECTORY_HOST_MAX),
			.port = 65535,
			.has_tls = true,
			.tls = TLS_LEVEL_DANE_ONLY,
			.tls_required = true,
			.tls_names = bytes_make(longest, DIRECTORY_TLS_NAMES_MAX),
			.login = bytes_make(longest, DIRECTORY_LOGIN_MAX),
			.password = bytes_make(longest, DIRECTORY_PASSWORD_MAX) };
	m.helo = BYTES_LITERAL("mx.example.org");
	directory_hop_answer_encode(&body, &m);
	assert_true(body.len <= IPC_BODY_MAX);
	only_whole(&body, directory_hop_answer_decode, &m2);
	assert_int_equal(m2.count, DIRECTORY_HOPS_MAX);
	assert_int_equal(m2.alternatives[7].tls, TLS_LEVEL_DANE_ONLY);
	assert_int_equal(m2.alternatives[7].password.n, DIRECTORY_PASSWORD_MAX);
	assert_true(bytes_equal(m2.helo, m.helo));
	buf_free(&body);
}

static void
ledger_messages(void **arg)
{
	struct ledger_add add = { BYTES_LITERAL("a@b"), -5, -1, 100, LEDGER_LIMIT_UNKNOWN, true },
			  a2;
	struct ledger_use use = { BYTES_LITERAL("a@b"), 1, 2, 3, 4 }, u2;
	struct ledger_done done = { ERR_NO_SPACE }, d2;
	struct buf body = BUF_INIT;

	UNUSED(arg);
	ledger_add_encode(&body, &add);
	only_whole(&body, ledger_add_decode, &a2);
	assert_true(a2.octets == -5 && a2.messages == -1 && a2.answer);
	assert_true(a2.limit_messages == LEDGER_LIMIT_UNKNOWN);
	buf_clear(&body);
	ledger_use_encode(&body, &use);
	only_whole(&body, ledger_use_decode, &u2);
	assert_true(u2.octets == 1 && u2.messages == 2 && u2.limit_octets == 3 &&
		    u2.limit_messages == 4);
	buf_clear(&body);
	ledger_done_encode(&body, &done);
	only_whole(&body, ledger_done_decode, &d2);
	assert_int_equal(d2.err, ERR_NO_SPACE);
	buf_free(&body);
}

static const struct reply_row {
	const char *label;
	enum directory_verdict verdict;
	int code;
	const char *enhanced;
} reply_rows[] = {
	{ "ok", DIRECTORY_OK, 250, "2.1.5" },
	{ "unknown", DIRECTORY_UNKNOWN, 550, "5.1.1" },
	{ "no relay", DIRECTORY_NO_RELAY, 554, "5.7.1" },
	{ "over quota", DIRECTORY_OVER_QUOTA, 452, "4.2.2" },
	{ "temporary", DIRECTORY_TEMPORARY, 451, "4.3.0" },
	{ "out of range", DIRECTORY_VERDICTS, 451, "4.3.0" },
};

static void
reply_one(void **arg)
{
	const struct reply_row *t = *arg;
	struct directory_reply r = directory_verdict_reply(t->verdict);

	assert_int_equal(r.code, t->code);
	assert_string_equal(r.enhanced, t->enhanced);
	assert_int_equal(r.code / 100, r.enhanced[0] - '0');
}

static void
sasl_and_send(void **arg)
{
	static uint8_t hashes[DIRECTORY_RECIPIENTS_MAX * DIRECTORY_RECIPIENT_SIZE];
	char longest[DIRECTORY_ADDRESS_MAX];
	struct directory_sasl_start start = { .mechanism = SASL_SCRAM_SHA_256,
		.protocol = DIRECTORY_SUBMISSION,
		.session = 7,
		.client = BYTES_LITERAL("192.0.2.1"),
		.bindings = { [SASL_TLS_UNIQUE] = BYTES_LITERAL("unique") },
		.has_initial = true },
				    start2;
	struct directory_auth_answer challenge = { .status = DIRECTORY_AUTH_CHALLENGE,
		.exchange = 99,
		.challenge = BYTES_LITERAL("r=x") },
				     challenge2;
	struct directory_send send = { .handle = BYTES_LITERAL("0123456789abcdef"),
		.session = 7,
		.queue_id = 8,
		.nsenders = DIRECTORY_SENDERS_MAX,
		.recipients = bytes_make(hashes, sizeof(hashes)) },
			      send2;
	struct buf body = BUF_INIT;
	struct ipc_reader in;

	UNUSED(arg);
	directory_sasl_start_encode(&body, &start);
	only_whole(&body, directory_sasl_start_decode, &start2);
	assert_true(start2.has_initial && start2.initial.n == 0);
	assert_true(bytes_is(start2.bindings[SASL_TLS_UNIQUE], "unique"));
	buf_clear(&body);
	directory_auth_answer_encode(&body, &challenge);
	only_whole(&body, directory_auth_answer_decode, &challenge2);
	assert_int_equal(challenge2.exchange, 99);
	buf_clear(&body);

	/* the largest fits a frame */
	memset(longest, 'x', sizeof(longest));
	send.reverse_path = bytes_make(longest, sizeof(longest));
	for (size_t i = 0; i < DIRECTORY_SENDERS_MAX; i++)
		send.senders[i] = bytes_make(longest, sizeof(longest));
	directory_send_encode(&body, &send);
	assert_true(body.len <= IPC_BODY_MAX);
	in = ipc_reader(buf_bytes(&body));
	assert_int_equal(directory_send_decode(&in, &send2), ERR_OK);
	assert_int_equal(send2.recipients.n, sizeof(hashes));
	buf_clear(&body);
	send.handle = BYTES_LITERAL("0123456789abcde"); /* one octet too few */
	directory_send_encode(&body, &send);
	in = ipc_reader(buf_bytes(&body));
	assert_int_equal(directory_send_decode(&in, &send2), ERR_SYNTAX);
	assert_true(sizeof(struct directory_send) <= IPC_MESSAGE_MAX);
	buf_free(&body);
}

/* However a recipient is written, it is one. */
static void
recipients(void **arg)
{
	struct buf a = BUF_INIT, b = BUF_INIT;

	UNUSED(arg);
	directory_recipient_put(&a, BYTES_LITERAL("Ann@Example.ORG"));
	directory_recipient_put(&b, BYTES_LITERAL("ann@example.org"));
	assert_int_equal(a.len, DIRECTORY_RECIPIENT_SIZE);
	assert_true(bytes_equal(buf_bytes(&a), buf_bytes(&b)));
	directory_recipient_put(&b, BYTES_LITERAL("bob@example.org"));
	assert_memory_not_equal(
		a.data, b.data + DIRECTORY_RECIPIENT_SIZE, DIRECTORY_RECIPIENT_SIZE);
	buf_free(&a);
	buf_free(&b);
}

/* Each refusal says something, with a code of its class. */
static void
replies(void **arg)
{
	UNUSED(arg);
	for (int s = 0; s < DIRECTORY_AUTH_STATUSES; s++) {
		struct directory_auth_reply r =
			directory_auth_status_reply((enum directory_auth_status)s);

		assert_non_null(r.text);
		if (r.code >= 400)
			assert_int_equal(r.enhanced[0] - '0', r.code / 100);
	}
	for (int v = 0; v < DIRECTORY_SEND_VERDICTS; v++) {
		struct directory_reply r = directory_send_reply((enum directory_send_verdict)v);

		assert_int_equal(r.enhanced[0] - '0', r.code / 100);
		assert_true(strlen(r.text) > 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(questions),
		cmocka_unit_test(sasl_and_send),
		cmocka_unit_test(recipients),
		cmocka_unit_test(replies),
		cmocka_unit_test(resolve_answers),
		cmocka_unit_test(next_hops),
		cmocka_unit_test(hops),
		cmocka_unit_test(ledger_messages),
	};
	TABLE_TESTS(replies, reply_rows, reply_one);

	return cmocka_run_group_tests_name("ipc/directory_msg", tests, NULL, NULL) +
	       cmocka_run_group_tests_name("ipc/directory replies", replies, NULL, NULL);
}
