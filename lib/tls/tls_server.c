/* SPDX-License-Identifier: ISC */
/*
 * lib/tls/tls_server.c - what all streams of a process share: protocol policy, ticket keys,
 * certificates.
 *
 * A library context of its own: nothing of the system's openssl.cnf applies, and our provider
 * is seen by nobody else.
 *
 * Runs in:  all doors.
 * Sources:  RFC 8446, RFC 5246, RFC 5077; Mozilla's server side TLS guidelines, "intermediate".
 */
#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "tls_private.h"

#define CIPHERS_TLS12                                                                              \
	"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"                               \
	"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"                               \
	"ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
#define CIPHERS_TLS13 "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
#define GROUPS        "X25519:P-256:P-384"
#define SIGNATURES                                                                                 \
	"ECDSA+SHA256:ECDSA+SHA384:RSA-PSS+SHA256:RSA-PSS+SHA384:RSA-PSS+SHA512:"                  \
	"RSA+SHA256:RSA+SHA384:RSA+SHA512"

/* ---- octets in and out ---- */

static int
bio_read(BIO *bio, char *p, int n)
{
	struct tls_stream *s = BIO_get_data(bio);
	ssize_t r;

	BIO_clear_retry_flags(bio);
	if (s->dead)
		return -1;
	do
		r = recv(s->fd, p, (size_t)n, 0);
	while (r < 0 && errno == EINTR);
	if (r < 0 && errno == EAGAIN)
		BIO_set_retry_read(bio);
	if (r == 0)
		BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
	return (int)r;
}

static int
bio_write(BIO *bio, const char *p, int n)
{
	struct tls_stream *s = BIO_get_data(bio);
	ssize_t r;

	BIO_clear_retry_flags(bio);
	if (s->dead)
		return -1;
	do
		r = send(s->fd, p, (size_t)n, MSG_NOSIGNAL);
	while (r < 0 && errno == EINTR);
	if (r < 0 && errno == EAGAIN)
		BIO_set_retry_write(bio);
	return (int)r;
}

static long
bio_ctrl(BIO *bio, int command, long number, void *p)
{
	if (command == BIO_CTRL_EOF)
		return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0;
	return command == BIO_CTRL_FLUSH || command == BIO_CTRL_DUP;
}

static BIO_METHOD *
make_bio_method(void)
{
	BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "relais stream");

	if (m == NULL || !BIO_meth_set_read(m, bio_read) || !BIO_meth_set_write(m, bio_write) ||
		!BIO_meth_set_ctrl(m, bio_ctrl)) {
		BIO_meth_free(m);
		return NULL;
	}
	return m;
}

/* ---- session tickets ---- */

static void
forget_old_keys(struct tls_server *server)
{
	uint64_t now = clock_mono_ms();

	while (server->nticket_keys > 1 &&
		server->ticket_keys[server->nticket_keys - 1].until_ms <= now)
		OPENSSL_cleanse(&server->ticket_keys[--server->nticket_keys],
			sizeof(server->ticket_keys[0]));
}

static int
use_ticket_key(const struct tls_server *server, const struct tls_ticket_key *key,
	const unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int encrypt)
{
	char digest[] = "SHA256";
	OSSL_PARAM params[] = { OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY,
					(void *)(uintptr_t)key->mac_key, sizeof(key->mac_key)),
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end() };

	return EVP_MAC_CTX_set_params(mac, params) &&
	       EVP_CipherInit_ex2(
		       cipher, server->ticket_cipher, key->cipher_key, iv, encrypt, NULL);
}

/* SSL_CTX_set_tlsext_ticket_key_evp_cb(3): 1 done; 2 done, and a new ticket is wanted; 0 unknown */
static int
on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
	EVP_MAC_CTX *mac, int encrypt)
{
	const struct tls_stream *s = SSL_get_app_data(ssl);
	struct tls_server *server = s->server;
	const struct tls_ticket_key *key = &server->ticket_keys[0];

	forget_old_keys(server);
	if (server->nticket_keys == 0)
		return 0;
	if (encrypt) {
		if (RAND_bytes_ex(server->lib, iv, 16, 0) != 1)
			return -1;
		memcpy(name, key->name, sizeof(key->name));
		return use_ticket_key(server, key, iv, cipher, mac, 1) ? 1 : -1;
	}
	for (unsigned i = 0; i < server->nticket_keys; i++, key++) {
		if (memcmp(name, key->name, sizeof(key->name)) != 0)
			continue;
		if (!use_ticket_key(server, key, iv, cipher, mac, 0))
			return -1;
		/* TLS 1.3 clients use a ticket once, and want the next (RFC 8446 app. C.4) */
		return i == 0 && SSL_version(ssl) < TLS1_3_VERSION ? 1 : 2;
	}
	return 0;
}

static void
put_ticket_key(struct tls_server *server, const struct tls_ticket_key *key, bool first)
{
	struct tls_ticket_key *keys = server->ticket_keys;
	unsigned at, n = server->nticket_keys;

	for (at = 0; at < n && memcmp(keys[at].name, key->name, sizeof(key->name)) != 0; at++)
		;
	if (at < n) { /* known: taken out, and put in anew below */
		memmove(&keys[at], &keys[at + 1], (n - at - 1) * sizeof(*keys));
		n--;
	}
	if (n == TLS_TICKET_KEYS)
		n--;
	if (first)
		memmove(&keys[1], &keys[0], n * sizeof(*keys));
	keys[first ? 0 : n] = *key;
	server->nticket_keys = n + 1;
}

void
tls_server_ticket_key(
	struct tls_server *server, const struct tls_ticket_key *key, uint32_t lifetime_s)
{
	put_ticket_key(server, key, true);
	SSL_CTX_set_timeout(server->ctx, (long)lifetime_s);
	forget_old_keys(server);
}

void
tls_server_old_ticket_key(struct tls_server *server, const struct tls_ticket_key *key)
{
	put_ticket_key(server, key, false);
}

/* ---- the context ---- */

/* Which certificates? Asked when the client's hello is known; -1: wait (SSL_CTX_set_cert_cb(3)).
 * Runs in the handshake's job: notes only what is wanted. */
static int
on_certificate(SSL *ssl, void *arg)
{
	struct tls_stream *s = SSL_get_app_data(ssl);
	struct tls_certificates *c = s->certificates;

	if (c == NULL && s->certificates_err < 0)
		return 0;
	if (c == NULL) {
		s->asked = ASK_CERTIFICATES;
		return -1;
	}
	for (unsigned i = 0; i < c->count; i++)
		if (SSL_use_cert_and_key(ssl, c->of[i].leaf, c->of[i].key, c->of[i].rest, 1) != 1)
			return 0;
	return 1;
}

static bool
set_policy(SSL_CTX *ctx, const char *context)
{
	char groups[] = GROUPS, signatures[] = SIGNATURES; /* the macros below take no const */

	SSL_CTX_set_options(ctx,
		SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
				      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(ctx, 1);
	SSL_CTX_set_security_level(ctx, 2);
	SSL_CTX_set_read_ahead(ctx, 1);
	SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, on_ticket);
	SSL_CTX_set_cert_cb(ctx, on_certificate, NULL);
	return SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
	       SSL_CTX_set_cipher_list(ctx, CIPHERS_TLS12) == 1 &&
	       SSL_CTX_set_ciphersuites(ctx, CIPHERS_TLS13) == 1 &&
	       SSL_CTX_set1_groups_list(ctx, groups) == 1 &&
	       SSL_CTX_set1_sigalgs_list(ctx, signatures) == 1 &&
	       SSL_CTX_set_session_id_context(
		       ctx, (const unsigned char *)context, (unsigned)strlen(context)) == 1;
}

struct tls_server *
tls_server_new(const char *context, const struct tls_hooks *hooks, void *hooks_arg)
{
	struct tls_server *server = xcalloc(1, sizeof(*server));

	ASSERT(strlen(context) <= SSL_MAX_SID_CTX_LENGTH);
	server->hooks = hooks;
	server->hooks_arg = hooks_arg;
	OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
	server->lib = OSSL_LIB_CTX_new();
	ASSERT(server->lib != NULL);
	ASSERT(OSSL_PROVIDER_add_builtin(server->lib, REMOTE_PROVIDER, remote_provider_init));
	server->base = OSSL_PROVIDER_load(server->lib, "default");
	server->remote = OSSL_PROVIDER_load(server->lib, REMOTE_PROVIDER);
	ASSERT(server->base != NULL && server->remote != NULL);
	/* our key types are only for keys that are made as ours, never for key exchange */
	ASSERT(EVP_set_default_properties(server->lib, "?provider=default"));
	server->ticket_cipher = EVP_CIPHER_fetch(server->lib, "AES-256-CBC", NULL);
	server->bio = make_bio_method();
	server->ctx = SSL_CTX_new_ex(server->lib, NULL, TLS_server_method());
	ASSERT(server->ticket_cipher != NULL && server->bio != NULL && server->ctx != NULL);
	ASSERT(set_policy(server->ctx, context));
	return server;
}

void
tls_server_free(struct tls_server **serverp)
{
	struct tls_server *server = *serverp;

	*serverp = NULL;
	if (server == NULL)
		return;
	SSL_CTX_free(server->ctx);
	BIO_meth_free(server->bio);
	EVP_CIPHER_free(server->ticket_cipher);
	OSSL_PROVIDER_unload(server->remote);
	OSSL_PROVIDER_unload(server->base);
	OSSL_LIB_CTX_free(server->lib);
	OPENSSL_cleanse(server->ticket_keys, sizeof(server->ticket_keys));
	free(server);
}

struct tls_counts
tls_server_counts(const struct tls_server *server)
{
	return server->counts;
}

void
tls_server_only_tls13(struct tls_server *server, bool only)
{
	SSL_CTX_set_min_proto_version(server->ctx, only ? TLS1_3_VERSION : TLS1_2_VERSION);
}
