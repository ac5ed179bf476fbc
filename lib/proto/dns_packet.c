/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/dns_packet.c - the records of a DNS message that answer its question.
 *
 * Pure. Trusts nothing. Names are made whole and lower case first, so that they can be compared as
 * octets; a pointer must lead towards the beginning, and further with each step.
 *
 * Sources: RFC 1035 sec. 4.1, RFC 2308 sec. 5, RFC 3597 sec. 4 (which types are compressed).
 */
#include "dns_packet.h"

#define HEADER_SIZE 12
#define FIXED_SIZE  10 /* of a record behind its name */
#define CLASS_IN    1

struct name {
	uint8_t n;
	uint8_t wire[DNS_NAME_WIRE_MAX];
};

struct record {
	struct name owner;
	uint16_t type, class;
	uint32_t ttl;
	size_t at, n; /* its rdata in the packet */
};

struct reader {
	struct bytes packet;
	size_t at;
};

static uint16_t
be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t
be32(const uint8_t *p)
{
	return (uint32_t)be16(p) << 16 | be16(p + 2);
}

/* A name at *at, whole; *at moves behind what stands there. */
static int
get_name(struct bytes packet, size_t *at, struct name *out, bool lower)
{
	size_t pos = *at, least = *at; /* pointers lead before this */
	bool jumped = false;

	out->n = 0;
	for (;;) {
		uint8_t len;

		if (pos >= packet.n)
			return ERR_SYNTAX;
		len = packet.p[pos];
		if (len >= 0xc0) {
			size_t to;

			if (pos + 1 >= packet.n || (to = be16(packet.p + pos) & 0x3fffu) >= least)
				return ERR_SYNTAX;
			if (!jumped)
				*at = pos + 2;
			jumped = true;
			pos = least = to;
			continue;
		}
		if (len > DNS_LABEL_MAX || pos + 1 + len > packet.n ||
			out->n + 1u + len > DNS_NAME_WIRE_MAX)
			return ERR_SYNTAX;
		for (size_t i = 0; i <= len; i++) {
			uint8_t c = packet.p[pos + i];

			out->wire[out->n++] = lower && i > 0 ? ascii_lower(c) : c;
		}
		pos += 1u + len;
		if (len == 0)
			break;
	}
	if (!jumped)
		*at = pos;
	return ERR_OK;
}

static bool
same(const struct name *a, const struct name *b)
{
	return a->n == b->n && memcmp(a->wire, b->wire, a->n) == 0;
}

static int
get_record(struct reader *r, struct record *out)
{
	const uint8_t *p;
	int err = get_name(r->packet, &r->at, &out->owner, true);

	if (err < 0)
		return err;
	if (r->packet.n - r->at < FIXED_SIZE)
		return ERR_SYNTAX;
	p = r->packet.p + r->at;
	out->type = be16(p);
	out->class = be16(p + 2);
	out->ttl = be32(p + 4);
	if (out->ttl > INT32_MAX)
		out->ttl = 0; /* RFC 2181 sec. 8 */
	out->n = be16(p + 8);
	out->at = r->at += FIXED_SIZE;
	if (r->packet.n - r->at < out->n)
		return ERR_SYNTAX;
	r->at += out->n;
	return ERR_OK;
}

/* Types whose rdata has names that may be compressed: octets before them, names. What follows is
 * taken as it is. */
static const struct shape {
	uint16_t type;
	uint8_t before, names;
} shapes[] = {
	{ DNS_TYPE_NS, 0, 1 },
	{ DNS_TYPE_CNAME, 0, 1 },
	{ DNS_TYPE_SOA, 0, 2 },
	{ 7 /* MB */, 0, 1 },
	{ 8 /* MG */, 0, 1 },
	{ 9 /* MR */, 0, 1 },
	{ DNS_TYPE_PTR, 0, 1 },
	{ 14 /* MINFO */, 0, 2 },
	{ DNS_TYPE_MX, 2, 1 },
	{ 17 /* RP */, 0, 2 },
	{ 18 /* AFSDB */, 2, 1 },
	{ 21 /* RT */, 2, 1 },
	{ DNS_TYPE_SRV, 6, 1 },
	{ 36 /* KX */, 2, 1 },
	{ 39 /* DNAME */, 0, 1 },
};

static int
whole_rdata(struct bytes packet, const struct record *rec, struct arena *a, struct bytes *out)
{
	const struct shape *s = NULL;
	const size_t end = rec->at + rec->n;
	size_t at = rec->at, n = 0;
	struct name name;
	uint8_t *to;

	for (size_t i = 0; i < NITEMS(shapes); i++)
		if (shapes[i].type == rec->type)
			s = &shapes[i];
	if (s == NULL) {
		*out = arena_bytes(a, bytes_make(packet.p + rec->at, rec->n));
		return ERR_OK;
	}
	if (rec->n < s->before)
		return ERR_SYNTAX;
	to = arena_alloc(a, rec->n + s->names * (size_t)DNS_NAME_WIRE_MAX);
	memcpy(to, packet.p + at, n = s->before);
	at += s->before;
	for (uint8_t i = 0; i < s->names; i++) {
		/* within the rdata, but for what its pointers lead to */
		if (get_name(bytes_head(packet, end), &at, &name, false) < 0)
			return ERR_SYNTAX;
		memcpy(to + n, name.wire, name.n);
		n += name.n;
	}
	memcpy(to + n, packet.p + at, end - at);
	*out = bytes_make(to, n + (end - at));
	return ERR_OK;
}

static void
at_most(uint32_t *ttl, uint32_t other)
{
	if (other < *ttl)
		*ttl = other;
}

/* For how long the absence may be remembered, RFC 2308 sec. 5: the SOA's own time or its last
 * number, whichever is less. */
static void
negative_ttl(struct reader r, unsigned count, struct dns_found *out)
{
	struct record rec;

	while (count-- > 0 && get_record(&r, &rec) == ERR_OK)
		if (rec.type == DNS_TYPE_SOA && rec.n >= 4) {
			at_most(&out->ttl, rec.ttl);
			at_most(&out->ttl, be32(r.packet.p + rec.at + rec.n - 4));
			return;
		}
	out->ttl = 0;
}

static const struct record *
find(const struct record *all, size_t n, const struct name *owner, uint16_t type)
{
	for (size_t i = 0; i < n; i++)
		if (all[i].type == type && all[i].class == CLASS_IN && same(&all[i].owner, owner))
			return &all[i];
	return NULL;
}

/* Follow CNAMEs from *name on to where there is the type, or nothing. */
static int
follow(struct bytes packet, const struct record *all, size_t n, uint16_t type, struct name *name,
	uint32_t *ttl)
{
	const struct record *alias;

	for (int hops = 0; find(all, n, name, type) == NULL; hops++) {
		size_t at;

		alias = find(all, n, name, DNS_TYPE_CNAME);
		if (alias == NULL)
			return ERR_OK;
		at = alias->at;
		if (hops == DNS_CHAIN_MAX)
			return ERR_LIMIT;
		if (get_name(packet, &at, name, true) < 0 || at != alias->at + alias->n)
			return ERR_SYNTAX;
		at_most(ttl, alias->ttl);
	}
	return ERR_OK;
}

static int
collect(struct bytes packet, const struct record *all, size_t n, uint16_t type,
	const struct name *name, struct arena *a, struct dns_found *out)
{
	out->rdata = arena_alloc(a, (n + 1) * sizeof(*out->rdata));
	for (size_t i = 0; i < n; i++) {
		if (all[i].type != type || all[i].class != CLASS_IN || !same(&all[i].owner, name))
			continue;
		if (whole_rdata(packet, &all[i], a, &out->rdata[out->n]) < 0)
			return ERR_SYNTAX;
		out->n++;
		at_most(&out->ttl, all[i].ttl);
	}
	return ERR_OK;
}

int
dns_packet_find(struct bytes packet, uint16_t type, struct arena *a, struct dns_found *out)
{
	struct reader r = { packet, HEADER_SIZE };
	struct record *all;
	struct name name;
	struct bytes wire;
	size_t n;
	int err = ERR_OK;

	memset(out, 0, sizeof(*out));
	if (packet.n < HEADER_SIZE || be16(packet.p + 4) != 1 ||
		get_name(packet, &r.at, &name, true) < 0 || packet.n - r.at < 4)
		return ERR_SYNTAX;
	r.at += 4; /* type and class of the question */
	out->truncated = (packet.p[2] & 2) != 0;
	out->rcode = packet.p[3] & 15;
	out->ttl = UINT32_MAX;
	n = be16(packet.p + 6);
	if (n > (packet.n - r.at) / (FIXED_SIZE + 1))
		return ERR_SYNTAX;
	all = arena_alloc(a, (n + 1) * sizeof(*all));
	for (size_t i = 0; err == ERR_OK && i < n; i++)
		err = get_record(&r, &all[i]);
	if (err == ERR_OK)
		err = follow(packet, all, n, type, &name, &out->ttl);
	wire = bytes_make(name.wire, name.n);
	if (err < 0 || (err = collect(packet, all, n, type, &name, a, out)) < 0)
		return err;
	if (out->n == 0)
		negative_ttl(r, be16(packet.p + 8), out);
	return dns_name_read(&wire, out->canonical) < 0 ? ERR_SYNTAX : ERR_OK;
}
