/* SPDX-License-Identifier: ISC */
/*
 * lib/tls/tls_server.h - the other side of tls.h: who has handshakes signed and brings
 * certificates. lib/door does it for daemons, tests do it themselves.
 *
 * The hooks are called from within tls_handshake(), outside of all OpenSSL code, and answer at
 * once or later with tls_stream_signed() or tls_stream_certificates(). An answer later calls
 * the stream's wake function.
 */
#ifndef RELAIS_TLS_SERVER_H
#define RELAIS_TLS_SERVER_H

#include "tls.h"

#define TLS_KEY_ID_SIZE   32 /* SHA-256 of the SubjectPublicKeyInfo */
#define TLS_TEXT_MAX      256
#define TLS_SIGNATURE_MAX 1024
#define TLS_TICKET_KEYS   4 /* remembered at once */
#define TLS_NAME_MAX      255

struct tls_certificates;

/* What a stream wants to have signed; borrowed until the answer. */
struct tls_signing {
	uint8_t key_id[TLS_KEY_ID_SIZE];
	uint32_t origin; /* as given to tls_certificates_new() */
	uint16_t scheme; /* SignatureScheme, RFC 8446 sec. 4.2.3 */
	struct bytes text;
};

struct tls_hooks {
	/* Answer: tls_stream_signed(). */
	void (*sign)(void *arg, struct tls_stream *s, const struct tls_signing *what);
	/* name: lower case, checked; empty: none was given. Answer: tls_stream_certificates(). */
	void (*certificates)(void *arg, struct tls_stream *s, struct bytes name);
	/* The stream goes: no answer any more. */
	void (*cancel)(void *arg, struct tls_stream *s);
};

/* context: tells services apart that share nothing (session id context), at most 32 octets. */
struct tls_server *tls_server_new(
	const char *context, const struct tls_hooks *hooks, void *hooks_arg);
void tls_server_free(struct tls_server **server); /* no stream may be left; NULL is fine */

void tls_server_only_tls13(struct tls_server *server, bool only);

struct tls_ticket_key {
	uint8_t name[16];
	uint8_t cipher_key[32]; /* AES-256-CBC */
	uint8_t mac_key[32];    /* HMAC-SHA-256 */
	uint64_t until_ms;      /* clock_mono_ms(): tickets made with it are taken until then */
};

/* This key makes new tickets from now on (known already or not); older ones are still taken
 * until their end. lifetime_s: of new sessions. */
void tls_server_ticket_key(
	struct tls_server *server, const struct tls_ticket_key *key, uint32_t lifetime_s);
/* A key that only opens tickets. */
void tls_server_old_ticket_key(struct tls_server *server, const struct tls_ticket_key *key);

struct tls_counts {
	uint64_t handshakes, resumed, failed; /* handshakes: with the resumed ones */
};

struct tls_counts tls_server_counts(const struct tls_server *server);

/* ---- certificates: shared by many streams, counted ---- */

/* Up to two for one name, of different key types. origin: the maker's own, see tls_signing. */
struct tls_certificates *tls_certificates_new(struct tls_server *server, uint32_t origin);
/* chain: certificates in DER, one behind the other, leaf first. ERR_SYNTAX; ERR_UNSUPPORTED: no
 * key type of ours (ECDSA with P-256 or P-384, RSA from 2048 bits on); ERR_LIMIT: too many */
MUST_USE int tls_certificates_add(
	struct tls_certificates *c, const uint8_t key_id[TLS_KEY_ID_SIZE], struct bytes chain);
struct tls_certificates *tls_certificates_ref(struct tls_certificates *c);
void tls_certificates_free(struct tls_certificates **c); /* one reference; NULL is fine */
unsigned tls_certificates_count(const struct tls_certificates *c);

/* ---- answers ---- */

/* err: ERR_OK and the signature, or why there is none. */
void tls_stream_signed(struct tls_stream *s, int err, struct bytes signature);

/* c: the stream takes its own reference; NULL: there is none (err says why). */
void tls_stream_certificates(struct tls_stream *s, int err, struct tls_certificates *c);

/* A place for the hooks' own, NULL at first. */
void tls_stream_set_question(struct tls_stream *s, void *question);
void *tls_stream_question(const struct tls_stream *s);

#endif
