/* SPDX-License-Identifier: ISC */
/*
 * directory/local_owner.c - which addresses are a local user's.
 *
 * Runs in:  directory.
 * Trusts:   the tables; the address asked for may be anything.
 */
#include "local_owner.h"

#include "err.h"
#include "mail_address.h"

static struct bytes
name_of(struct bytes key)
{
	return bytes_head(key, bytes_find_last(key, '@'));
}

/* Does nobody else have it? 1, 0, ERR_IO */
static int
is_free(struct directory_tables *t, struct arena *a, struct bytes local, struct bytes domain)
{
	struct account account;
	struct bytes value;
	int r = tables_account(t, a, local, domain, &account);

	if (r == ERR_NOT_FOUND)
		r = tables_alias(t, a, TABLE_ALIASES, mail_address_key(a, local, domain), &value);
	if (r == ERR_NOT_FOUND)
		r = tables_alias(t, a, TABLE_ALIASES, local, &value); /* of every domain */
	return r == ERR_NOT_FOUND ? 1 : r == ERR_OK ? 0 : ERR_IO;
}

static bool
is_host(struct arena *a, const char *const hosts[LOCAL_HOSTS], struct bytes domain)
{
	struct bytes folded;

	for (size_t i = 0; i < LOCAL_HOSTS && hosts[i] != NULL; i++)
		if (mail_domain_fold(a, bytes_from_str(hosts[i]), &folded) == ERR_OK &&
			bytes_equal(folded, domain))
			return true;
	return false;
}

static bool
is_here(const struct directory_tables *t, struct arena *a, const char *const hosts[LOCAL_HOSTS],
	struct bytes domain, const struct domain_info *where)
{
	return (where->place == PLACE_LOCAL && where->system_users) ||
	       bytes_equal(where->domain, t->default_domain) || is_host(a, hosts, domain);
}

int
local_domain(struct directory_tables *t, struct arena *a, const char *const hosts[LOCAL_HOSTS],
	struct bytes domain)
{
	struct domain_info where;

	if (tables_domain(t, a, domain, &where) < 0)
		return ERR_IO;
	return is_here(t, a, hosts, domain, &where);
}

int
local_owns(struct directory_tables *t, struct arena *a, struct bytes key,
	const char *const hosts[LOCAL_HOSTS], struct bytes address)
{
	struct mail_address folded;
	struct domain_info where;
	struct bytes base, detail;
	int r;

	if (mail_address_fold(a, address, &folded) < 0 || folded.domain.n == 0)
		return 0;
	mail_address_detail(folded.local, t->delimiters, &base, &detail);
	if (!bytes_equal(base, name_of(key)) && !bytes_equal(folded.local, name_of(key)))
		return 0;
	if (tables_domain(t, a, folded.domain, &where) < 0)
		return ERR_IO;
	if (!is_here(t, a, hosts, folded.domain, &where))
		return 0;
	if ((r = is_free(t, a, folded.local, where.domain)) != 1)
		return r;
	return is_free(t, a, name_of(key), where.domain);
}

struct bytes
local_address(struct directory_tables *t, struct arena *a, struct bytes key,
	const char *const hosts[LOCAL_HOSTS])
{
	struct bytes address = mail_address_text(a, name_of(key), t->default_domain);

	if (t->default_domain.n > 0 && local_owns(t, a, key, hosts, address) == 1)
		return address;
	return mail_address_text(a, name_of(key), bytes_from_str(hosts[0]));
}
