/* SPDX-License-Identifier: ISC */
/* lib/tls/tls_private.h - what the files of lib/tls share. */
#ifndef RELAIS_TLS_PRIVATE_H
#define RELAIS_TLS_PRIVATE_H

#include <openssl/evp.h>
#include <openssl/provider.h>
#include <openssl/ssl.h>

#include "tls_octets.h"
#include "tls_server.h"

/* What a key of ours is, besides its public half: given to the provider as one parameter. */
struct remote_key {
	struct tls_server *server;
	uint8_t id[TLS_KEY_ID_SIZE];
	uint32_t origin;
	int bits, security_bits, size; /* size: of a signature, octets */
	bool rsa;
};

#define REMOTE_KEY_PARAM "relais-remote-key"
#define REMOTE_PROVIDER  "relais-remote"

OSSL_provider_init_fn remote_provider_init;

struct tls_server {
	OSSL_LIB_CTX *lib;
	OSSL_PROVIDER *base, *remote;
	SSL_CTX *ctx;
	BIO_METHOD *bio;
	EVP_CIPHER *ticket_cipher;
	const struct tls_hooks *hooks;
	void *hooks_arg;
	struct tls_stream *running;                         /* within SSL_do_handshake() */
	struct tls_ticket_key ticket_keys[TLS_TICKET_KEYS]; /* newest first */
	unsigned nticket_keys;
	struct tls_counts counts;
};

struct tls_certificates {
	struct tls_server *server;
	unsigned refs;
	uint32_t origin;
	unsigned count;
	struct {
		X509 *leaf;
		STACK_OF(X509) * rest;
		EVP_PKEY *key;
	} of[2];
};

/* One signature under way; lives from the wish to the end of the job. */
struct signing {
	struct tls_signing what;
	uint8_t text[TLS_TEXT_MAX];
	uint8_t signature[TLS_SIGNATURE_MAX];
	size_t signature_len;
	bool answered;
	int err;
};

enum question {
	ASK_NOTHING,
	ASK_CERTIFICATES, /* wanted; the hook is to be called, or has been */
	ASK_SIGNATURE,
};

struct tls_stream {
	struct tls_server *server;
	struct tls_octets io;
	int fd;
	tls_wake_fn *wake;
	void *wake_arg;
	void *question; /* the hooks' own */
	enum question asked;
	struct tls_certificates *certificates;
	int certificates_err;
	struct signing *signing;
	char *name;   /* NULL: none */
	bool waiting; /* TLS_WANT_KEY was answered and wake() not called yet */
	bool dead;    /* being freed: nothing is read or written any more */
};

/* In the provider: have this signed for the stream that runs. Pauses the job. The length of the
 * signature; 0: failed. */
size_t tls_sign_remotely(
	const struct remote_key *key, uint16_t scheme, struct bytes text, uint8_t *out, size_t max);

#endif
