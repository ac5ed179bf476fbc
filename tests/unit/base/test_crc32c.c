/* SPDX-License-Identifier: ISC */
/* tests/unit/base/test_crc32c.c - RFC 3720's vectors by the CPU and by the table. */
#include "cases.h"

#include <stdlib.h>

#include "crc32c.h"

static uint8_t zeros[32], ones[32], up[32], down[32];

static const struct row {
	const char *label;
	struct bytes in;
	uint32_t crc;
} rows[] = {
	{ "nothing", { NULL, 0 }, 0 },
	{ "check value", BYTES_LITERAL("123456789"), 0xe3069283 },
	{ "one octet", BYTES_LITERAL("a"), 0xc1d04330 },
	/* RFC 3720 app. B.4 */
	{ "32 zeros", { zeros, 32 }, 0x8a9136aa },
	{ "32 ones", { ones, 32 }, 0x62a8ab43 },
	{ "32 incrementing", { up, 32 }, 0x46dd794e },
	{ "32 decrementing", { down, 32 }, 0x113fdb5c },
};

static void
run_row(void **arg)
{
	const struct row *t = *arg;

	assert_int_equal(crc32c(0, t->in), t->crc);
	assert_int_equal(crc32c_by_table(0, t->in), t->crc);
	for (size_t cut = 0; cut <= t->in.n; cut++) { /* in two parts */
		uint32_t crc = crc32c(0, bytes_head(t->in, cut));

		assert_int_equal(crc32c(crc, bytes_skip(t->in, cut)), t->crc);
	}
}

static void
both_ways_agree(void **arg)
{
	static uint8_t data[5000];
	unsigned seed = 7;

	UNUSED(arg);
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)rand_r(&seed);
	for (int i = 0; i < 500; i++) {
		size_t from = (size_t)rand_r(&seed) % 64;
		size_t n = (size_t)rand_r(&seed) % (sizeof(data) - from);
		struct bytes b = bytes_make(data + from, n);
		uint32_t start = (uint32_t)rand_r(&seed);

		assert_int_equal(crc32c(start, b), crc32c_by_table(start, b));
	}
}

int
main(void)
{
	static const struct CMUnitTest others[] = { cmocka_unit_test(both_ways_agree) };
	TABLE_TESTS(tests, rows, run_row);

	memset(ones, 0xff, sizeof(ones));
	for (size_t i = 0; i < 32; i++) {
		up[i] = (uint8_t)i;
		down[i] = (uint8_t)(31 - i);
	}
	return cmocka_run_group_tests_name("base/crc32c vectors", tests, NULL, NULL) +
	       cmocka_run_group_tests_name("base/crc32c", others, NULL, NULL);
}
