/* SPDX-License-Identifier: ISC */
/*
 * mailauth/spf.h - may this client send mail for this domain: check_host() of RFC 7208.
 *
 * A check asks for DNS records as it goes, so it takes time; thousands may be under way in one
 * thread. It has no clock: the caller's time-out is spf_cancel(), and the result temperror
 * (sec. 4.6.4 wants at least 20 seconds). Our limits are the RFC's: 10 terms that ask, 2 of them in
 * vain, 10 hosts of an mx or ptr, all counted for the whole check.
 *
 * Runs in:  mailauth-verify, CLI.
 * Trusts:   nothing of the question and of the answers.
 * Sources:  RFC 7208.
 */
#ifndef RELAIS_SPF_H
#define RELAIS_SPF_H

#include "ip_block.h"
#include "mailauth_dns.h"

#define SPF_EXPLANATION_MAX 400 /* octets; what is longer counts as none, sec. 6.2 */
#define SPF_SENDER_MAX      512 /* of a MAIL FROM; a longer one has no policy */
#define SPF_DOMAIN_MAX      253

/* sec. 2.6, weakest first; the words are those of Authentication-Results and Received-SPF. */
enum spf_verdict {
	SPF_NONE,
	SPF_NEUTRAL,
	SPF_PASS,
	SPF_FAIL,
	SPF_SOFTFAIL,
	SPF_TEMPERROR,
	SPF_PERMERROR,
	SPF_VERDICT_COUNT
};

enum spf_identity {
	SPF_HELO,      /* sec. 2.3: the domain of HELO or EHLO */
	SPF_MAIL_FROM, /* sec. 2.4: of the reverse-path; with a null one postmaster at HELO */
};

/* Octets are copied. */
struct spf_question {
	enum spf_identity identity;
	struct ip_block client; /* one address, of ip_block_parse(); none: no policy */
	struct bytes helo;      /* as the client said it, may be nonsense */
	struct bytes mail_from; /* without "<>"; may be empty */
	struct bytes receiver;  /* our host's name, for macro r */
	uint64_t now;           /* seconds since 1970, for macro t */
};

struct spf_result {
	enum spf_verdict verdict;
	enum spf_identity identity;
	struct bytes domain; /* whose policy was asked for; empty: none can be told */
	struct bytes
		mechanism; /* that matched, as written: "ip4:192.0.2.0/24", "-all", "include:x";
			      "default" if none did; empty if there is no policy's result */
	struct bytes explanation; /* only with fail: of the domain, printable ASCII; may be empty */
	struct bytes problem;     /* for people: why none, temperror, permerror; may be empty */
	unsigned lookups, void_lookups;
};

/* The result is borrowed and lives during the call. */
typedef void spf_done_fn(void *arg, const struct spf_result *result);

/* One step in words ("a:mail.example.org: 192.0.2.1, no match"); printable ASCII, no LF. */
typedef void spf_trace_fn(void *arg, struct bytes line);

struct spf_engine; /* libspf2 and what its runs need; one of a process is enough */
struct spf_check;

struct spf_engine *spf_engine_new(void);
void spf_engine_free(struct spf_engine *e); /* NULL is fine; no check may be under way */

/*
 * done is called exactly once: later, from within an answer of dns, or at once, from within this
 * call, which then returns NULL. The check is gone as soon as done is called. trace may be NULL.
 * dns must live as long as the check.
 */
struct spf_check *spf_start(struct spf_engine *e, const struct mailauth_dns *dns,
	const struct spf_question *question, spf_done_fn *done, spf_trace_fn *trace, void *arg);

/* Ends a check: done is not called. NULL is fine. */
void spf_cancel(struct spf_check *c);

/* "none", "neutral", "pass", ... */
const char *spf_verdict_name(enum spf_verdict verdict);

#endif
