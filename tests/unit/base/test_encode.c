/* SPDX-License-Identifier: ISC */
/* tests/unit/base/test_encode.c - RFC 4648's vectors, and what a strict decoder refuses. */
#include "cases.h"

#include "encode.h"
#include "err.h"

static const struct vector {
	const char *label, *plain, *base64, *hex;
} vectors[] = {
	/* RFC 4648 sec. 10 */
	{ "empty", "", "", "" },
	{ "f", "f", "Zg==", "66" },
	{ "fo", "fo", "Zm8=", "666f" },
	{ "foo", "foo", "Zm9v", "666f6f" },
	{ "foob", "foob", "Zm9vYg==", "666f6f62" },
	{ "fooba", "fooba", "Zm9vYmE=", "666f6f6261" },
	{ "foobar", "foobar", "Zm9vYmFy", "666f6f626172" },
	{ "all digits", "\xfb\xef\xff", "++//", "fbefff" },
};

static void
run_vector(void **arg)
{
	const struct vector *t = *arg;
	struct buf b = BUF_INIT;

	base64_encode(&b, bytes_from_str(t->plain));
	assert_string_equal(buf_str(&b), t->base64);
	buf_clear(&b);
	assert_int_equal(base64_decode(&b, bytes_from_str(t->base64)), ERR_OK);
	assert_string_equal(buf_str(&b), t->plain);
	buf_clear(&b);
	hex_encode(&b, bytes_from_str(t->plain));
	assert_string_equal(buf_str(&b), t->hex);
	buf_clear(&b);
	assert_int_equal(hex_decode(&b, bytes_from_str(t->hex)), ERR_OK);
	assert_string_equal(buf_str(&b), t->plain);
	buf_free(&b);
}

static const struct bad {
	const char *label;
	int (*decode)(struct buf *, struct bytes);
	struct bytes in;
} bads[] = {
	{ "base64: length", base64_decode, BYTES_LITERAL("Zg=") },
	{ "base64: no padding", base64_decode, BYTES_LITERAL("Zg") },
	{ "base64: only padding", base64_decode, BYTES_LITERAL("====") },
	{ "base64: three pads", base64_decode, BYTES_LITERAL("Z===") },
	{ "base64: pad inside", base64_decode, BYTES_LITERAL("Zg==Zg==") },
	{ "base64: pad before the end", base64_decode, BYTES_LITERAL("Z=g=") },
	{ "base64: bits left over, one pad", base64_decode, BYTES_LITERAL("Zm9=") },
	{ "base64: bits left over, two pads", base64_decode, BYTES_LITERAL("Zh==") },
	{ "base64: blank", base64_decode, BYTES_LITERAL("Zm9 ") },
	{ "base64: line end", base64_decode, BYTES_LITERAL("Zm9v\r\n==") },
	{ "base64: URL alphabet", base64_decode, BYTES_LITERAL("-_-_") },
	{ "base64: NUL", base64_decode, BYTES_LITERAL("Zm9\0") },
	{ "base64: eight bits", base64_decode, BYTES_LITERAL("Zm9\xc3") },
	{ "hex: odd", hex_decode, BYTES_LITERAL("abc") },
	{ "hex: not a digit", hex_decode, BYTES_LITERAL("0g") },
	{ "hex: sign", hex_decode, BYTES_LITERAL("+1") },
};

static void
run_bad(void **arg)
{
	const struct bad *t = *arg;
	struct buf b = BUF_INIT;

	buf_put_str(&b, "before");
	assert_int_equal(t->decode(&b, t->in), ERR_SYNTAX);
	assert_string_equal(buf_str(&b), "before");
	buf_free(&b);
}

static void
every_octet_comes_back(void **arg)
{
	struct buf text = BUF_INIT, back = BUF_INIT;
	uint8_t all[256];

	UNUSED(arg);
	for (size_t i = 0; i < sizeof(all); i++)
		all[i] = (uint8_t)i;
	for (size_t n = 0; n <= sizeof(all); n++) {
		buf_clear(&text);
		buf_clear(&back);
		base64_encode(&text, bytes_make(all, n));
		assert_int_equal(base64_decode(&back, buf_bytes(&text)), ERR_OK);
		assert_true(bytes_equal(buf_bytes(&back), bytes_make(all, n)));
	}
	buf_clear(&back);
	assert_int_equal(hex_decode(&back, BYTES_LITERAL("aBCdEF")), ERR_OK);
	assert_true(bytes_is(buf_bytes(&back), "\xab\xcd\xef"));
	buf_free(&text);
	buf_free(&back);
}

int
main(void)
{
	static const struct CMUnitTest others[] = { cmocka_unit_test(every_octet_comes_back) };
	TABLE_TESTS(vector_tests, vectors, run_vector);
	TABLE_TESTS(bad_tests, bads, run_bad);

	return cmocka_run_group_tests_name("base/encode vectors", vector_tests, NULL, NULL) +
	       cmocka_run_group_tests_name("base/encode refused", bad_tests, NULL, NULL) +
	       cmocka_run_group_tests_name("base/encode", others, NULL, NULL);
}
