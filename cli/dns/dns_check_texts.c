/* SPDX-License-Identifier: ISC */
/*
 * cli/dns/dns_check_texts.c - what stands in TXT records: SPF, DKIM, DMARC, MTA-STS, TLS-RPT.
 *
 * SPF is not compared with what we would publish: mailauth-verify is asked whether our own
 * addresses pass, and whether a stranger's does not.
 *
 * Runs in:  the operator's command.
 * Sources:  RFC 7208, RFC 6376, RFC 9989, RFC 9990 sec. 4, RFC 8461 sec. 3.1, RFC 8460 sec. 3.
 */
#include "dns_check.h"
#include "spf_record.h"

#define STRANGER "198.51.100.254" /* an address that is nobody's (RFC 5737) */

/* ---- the text records of a name ---- */

struct texts {
	size_t n; /* that are of the kind */
	struct bytes first;
};

typedef bool text_is_fn(struct bytes text);

/* false: not known, and so noted */
static bool
ask_texts(struct dns_checking *c, const char *what, const char *name, text_is_fn *is,
	struct texts *out)
{
	const struct dns_answer *answer = dns_ask(c, what, DNS_TYPE_TXT, name);

	*out = (struct texts){ 0, BYTES_NONE };
	if (answer == NULL)
		return false;
	for (uint32_t i = 0; i < answer->count; i++) {
		struct buf text = BUF_INIT;

		if (dns_txt_read(answer->rdata[i], &text) == ERR_OK && is(buf_bytes(&text)) &&
			out->n++ == 0)
			out->first = arena_bytes(c->a, buf_bytes(&text));
		buf_free(&text);
	}
	return true;
}

/* One record there must be; false: and so noted. */
static bool
is_one(struct dns_checking *c, const char *what, const char *name, enum dns_level if_none,
	const struct texts *t)
{
	const char *todo = dns_publish(c, dns_planned(c, what));

	if (t->n == 1)
		return true;
	if (t->n == 0)
		dns_find(c, if_none, what, name, todo, "there is none");
	else
		dns_find(c, DNS_WRONG, what, name, "leave one",
			"there are %zu: none of them counts", t->n);
	return false;
}

/* ---- SPF ---- */

static struct mailauth_spf
ask_spf(struct dns_checking *c, const char *client, bool *known)
{
	struct mailauth_spf_result result = { .mail_from = { .result = AUTH_NONE } };
	const struct mailauth_spf_question q = { .client = bytes_from_str(client),
		.helo = bytes_from_str(c->f->hostname),
		.mail_from = bytes_from_str(arena_printf(c->a, "postmaster@%s", c->f->domain)) };

	*known = c->asker->spf(c->asker->ctx, &q, &result);
	result.mail_from.mechanism = arena_bytes(c->a, result.mail_from.mechanism);
	result.mail_from.problem = arena_bytes(c->a, result.mail_from.problem);
	return result.mail_from;
}

static void
tell_failure(struct dns_checking *c, const char *client, const struct mailauth_spf *r)
{
	const struct bytes by = r->mechanism.n > 0 ? r->mechanism : r->problem;

	dns_find(c, DNS_WRONG, "SPF", c->f->domain, dns_publish(c, dns_planned(c, "SPF")),
		"mail from our address %s: %s%s%.*s", client, auth_result_name(r->result),
		by.n > 0 ? " by " : "", (int)by.n, by.n > 0 ? (const char *)by.p : "");
}

/* Does mail that leaves from it pass? false: it need not be asked for others. */
static bool
check_spf_of(struct dns_checking *c, const struct ip_block *b)
{
	char client[IP_BLOCK_TEXT];
	struct mailauth_spf r;
	bool known;

	ip_block_text(b, client);
	r = ask_spf(c, client, &known);
	if (!known || r.result == AUTH_TEMPERROR) {
		if (!known)
			r.problem = BYTES_LITERAL("mailauth-verify does not answer");
		dns_find(c, DNS_UNKNOWN, "SPF", c->f->domain, "", "%s could not be checked: %.*s",
			client, (int)r.problem.n, r.problem.n > 0 ? (const char *)r.problem.p : "");
		return known;
	}
	if (r.result == AUTH_PASS)
		dns_find(c, DNS_RIGHT, "SPF", c->f->domain, "", "%s passes by %.*s", client,
			(int)r.mechanism.n, (const char *)r.mechanism.p);
	else
		tell_failure(c, client, &r);
	return r.result != AUTH_PERMERROR;
}

static void
check_senders(struct dns_checking *c)
{
	const struct dns_facts *f = c->f;
	struct mailauth_spf r;
	bool known, go_on = true;

	if (f->smarthost) {
		dns_find(c, DNS_HINT, "SPF", f->domain, "ask who runs the smarthost",
			"mail leaves by a smarthost: whether its hosts pass is not known here");
	} else {
		for (size_t i = 0; i < c->n_found && go_on; i++)
			go_on = check_spf_of(c, &c->found[i]);
		for (size_t i = 0; i < f->n_sources && go_on; i++)
			go_on = check_spf_of(c, &f->sources[i]);
	}
	if (!go_on)
		return;
	r = ask_spf(c, STRANGER, &known);
	if (known && r.result == AUTH_PASS)
		dns_find(c, DNS_WRONG, "SPF", f->domain, "end it with ~all or -all",
			"anybody passes: %s does, by %.*s", STRANGER, (int)r.mechanism.n,
			(const char *)r.mechanism.p);
	else if (known && r.result == AUTH_NEUTRAL)
		dns_find(c, DNS_HINT, "SPF", f->domain, "end it with ~all or -all",
			"of others it says nothing (neutral)");
}

static void
check_spf(struct dns_checking *c)
{
	struct arena *a = c->a;
	struct spf_record record;
	struct texts t;
	struct bytes where;
	const char *why;

	if (!ask_texts(c, "SPF", c->f->domain, spf_record_is, &t) ||
		!is_one(c, "SPF", c->f->domain, DNS_WRONG, &t))
		return;
	if (spf_record_parse(t.first, a, &record, &why, &where) < 0)
		dns_find(c, DNS_WRONG, "SPF", c->f->domain, "", "%s: %.*s", why, (int)where.n,
			where.n > 0 ? (const char *)where.p : "");
	else
		check_senders(c);
}

static void
check_helo_spf(struct dns_checking *c)
{
	struct texts t;

	if (strcmp(c->f->hostname, c->f->domain) != 0 &&
		ask_texts(c, "SPF of HELO", c->f->hostname, spf_record_is, &t) &&
		is_one(c, "SPF of HELO", c->f->hostname, DNS_HINT, &t))
		dns_find(c, DNS_RIGHT, "SPF of HELO", c->f->hostname, "", "there is one");
}

/* ---- DKIM ---- */

static bool
is_any(struct bytes text)
{
	UNUSED(text);
	return true;
}

static bool
is_same_key(struct bytes ours, struct bytes theirs, const char **why)
{
	struct dkim_key_record a, b;
	struct buf p = BUF_INIT, q = BUF_INIT;
	bool same = false;

	if (dkim_key_record_parse(theirs, &b, why) < 0)
		return false;
	*why = b.revoked ? "its key is empty: revoked" : "it has another key";
	if (dkim_key_record_parse(ours, &a, &(const char *){ NULL }) == ERR_OK &&
		a.type == b.type && b.for_email && b.sha256 &&
		dkim_base64_decode(a.key, &p) == ERR_OK && dkim_base64_decode(b.key, &q) == ERR_OK)
		same = bytes_equal(buf_bytes(&p), buf_bytes(&q));
	buf_free(&p);
	buf_free(&q);
	return same;
}

static void
check_key(struct dns_checking *c, const struct dns_record *r, const struct dkim_key_row *k)
{
	const char *todo = dns_publish(c, r), *state = dkim_key_state_name(k->state), *why = "";
	/* mail that was signed with it may still be under way */
	const enum dns_level level = k->state == DKIM_RETIRING ? DNS_HINT : DNS_WRONG;
	struct texts t;

	if (!ask_texts(c, "DKIM", r->name, is_any, &t))
		return;
	if (k->state == DKIM_GONE) {
		if (t.n > 0)
			dns_find(c, DNS_HINT, "DKIM", r->name, "remove it",
				"its key is gone, the record is still there");
		return;
	}
	if (t.n == 0)
		dns_find(c, level, "DKIM", r->name, todo, "there is none (key is %s)", state);
	else if (t.n > 1)
		dns_find(c, level, "DKIM", r->name, "leave one", "there are %zu TXT records", t.n);
	else if (!is_same_key(k->record, t.first, &why))
		dns_find(c, level, "DKIM", r->name, todo, "%s (key is %s)", why, state);
	else
		dns_find(c, DNS_RIGHT, "DKIM", r->name, "", "key is %s", state);
}

static void
check_dkim(struct dns_checking *c)
{
	const struct dns_facts *f = c->f;
	size_t n = 0;
	bool in_use = false;

	if (!f->keys_known) {
		dns_find(c, DNS_UNKNOWN, "DKIM", f->domain, "", "dkim-keeper does not answer");
		return;
	}
	for (size_t i = 0; i < f->n_keys; i++)
		in_use |= f->keys[i].state <= DKIM_ACTIVE;
	if (!in_use)
		dns_find(c, f->signs ? DNS_WRONG : DNS_HINT, "DKIM", f->domain,
			arena_printf(c->a, "relais dkim new %s", f->domain),
			"there is no key: its mail goes unsigned");
	for (size_t i = 0; i < c->p->n && n < f->n_keys; i++)
		if (strcmp(c->p->records[i].what, "DKIM") == 0)
			check_key(c, &c->p->records[i], &f->keys[n++]);
}

/* ---- DMARC ---- */

/* Reports to another's domain want its consent (RFC 9990 sec. 4). */
static void
check_report_address(struct dns_checking *c, const char *name, struct bytes uri)
{
	struct buf mailbox = BUF_INIT;
	struct bytes rest;
	struct texts t;
	const char *host, *ask;

	if (dmarc_mailto(uri, &mailbox) < 0) {
		dns_find(c, DNS_WRONG, "DMARC", name, "write mailto:ADDRESS",
			"rua=%.*s is no address for reports", (int)uri.n, (const char *)uri.p);
		buf_free(&mailbox);
		return;
	}
	rest = buf_bytes(&mailbox);
	rest = bytes_skip(rest, bytes_find_last(rest, '@') + 1);
	host = arena_str(c->a, rest);
	buf_free(&mailbox);
	if (dns_is_below(host, c->f->domain) || dns_is_below(c->f->domain, host))
		return;
	ask = arena_printf(c->a, "%s._report._dmarc.%s", c->f->domain, host);
	if (ask_texts(c, "DMARC", ask, dmarc_record_is_one, &t) && t.n == 0)
		dns_find(c, DNS_WRONG, "DMARC", ask,
			arena_printf(c->a, "let %s publish: %s. TXT \"v=DMARC1\"", host, ask),
			"%s does not say that it takes reports about %s: none are sent there", host,
			c->f->domain);
}

/* The record of a domain above applies where there is none of its own (RFC 9989 sec. 4.10). */
static bool
is_covered_from_above(struct dns_checking *c, const char *name)
{
	const char *parent = c->f->domain;
	struct texts t;

	while ((parent = strchr(parent, '.')) != NULL && strchr(++parent, '.') != NULL) {
		const char *above = arena_printf(c->a, "_dmarc.%s", parent);

		if (!ask_texts(c, "DMARC", above, dmarc_record_is_one, &t))
			return true; /* that is noted */
		if (t.n == 0)
			continue;
		dns_find(c, DNS_RIGHT, "DMARC", name, "", "the record of %s applies", parent);
		return true;
	}
	return false;
}

static void
check_dmarc(struct dns_checking *c)
{
	const struct dns_record *r = dns_planned(c, "DMARC");
	struct dmarc_record record;
	struct texts t;

	if (!ask_texts(c, "DMARC", r->name, dmarc_record_is_one, &t) ||
		(t.n == 0 && is_covered_from_above(c, r->name)) ||
		!is_one(c, "DMARC", r->name, DNS_WRONG, &t))
		return;
	if (dmarc_record_parse(t.first, &record) < 0 || record.problem != NULL) {
		dns_find(c, DNS_WRONG, "DMARC", r->name, dns_publish(c, r), "%s",
			record.problem != NULL ? record.problem : "it does not apply");
		return;
	}
	if (record.testing || record.p == DMARC_NONE)
		dns_find(c, DNS_HINT, "DMARC", r->name,
			"once the reports show only what is yours: p=quarantine, then p=reject",
			"p=%s%s: others still deliver what is forged", dmarc_policy_name(record.p),
			record.testing ? "; t=y" : "");
	else
		dns_find(c, DNS_RIGHT, "DMARC", r->name, "", "p=%s", dmarc_policy_name(record.p));
	if (record.rua.n == 0)
		dns_find(c, DNS_HINT, "DMARC", r->name, dns_publish(c, r),
			"no rua: nobody reports to you");
	for (size_t i = 0; i < record.rua.n; i++)
		check_report_address(c, r->name, record.rua.uri[i]);
}

/* ---- TLS of those who send to us ---- */

static bool
is_sts(struct bytes text)
{
	return bytes_starts_with(text, BYTES_LITERAL("v=STSv1;")) || bytes_is(text, "v=STSv1");
}

static bool
is_tls_rpt(struct bytes text)
{
	return bytes_starts_with(text, BYTES_LITERAL("v=TLSRPTv1;"));
}

/* A tag of "v=x; a=b". false: it is not there */
static bool
has_tag(struct bytes text, const char *name)
{
	struct dkim_tags tags;
	struct bytes value;

	return dkim_tags_parse(text, &tags) == ERR_OK && dkim_tags_get(&tags, name, &value) &&
	       value.n > 0;
}

static void
check_sts(struct dns_checking *c)
{
	const struct dns_record *r = dns_planned(c, "MTA-STS");
	const char *host = arena_printf(c->a, "mta-sts.%s", c->f->domain);
	struct ip_block addresses[DNS_ADDRESSES_MAX];
	struct texts t;
	bool secure, alias;
	int n;

	if (!ask_texts(c, "MTA-STS", r->name, is_sts, &t) || t.n == 0)
		return; /* without a web server there can be none */
	if (!is_one(c, "MTA-STS", r->name, DNS_WRONG, &t))
		return;
	if (!has_tag(t.first, "id")) {
		dns_find(c, DNS_WRONG, "MTA-STS", r->name, dns_publish(c, r), "it has no id");
		return;
	}
	n = dns_ask_addresses(c, "MTA-STS", host, addresses, &secure, &alias);
	if (n == 0)
		dns_find(c, DNS_HINT, "MTA-STS", host, "serve the policy there, by HTTPS",
			"the policy's host has no address: it has no effect");
	else if (n > 0)
		dns_find(c, DNS_RIGHT, "MTA-STS", r->name, "", "there is one");
}

static void
check_tls_rpt(struct dns_checking *c)
{
	const struct dns_record *r = dns_planned(c, "TLS-RPT");
	struct texts t;

	if (!ask_texts(c, "TLS-RPT", r->name, is_tls_rpt, &t) ||
		!is_one(c, "TLS-RPT", r->name, DNS_HINT, &t))
		return;
	if (has_tag(t.first, "rua"))
		dns_find(c, DNS_RIGHT, "TLS-RPT", r->name, "", "there is one");
	else
		dns_find(c, DNS_WRONG, "TLS-RPT", r->name, dns_publish(c, r), "it has no rua");
}

void
dns_check_texts(struct dns_checking *c)
{
	check_spf(c);
	check_helo_spf(c);
	check_dkim(c);
	check_dmarc(c);
	check_sts(c);
	check_tls_rpt(c);
}
