/* SPDX-License-Identifier: ISC */
/*
 * mailauth/dkim_verify.h - DKIM: what each signature of a message is worth (RFC 6376 sec. 6,
 * RFC 8301, RFC 8463).
 *
 *	verifier = dkim_verifier_new(&options);		once per process
 *	check = dkim_check_start(verifier, dns, header, now, done, arg);
 *		... done(arg) is called when all keys are known, at once or later ...
 *	while (dkim_check_wants_body(check) && there is more)
 *		dkim_check_body(check, piece);		any pieces, at the caller's pace
 *	verdicts = dkim_check_end(check, &count);
 *	dkim_check_free(&check);			at any time: stops what is under way
 *
 * All of it is ours (docs/dkim.md says why), with OpenSSL for hashes and signatures. Time and
 * memory are bounded: DKIM_HEADER_MAX, DKIM_FIELDS_MAX, the number of signatures; a body is never
 * held, only hashed.
 *
 * Content has CRLF line ends. Everything is single-threaded.
 */
#ifndef RELAIS_DKIM_VERIFY_H
#define RELAIS_DKIM_VERIFY_H

#include "dkim_tags.h"
#include "mailauth_dns.h"

#define DKIM_SIGNATURES_MAX 16   /* what the option may be set to */
#define DKIM_BITS_LEAST     1024 /* RFC 8301 sec. 3.2 */

struct dkim_verifier;
struct dkim_check;

/* The results of RFC 8601 sec. 2.7.1. */
enum dkim_result {
	DKIM_NONE, /* no signature; never in a verdict */
	DKIM_PASS,
	DKIM_FAIL,    /* the body or the signature does not match */
	DKIM_POLICY,  /* not accepted, right or not: small key, expired, text behind what l= covers,
			 a From field that is not signed, more signatures or text than are looked at
		       */
	DKIM_NEUTRAL, /* the field cannot be understood */
	DKIM_TEMPERROR, /* the key could not be had now */
	DKIM_PERMERROR, /* RSA-SHA1 (RFC 8301), no key, revoked, not fit for this signature */
	DKIM_RESULT_COUNT
};

struct dkim_verdict {
	enum dkim_result result;
	enum dkim_algorithm algorithm;
	struct bytes domain;   /* d= in lower case; empty if it could not be told */
	struct bytes selector; /* s=, likewise */
	struct bytes identity; /* i=; "@" and d= if it is missing */
	struct bytes b_head;   /* the first 8 characters of b=, for header.b (RFC 6008) */
	unsigned key_bits;     /* of RSA; 256 for Ed25519; 0 while there is no key */
	bool testing;          /* t=y in the key record: the domain tries DKIM out */
	bool key_secure;       /* the key came with DNSSEC's proof */
	const char *why;       /* in words, static; "" with PASS */
};

struct dkim_verify_options {
	unsigned signatures;   /* that are verified, 1 to DKIM_SIGNATURES_MAX; the rest is policy */
	unsigned rsa_bits_min; /* at least DKIM_BITS_LEAST */
	uint64_t body_octets;  /* of a larger body nothing is verified: policy */
};

/* "none", "pass", ... as in Authentication-Results */
const char *dkim_result_name(enum dkim_result result);

struct dkim_verifier *dkim_verifier_new(const struct dkim_verify_options *options);
void dkim_verifier_free(struct dkim_verifier **v); /* after its checks */

typedef void dkim_check_fn(void *arg);

/*
 * Look at a message's header and ask for the keys of its signatures, each once.
 *
 * header: from the first octet to the end of the header at least; what stands behind the blank line
 *         is not looked at. Borrowed until dkim_check_free()
 * now:    seconds since 1970, for t= and x=
 * done:   called once, when all keys are known or known to be missing; maybe before this
 *         returns (*out is set by then), never after dkim_check_free()
 */
void dkim_check_start(struct dkim_verifier *v, const struct mailauth_dns *dns, struct bytes header,
	int64_t now, dkim_check_fn *done, void *arg, struct dkim_check **out);

/* After done: false if no octet of the body can change a verdict any more. */
bool dkim_check_wants_body(const struct dkim_check *c);

/* The next octets of the body, which begins behind the blank line. */
void dkim_check_body(struct dkim_check *c, struct bytes piece);

/* The rest of the body cannot be had: what it would decide is a temporary error. */
void dkim_check_unread(struct dkim_check *c);

/* The body is complete. One verdict per signature, as they stand in the header from the top, at
 * most DKIM_SIGNATURES_MAX, those that are nearest to the author's domain; *count is 0 if there is
 * none. Borrowed until dkim_check_free(). */
const struct dkim_verdict *dkim_check_end(struct dkim_check *c, size_t *count);

/* Signatures in the header, those beyond DKIM_SIGNATURES_MAX too. */
size_t dkim_check_signatures(const struct dkim_check *c);

void dkim_check_free(struct dkim_check **c); /* NULL is fine; cancels questions under way */

#endif
