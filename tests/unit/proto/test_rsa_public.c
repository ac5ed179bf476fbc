/* SPDX-License-Identifier: ISC */
/* tests/unit/proto/test_rsa_public.c - public RSA keys in DER: taken, wrong, cut and changed. */
#include "../base/cases.h"

#include <stdlib.h>

#include "buf.h"
#include "encode.h"
#include "rsa_public.h"

#define BARE_64                                                                                    \
	"3048024100B812A2A5D548499F708B0ECF0E8E8AE0823B0B26B57FD22674D6C58CA3DA57"                 \
	"85C5F4BF01527E7587D8FA15EA32C4FBF9867DBEF87F4755B3378C0EFE423FED7B0203010001"

static const struct row {
	const char *label, *hex;
	unsigned bits; /* 0: it is refused */
} rows[] = {
	{ "bare, 512 bits", BARE_64, 512 },
	{ "SubjectPublicKeyInfo", "305C300D06092A864886F70D0101010500034B00" BARE_64, 512 },
	{ "with more behind it", BARE_64 "FFFF", 512 },
	{ "nine bits", "30080202010102020003", 9 },
	{ "another algorithm", "305C300D06092A864886F70D0101020500034B00" BARE_64, 0 },
	{ "unused bits", "305C300D06092A864886F70D0101010500034B01" BARE_64, 0 },
	{ "empty", "", 0 },
	{ "no sequence", "0203010001", 0 },
	{ "empty sequence", "3000", 0 },
	{ "one integer", "30030201FF", 0 },
	{ "a negative modulus", "3008020281020203", 0 },
	{ "an exponent of zero",
		"3008020201010202"
		"0000",
		0 },
	{ "an exponent of one: everybody can sign", "30080202010102020001", 0 },
	{ "an even exponent", "30080202010102020002", 0 },
	{ "an exponent of 64 bits", "300F020201010209008000000000000001", 9 },
	{ "a longer one", "300F020201010209018000000000000001", 0 },
	{ "modulus of zeros", "30080202000002020003", 0 },
	{ "no modulus", "3006020002020003", 0 },
	{ "no exponent",
		"300602020101"
		"0200",
		0 },
	{ "length without end", "3080020101020103", 0 },
	{ "length of four octets", "308400000006020101020103", 0 },
	{ "longer than there is", "3009020101020103", 0 },
	{ "integer longer than there is",
		"3006020201"
		"020103",
		0 },
};

static void
run_row(void **arg)
{
	const struct row *t = *arg;
	struct rsa_public key = { .bits = 0 };
	struct buf der = BUF_INIT;

	assert_int_equal(hex_decode(&der, bytes_from_str(t->hex)), ERR_OK);
	assert_int_equal(rsa_public_read(buf_bytes(&der), &key), t->bits > 0 ? ERR_OK : ERR_SYNTAX);
	assert_int_equal(key.bits, t->bits);
	if (t->bits > 0) {
		assert_int_equal(key.modulus.n, (t->bits + 7) / 8);
		assert_true(key.modulus.p[0] > 0 && key.exponent.p[0] > 0);
	}
	/* cut anywhere: an error, unless only what is behind it is missing */
	for (size_t n = 0; n + 2 < der.len; n++) {
		uint8_t *exact = malloc(n + 1);

		memcpy(exact, buf_bytes(&der).p, n);
		assert_int_equal(rsa_public_read(bytes_make(exact, n), &key), ERR_SYNTAX);
		free(exact);
	}
	buf_free(&der);
}

int
main(void)
{
	TABLE_TESTS(tests, rows, run_row);

	return cmocka_run_group_tests_name("proto/rsa_public", tests, NULL, NULL);
}
