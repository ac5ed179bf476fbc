/* SPDX-License-Identifier: ISC */
/*
 * resolver/answer.c - what libunbound found, as the answer that callers get.
 *
 * Pure. That an answer is bogus is looked at first: libunbound gives its data nevertheless.
 */
#include "answer.h"

#include <stdlib.h>

#include "dns_packet.h"

#define RCODE_NXDOMAIN 3
#define LOCALHOST_TTL  3600

bool
answer_type_is_sane(uint16_t type)
{
	/* OPT; the range of meta types and questions, RFC 6895 sec. 3.1 */
	return type != 0 && type != 41 && (type < 128 || type > 255);
}

static int
compare(const void *a, const void *b)
{
	return bytes_compare(*(const struct bytes *)a, *(const struct bytes *)b);
}

/* Sorted, so that what is cut is the same each time: MX and SRV with the highest numbers. */
static void
take_records(struct dns_found *found, struct dns_answer *out)
{
	size_t octets = 0;

	qsort(found->rdata, found->n, sizeof(*found->rdata), compare);
	out->total = (uint32_t)found->n + (found->truncated ? 1 : 0);
	for (size_t i = 0; i < found->n && out->count < DNS_RECORDS_MAX; i++) {
		octets += found->rdata[i].n;
		if (octets > DNS_ANSWER_OCTETS)
			break;
		out->rdata[out->count++] = found->rdata[i];
	}
	out->cut = out->count < out->total;
}

static void
take_packet(
	const struct engine_result *result, uint16_t type, struct arena *a, struct dns_answer *out)
{
	struct dns_found *found = arena_alloc(a, sizeof(*found));
	int r = dns_packet_find(result->packet, type, a, found);

	out->status = DNS_SERVFAIL;
	if (r < 0) {
		out->why = r == ERR_LIMIT ? BYTES_LITERAL("too many CNAMEs")
					  : BYTES_LITERAL("the answer makes no sense");
		return;
	}
	if (found->rcode == RCODE_NXDOMAIN) {
		out->status = DNS_NXDOMAIN;
	} else if (found->rcode != 0) {
		return;
	} else if (found->n > 0) {
		out->status = DNS_OK;
		take_records(found, out);
	} else if (!found->truncated) {
		out->status = DNS_NODATA;
	} else {
		return; /* something was there that did not fit */
	}
	out->canonical = bytes_from_str(found->canonical);
	out->ttl = found->ttl;
	out->secure = result->security == ENGINE_SECURE;
}

/* libunbound found before us that nobody answers, or knows it from other questions. Both are
 * temporary, so a wording that changes does no harm. */
static bool
was_silence(struct bytes why)
{
	return bytes_search(why, BYTES_LITERAL("server timeout")) != BYTES_NOT_FOUND ||
	       bytes_search(why, BYTES_LITERAL("addresses not usable")) != BYTES_NOT_FOUND;
}

void
answer_make(const struct engine_result *result, uint16_t type, const char *asked, struct arena *a,
	struct dns_answer *out)
{
	memset(out, 0, sizeof(*out));
	out->canonical = bytes_from_str(asked);
	if (result->security == ENGINE_BOGUS) {
		out->status = DNS_BOGUS;
		out->why = bytes_head(bytes_from_str(result->why), DNS_WHY_MAX);
	} else if (result->rcode == RCODE_NXDOMAIN) {
		out->status = DNS_NXDOMAIN;
	} else if (result->rcode != 0) {
		out->why = bytes_head(bytes_from_str(result->why), DNS_WHY_MAX);
		out->status = was_silence(out->why) ? DNS_TIMEOUT : DNS_SERVFAIL;
	} else {
		take_packet(result, type, a, out);
	}
}

void
answer_localhost(uint16_t type, const char *asked, struct dns_answer *out)
{
	static const uint8_t four[4] = { 127, 0, 0, 1 }, six[16] = { [15] = 1 };

	memset(out, 0, sizeof(*out));
	out->status = DNS_OK;
	out->canonical = bytes_from_str(asked);
	out->ttl = LOCALHOST_TTL;
	out->total = out->count = 1;
	if (type == DNS_TYPE_A)
		out->rdata[0] = bytes_make(four, sizeof(four));
	else if (type == DNS_TYPE_AAAA)
		out->rdata[0] = bytes_make(six, sizeof(six));
	else {
		out->status = DNS_NODATA;
		out->total = out->count = 0;
	}
}
