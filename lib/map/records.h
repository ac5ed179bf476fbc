/* SPDX-License-Identifier: ISC */
/*
 * lib/map/records.h - what the tables of directory say, and how a key and a value are written.
 *
 *	domains     example.org          local | relay | alias example.com   [system-users]
 *	accounts    joe@example.org      PASSWORD [quota=1G] [messages=N] [state=active]
 *	                                 [password=RECORD] [app=NAME:PROTOCOLS:RECORD]
 *	                                 [send-as=ADDRESS|@DOMAIN]      (account_words.h)
 *	                                 [home=PATH] [uid=N gid=N]
 *	aliases     info@example.org     joe@example.org, ann@example.net
 *	            postmaster           root@example.org      (in every local domain)
 *	            @example.org         joe@example.org       (whatever else is unknown)
 *	transport, sender_transport, tls_policy, relay_credentials, source_address
 *	                                 how mail leaves: route_records.h
 *	system-users joe                 UID GID               (made by "relais map" from the
 *	                                                        system)
 *	system-aliases staff             joe, "|/usr/bin/x y", "/var/log/mail-copy"
 *	                                                       (made from /etc/aliases)
 *
 * The same functions check the text when it is compiled and read the value at look-up, so
 * what is compiled can be read. Compiled values are normal forms: one blank between words.
 * Documented for people in docs/tables.md.
 */
#ifndef RELAIS_RECORDS_H
#define RELAIS_RECORDS_H

#include "mail_address.h"
#include "table.h"

enum table_kind {
	TABLE_DOMAINS,
	TABLE_ACCOUNTS,
	TABLE_ALIASES,
	TABLE_TRANSPORT, /* this and the next four: route_records.h */
	TABLE_SENDER_TRANSPORT,
	TABLE_TLS_POLICY,
	TABLE_RELAY_CREDENTIALS, /* its text may be read by its owner only */
	TABLE_SOURCE_ADDRESS,
	TABLE_SYSTEM_USERS,   /* this and the next are not written by hand in this form */
	TABLE_SYSTEM_ALIASES, /* aliases.h */
	TABLE_KINDS
};

/* "domains"; the text file's name, and with ".db" the compiled one's. */
const char *table_kind_name(enum table_kind kind);

/*
 * Fold a key as this kind of table has it. *why says in English what is wrong with it.
 * returns: ERR_OK; ERR_SYNTAX; ERR_LIMIT
 */
MUST_USE int table_key_fold(enum table_kind kind, struct arena *a, struct bytes in,
	struct bytes *out, const char **why);

/* Is it a value as this kind of table has it? returns: ERR_OK; < 0, *why says what is wrong */
MUST_USE int table_value_check(
	enum table_kind kind, struct arena *a, struct bytes value, const char **why);

/* Fold the keys of a parsed table and check its values; errors are added to the table's. */
void table_check(struct table *t, enum table_kind kind);

/* domains */
enum domain_class {
	DOMAIN_LOCAL, /* accounts and aliases here */
	DOMAIN_RELAY, /* accepted, and sent on by SMTP */
	DOMAIN_ALIAS, /* user@here is user@target */
};

struct domain_record {
	enum domain_class class;
	bool system_users; /* the system's users are its users too */
	struct bytes target;
};

MUST_USE int domain_record_parse(
	struct arena *a, struct bytes value, struct domain_record *out, const char **why);

/* accounts */
#define ACCOUNT_MAIL  1u /* takes mail */
#define ACCOUNT_LOGIN 2u /* may log in */
#define ACCOUNT_SEND  4u /* may submit mail */
#define ACCOUNT_ALL   (ACCOUNT_MAIL | ACCOUNT_LOGIN | ACCOUNT_SEND)

struct account_record {
	struct bytes line;     /* all of it, for account_words.h */
	struct bytes password; /* the first record of it (password_record.h) */
	bool has_quota;        /* quota=0 is one: no limit */
	uint64_t quota_octets, quota_messages;
	unsigned may;       /* ACCOUNT_MAIL | ACCOUNT_LOGIN | ACCOUNT_SEND, from state= */
	struct bytes state; /* its words, parted by commas; empty: active */
	struct bytes home;  /* empty: mail_address_home() */
	bool has_uid;
	uint32_t uid, gid;
	struct bytes forward; /* addresses it sends mail on to, parted by commas; or empty */
	bool keep;            /* and a copy stays */
};

MUST_USE int account_record_parse(struct bytes value, struct account_record *out, const char **why);

/* "1G" is 2^30 octets; K, M, G, T. Also for the CLI. */
MUST_USE int quota_parse(struct bytes in, uint64_t *octets);

/*
 * aliases: cut the next target off *rest: an address, or a local-part alone, which means the
 * domain of the address that was asked for. returns: 1; 0 no more; ERR_SYNTAX
 */
MUST_USE int alias_next_target(struct bytes *rest, struct bytes *target);

/*
 * Is this target of a system alias "|command" or "/file" (quotes around all of it)? *out, in
 * the arena: the same without quotes, at least two octets.
 */
bool alias_program(struct arena *a, struct bytes target, struct bytes *out);
#define ALIAS_PROGRAM_MAX 300 /* octets */

/* system-users: their accounts and mailboxes have this in place of a domain, so that the same
 * user of two domains is one account. */
#define SYSTEM_USERS_DOMAIN "localhost"

struct system_user_record {
	uint32_t uid, gid;
};

MUST_USE int system_user_record_parse(
	struct bytes value, struct system_user_record *out, const char **why);

#endif
