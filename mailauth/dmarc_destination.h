/* SPDX-License-Identifier: ISC */
/*
 * mailauth/dmarc_destination.h - to whom may reports on a domain be sent: the addresses of its
 * record, those outside of its organization only if they say that they want them.
 *
 * As with struct dmarc_check: new, run (done may be called before it returns), free at any time.
 *
 * Runs in:  dmarc-reporter. Trusts: nothing of the record or the DNS.
 * Sources:  RFC 9990 sec. 3.4, 3.5, 4.
 */
#ifndef RELAIS_DMARC_DESTINATION_H
#define RELAIS_DMARC_DESTINATION_H

#include "dmarc_record.h"

struct mailauth_dns;

struct dmarc_destinations {
	size_t n;
	struct bytes mailbox[DMARC_URIS_MAX];
	size_t unknown;     /* of how many the DNS could not tell whether they want reports */
	size_t refused;     /* that do not say that they want them, or are no mail addresses */
	struct bytes words; /* of the last of those, for the log; may be empty */
};

typedef void dmarc_destinations_fn(void *arg, const struct dmarc_destinations *result);

struct dmarc_asking;

struct dmarc_asking *dmarc_destinations_new(const struct mailauth_dns *dns);

/* domain: where the record was found. Both are copied. The result lives until it is freed. */
void dmarc_destinations_run(struct dmarc_asking *a, struct bytes domain,
	const struct dmarc_uris *rua, dmarc_destinations_fn *done, void *arg);
void dmarc_destinations_free(struct dmarc_asking **a);

#endif
