/* SPDX-License-Identifier: ISC */
/*
 * directory/tables.h - the compiled tables and the few options that decide what an address is.
 *
 * Runs in:  directory, user relais-dir, root folder: the compiled tables, read-only.
 * Trusts:   the tables: the administrator's.
 */
#ifndef RELAIS_DIRECTORY_TABLES_H
#define RELAIS_DIRECTORY_TABLES_H

#include "map.h"
#include "records.h"
#include "srs.h"

/* How forwarded mail gets a reverse-path of ours. */
struct srs_setup {
	bool on;             /* rewrite; addresses made before are good all the same */
	struct bytes domain; /* folded */
	uint32_t days;       /* how long an address is good */
	const struct srs_secrets *secrets; /* NULL: there are none */
};

struct directory_tables {
	struct map maps[TABLE_KINDS];
	uint64_t serial;             /* grows when a table was replaced */
	const char *delimiters;      /* of user+detail */
	struct bytes *local_domains; /* folded; besides those of the domains table */
	size_t nlocal_domains;
	struct bytes default_domain; /* of a login or "postmaster" without one; folded */
	struct bytes postmaster;     /* who gets postmaster's mail where nobody is; may be empty */
	uint64_t default_quota_octets; /* of accounts whose line has none; 0: no limit */
	uint32_t mail_uid, mail_gid;   /* owner of accounts whose line has none */
	bool system_logins;            /* the system's users may log in (PAM) */
	bool locked_takes_mail;        /* a locked account's mail is not refused */
	uint32_t expansion_limit;      /* addresses one alias may lead to */
	uint32_t expansion_depth;      /* aliases one behind the other */
	struct bytes smarthost;        /* a next hop in its one form, or empty: none */
	bool smarthost_bad;            /* the option can't be read: nothing leaves by default */
	struct srs_setup srs;
	uint32_t today; /* days since 1970; told by tables_refresh() */
};

/* Open "FOLDER/domains.db" and so on; missing files are waited for. */
void tables_open(struct directory_tables *t, const char *folder);
void tables_refresh(struct directory_tables *t);
void tables_close(struct directory_tables *t);

/* The options, not the maps; to's strings live in the arena. For another thread's tables. */
void tables_copy_options(
	struct directory_tables *to, const struct directory_tables *from, struct arena *a);

enum domain_place {
	PLACE_LOCAL,
	PLACE_RELAY,
	PLACE_ELSEWHERE, /* not ours */
};

struct domain_info {
	enum domain_place place;
	bool system_users;
	bool system_aliases; /* of the system's users and of the default domain */
	struct bytes domain; /* the domain an alias domain stands for; else the one asked for */
};

/* returns: ERR_OK; ERR_IO (temporary) */
MUST_USE int tables_domain(
	struct directory_tables *t, struct arena *a, struct bytes domain, struct domain_info *out);

/* An account by its key. returns: ERR_OK; ERR_NOT_FOUND; ERR_IO (temporary) */
struct account {
	struct bytes key;
	struct account_record record; /* home, uid, gid and quota filled in */
	bool system_user;
};

MUST_USE int tables_account(struct directory_tables *t, struct arena *a, struct bytes local,
	struct bytes domain, struct account *out);

/* The same for a user of the system. */
MUST_USE int tables_system_user(
	struct directory_tables *t, struct arena *a, struct bytes local, struct account *out);

/* The value of an alias key; kind: TABLE_ALIASES or TABLE_SYSTEM_ALIASES. returns: ERR_OK;
 * ERR_NOT_FOUND; ERR_IO (temporary) */
MUST_USE int tables_alias(struct directory_tables *t, struct arena *a, enum table_kind kind,
	struct bytes key, struct bytes *value);

/* The value of a key in one of the tables of route_records.h. returns as tables_alias(). */
MUST_USE int tables_route(struct directory_tables *t, struct arena *a, enum table_kind kind,
	struct bytes key, struct bytes *value);

/* Whose login name is it? Like tables_account(), with the default domain if it has none; the
 * system's users too, where they may log in. With
 * ERR_NOT_FOUND out->key is what stands for this login, however it was written. */
MUST_USE int tables_login(
	struct directory_tables *t, struct arena *a, struct bytes login, struct account *out);

/* An account that logged in before, by its key. */
MUST_USE int tables_by_key(struct directory_tables *t, struct arena *a, struct bytes key,
	bool system_user, struct account *out);

#endif
