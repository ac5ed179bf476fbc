/* SPDX-License-Identifier: ISC */
/*
 * mailauth/dkim_verify_private.h - what dkim_verify.c (the flow), dkim_verify_key.c (which key),
 * dkim_verify_header.c (the signature of the header) and dkim_verify_body.c (hashes of the body)
 * share.
 */
#ifndef RELAIS_DKIM_VERIFY_PRIVATE_H
#define RELAIS_DKIM_VERIFY_PRIVATE_H

#include <openssl/evp.h>

#include "arena.h"
#include "dkim_canon.h"
#include "dkim_public.h"
#include "dkim_verify.h"

/* A field that h= may name. */
struct dkim_field {
	struct rfc5322_field field;
	uint32_t name_hash;
	unsigned turn; /* who took it last */
};

struct dkim_verifier {
	struct dkim_verify_options options;
	struct dkim_public_keys *keys;
	/* while a header is looked at: */
	struct dkim_field *fields; /* DKIM_FIELDS_MAX of them */
	struct buf text, own;      /* what a signature signs; its own field, and its octets */
};

/* One field DKIM-Signature. */
struct dkim_claim {
	struct dkim_signature parsed;
	struct dkim_verdict verdict; /* final, unless open */
	struct rfc5322_field field;
	bool open;                  /* the verdict is not known yet */
	size_t key;                 /* which of the questions is its own */
	struct dkim_public *public; /* when the answer is there */
	size_t hash;                /* which of the body's hashes is its own */
};

/* The hash of the canonical body, or of its first octets (l=). */
struct dkim_body_hash {
	bool relaxed;
	uint64_t length, left; /* octets of it, and those to come */
	EVP_MD_CTX *ctx;
	uint8_t octets[32];
};

/* The key of one selector and domain. */
struct dkim_key_question {
	struct dkim_check *check;
	struct bytes name;
	struct mailauth_question *question;
	bool answered;
};

struct dkim_check {
	struct dkim_verifier *verifier;
	struct arena arena;
	struct bytes header;
	struct bytes author; /* the domain of the From field */
	int64_t now;
	dkim_check_fn *done;
	void *arg;

	size_t signatures; /* in the header */
	size_t nclaims;
	struct dkim_claim claims[DKIM_SIGNATURES_MAX];
	struct dkim_verdict verdicts[DKIM_SIGNATURES_MAX]; /* for the caller */

	size_t nkeys, pending;
	struct dkim_key_question keys[DKIM_SIGNATURES_MAX];

	uint64_t body_octets;
	size_t nhashes;
	struct dkim_body_hash hashes[DKIM_SIGNATURES_MAX];
	struct dkim_body_canon *canons[2]; /* simple, relaxed: where a hash wants it */
};

/* Gives the verdict: the signature is not open any more. */
void dkim_claim_close(struct dkim_claim *s, enum dkim_result result, const char *why);

/* The same for all that are open. */
void dkim_check_close(struct dkim_check *c, enum dkim_result result, const char *why);

/* --- dkim_verify_key.c ---------------------------------------------------------------- */

/* The answer to the question for a key: the claim gets it, or is closed. */
void dkim_claim_key(struct dkim_check *c, struct dkim_claim *s, const struct dns_answer *answer);

/* --- dkim_verify_header.c ------------------------------------------------------------- */

/* The header, with the keys at hand: signatures that do not match are closed. */
void dkim_header_verify(struct dkim_check *c);

/* --- dkim_verify_body.c --------------------------------------------------------------- */

/* For the signatures that are open. */
void dkim_body_start(struct dkim_check *c);
void dkim_body_put(struct dkim_check *c, struct bytes piece);

/* All signatures are closed. */
void dkim_body_end(struct dkim_check *c);
void dkim_body_free(struct dkim_check *c);

#endif
