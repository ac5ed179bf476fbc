/* SPDX-License-Identifier: ISC */
/*
 * mailauth/dmarc_walk.c - the DNS tree walk: which records are there above a domain, and which of
 * the names is its organizational domain.
 *
 * A check asks again and again from its beginning, and each answer is remembered: so the code
 * reads as if the DNS answered at once.
 *
 * Runs in:  mailauth-verify. Trusts: nothing of the DNS.
 * Sources:  RFC 9989 sec. 4.10.
 */
#include "dmarc_private.h"

/* ---- one name ---- */

/* Of all texts at the name, the one that is a DMARC record; one: there must not be several. */
static enum dmarc_found
pick_record(struct arena *a, const struct dns_answer *answer, struct bytes *record, bool one)
{
	struct buf text = BUF_INIT;
	unsigned records = 0;

	for (uint32_t i = 0; i < answer->count; i++) {
		buf_clear(&text);
		if (dns_txt_read(answer->rdata[i], &text) < 0 ||
			!dmarc_record_is_one(buf_bytes(&text)))
			continue;
		if (records++ == 0)
			*record = arena_bytes(a, bytes_head(buf_bytes(&text), DMARC_RECORD_MAX));
	}
	buf_free(&text);
	return records == 0 ? DMARC_ABSENT : records > 1 && one ? DMARC_SEVERAL : DMARC_FOUND;
}

static void
take(struct dmarc_memory *m, struct dmarc_look *look, const struct dns_answer *answer)
{
	look->status = answer->status;
	if (dns_status_is_temporary(answer->status))
		look->found = DMARC_UNKNOWN;
	else if (look->what != DMARC_EXISTS && answer->status == DNS_OK)
		look->found =
			pick_record(m->arena, answer, &look->record, look->what == DMARC_POLICY);
	else
		look->found = DMARC_ABSENT;
	if (look->found == DMARC_FOUND)
		look->usable = dmarc_record_parse(look->record, &look->tags);
}

static void
on_answer(void *arg, const struct dns_answer *answer)
{
	struct dmarc_look *look = arg;
	struct dmarc_memory *m = look->memory;

	look->question = NULL;
	take(m, look, answer);
	if (!m->asking)
		m->answered(m->arg);
}

const struct dmarc_look *
dmarc_look(struct dmarc_memory *m, enum dmarc_what what, struct bytes domain)
{
	struct bytes name = domain;
	struct dmarc_look *look;

	for (look = m->looks; look != NULL; look = look->next)
		if (look->what == what && bytes_equal(look->domain, domain))
			return look;
	look = arena_zalloc(m->arena, sizeof(*look));
	*look = (struct dmarc_look){
		.next = m->looks, .memory = m, .domain = domain, .what = what, .found = DMARC_ASKED
	};
	m->looks = look;
	if (m->given_up) {
		look->found = DMARC_UNKNOWN;
		look->status = DNS_TIMEOUT;
		return look;
	}
	if (what == DMARC_POLICY)
		name = bytes_from_str(arena_printf(
			m->arena, "_dmarc.%.*s", (int)domain.n, (const char *)domain.p));
	m->asking = true;
	look->question = mailauth_ask(
		m->dns, what == DMARC_EXISTS ? DNS_TYPE_A : DNS_TYPE_TXT, name, on_answer, look);
	m->asking = false;
	return look;
}

void
dmarc_memory_give_up(struct dmarc_memory *m)
{
	m->given_up = true;
	for (struct dmarc_look *look = m->looks; look != NULL; look = look->next) {
		if (look->found != DMARC_ASKED)
			continue;
		mailauth_cancel(look->question);
		look->question = NULL;
		look->found = DMARC_UNKNOWN;
		look->status = DNS_TIMEOUT;
	}
}

/* ---- the walk ---- */

static size_t
labels(struct bytes domain)
{
	size_t n = domain.n > 0;

	for (size_t i = 0; i < domain.n; i++)
		n += domain.p[i] == '.';
	return n;
}

static struct bytes
parent(struct bytes domain)
{
	(void)bytes_cut(&domain, '.');
	return domain;
}

/* sec. 4.10 steps 4 and 7: seven labels at most from the second query on */
static struct bytes
next_target(struct bytes domain)
{
	do
		domain = parent(domain);
	while (labels(domain) >= DMARC_QUERIES_MAX);
	return domain;
}

/* The domain one label below above, on the way to domain. */
static struct bytes
one_below(struct bytes domain, struct bytes above)
{
	while (parent(domain).n > above.n)
		domain = parent(domain);
	return domain;
}

static bool
is_record(const struct dmarc_look *look)
{
	return look->found == DMARC_FOUND;
}

/* The rules of sec. 4.10.2, for a walk from domain whose last (shortest) record is last. */
static void
select_org(struct bytes domain, struct dmarc_memory *m, const struct dmarc_look *last,
	struct dmarc_walk *out)
{
	const struct dmarc_look *look;

	out->found = DMARC_FOUND;
	out->org_domain = last->domain;
	out->org = last;
	/* rule 1, psd=n, and rule 3, the fewest labels, are both the last one */
	if (last->tags.psd != DMARC_PSD_Y || last->domain.n == domain.n)
		return;
	out->org_domain = one_below(domain, last->domain); /* rule 2 */
	out->psd = last;
	out->org = NULL;
	for (look = m->looks; look != NULL; look = look->next)
		if (look->what == DMARC_POLICY && is_record(look) &&
			bytes_equal(look->domain, out->org_domain))
			out->org = look;
}

void
dmarc_walk(struct dmarc_memory *m, struct bytes domain, struct dmarc_walk *out,
	void (*looked)(void *arg, const struct dmarc_look *look), void *arg)
{
	const struct dmarc_look *last = NULL;

	*out = (struct dmarc_walk){ .found = DMARC_ABSENT, .org_domain = domain };
	for (struct bytes target = domain; target.n > 0; target = next_target(target)) {
		const struct dmarc_look *look = dmarc_look(m, DMARC_POLICY, target);

		out->queries++;
		if (out->start == NULL)
			out->start = look;
		if (look->found == DMARC_ASKED || look->found == DMARC_UNKNOWN) {
			out->found = look->found;
			if (looked != NULL && look->found == DMARC_UNKNOWN)
				looked(arg, look);
			return;
		}
		if (looked != NULL)
			looked(arg, look);
		if (!is_record(look))
			continue;
		last = look;
		if (look->tags.psd != DMARC_PSD_U)
			break;
	}
	if (last != NULL)
		select_org(domain, m, last, out);
}
