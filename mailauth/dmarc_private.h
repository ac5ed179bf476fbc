/* SPDX-License-Identifier: ISC */
/* mailauth/dmarc_private.h - what the parts of a DMARC check have of each other. */
#ifndef RELAIS_DMARC_PRIVATE_H
#define RELAIS_DMARC_PRIVATE_H

#include "arena.h"
#include "dmarc.h"
#include "mailauth_dns.h"

/* Lower case, A-labels, no dot at the end; in the arena. ERR_SYNTAX, ERR_LIMIT: no host's name. */
MUST_USE int dmarc_fold_domain(struct arena *a, struct bytes domain, struct bytes *out);

/* Whom the From fields name. */
struct dmarc_authors {
	size_t n;
	struct bytes domain[DMARC_AUTHORS_MAX];
	const char *why; /* it is not one field with addresses of one domain; NULL: it is */
};

void dmarc_authors(
	struct arena *a, const struct bytes *from, size_t count, struct dmarc_authors *out);

/* ---- dmarc_walk.c: what the DNS says, remembered for the check ---- */

enum dmarc_found {
	DMARC_FOUND,   /* a record */
	DMARC_ABSENT,  /* none */
	DMARC_SEVERAL, /* more than one: as none, sec. 4.10 step 2 */
	DMARC_UNKNOWN, /* the DNS could not tell */
	DMARC_ASKED,   /* no answer yet */
};

enum dmarc_what {
	DMARC_POLICY,  /* TXT at _dmarc.domain */
	DMARC_EXISTS,  /* A at domain: does it exist? */
	DMARC_CONSENT, /* TXT at domain, which has ._report._dmarc. in it; RFC 9990 sec. 4 */
};

/* One name that was asked for. */
struct dmarc_look {
	struct dmarc_look *next;
	struct dmarc_memory *memory;
	struct mailauth_question *question; /* under way */
	struct bytes domain;
	enum dmarc_what what;
	enum dmarc_found found;
	enum dns_status status;
	struct bytes record;
	struct dmarc_record tags; /* with FOUND; borrows from record */
	int usable;               /* ERR_OK; ERR_SYNTAX: see dmarc_record_parse() */
};

struct dmarc_memory {
	const struct mailauth_dns *dns;
	struct arena *arena;
	struct dmarc_look *looks;
	void (*answered)(void *arg); /* never called from within dmarc_look() */
	void *arg;
	bool asking;
	bool given_up; /* what is not known is UNKNOWN */
};

/* The answer, or one with DMARC_ASKED: come again after answered(). */
const struct dmarc_look *dmarc_look(
	struct dmarc_memory *m, enum dmarc_what what, struct bytes domain);

/* Questions under way are taken back: what has no answer is UNKNOWN, and nothing is asked any
 * more. */
void dmarc_memory_give_up(struct dmarc_memory *m);

/* The result of a tree walk, sec. 4.10 and 4.10.2. */
struct dmarc_walk {
	enum dmarc_found found;         /* FOUND, ABSENT (no record at all), UNKNOWN, ASKED */
	struct bytes org_domain;        /* with FOUND and ABSENT */
	const struct dmarc_look *start; /* of the domain itself */
	const struct dmarc_look *org;   /* the record of the organizational domain, or NULL */
	const struct dmarc_look *psd;   /* the record with psd=y above it, or NULL */
	size_t queries;
};

/* From domain upwards. looked, if not NULL, is called for each name looked at. */
void dmarc_walk(struct dmarc_memory *m, struct bytes domain, struct dmarc_walk *out,
	void (*looked)(void *arg, const struct dmarc_look *look), void *arg);

#endif
