/* SPDX-License-Identifier: ISC */
/*
 * tests/fuzz/fuzz_hosts.c - DNS answers of anybody's making, to the questions that a next hop
 * raises.
 *
 * Input: an octet for kind and options, then answers one after the other: an octet for status,
 * secure and the order, one for the number of records, then each record as a length and its octets.
 * When the input ends, what is still asked for does not exist.
 */
#include <stdlib.h>

#include "hosts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct source {
	struct bytes rest;
	uint64_t chance;
};

static uint8_t
take(struct source *s)
{
	uint8_t c = s->rest.n > 0 ? s->rest.p[0] : 0;

	s->rest = bytes_skip(s->rest, 1);
	return c;
}

static uint64_t
chance(void *arg)
{
	struct source *s = arg;

	return s->chance = s->chance * 6364136223846793005u + 1442695040888963407u;
}

static void
make_answer(struct source *s, struct dns_answer *a)
{
	uint8_t head = take(s);

	*a = (struct dns_answer){ .status = (enum dns_status)(head % DNS_STATUS_COUNT),
		.secure = (head & 0x80) != 0 };
	if (s->rest.n == 0)
		a->status = DNS_NXDOMAIN;
	if (head & 0x40)
		a->canonical = BYTES_LITERAL("other.example");
	if (a->status != DNS_OK)
		return;
	a->total = a->count = take(s) % (DNS_RECORDS_MAX + 1);
	for (uint32_t i = 0; i < a->count; i++) {
		a->rdata[i] = bytes_head(s->rest, take(s));
		s->rest = bytes_skip(s->rest, a->rdata[i].n);
	}
}

static void
look_at(const struct hosts_result *r)
{
	ASSERT(r->n <= HOSTS_ATTEMPTS_MAX && (r->n > 0) == (r->verdict == HOSTS_OK));
	if (r->verdict != HOSTS_OK) {
		ASSERT(r->code[0] == (r->verdict == HOSTS_PERMANENT ? '5' : '4'));
		for (const char *p = r->text; *p != 0; p++)
			ASSERT(*p >= 0x20 && *p < 0x7f);
	}
	for (unsigned i = 0; i < r->n; i++) {
		const struct host *h = r->attempts[i].host;

		ASSERT(ip_block_valid(&r->attempts[i].address));
		ASSERT(h->tlsa != HOSTS_TLSA_USABLE || (h->n_tlsa > 0 && h->tlsa_base[0] != 0));
		for (unsigned k = 0; k < h->n_tlsa; k++)
			ASSERT(tls_tlsa_is_usable(&h->records[k]));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum next_hop_kind kinds[] = { NEXT_HOP_MX, NEXT_HOP_HOST, NEXT_HOP_SRV };
	struct source s = { .rest = bytes_make(data, size) };
	const uint8_t head = take(&s);
	struct hosts *h = hosts_new(&(struct hosts_spec){ .kind = kinds[head % 3],
		.name = BYTES_LITERAL("example.org"),
		.port = head & 0x10 ? 25 : 2525,
		.ipv4 = (head & 0x20) == 0,
		.ipv6 = (head & 0x40) == 0,
		.tlsa = (head & 0x80) != 0,
		.own_name = BYTES_LITERAL("us.example"),
		.random = chance,
		.random_arg = &s });
	struct dns_answer *a = xcalloc(1, sizeof(*a));
	struct hosts_question q;

	while (hosts_result(h) == NULL) {
		ASSERT(hosts_question(h, &q));
		make_answer(&s, a);
		hosts_answer(h, q.number, a);
	}
	ASSERT(!hosts_question(h, &q));
	look_at(hosts_result(h));
	hosts_free(&h);
	free(a);
	return 0;
}
