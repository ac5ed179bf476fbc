/* SPDX-License-Identifier: ISC */
/*
 * cli/dns/dns_plan.h - the records that a mail domain of ours needs in DNS. Pure: what is known of
 * the suite goes in, records come out.
 *
 * Sources: RFC 5321 sec. 5.1 (MX), RFC 7208 (SPF), RFC 6376 (DKIM), RFC 9989 (DMARC), RFC 7672
 * (TLSA), RFC 6186 and RFC 8314 (SRV for clients), RFC 8461 (MTA-STS), RFC 8460 (TLS-RPT).
 */
#ifndef RELAIS_DNS_PLAN_H
#define RELAIS_DNS_PLAN_H

#include "arena.h"
#include "dkim_keeper_msg.h"
#include "dmarc_record.h"
#include "dns_rdata.h"
#include "ip_block.h"

#define DNS_ADDRESSES_MAX 32
#define DNS_TLSA_MAX      8
#define DNS_KEYS_MAX      64
#define DNS_SERVICES      6

/* One of RFC 6186 and 8314. */
struct dns_service {
	const char *label; /* "_imaps" */
	uint16_t port;     /* 0: not offered */
	uint16_t priority; /* of SRV: what encrypts from the start is better */
};

struct dns_certificate {
	uint8_t key[32];  /* SHA-256 of its public key */
	uint8_t leaf[32]; /* and of the whole */
};

/* What is known of the suite. Names are A-labels in lower case, without a dot at the end. */
struct dns_facts {
	const char *domain;
	const char *hostname;
	size_t n_addresses; /* of hostname; none: not known */
	struct ip_block addresses[DNS_ADDRESSES_MAX];
	size_t n_sources; /* from which mail leaves besides */
	struct ip_block sources[DNS_ADDRESSES_MAX];
	bool smarthost; /* mail leaves by another's host */
	bool signs;     /* DKIM is wanted */
	bool keys_known;
	size_t n_keys;
	struct dkim_key_row keys[DNS_KEYS_MAX];
	size_t n_certificates; /* that are shown to who connects to hostname */
	struct dns_certificate certificates[DNS_TLSA_MAX];
	struct dns_service services[DNS_SERVICES];
	const char *report_to; /* a mailbox */
	enum dmarc_policy policy;
};

enum dns_need {
	DNS_NEEDED,    /* mail suffers without it */
	DNS_ADVISED,   /* others expect it */
	DNS_OPTIONAL,  /* good where its condition is met */
	DNS_OBSOLETE,  /* may be removed */
	DNS_ELSEWHERE, /* needed, in a zone of somebody else's */
};

struct dns_record {
	const char *what; /* "SPF" */
	const char *name;
	uint16_t type;
	struct bytes rdata; /* as on the wire */
	enum dns_need need;
	bool alone;       /* the type at this name is for this alone: what else is there may go */
	const char *note; /* for people; may be "" */
};

#define DNS_PLAN_MAX 256

struct dns_plan {
	size_t n;
	struct dns_record records[DNS_PLAN_MAX];
	const char *sts_policy; /* the text to be served by HTTPS */
};

/* All lives in the arena, or is borrowed from facts. */
void dns_plan_make(struct arena *a, const struct dns_facts *f, struct dns_plan *out);

/* rdata of a TXT record: strings of at most 255 octets, none of them empty but in an empty text. */
struct bytes dns_txt_make(struct arena *a, struct bytes text);

/* Is name the domain, or below it? */
bool dns_is_below(const char *name, const char *domain);

/* ---- forms (dns_forms.c) ---- */

#define DNS_PLAN_TTL 3600

/* Lines of a zone file; notes are comments. */
void dns_put_zone(struct buf *out, const struct dns_facts *f, const struct dns_plan *p);

/* Commands for nsupdate(1). */
void dns_put_nsupdate(struct buf *out, const struct dns_facts *f, const struct dns_plan *p);

const char *dns_need_name(enum dns_need need); /* "needed" */

#endif
