/* SPDX-License-Identifier: ISC */
/*
 * mailauth/dmarc_from.c - whose domain does the From field name: the author domain.
 *
 * Runs in:  mailauth-verify. Trusts: nothing.
 * Sources:  RFC 9989 sec. 4.2, 5.3.1, 11.5; RFC 5322 sec. 3.4, 3.6.2; RFC 6854 (groups).
 */
#include "dmarc_private.h"
#include "mail_address.h"
#include "rfc5322.h"

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

/* One field's: the domain that all its addresses have. */
static int
field_domain(struct arena *a, struct bytes value, struct bytes *out, const char **why)
{
	*out = BYTES_NONE;
	for (const struct rfc5322_address *m = rfc5322_addresses(a, value); m != NULL;
		m = m->next) {
		struct bytes domain;

		if (m->kind != RFC5322_MAILBOX)
			continue;
		if (m->domain.n == 0 || dmarc_fold_domain(a, m->domain, &domain) < 0) {
			*why = "an address in the From field without a domain that could be one";
			return ERR_SYNTAX;
		}
		if (out->n > 0 && !bytes_equal(*out, domain)) {
			*why = "the From field has addresses of several domains";
			return ERR_EXISTS;
		}
		*out = domain;
	}
	if (out->n > 0)
		return ERR_OK;
	*why = "the From field has no address";
	return ERR_NOT_FOUND;
}

int
dmarc_author_domain(const struct bytes *from, size_t count, struct buf *out, const char **why)
{
	struct arena a = ARENA_INIT;
	struct bytes domain;
	int r;

	if (count != 1) {
		*why = count == 0 ? "there is no From field" : "there are several From fields";
		return count == 0 ? ERR_NOT_FOUND : ERR_EXISTS;
	}
	r = field_domain(&a, from[0], &domain, why);
	if (r == ERR_OK)
		buf_put_bytes(out, domain);
	arena_reset(&a);
	return r;
}
