/* SPDX-License-Identifier: ISC */
/* tests/unit/proto/test_rsa_der.c - bits of an RSA key: as OpenSSL counts them, or not at all. */
#include "cases.h"

#include "rsa_der.h"

/* A key of 512 bits (nobody's), around which the rows turn. */
#define ALGORITHM "\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00"
#define N7        "\1\2\3\4\5\6\7"
#define N63       N7 N7 N7 N7 N7 N7 N7 N7 N7
#define E         "\x02\x03\x01\x00\x01"
#define NUMBERS   "\x02\x41\x00\xc1" N63 E
#define KEY       "\x30\x48" NUMBERS
#define INFO      ALGORITHM "\x03\x4b\x00" KEY

static const struct row {
	const char *label;
	struct bytes der;
	unsigned bits;
} rows[] = {
	{ "512 bits", BYTES_LITERAL("\x30\x5c" INFO), 512 },
	{ "505 bits: no zero in front",
		BYTES_LITERAL("\x30\x5b" ALGORITHM "\x03\x4a\x00\x30\x47\x02\x40\x01" N63 E), 505 },
	{ "a number of one octet",
		BYTES_LITERAL(
			"\x30\x1c" ALGORITHM "\x03\x0b\x00\x30\x08\x02\x01\x03\x02\x03\x01\x00"
			"\x01"),
		2 },
	{ "nothing", BYTES_LITERAL(""), 0 },
	{ "the bare RSAPublicKey", BYTES_LITERAL(KEY), 0 },
	{ "octets behind it", BYTES_LITERAL("\x30\x5c" INFO "\x00"), 0 },
	{ "the last octet is missing",
		BYTES_LITERAL("\x30\x5c" ALGORITHM "\x03\x4b\x00\x30\x48"
			      "\x02\x41\x00\xc1" N63 "\x02\x03\x01\x00"),
		0 },
	{ "a length with too many octets", BYTES_LITERAL("\x30\x81\x5c" INFO), 0 },
	{ "a length with far too many octets", BYTES_LITERAL("\x30\x82\x00\x5c" INFO), 0 },
	{ "no length", BYTES_LITERAL("\x30\x80" INFO "\x00\x00"), 0 },
	{ "a length of three octets", BYTES_LITERAL("\x30\x83\x00\x00\x5c" INFO), 0 },
	{ "another algorithm",
		BYTES_LITERAL(
			"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00" N7 N7 N7 N7 "\1\2\3"
			"\4"),
		0 },
	{ "unused bits", BYTES_LITERAL("\x30\x5c" ALGORITHM "\x03\x4b\x01" KEY), 0 },
	{ "a negative modulus",
		BYTES_LITERAL("\x30\x5b" ALGORITHM "\x03\x4a\x00\x30\x47\x02\x40\xc1" N63 E), 0 },
	{ "a modulus with a zero too many",
		BYTES_LITERAL("\x30\x5c" ALGORITHM "\x03\x4b\x00\x30\x48"
			      "\x02\x41\x00\x41" N63 E),
		0 },
	{ "a modulus of zero",
		BYTES_LITERAL(
			"\x30\x1c" ALGORITHM "\x03\x0b\x00\x30\x08\x02\x01\x00\x02\x03\x01\x00"
			"\x01"),
		0 },
	{ "an exponent of zero",
		BYTES_LITERAL("\x30\x1a" ALGORITHM "\x03\x09\x00\x30\x06\x02\x01\x03\x02\x01\x00"),
		0 },
	{ "an empty exponent",
		BYTES_LITERAL("\x30\x19" ALGORITHM "\x03\x08\x00\x30\x05\x02\x01\x03\x02\x00"), 0 },
	{ "a third number",
		BYTES_LITERAL("\x30\x1d" ALGORITHM
			      "\x03\x0c\x00\x30\x09\x02\x01\x03\x02\x01\x03\x02\x01\x03"),
		0 },
};

static void
run_row(void **state)
{
	const struct row *t = *state;

	assert_int_equal(rsa_der_bits(t->der), t->bits);
	for (size_t n = 0; t->bits > 0 && n < t->der.n; n++) /* a part of one is none */
		assert_int_equal(rsa_der_bits(bytes_head(t->der, n)), 0);
}

int
main(void)
{
	TABLE_TESTS(tests, rows, run_row);

	return cmocka_run_group_tests_name("proto/rsa_der", tests, NULL, NULL);
}
