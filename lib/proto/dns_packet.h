/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/dns_packet.h - a DNS message with an answer: which records answer the question.
 *
 * Pure. In goes a whole message as on the wire, names compressed or not; out come the records of
 * one type at the end of the chain of CNAMEs, their rdata with whole names (for dns_rdata.h).
 * Whether the answer is right is the validator's matter.
 *
 * Sources: RFC 1035 sec. 4, RFC 2308 (what the absence of records may be remembered for).
 */
#ifndef RELAIS_DNS_PACKET_H
#define RELAIS_DNS_PACKET_H

#include "arena.h"
#include "dns_rdata.h"

#define DNS_CHAIN_MAX 16 /* CNAMEs one after the other */

struct dns_found {
	uint8_t rcode; /* 0 NOERROR, 2 SERVFAIL, 3 NXDOMAIN */
	bool truncated;
	uint32_t ttl;                  /* least of all that was used; without records: of the SOA */
	char canonical[DNS_NAME_SIZE]; /* where the chain of CNAMEs ends */
	size_t n;
	struct bytes *rdata; /* in the arena */
};

/*
 * The records of a type in the answer section. The question is the message's own first one.
 * returns: ERR_OK, also without any record; ERR_SYNTAX: not a message, or its names lead nowhere;
 * ERR_LIMIT: the chain of CNAMEs is too long
 */
MUST_USE int dns_packet_find(
	struct bytes packet, uint16_t type, struct arena *a, struct dns_found *out);

#endif
