/* SPDX-License-Identifier: ISC */
/* directory/tables.c - look-ups in the compiled tables, see the header. */
#include "tables.h"

#include <stdio.h>

#include "clock.h"
#include "err.h"

void
tables_open(struct directory_tables *t, const char *folder)
{
	char path[1100];

	for (int kind = 0; kind < TABLE_KINDS; kind++) {
		snprintf(path, sizeof(path), "%s/%s.db", folder,
			table_kind_name((enum table_kind)kind));
		t->maps[kind] = map_open_btree(path);
	}
}

void
tables_refresh(struct directory_tables *t)
{
	t->today = (uint32_t)(clock_wall_us() / 1000000 / 86400);
	for (int kind = 0; kind < TABLE_KINDS; kind++)
		if (map_refresh(&t->maps[kind]) > 0)
			t->serial++;
}

void
tables_close(struct directory_tables *t)
{
	for (int kind = 0; kind < TABLE_KINDS; kind++)
		map_close(&t->maps[kind]);
}

void
tables_copy_options(
	struct directory_tables *to, const struct directory_tables *from, struct arena *a)
{
	struct bytes *domains = arena_alloc(a, (from->nlocal_domains + 1) * sizeof(*domains));

	for (size_t i = 0; i < from->nlocal_domains; i++)
		domains[i] = arena_bytes(a, from->local_domains[i]);
	to->local_domains = domains;
	to->nlocal_domains = from->nlocal_domains;
	to->delimiters = arena_str(a, bytes_from_str(from->delimiters));
	to->default_domain = arena_bytes(a, from->default_domain);
	to->postmaster = arena_bytes(a, from->postmaster);
	to->default_quota_octets = from->default_quota_octets;
	to->mail_uid = from->mail_uid;
	to->mail_gid = from->mail_gid;
	to->system_logins = from->system_logins;
	to->locked_takes_mail = from->locked_takes_mail;
	to->expansion_limit = from->expansion_limit;
	to->expansion_depth = from->expansion_depth;
	to->smarthost = arena_bytes(a, from->smarthost);
	to->smarthost_bad = from->smarthost_bad;
	to->srs = from->srs;
	to->srs.domain = arena_bytes(a, from->srs.domain);
	if (from->srs.secrets != NULL) {
		struct srs_secrets *secrets = arena_alloc(a, sizeof(*secrets));

		*secrets = *from->srs.secrets;
		to->srs.secrets = secrets;
	}
}

static int
look_up(struct directory_tables *t, enum table_kind kind, struct arena *a, struct bytes key,
	struct bytes *value)
{
	return map_get(&t->maps[kind], a, key, value);
}

static bool
is_configured_local(const struct directory_tables *t, struct bytes domain)
{
	for (size_t i = 0; i < t->nlocal_domains; i++)
		if (bytes_equal(t->local_domains[i], domain))
			return true;
	return false;
}

static int
domain_once(
	struct directory_tables *t, struct arena *a, struct bytes domain, struct domain_record *out)
{
	const char *why;
	struct bytes value;
	int r = look_up(t, TABLE_DOMAINS, a, domain, &value);

	if (r == ERR_OK && domain_record_parse(a, value, out, &why) < 0)
		r = ERR_IO; /* never compiled so; perhaps again right soon */
	/* the configuration's domains are there without any table */
	if (r != ERR_OK && is_configured_local(t, domain)) {
		*out = (struct domain_record){ .class = DOMAIN_LOCAL };
		r = ERR_OK;
	}
	return r;
}

int
tables_domain(
	struct directory_tables *t, struct arena *a, struct bytes domain, struct domain_info *out)
{
	struct domain_record record;
	int r = domain_once(t, a, domain, &record);

	if (r == ERR_OK && record.class == DOMAIN_ALIAS) {
		domain = record.target;
		r = domain_once(t, a, domain, &record);
		if (r == ERR_OK && record.class == DOMAIN_ALIAS)
			r = ERR_IO; /* "relais map" refuses it */
	}
	if (r < 0 && r != ERR_NOT_FOUND)
		return ERR_IO;
	*out = (struct domain_info){ .place = PLACE_ELSEWHERE, .domain = domain };
	if (r == ERR_OK) {
		out->place = record.class == DOMAIN_LOCAL ? PLACE_LOCAL : PLACE_RELAY;
		out->system_users = record.system_users;
		out->system_aliases =
			out->place == PLACE_LOCAL &&
			(record.system_users || bytes_equal(domain, t->default_domain));
	}
	return ERR_OK;
}

static struct bytes
home_of(struct arena *a, struct bytes local, struct bytes domain)
{
	struct buf b = BUF_INIT;
	struct bytes home;

	mail_address_home(&b, local, domain);
	home = arena_bytes(a, buf_bytes(&b));
	buf_free(&b);
	return home;
}

int
tables_account(struct directory_tables *t, struct arena *a, struct bytes local, struct bytes domain,
	struct account *out)
{
	struct bytes key = mail_address_key(a, local, domain), value;
	const char *why;
	int r = look_up(t, TABLE_ACCOUNTS, a, key, &value);

	if (r < 0)
		return r;
	*out = (struct account){ .key = key };
	if (account_record_parse(value, &out->record, &why) < 0)
		return ERR_IO;
	if (out->record.may == 0 && t->locked_takes_mail)
		out->record.may = ACCOUNT_MAIL;
	if (out->record.home.n == 0)
		out->record.home = home_of(a, local, domain);
	if (!out->record.has_quota)
		out->record.quota_octets = t->default_quota_octets;
	if (!out->record.has_uid) {
		out->record.uid = t->mail_uid;
		out->record.gid = t->mail_gid;
	}
	return ERR_OK;
}

int
tables_system_user(
	struct directory_tables *t, struct arena *a, struct bytes local, struct account *out)
{
	const struct bytes domain = BYTES_LITERAL(SYSTEM_USERS_DOMAIN);
	struct system_user_record user;
	struct bytes value;
	const char *why;
	int r = look_up(t, TABLE_SYSTEM_USERS, a, local, &value);

	if (r < 0)
		return r;
	if (system_user_record_parse(value, &user, &why) < 0)
		return ERR_IO;
	*out = (struct account){ .key = mail_address_key(a, local, domain), .system_user = true };
	out->record = (struct account_record){ .password = BYTES_LITERAL("*"),
		.quota_octets = t->default_quota_octets,
		.may = t->system_logins ? ACCOUNT_ALL : ACCOUNT_MAIL,
		.home = home_of(a, local, domain),
		.has_uid = true,
		.uid = user.uid,
		.gid = user.gid };
	return ERR_OK;
}

int
tables_route(struct directory_tables *t, struct arena *a, enum table_kind kind, struct bytes key,
	struct bytes *value)
{
	if (t->maps[kind].driver == NULL) /* tests that have no routes */
		return ERR_NOT_FOUND;
	return look_up(t, kind, a, key, value);
}

int
tables_alias(struct directory_tables *t, struct arena *a, enum table_kind kind, struct bytes key,
	struct bytes *value)
{
	return look_up(t, kind, a, key, value);
}

/* What stands for a login that does not exist: the same for all ways to write it. */
static int
nobody(struct account *out, struct arena *a, struct bytes name)
{
	uint8_t *p = arena_alloc(a, name.n + 1);

	for (size_t i = 0; i < name.n; i++)
		p[i] = ascii_lower(name.p[i]);
	*out = (struct account){ .key = bytes_make(p, name.n) };
	return ERR_NOT_FOUND;
}

int
tables_login(struct directory_tables *t, struct arena *a, struct bytes login, struct account *out)
{
	struct mail_address address;
	struct domain_info info;
	int r;

	if (bytes_find(login, '@') == BYTES_NOT_FOUND && t->default_domain.n > 0)
		login = mail_address_key(a, login, t->default_domain);
	if (mail_address_fold(a, login, &address) < 0 || address.domain.n == 0)
		return nobody(out, a, login);
	if ((r = tables_domain(t, a, address.domain, &info)) < 0)
		return r;
	if (info.place != PLACE_LOCAL)
		return nobody(out, a, address.key);
	r = tables_account(t, a, address.local, info.domain, out);
	if (r == ERR_NOT_FOUND && info.system_users && t->system_logins)
		r = tables_system_user(t, a, address.local, out);
	return r == ERR_NOT_FOUND ? nobody(out, a, mail_address_key(a, address.local, info.domain))
				  : r;
}

int
tables_by_key(struct directory_tables *t, struct arena *a, struct bytes key, bool system_user,
	struct account *out)
{
	size_t at = bytes_find_last(key, '@');

	if (at == BYTES_NOT_FOUND)
		return ERR_NOT_FOUND;
	if (system_user)
		return tables_system_user(t, a, bytes_head(key, at), out);
	return tables_account(t, a, bytes_head(key, at), bytes_skip(key, at + 1), out);
}
