/* SPDX-License-Identifier: ISC */
/*
 * lib/ipc/dns_msg.h - what may be asked of resolver, the only process that speaks DNS.
 *
 *   QUERY        smtp-client, smtpd, CLI, ...: the records of one type at one name; answered by
 *                ANSWER
 *   QUERY_FRESH  dkim-keeper, CLI: the same past the cache; answered by ANSWER
 *
 * Names are in presentation form (RFC 1035 sec. 5.1), with or without the dot at the end, never
 * completed by a search list; UTF-8 is taken as IDNA2008 U-labels. resolver answers within the
 * option resolver.timeout, so a caller's own time-out may be shorter but need not be. Records come
 * sorted by their octets: MX by preference, SRV by priority, and the same set in the same order
 * each time. Typed readers of the rdata: lib/proto/dns_rdata.h.
 *
 * What must not be mixed up: "there is no such thing" (NODATA, NXDOMAIN) was said by the zone's
 * servers; with everything else nothing is known (dns_status_is_temporary()). The secure flag
 * tells in both cases whether DNSSEC proved it, all CNAMEs on the way included.
 */
#ifndef RELAIS_DNS_MSG_H
#define RELAIS_DNS_MSG_H

#include "dns_rdata.h"
#include "ipc.h"

/* Octets of a name in a query; UTF-8 and escapes make it longer than the 253 of the wire. */
#define DNS_QUERY_NAME_MAX 1024
#define DNS_RECORDS_MAX    64          /* of one answer; what is more is cut and flagged */
#define DNS_ANSWER_OCTETS  (16 * 1024) /* of all rdata of one answer; cut likewise */
#define DNS_WHY_MAX        512

/* A backstop for callers without a time of their own: resolver.timeout can be no longer. */
#define DNS_REQUEST_TIMEOUT_MS 65000

enum dns_message {
	DNS_QUERY = IPC_DNS,
	DNS_ANSWER,
	DNS_QUERY_FRESH,
};

enum dns_status {
	DNS_OK,       /* there are records */
	DNS_NODATA,   /* the name exists, without records of this type */
	DNS_NXDOMAIN, /* the name does not exist */
	DNS_SERVFAIL, /* the servers could not tell */
	DNS_BOGUS,    /* the answer's signatures are wrong or missing: no data is given */
	DNS_TIMEOUT,  /* no answer in time */
	DNS_BUSY,     /* too many questions in flight, or resolver is not there */
	DNS_BAD_NAME, /* can be asked of nobody: syntax, an address, a bad U-label */
	DNS_STATUS_COUNT
};

struct dns_query {
	uint16_t type;     /* enum dns_rrtype, or any other number but those of transfers */
	struct bytes name; /* at most DNS_QUERY_NAME_MAX */
	uint64_t network;  /* for whom: ip_block_network() of a client; 0: for nobody outside */
};

struct dns_answer {
	enum dns_status status;
	bool secure;  /* proven by DNSSEC; never with a status that knows nothing */
	bool cut;     /* there are more records than these: total - count */
	uint32_t ttl; /* seconds for which this may be remembered */
	uint32_t total;
	uint32_t count;
	/* The name that has the records, after all CNAMEs; lower case, ASCII, no dot at the end.
	 * The asked name in that form if there was no alias or nothing is known; empty with
	 * BAD_NAME and BUSY. */
	struct bytes canonical;
	struct bytes why; /* for people: what made it bogus, bad or fail; may be empty */
	struct bytes rdata[DNS_RECORDS_MAX]; /* as on the wire, names not compressed; borrowed */
};

/* "ok", "nodata", "nxdomain", ...; for logs and the operator. */
const char *dns_status_name(enum dns_status status);

/* Nothing is known: SERVFAIL, BOGUS, TIMEOUT, BUSY. The same question may be answered later. */
bool dns_status_is_temporary(enum dns_status status);

/*
 * The answer to a link_request() with DNS_QUERY, whatever became of it: a dead peer is DNS_BUSY, a
 * time-out DNS_TIMEOUT, what does not decode DNS_SERVFAIL. Borrowed from in.
 */
void dns_answer_from(const struct ipc_answer *in, struct dns_answer *out);

void dns_query_encode(struct buf *out, const struct dns_query *m);
MUST_USE int dns_query_decode(struct ipc_reader *in, void *m);
void dns_answer_encode(struct buf *out, const struct dns_answer *m);
MUST_USE int dns_answer_decode(struct ipc_reader *in, void *m);

#endif
