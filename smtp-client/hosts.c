/* SPDX-License-Identifier: ISC */
/*
 * smtp-client/hosts.c - which hosts serve a next hop, and what DNS says of each: questions out,
 * answers in. The order in which they are tried is made in hosts_order.c.
 *
 * Runs in:  smtp-client.
 * Trusts:   resolver for what is secure; nothing that stands in a record.
 * Sources:  RFC 5321 sec. 5.1, RFC 7505, RFC 2782, RFC 7672 sec. 2.
 */
#include "hosts.h"

#include <stdlib.h>

#include "hosts_private.h"

static bool
is_ascii(struct bytes b)
{
	for (size_t i = 0; i < b.n; i++)
		if (b.p[i] < 0x20 || b.p[i] > 0x7e)
			return false;
	return true;
}

static struct bytes
lower(struct arena *a, struct bytes b)
{
	char *copy = arena_str(a, b);

	for (size_t i = 0; i < b.n; i++)
		copy[i] = (char)ascii_lower((uint8_t)copy[i]);
	if (b.n > 1 && copy[b.n - 1] == '.')
		b.n--;
	copy[b.n] = 0;
	return bytes_make(copy, b.n);
}

void
hosts_fail(struct hosts *h, enum hosts_verdict verdict, const char *code, const char *format, ...)
{
	struct buf text = BUF_INIT;
	va_list ap;

	va_start(ap, format);
	buf_vprintf(&text, format, ap);
	va_end(ap);
	h->result.verdict = verdict;
	h->result.code = code;
	h->result.text = arena_str(&h->arena, buf_bytes(&text));
	h->result.n = 0;
	buf_free(&text);
	h->done = true;
}

/* ---- questions ---- */

static void
ask(struct hosts *h, uint16_t type, struct bytes name, unsigned host)
{
	ASSERT(h->n_slots < HOSTS_SLOTS_MAX);
	h->slots[h->n_slots++] = (struct hosts_slot){ .type = type, .name = name, .host = host };
	h->n_open++;
}

bool
hosts_question(struct hosts *h, struct hosts_question *q)
{
	if (h->done || h->n_asked == h->n_slots)
		return false;
	h->slots[h->n_asked].asked = true;
	*q = (struct hosts_question){ .number = h->n_asked,
		.type = h->slots[h->n_asked].type,
		.name = h->slots[h->n_asked].name };
	h->n_asked++;
	return true;
}

static void
take_address(const struct hosts *h, struct hosts_host *x, const struct ip_block *b)
{
	if (!(b->family == 4 ? h->spec.ipv4 : h->spec.ipv6))
		x->failed = true; /* there is an address, only not for us, or not now */
	else if (x->host.n_addresses < HOSTS_ADDRESSES_MAX)
		x->host.addresses[x->host.n_addresses++] = *b;
}

/* A host that serves the next hop; its addresses are asked for. */
static void
add_host(struct hosts *h, struct bytes name, uint16_t preference, uint16_t weight, uint16_t port)
{
	unsigned i = h->n_hosts;
	struct hosts_host *x = &h->hosts[i];
	struct ip_block address;

	if (i == HOSTS_MAX || name.n > NEXT_HOP_HOST_MAX * 4)
		return;
	h->n_hosts++;
	*x = (struct hosts_host){ .host = { .name = (const char *)name.p,
					  .preference = preference,
					  .weight = weight,
					  .port = port,
					  .trusted = h->list_trusted },
		.secure = h->list_trusted,
		.is_own =
			h->spec.kind == NEXT_HOP_MX && bytes_equal_nocase(name, h->spec.own_name) };
	if (h->spec.kind == NEXT_HOP_HOST && ip_block_parse(name, &address) == ERR_OK) {
		x->host.is_address = true;
		take_address(h, x, &address);
		return;
	}
	if (x->is_own)
		return;
	ask(h, DNS_TYPE_AAAA, name, i);
	ask(h, DNS_TYPE_A, name, i);
	x->waits = 2;
}

struct hosts *
hosts_new(const struct hosts_spec *spec)
{
	struct hosts *h = xcalloc(1, sizeof(*h));
	struct bytes name = lower(&h->arena, spec->name);

	h->spec = *spec;
	h->spec.name = name;
	h->spec.own_name = lower(&h->arena, spec->own_name);
	h->result.domain = h->result.canonical =
		is_ascii(name) ? (const char *)name.p : "(not ASCII)";
	if (spec->kind == NEXT_HOP_HOST) {
		h->list_trusted = true; /* the operator says so */
		add_host(h, name, 0, 0, spec->port);
	} else {
		ask(h, spec->kind == NEXT_HOP_SRV ? DNS_TYPE_SRV : DNS_TYPE_MX, name, 0);
	}
	if (h->n_open == 0)
		hosts_decide(h);
	return h;
}

void
hosts_free(struct hosts **hp)
{
	struct hosts *h = *hp;

	*hp = NULL;
	if (h == NULL)
		return;
	arena_reset(&h->arena);
	free(h);
}

/* ---- who serves the next hop ---- */

static const char *
type_name(const struct hosts *h)
{
	return h->spec.kind == NEXT_HOP_SRV ? "SRV" : "MX";
}

/* Postfix' words, which people look for in logs. */
static void
not_found(struct hosts *h, const struct dns_answer *a)
{
	if (dns_status_is_temporary(a->status))
		hosts_fail(h, HOSTS_TEMPORARY, "4.4.3",
			"Host or domain name not found. Name service error for name=%s type=%s: "
			"Host not found, try again (%s)",
			h->result.domain, type_name(h), dns_status_name(a->status));
	else if (h->spec.kind == NEXT_HOP_SRV) /* an operator's words: they can be mended */
		hosts_fail(h, HOSTS_TEMPORARY, "4.4.4",
			"Host or domain name not found. Name service error for name=%s type=SRV: "
			"no such service",
			h->result.domain);
	else
		hosts_fail(h, HOSTS_PERMANENT, "5.1.2",
			"Host or domain name not found. Name service error for name=%s type=%s: "
			"Host not found",
			h->result.domain, type_name(h));
}

static int
compare_mx(const void *a, const void *b)
{
	const struct dns_mx *x = a, *y = b;

	return (int)x->preference - (int)y->preference;
}

static void
take_mx(struct hosts *h, const struct dns_answer *a)
{
	struct dns_mx *mx = xcalloc(DNS_RECORDS_MAX, sizeof(*mx));
	unsigned n = 0, nulls = 0;

	for (uint32_t i = 0; i < a->count; i++) {
		if (dns_mx_read(a->rdata[i], &mx[n]) < 0)
			continue;
		if (mx[n].host[0] == 0)
			nulls++;
		else if (dns_name_is_host(bytes_from_str(mx[n].host)))
			n++;
	}
	qsort(mx, n, sizeof(*mx), compare_mx);
	for (unsigned i = 0; i < n; i++)
		add_host(h, bytes_from_str(arena_str(&h->arena, bytes_from_str(mx[i].host))),
			mx[i].preference, 0, h->spec.port);
	free(mx);
	if (n == 0 && nulls > 0)
		hosts_fail(h, HOSTS_PERMANENT, "5.1.10", "Domain %s does not accept mail (nullMX)",
			h->result.domain);
	else if (n == 0)
		hosts_fail(h, HOSTS_PERMANENT, "5.4.4", "Domain %s has no usable MX record",
			h->result.domain);
}

static void
take_srv(struct hosts *h, const struct dns_answer *a)
{
	struct dns_srv srv;

	for (uint32_t i = 0; i < a->count; i++)
		if (dns_srv_read(a->rdata[i], &srv) == ERR_OK && srv.port != 0 &&
			dns_name_is_host(bytes_from_str(srv.target)))
			add_host(h,
				bytes_from_str(arena_str(&h->arena, bytes_from_str(srv.target))),
				srv.priority, srv.weight, srv.port);
	if (h->n_hosts == 0)
		hosts_fail(h, HOSTS_TEMPORARY, "4.4.4", "Service %s is not available",
			h->result.domain);
}

static void
take_list(struct hosts *h, const struct dns_answer *a)
{
	h->list_trusted = a->secure;
	if (a->canonical.n > 0 && is_ascii(a->canonical)) {
		const char *canonical = arena_str(&h->arena, a->canonical);

		if (!is_ascii(h->spec.name))
			h->result.domain = canonical;
		h->result.canonical = a->secure ? canonical : h->result.domain;
	}
	if (a->status == DNS_OK && h->spec.kind == NEXT_HOP_SRV)
		take_srv(h, a);
	else if (a->status == DNS_OK)
		take_mx(h, a);
	else if (a->status == DNS_NODATA && h->spec.kind == NEXT_HOP_MX)
		/* the domain is its own and only MX, RFC 5321 sec. 5.1 */
		add_host(h,
			bytes_from_str(is_ascii(h->spec.name) ? (const char *)h->spec.name.p
							      : h->result.domain),
			0, 0, h->spec.port);
	else
		not_found(h, a);
}

/* ---- addresses ---- */

static void
read_address(struct hosts *h, struct hosts_host *x, uint16_t type, struct bytes rdata)
{
	struct ip_block b = { .family = type == DNS_TYPE_A ? 4 : 6,
		.prefix = type == DNS_TYPE_A ? 32 : 128 };

	if ((type == DNS_TYPE_A ? dns_a_read(rdata, b.addr) : dns_aaaa_read(rdata, b.addr)) ==
		ERR_OK)
		take_address(h, x, &b);
}

static void
ask_tlsa(struct hosts *h, unsigned i, const char *base)
{
	struct hosts_host *x = &h->hosts[i];
	const char *name = arena_printf(&h->arena, "_%u._tcp.%s", (unsigned)x->host.port, base);

	x->host.tlsa_base = base;
	x->waits++;
	ask(h, DNS_TYPE_TLSA, bytes_from_str(name), i);
}

static void
take_addresses(struct hosts *h, struct hosts_host *x, const struct hosts_slot *slot,
	const struct dns_answer *a)
{
	unsigned i = slot->host;

	if (a->status == DNS_OK) {
		x->secure = x->secure && a->secure;
		for (uint32_t k = 0; k < a->count; k++)
			read_address(h, x, slot->type, a->rdata[k]);
		if (is_ascii(a->canonical) && a->canonical.n > 0)
			x->canonical = arena_str(&h->arena, a->canonical);
		if (x->canonical != NULL && !is_ascii(bytes_from_str(x->host.name)))
			x->host.name = x->canonical;
	} else if (dns_status_is_temporary(a->status)) {
		x->failed = true;
	}
	if (x->waits > 0 || x->host.n_addresses == 0)
		return;
	/* RFC 7672 sec. 2.2.2 and 2.2.3: after its CNAMEs first, for all of them are secure */
	if (h->spec.tlsa && x->secure)
		ask_tlsa(h, i, x->canonical != NULL ? x->canonical : x->host.name);
}

/* ---- TLSA ---- */

static void
take_tlsa(struct hosts *h, struct hosts_host *x, unsigned i, const struct dns_answer *a)
{
	struct tls_tlsa record;
	struct dns_tlsa t;

	if (dns_status_is_temporary(a->status)) {
		x->host.tlsa = HOSTS_TLSA_UNKNOWN;
		return;
	}
	if (a->status != DNS_OK || !a->secure) {
		/* none there: the name as the MX record has it may have some */
		if (strcmp(x->host.tlsa_base, x->host.name) != 0)
			ask_tlsa(h, i, x->host.name);
		return;
	}
	x->host.records = arena_zalloc(&h->arena, sizeof(*x->host.records) * HOSTS_TLSA_MAX);
	for (uint32_t k = 0; k < a->count && x->host.n_tlsa < HOSTS_TLSA_MAX; k++) {
		if (dns_tlsa_read(a->rdata[k], &t) < 0)
			continue;
		record = (struct tls_tlsa){ t.usage, t.selector, t.matching_type,
			arena_bytes(&h->arena, t.data) };
		if (tls_tlsa_is_usable(&record))
			x->host.records[x->host.n_tlsa++] = record;
	}
	x->host.tlsa = x->host.n_tlsa > 0 ? HOSTS_TLSA_USABLE : HOSTS_TLSA_UNUSABLE;
}

void
hosts_answer(struct hosts *h, unsigned number, const struct dns_answer *a)
{
	struct hosts_slot *slot = &h->slots[number];

	ASSERT(number < h->n_asked && !slot->answered);
	slot->answered = true;
	h->n_open--;
	if (h->done)
		return;
	if (slot->type == DNS_TYPE_MX || slot->type == DNS_TYPE_SRV) {
		take_list(h, a);
	} else {
		struct hosts_host *x = &h->hosts[slot->host];

		x->waits--;
		if (slot->type == DNS_TYPE_TLSA)
			take_tlsa(h, x, slot->host, a);
		else
			take_addresses(h, x, slot, a);
	}
	if (h->n_open == 0 && !h->done)
		hosts_decide(h);
}

const struct hosts_result *
hosts_result(const struct hosts *h)
{
	return h->done ? &h->result : NULL;
}
