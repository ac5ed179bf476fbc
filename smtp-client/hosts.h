/* SPDX-License-Identifier: ISC */
/*
 * smtp-client/hosts.h - from a next hop to addresses to try, in their order.
 *
 * Pure: questions to resolver come out, its answers go in; no socket, no clock; chance comes from
 * the caller.
 *
 *	h = hosts_new(&spec);
 *	while (hosts_question(h, &q))		ask resolver
 *		...
 *	hosts_answer(h, q.number, &answer);	for each, in any order; then again questions
 *	if (hosts_result(h) != NULL)		done: no question is open and none will come
 *
 * Sources: RFC 5321 sec. 5.1, RFC 7505 (null MX), RFC 2782 (SRV), RFC 7672 (DANE), RFC 7673.
 */
#ifndef RELAIS_HOSTS_H
#define RELAIS_HOSTS_H

#include "dns_msg.h"
#include "ip_block.h"
#include "next_hop.h"
#include "tls_client.h"

#define HOSTS_MAX           16 /* of one next hop; more MX records are passed over */
#define HOSTS_ADDRESSES_MAX 16 /* of one host */
#define HOSTS_TLSA_MAX      16 /* records of one host */
#define HOSTS_ATTEMPTS_MAX  32
#define HOSTS_CODE_MAX      16

struct hosts_spec {
	enum next_hop_kind kind; /* not UNIX */
	struct bytes name;       /* a domain, host, address, or the name of SRV records */
	uint16_t port;           /* not with SRV */
	bool ipv4, ipv6; /* families to be used; of others it is known that they are there */
	bool tlsa;       /* look up TLSA records where DNSSEC vouches for the way there */
	/* Us, to find loops: among MX hosts, we and all that are no better than we are dropped
	 * (RFC 5321 sec. 5.1). Addresses count at port 25 only. */
	struct bytes own_name;
	const struct ip_block *own;
	size_t n_own;
	uint64_t (*random)(void *arg);
	void *random_arg;
};

struct hosts_question {
	unsigned number;
	uint16_t type;
	struct bytes name; /* borrowed until hosts_free() */
};

enum hosts_verdict {
	HOSTS_OK,
	HOSTS_TEMPORARY,
	HOSTS_PERMANENT
};

enum hosts_tlsa {
	HOSTS_TLSA_NONE,     /* no secure records: DANE says nothing */
	HOSTS_TLSA_USABLE,   /* the host must be authenticated by them */
	HOSTS_TLSA_UNUSABLE, /* it must speak TLS, whoever it is (RFC 7672 sec. 2.2) */
	HOSTS_TLSA_UNKNOWN   /* the look-up failed: no mail to this host now */
};

struct host {
	const char *name; /* ASCII; an address if that was given */
	bool is_address;
	bool trusted; /* DNSSEC, or the operator, says that this host serves the next hop */
	uint16_t preference, weight, port;
	enum hosts_tlsa tlsa;
	const char *tlsa_base; /* TLSA USABLE: reference name, RFC 7672 sec. 2.2.3 */
	unsigned n_tlsa;
	struct tls_tlsa *records;
	unsigned n_addresses;
	struct ip_block addresses[HOSTS_ADDRESSES_MAX]; /* whole ones */
};

struct hosts_attempt {
	const struct host *host;
	struct ip_block address;
};

struct hosts_result {
	enum hosts_verdict verdict;
	const char *code;   /* not OK: "5.1.10" */
	const char *text;   /* printable ASCII */
	const char *domain; /* the next hop's name in ASCII; after CNAMEs, if the answer was
			     * secure: both are names that a certificate may be for */
	const char *canonical;
	unsigned n;
	struct hosts_attempt attempts[HOSTS_ATTEMPTS_MAX];
};

struct hosts;

struct hosts *hosts_new(const struct hosts_spec *spec); /* what spec borrows is copied, not own */
void hosts_free(struct hosts **h);

/* The next question that was not handed out yet; false: none now. */
bool hosts_question(struct hosts *h, struct hosts_question *q);

/* Each number once, and only those that were handed out. */
void hosts_answer(struct hosts *h, unsigned number, const struct dns_answer *a);

/* NULL: answers are missing. Borrowed until hosts_free(). */
const struct hosts_result *hosts_result(const struct hosts *h);

#endif
