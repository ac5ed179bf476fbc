/* SPDX-License-Identifier: ISC */
/*
 * lib/tls/tls_client.h - TLS towards servers: client side, over a non-blocking descriptor, which
 * stays the caller's. No call blocks. Results are those of tls.h (TLS_WANT_READ, ...), and so is
 * the usual form.
 *
 * Who the server is, is judged in the handshake: by nobody (any certificate will do), by
 * certificate authorities and names (PKIX), or by TLSA records (DANE, RFC 7672; the usages 2 and
 * 3). A judgement that fails fails the handshake with ERR_DENIED.
 *
 * TLS 1.2 and 1.3, no renegotiation, no early data. Files are read by tls_client_trust() only,
 * which belongs before the jail.
 */
#ifndef RELAIS_TLS_CLIENT_H
#define RELAIS_TLS_CLIENT_H

#include "tls.h"

struct tls_client;  /* one for a process */
struct tls_to_host; /* one connection's */

#define TLS_CLIENT_NAMES_MAX 8
#define TLS_CLIENT_TLSA_MAX  24

struct tls_client *tls_client_new(void);
void tls_client_free(struct tls_client **c); /* no connection may be left; NULL is fine */

/* The certificates of a file (PEM) are certificate authorities that are trusted from now on.
 * returns: how many there were, > 0; ERR_NOT_FOUND; ERR_SYNTAX */
MUST_USE int tls_client_trust(struct tls_client *c, const char *path);

/* One TLSA record, RFC 6698. */
struct tls_tlsa {
	uint8_t usage, selector, matching_type;
	struct bytes data; /* borrowed during the call */
};

/* Can it be used for SMTP (RFC 7672 sec. 3.1)? DANE-TA(2) and DANE-EE(3) with a selector and a
 * matching type that we know, and data of the length that these want. */
static inline bool
tls_tlsa_is_usable(const struct tls_tlsa *t)
{
	const size_t want = t->matching_type == 1 ? 32 : 64; /* SHA-256, SHA-512; 0: no digest */

	return (t->usage == 2 || t->usage == 3) && t->selector <= 1 && t->matching_type <= 2 &&
	       t->data.n > 0 && (t->matching_type == 0 || t->data.n == want);
}

enum tls_judge {
	TLS_JUDGE_NOBODY, /* tls_to_host_trust() tells what an authority would have said */
	TLS_JUDGE_PKIX,
	TLS_JUDGE_DANE,
};

struct tls_to_host_spec {
	const char *server_name; /* SNI; NULL: none (an address) */
	enum tls_judge judge;
	/* The server may be any of these; ".example.org" is any name below. PKIX: at least one;
	 * DANE-TA: the first is the TLSA base domain. Addresses are names too. */
	unsigned n_names;
	const char *names[TLS_CLIENT_NAMES_MAX];
	unsigned n_tlsa; /* DANE: at least one of them is usable; others are passed over */
	const struct tls_tlsa *tlsa;
};

/* All is copied. NULL: something of it is not to be had (a name, no usable record). */
struct tls_to_host *tls_to_host_new(
	struct tls_client *c, int fd, const struct tls_to_host_spec *spec);
void tls_to_host_free(struct tls_to_host **t); /* writes nothing. NULL is fine; sets NULL */

/* As tls_handshake() and the others of tls.h. ERR_DENIED: it is not who it has to be. */
MUST_USE int tls_to_host_handshake(struct tls_to_host *t);
MUST_USE int tls_to_host_read(struct tls_to_host *t, void *p, size_t n);
MUST_USE int tls_to_host_write(struct tls_to_host *t, struct bytes b);
MUST_USE int tls_to_host_shutdown(struct tls_to_host *t);
bool tls_to_host_pending(const struct tls_to_host *t);
const char *tls_to_host_why(const struct tls_to_host *t); /* as tls_why() */

/* ---- once the handshake is done ---- */

enum tls_trust {       /* as the log says it: "Untrusted TLS connection established to ..." */
	TLS_ANONYMOUS, /* it showed no certificate */
	TLS_UNTRUSTED, /* one that no authority vouches for */
	TLS_TRUSTED,   /* one that an authority vouches for, whatever name is in it */
	TLS_VERIFIED,  /* it is who it has to be */
	TLS_TRUSTS
};

enum tls_trust tls_to_host_trust(const struct tls_to_host *t);
const char *tls_trust_word(enum tls_trust t);          /* "Untrusted" */
bool tls_to_host_by_dane(const struct tls_to_host *t); /* VERIFIED by a TLSA record */

const char *tls_to_host_protocol(const struct tls_to_host *t); /* "TLSv1.3" */
const char *tls_to_host_cipher(const struct tls_to_host *t);

/* As tls_describe() and tls_binding(). */
const char *tls_to_host_describe(const struct tls_to_host *t, char out[TLS_DESCRIPTION_SIZE]);
MUST_USE int tls_to_host_binding(const struct tls_to_host *t, enum tls_binding binding,
	uint8_t out[TLS_BINDING_MAX], size_t *n);

#endif
