/* SPDX-License-Identifier: ISC */
/*
 * mailauth/spf_eval.c - check_host(): from a domain's policy to a verdict.
 *
 * Selects and parses records, goes through their terms, follows include and redirect, and counts:
 * all limits are those of the whole check. Whether a mechanism's addresses match is libspf2's
 * matter (spf_lib.c).
 *
 * Runs in:  mailauth-verify, CLI; on a check's fiber.
 * Trusts:   nothing: records may be anybody's.
 * Sources:  RFC 7208 sec. 4, 5.2, 6.1.
 */
#include "spf_private.h"

static void check_domain(struct spf_check *c, struct bytes domain, bool must_have);

void
spf_count_void(struct spf_check *c, struct bytes name)
{
	if (!c->broken && c->count == 0 && ++c->result.void_lookups > SPF_VOID_LOOKUPS_MAX)
		spf_break(c, SPF_PERMERROR, "more than %d look-ups in vain, the last for %.*s",
			SPF_VOID_LOOKUPS_MAX, (int)name.n, (const char *)name.p);
}

enum dns_status
spf_ask_counted(struct spf_check *c, uint16_t type, struct bytes name)
{
	enum dns_status status = spf_ask(c, type, name);

	if (dns_status_is_temporary(status))
		spf_break(c, SPF_TEMPERROR, "no answer about %.*s: %s", (int)name.n,
			(const char *)name.p, dns_status_name(status));
	spf_count_void(c, name);
	return status;
}

/* A term that asks DNS: at most ten of them (sec. 4.6.4). */
static bool
count_lookup(struct spf_check *c)
{
	if (c->result.lookups == SPF_LOOKUPS_MAX) {
		spf_break(c, SPF_PERMERROR, "more than %d terms that ask DNS", SPF_LOOKUPS_MAX);
		return false;
	}
	c->result.lookups++;
	return true;
}

/* The policy of the domain it names passes the client. */
static bool
include_matches(struct spf_check *c, struct bytes target)
{
	struct bytes domain = c->values.domain;

	c->includes++;
	check_domain(c, target, true);
	c->includes--;
	c->values.domain = domain;
	return !c->broken && c->result.verdict == SPF_PASS;
}

static bool
directive_matches(struct spf_check *c, const struct spf_directive *d)
{
	struct bytes target = c->values.domain;

	if (d->mechanism == SPF_MECH_ALL || d->mechanism == SPF_MECH_IP4 ||
		d->mechanism == SPF_MECH_IP6)
		return spf_lib_matches(c, d, BYTES_NONE);
	if (!count_lookup(c))
		return false;
	if (d->domain_spec.n > 0 && !spf_expand_name(c, d->domain_spec, &target)) {
		if (d->mechanism == SPF_MECH_INCLUDE)
			spf_break(c, SPF_PERMERROR, "%.*s: not a domain", (int)d->text.n,
				(const char *)d->text.p);
		return false;
	}
	switch (d->mechanism) {
	case SPF_MECH_INCLUDE:
		return include_matches(c, target);
	case SPF_MECH_PTR:
		return spf_ptr_matches(c, target);
	default:
		return spf_lib_matches(c, d, target);
	}
}

static enum spf_verdict
verdict_of(char qualifier)
{
	switch (qualifier) {
	case '-':
		return SPF_FAIL;
	case '~':
		return SPF_SOFTFAIL;
	case '?':
		return SPF_NEUTRAL;
	default:
		return SPF_PASS;
	}
}

static void
redirect(struct spf_check *c, struct bytes domain_spec)
{
	struct bytes target;

	spf_step(c, "redirect=%.*s", (int)domain_spec.n, (const char *)domain_spec.p);
	if (!count_lookup(c))
		return;
	if (spf_expand_name(c, domain_spec, &target))
		check_domain(c, target, true);
	else
		spf_break(c, SPF_PERMERROR, "redirect=%.*s: not a domain", (int)domain_spec.n,
			(const char *)domain_spec.p);
}

static void
settle(struct spf_check *c, enum spf_verdict verdict, struct bytes mechanism)
{
	c->result.verdict = verdict;
	if (c->includes == 0)
		c->result.mechanism = mechanism;
	spf_step(c, "%.*s: %s", (int)mechanism.n, (const char *)mechanism.p,
		spf_verdict_name(verdict));
}

/* sec. 4.6.2, 4.7 */
static void
evaluate(struct spf_check *c, const struct spf_record *record)
{
	for (size_t i = 0; i < record->count; i++) {
		const struct spf_directive *d = &record->directives[i];
		bool matches = directive_matches(c, d);

		if (c->broken)
			return;
		if (!matches) {
			spf_step(c, "%.*s: no match", (int)d->text.n, (const char *)d->text.p);
			continue;
		}
		settle(c, verdict_of(d->qualifier), d->text);
		/* one of an included domain is not for us (sec. 6.2) */
		if (c->includes == 0 && c->result.verdict == SPF_FAIL)
			c->result.explanation = spf_explanation(c, record->exp);
		return;
	}
	if (record->redirect.n > 0)
		redirect(c, record->redirect);
	else
		settle(c, SPF_NEUTRAL, BYTES_LITERAL("default"));
}

/* The SPF record of the answer (sec. 4.5): how many there are; the first is in text. */
static unsigned
select_record(struct spf_check *c, struct bytes *text)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < c->count; i++) {
		struct buf txt = BUF_INIT;

		if (dns_txt_read(c->rdata[i], &txt) == ERR_OK && spf_record_is(buf_bytes(&txt)) &&
			n++ == 0)
			*text = arena_bytes(&c->arena, buf_bytes(&txt));
		buf_free(&txt);
	}
	return n;
}

/* The record at a domain; false if there is none (which is said), or the check is broken. */
static bool
fetch_record(struct spf_check *c, struct bytes domain, bool must_have, struct bytes *text)
{
	enum dns_status status = spf_ask(c, DNS_TYPE_TXT, domain);
	int len = (int)domain.n;
	const char *name = (const char *)domain.p;
	unsigned n;

	if (c->broken)
		return false;
	if (dns_status_is_temporary(status)) {
		spf_break(c, SPF_TEMPERROR, "no answer about the policy of %.*s: %s", len, name,
			dns_status_name(status));
		return false;
	}
	n = select_record(c, text);
	if (n == 1)
		return true;
	if (n > 1)
		spf_break(c, SPF_PERMERROR, "%.*s has %u SPF records", len, name, n);
	else if (c->cut)
		spf_break(c, SPF_PERMERROR, "%.*s has too many TXT records", len, name);
	else if (must_have)
		spf_break(c, SPF_PERMERROR, "%.*s has no SPF record", len, name);
	c->result.verdict = c->broken ? c->result.verdict : SPF_NONE;
	return false;
}

/* check_host() for a domain that can be asked for; the verdict is in c->result. */
static void
check_domain(struct spf_check *c, struct bytes domain, bool must_have)
{
	struct spf_record record;
	struct bytes text, where;
	const char *why;

	c->values.domain = domain;
	if (!fetch_record(c, domain, must_have, &text))
		return;
	spf_step(c, "%.*s: %.*s", (int)domain.n, (const char *)domain.p, (int)text.n,
		(const char *)text.p);
	if (spf_record_parse(text, &c->arena, &record, &why, &where) < 0)
		spf_break(c, SPF_PERMERROR, "%.*s in the record of %.*s: %s", (int)where.n,
			(const char *)where.p, (int)domain.n, (const char *)domain.p, why);
	else
		evaluate(c, &record);
}

/* More than one label, and not an address (sec. 4.3). */
static bool
can_have_policy(struct bytes domain)
{
	size_t dot = bytes_find_last(domain, '.');
	struct bytes top = bytes_skip(domain, dot + 1);

	if (dot == BYTES_NOT_FOUND || domain.p[0] == '[')
		return false;
	for (size_t i = 0; i < top.n; i++)
		if (!ascii_is_digit(top.p[i]))
			return true;
	return false;
}

static void
none_because(struct spf_check *c, const char *why)
{
	c->result.problem = bytes_from_str(why);
	spf_step(c, "%.*s: none: %s", (int)c->values.sender_domain.n,
		(const char *)c->values.sender_domain.p, why);
}

void
spf_check_host(struct spf_check *c)
{
	struct bytes said = c->values.sender_domain;
	char name[DNS_NAME_SIZE];
	int n = spf_target_name(said, name);

	/* a name too long is none here; only those of terms are cut */
	if (said.n > SPF_DOMAIN_MAX + 1 || (said.n > SPF_DOMAIN_MAX && said.p[said.n - 1] != '.'))
		n = ERR_SYNTAX;
	c->result.verdict = SPF_NONE;
	if (c->values.client.family == 0) {
		none_because(c, "the client's address is not known");
		return;
	}
	if (n < 0 || !can_have_policy(bytes_make(name, (size_t)n))) {
		none_because(c, "not a domain that could have a policy");
		return;
	}
	c->result.domain = arena_bytes(&c->arena, bytes_make(name, (size_t)n));
	check_domain(c, c->result.domain, false);
	if (c->result.verdict == SPF_NONE && !c->broken)
		none_because(c, "the domain has no SPF record");
}
