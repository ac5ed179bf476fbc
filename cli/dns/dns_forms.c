/* SPDX-License-Identifier: ISC */
/*
 * cli/dns/dns_forms.c - planned records as a zone file and as commands for nsupdate(1).
 *
 * Runs in:  the operator's command.
 * Sources:  RFC 1035 sec. 5 (zone files), RFC 2136 sec. 2.5 (updates).
 */
#include "dns_plan.h"

const char *
dns_need_name(enum dns_need need)
{
	static const char *const names[] = {
		[DNS_NEEDED] = "needed",
		[DNS_ADVISED] = "advised",
		[DNS_OPTIONAL] = "optional",
		[DNS_OBSOLETE] = "obsolete",
		[DNS_ELSEWHERE] = "needed elsewhere",
	};

	return names[need];
}

static void
put_record(struct buf *out, const struct dns_record *r)
{
	buf_printf(out, "%s. %d IN ", r->name, DNS_PLAN_TTL);
	dns_type_put(out, r->type);
	buf_put_u8(out, ' ');
	dns_rdata_put_text(out, r->type, r->rdata);
	buf_put_u8(out, '\n');
}

/* A comment in front of the first of each kind, and whenever the note is another. */
static void
put_head(struct buf *out, const struct dns_record *r, const struct dns_record *before)
{
	if (before != NULL && strcmp(r->what, before->what) == 0 &&
		strcmp(r->note, before->note) == 0)
		return;
	buf_printf(out, "; %s, %s%s%s\n", r->what, dns_need_name(r->need),
		r->note[0] != 0 ? ": " : "", r->note);
}

static void
put_lines(struct buf *out, const char *text)
{
	struct bytes rest = bytes_from_str(text);

	while (rest.n > 0) {
		struct bytes line = bytes_cut(&rest, '\n');

		buf_put_str(out, ";   ");
		buf_put_bytes(out, line);
		buf_put_u8(out, '\n');
	}
}

void
dns_put_zone(struct buf *out, const struct dns_facts *f, const struct dns_plan *p)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct dns_record *r = &p->records[i];

		put_head(out, r, i > 0 ? r - 1 : NULL);
		if (r->need == DNS_OBSOLETE || r->need == DNS_ELSEWHERE)
			buf_put_str(out, "; ");
		put_record(out, r);
	}
	if (f->n_addresses == 0)
		buf_printf(
			out, "; the addresses of %s are not known here: --address\n", f->hostname);
	if (f->keys_known && f->n_keys == 0)
		buf_printf(out, "; there is no DKIM key yet: relais dkim new %s\n", f->domain);
	else if (!f->keys_known)
		buf_put_str(out, "; DKIM keys are not known: dkim-keeper does not answer\n");
	buf_put_str(out, "; the policy of MTA-STS:\n");
	put_lines(out, p->sts_policy);
}

/* One update is of one zone: the host's records go separately where they may be in another. */
static void
put_updates(struct buf *out, const struct dns_facts *f, const struct dns_plan *p, bool of_host)
{
	const bool apart = !dns_is_below(f->hostname, f->domain);

	for (size_t i = 0; i < p->n; i++) {
		const struct dns_record *r = &p->records[i];
		const bool first = i == 0 || strcmp(r->name, r[-1].name) != 0;

		if (r->need == DNS_ELSEWHERE ||
			(apart && dns_is_below(r->name, f->hostname)) != of_host)
			continue;
		put_head(out, r, i > 0 ? r - 1 : NULL);
		if ((r->alone && first) || r->need == DNS_OBSOLETE) {
			buf_printf(out, "update delete %s. ", r->name);
			dns_type_put(out, r->type);
			buf_put_u8(out, '\n');
		}
		if (r->need == DNS_OBSOLETE)
			continue;
		buf_put_str(out, "update add ");
		put_record(out, r);
	}
	buf_put_str(out, "send\n");
}

void
dns_put_nsupdate(struct buf *out, const struct dns_facts *f, const struct dns_plan *p)
{
	put_updates(out, f, p, false);
	if (!dns_is_below(f->hostname, f->domain))
		put_updates(out, f, p, true);
}
