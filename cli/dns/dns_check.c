/* SPDX-License-Identifier: ISC */
/*
 * cli/dns/dns_check.c - the checks' common part: asking, noting what was found.
 *
 * Runs in:  the operator's command.
 * Trusts:   nothing that DNS says: it is printed as text only.
 */
#include "dns_check.h"

const char *
dns_level_name(enum dns_level level)
{
	static const char *const names[DNS_LEVELS] = { "right", "hint", "wrong", "unknown" };

	return names[level];
}

void
dns_find(struct dns_checking *c, enum dns_level level, const char *what, const char *name,
	const char *todo, const char *format, ...)
{
	struct buf text = BUF_INIT;
	va_list ap;

	va_start(ap, format);
	buf_vprintf(&text, format, ap);
	va_end(ap);
	if (c->out->n < DNS_FINDINGS_MAX)
		c->out->findings[c->out->n++] =
			(struct dns_finding){ level, what, arena_str(c->a, bytes_from_str(name)),
				arena_str(c->a, buf_bytes(&text)), todo };
	buf_free(&text);
}

const char *
dns_publish(struct dns_checking *c, const struct dns_record *r)
{
	struct buf text = BUF_INIT;
	const char *kept;

	if (r == NULL)
		return "";
	buf_printf(&text, "publish: %s. ", r->name);
	dns_type_put(&text, r->type);
	buf_put_u8(&text, ' ');
	dns_rdata_put_text(&text, r->type, r->rdata);
	kept = arena_str(c->a, buf_bytes(&text));
	buf_free(&text);
	return kept;
}

const struct dns_record *
dns_planned(const struct dns_checking *c, const char *what)
{
	for (size_t i = 0; i < c->p->n; i++)
		if (strcmp(c->p->records[i].what, what) == 0)
			return &c->p->records[i];
	return NULL;
}

const struct dns_answer *
dns_ask(struct dns_checking *c, const char *what, uint16_t type, const char *name)
{
	const struct dns_answer *answer = c->asker->dns(c->asker->ctx, type, name);
	struct buf type_text = BUF_INIT;

	if (!dns_status_is_temporary(answer->status) && answer->status != DNS_BAD_NAME)
		return answer;
	dns_type_put(&type_text, type);
	dns_find(c, answer->status == DNS_BAD_NAME ? DNS_WRONG : DNS_UNKNOWN, what, name,
		answer->status == DNS_BOGUS ? "mend the zone's DNSSEC: nobody who checks it gets "
					      "an answer"
					    : "",
		"%s could not be asked: %s%s%.*s", buf_str(&type_text),
		dns_status_name(answer->status), answer->why.n > 0 ? ", " : "", (int)answer->why.n,
		answer->why.n > 0 ? (const char *)answer->why.p : "");
	buf_free(&type_text);
	return NULL;
}

int
dns_ask_addresses(struct dns_checking *c, const char *what, const char *name,
	struct ip_block out[DNS_ADDRESSES_MAX], bool *secure, bool *alias)
{
	static const uint16_t types[] = { DNS_TYPE_A, DNS_TYPE_AAAA };
	int n = 0;

	*secure = true;
	*alias = false;
	for (size_t t = 0; t < NITEMS(types); t++) {
		const struct dns_answer *answer = dns_ask(c, what, types[t], name);
		const size_t size = types[t] == DNS_TYPE_A ? 4 : 16;

		if (answer == NULL)
			return -1;
		*secure = *secure && (answer->secure || answer->status != DNS_OK);
		*alias = *alias ||
			 (answer->canonical.n > 0 && !bytes_is_nocase(answer->canonical, name));
		for (uint32_t i = 0; i < answer->count && n < DNS_ADDRESSES_MAX; i++) {
			if (answer->rdata[i].n != size)
				continue;
			out[n] = (struct ip_block){ .family = size == 4 ? 4 : 6,
				.prefix = size == 4 ? 32 : 128 };
			memcpy(out[n++].addr, answer->rdata[i].p, size);
		}
	}
	*secure = *secure && n > 0;
	return n;
}

void
dns_check(struct arena *a, const struct dns_facts *f, const struct dns_plan *p,
	const struct dns_asker *asker, struct dns_findings *out)
{
	struct dns_checking c = { .a = a, .f = f, .p = p, .asker = asker, .out = out };

	out->n = 0;
	dns_check_hosts(&c);
	dns_check_texts(&c);
	dns_check_tlsa(&c);
	dns_check_services(&c);
}

enum dns_level
dns_worst(const struct dns_findings *findings)
{
	bool seen[DNS_LEVELS] = { false };

	for (size_t i = 0; i < findings->n; i++)
		seen[findings->findings[i].level] = true;
	return seen[DNS_WRONG]     ? DNS_WRONG
	       : seen[DNS_UNKNOWN] ? DNS_UNKNOWN
	       : seen[DNS_HINT]    ? DNS_HINT
				   : DNS_RIGHT;
}
