/* SPDX-License-Identifier: ISC */
/* tests/unit/ipc/test_dns_msg.c - answers of resolver: there and back, odd ones, and none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dns_msg.h"

static void
test_round_trip(void **state)
{
	static const struct dns_answer in = { .status = DNS_OK,
		.secure = true,
		.cut = true,
		.ttl = 300,
		.total = 3,
		.count = 2,
		.canonical = BYTES_LITERAL("mx.example.org"),
		.why = BYTES_LITERAL(""),
		.rdata = { BYTES_LITERAL("\xc0\0\2\1"), BYTES_LITERAL("\xc0\0\2\2") } };
	struct buf body = BUF_INIT;
	struct dns_answer out;
	struct ipc_reader reader;

	UNUSED(state);
	dns_answer_encode(&body, &in);
	reader = ipc_reader(buf_bytes(&body));
	assert_int_equal(dns_answer_decode(&reader, &out), ERR_OK);
	assert_int_equal(out.status, DNS_OK);
	assert_true(out.secure && out.cut && out.total == 3 && out.count == 2 && out.ttl == 300);
	assert_true(bytes_equal(out.canonical, in.canonical));
	assert_true(bytes_equal(out.rdata[1], in.rdata[1]));
	buf_free(&body);
}

static void
test_odd_answers(void **state)
{
	const struct dns_answer odd[] = {
		{ .status = DNS_OK },
		{ .status = DNS_NODATA, .total = 1, .count = 1 },
		{ .status = DNS_NXDOMAIN, .total = 1, .cut = true },
		{ .status = DNS_OK, .total = 1, .count = 1, .cut = true },
		{ .status = DNS_OK, .total = 2, .count = 1 },
		{ .status = DNS_OK, .total = 0, .count = 1 },
		{ .status = DNS_TIMEOUT, .secure = true },
		{ .status = DNS_BOGUS, .secure = true },
		{ .status = DNS_BAD_NAME, .secure = true },
		{ .status = DNS_STATUS_COUNT },
	};

	UNUSED(state);
	for (size_t i = 0; i < NITEMS(odd); i++) {
		struct buf body = BUF_INIT;
		struct ipc_reader reader;
		struct dns_answer out;

		dns_answer_encode(&body, &odd[i]);
		reader = ipc_reader(buf_bytes(&body));
		assert_int_equal(dns_answer_decode(&reader, &out), ERR_SYNTAX);
		buf_free(&body);
	}
}

static void
test_no_answer(void **state)
{
	static const struct {
		struct ipc_answer in;
		enum dns_status status;
	} rows[] = { { { .err = ERR_TIMEOUT }, DNS_TIMEOUT }, { { .err = ERR_PEER }, DNS_BUSY },
		{ { .err = ERR_OK, .type = DNS_QUERY }, DNS_SERVFAIL },
		{ { .err = ERR_OK, .type = DNS_ANSWER }, DNS_SERVFAIL } };

	UNUSED(state);
	for (size_t i = 0; i < NITEMS(rows); i++) {
		struct dns_answer out;

		dns_answer_from(&rows[i].in, &out);
		assert_int_equal(out.status, rows[i].status);
		assert_true(dns_status_is_temporary(out.status));
		assert_int_equal(out.count, 0);
	}
}

/* Only what a zone's servers said is known. */
static void
test_what_is_temporary(void **state)
{
	UNUSED(state);
	for (unsigned i = 0; i < DNS_STATUS_COUNT; i++)
		assert_int_equal(dns_status_is_temporary((enum dns_status)i),
			i == DNS_SERVFAIL || i == DNS_BOGUS || i == DNS_TIMEOUT || i == DNS_BUSY);
	assert_string_equal(dns_status_name(DNS_NXDOMAIN), "nxdomain");
	assert_string_equal(dns_status_name(DNS_STATUS_COUNT), "unknown");
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_odd_answers), cmocka_unit_test(test_no_answer),
		cmocka_unit_test(test_what_is_temporary) };

	return cmocka_run_group_tests_name("ipc/dns_msg", tests, NULL, NULL);
}
