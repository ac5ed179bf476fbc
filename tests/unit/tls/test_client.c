/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/tls/test_client.c - TLS towards servers: whom the three judges let through, against a
 * server in the same process with a certificate made for each row.
 */
#include "../base/cases.h"

#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fixture.h"
#include "tls_client.h"

enum tlsa_of { /* which certificate a record stands for */
	OF_LEAF,
	OF_CA,
	OF_NOBODY,
};

struct record {
	uint8_t usage, selector, matching;
	enum tlsa_of of;
};

#define EXPIRED true
#define TRUSTED true

static const struct row {
	const char *label, *san;
	bool expired, trusted; /* trusted: the authority is in the client's store */
	enum tls_judge judge;
	const char *names[3];
	struct record tlsa[3]; /* usage 9: no more */
	int expected;          /* of the handshake; ERR_UNSUPPORTED: nothing to begin with */
	enum tls_trust trust;
} rows[] = {
#define NO_TLSA                                                                                    \
	{                                                                                          \
		{                                                                                  \
			9, 0, 0, 0                                                                 \
		}                                                                                  \
	}
	{ "nobody: any certificate", "DNS:x.example", EXPIRED, !TRUSTED, TLS_JUDGE_NOBODY, { NULL },
		NO_TLSA, ERR_OK, TLS_UNTRUSTED },
	{ "nobody: by a known authority", "DNS:x.example", !EXPIRED, TRUSTED, TLS_JUDGE_NOBODY,
		{ NULL }, NO_TLSA, ERR_OK, TLS_TRUSTED },

	{ "authority: the name fits", "DNS:mx.example", !EXPIRED, TRUSTED, TLS_JUDGE_PKIX,
		{ "mx.example" }, NO_TLSA, ERR_OK, TLS_VERIFIED },
	{ "authority: one of two names fits", "DNS:mx.example", !EXPIRED, TRUSTED, TLS_JUDGE_PKIX,
		{ "example", "mx.example" }, NO_TLSA, ERR_OK, TLS_VERIFIED },
	{ "authority: any name below", "DNS:a.b.example", !EXPIRED, TRUSTED, TLS_JUDGE_PKIX,
		{ ".example" }, NO_TLSA, ERR_OK, TLS_VERIFIED },
	{ "authority: a wildcard", "DNS:*.mail.example", !EXPIRED, TRUSTED, TLS_JUDGE_PKIX,
		{ "mx.mail.example" }, NO_TLSA, ERR_OK, TLS_VERIFIED },
	{ "authority: an address", "IP:192.0.2.1", !EXPIRED, TRUSTED, TLS_JUDGE_PKIX,
		{ "192.0.2.1" }, NO_TLSA, ERR_OK, TLS_VERIFIED },
	{ "authority: another address", "IP:192.0.2.1", !EXPIRED, TRUSTED, TLS_JUDGE_PKIX,
		{ "192.0.2.2" }, NO_TLSA, ERR_DENIED, TLS_ANONYMOUS },
	{ "authority: another name", "DNS:mx.example", !EXPIRED, TRUSTED, TLS_JUDGE_PKIX,
		{ "other.example" }, NO_TLSA, ERR_DENIED, TLS_ANONYMOUS },
	{ "authority: nobody knows it", "DNS:mx.example", !EXPIRED, !TRUSTED, TLS_JUDGE_PKIX,
		{ "mx.example" }, NO_TLSA, ERR_DENIED, TLS_ANONYMOUS },
	{ "authority: expired", "DNS:mx.example", EXPIRED, TRUSTED, TLS_JUDGE_PKIX,
		{ "mx.example" }, NO_TLSA, ERR_DENIED, TLS_ANONYMOUS },
	{ "authority: no name to look for", "DNS:mx.example", !EXPIRED, TRUSTED, TLS_JUDGE_PKIX,
		{ NULL }, NO_TLSA, ERR_UNSUPPORTED, TLS_ANONYMOUS },

	{ "DANE-EE: key, SHA-256", "DNS:mx.example", !EXPIRED, !TRUSTED, TLS_JUDGE_DANE,
		{ "mx.example" }, { { 3, 1, 1, OF_LEAF }, { 9, 0, 0, 0 } }, ERR_OK, TLS_VERIFIED },
	{ "DANE-EE: certificate, SHA-512", "DNS:mx.example", !EXPIRED, !TRUSTED, TLS_JUDGE_DANE,
		{ "mx.example" }, { { 3, 0, 2, OF_LEAF }, { 9, 0, 0, 0 } }, ERR_OK, TLS_VERIFIED },
	{ "DANE-EE: the whole key", "DNS:mx.example", !EXPIRED, !TRUSTED, TLS_JUDGE_DANE,
		{ "mx.example" }, { { 3, 1, 0, OF_LEAF }, { 9, 0, 0, 0 } }, ERR_OK, TLS_VERIFIED },
	{ "DANE-EE: neither name nor date matter", "DNS:other.example", EXPIRED, !TRUSTED,
		TLS_JUDGE_DANE, { "mx.example" }, { { 3, 1, 1, OF_LEAF }, { 9, 0, 0, 0 } }, ERR_OK,
		TLS_VERIFIED },
	{ "DANE-EE: another key", "DNS:mx.example", !EXPIRED, TRUSTED, TLS_JUDGE_DANE,
		{ "mx.example" }, { { 3, 1, 1, OF_NOBODY }, { 9, 0, 0, 0 } }, ERR_DENIED,
		TLS_ANONYMOUS },
	{ "DANE-EE: one of two records", "DNS:mx.example", !EXPIRED, !TRUSTED, TLS_JUDGE_DANE,
		{ "mx.example" }, { { 3, 1, 1, OF_NOBODY }, { 3, 1, 1, OF_LEAF } }, ERR_OK,
		TLS_VERIFIED },
	{ "DANE-TA: certificate, and the name", "DNS:mx.example", !EXPIRED, !TRUSTED,
		TLS_JUDGE_DANE, { "mx.example" }, { { 2, 0, 1, OF_CA }, { 9, 0, 0, 0 } }, ERR_OK,
		TLS_VERIFIED },
	{ "DANE-TA: the next hop's name", "DNS:example", !EXPIRED, !TRUSTED, TLS_JUDGE_DANE,
		{ "mx.example", "example" }, { { 2, 1, 1, OF_CA }, { 9, 0, 0, 0 } }, ERR_OK,
		TLS_VERIFIED },
	{ "DANE-TA: another name", "DNS:other.example", !EXPIRED, !TRUSTED, TLS_JUDGE_DANE,
		{ "mx.example" }, { { 2, 0, 1, OF_CA }, { 9, 0, 0, 0 } }, ERR_DENIED,
		TLS_ANONYMOUS },
	{ "DANE-TA: expired", "DNS:mx.example", EXPIRED, !TRUSTED, TLS_JUDGE_DANE, { "mx.example" },
		{ { 2, 0, 1, OF_CA }, { 9, 0, 0, 0 } }, ERR_DENIED, TLS_ANONYMOUS },
	{ "usages for authorities do not count", "DNS:mx.example", !EXPIRED, TRUSTED,
		TLS_JUDGE_DANE, { "mx.example" },
		{ { 1, 1, 1, OF_LEAF }, { 0, 0, 1, OF_CA }, { 9, 0, 0, 0 } }, ERR_UNSUPPORTED,
		TLS_ANONYMOUS },
	{ "usages for authorities are passed over", "DNS:mx.example", !EXPIRED, TRUSTED,
		TLS_JUDGE_DANE, { "mx.example" },
		{ { 1, 1, 1, OF_LEAF }, { 3, 1, 1, OF_NOBODY }, { 9, 0, 0, 0 } }, ERR_DENIED,
		TLS_ANONYMOUS },
};

/* ---- certificates ---- */

struct issued {
	EVP_PKEY *key;
	X509 *x;
};

static void
add_extension(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *e;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	assert_non_null(e);
	X509_add_ext(x, e, -1);
	X509_EXTENSION_free(e);
}

static struct issued
issue(const char *name, const struct issued *by, const char *san, bool expired)
{
	struct issued i = { EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256"), X509_new() };
	X509_NAME *subject = X509_get_subject_name(i.x);

	X509_set_version(i.x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(i.x), by == NULL ? 1 : 2);
	X509_gmtime_adj(X509_getm_notBefore(i.x), -86400L * 9);
	X509_gmtime_adj(X509_getm_notAfter(i.x), 86400L * (expired ? -1 : 9));
	X509_NAME_add_entry_by_txt(
		subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(i.x, by == NULL ? subject : X509_get_subject_name(by->x));
	X509_set_pubkey(i.x, i.key);
	if (san == NULL)
		add_extension(i.x, i.x, NID_basic_constraints, "critical,CA:TRUE");
	else
		add_extension(i.x, by->x, NID_subject_alt_name, san);
	assert_true(X509_sign(i.x, by == NULL ? i.key : by->key, EVP_sha256()) > 0);
	return i;
}

static void
forget(struct issued *i)
{
	X509_free(i->x);
	EVP_PKEY_free(i->key);
}

static void
trust(struct tls_client *c, const struct issued *ca)
{
	char *folder = fixture_folder(), path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/ca.pem", folder);
	assert_int_equal(tls_client_trust(c, path), ERR_NOT_FOUND);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs("no certificate\n", f);
	fclose(f);
	assert_int_equal(tls_client_trust(c, path), ERR_SYNTAX);
	f = fopen(path, "w");
	PEM_write_X509(f, ca->x);
	PEM_write_X509(f, ca->x); /* twice is not an error */
	fclose(f);
	assert_true(tls_client_trust(c, path) > 0);
	fixture_remove(folder);
}

/* A record's data in out. */
static struct bytes
tlsa_data(const struct record *r, X509 *x, uint8_t *out, size_t size)
{
	unsigned char *der = NULL;
	int n = r->selector == 1 ? i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der)
				 : i2d_X509(x, &der);
	unsigned digest = 0;

	assert_true(n > 0 && (size_t)n <= size);
	if (r->matching == 0)
		memcpy(out, der, (size_t)n);
	else
		assert_int_equal(EVP_Digest(der, (size_t)n, out, &digest,
					 r->matching == 1 ? EVP_sha256() : EVP_sha512(), NULL),
			1);
	OPENSSL_free(der);
	return bytes_make(out, r->matching == 0 ? (size_t)n : digest);
}

/* ---- one handshake ---- */

struct world {
	struct tls_client *client;
	struct tls_to_host *t;
	struct issued ca, leaf, other;
	SSL_CTX *ctx;
	SSL *server;
	int fds[2];
	struct tls_tlsa tlsa[3];
	uint8_t data[3][1024];
};

static void
open_server(struct world *w)
{
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, w->fds), 0);
	w->ctx = SSL_CTX_new(TLS_server_method());
	assert_int_equal(SSL_CTX_use_cert_and_key(w->ctx, w->leaf.x, w->leaf.key, NULL, 1), 1);
	X509_up_ref(w->ca.x);
	assert_int_equal((int)SSL_CTX_add_extra_chain_cert(w->ctx, w->ca.x), 1);
	w->server = SSL_new(w->ctx);
	SSL_set_fd(w->server, w->fds[1]);
	SSL_set_accept_state(w->server);
}

static void
open_world(struct world *w, const struct row *t)
{
	struct tls_to_host_spec spec = {
		.server_name = "mx.example", .judge = t->judge, .tlsa = w->tlsa
	};

	w->client = tls_client_new();
	w->ca = issue("authority", NULL, NULL, false);
	w->leaf = issue("leaf", &w->ca, t->san, t->expired);
	w->other = issue("other", NULL, NULL, false);
	if (t->trusted)
		trust(w->client, &w->ca);
	open_server(w);
	while (spec.n_names < NITEMS(t->names) && t->names[spec.n_names] != NULL) {
		spec.names[spec.n_names] = t->names[spec.n_names];
		spec.n_names++;
	}
	for (unsigned i = 0; i < NITEMS(t->tlsa) && t->tlsa[i].usage != 9; i++) {
		const struct record *r = &t->tlsa[i];
		X509 *x = r->of == OF_LEAF ? w->leaf.x : r->of == OF_CA ? w->ca.x : w->other.x;

		if (i > 0 && r->usage == 0 && r->of == OF_LEAF)
			break; /* the row has no more */
		w->tlsa[spec.n_tlsa++] = (struct tls_tlsa){ r->usage, r->selector, r->matching,
			tlsa_data(r, x, w->data[i], sizeof(w->data[i])) };
	}
	w->t = tls_to_host_new(w->client, w->fds[0], &spec);
}

static void
close_world(struct world *w)
{
	tls_to_host_free(&w->t);
	tls_client_free(&w->client);
	SSL_free(w->server);
	SSL_CTX_free(w->ctx);
	forget(&w->ca);
	forget(&w->leaf);
	forget(&w->other);
	close(w->fds[0]);
	close(w->fds[1]);
}

static int
shake(struct world *w)
{
	int r = TLS_WANT_READ;

	for (int i = 0; i < 100 && tls_is_want(r); i++) {
		r = tls_to_host_handshake(w->t);
		(void)SSL_do_handshake(w->server);
	}
	return r;
}

static void
talk(struct world *w)
{
	char octets[64], text[TLS_DESCRIPTION_SIZE];
	uint8_t binding[TLS_BINDING_MAX], same[32];
	size_t n;

	assert_int_equal(tls_to_host_write(w->t, BYTES_LITERAL("EHLO us\r\n")), 9);
	assert_int_equal(SSL_read(w->server, octets, sizeof(octets)), 9);
	assert_int_equal(tls_to_host_read(w->t, octets, sizeof(octets)), TLS_WANT_READ);
	assert_int_equal(SSL_write(w->server, "250 ok\r\n", 8), 8);
	assert_int_equal(tls_to_host_read(w->t, octets, 3), 3);
	assert_true(tls_to_host_pending(w->t));
	assert_int_equal(tls_to_host_read(w->t, octets, sizeof(octets)), 5);
	assert_string_equal(tls_to_host_protocol(w->t), "TLSv1.3");
	assert_non_null(strstr(tls_to_host_describe(w->t, text), "TLSv1.3 with cipher TLS_"));
	assert_int_equal(tls_to_host_binding(w->t, TLS_BINDING_EXPORTER, binding, &n), ERR_OK);
	assert_int_equal(SSL_export_keying_material(w->server, same, sizeof(same),
				 "EXPORTER-Channel-Binding", 24, (const uint8_t *)"", 0, 1),
		1);
	assert_memory_equal(binding, same, 32);
	assert_int_equal(
		tls_to_host_binding(w->t, TLS_BINDING_SERVER_END_POINT, binding, &n), ERR_OK);
	assert_int_equal(tls_to_host_shutdown(w->t), ERR_OK);
	assert_int_equal(SSL_read(w->server, octets, sizeof(octets)), 0);
}

static void
run_row(void **state)
{
	const struct row *t = *state;
	struct world w = { 0 };

	open_world(&w, t);
	if (t->expected == ERR_UNSUPPORTED) {
		assert_null(w.t);
	} else {
		int r = shake(&w);

		assert_int_equal(r, t->expected);
		assert_true(r == ERR_OK || tls_to_host_why(w.t)[0] != 0);
		if (r == ERR_OK) {
			assert_int_equal(tls_to_host_trust(w.t), t->trust);
			assert_int_equal(tls_to_host_by_dane(w.t), t->judge == TLS_JUDGE_DANE);
			talk(&w);
		}
	}
	close_world(&w);
}

/* A server that speaks something else, or goes, or sends half. */
static void
not_tls(void **state)
{
	static const char *const words[] = { "220 what?\r\n", "", "\x16\x03\x01" };

	UNUSED(state);
	for (size_t i = 0; i < NITEMS(words); i++) {
		struct world w = { 0 };
		int r;

		open_world(&w, &rows[0]);
		assert_int_equal(tls_to_host_handshake(w.t), TLS_WANT_READ);
		assert_true(write(w.fds[1], words[i], strlen(words[i])) >= 0);
		if (i == 2)
			assert_int_equal(tls_to_host_handshake(w.t), TLS_WANT_READ);
		shutdown(w.fds[1], SHUT_WR);
		r = tls_to_host_handshake(w.t);
		assert_true(r == ERR_SYNTAX || r == ERR_PEER);
		assert_true(tls_to_host_why(w.t)[0] != 0);
		assert_int_equal(tls_to_host_read(w.t, &w, 1), ERR_PEER);
		close_world(&w);
	}
}

int
main(void)
{
	const struct CMUnitTest more[] = { cmocka_unit_test(not_tls) };
	TABLE_TESTS(tests, rows, run_row);

	return cmocka_run_group_tests_name("tls/client", tests, NULL, NULL) +
	       cmocka_run_group_tests_name("tls/client, no TLS", more, NULL, NULL);
}
