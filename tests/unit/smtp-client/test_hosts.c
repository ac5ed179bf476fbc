/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/smtp-client/test_hosts.c - from a next hop to addresses, over a small DNS of rows.
 *
 * What is expected is written as the attempts in their order, "mx1/192.0.2.1 mx2/192.0.2.2", or
 * as the code of what goes wrong. Chance always draws the first, or always the last.
 */
#include "../base/cases.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "hosts.h"

#define S  "!" /* in front of data: the answer was secure */
#define NO DNS_NODATA
#define NX DNS_NXDOMAIN

/* One answer. data: records separated by blanks; "10:mx1.example" (MX), "1:2:587:host" (SRV),
 * "3:1:1:XX" (TLSA with 32 octets XX), addresses; a leading "->name" is a CNAME's end. */
struct record {
	uint16_t type;
	const char *name;
	const char *data;
	enum dns_status status;
};

#define MX(name, data)                                                                             \
	{                                                                                          \
		DNS_TYPE_MX, name, data, DNS_OK                                                    \
	}
#define A(name, data)                                                                              \
	{                                                                                          \
		DNS_TYPE_A, name, data, DNS_OK                                                     \
	}
#define AAAA(name, data)                                                                           \
	{                                                                                          \
		DNS_TYPE_AAAA, name, data, DNS_OK                                                  \
	}
#define SRV(name, data)                                                                            \
	{                                                                                          \
		DNS_TYPE_SRV, name, data, DNS_OK                                                   \
	}
#define TLSA(name, data)                                                                           \
	{                                                                                          \
		DNS_TYPE_TLSA, name, data, DNS_OK                                                  \
	}
#define FAIL(type, name, status)                                                                   \
	{                                                                                          \
		DNS_TYPE_##type, name, "", status                                                  \
	}

#define RECORDS 12

static const struct row {
	const char *label;
	enum next_hop_kind kind;
	const char *name;
	struct record dns[RECORDS];
	const char *expected;
	bool last;  /* chance */
	bool no_v6; /* only IPv4 is used */
	bool tlsa;
	const char *tlsa_expected; /* of the first attempt: "usable:base:n", ... */
} rows[] = {
	{ "in order of preference", NEXT_HOP_MX, "example.org",
		{ MX("example.org", "20:b.example 10:a.example"), A("a.example", "192.0.2.1"),
			A("b.example", "192.0.2.2") },
		.expected = "a.example/192.0.2.1 b.example/192.0.2.2" },
	{ "equal preference: chance, the first", NEXT_HOP_MX, "example.org",
		{ MX("example.org", "10:a.example 10:b.example 20:c.example"),
			A("a.example", "192.0.2.1"), A("b.example", "192.0.2.2"),
			A("c.example", "192.0.2.3") },
		.expected = "a.example/192.0.2.1 b.example/192.0.2.2 c.example/192.0.2.3" },
	{ "equal preference: chance, the last", NEXT_HOP_MX, "example.org",
		{ MX("example.org", "10:a.example 10:b.example 20:c.example"),
			A("a.example", "192.0.2.1"), A("b.example", "192.0.2.2"),
			A("c.example", "192.0.2.3") },
		.expected = "b.example/192.0.2.2 a.example/192.0.2.1 c.example/192.0.2.3",
		.last = true },
	{ "both families, in turn", NEXT_HOP_MX, "example.org",
		{ MX("example.org", "10:a.example 20:b.example"), A("a.example", "192.0.2.1"),
			AAAA("a.example", "2001:db8::1"), A("b.example", "192.0.2.2"),
			AAAA("b.example", "2001:db8::2") },
		.expected = "a.example/2001:db8::1 a.example/192.0.2.1 b.example/2001:db8::2 "
			    "b.example/192.0.2.2" },
	{ "many addresses of one host come behind the next host", NEXT_HOP_MX, "example.org",
		{ MX("example.org", "10:a.example 20:b.example"),
			A("a.example", "192.0.2.1 192.0.2.2 192.0.2.3"),
			A("b.example", "192.0.2.9") },
		.expected = "a.example/192.0.2.1 a.example/192.0.2.2 b.example/192.0.2.9 "
			    "a.example/192.0.2.3" },
	{ "null MX", NEXT_HOP_MX, "example.org", { MX("example.org", "0:") },
		.expected = "5.1.10" },
	{ "null MX among others is passed over", NEXT_HOP_MX, "example.org",
		{ MX("example.org", "0: 10:a.example"), A("a.example", "192.0.2.1") },
		.expected = "a.example/192.0.2.1" },
	{ "no MX: the domain itself", NEXT_HOP_MX, "example.org",
		{ FAIL(MX, "example.org", NO), A("example.org", "192.0.2.1") },
		.expected = "example.org/192.0.2.1" },
	{ "no MX: the domain itself, IPv6 only", NEXT_HOP_MX, "example.org",
		{ FAIL(MX, "example.org", NO), AAAA("example.org", "2001:db8::1") },
		.expected = "example.org/2001:db8::1" },
	{ "neither MX nor address", NEXT_HOP_MX, "example.org", { FAIL(MX, "example.org", NO) },
		.expected = "5.4.4" },
	{ "no such domain", NEXT_HOP_MX, "example.org", { FAIL(MX, "example.org", NX) },
		.expected = "5.1.2" },
	{ "not a name", NEXT_HOP_MX, "exa mple", { FAIL(MX, "exa mple", DNS_BAD_NAME) },
		.expected = "5.1.2" },
	{ "SERVFAIL", NEXT_HOP_MX, "example.org", { FAIL(MX, "example.org", DNS_SERVFAIL) },
		.expected = "4.4.3" },
	{ "time-out", NEXT_HOP_MX, "example.org", { FAIL(MX, "example.org", DNS_TIMEOUT) },
		.expected = "4.4.3" },
	{ "bogus", NEXT_HOP_MX, "example.org", { FAIL(MX, "example.org", DNS_BOGUS) },
		.expected = "4.4.3" },
	{ "no resolver", NEXT_HOP_MX, "example.org", { FAIL(MX, "example.org", DNS_BUSY) },
		.expected = "4.4.3" },
	{ "one MX host cannot be looked up", NEXT_HOP_MX, "example.org",
		{ MX("example.org", "10:a.example 20:b.example"),
			FAIL(A, "a.example", DNS_SERVFAIL), A("b.example", "192.0.2.2") },
		.expected = "b.example/192.0.2.2" },
	{ "the only MX host cannot be looked up", NEXT_HOP_MX, "example.org",
		{ MX("example.org", "10:a.example"), FAIL(A, "a.example", DNS_TIMEOUT) },
		.expected = "4.4.3" },
	{ "no MX host has an address: RFC 5321 forbids the domain's", NEXT_HOP_MX, "example.org",
		{ MX("example.org", "10:a.example"), A("example.org", "192.0.2.1") },
		.expected = "5.4.4" },
	{ "MX hosts are names, not addresses", NEXT_HOP_MX, "example.org",
		{ MX("example.org", "10:192.0.2.1"), FAIL(A, "192.0.2.1", DNS_BAD_NAME) },
		.expected = "5.4.4" },
	{ "an address only by IPv6, which is not used", NEXT_HOP_MX, "example.org",
		{ MX("example.org", "10:a.example"), AAAA("a.example", "2001:db8::1") },
		.expected = "4.4.3", .no_v6 = true },
	{ "only IPv4 is used", NEXT_HOP_MX, "example.org",
		{ MX("example.org", "10:a.example"), AAAA("a.example", "2001:db8::1"),
			A("a.example", "192.0.2.1") },
		.expected = "a.example/192.0.2.1", .no_v6 = true },
	{ "letters of any case", NEXT_HOP_MX, "Example.ORG",
		{ MX("example.org", "10:a.example"), A("a.example", "192.0.2.1") },
		.expected = "a.example/192.0.2.1" },
	{ "a dot at the end", NEXT_HOP_MX, "example.org.",
		{ MX("example.org", "10:a.example"), A("a.example", "192.0.2.1") },
		.expected = "a.example/192.0.2.1" },

	{ "we are the fall-back: only better ones", NEXT_HOP_MX, "example.org",
		{ MX("example.org", "10:a.example 20:us.example 30:c.example"),
			A("a.example", "192.0.2.1"), A("c.example", "192.0.2.3") },
		.expected = "a.example/192.0.2.1" },
	{ "we are of equal preference", NEXT_HOP_MX, "example.org",
		{ MX("example.org", "10:a.example 20:b.example 20:us.example"),
			A("a.example", "192.0.2.1"), A("b.example", "192.0.2.2") },
		.expected = "a.example/192.0.2.1" },
	{ "we are the best: a loop", NEXT_HOP_MX, "example.org",
		{ MX("example.org", "10:us.example 20:b.example"), A("b.example", "192.0.2.2") },
		.expected = "5.4.6" },
	{ "we are the only one: a loop", NEXT_HOP_MX, "example.org",
		{ MX("example.org", "10:US.example") }, .expected = "5.4.6" },
	{ "our address by another name: a loop", NEXT_HOP_MX, "example.org",
		{ MX("example.org", "10:a.example"), A("a.example", "198.51.100.25") },
		.expected = "5.4.6" },
	{ "our address without an MX record: a loop", NEXT_HOP_MX, "example.org",
		{ FAIL(MX, "example.org", NO), A("example.org", "198.51.100.25") },
		.expected = "5.4.6" },
	{ "our address by another name in the list", NEXT_HOP_MX, "example.org",
		{ MX("example.org", "10:a.example 20:b.example"), A("a.example", "192.0.2.1"),
			A("b.example", "198.51.100.25") },
		.expected = "a.example/192.0.2.1" },
	{ "loopback is us", NEXT_HOP_MX, "example.org",
		{ MX("example.org", "10:a.example"), A("a.example", "127.3.4.5") },
		.expected = "5.4.6" },

	{ "a host: no MX", NEXT_HOP_HOST, "relay.example", { A("relay.example", "192.0.2.1") },
		.expected = "relay.example/192.0.2.1" },
	{ "a host by our address is what the operator wants", NEXT_HOP_HOST, "relay.example",
		{ A("relay.example", "198.51.100.25") },
		.expected = "relay.example/198.51.100.25" },
	{ "an IPv4 address", NEXT_HOP_HOST, "192.0.2.7", { { 0 } },
		.expected = "192.0.2.7/192.0.2.7" },
	{ "an IPv6 address", NEXT_HOP_HOST, "2001:db8::7", { { 0 } },
		.expected = "2001:db8::7/2001:db8::7" },
	{ "an IPv6 address, which is not used", NEXT_HOP_HOST, "2001:db8::7", { { 0 } },
		.expected = "4.4.3", .no_v6 = true },
	{ "a host that does not exist: the operator mends it", NEXT_HOP_HOST, "relay.example",
		{ { 0 } }, .expected = "4.4.4" },
	{ "a host that cannot be looked up", NEXT_HOP_HOST, "relay.example",
		{ FAIL(A, "relay.example", DNS_SERVFAIL) }, .expected = "4.4.3" },

	{ "SRV: by priority, with its ports", NEXT_HOP_SRV, "_submission._tcp.example.org",
		{ SRV("_submission._tcp.example.org", "20:0:587:b.example 10:0:588:a.example"),
			A("a.example", "192.0.2.1"), A("b.example", "192.0.2.2") },
		.expected = "a.example/192.0.2.1#588 b.example/192.0.2.2#587" },
	{ "SRV: by weight, low chance", NEXT_HOP_SRV, "_s._tcp.example.org",
		{ SRV("_s._tcp.example.org", "1:1:25:a.example 1:9:25:b.example"),
			A("a.example", "192.0.2.1"), A("b.example", "192.0.2.2") },
		.expected = "a.example/192.0.2.1#25 b.example/192.0.2.2#25" },
	{ "SRV: by weight, high chance", NEXT_HOP_SRV, "_s._tcp.example.org",
		{ SRV("_s._tcp.example.org", "1:1:25:a.example 1:9:25:b.example"),
			A("a.example", "192.0.2.1"), A("b.example", "192.0.2.2") },
		.expected = "b.example/192.0.2.2#25 a.example/192.0.2.1#25", .last = true },
	{ "SRV: decidedly not there", NEXT_HOP_SRV, "_s._tcp.example.org",
		{ SRV("_s._tcp.example.org", "0:0:0:") }, .expected = "4.4.4" },
	{ "SRV: no record", NEXT_HOP_SRV, "_s._tcp.example.org", { { 0 } }, .expected = "4.4.4" },

	{ "TLSA of a secure host", NEXT_HOP_MX, "example.org",
		{ MX("example.org", S "10:a.example"), A("a.example", S "192.0.2.1"),
			TLSA("_25._tcp.a.example", S "3:1:1:aa 2:0:1:bb") },
		.expected = "a.example/192.0.2.1", .tlsa = true,
		.tlsa_expected = "usable:a.example:2" },
	{ "TLSA with usages for authorities are dropped", NEXT_HOP_MX, "example.org",
		{ MX("example.org", S "10:a.example"), A("a.example", S "192.0.2.1"),
			TLSA("_25._tcp.a.example", S "1:1:1:aa 3:1:1:bb 0:1:1:cc") },
		.expected = "a.example/192.0.2.1", .tlsa = true,
		.tlsa_expected = "usable:a.example:1" },
	{ "TLSA with nothing usable: encrypt", NEXT_HOP_MX, "example.org",
		{ MX("example.org", S "10:a.example"), A("a.example", S "192.0.2.1"),
			TLSA("_25._tcp.a.example", S "1:1:1:aa 3:1:9:bb") },
		.expected = "a.example/192.0.2.1", .tlsa = true, .tlsa_expected = "unusable" },
	{ "TLSA that is not secure", NEXT_HOP_MX, "example.org",
		{ MX("example.org", S "10:a.example"), A("a.example", S "192.0.2.1"),
			TLSA("_25._tcp.a.example", "3:1:1:aa") },
		.expected = "a.example/192.0.2.1", .tlsa = true, .tlsa_expected = "none" },
	{ "TLSA is not asked for where the MX records are not secure", NEXT_HOP_MX, "example.org",
		{ MX("example.org", "10:a.example"), A("a.example", S "192.0.2.1"),
			TLSA("_25._tcp.a.example", S "3:1:1:aa") },
		.expected = "a.example/192.0.2.1", .tlsa = true, .tlsa_expected = "none" },
	{ "TLSA is not asked for where the addresses are not secure", NEXT_HOP_MX, "example.org",
		{ MX("example.org", S "10:a.example"), A("a.example", "192.0.2.1"),
			TLSA("_25._tcp.a.example", S "3:1:1:aa") },
		.expected = "a.example/192.0.2.1", .tlsa = true, .tlsa_expected = "none" },
	{ "TLSA is not asked for where one family is not secure", NEXT_HOP_MX, "example.org",
		{ MX("example.org", S "10:a.example"), A("a.example", S "192.0.2.1"),
			AAAA("a.example", "2001:db8::1"),
			TLSA("_25._tcp.a.example", S "3:1:1:aa") },
		.expected = "a.example/2001:db8::1 a.example/192.0.2.1", .tlsa = true,
		.tlsa_expected = "none" },
	{ "TLSA look-up fails: no mail to that host", NEXT_HOP_MX, "example.org",
		{ MX("example.org", S "10:a.example"), A("a.example", S "192.0.2.1"),
			FAIL(TLSA, "_25._tcp.a.example", DNS_SERVFAIL) },
		.expected = "a.example/192.0.2.1", .tlsa = true, .tlsa_expected = "unknown" },
	{ "TLSA bogus: no mail to that host", NEXT_HOP_MX, "example.org",
		{ MX("example.org", S "10:a.example"), A("a.example", S "192.0.2.1"),
			FAIL(TLSA, "_25._tcp.a.example", DNS_BOGUS) },
		.expected = "a.example/192.0.2.1", .tlsa = true, .tlsa_expected = "unknown" },
	{ "TLSA behind a secure CNAME", NEXT_HOP_MX, "example.org",
		{ MX("example.org", S "10:a.example"), A("a.example", S "->real.example 192.0.2.1"),
			TLSA("_25._tcp.real.example", S "3:1:1:aa") },
		.expected = "a.example/192.0.2.1", .tlsa = true,
		.tlsa_expected = "usable:real.example:1" },
	{ "TLSA in front of a secure CNAME", NEXT_HOP_MX, "example.org",
		{ MX("example.org", S "10:a.example"), A("a.example", S "->real.example 192.0.2.1"),
			TLSA("_25._tcp.a.example", S "3:1:1:aa") },
		.expected = "a.example/192.0.2.1", .tlsa = true,
		.tlsa_expected = "usable:a.example:1" },
	{ "TLSA of a host that the operator names", NEXT_HOP_HOST, "relay.example",
		{ A("relay.example", S "192.0.2.1"), TLSA("_25._tcp.relay.example", S "3:1:1:aa") },
		.expected = "relay.example/192.0.2.1", .tlsa = true,
		.tlsa_expected = "usable:relay.example:1" },
	{ "TLSA of an implicit MX: the answer that there is none must be secure", NEXT_HOP_MX,
		"example.org",
		{ FAIL(MX, "example.org", NO), A("example.org", S "192.0.2.1"),
			TLSA("_25._tcp.example.org", S "3:1:1:aa") },
		.expected = "example.org/192.0.2.1", .tlsa = true, .tlsa_expected = "none" },
};

/* ---- the small DNS ---- */

struct world {
	const struct row *row;
	struct dns_answer a;
	uint8_t octets[4096];
	size_t n;
	char canonical[256];
};

static void
put(struct world *w, struct buf *b)
{
	struct bytes all = buf_bytes(b);

	if (all.n > 0)
		memcpy(w->octets + w->n, all.p, all.n);
	w->a.rdata[w->a.count++] = bytes_make(w->octets + w->n, all.n);
	w->n += all.n;
	buf_free(b);
}

static void
put_u16(struct buf *b, unsigned v)
{
	buf_put_u8(b, (uint8_t)(v >> 8));
	buf_put_u8(b, (uint8_t)v);
}

static unsigned
number(struct bytes *rest)
{
	uint64_t v;

	assert_int_equal(bytes_to_u64(bytes_cut(rest, ':'), 65535, &v), ERR_OK);
	return (unsigned)v;
}

static void
put_record(struct world *w, uint16_t type, struct bytes word)
{
	struct buf b = BUF_INIT;
	char text[128];
	uint8_t octets[32];

	switch (type) {
	case DNS_TYPE_MX:
		put_u16(&b, number(&word));
		assert_int_equal(dns_name_write(word, &b), ERR_OK);
		break;
	case DNS_TYPE_SRV:
		for (int i = 0; i < 3; i++)
			put_u16(&b, number(&word));
		assert_int_equal(dns_name_write(word, &b), ERR_OK);
		break;
	case DNS_TYPE_TLSA:
		for (int i = 0; i < 3; i++)
			buf_put_u8(&b, (uint8_t)number(&word));
		memset(octets, word.p[0], sizeof(octets));
		buf_put(&b, octets, sizeof(octets));
		break;
	default:
		bytes_to_str(word, text, sizeof(text));
		assert_int_equal(
			inet_pton(type == DNS_TYPE_A ? AF_INET : AF_INET6, text, octets), 1);
		buf_put(&b, octets, type == DNS_TYPE_A ? 4 : 16);
		break;
	}
	put(w, &b);
}

static void
put_data(struct world *w, uint16_t type, const char *data)
{
	struct bytes rest = bytes_from_str(data);

	if (bytes_starts_with(rest, BYTES_LITERAL(S))) {
		w->a.secure = true;
		rest = bytes_skip(rest, 1);
	}
	while (rest.n > 0) {
		struct bytes word = bytes_cut(&rest, ' ');

		if (bytes_starts_with(word, BYTES_LITERAL("->"))) {
			bytes_to_str(bytes_skip(word, 2), w->canonical, sizeof(w->canonical));
			w->a.canonical = bytes_from_str(w->canonical);
		} else {
			put_record(w, type, word);
		}
	}
}

/* What is not in the rows: a name with no record at all does not exist. */
static void
look_up(struct world *w, const struct hosts_question *q)
{
	w->a = (struct dns_answer){ .status = DNS_NXDOMAIN };
	w->n = 0;
	bytes_to_str(q->name, w->canonical, sizeof(w->canonical));
	w->a.canonical = bytes_from_str(w->canonical);
	for (size_t i = 0; i < RECORDS && w->row->dns[i].type != 0; i++) {
		const struct record *r = &w->row->dns[i];

		if (!bytes_is(q->name, r->name))
			continue;
		if (w->a.status == DNS_NXDOMAIN)
			w->a.status = DNS_NODATA;
		if (r->type != q->type)
			continue;
		w->a.status = r->status;
		if (r->status == DNS_OK)
			put_data(w, r->type, r->data);
	}
}

static uint64_t
first(void *arg)
{
	UNUSED(arg);
	return 0;
}

static uint64_t
last(void *arg)
{
	UNUSED(arg);
	return 27719; /* the last below any number up to 11 */
}

static void
write_attempts(const struct hosts_result *r, struct buf *out)
{
	char text[IP_BLOCK_TEXT];

	if (r->verdict != HOSTS_OK) {
		assert_int_equal(r->code[0], r->verdict == HOSTS_PERMANENT ? '5' : '4');
		buf_put_str(out, r->code);
		return;
	}
	for (unsigned i = 0; i < r->n; i++) {
		const struct hosts_attempt *a = &r->attempts[i];

		buf_printf(out, "%s%s/%s", i == 0 ? "" : " ", a->host->name,
			ip_block_text(&a->address, text));
		if (a->host->port != 25 || a->host->weight > 0)
			buf_printf(out, "#%u", (unsigned)a->host->port);
	}
}

static void
write_tlsa(const struct host *h, struct buf *out)
{
	static const char *const words[] = { "none", "usable", "unusable", "unknown" };

	buf_put_str(out, words[h->tlsa]);
	if (h->tlsa == HOSTS_TLSA_USABLE)
		buf_printf(out, ":%s:%u", h->tlsa_base, h->n_tlsa);
}

/* backwards: answers come in the other order than the questions. */
static void
run_once(const struct row *t, bool backwards)
{
	struct ip_block own[2];
	struct world w = { .row = t };
	struct hosts_question q[64];
	struct hosts *h;
	struct buf got = BUF_INIT;
	unsigned n;

	assert_int_equal(ip_block_parse(BYTES_LITERAL("198.51.100.25"), &own[0]), ERR_OK);
	assert_int_equal(ip_block_parse(BYTES_LITERAL("127.0.0.0/8"), &own[1]), ERR_OK);
	h = hosts_new(&(struct hosts_spec){ .kind = t->kind,
		.name = bytes_from_str(t->name),
		.port = 25,
		.ipv4 = true,
		.ipv6 = !t->no_v6,
		.tlsa = t->tlsa,
		.own_name = BYTES_LITERAL("us.example"),
		.own = own,
		.n_own = 2,
		.random = t->last ? last : first });
	do {
		for (n = 0; n < NITEMS(q) && hosts_question(h, &q[n]); n++)
			;
		for (unsigned i = 0; i < n; i++) {
			const struct hosts_question *now = &q[backwards ? n - 1 - i : i];

			assert_null(hosts_result(h));
			look_up(&w, now);
			hosts_answer(h, now->number, &w.a);
		}
	} while (n > 0);
	assert_non_null(hosts_result(h));
	write_attempts(hosts_result(h), &got);
	assert_string_equal(buf_str(&got), t->expected);
	buf_clear(&got);
	if (t->tlsa_expected != NULL) {
		write_tlsa(hosts_result(h)->attempts[0].host, &got);
		assert_string_equal(buf_str(&got), t->tlsa_expected);
	}
	buf_free(&got);
	hosts_free(&h);
}

static void
run_row(void **state)
{
	run_once(*state, false);
	run_once(*state, true);
}

int
main(void)
{
	TABLE_TESTS(tests, rows, run_row);

	return cmocka_run_group_tests_name("smtp-client/hosts", tests, NULL, NULL);
}
