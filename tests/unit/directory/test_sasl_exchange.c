/* SPDX-License-Identifier: ISC */
/* tests/unit/directory/test_sasl_exchange.c - exchanges with GNU SASL's own client, and with
 * clients that lie. */
#include "../base/cases.h"

#include <gsasl.h>
#include <stdlib.h>

#include "encode.h"
#include "password_record.h"
#include "sasl_exchange.h"

static const uint8_t secret[SASL_SECRET_SIZE] = "not a secret, only a test's one";

static const struct bytes no_bindings[SASL_BINDINGS];
static const struct bytes exporter[SASL_BINDINGS] = { [SASL_TLS_EXPORTER] = BYTES_LITERAL(
							      "exporter's thirty-two octets ...") };
static const struct bytes unique[SASL_BINDINGS] = { [SASL_TLS_UNIQUE] =
							    BYTES_LITERAL("twelve bytes") };

/* "{SCRAM-SHA-256}..." of a password. */
static void
put_record(struct buf *out, enum scram_hash hash, const char *password)
{
	struct scram_record r = { .hash = hash, .iterations = 4096, .salt_size = SCRAM_SALT_SIZE };

	memcpy(r.salt, "sixteen of salt.", SCRAM_SALT_SIZE);
	scram_record_derive(&r, bytes_from_str(password));
	buf_put_str(out, hash == SCRAM_HASH_SHA_1 ? "{SCRAM-SHA-1}" : "{SCRAM-SHA-256}");
	scram_record_put(out, &r);
}

/* ---- the client ---- */

struct client {
	const char *login, *password, *authzid;
	const struct bytes *bindings; /* as the client sees them */
};

static int
client_callback(Gsasl *g, Gsasl_session *s, Gsasl_property property)
{
	const struct client *c = gsasl_callback_hook_get(g);
	struct buf text = BUF_INIT;
	size_t binding = SASL_BINDINGS;
	int r = GSASL_NO_CALLBACK;

	if (property == GSASL_AUTHID)
		r = gsasl_property_set(s, property, c->login);
	if (property == GSASL_PASSWORD)
		r = gsasl_property_set(s, property, c->password);
	if (property == GSASL_AUTHZID && c->authzid != NULL)
		r = gsasl_property_set(s, property, c->authzid);
	if (property == GSASL_CB_TLS_EXPORTER)
		binding = SASL_TLS_EXPORTER;
	if (property == GSASL_CB_TLS_UNIQUE)
		binding = SASL_TLS_UNIQUE;
	if (binding < SASL_BINDINGS && c->bindings[binding].n > 0) {
		base64_encode(&text, c->bindings[binding]);
		r = gsasl_property_set(s, property, buf_str(&text));
	}
	buf_free(&text);
	return r;
}

struct talk {
	enum sasl_next end;
	char login[64], password[64], app[64];
	unsigned protocols;
	bool server_proven; /* the client believes the server */
	struct buf salt;    /* what the first challenge was */
};

/* Both sides until one has enough. line: of the account. */
static struct talk
talk(enum sasl_mechanism m, struct client *c, const struct bytes *ours, const char *line)
{
	struct sasl_library *l = sasl_library_new(secret, 5000);
	struct sasl_exchange *x = sasl_exchange_new(l, m, ours);
	struct talk t = { .salt = BUF_INIT };
	struct buf out = BUF_INIT;
	Gsasl *g;
	Gsasl_session *s;
	char *said = NULL;
	size_t n = 0;
	bool first = true;
	int r = GSASL_NEEDS_MORE;

	assert_int_equal(gsasl_init(&g), GSASL_OK);
	gsasl_callback_set(g, client_callback);
	gsasl_callback_hook_set(g, c);
	assert_int_equal(gsasl_client_start(g, sasl_mechanism_row(m)->name, &s), GSASL_OK);
	for (int step = 0; step < 6; step++) {
		if (!(first && m == SASL_LOGIN)) {
			r = gsasl_step(s, (const char *)buf_bytes(&out).p, out.len, &said, &n);
			if (r != GSASL_OK && r != GSASL_NEEDS_MORE)
				break;
		}
		buf_clear(&out);
		t.end = first ? sasl_exchange_start(x, said != NULL, bytes_make(said, n), &out)
			      : sasl_exchange_step(x, bytes_make(said, n), &out);
		first = false;
		gsasl_free(said);
		said = NULL;
		n = 0;
		if (t.end == SASL_NEXT_ACCOUNT) {
			bytes_to_str(sasl_exchange_login(x), t.login, sizeof(t.login));
			t.end = sasl_exchange_account(
				x, BYTES_LITERAL("joe@example.org"), bytes_from_str(line), &out);
			buf_put_bytes(&t.salt, buf_bytes(&out));
		}
		if (t.end == SASL_NEXT_RIGHT) {
			t.server_proven = gsasl_step(s, (const char *)buf_bytes(&out).p, out.len,
						  &said, &n) == GSASL_OK;
			assert_int_equal(n, 0);
			gsasl_free(said);
			bytes_to_str(sasl_exchange_credential(x)->name, t.app, sizeof(t.app));
			t.protocols = sasl_exchange_credential(x)->protocols;
		}
		if (t.end != SASL_NEXT_CHALLENGE)
			break;
	}
	if (t.end == SASL_NEXT_PASSWORD) {
		bytes_to_str(sasl_exchange_login(x), t.login, sizeof(t.login));
		bytes_to_str(sasl_exchange_password(x), t.password, sizeof(t.password));
	}
	gsasl_finish(s);
	gsasl_done(g);
	buf_free(&out);
	sasl_exchange_free(&x);
	sasl_library_free(&l);
	return t;
}

/* ---- tests with a right client ---- */

static void
passwords_pass(void **arg)
{
	const enum sasl_mechanism mechanisms[] = { SASL_PLAIN, SASL_LOGIN };
	struct client c = { "joe",
		"s\xc3\xa9"
		"cret",
		NULL, no_bindings };

	UNUSED(arg);
	for (size_t i = 0; i < NITEMS(mechanisms); i++) {
		struct talk t = talk(mechanisms[i], &c, no_bindings, "");

		assert_int_equal(t.end, SASL_NEXT_PASSWORD);
		assert_string_equal(t.login, "joe");
		assert_string_equal(t.password, c.password);
	}
}

static void
scram(void **arg)
{
	static const struct {
		enum sasl_mechanism mechanism;
		enum scram_hash hash;
		const struct bytes *bindings;
	} rows[] = {
		{ SASL_SCRAM_SHA_256, SCRAM_HASH_SHA_256, no_bindings },
		{ SASL_SCRAM_SHA_1, SCRAM_HASH_SHA_1, no_bindings },
		{ SASL_SCRAM_SHA_256_PLUS, SCRAM_HASH_SHA_256, exporter },
		{ SASL_SCRAM_SHA_256_PLUS, SCRAM_HASH_SHA_256, unique },
		{ SASL_SCRAM_SHA_1_PLUS, SCRAM_HASH_SHA_1, exporter },
	};

	UNUSED(arg);
	for (size_t i = 0; i < NITEMS(rows); i++) {
		struct client c = { "joe", "secret", NULL, rows[i].bindings };
		struct buf line = BUF_INIT;
		struct talk t;

		buf_put_str(&line, "$y$x password=");
		put_record(&line, rows[i].hash, "secret");
		t = talk(rows[i].mechanism, &c, rows[i].bindings, buf_str(&line));
		assert_int_equal(t.end, SASL_NEXT_RIGHT);
		assert_true(t.server_proven);
		assert_string_equal(t.app, "");
		assert_int_equal(t.protocols, ACCOUNT_PROTOCOLS);
		buf_free(&t.salt);
		c.password = "Secret";
		t = talk(rows[i].mechanism, &c, rows[i].bindings, buf_str(&line));
		assert_int_equal(t.end, SASL_NEXT_WRONG);
		buf_free(&t.salt);
		buf_free(&line);
	}
}

static void
the_proof_tells_which_password(void **arg)
{
	static const char *const passwords[] = { "secret", "phone-secret", "tablet-secret" };
	static const char *const apps[] = { "", "phone", "tablet" };
	struct client c = { "joe", "", NULL, no_bindings };
	struct buf line = BUF_INIT;
	struct talk t;

	UNUSED(arg);
	put_record(&line, SCRAM_HASH_SHA_256, passwords[0]);
	buf_put_str(&line, " app=phone:imap:");
	put_record(&line, SCRAM_HASH_SHA_256, passwords[1]);
	buf_put_str(&line, " app=old:imap:");
	put_record(&line, SCRAM_HASH_SHA_1, passwords[1]);
	buf_put_str(&line, " app=tablet:submission:");
	put_record(&line, SCRAM_HASH_SHA_256, passwords[2]);
	for (size_t i = 0; i < NITEMS(passwords); i++) {
		c.password = passwords[i];
		t = talk(SASL_SCRAM_SHA_256, &c, no_bindings, buf_str(&line));
		assert_int_equal(t.end, SASL_NEXT_RIGHT);
		assert_true(t.server_proven);
		assert_string_equal(t.app, apps[i]);
		buf_free(&t.salt);
	}
	assert_int_equal(t.protocols, ACCOUNT_SUBMISSION);
	buf_free(&line);
}

/* The salt of one that has no record is the same at each try; its password is never right. */
static void
nobody_looks_like_somebody(void **arg)
{
	struct client c = { "joe", "secret", NULL, no_bindings };
	struct buf line = BUF_INIT;
	struct talk a, b;
	struct bytes x, y;

	UNUSED(arg);
	a = talk(SASL_SCRAM_SHA_256, &c, no_bindings, "");
	b = talk(SASL_SCRAM_SHA_256, &c, no_bindings, "$y$x");
	assert_int_equal(a.end, SASL_NEXT_WRONG);
	assert_int_equal(b.end, SASL_NEXT_WRONG);
	x = buf_bytes(&a.salt);
	y = buf_bytes(&b.salt);
	(void)bytes_cut(&x, ','); /* the nonces differ */
	(void)bytes_cut(&y, ',');
	assert_true(x.n > 20);
	assert_true(bytes_equal(x, y));
	assert_true(bytes_search(x, BYTES_LITERAL(",i=5000")) != BYTES_NOT_FOUND);
	buf_free(&b.salt);
	/* the other hash, too: as for those who have both */
	b = talk(SASL_SCRAM_SHA_1, &c, no_bindings, "");
	y = buf_bytes(&b.salt);
	(void)bytes_cut(&y, ',');
	assert_true(bytes_equal(x, y));
	buf_free(&a.salt);
	buf_free(&b.salt);
	put_record(&line, SCRAM_HASH_SHA_256, "secret");
	a = talk(SASL_SCRAM_SHA_256, &c, no_bindings, buf_str(&line));
	b = talk(SASL_SCRAM_SHA_1, &c, no_bindings, buf_str(&line));
	assert_int_equal(a.end, SASL_NEXT_RIGHT);
	assert_int_equal(b.end, SASL_NEXT_WRONG);
	x = buf_bytes(&a.salt);
	y = buf_bytes(&b.salt);
	(void)bytes_cut(&x, ',');
	(void)bytes_cut(&y, ',');
	assert_true(bytes_equal(x, y));
	buf_free(&a.salt);
	buf_free(&b.salt);
	buf_free(&line);
}

static void
channels_that_differ(void **arg)
{
	static const struct bytes other[SASL_BINDINGS] = {
		[SASL_TLS_EXPORTER] = BYTES_LITERAL("somebody in the middle's octets")
	};
	struct client c = { "joe", "secret", NULL, other };
	struct buf line = BUF_INIT;
	struct talk t;

	UNUSED(arg);
	put_record(&line, SCRAM_HASH_SHA_256, "secret");
	t = talk(SASL_SCRAM_SHA_256_PLUS, &c, exporter, buf_str(&line));
	assert_int_equal(t.end, SASL_NEXT_WRONG);
	buf_free(&t.salt);
	buf_free(&line);
}

/* The client has channel binding and was not told that we have it too: somebody took PLUS away. */
static void
downgrade(void **arg)
{
	struct sasl_library *l = sasl_library_new(secret, 5000);
	const struct bytes *const bindings[] = { exporter, unique, no_bindings };
	const enum sasl_next next[] = { SASL_NEXT_WRONG, SASL_NEXT_WRONG, SASL_NEXT_CHALLENGE };

	UNUSED(arg);
	for (size_t i = 0; i < NITEMS(bindings); i++) {
		struct sasl_exchange *x = sasl_exchange_new(l, SASL_SCRAM_SHA_256, bindings[i]);
		struct buf out = BUF_INIT;

		assert_int_equal(
			sasl_exchange_start(x, true, BYTES_LITERAL("y,,n=joe,r=abc"), &out),
			SASL_NEXT_ACCOUNT);
		assert_int_equal(
			sasl_exchange_account(x, BYTES_LITERAL("joe"), BYTES_NONE, &out), next[i]);
		buf_free(&out);
		sasl_exchange_free(&x);
	}
	sasl_library_free(&l);
}

static void
nobody_acts_for_others(void **arg)
{
	struct client c = { "joe", "secret", "ann", no_bindings };
	struct buf line = BUF_INIT;
	struct talk t;

	UNUSED(arg);
	put_record(&line, SCRAM_HASH_SHA_256, "secret");
	t = talk(SASL_SCRAM_SHA_256, &c, no_bindings, buf_str(&line));
	assert_int_equal(t.end, SASL_NEXT_WRONG);
	assert_int_equal(talk(SASL_PLAIN, &c, no_bindings, "").end, SASL_NEXT_WRONG);
	c.authzid = "joe";
	t = talk(SASL_SCRAM_SHA_256, &c, no_bindings, buf_str(&line));
	assert_int_equal(t.end, SASL_NEXT_RIGHT);
	buf_free(&t.salt);
	assert_int_equal(talk(SASL_PLAIN, &c, no_bindings, "").end, SASL_NEXT_PASSWORD);
	buf_free(&line);
}

/* ---- one message of a client that is not right ---- */

static const struct row {
	const char *label;
	enum sasl_mechanism mechanism;
	struct bytes message;
	enum sasl_next next;
} rows[] = {
#define ROW(label, m, text, next)                                                                  \
	{                                                                                          \
		label, SASL_##m, BYTES_LITERAL(text), SASL_NEXT_##next                             \
	}
	ROW("plain", PLAIN, "\0joe\0secret", PASSWORD),
	ROW("plain, acts as itself", PLAIN, "joe\0joe\0secret", PASSWORD),
	ROW("plain, acts for another", PLAIN, "ann\0joe\0secret", WRONG),
	ROW("plain without password", PLAIN, "\0joe\0", MALFORMED),
	ROW("plain without login", PLAIN, "\0\0secret", MALFORMED),
	ROW("plain with one NUL", PLAIN, "\0joe", MALFORMED),
	ROW("plain with three", PLAIN, "\0joe\0secret\0", MALFORMED),
	ROW("plain empty", PLAIN, "", MALFORMED),
	ROW("plain with a line end in the login", PLAIN, "\0joe\r\n\0secret", MALFORMED),
	ROW("plain with a login that is not UTF-8", PLAIN, "\0jo\xff\0secret", MALFORMED),
	ROW("plain with a Latin-1 password", PLAIN, "\0joe\0secr\xe9t", WRONG),
	ROW("login", LOGIN, "joe", CHALLENGE),
	ROW("login empty", LOGIN, "", MALFORMED),
	ROW("login with NUL", LOGIN, "jo\0e", MALFORMED),
	ROW("scram", SCRAM_SHA_256, "n,,n=joe,r=abc", ACCOUNT),
	ROW("scram, comma and equals in the name", SCRAM_SHA_256, "n,,n=j=2Co=3De,r=abc", ACCOUNT),
	ROW("scram, another escape", SCRAM_SHA_256, "n,,n=j=2co,r=abc", MALFORMED),
	ROW("scram, equals alone", SCRAM_SHA_256, "n,,n=j=,r=abc", MALFORMED),
	ROW("scram, no flag", SCRAM_SHA_256, ",,n=joe,r=abc", MALFORMED),
	ROW("scram, unknown flag", SCRAM_SHA_256, "x,,n=joe,r=abc", MALFORMED),
	ROW("scram, no header", SCRAM_SHA_256, "n=joe,r=abc", MALFORMED),
	ROW("scram, flag and more", SCRAM_SHA_256, "nn,,n=joe,r=abc", MALFORMED),
	ROW("scram, binding without PLUS", SCRAM_SHA_256, "p=tls-exporter,,n=joe,r=abc", MALFORMED),
	ROW("scram, no name", SCRAM_SHA_256, "n,,n=,r=abc", MALFORMED),
	ROW("scram, no nonce", SCRAM_SHA_256, "n,,n=joe,r=", MALFORMED),
	ROW("scram, no nonce at all", SCRAM_SHA_256, "n,,n=joe", MALFORMED),
	ROW("scram, blank in nonce", SCRAM_SHA_256, "n,,n=joe,r=a b", MALFORMED),
	ROW("scram, NUL behind", SCRAM_SHA_256, "n,,n=joe,r=abc\0", MALFORMED),
	ROW("scram, extension", SCRAM_SHA_256, "n,,n=joe,r=abc,x=1", MALFORMED),
	ROW("scram, mandatory extension", SCRAM_SHA_256, "n,,m=1,n=joe,r=abc", MALFORMED),
	ROW("scram, wrong order", SCRAM_SHA_256, "n,,r=abc,n=joe", MALFORMED),
	ROW("scram, authzid the same", SCRAM_SHA_256, "n,a=joe,n=joe,r=abc", ACCOUNT),
	ROW("scram, authzid another", SCRAM_SHA_256, "n,a=ann,n=joe,r=abc", WRONG),
	ROW("scram, empty authzid", SCRAM_SHA_256, "n,a=,n=joe,r=abc", ACCOUNT),
	ROW("scram, control in name", SCRAM_SHA_256,
		"n,,n=jo\x01"
		"e,r=abc",
		MALFORMED),
	ROW("scram, name that SASLprep refuses", SCRAM_SHA_256, "n,,n=\xd8\xa7\x31,r=abc",
		MALFORMED),
	ROW("scram empty", SCRAM_SHA_256, "", MALFORMED),
	ROW("plus", SCRAM_SHA_256_PLUS, "p=tls-exporter,,n=joe,r=abc", ACCOUNT),
	ROW("plus without binding", SCRAM_SHA_256_PLUS, "n,,n=joe,r=abc", MALFORMED),
	ROW("plus with a y", SCRAM_SHA_256_PLUS, "y,,n=joe,r=abc", MALFORMED),
	ROW("plus, binding we have none of", SCRAM_SHA_256_PLUS, "p=tls-unique,,n=joe,r=abc",
		WRONG),
	ROW("plus, binding nobody has", SCRAM_SHA_256_PLUS, "p=tls-magic,,n=joe,r=abc", WRONG),
	ROW("plus, binding with a bad name", SCRAM_SHA_256_PLUS, "p=tls/x,,n=joe,r=abc", MALFORMED),
};

static void
run_row(void **arg)
{
	const struct row *t = *arg;
	struct sasl_library *l = sasl_library_new(secret, 5000);
	struct sasl_exchange *x = sasl_exchange_new(l, t->mechanism, exporter);
	struct buf out = BUF_INIT;

	assert_int_equal(sasl_exchange_start(x, true, t->message, &out), t->next);
	sasl_exchange_free(&x);
	buf_clear(&out);
	if (t->mechanism != SASL_LOGIN) { /* after an empty challenge it is the same */
		x = sasl_exchange_new(l, t->mechanism, exporter);
		assert_int_equal(
			sasl_exchange_start(x, false, BYTES_NONE, &out), SASL_NEXT_CHALLENGE);
		assert_int_equal(out.len, 0);
		assert_int_equal(sasl_exchange_step(x, t->message, &out), t->next);
		sasl_exchange_free(&x);
	}
	sasl_library_free(&l);
	buf_free(&out);
}

/* ---- the second message ---- */

static const struct final_row {
	const char *label, *message; /* "NONCE" stands for the right nonce */
	enum sasl_next next;
} final_rows[] = {
	{ "wrong proof",
		"c=biws,r=NONCE,p=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", SASL_NEXT_WRONG },
	{ "short proof", "c=biws,r=NONCE,p=AAAA", SASL_NEXT_WRONG },
	{ "no proof", "c=biws,r=NONCE", SASL_NEXT_MALFORMED },
	{ "empty proof", "c=biws,r=NONCE,p=", SASL_NEXT_MALFORMED },
	{ "proof not base64", "c=biws,r=NONCE,p=AA*A", SASL_NEXT_MALFORMED },
	{ "another nonce",
		"c=biws,r=abcd,p=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", SASL_NEXT_WRONG },
	{ "another header",
		"c=eSws,r=NONCE,p=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", SASL_NEXT_WRONG },
	{ "extension", "c=biws,r=NONCE,x=1,p=AAAA", SASL_NEXT_MALFORMED },
	{ "more behind", "c=biws,r=NONCE,p=AAAA,x=1", SASL_NEXT_MALFORMED },
	{ "first message again", "n,,n=joe,r=abc", SASL_NEXT_MALFORMED },
	{ "empty", "", SASL_NEXT_MALFORMED },
};

static void
run_final(void **arg)
{
	const struct final_row *t = *arg;
	struct sasl_library *l = sasl_library_new(secret, 5000);
	struct sasl_exchange *x = sasl_exchange_new(l, SASL_SCRAM_SHA_256, no_bindings);
	struct buf out = BUF_INIT, message = BUF_INIT;
	const char *nonce = strstr(t->message, "NONCE");
	struct bytes rest;

	assert_int_equal(sasl_exchange_start(x, true, BYTES_LITERAL("n,,n=joe,r=abc"), &out),
		SASL_NEXT_ACCOUNT);
	assert_int_equal(sasl_exchange_account(x, BYTES_LITERAL("joe"), BYTES_NONE, &out),
		SASL_NEXT_CHALLENGE);
	rest = bytes_skip(buf_bytes(&out), 2);
	if (nonce == NULL)
		buf_put_str(&message, t->message);
	else {
		buf_put(&message, t->message, (size_t)(nonce - t->message));
		buf_put_bytes(&message, bytes_cut(&rest, ','));
		buf_put_str(&message, nonce + strlen("NONCE"));
	}
	buf_clear(&out);
	assert_int_equal(sasl_exchange_step(x, buf_bytes(&message), &out), t->next);
	/* whatever comes then changes nothing */
	assert_int_equal(
		sasl_exchange_step(x, BYTES_LITERAL("c=biws,r=x,p=AAAA"), &out), SASL_NEXT_WRONG);
	sasl_exchange_free(&x);
	sasl_library_free(&l);
	buf_free(&out);
	buf_free(&message);
}

int
main(void)
{
	const struct CMUnitTest others[] = { cmocka_unit_test(passwords_pass),
		cmocka_unit_test(scram), cmocka_unit_test(the_proof_tells_which_password),
		cmocka_unit_test(nobody_looks_like_somebody),
		cmocka_unit_test(channels_that_differ), cmocka_unit_test(nobody_acts_for_others),
		cmocka_unit_test(downgrade) };
	TABLE_TESTS(tests, rows, run_row);
	TABLE_TESTS(finals, final_rows, run_final);

	return cmocka_run_group_tests_name("directory/sasl first messages", tests, NULL, NULL) +
	       cmocka_run_group_tests_name("directory/sasl proofs", finals, NULL, NULL) +
	       cmocka_run_group_tests_name("directory/sasl exchanges", others, NULL, NULL);
}
