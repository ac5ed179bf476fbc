/* SPDX-License-Identifier: ISC */
/*
 * mailauth/dmarc.h - DMARC of one message: which record applies, does an authenticated domain
 * align with the author's, what does the owner want done.
 *
 *	struct dmarc_check *c = dmarc_new(dns);
 *	dmarc_run(c, &question, done, arg);	(done may be called before it returns)
 *	...
 *	dmarc_give_up(c);			(no more time: done is called with what is known)
 *	dmarc_free(&c);				(at any time, also in done(): nothing is called any
 *more)
 *
 * What a From field that is not one mailbox of one domain leads to (RFC 9989 sec. 4.2, 5.3.1 and
 * 11.5 leave it to us):
 *
 *	several addresses, all of one domain; a group of such: as one
 *	a domain in UTF-8: converted to A-labels (RFC 5890), then as any
 *	addresses of several domains; several From fields; beside a good address one whose domain
 *	is none, or text behind it that others may take for an address; a header whose end was not
 *	seen: never a pass. DMARC is applied to each domain (DMARC_AUTHORS_MAX of them, those of
 *	each field's first address before others), and the strictest policy of those that fail is
 *	the result; without one PERMERROR
 *	no From field; none with a domain (an address literal, 8 bits that are no UTF-8, a bad
 *	label, an empty group): PERMERROR
 *
 * Nothing is a pass that was not proven: an identifier whose check could not be done (a temporary
 * error) leads to TEMPERROR if it could have made the difference (sec. 5.3.6).
 *
 * Runs in:  mailauth-verify. Trusts: nothing of the message or the DNS.
 * Sources:  RFC 9989 sec. 4.4, 4.10, 5.3; RFC 8601 sec. 2.7.4 and RFC 9989 sec. 9 (result names).
 */
#ifndef RELAIS_DMARC_H
#define RELAIS_DMARC_H

#include "dmarc_record.h"

struct mailauth_dns;

#define DMARC_AUTHORS_MAX     8  /* domains of From fields that are looked at */
#define DMARC_FROM_FIELDS_MAX 4  /* From fields given; two are too many already */
#define DMARC_SIGNATURES_MAX  16 /* DKIM results that are looked at */
#define DMARC_QUERIES_MAX     8  /* of one tree walk, RFC 9989 sec. 4.10 */

/* How an authentication of a domain came out, as far as DMARC cares. */
enum dmarc_auth {
	DMARC_AUTH_FAIL, /* anything but the two below; permanent errors too */
	DMARC_AUTH_PASS,
	DMARC_AUTH_TEMPERROR, /* could not be checked now */
};

struct dmarc_identifier {
	enum dmarc_auth auth;
	struct bytes domain; /* SPF: of MAIL FROM, or with a null reverse-path of HELO; DKIM: d= */
};

struct dmarc_question {
	size_t from_count;                        /* all From fields of the header */
	struct bytes from[DMARC_FROM_FIELDS_MAX]; /* their values; of more the first and the last */
	bool header_cut;                          /* there may be more From fields: never a pass */
	struct dmarc_identifier spf;              /* domain empty: no SPF check was made */
	size_t dkim_count;
	struct dmarc_identifier dkim[DMARC_SIGNATURES_MAX];
};

enum dmarc_result {
	DMARC_RESULT_NONE, /* no record applies */
	DMARC_RESULT_PASS,
	DMARC_RESULT_FAIL,
	DMARC_RESULT_TEMPERROR,
	DMARC_RESULT_PERMERROR, /* no author domain, or a record that cannot be used */
	DMARC_RESULTS
};

/* Which tag the policy is of. */
enum dmarc_source {
	DMARC_FROM_P,
	DMARC_FROM_SP,
	DMARC_FROM_NP,
	DMARC_SOURCES
};

struct dmarc_result_row {
	enum dmarc_result result;

	struct bytes author_domain; /* A-labels, lower case; empty: there is none */
	struct bytes org_domain;    /* its organizational domain; empty: not looked for */
	struct bytes policy_domain; /* where the record was found; empty: no record */

	/* What the owner wants done with a message that fails, after t=y (one step down). Set
	 * whenever there is a record that applies, also with PASS; else DMARC_NONE. */
	enum dmarc_policy policy;
	enum dmarc_policy published; /* the same before t=y */
	enum dmarc_source source;
	bool testing; /* t=y changed it: the report's reason "policy_test_mode" */

	bool spf_aligned;      /* SPF passed for an aligned domain */
	bool dkim_aligned;     /* a signature passed for an aligned domain */
	size_t dkim_which;     /* the first such signature, if dkim_aligned */
	uint32_t dkim_strict;  /* bit i: signature i passed, and its domain is the author's */
	uint32_t dkim_relaxed; /* bit i: signature i passed and aligns at least relaxed */

	struct bytes record;      /* the record's text; empty: none */
	struct dmarc_record tags; /* what it says, borrowed from record; only with a record */

	struct bytes words; /* one short line for people: why this result */
};

/* Steps in words, a line each, for `relais explain`. */
typedef void dmarc_trace_fn(void *arg, struct bytes line);

/* result lives as long as the check. */
typedef void dmarc_done_fn(void *arg, const struct dmarc_result_row *result);

struct dmarc_check;

struct dmarc_check *dmarc_new(const struct mailauth_dns *dns);
void dmarc_trace(struct dmarc_check *c, dmarc_trace_fn *trace, void *arg); /* before dmarc_run() */

/* The question is copied. Once per check. done is called exactly once, unless freed before. */
void dmarc_run(
	struct dmarc_check *c, const struct dmarc_question *q, dmarc_done_fn *done, void *arg);

/* Nothing is waited for any more: done is called at once, with what the DNS did not say as a
 * temporary error. After dmarc_run(), before done. */
void dmarc_give_up(struct dmarc_check *c);

/* Cancels what is under way. NULL is fine; sets NULL. */
void dmarc_free(struct dmarc_check **c);

/* "none", "pass", "fail", "temperror", "permerror": RFC 8601's words */
const char *dmarc_result_name(enum dmarc_result r);

#endif
