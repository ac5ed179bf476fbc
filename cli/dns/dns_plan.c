/* SPDX-License-Identifier: ISC */
/*
 * cli/dns/dns_plan.c - the records that a mail domain of ours needs, see the header.
 *
 * Runs in:  the operator's command.
 */
#include "dns_plan.h"

#include "siphash.h"

#define STS_MAX_AGE 604800 /* seconds, a week: RFC 8461 sec. 3.2 wants weeks or more in the end */
#define STRING_MAX  255    /* octets of one string, RFC 1035 sec. 3.3 */

struct planning {
	struct arena *a;
	const struct dns_facts *f;
	struct dns_plan *out;
};

struct bytes
dns_txt_make(struct arena *a, struct bytes text)
{
	struct buf wire = BUF_INIT;
	struct bytes kept;

	do {
		struct bytes string = bytes_head(text, STRING_MAX);

		buf_put_u8(&wire, (uint8_t)string.n);
		buf_put_bytes(&wire, string);
		text = bytes_skip(text, string.n);
	} while (text.n > 0);
	kept = arena_bytes(a, buf_bytes(&wire));
	buf_free(&wire);
	return kept;
}

bool
dns_is_below(const char *name, const char *domain)
{
	size_t n = strlen(name), d = strlen(domain);

	return n >= d && strcmp(name + n - d, domain) == 0 && (n == d || name[n - d - 1] == '.');
}

/* ---- records ---- */

static struct dns_record *
add(struct planning *p, const char *what, const char *name, uint16_t type, struct bytes rdata,
	enum dns_need need)
{
	struct dns_record *r;

	ASSERT(p->out->n < DNS_PLAN_MAX);
	r = &p->out->records[p->out->n++];
	*r = (struct dns_record){
		.what = what, .name = name, .type = type, .rdata = rdata, .need = need, .note = ""
	};
	return r;
}

static struct dns_record *
add_text(struct planning *p, const char *what, const char *name, const char *text,
	enum dns_need need)
{
	return add(p, what, name, DNS_TYPE_TXT, dns_txt_make(p->a, bytes_from_str(text)), need);
}

static void
put_be16(struct buf *out, uint16_t v)
{
	buf_put_u8(out, (uint8_t)(v >> 8));
	buf_put_u8(out, (uint8_t)v);
}

/* Numbers and a name: MX, SRV. A name that is none becomes the root. */
static struct bytes
numbers_and_name(struct arena *a, const uint16_t *numbers, size_t n, const char *name)
{
	struct buf wire = BUF_INIT;
	struct bytes kept;

	for (size_t i = 0; i < n; i++)
		put_be16(&wire, numbers[i]);
	if (dns_name_write(bytes_from_str(name), &wire) < 0)
		buf_put_u8(&wire, 0);
	kept = arena_bytes(a, buf_bytes(&wire));
	buf_free(&wire);
	return kept;
}

static const char *
below(struct planning *p, const char *labels, const char *name)
{
	return arena_printf(p->a, "%s.%s", labels, name);
}

/* ---- the way in ---- */

static void
plan_way_back(struct planning *p, const struct ip_block *b)
{
	char reverse[DNS_REVERSE_SIZE];

	dns_reverse_name(b->addr, b->family == 4 ? 4 : 16, reverse);
	add(p, "PTR", arena_str(p->a, bytes_from_str(reverse)), DNS_TYPE_PTR,
		numbers_and_name(p->a, NULL, 0, p->f->hostname), DNS_ELSEWHERE)
		->note = "for who gives you the address to set";
}

static void
plan_hosts(struct planning *p)
{
	const struct dns_facts *f = p->f;
	const uint16_t preference = 10;

	add(p, "MX", f->domain, DNS_TYPE_MX, numbers_and_name(p->a, &preference, 1, f->hostname),
		DNS_NEEDED);
	for (size_t i = 0; i < f->n_addresses; i++) {
		const struct ip_block *b = &f->addresses[i];
		const bool v4 = b->family == 4;

		add(p, "address", f->hostname, v4 ? DNS_TYPE_A : DNS_TYPE_AAAA,
			arena_bytes(p->a, bytes_make(b->addr, v4 ? 4 : 16)), DNS_NEEDED);
	}
	for (size_t i = 0; i < f->n_addresses; i++)
		plan_way_back(p, &f->addresses[i]);
	for (size_t i = 0; i < f->n_sources; i++)
		plan_way_back(p, &f->sources[i]);
}

static void
plan_tlsa(struct planning *p)
{
	for (size_t i = 0; i < p->f->n_certificates; i++) {
		uint8_t rdata[3 + 32] = { 3, 1, 1 }; /* DANE-EE, public key, SHA-256 */
		struct dns_record *r;

		memcpy(rdata + 3, p->f->certificates[i].key, 32);
		r = add(p, "TLSA", below(p, "_25._tcp", p->f->hostname), DNS_TYPE_TLSA,
			arena_bytes(p->a, bytes_make(rdata, sizeof(rdata))), DNS_OPTIONAL);
		r->note = "for a zone with DNSSEC; it goes with the certificate's key";
	}
}

/* ---- who may send ---- */

static void
plan_spf(struct planning *p)
{
	const struct dns_facts *f = p->f;
	struct buf text = BUF_INIT;
	char address[IP_BLOCK_TEXT];
	struct dns_record *r;

	buf_put_str(&text, "v=spf1 mx");
	for (size_t i = 0; i < f->n_sources; i++)
		buf_printf(&text, " ip%u:%s", f->sources[i].family,
			ip_block_text(&f->sources[i], address));
	buf_put_str(&text, " ~all");
	r = add_text(p, "SPF", f->domain, buf_str(&text), DNS_NEEDED);
	r->note = f->smarthost ? "the smarthost's hosts belong in front of ~all: ask who runs it"
			       : "one such record only: terms of other services go into it";
	if (strcmp(f->hostname, f->domain) != 0) {
		buf_clear(&text);
		buf_put_str(&text, "v=spf1 a");
		for (size_t i = 0; i < f->n_sources; i++)
			buf_printf(&text, " ip%u:%s", f->sources[i].family,
				ip_block_text(&f->sources[i], address));
		buf_put_str(&text, " -all");
		add_text(p, "SPF of HELO", f->hostname, buf_str(&text), DNS_ADVISED)->note =
			"for notifications, which have no sender";
	}
	buf_free(&text);
}

static void
plan_dkim(struct planning *p)
{
	for (size_t i = 0; i < p->f->n_keys && i < DNS_KEYS_MAX; i++) {
		const struct dkim_key_row *k = &p->f->keys[i];
		const char *name = arena_printf(p->a, "%.*s._domainkey.%s", (int)k->selector.n,
			(const char *)k->selector.p, p->f->domain);
		struct dns_record *r = add(
			p, "DKIM", name, DNS_TYPE_TXT, dns_txt_make(p->a, k->record), DNS_NEEDED);

		r->alone = true;
		r->note = arena_printf(p->a, "key is %s", dkim_key_state_name(k->state));
		if (k->state == DKIM_GONE)
			r->need = DNS_OBSOLETE;
	}
}

static void
plan_dmarc(struct planning *p)
{
	const char *text = arena_printf(p->a, "v=DMARC1; p=%s; rua=mailto:%s",
		dmarc_policy_name(p->f->policy), p->f->report_to);
	struct dns_record *r =
		add_text(p, "DMARC", below(p, "_dmarc", p->f->domain), text, DNS_NEEDED);

	r->alone = true;
	if (p->f->policy == DMARC_NONE)
		r->note = "begin so; once the reports show only what is yours: p=quarantine, then "
			  "p=reject";
}

/* ---- for clients ---- */

static void
plan_services(struct planning *p)
{
	for (size_t i = 0; i < DNS_SERVICES; i++) {
		const struct dns_service *s = &p->f->services[i];
		const uint16_t here[] = { s->priority, 1, s->port }, nowhere[] = { 0, 0, 0 };
		const char *labels = arena_printf(p->a, "%s._tcp", s->label);
		struct dns_record *r = add(p, "SRV", below(p, labels, p->f->domain), DNS_TYPE_SRV,
			s->port == 0 ? numbers_and_name(p->a, nowhere, 3, "")
				     : numbers_and_name(p->a, here, 3, p->f->hostname),
			DNS_ADVISED);

		r->alone = true;
		if (s->port == 0)
			r->note = "not offered";
	}
}

/* ---- TLS of those who send to us ---- */

static void
plan_sts(struct planning *p)
{
	static const struct siphash_key fixed = { { 0, 0 } }; /* a number that goes with the text */
	const struct dns_facts *f = p->f;
	const char *policy = arena_printf(p->a,
		"version: STSv1\nmode: enforce\nmx: %s\nmax_age: %d\n", f->hostname, STS_MAX_AGE);
	const char *text = arena_printf(p->a, "v=STSv1; id=%016llx",
		(unsigned long long)siphash(&fixed, bytes_from_str(policy)));
	struct dns_record *r;

	p->out->sts_policy = policy;
	r = add_text(p, "MTA-STS", below(p, "_mta-sts", f->domain), text, DNS_OPTIONAL);
	r->alone = true;
	r->note = arena_printf(p->a,
		"once https://mta-sts.%s/.well-known/mta-sts.txt is served, and the certificate of "
		"%s is an authority's",
		f->domain, f->hostname);
	text = arena_printf(p->a, "v=TLSRPTv1; rua=mailto:%s", f->report_to);
	r = add_text(p, "TLS-RPT", below(p, "_smtp._tls", f->domain), text, DNS_OPTIONAL);
	r->alone = true;
}

void
dns_plan_make(struct arena *a, const struct dns_facts *f, struct dns_plan *out)
{
	struct planning p = { a, f, out };

	out->n = 0;
	plan_hosts(&p);
	plan_spf(&p);
	plan_dkim(&p);
	plan_dmarc(&p);
	plan_tlsa(&p);
	plan_services(&p);
	plan_sts(&p);
}
