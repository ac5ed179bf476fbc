/* SPDX-License-Identifier: ISC */
/* tests/unit/map/test_password_record.c - schemes of passwords: Dovecot's own records, what is
 * no record, SCRAM by RFC 7677's example, the words of an account's line. */
#include "../base/cases.h"

#include <stdio.h>
#include <stdlib.h>

#include "account_words.h"
#include "encode.h"
#include "err.h"
#include "password_record.h"
#include "sasl_prep.h"

/* ---- one row each ---- */

static const struct row {
	const char *label, *record, *password;
	int check;
	bool right;
} rows[] = {
	{ "none", "*", "", ERR_OK, false },
	{ "none and a password", "*", "*", ERR_OK, false },
	{ "plain", "{PLAIN}horse", "horse", ERR_OK, true },
	{ "scheme in small letters", "{plain}horse", "horse", ERR_OK, true },
	{ "plain, longer", "{PLAIN}horse", "horses", ERR_OK, false },
	{ "plain, shorter", "{PLAIN}horse", "hors", ERR_OK, false },
	{ "plain and empty", "{PLAIN}", "", ERR_SYNTAX, false },
	{ "empty password", "{PLAIN}horse", "", ERR_OK, false },
	{ "in the clear", "horse", "horse", ERR_SYNTAX, false },
	{ "unknown scheme", "{ROT13}ubefr", "horse", ERR_UNSUPPORTED, false },
	{ "unknown encoding", "{PLAIN.b32}ubefr", "horse", ERR_UNSUPPORTED, false },
	{ "scheme not closed", "{PLAIN", "horse", ERR_SYNTAX, false },
	{ "no scheme", "{}horse", "horse", ERR_UNSUPPORTED, false },
	{ "base64 not whole", "{PLAIN.b64}aG9yc2", "horse", ERR_SYNTAX, false },
	{ "hex with another letter", "{PLAIN.hex}686f7273 5", "horse", ERR_SYNTAX, false },
	{ "crypt of another scheme", "{SHA512-CRYPT}$5$aaaaaaaa$bbbbbbbbbbbbbbbb", "x", ERR_SYNTAX,
		false },
	{ "crypt with a blank", "{CRYPT}$6$aaaa aaaa$b", "x", ERR_SYNTAX, false },
	{ "crypt that failed", "{CRYPT}*0*0*0*0*0*0*0*0", "x", ERR_SYNTAX, false },
	{ "digest too short", "{SHA256}QQTTb42iwlQ0n4WDZ5Pr4A==", "x", ERR_SYNTAX, false },
	{ "salted digest without salt", "{SSHA}L55TUjtiq8FBorTWAZ0jy6g129A=", "correct horse",
		ERR_SYNTAX, false },
	{ "argon2 of 2 GiB",
		"{ARGON2ID}$argon2id$v=19$m=2097152,t=3,p=1$lc7Cvb50c5rpEUYdScQKXQ$U5b1WBLEtoKeJYK",
		"x", ERR_SYNTAX, false },
	{ "argon2 of the other kind",
		"{ARGON2I}$argon2id$v=19$m=65536,t=3,p=1$lc7Cvb50c5rpEUYdScQKXQ$U5b1WBLEtoKeJYK",
		"x", ERR_SYNTAX, false },
	{ "argon2 broken behind the salt",
		"{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=1$lc7Cvb50c5rpEUYdScQKXQ", "x", ERR_OK,
		false },
	{ "pbkdf2 without rounds", "{PBKDF2}$1$salt$$cb9284cfc545919847946954f18cd8c53d38fe7b", "x",
		ERR_SYNTAX, false },
	{ "scram of no iterations",
		"{SCRAM-SHA-1}0,c2FsdA==,U2+QqT5Z9oGQiJKT464SVFBN3KA=,"
		"lpRGx+eZj2pk7Ej/bTdoqCYC+mY=",
		"x", ERR_SYNTAX, false },
	{ "scram with the other's key",
		"{SCRAM-SHA-256}4096,c2FsdA==,U2+QqT5Z9oGQiJKT464SVFBN3KA=,"
		"lpRGx+eZj2pk7Ej/bTdoqCYC+mY=",
		"x", ERR_SYNTAX, false },
	{ "scram with more",
		"{SCRAM-SHA-1}4096,c2FsdA==,U2+QqT5Z9oGQiJKT464SVFBN3KA=,"
		"lpRGx+eZj2pk7Ej/bTdoqCYC+mY=,x",
		"x", ERR_SYNTAX, false },
};

static void
run_row(void **arg)
{
	const struct row *t = *arg;
	const char *why = "";

	assert_int_equal(password_record_check(bytes_from_str(t->record), &why), t->check);
	if (t->check != ERR_OK)
		assert_true(strlen(why) > 0);
	assert_int_equal(
		password_record_verify(bytes_from_str(t->record), bytes_from_str(t->password)),
		t->right);
}

/* ---- Dovecot's ---- */

static void
dovecots(void **arg)
{
	FILE *f = fopen("tests/data/passwords/dovecot", "re");
	char line[1024];
	unsigned n = 0;
	const char *why;

	UNUSED(arg);
	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL) {
		struct bytes record = bytes_trim(bytes_from_str(line)), password;

		if (line[0] == '#')
			continue;
		password = BYTES_LITERAL("correct horse");
		if (bytes_find(record, '\t') != BYTES_NOT_FOUND)
			password = bytes_cut(&record, '\t');
		n++;
		assert_int_equal(password_record_check(record, &why), ERR_OK);
		assert_true(password_record_verify(record, password));
		assert_false(password_record_verify(record, BYTES_LITERAL("Correct horse")));
		assert_true(password_record_scheme(record)[0] != 0);
		assert_false(password_record_is_none(record));
	}
	fclose(f);
	assert_true(n > 30);
}

static void
schemes_by_name(void **arg)
{
	UNUSED(arg);
	assert_string_equal(password_record_scheme(BYTES_LITERAL("$y$j9T$abc$def")), "YESCRYPT");
	assert_string_equal(password_record_scheme(BYTES_LITERAL("$6$abc$def")), "SHA512-CRYPT");
	assert_string_equal(
		password_record_scheme(BYTES_LITERAL("{CRYPT}$2y$05$abc")), "BLF-CRYPT");
	assert_string_equal(password_record_scheme(BYTES_LITERAL("$9$abc")), "CRYPT");
	assert_string_equal(password_record_scheme(BYTES_LITERAL("*")), "");
	assert_true(password_record_is_none(BYTES_LITERAL("*")));
	assert_true(password_record_is_weak(BYTES_LITERAL("{PLAIN}x")));
	assert_true(password_record_is_weak(BYTES_LITERAL("{CRYPT}$1$abc$def")));
	assert_false(password_record_is_weak(BYTES_LITERAL("$y$j9T$abc$def")));
}

/* ---- SCRAM ---- */

/* RFC 7677 sec. 3, word for word. */
static void
rfc7677(void **arg)
{
	static const struct bytes messages =
		BYTES_LITERAL("n=user,r=rOprNGfwEbeRWgbNEkqO,"
			      "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s="
			      "W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,"
			      "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0");
	static const uint8_t salt[16] = { 0x5b, 0x6d, 0x99, 0x68, 0x9d, 0x12, 0x35, 0x8e, 0xec,
		0xa0, 0x4b, 0x14, 0x12, 0x36, 0xfa, 0x81 };
	struct scram_record r = { .hash = SCRAM_HASH_SHA_256,
		.iterations = 4096,
		.salt_size = sizeof(salt) },
			    again;
	struct buf text = BUF_INIT, theirs = BUF_INIT;
	uint8_t signature[32];

	UNUSED(arg);
	memcpy(r.salt, salt, sizeof(salt));
	scram_record_derive(&r, BYTES_LITERAL("pencil"));
	assert_int_equal(base64_decode(&theirs,
				 BYTES_LITERAL("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")),
		ERR_OK);
	assert_true(scram_proof_is_right(&r, messages, buf_bytes(&theirs)));
	theirs.data[theirs.start] ^= 1;
	assert_false(scram_proof_is_right(&r, messages, buf_bytes(&theirs)));
	assert_false(scram_proof_is_right(&r, messages, bytes_head(buf_bytes(&theirs), 31)));

	buf_clear(&theirs);
	assert_int_equal(base64_decode(&theirs,
				 BYTES_LITERAL("6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")),
		ERR_OK);
	scram_hmac(SCRAM_HASH_SHA_256, bytes_make(r.server_key, 32), messages, signature);
	assert_memory_equal(signature, buf_bytes(&theirs).p, 32);

	scram_record_put(&text, &r);
	assert_int_equal(scram_record_parse(SCRAM_HASH_SHA_256, buf_bytes(&text), &again), ERR_OK);
	assert_int_equal(again.iterations, 4096);
	assert_memory_equal(again.stored_key, r.stored_key, 32);
	assert_memory_equal(again.server_key, r.server_key, 32);
	buf_free(&text);
	buf_free(&theirs);
}

/* ---- SASLprep: RFC 4013 sec. 3 ---- */

static const struct prep_row {
	const char *label, *in, *out; /* out NULL: refused */
} prep_rows[] = {
	{ "soft hyphen", "I\xc2\xadX", "IX" },
	{ "nothing to do", "user", "user" },
	{ "case stays", "USER", "USER" },
	{ "feminine ordinal", "\xc2\xaa", "a" },
	{ "roman nine", "\xe2\x85\xa8", "IX" },
	{ "control", "\x07", NULL },
	{ "bidirectional", "\xd8\xa7\x31", NULL },
	{ "no-break space",
		"a\xc2\xa0"
		"b",
		"a b" },
	{ "not UTF-8", "a\xff", NULL },
	{ "overlong", "a\xc0\xaf", NULL },
	{ "only soft hyphens", "\xc2\xad\xc2\xad", NULL },
	{ "empty", "", NULL },
};

static void
run_prep(void **arg)
{
	const struct prep_row *t = *arg;
	struct buf out = BUF_INIT;
	int r = sasl_prep(&out, bytes_from_str(t->in), SASL_PREP_QUERY);

	assert_int_equal(r, t->out == NULL ? ERR_SYNTAX : ERR_OK);
	assert_true(bytes_is(buf_bytes(&out), t->out == NULL ? "" : t->out));
	buf_free(&out);
}

/* ---- the words of a line ---- */

static void
words(void **arg)
{
	struct bytes rest = BYTES_LITERAL("$y$a quota=1G password={PLAIN}x "
					  "app=phone:imap,submission:{PLAIN}y "
					  "send-as=a@example.org  send-as=@example.net"),
		     line = rest, send_as;
	struct account_password p;
	char text[ACCOUNT_PROTOCOLS_TEXT];

	UNUSED(arg);
	assert_int_equal(account_next_password(&rest, &p), 1);
	assert_true(bytes_is(p.record, "$y$a") && p.name.n == 0);
	assert_int_equal(account_next_password(&rest, &p), 1);
	assert_true(bytes_is(p.record, "{PLAIN}x") && p.name.n == 0);
	assert_int_equal(account_next_password(&rest, &p), 1);
	assert_true(bytes_is(p.record, "{PLAIN}y") && bytes_is(p.name, "phone"));
	assert_int_equal(p.protocols, ACCOUNT_IMAP | ACCOUNT_SUBMISSION);
	assert_string_equal(account_protocols_text(p.protocols, text), "imap,submission");
	assert_int_equal(account_next_password(&rest, &p), 0);
	rest = line;
	assert_int_equal(account_next_send_as(&rest, &send_as), 1);
	assert_true(bytes_is(send_as, "a@example.org"));
	assert_int_equal(account_next_send_as(&rest, &send_as), 1);
	assert_true(bytes_is(send_as, "@example.net"));
	assert_int_equal(account_next_send_as(&rest, &send_as), 0);
}

static const struct words_row {
	const char *label, *line;
	int result;
} words_rows[] = {
	{ "fine", "* app=a.b-c_1:imap:{PLAIN}x send-as=@example.org", ERR_OK },
	{ "no name", "* app=:imap:{PLAIN}x", ERR_SYNTAX },
	{ "a blank's worth of name", "* app=a/b:imap:{PLAIN}x", ERR_SYNTAX },
	{ "no protocol", "* app=a::{PLAIN}x", ERR_SYNTAX },
	{ "unknown protocol", "* app=a:imap,smtp:{PLAIN}x", ERR_SYNTAX },
	{ "no record", "* app=a:imap", ERR_SYNTAX },
	{ "bad record", "* app=a:imap:x", ERR_SYNTAX },
	{ "bad second record", "* password=x", ERR_SYNTAX },
	{ "scheme not known", "{ROT13}x", ERR_UNSUPPORTED },
	{ "send as nobody", "* send-as=joe", ERR_SYNTAX },
	{ "send as nothing", "* send-as=", ERR_SYNTAX },
};

static void
run_words(void **arg)
{
	const struct words_row *t = *arg;
	struct arena a = ARENA_INIT;
	const char *why;

	assert_int_equal(account_words_check(&a, bytes_from_str(t->line), &why), t->result);
	arena_reset(&a);
}

int
main(void)
{
	const struct CMUnitTest others[] = { cmocka_unit_test(dovecots),
		cmocka_unit_test(schemes_by_name), cmocka_unit_test(rfc7677),
		cmocka_unit_test(words) };
	TABLE_TESTS(tests, rows, run_row);
	TABLE_TESTS(preps, prep_rows, run_prep);
	TABLE_TESTS(lines, words_rows, run_words);

	return cmocka_run_group_tests_name("map/password_record", tests, NULL, NULL) +
	       cmocka_run_group_tests_name("map/sasl_prep", preps, NULL, NULL) +
	       cmocka_run_group_tests_name("map/account_words", lines, NULL, NULL) +
	       cmocka_run_group_tests_name("map/passwords", others, NULL, NULL);
}
