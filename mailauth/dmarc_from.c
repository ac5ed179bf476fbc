/* SPDX-License-Identifier: ISC */
/*
 * mailauth/dmarc_from.c - whose domains do the From fields name: the author domain.
 *
 * Runs in:  mailauth-verify. Trusts: nothing.
 * Sources:  RFC 9989 sec. 4.2, 5.3.1, 11.5; RFC 5322 sec. 3.4, 3.6.2; RFC 6854 (groups).
 */
#include "dmarc_private.h"
#include "mail_address.h"
#include "rfc5321.h"
#include "rfc5322.h"

#define ADDRESSES_MAX 200 /* in one field; each may be a name to convert */
#define MORE_MAX      4   /* addresses one behind the other, without a comma */

int
dmarc_fold_domain(struct arena *a, struct bytes domain, struct bytes *out)
{
	uint8_t *lower;
	int r;

	if (domain.n > 0 && domain.p[domain.n - 1] == '.')
		domain.n--;
	if (!dns_name_is_host(domain)) { /* which takes '_' too, as the DNS does */
		r = mail_domain_fold(a, domain, out);
		return r < 0 ? r : dns_name_is_host(*out) ? ERR_OK : ERR_SYNTAX;
	}
	lower = arena_alloc(a, domain.n);
	for (size_t i = 0; i < domain.n; i++)
		lower[i] = ascii_lower(domain.p[i]);
	*out = bytes_make(lower, domain.n);
	return ERR_OK;
}

static void
complain(struct dmarc_authors *out, const char *why)
{
	if (out->why == NULL)
		out->why = why;
}

static void
add_domain(struct dmarc_authors *out, struct bytes domain)
{
	for (size_t i = 0; i < out->n; i++)
		if (bytes_equal(out->domain[i], domain))
			return;
	if (out->n > 0)
		complain(out, "the From field has addresses of several domains");
	if (out->n < DMARC_AUTHORS_MAX)
		out->domain[out->n++] = domain;
}

/* "ceo@bank.example <x@evil.example>": RFC 5322 wants quotes around an '@' in a name, and readers
 * differ in what they take for the author. Many write their own address twice, or one of the same
 * house: what is above or below the domain in brackets is no other author, nor is what cannot be a
 * host in the Internet. */
static void
add_before(struct arena *a, struct bytes before, struct bytes angle, struct dmarc_authors *out)
{
	struct bytes domain;

	if (dmarc_fold_domain(a, rfc5321_domain_of(before), &domain) < 0 ||
		bytes_find(domain, '.') == BYTES_NOT_FOUND || rfc5321_is_within(domain, angle) ||
		rfc5321_is_within(angle, domain))
		return;
	complain(out, "an address stands in the From field without quotes as the name of one of "
		      "another domain");
	add_domain(out, domain);
}

/* The first address of a field, which most readers show. */
static void
add_first(struct arena *a, struct bytes value, struct dmarc_authors *out)
{
	const struct rfc5322_address *m = rfc5322_addresses(a, value);
	struct bytes domain;

	while (m != NULL && m->kind != RFC5322_MAILBOX)
		m = m->next;
	if (m != NULL && m->domain.n > 0 && dmarc_fold_domain(a, m->domain, &domain) == ERR_OK)
		add_domain(out, domain);
}

static void
add_list(struct arena *a, struct bytes value, unsigned depth, struct dmarc_authors *out)
{
	unsigned count = 0;

	for (const struct rfc5322_address *m = rfc5322_addresses(a, value); m != NULL;
		m = m->next) {
		struct bytes domain = BYTES_NONE;

		if (++count > ADDRESSES_MAX) {
			complain(out, "the From field has too many addresses");
			return;
		}
		if (m->kind != RFC5322_MAILBOX)
			continue;
		if (m->domain.n > 0 && dmarc_fold_domain(a, m->domain, &domain) == ERR_OK)
			add_domain(out, domain);
		else
			complain(out, "an address in the From field without a domain that could be "
				      "one");
		if (m->before.n > 0)
			add_before(a, m->before, domain, out);
		if (m->more.n == 0)
			continue;
		complain(out, "there is text behind an address in the From field that may be "
			      "another one");
		if (depth < MORE_MAX)
			add_list(a, m->more, depth + 1, out);
	}
}

void
dmarc_authors(struct arena *a, const struct bytes *from, size_t count, struct dmarc_authors *out)
{
	*out = (struct dmarc_authors){ 0 };
	if (count == 0)
		complain(out, "there is no From field");
	else if (count > 1)
		complain(out, "there are several From fields");
	if (count > DMARC_FROM_FIELDS_MAX)
		count = DMARC_FROM_FIELDS_MAX;
	/* first, so that no long list in front can crowd them out */
	for (size_t i = 0; i < count; i++)
		add_first(a, from[i], out);
	for (size_t i = 0; i < count; i++)
		add_list(a, from[i], 0, out);
	if (out->n == 0)
		complain(out, "the From field has no address");
}
