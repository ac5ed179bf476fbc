/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/proto/test_dkim_tags.c - tag-lists of DKIM and their values (RFC 6376 sec. 3.2, 3.5,
 * 3.6.1). What a whole signature is worth: tests/unit/mailauth/test_dkim_verify.c.
 */
#include "../base/cases.h"

#include "dkim_tags.h"

/* "name=value|..." of what is read, or the error */
static const struct tags_row {
	const char *label, *text, *want;
	int err;
} tags_rows[] = {
	{ "one", "a=b", "a=b|", ERR_OK },
	{ "two", "a=b;c=d", "a=b|c=d|", ERR_OK },
	{ "';' at the end", "a=b;c=d;", "a=b|c=d|", ERR_OK },
	{ "';' and FWS at the end", "a=b; \r\n ", "a=b|", ERR_OK },
	{ "FWS around all", " \r\n\ta\t = \r\n b c\t; d =e ", "a=b c|d=e|", ERR_OK },
	{ "FWS inside a value stays", "a=b \r\n c", "a=b \r\n c|", ERR_OK },
	{ "empty value", "a=;b= ;c=d", "a=|b=|c=d|", ERR_OK },
	{ "'=' in a value", "a=b=c==", "a=b=c==|", ERR_OK },
	{ "case of names counts", "a=1;A=2", "a=1|A=2|", ERR_OK },
	{ "digits and '_' in a name", "a_1=b", "a_1=b|", ERR_OK },
	{ "8 bits in a value", "a=\xc3\xa4", "a=\xc3\xa4|", ERR_OK },
	{ "a name twice", "a=1;b=2;a=1", "", ERR_EXISTS },
	{ "nothing", "", "", ERR_SYNTAX },
	{ "blanks only", " \r\n ", "", ERR_SYNTAX },
	{ "';' only", ";", "", ERR_SYNTAX },
	{ "empty tag", "a=b;;c=d", "", ERR_SYNTAX },
	{ "empty tag at the beginning", ";a=b", "", ERR_SYNTAX },
	{ "no '='", "a", "", ERR_SYNTAX },
	{ "no '=' in the second", "a=b;c", "", ERR_SYNTAX },
	{ "no name", "=b", "", ERR_SYNTAX },
	{ "name begins with a digit", "1a=b", "", ERR_SYNTAX },
	{ "name with a blank", "a b=c", "", ERR_SYNTAX },
	{ "name with '-'", "a-b=c", "", ERR_SYNTAX },
	{ "control character in a value", "a=\x01", "", ERR_SYNTAX },
	{ "DEL in a value", "a=\x7f", "", ERR_SYNTAX },
};

static void
run_tags(void **arg)
{
	const struct tags_row *t = *arg;
	struct buf got = BUF_INIT;
	struct dkim_tags tags;

	assert_int_equal(dkim_tags_parse(bytes_from_str(t->text), &tags), t->err);
	if (t->err == ERR_OK) {
		for (size_t i = 0; i < tags.count; i++) {
			buf_put_bytes(&got, tags.tag[i].name);
			buf_put_u8(&got, '=');
			buf_put_bytes(&got, tags.tag[i].value);
			buf_put_u8(&got, '|');
		}
		assert_string_equal(buf_str(&got), t->want);
	}
	buf_free(&got);
}

static void
too_many_tags(void **arg)
{
	struct buf text = BUF_INIT;
	struct dkim_tags tags;

	UNUSED(arg);
	for (int i = 0; i < DKIM_TAGS_MAX; i++)
		buf_printf(&text, "a%d=b;", i);
	assert_int_equal(dkim_tags_parse(buf_bytes(&text), &tags), ERR_OK);
	assert_int_equal(tags.count, DKIM_TAGS_MAX);
	buf_put_str(&text, "more=x");
	assert_int_equal(dkim_tags_parse(buf_bytes(&text), &tags), ERR_LIMIT);
	buf_free(&text);
}

#define SIG                                                                                        \
	"v=1; a=rsa-sha256; d=example.org; s=x; b=AAAA; "                                          \
	"bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; "

static const struct signature_row {
	const char *label, *text, *why;
	int err;
	bool relaxed_header, relaxed_body;
} signature_rows[] = {
	{ "least", SIG "h=From", "", ERR_OK, false, false },
	{ "relaxed", SIG "h=From; c=relaxed", "", ERR_OK, true, false },
	{ "simple/relaxed", SIG "h=From; c=simple/relaxed", "", ERR_OK, false, true },
	{ "relaxed/relaxed", SIG "h=From; c=relaxed/relaxed", "", ERR_OK, true, true },
	{ "case of From", SIG "h=to:fROM", "", ERR_OK, false, false },
	{ "empty items in h=", SIG "h=:From::To:", "", ERR_OK, false, false },
	{ "c=/", SIG "h=From; c=/relaxed", "c=", ERR_UNSUPPORTED, false, false },
	{ "c= with more", SIG "h=From; c=simple/simple/x", "c=", ERR_UNSUPPORTED, false, false },
	{ "l= with zeros in front", SIG "h=From; l=000000000000000000000000000000000000000000001",
		"", ERR_OK, false, false },
	{ "l= too large", SIG "h=From; l=18446744073709551616", "l=", ERR_LIMIT, false, false },
	{ "l= with a sign", SIG "h=From; l=+1", "l=", ERR_SYNTAX, false, false },
	{ "t= of 13 digits", SIG "h=From; t=1000000000000", "t=", ERR_LIMIT, false, false },
	{ "x= is t=", SIG "h=From; t=5; x=5", "x=", ERR_SYNTAX, false, false },
	{ "i= with @ in quotes", SIG "h=From; i=\"a@b\"@example.org", "", ERR_OK, false, false },
	{ "i= with nothing before @", SIG "h=From; i=@example.org", "", ERR_OK, false, false },
	{ "i= with nothing behind @", SIG "h=From; i=a@", "i=", ERR_SYNTAX, false, false },
	{ "b= with blanks inside",
		"v=1; a=rsa-sha256; d=a.b; s=x; b=AA\r\n\tAA; h=From; "
		"bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
		"", ERR_OK, false, false },
	{ "b= without padding",
		"v=1; a=rsa-sha256; d=a.b; s=x; b=AAA; h=From; "
		"bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
		"b=", ERR_SYNTAX, false, false },
	{ "b= empty",
		"v=1; a=rsa-sha256; d=a.b; s=x; b=; h=From; "
		"bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
		"b=", ERR_SYNTAX, false, false },
	{ "blank before the '=' of b=",
		"v=1; a=rsa-sha256; d=a.b; s=x; b =AAAA; h=From; "
		"bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
		"", ERR_OK, false, false },
	{ "the first of two faults is told", "v=2; a=x", "d=", ERR_SYNTAX, false, false },
};

static void
run_signature(void **arg)
{
	const struct signature_row *t = *arg;
	struct dkim_signature s;
	const char *why;

	assert_int_equal(dkim_signature_parse(bytes_from_str(t->text), &s, &why), t->err);
	assert_memory_equal(why, t->why, strlen(t->why));
	if (t->err == ERR_OK) {
		assert_int_equal(s.relaxed_header, t->relaxed_header);
		assert_int_equal(s.relaxed_body, t->relaxed_body);
	}
}

static void
signature_limits(void **arg)
{
	struct buf text = BUF_INIT;
	struct dkim_signature s;
	const char *why;

	UNUSED(arg);
	buf_put_str(&text, SIG "h=From");
	for (int i = 0; i < DKIM_SIGNED_FIELDS_MAX; i++)
		buf_put_str(&text, ":x");
	assert_int_equal(dkim_signature_parse(buf_bytes(&text), &s, &why), ERR_LIMIT);
	buf_truncate(&text, text.len - 2);
	assert_int_equal(dkim_signature_parse(buf_bytes(&text), &s, &why), ERR_OK);
	buf_put_str(&text, "; z=");
	while (text.len <= DKIM_SIGNATURE_MAX)
		buf_put_u8(&text, 'z');
	assert_int_equal(dkim_signature_parse(buf_bytes(&text), &s, &why), ERR_LIMIT);
	buf_free(&text);
}

static const struct key_row {
	const char *label, *text;
	int err;
	enum dkim_key_type type;
	bool revoked, testing, strict, email, sha256;
} key_rows[] = {
	{ "least", "p=AAAA", ERR_OK, DKIM_KEY_RSA, false, false, false, true, true },
	{ "all", "v=DKIM1; k=ed25519; h=sha1:sha256; s=*; t=s:y; n=x; p=AAAA", ERR_OK,
		DKIM_KEY_ED25519, false, true, true, true, true },
	{ "revoked", "v=DKIM1; p=", ERR_OK, DKIM_KEY_RSA, true, false, false, true, true },
	{ "other service, hash and type", "k=x; s=a:b; h=sha1; p=AAAA", ERR_OK, DKIM_KEY_OTHER,
		false, false, false, false, false },
	{ "unknown flags", "t=z:yy; p=AAAA", ERR_OK, DKIM_KEY_RSA, false, false, false, true,
		true },
	{ "empty h= and s=", "h=; s=; p=AAAA", ERR_OK, DKIM_KEY_RSA, false, false, false, false,
		false },
	{ "v= in small letters", "v=dkim1; p=AAAA", ERR_SYNTAX, 0, 0, 0, 0, 0, 0 },
	{ "v= last", "p=AAAA; v=DKIM1", ERR_SYNTAX, 0, 0, 0, 0, 0, 0 },
	{ "no p=", "v=DKIM1", ERR_SYNTAX, 0, 0, 0, 0, 0, 0 },
	{ "another record", "v=spf1 a mx -all", ERR_SYNTAX, 0, 0, 0, 0, 0, 0 },
	{ "twice", "p=AAAA; p=AAAA", ERR_EXISTS, 0, 0, 0, 0, 0, 0 },
};

static void
run_key(void **arg)
{
	const struct key_row *t = *arg;
	struct dkim_key_record r;
	const char *why;

	assert_int_equal(dkim_key_record_parse(bytes_from_str(t->text), &r, &why), t->err);
	assert_int_equal(*why == '\0', t->err == ERR_OK);
	if (t->err != ERR_OK)
		return;
	assert_int_equal(r.type, t->type);
	assert_int_equal(r.revoked, t->revoked);
	assert_int_equal(r.testing, t->testing);
	assert_int_equal(r.strict_identity, t->strict);
	assert_int_equal(r.for_email, t->email);
	assert_int_equal(r.sha256, t->sha256);
}

int
main(void)
{
	struct CMUnitTest
		tests[NITEMS(tags_rows) + NITEMS(signature_rows) + NITEMS(key_rows) + 2] = {
			cmocka_unit_test(too_many_tags),
			cmocka_unit_test(signature_limits),
		};
	size_t n = 2;

	ADD_ROWS(tests, n, tags_rows, run_tags);
	ADD_ROWS(tests, n, signature_rows, run_signature);
	ADD_ROWS(tests, n, key_rows, run_key);
	return cmocka_run_group_tests_name("proto/dkim_tags", tests, NULL, NULL);
}
