/* SPDX-License-Identifier: ISC */
/*
 * lib/tls/tls_client.c - TLS towards servers.
 *
 * A library context of its own, as in tls_server.c: nothing of the system's openssl.cnf applies.
 * Mail's rule is that bad encryption is better than none, so ciphers and keys are taken that a
 * door would not offer; nothing below TLS 1.2.
 *
 * Runs in:  smtp-client.
 * Trusts:   nothing of the server; the caller's records and names.
 * Sources:  RFC 7672 (DANE for SMTP), RFC 6698, RFC 7671, RFC 6125; RFC 5929 and RFC 9266 for
 *           channel bindings.
 */
#include "tls_client.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/provider.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

#include "tls_agreed.h"
#include "tls_octets.h"

#define CIPHERS "DEFAULT:!aNULL:!eNULL:!PSK:!SRP:!DSS:!ARIA:!CAMELLIA"

struct tls_client {
	OSSL_LIB_CTX *lib;
	OSSL_PROVIDER *base;
	SSL_CTX *ctx;
};

struct tls_to_host {
	struct tls_octets io;
	enum tls_judge judge;
};

/* ---- the process' ---- */

static bool
set_policy(SSL_CTX *ctx)
{
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
					 SSL_OP_IGNORE_UNEXPECTED_EOF |
					 SSL_OP_LEGACY_SERVER_CONNECT);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
				      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_security_level(ctx, 1);
	SSL_CTX_set_read_ahead(ctx, 1);
	SSL_CTX_dane_set_flags(ctx, DANE_FLAG_NO_DANE_EE_NAMECHECKS); /* RFC 7672 sec. 3.1.1 */
	return SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
	       SSL_CTX_set_cipher_list(ctx, CIPHERS) == 1 && SSL_CTX_dane_enable(ctx) == 1;
}

struct tls_client *
tls_client_new(void)
{
	struct tls_client *c = xcalloc(1, sizeof(*c));

	OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
	c->lib = OSSL_LIB_CTX_new();
	ASSERT(c->lib != NULL);
	c->base = OSSL_PROVIDER_load(c->lib, "default");
	c->ctx = SSL_CTX_new_ex(c->lib, NULL, TLS_client_method());
	ASSERT(c->base != NULL && c->ctx != NULL);
	ASSERT(set_policy(c->ctx));
	return c;
}

void
tls_client_free(struct tls_client **cp)
{
	struct tls_client *c = *cp;

	*cp = NULL;
	if (c == NULL)
		return;
	SSL_CTX_free(c->ctx);
	OSSL_PROVIDER_unload(c->base);
	OSSL_LIB_CTX_free(c->lib);
	free(c);
}

int
tls_client_trust(struct tls_client *c, const char *path)
{
	BIO *file = BIO_new_file(path, "r");
	X509_STORE *store = SSL_CTX_get_cert_store(c->ctx);
	int n = 0;

	if (file == NULL) {
		ERR_clear_error();
		return ERR_NOT_FOUND;
	}
	for (;;) {
		X509 *x = X509_new_ex(c->lib, NULL);

		ASSERT(x != NULL);
		if (PEM_read_bio_X509_AUX(file, &x, NULL, NULL) == NULL) {
			X509_free(x);
			break;
		}
		n += X509_STORE_add_cert(store, x) == 1;
		X509_free(x);
	}
	BIO_free(file);
	ERR_clear_error();
	return n > 0 ? n : ERR_SYNTAX;
}

/* ---- one connection ---- */

static bool
is_address(const char *name)
{
	uint8_t octets[16];

	return inet_pton(AF_INET, name, octets) == 1 || inet_pton(AF_INET6, name, octets) == 1;
}

/* An address stands alone: OpenSSL would want name and address both to fit. */
static bool
set_names(SSL *ssl, const struct tls_to_host_spec *spec)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(ssl);

	SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	if (spec->n_names == 0)
		return false;
	if (is_address(spec->names[0]))
		return X509_VERIFY_PARAM_set1_ip_asc(param, spec->names[0]) == 1;
	if (X509_VERIFY_PARAM_set1_host(param, spec->names[0], 0) != 1)
		return false;
	for (unsigned i = 1; i < spec->n_names; i++)
		if (!is_address(spec->names[i]) &&
			X509_VERIFY_PARAM_add1_host(param, spec->names[i], 0) != 1)
			return false;
	return true;
}

static bool
set_dane(SSL *ssl, const struct tls_to_host_spec *spec)
{
	bool any = false;

	if (spec->n_names == 0 || SSL_dane_enable(ssl, spec->names[0]) != 1)
		return false;
	for (unsigned i = 0; i < spec->n_tlsa; i++) {
		const struct tls_tlsa *t = &spec->tlsa[i];

		if (tls_tlsa_is_usable(t) && SSL_dane_tlsa_add(ssl, t->usage, t->selector,
						     t->matching_type, t->data.p, t->data.n) > 0)
			any = true;
	}
	return any && set_names(ssl, spec);
}

static bool
set_up(struct tls_to_host *t, int fd, const struct tls_to_host_spec *spec)
{
	if (SSL_set_fd(t->io.ssl, fd) != 1)
		return false;
	SSL_set_connect_state(t->io.ssl);
	if (spec->judge == TLS_JUDGE_DANE && !set_dane(t->io.ssl, spec))
		return false;
	if (spec->judge == TLS_JUDGE_PKIX && !set_names(t->io.ssl, spec))
		return false;
	SSL_set_verify(t->io.ssl,
		spec->judge == TLS_JUDGE_NOBODY ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
	/* the macro for it takes no const */
	return spec->server_name == NULL ||
	       SSL_ctrl(t->io.ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
		       (void *)(uintptr_t)spec->server_name) == 1;
}

struct tls_to_host *
tls_to_host_new(struct tls_client *c, int fd, const struct tls_to_host_spec *spec)
{
	struct tls_to_host *t = xcalloc(1, sizeof(*t));

	ASSERT(spec->n_names <= TLS_CLIENT_NAMES_MAX);
	t->io.why = "";
	t->judge = spec->judge;
	t->io.ssl = SSL_new(c->ctx);
	ASSERT(t->io.ssl != NULL);
	if (!set_up(t, fd, spec))
		tls_to_host_free(&t);
	ERR_clear_error();
	return t;
}

void
tls_to_host_free(struct tls_to_host **tp)
{
	struct tls_to_host *t = *tp;

	*tp = NULL;
	if (t == NULL)
		return;
	SSL_free(t->io.ssl); /* leaves the descriptor open */
	free(t);
}

/* The handshake failed for good. */
static int
failed(struct tls_to_host *t, int err)
{
	long verdict = SSL_get_verify_result(t->io.ssl);

	if (t->judge == TLS_JUDGE_NOBODY || verdict == X509_V_OK)
		return err;
	t->io.why = X509_verify_cert_error_string(verdict);
	return ERR_DENIED;
}

int
tls_to_host_handshake(struct tls_to_host *t)
{
	int r;

	if (t->io.broken)
		return ERR_PEER;
	if (t->io.done)
		return ERR_OK;
	ERR_clear_error();
	r = SSL_do_handshake(t->io.ssl);
	if (r != 1) {
		r = tls_octets_result(&t->io, r);
		if (tls_is_want(r))
			return r;
		t->io.broken = true;
		if (r == 0)
			t->io.why = "lost connection";
		return failed(t, r == 0 ? ERR_PEER : r);
	}
	/* who must be judged has been, by OpenSSL; seen to once more */
	if (t->judge != TLS_JUDGE_NOBODY &&
		(SSL_get_verify_result(t->io.ssl) != X509_V_OK ||
			SSL_get0_peer_certificate(t->io.ssl) == NULL ||
			(t->judge == TLS_JUDGE_DANE && !tls_to_host_by_dane(t)))) {
		t->io.broken = true;
		t->io.why = "not verified";
		return ERR_DENIED;
	}
	t->io.done = true;
	return ERR_OK;
}

int
tls_to_host_read(struct tls_to_host *t, void *p, size_t n)
{
	return tls_octets_read(&t->io, p, n);
}

bool
tls_to_host_pending(const struct tls_to_host *t)
{
	return tls_octets_pending(&t->io);
}

int
tls_to_host_write(struct tls_to_host *t, struct bytes b)
{
	return tls_octets_write(&t->io, b);
}

int
tls_to_host_shutdown(struct tls_to_host *t)
{
	return tls_octets_shutdown(&t->io);
}

const char *
tls_to_host_why(const struct tls_to_host *t)
{
	return t->io.why;
}

/* ---- what was agreed on ---- */

bool
tls_to_host_by_dane(const struct tls_to_host *t)
{
	return t->judge == TLS_JUDGE_DANE && SSL_get0_dane_authority(t->io.ssl, NULL, NULL) >= 0;
}

enum tls_trust
tls_to_host_trust(const struct tls_to_host *t)
{
	if (SSL_get0_peer_certificate(t->io.ssl) == NULL)
		return TLS_ANONYMOUS;
	if (SSL_get_verify_result(t->io.ssl) != X509_V_OK)
		return TLS_UNTRUSTED;
	return t->judge == TLS_JUDGE_NOBODY ? TLS_TRUSTED : TLS_VERIFIED;
}

const char *
tls_trust_word(enum tls_trust trust)
{
	static const char *const words[TLS_TRUSTS] = {
		[TLS_ANONYMOUS] = "Anonymous",
		[TLS_UNTRUSTED] = "Untrusted",
		[TLS_TRUSTED] = "Trusted",
		[TLS_VERIFIED] = "Verified",
	};

	return words[trust];
}

const char *
tls_to_host_protocol(const struct tls_to_host *t)
{
	return SSL_get_version(t->io.ssl);
}

const char *
tls_to_host_cipher(const struct tls_to_host *t)
{
	return SSL_get_cipher_name(t->io.ssl);
}

const char *
tls_to_host_describe(const struct tls_to_host *t, char out[TLS_DESCRIPTION_SIZE])
{
	return tls_agreed_describe(t->io.ssl, out);
}

int
tls_to_host_binding(const struct tls_to_host *t, enum tls_binding binding,
	uint8_t out[TLS_BINDING_MAX], size_t *n)
{
	*n = 0;
	if (t->io.done) /* no session is resumed, so our Finished is the first */
		*n = tls_agreed_binding(
			t->io.ssl, binding, SSL_get0_peer_certificate(t->io.ssl), true, out);
	return *n > 0 ? ERR_OK : ERR_UNSUPPORTED;
}
