/* SPDX-License-Identifier: ISC */
/*
 * mailauth/mailauth_dns.h - how the checks of SPF, DKIM and DMARC ask for DNS records.
 *
 * A check knows no resolver: it is given a struct mailauth_dns. In the daemons a link to resolver
 * stands behind it, in tests the data of a zone, in fuzzers whatever the input says.
 *
 * Runs in:  mailauth-verify, CLI; wherever a check runs.
 * Trusts:   answers only as far as lib/ipc/dns_msg.h says: rdata may be anything.
 */
#ifndef RELAIS_MAILAUTH_DNS_H
#define RELAIS_MAILAUTH_DNS_H

#include "dns_msg.h"

/* The answer is borrowed and lives during the call. */
typedef void mailauth_dns_fn(void *arg, const struct dns_answer *answer);

struct mailauth_dns {
	/*
	 * Asks for the records of a type at a name in presentation form (as struct dns_query).
	 * done is called exactly once, whatever happens: later, or from within this call. name is
	 * copied if it is needed later.
	 */
	void (*ask)(void *ctx, uint16_t type, struct bytes name, mailauth_dns_fn *done, void *arg);
	void *ctx;
};

struct mailauth_question;

/*
 * Asks, and can take it back: after mailauth_cancel() done is not called. Whoever answers needs to
 * know nothing of this. done may be called from within: then NULL is returned. The question is gone
 * as soon as done is called.
 */
struct mailauth_question *mailauth_ask(const struct mailauth_dns *dns, uint16_t type,
	struct bytes name, mailauth_dns_fn *done, void *arg);

/* NULL is fine. */
void mailauth_cancel(struct mailauth_question *q);

#endif
