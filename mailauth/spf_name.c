/* SPDX-License-Identifier: ISC */
/*
 * mailauth/spf_name.c - names in an SPF check: targets of terms, validated names of the client.
 *
 * Runs in:  mailauth-verify, CLI; on a check's fiber.
 * Trusts:   nothing: whoever has the client's address writes its PTR records.
 * Sources:  RFC 7208 sec. 4.6.4, 4.8, 5.5 and 7.3; RFC 8616 sec. 4.
 */
#include "rfc5321.h"
#include "spf_private.h"

bool
spf_expand_name(struct spf_check *c, struct bytes domain_spec, struct bytes *out)
{
	struct buf text = BUF_INIT;
	char name[DNS_NAME_SIZE];
	int n = ERR_SYNTAX;

	*out = BYTES_NONE;
	/* no label can stand for a local-part that is not ASCII */
	if (c->unicode_sender &&
		(spf_macro_uses(domain_spec, 'l') || spf_macro_uses(domain_spec, 's')))
		return false;
	spf_need_validated(c, domain_spec);
	if (!c->broken && spf_macro_expand(&text, domain_spec, &c->values) == ERR_OK)
		n = spf_target_name(buf_bytes(&text), name);
	buf_free(&text);
	if (n > 0)
		*out = arena_bytes(&c->arena, bytes_make(name, (size_t)n));
	return n > 0;
}

/* Has the name the client's address? Without an answer it has not (sec. 5.5). */
static bool
is_validated(struct spf_check *c, struct bytes name)
{
	bool four = c->values.client.family == 4;
	struct bytes client = bytes_make(c->values.client.addr, four ? 4 : 16);

	(void)spf_ask(c, four ? DNS_TYPE_A : DNS_TYPE_AAAA, name);
	for (uint32_t i = 0; i < c->count; i++)
		if (bytes_equal(c->rdata[i], client))
			return true;
	return false;
}

/* The names that the client's PTR records give, the first SPF_HOSTS_MAX of them. */
static size_t
ptr_names(struct spf_check *c, struct bytes names[SPF_HOSTS_MAX])
{
	char at[DNS_REVERSE_SIZE];
	size_t n = 0;

	dns_reverse_name(c->values.client.addr, c->values.client.family == 4 ? 4 : 16, at);
	(void)spf_ask(c, DNS_TYPE_PTR, bytes_from_str(at));
	for (uint32_t i = 0; i < c->count && n < SPF_HOSTS_MAX; i++) {
		char *name = arena_alloc(&c->arena, DNS_NAME_SIZE);
		int len = dns_name_rdata_read(c->rdata[i], name);

		if (len > 0)
			names[n++] = bytes_make(name, (size_t)len);
	}
	return n;
}

bool
spf_ptr_matches(struct spf_check *c, struct bytes target)
{
	struct bytes names[SPF_HOSTS_MAX];
	size_t n = ptr_names(c, names);

	if (!dns_status_is_temporary(c->status))
		spf_count_void(c, target);
	for (size_t i = 0; i < n; i++)
		if (rfc5321_is_within(names[i], target) && is_validated(c, names[i]))
			return true;
	return false;
}

/* How good a name is as the value of macro p: the domain, one within it, any. */
static int
rank_of(const struct spf_check *c, struct bytes name)
{
	if (bytes_equal_nocase(name, c->values.domain))
		return 3;
	return rfc5321_is_within(name, c->values.domain) ? 2 : 1;
}

void
spf_need_validated(struct spf_check *c, struct bytes text)
{
	struct bytes names[SPF_HOSTS_MAX];
	size_t n;

	if (!spf_macro_uses(text, 'p'))
		return;
	c->values.validated = BYTES_LITERAL("unknown");
	n = ptr_names(c, names);
	for (int rank = 3; rank > 0; rank--)
		for (size_t i = 0; i < n; i++)
			if (rank_of(c, names[i]) == rank && is_validated(c, names[i])) {
				c->values.validated = names[i];
				return;
			}
}
