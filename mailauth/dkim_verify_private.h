/* SPDX-License-Identifier: ISC */
/*
 * mailauth/dkim_verify_private.h - what dkim_verify.c (the flow), dkim_verify_key.c (which key),
 * dkim_verify_lib.c (libopendkim) and dkim_verify_body.c (hashes of the body) share.
 */
#ifndef RELAIS_DKIM_VERIFY_PRIVATE_H
#define RELAIS_DKIM_VERIFY_PRIVATE_H

#include <opendkim/dkim.h>
#include <openssl/evp.h>

#include "arena.h"
#include "dkim_canon.h"
#include "dkim_verify.h"

struct dkim_verifier {
	struct dkim_verify_options options;
	DKIM_LIB *lib;
};

/* One field DKIM-Signature. */
struct dkim_claim {
	struct dkim_signature parsed;
	struct dkim_verdict verdict; /* final, unless open */
	bool open;                   /* the verdict is not known yet */
	bool fed;                    /* libopendkim gets the field, as number fed_at */
	size_t fed_at;
	size_t key;         /* which of the questions is its own */
	const char *record; /* the key, as libopendkim gets it; in the arena */
	bool at_work;       /* libopendkim looks at it now */
	size_t hash;        /* which of the body's hashes is its own */
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

	DKIM_SIGINFO **infos; /* by fed_at; libopendkim's, while it is at work */
	size_t ninfos;

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

/* The answer to the question for a key: the claim gets its record, or is closed. */
void dkim_claim_key(struct dkim_check *c, struct dkim_claim *s, const struct dns_answer *answer);

/* --- dkim_verify_lib.c ---------------------------------------------------------------- */

/* A handle of the library; NULL if it cannot do what is needed. */
DKIM_LIB *dkim_lib_new(void);

/* true if the library takes the field as it stands */
bool dkim_lib_takes(const struct rfc5322_field *f);

/* The header, with the keys at hand: signatures that do not match are closed. */
void dkim_lib_header(struct dkim_check *c);

/* --- dkim_verify_body.c --------------------------------------------------------------- */

/* For the signatures that are open. */
void dkim_body_start(struct dkim_check *c);
void dkim_body_put(struct dkim_check *c, struct bytes piece);

/* All signatures are closed. */
void dkim_body_end(struct dkim_check *c);
void dkim_body_free(struct dkim_check *c);

#endif
