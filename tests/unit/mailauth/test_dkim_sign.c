/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/mailauth/test_dkim_sign.c - keys, their records, and the fields that are made. That
 * they verify elsewhere: tests/system/test_dkim_peers.py.
 */
#include "../base/cases.h"

#include <openssl/evp.h>
#include <stdlib.h>

#include "dkim_sign.h"
#include "dkim_verify.h"
#include "rfc5322.h"
#include "dkim_craft.h"

#define NOW 1700000000

static struct dkim_key *keys[2]; /* RSA, Ed25519 */
static struct zone_dns *zone;
static struct dkim_verifier *verifier;

/* --- what is signed ---------------------------------------------------------------------- */

#define ALWAYS                                                                                     \
	"Reply-To:Subject:Date:To:Cc:Message-ID:MIME-Version:Content-Type:Content-Transfer-"       \
	"Encoding"

static const struct sign_row {
	const char *label, *header, *fields; /* h=, or NULL: refused */
	int err;
} sign_rows[] = {
	{ "From alone", "From: a\r\n", "From:From:" ALWAYS, ERR_OK },
	{ "with the blank line", "From: a\r\n\r\nTo: b", "From:From:" ALWAYS, ERR_OK },
	{ "two From", "From: a\r\nFROM: b\r\n", "From:From:From:" ALWAYS, ERR_OK },
	{ "not signed", "From: a\r\nReceived: x\r\nX-Y: z\r\nReturn-Path: <>\r\nBcc: b\r\n",
		"From:From:" ALWAYS, ERR_OK },
	{ "those of answers", "From: a\r\nIn-Reply-To: x\r\nReferences: y\r\n",
		"From:From:" ALWAYS ":In-Reply-To:In-Reply-To:References:References", ERR_OK },
	{ "those of lists", "List-Id: x\r\nFrom: a\r\nList-Unsubscribe: y\r\n",
		"From:From:" ALWAYS ":List-Id:List-Id:List-Unsubscribe:List-Unsubscribe", ERR_OK },
	{ "resent: not once more", "Resent-From: x\r\nFrom: a\r\n",
		"From:From:" ALWAYS ":Resent-From", ERR_OK },
	{ "begins with a blank", " x\r\nFrom: a\r\n", NULL, ERR_SYNTAX },
	{ "no From", "To: a\r\n", NULL, ERR_NOT_FOUND },
	{ "no header", "", NULL, ERR_NOT_FOUND },
	{ "From behind the blank line", "To: a\r\n\r\nFrom: b\r\n", NULL, ERR_NOT_FOUND },
};

static int
sign(struct bytes header, struct bytes body, const struct dkim_sign_options *options,
	struct buf *out)
{
	const struct dkim_signing_key with[] = {
		{ BYTES_LITERAL("Example.ORG"), BYTES_LITERAL("r"), keys[0] },
		{ BYTES_LITERAL("example.org"), BYTES_LITERAL("E1"), keys[1] },
	};
	struct dkim_signing *s;
	int r = dkim_signing_new(with, 2, header, options, &s);

	if (r < 0)
		return r;
	for (; body.n > 0; body = bytes_skip(body, 3))
		dkim_signing_body(s, bytes_head(body, 3));
	r = dkim_signing_end(s, out);
	dkim_signing_free(&s);
	assert_null(s);
	return r;
}

static void
expect_h(struct bytes value, const char *want)
{
	struct buf got = BUF_INIT;
	struct dkim_signature s;
	struct bytes name;
	const char *why;

	assert_int_equal(dkim_signature_parse(value, &s, &why), ERR_OK);
	assert_true(s.relaxed_header && s.relaxed_body && !s.has_length);
	while (dkim_list_next(&s.fields, &name)) {
		buf_put_str(&got, got.len == 0 ? "" : ":");
		buf_put_bytes(&got, name);
	}
	assert_string_equal(buf_str(&got), want);
	buf_free(&got);
}

static void
nothing(void *arg)
{
	UNUSED(arg);
}

static void
expect_pass(struct bytes fields, struct bytes header, struct bytes body)
{
	struct mailauth_dns dns = zone_dns_way(zone);
	const struct dkim_verdict *v;
	struct buf all = BUF_INIT;
	struct dkim_check *c;
	size_t n;

	buf_put_bytes(&all, fields);
	buf_put_bytes(&all, header);
	dkim_check_start(verifier, &dns, buf_bytes(&all), NOW, nothing, NULL, &c);
	dkim_check_body(c, body);
	v = dkim_check_end(c, &n);
	assert_int_equal(n, 2);
	for (size_t i = 0; i < n; i++) {
		assert_string_equal(v[i].why, "");
		assert_int_equal(v[i].result, DKIM_PASS);
		assert_true(bytes_is(v[i].domain, "example.org"));
		assert_true(bytes_is(v[i].selector, i == 0 ? "r" : "e1"));
		assert_true(bytes_is(v[i].identity, "@example.org"));
		assert_int_equal(v[i].b_head.n, 8);
		assert_int_equal(v[i].key_bits, i == 0 ? 2048 : 256);
	}
	dkim_check_free(&c);
	buf_free(&all);
}

static void
run_sign(void **arg)
{
	const struct sign_row *t = *arg;
	const struct dkim_sign_options options = { .now = NOW };
	const struct bytes header = bytes_from_str(t->header),
			   body = BYTES_LITERAL(" a  b \r\n\r\n");
	struct buf fields = BUF_INIT;
	struct rfc5322_field f;
	struct bytes rest;

	assert_int_equal(sign(header, body, &options, &fields), t->err);
	rest = buf_bytes(&fields);
	for (int i = 0; t->err == ERR_OK && i < 2; i++) {
		assert_true(rfc5322_field_next(&rest, &f));
		assert_true(bytes_is(f.name, "DKIM-Signature"));
		expect_h(f.value, t->fields);
	}
	assert_int_equal(rest.n, 0);
	if (t->err == ERR_OK)
		expect_pass(buf_bytes(&fields), header, body);
	buf_free(&fields);
}

static void
lines_are_short(void **arg)
{
	const struct dkim_sign_options options = { .now = NOW, .expire_secs = 400000000 };
	struct buf fields = BUF_INIT;
	struct bytes rest;

	UNUSED(arg);
	assert_int_equal(sign(BYTES_LITERAL("From: a\r\n"), BYTES_NONE, &options, &fields), ERR_OK);
	assert_true(bytes_search(buf_bytes(&fields), BYTES_LITERAL("x=2100000000;")) < 300);
	for (rest = buf_bytes(&fields); rest.n > 0;) {
		size_t n = rfc5322_line_len(rest);

		assert_true(n <= 80);
		assert_memory_equal(rest.p + n - 2, "\r\n", 2);
		rest = bytes_skip(rest, n);
	}
	expect_pass(buf_bytes(&fields), BYTES_LITERAL("From: a\r\n"), BYTES_NONE);
	buf_free(&fields);
}

static void
limits(void **arg)
{
	const struct dkim_sign_options options = { .now = NOW };
	const struct dkim_signing_key one = { BYTES_LITERAL("a.b"), BYTES_LITERAL("c"), keys[1] };
	struct dkim_signing_key many[DKIM_SIGNING_KEYS_MAX + 1];
	struct buf header = BUF_INIT, fields = BUF_INIT;
	struct dkim_signing *s;

	UNUSED(arg);
	for (size_t i = 0; i < NITEMS(many); i++)
		many[i] = one;
	assert_int_equal(
		dkim_signing_new(many, 0, BYTES_LITERAL("From: a\r\n"), &options, &s), ERR_LIMIT);
	assert_int_equal(
		dkim_signing_new(many, NITEMS(many), BYTES_LITERAL("From: a\r\n"), &options, &s),
		ERR_LIMIT);
	buf_put_str(&header, "From: a\r\n");
	for (int i = 0; i < 250; i++)
		buf_put_str(&header, "To: b\r\n");
	assert_int_equal(sign(buf_bytes(&header), BYTES_NONE, &options, &fields), ERR_LIMIT);
	for (int i = 0; i < DKIM_FIELDS_MAX; i++)
		buf_put_str(&header, "X: b\r\n");
	assert_int_equal(sign(buf_bytes(&header), BYTES_NONE, &options, &fields), ERR_LIMIT);
	buf_free(&header);
	buf_free(&fields);
}

/* --- keys -------------------------------------------------------------------------------- */

static const struct key_row {
	const char *label, *text;
	int err;
} key_rows[] = {
	{ "nothing", "", ERR_SYNTAX },
	{ "nonsense", "hello", ERR_SYNTAX },
	{ "a public key",
		"-----BEGIN PUBLIC KEY-----\n"
		"MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"
		"-----END PUBLIC KEY-----\n",
		ERR_SYNTAX },
	{ "Ed25519, PKCS #8",
		"-----BEGIN PRIVATE KEY-----\n"
		"MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
		"-----END PRIVATE KEY-----\n",
		ERR_OK },
};

static void
run_key(void **arg)
{
	const struct key_row *t = *arg;
	struct dkim_key *key = NULL;
	struct buf record = BUF_INIT;

	assert_int_equal(dkim_key_read(bytes_from_str(t->text), &key), t->err);
	if (t->err == ERR_OK) { /* RFC 8463 app. A */
		dkim_key_record(key, &record);
		assert_string_equal(buf_str(&record),
			"v=DKIM1; k=ed25519; h=sha256; "
			"p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");
	}
	dkim_key_free(&key);
	buf_free(&record);
}

static void
expect_key(EVP_PKEY *evp, int err)
{
	unsigned char *der = NULL;
	int n = i2d_PrivateKey(evp, &der); /* PKCS #1 if it is RSA */
	struct dkim_key *key = NULL;

	assert_int_equal(dkim_key_read(bytes_make(der, (size_t)n), &key), err);
	dkim_key_free(&key);
	OPENSSL_free(der);
	EVP_PKEY_free(evp);
}

static void
key_sizes(void **arg)
{
	UNUSED(arg);
	expect_key(EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)1023), ERR_LIMIT);
	expect_key(EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)1024), ERR_OK);
	expect_key(EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256"), ERR_UNSUPPORTED);
}

static void
records(void **arg)
{
	struct buf record = BUF_INIT, text = BUF_INIT;

	UNUSED(arg);
	for (int i = 0; i < 2; i++) {
		buf_clear(&record);
		dkim_key_record(keys[i], &record);
		assert_true(dkim_key_is_published(keys[i], buf_bytes(&record)));
		assert_false(dkim_key_is_published(keys[1 - i], buf_bytes(&record)));
		buf_put_str(&record, ";t=y");
		assert_true(dkim_key_is_published(keys[i], buf_bytes(&record)));
		buf_put_str(&record, ";s=chat");
		assert_false(dkim_key_is_published(keys[i], buf_bytes(&record)));
	}
	assert_false(dkim_key_is_published(keys[0], BYTES_LITERAL("v=DKIM1; p=")));
	assert_false(dkim_key_is_published(keys[0], BYTES_NONE));

	buf_clear(&record);
	for (int i = 0; i < 256; i++)
		buf_put_u8(&record, 'a');
	dkim_key_quote_strings(buf_bytes(&record), &text);
	assert_int_equal(text.len, 256 + 5);
	assert_memory_equal(buf_str(&text) + 255, "a\" \"a\"", 6);
	buf_free(&record);
	buf_free(&text);
}

static void
generated(void **arg)
{
	enum dkim_key_type type;
	struct buf pem = BUF_SECRET;

	UNUSED(arg);
	assert_int_equal(dkim_key_generate(DKIM_KEY_OTHER, &pem), ERR_UNSUPPORTED);
	assert_int_equal(pem.len, 0);
	assert_int_equal(dkim_key_type(keys[0]), DKIM_KEY_RSA);
	assert_int_equal(dkim_key_bits(keys[0]), DKIM_KEY_RSA_BITS);
	assert_int_equal(dkim_key_bits(keys[1]), 256);
	assert_int_equal(dkim_key_type_parse(BYTES_LITERAL("ED25519"), &type), ERR_OK);
	assert_int_equal(type, DKIM_KEY_ED25519);
	assert_int_equal(dkim_key_type_parse(BYTES_LITERAL("dsa"), &type), ERR_SYNTAX);
	buf_free(&pem);
}

/* --- all --------------------------------------------------------------------------------- */

static void
new_key(int i)
{
	struct buf pem = BUF_SECRET, record = BUF_INIT;

	assert_int_equal(dkim_key_generate(i == 0 ? DKIM_KEY_RSA : DKIM_KEY_ED25519, &pem), ERR_OK);
	assert_int_equal(dkim_key_read(buf_bytes(&pem), &keys[i]), ERR_OK);
	dkim_key_record(keys[i], &record);
	dkim_craft_publish(zone, i == 0 ? "r._domainkey.example.org" : "e1._domainkey.example.org",
		buf_bytes(&record));
	buf_free(&pem);
	buf_free(&record);
}

static int
set_up(void **state)
{
	const struct dkim_verify_options options = { 8, 1024, 1000000 };

	UNUSED(state);
	zone = xcalloc(1, sizeof(*zone));
	verifier = dkim_verifier_new(&options);
	for (int i = 0; i < 2; i++)
		new_key(i);
	return 0;
}

static int
tear_down(void **state)
{
	UNUSED(state);
	dkim_key_free(&keys[0]);
	dkim_key_free(&keys[1]);
	dkim_verifier_free(&verifier);
	zone_dns_reset(zone);
	free(zone);
	return 0;
}

int
main(void)
{
	struct CMUnitTest tests[NITEMS(sign_rows) + NITEMS(key_rows) + 5] = {
		cmocka_unit_test(lines_are_short),
		cmocka_unit_test(limits),
		cmocka_unit_test(key_sizes),
		cmocka_unit_test(records),
		cmocka_unit_test(generated),
	};
	size_t n = 5;

	ADD_ROWS(tests, n, sign_rows, run_sign);
	ADD_ROWS(tests, n, key_rows, run_key);
	return cmocka_run_group_tests_name("mailauth/dkim_sign", tests, set_up, tear_down);
}
