/* SPDX-License-Identifier: ISC */
/* tests/unit/tls/fixture.c - certificates made for a test, and a TLS client on a socket pair. */
#include "fixture.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

char *
fixture_folder(void)
{
	char path[] = "/tmp/relais-tls-XXXXXX";

	ASSERT(mkdtemp(path) != NULL);
	return xstrdup(path);
}

void
fixture_remove(char *folder)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	ASSERT(system(command) == 0); /* NOLINT: a path of our own making */
	free(folder);
}

static EVP_PKEY *
make_key(const char *type)
{
	if (strncmp(type, "RSA", 3) == 0)
		return EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)atoi(type + 3));
	if (strcmp(type, "ED25519") == 0)
		return EVP_PKEY_Q_keygen(NULL, NULL, type);
	return EVP_PKEY_Q_keygen(NULL, NULL, "EC", type);
}

static X509 *
make_certificate(EVP_PKEY *key, const char *names, int from_days, int to_days)
{
	X509 *x = X509_new();
	X509_NAME *subject = X509_get_subject_name(x);
	X509V3_CTX ctx;
	X509_EXTENSION *e;

	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 17);
	X509_gmtime_adj(X509_getm_notBefore(x), 86400L * from_days);
	X509_gmtime_adj(X509_getm_notAfter(x), 86400L * to_days);
	X509_NAME_add_entry_by_txt(
		subject, "CN", MBSTRING_ASC, (const unsigned char *)"test", -1, -1, 0);
	X509_set_issuer_name(x, subject);
	X509_set_pubkey(x, key);
	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
	if (names[0] != 0) {
		e = X509V3_EXT_conf_nid(NULL, &ctx, NID_subject_alt_name, names);
		ASSERT(e != NULL);
		X509_add_ext(x, e, -1);
		X509_EXTENSION_free(e);
	}
	/* Ed25519 hashes by itself */
	ASSERT(X509_sign(x, key, EVP_PKEY_is_a(key, "ED25519") ? NULL : EVP_sha256()) > 0);
	return x;
}

void
fixture_write_pair(
	const char *folder, const char *type, const char *names, int from_days, int to_days)
{
	EVP_PKEY *key = make_key(type);
	X509 *x = make_certificate(key, names, from_days, to_days);
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/fullchain.pem", folder);
	ASSERT((f = fopen(path, "w")) != NULL);
	PEM_write_X509(f, x);
	fclose(f);
	snprintf(path, sizeof(path), "%s/privkey.pem", folder);
	ASSERT((f = fopen(path, "w")) != NULL);
	PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL);
	fclose(f);
	X509_free(x);
	EVP_PKEY_free(key);
}

struct cert_pair *
fixture_pair(const char *type, const char *names)
{
	char *folder = fixture_folder(), certificate[256], key[256], problem[CERT_PROBLEM_MAX];
	struct cert_pair *pair;
	int r;

	fixture_write_pair(folder, type, names, -1, 90);
	snprintf(certificate, sizeof(certificate), "%s/fullchain.pem", folder);
	snprintf(key, sizeof(key), "%s/privkey.pem", folder);
	r = cert_pair_load(certificate, key, &pair, problem);
	if (r < 0)
		fprintf(stderr, "%s\n", problem);
	ASSERT(r == ERR_OK);
	fixture_remove(folder);
	return pair;
}

void
fixture_client_open(
	struct fixture_client *c, int fd, int version, SSL_SESSION *session, const char *name)
{
	*c = (struct fixture_client){ .fd = fd };
	c->ctx = SSL_CTX_new(TLS_client_method());
	ASSERT(c->ctx != NULL);
	SSL_CTX_set_min_proto_version(c->ctx, version);
	SSL_CTX_set_max_proto_version(c->ctx, version);
	SSL_CTX_set_security_level(c->ctx, 0);
	SSL_CTX_set_verify(c->ctx, SSL_VERIFY_NONE, NULL);
	c->ssl = SSL_new(c->ctx);
	ASSERT(c->ssl != NULL && SSL_set_fd(c->ssl, fd) == 1);
	if (session != NULL)
		SSL_set_session(c->ssl, session);
	if (name != NULL) { /* the macro takes no const */
		char *copy = xstrdup(name);

		SSL_set_tlsext_host_name(c->ssl, copy);
		free(copy);
	}
	SSL_set_connect_state(c->ssl);
}

void
fixture_client_step(struct fixture_client *c)
{
	char nothing;
	int r;

	if (c->failed)
		return;
	/* after the handshake: reading takes tickets in */
	r = c->done ? SSL_peek(c->ssl, &nothing, 1) : SSL_do_handshake(c->ssl);
	if (r == 1) {
		c->done = true;
		return;
	}
	r = SSL_get_error(c->ssl, r);
	c->failed = r != SSL_ERROR_WANT_READ && r != SSL_ERROR_WANT_WRITE;
}

void
fixture_client_close(struct fixture_client *c)
{
	SSL_free(c->ssl);
	SSL_CTX_free(c->ctx);
	close(c->fd);
}
