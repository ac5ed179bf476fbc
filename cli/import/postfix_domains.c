/* SPDX-License-Identifier: ISC */
/*
 * cli/import/postfix_domains.c - Postfix' classes of domains (ADDRESS_CLASS_README), its aliases
 * and virtual mailboxes, as lines of domains, aliases and accounts.
 */
#include <string.h>

#include "err.h"
#include "mail_address.h"
#include "postfix.h"

/* ---- domains ---- */

/* arg: the row; its words are what the domains are. */
static void
add_domain(struct postfix *p, const struct import_place *place, struct bytes name, const void *arg)
{
	const struct postfix_row *row = arg;

	if (name.p[0] == '.')
		import_tell(p->im, place, IMPORT_BY_HAND,
			"%.*s: write a line for each domain; names below one are none of ours by "
			"themselves",
			(int)name.n, (const char *)name.p);
	else if (name.p[0] == '[')
		import_tell(p->im, place, IMPORT_NEEDLESS,
			"%.*s: mail to postmaster at our addresses is taken anyway", (int)name.n,
			(const char *)name.p);
	else if (import_put(p->im, place, TABLE_DOMAINS, name, bytes_from_str(row->words)))
		import_tell(p->im, place, IMPORT_TAKEN, "domain %.*s: %s", (int)name.n,
			(const char *)name.p, row->words);
}

void
take_domains(struct postfix *p, const struct postfix_row *row, const struct import_place *place,
	struct bytes value)
{
	if (value.n == 0)
		import_tell(p->im, place, IMPORT_NEEDLESS, "empty");
	postfix_each_name(p, place, value, add_domain, row);
}

void
take_virtual_alias_domains(struct postfix *p, const struct postfix_row *row,
	const struct import_place *place, struct bytes value)
{
	if (main_cf_find(&p->cf, BYTES_LITERAL("virtual_alias_domains")) == NULL)
		p->alias_domains_by_map = row;
	else
		take_domains(p, row, place, value);
}

/* ---- aliases ---- */

void
take_alias_maps(struct postfix *p, const struct postfix_row *row, const struct import_place *place,
	struct bytes value)
{
	struct bytes map;
	bool first = true;

	UNUSED(row);
	while (import_word(&value, &map)) {
		struct bytes whole = map;

		(void)bytes_cut(&map, ':'); /* its type */
		if (!first || map.n == 0 || map.p[0] != '/')
			import_tell(p->im, place, IMPORT_BY_HAND,
				"%.*s: there is one file of system aliases, in the form of "
				"aliases(5)",
				(int)whole.n, (const char *)whole.p);
		else
			import_set(p->im, place, "directory", "alias_file", map);
		first = false;
	}
}

/* Targets with their domain: a name alone is of myorigin there, of the alias' domain here. */
static bool
targets_of(struct postfix *p, const struct import_place *place, struct bytes value, struct buf *out)
{
	struct bytes target;

	while (import_word(&value, &target)) {
		if (bytes_find(BYTES_LITERAL("|/:\""), target.p[0]) != BYTES_NOT_FOUND) {
			import_tell(p->im, place, IMPORT_BY_HAND,
				"%.*s: commands, files and lists stand in the system's aliases "
				"(directory.alias_file) only",
				(int)target.n, (const char *)target.p);
			return false;
		}
		if (out->len > 0)
			buf_put_str(out, ", ");
		buf_put_bytes(out, target);
		if (bytes_find(target, '@') == BYTES_NOT_FOUND && p->im->origin.n > 0)
			buf_printf(
				out, "@%.*s", (int)p->im->origin.n, (const char *)p->im->origin.p);
	}
	return true;
}

/* "@a.example @b.example": every address of a is that of b. */
static bool
alias_domain(
	struct postfix *p, const struct import_place *place, struct bytes from, struct bytes to)
{
	struct buf value = BUF_INIT;
	struct bytes folded;
	struct import_table *t = &p->im->tables[TABLE_DOMAINS];
	const size_t before = t->count;
	bool ok;

	buf_printf(&value, "alias %.*s", (int)to.n, (const char *)to.p);
	ok = import_put(p->im, place, TABLE_DOMAINS, from, buf_bytes(&value));
	if (ok && mail_domain_fold(&p->im->arena, from, &folded) == ERR_OK)
		for (size_t i = 0; i < before; i++) /* it has been put as a local one */
			t->entries[i].repeated |= bytes_equal(t->entries[i].key, folded);
	if (ok)
		import_tell(p->im, place, IMPORT_TAKEN, "domain %.*s: %s", (int)from.n,
			(const char *)from.p, buf_str(&value));
	buf_free(&value);
	return ok;
}

static bool
is_ours(struct postfix *p, struct bytes domain)
{
	struct bytes folded;

	return mail_domain_fold(&p->im->arena, domain, &folded) == ERR_OK &&
	       import_has(p->im, TABLE_DOMAINS, folded);
}

static void
put_in_domain(struct postfix *p, const struct import_place *place, struct bytes local,
	struct bytes domain, struct bytes value)
{
	struct buf key = BUF_INIT;

	buf_printf(&key, "%.*s@%.*s", (int)local.n, (const char *)local.p, (int)domain.n,
		(const char *)domain.p);
	(void)import_put(p->im, place, TABLE_ALIASES, buf_bytes(&key), value);
	buf_free(&key);
}

/* A key without domain holds in myorigin and in all of mydestination. */
static bool
local_alias(
	struct postfix *p, const struct import_place *place, struct bytes key, struct bytes value)
{
	struct bytes list = main_cf_value(&p->cf, "mydestination"), name;

	if (p->im->origin.n > 0 && is_ours(p, p->im->origin))
		put_in_domain(p, place, key, p->im->origin, value);
	while (import_word(&list, &name))
		if (bytes_find(BYTES_LITERAL("/!.["), name.p[0]) == BYTES_NOT_FOUND &&
			bytes_find(name, ':') == BYTES_NOT_FOUND)
			put_in_domain(p, place, key, name, value);
	return true;
}

static bool
alias_line(struct postfix *p, const struct import_place *place, struct bytes key,
	struct bytes value, const void *arg)
{
	size_t at = bytes_find_last(key, '@');
	struct bytes domain = bytes_skip(key, at + 1);
	struct buf targets = BUF_INIT;
	bool ok = false;

	UNUSED(arg);
	if (at == BYTES_NOT_FOUND && bytes_find(key, '.') != BYTES_NOT_FOUND &&
		p->alias_domains_by_map != NULL)
		return true; /* declared_domain() has put it */
	if (at == 0 && value.n > 1 && value.p[0] == '@')
		return alias_domain(p, place, domain, bytes_skip(value, 1));
	if (at != BYTES_NOT_FOUND && !is_ours(p, domain)) {
		import_tell(p->im, place, IMPORT_BY_HAND,
			"%.*s is none of our domains: addresses of others are not rewritten here",
			(int)domain.n, (const char *)domain.p);
		return false;
	}
	if (targets_of(p, place, value, &targets))
		ok = at == BYTES_NOT_FOUND
			     ? local_alias(p, place, key, buf_bytes(&targets))
			     : import_put(p->im, place, TABLE_ALIASES, key, buf_bytes(&targets));
	buf_free(&targets);
	return ok;
}

/* Domains that the map itself declares come first: its other keys are in them. */
static bool
declared_domain(struct postfix *p, const struct import_place *place, struct bytes key,
	struct bytes value, const void *arg)
{
	UNUSED(value);
	UNUSED(arg);
	if (bytes_find(key, '@') == BYTES_NOT_FOUND && bytes_find(key, '.') != BYTES_NOT_FOUND &&
		!is_ours(p, key))
		add_domain(p, place, key, p->alias_domains_by_map);
	return true;
}

void
take_virtual_alias_maps(struct postfix *p, const struct postfix_row *row,
	const struct import_place *place, struct bytes value)
{
	size_t before = p->im->nfindings;

	UNUSED(row);
	if (p->alias_domains_by_map != NULL) {
		(void)postfix_each_line(p, place, value, declared_domain, NULL);
		for (size_t i = before;
			i < p->im->nfindings;) /* the second reading tells of the map */
			if (strcmp(p->im->findings[i].place.file, place->file) == 0)
				p->im->findings[i] = p->im->findings[--p->im->nfindings];
			else
				i++;
	}
	(void)postfix_each_line(p, place, value, alias_line, NULL);
}

/* ---- mailboxes ---- */

void
take_virtual_mailbox_base(struct postfix *p, const struct postfix_row *row,
	const struct import_place *place, struct bytes value)
{
	UNUSED(row);
	while (value.n > 1 && value.p[value.n - 1] == '/')
		value.n--;
	if (value.n > 1 && import_set(p->im, place, "", "mail_root", value))
		p->im->mail_root = arena_bytes(&p->im->arena, value);
}

static bool
mailbox_line(struct postfix *p, const struct import_place *place, struct bytes key,
	struct bytes value, const void *arg)
{
	struct import_account account = { .place = *place };
	struct mail_address address;
	struct buf path = BUF_INIT;
	const bool *maildirs = arg;

	if (bytes_find(key, '@') == 0) {
		import_tell(p->im, place, IMPORT_BY_HAND,
			"a mailbox for all unknown addresses: make an account and an alias %.*s "
			"for it",
			(int)key.n, (const char *)key.p);
		return false;
	}
	if (mail_address_fold(&p->im->arena, key, &address) < 0 || address.domain.n == 0) {
		import_tell(p->im, place, IMPORT_BY_HAND, "%.*s: not an address", (int)key.n,
			(const char *)key.p);
		return false;
	}
	account.address = address.key;
	if (*maildirs && value.n > 0 && value.p[value.n - 1] == '/' && p->im->mail_root.n > 0) {
		buf_put_bytes(&path, p->im->mail_root);
		buf_put_u8(&path, '/');
		buf_put_bytes(&path, value.p[0] == '/' ? bytes_skip(value, 1) : value);
		account.maildir = arena_bytes(&p->im->arena, buf_bytes(&path));
		buf_free(&path);
	} else if (*maildirs && value.n > 0 && value.p[value.n - 1] != '/') {
		import_tell(p->im, place, IMPORT_BY_HAND,
			"%.*s is one file in the form of mbox: bring its mail into a Maildir "
			"(mb2md, or IMAP); the account is made",
			(int)value.n, (const char *)value.p);
	}
	import_account(p->im, &account);
	return true;
}

void
take_virtual_mailbox_maps(struct postfix *p, const struct postfix_row *row,
	const struct import_place *place, struct bytes value)
{
	struct bytes transport = main_cf_value(&p->cf, "virtual_transport");
	/* of another deliverer's mailboxes the map only says which there are */
	bool maildirs = bytes_is(transport, "virtual") || transport.n == 0;

	UNUSED(row);
	(void)postfix_each_line(p, place, value, mailbox_line, &maildirs);
}

/* static:5000 is one user: ours for all mailboxes, if the system knows its name. */
void
take_virtual_uid_maps(struct postfix *p, const struct postfix_row *row,
	const struct import_place *place, struct bytes value)
{
	struct bytes rest = value, type = bytes_cut(&rest, ':');

	UNUSED(row);
	if (bytes_is(type, "static"))
		import_mail_user(p->im, place, rest);
	else
		import_tell(p->im, place, IMPORT_BY_HAND,
			"owners that differ: options uid= and gid= of lines of the table accounts");
}

void
take_virtual_transport(struct postfix *p, const struct postfix_row *row,
	const struct import_place *place, struct bytes value)
{
	UNUSED(row);
	if (bytes_is(value, "virtual") ||
		bytes_search(value, BYTES_LITERAL("dovecot")) != BYTES_NOT_FOUND)
		import_tell(p->im, place, IMPORT_NEEDLESS,
			"mail is delivered into the mailboxes by the suite itself");
	else
		import_tell(p->im, place, IMPORT_BY_HAND,
			"%.*s: to have another server deliver, make the domains \"relay\" and give "
			"them a line in transport",
			(int)value.n, (const char *)value.p);
}
