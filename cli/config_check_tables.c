/* SPDX-License-Identifier: ISC */
/*
 * cli/config_check_tables.c - relais config check: the text tables, each and against each other and
 * the options. The same parsers as relais map; nothing is compiled.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config_check.h"
#include "directory_conf.h"
#include "err.h"
#include "mailauth_conf.h"
#include "route_records.h"
#include "table_files_private.h"

#define TOLD_MAX 20 /* of one kind; of a table with a wrong domain there would be thousands */

/* The tables written by hand, while they are looked at. */
struct tables {
	struct config_check *k;
	struct table_file files[TABLE_SYSTEM_USERS];
	bool has_database; /* whose rows are not known here */
	size_t told;
};

/* ---- each ---- */

/* Without table_file_load()'s words on stderr. */
static void
load(struct tables *t, enum table_kind kind)
{
	struct conf_findings *found = t->k->found;
	struct table_file *f = &t->files[kind];
	struct cli *cli = t->k->cli;

	*f = (struct table_file){ .kind = kind, .text = BUF_INIT, .table = TABLE_INIT };
	snprintf(f->path, sizeof(f->path), "%s/%s", cli_common(cli)->tables, table_kind_name(kind));
	snprintf(f->db_path, sizeof(f->db_path), "%s/directory/%s.db", cli_common(cli)->state,
		table_kind_name(kind));
	if (access(f->path, R_OK) != 0) {
		if (errno == EACCES)
			conf_find_at(found, CONF_NOTE, f->path, 0, "ask as root",
				"cannot be read by this user, so it was not looked at");
		return;
	}
	if (!table_file_read(f->path, false, &f->text))
		return;
	table_file_analyse(cli, f, buf_bytes(&f->text));
	for (size_t i = 0; i < f->table.nerrors && i < TABLE_ERRORS_MAX; i++)
		conf_find_at(found, CONF_ERROR, f->path, f->table.errors[i].line,
			"mend the line, then \"relais map\"", "%s", f->table.errors[i].text);
}

/* A text that is newer than what was made of it: the services have the older one. */
static void
look_at_age(struct tables *t, const struct table_file *f)
{
	struct stat text, db;

	if (stat(f->path, &text) != 0)
		return;
	if (stat(f->db_path, &db) != 0) {
		if (errno == ENOENT)
			conf_find_at(t->k->found, CONF_WARNING, f->path, 0, "run relais map",
				"is not compiled: nobody sees what it says");
	} else if (text.st_mtim.tv_sec > db.st_mtim.tv_sec) {
		conf_find_at(t->k->found, CONF_WARNING, f->path, 0, "run relais map",
			"is newer than what was compiled of it: nobody sees the change");
	}
}

/* ---- domains ---- */

static bool
is_in_option(const struct common_conf *common, struct bytes domain)
{
	for (size_t i = 0; i < common->domain.n; i++)
		if (bytes_equal_nocase(bytes_from_str(common->domain.v[i]), domain))
			return true;
	return false;
}

static bool
domain_class(const struct tables *t, struct bytes domain, enum domain_class *class)
{
	struct arena a = ARENA_INIT;
	struct domain_record d;
	struct bytes value;
	const char *why;
	bool known = true;

	if (table_file_find(&t->files[TABLE_DOMAINS], domain, &value) &&
		domain_record_parse(&a, value, &d, &why) == ERR_OK)
		*class = d.class;
	else if (table_files_is_local(t->k->cli, &t->files[TABLE_DOMAINS], domain))
		*class = DOMAIN_LOCAL;
	else
		known = false;
	arena_reset(&a);
	return known;
}

static void
look_for_domains(struct tables *t)
{
	const struct common_conf *common = cli_common(t->k->cli);
	struct arena a = ARENA_INIT;
	enum domain_class class;
	struct bytes name;

	if (common->domain.n == 0 && t->files[TABLE_DOMAINS].table.count == 0 && !t->has_database)
		conf_find(t->k->found, CONF_ERROR, "domain",
			"set domain, as domain = example.org, or \"relais domain add example.org\"",
			"there is no mail domain: nobody here can get mail");
	for (size_t i = 0; i < common->domain.n; i++)
		if (mail_domain_fold(&a, bytes_from_str(common->domain.v[i]), &name) == ERR_OK &&
			domain_class(t, name, &class) && class != DOMAIN_LOCAL)
			conf_find(t->k->found, CONF_WARNING, "domain", "write it in one place only",
				"%s is %s in %s, which counts", common->domain.v[i],
				class == DOMAIN_RELAY ? "relay" : "alias",
				t->files[TABLE_DOMAINS].path);
	if (mail_domain_fold(&a, bytes_from_str(common->hostname), &name) == ERR_OK &&
		domain_class(t, name, &class) && class == DOMAIN_RELAY)
		conf_find(t->k->found, CONF_ERROR, "hostname",
			"make it local in the table domains, or remove it there",
			"%s is relay in %s: its mail would be sent to this host, round in circles",
			common->hostname, t->files[TABLE_DOMAINS].path);
	arena_reset(&a);
}

/* ---- accounts and aliases ---- */

static void
unknown_domain(struct tables *t, const struct table_file *f, const struct table_entry *e,
	struct bytes domain)
{
	if (++t->told == TOLD_MAX)
		conf_find_at(t->k->found, CONF_NOTE, f->path, 0, "",
			"there are more such lines; they are not told");
	if (t->told >= TOLD_MAX)
		return;
	conf_find_at(t->k->found, CONF_ERROR, f->path, e->line,
		arena_printf(&t->k->found->arena, "\"relais domain add %.*s\", or remove the line",
			(int)domain.n, (const char *)domain.p),
		"%.*s: %.*s is no domain of ours, so no mail comes to it", (int)e->key.n,
		(const char *)e->key.p, (int)domain.n, (const char *)domain.p);
}

/* Keys in a domain that is not ours. */
static void
look_for_owners(struct tables *t, enum table_kind kind)
{
	const struct table_file *f = &t->files[kind];

	t->told = 0;
	for (size_t i = 0; i < f->table.count; i++) {
		const struct table_entry *e = &f->table.entries[i];
		size_t at = bytes_find_last(e->key, '@');
		enum domain_class class;

		if (at == BYTES_NOT_FOUND)
			continue;
		if (!domain_class(t, bytes_skip(e->key, at + 1), &class))
			unknown_domain(t, f, e, bytes_skip(e->key, at + 1));
		else if (class == DOMAIN_ALIAS && t->told < TOLD_MAX)
			conf_find_at(t->k->found, CONF_WARNING, f->path, e->line,
				"give it the domain that this one is an alias of",
				"%.*s is in a domain that is an alias: nobody ever looks for it",
				(int)e->key.n, (const char *)e->key.p);
	}
}

static bool
exists(const struct tables *t, struct arena *a, const struct mail_address *m)
{
	struct bytes value;
	struct bytes everywhere = mail_address_key(a, BYTES_NONE, m->domain);

	return table_file_find(&t->files[TABLE_ACCOUNTS], m->key, &value) ||
	       table_file_find(&t->files[TABLE_ALIASES], m->key, &value) ||
	       table_file_find(&t->files[TABLE_ALIASES], m->local, &value) ||
	       table_file_find(&t->files[TABLE_ALIASES], everywhere, &value);
}

/* Targets in a domain of ours that are nobody. */
static void
look_at_target(struct tables *t, const struct table_entry *e, struct bytes target)
{
	const struct directory_conf *directory = conf_values(&t->k->cli->conf, "directory");
	struct arena a = ARENA_INIT;
	struct mail_address m, whole;
	struct bytes base, detail, value;
	struct domain_record d;
	const char *why;
	bool has_system_users;

	if (mail_address_fold(&a, target, &m) < 0 || m.domain.n == 0 ||
		!table_files_is_local(t->k->cli, &t->files[TABLE_DOMAINS], m.domain)) {
		arena_reset(&a);
		return;
	}
	has_system_users = table_file_find(&t->files[TABLE_DOMAINS], m.domain, &value) &&
			   domain_record_parse(&a, value, &d, &why) == ERR_OK && d.system_users;
	whole = m;
	if (mail_address_detail(m.local, directory->recipient_delimiter, &base, &detail)) {
		whole.local = base;
		whole.key = mail_address_key(&a, base, m.domain);
	}
	if (!has_system_users && !exists(t, &a, &m) && !exists(t, &a, &whole) &&
		++t->told < TOLD_MAX)
		conf_find_at(t->k->found, CONF_WARNING, t->files[TABLE_ALIASES].path, e->line,
			"make the account, or remove the target",
			"%.*s: there is no %.*s: mail to it comes back", (int)e->key.n,
			(const char *)e->key.p, (int)m.key.n, (const char *)m.key.p);
	arena_reset(&a);
}

static void
look_at_targets(struct tables *t)
{
	const struct table *aliases = &t->files[TABLE_ALIASES].table;

	t->told = 0;
	for (size_t i = 0; i < aliases->count; i++) {
		struct bytes rest = aliases->entries[i].value, target;

		while (alias_next_target(&rest, &target) > 0)
			if (bytes_find(target, '@') != BYTES_NOT_FOUND)
				look_at_target(t, &aliases->entries[i], target);
	}
}

/* Reports of trouble, and RFC 5321 4.5.1, want somebody behind postmaster. */
static void
look_for_postmaster(struct tables *t)
{
	const struct directory_conf *directory = conf_values(&t->k->cli->conf, "directory");
	const struct common_conf *common = cli_common(t->k->cli);
	struct arena a = ARENA_INIT;
	struct bytes value, name;

	for (size_t i = 0; directory->postmaster[0] == 0 && directory->alias_file[0] == 0 &&
			   i < common->domain.n;
		i++) {
		struct mail_address m = { .local = BYTES_LITERAL("postmaster") };

		if (mail_domain_fold(&a, bytes_from_str(common->domain.v[i]), &name) < 0)
			continue;
		m.domain = name;
		m.key = mail_address_key(&a, m.local, m.domain);
		if (!exists(t, &a, &m) &&
			!table_file_find(&t->files[TABLE_ALIASES], m.local, &value))
			conf_find(t->k->found, CONF_WARNING, "directory.postmaster",
				"set it to an address that somebody reads",
				"mail to postmaster@%s is refused (RFC 5321 4.5.1)",
				common->domain.v[i]);
	}
	arena_reset(&a);
}

/* ---- DKIM keys ---- */

/* A file "SELECTOR._domainkey.DOMAIN" in the keeper's folder. */
static bool
has_key(DIR *keys, struct bytes domain)
{
	static const char middle[] = "._domainkey.";
	struct dirent *d;

	if (keys == NULL)
		return false;
	rewinddir(keys);
	while ((d = readdir(keys)) != NULL) {
		const char *at = strstr(d->d_name, middle);

		if (at != NULL && bytes_equal_nocase(domain, bytes_from_str(at + strlen(middle))))
			return true;
	}
	return false;
}

/* Nobody sends to others from a name of one part, or from localhost. */
static bool
is_for_others(struct bytes domain)
{
	static const char local[] = ".localhost";
	const size_t n = strlen(local);

	if (domain.n > n && bytes_is_nocase(bytes_skip(domain, domain.n - n), local))
		return false;
	return bytes_find(domain, '.') != BYTES_NOT_FOUND &&
	       !bytes_starts_with_nocase(domain, BYTES_LITERAL("localhost."));
}

static void
look_for_key(struct tables *t, DIR *keys, const char *file, unsigned line, struct bytes domain)
{
	if (!is_for_others(domain) || has_key(keys, domain) || ++t->told >= TOLD_MAX)
		return;
	conf_find_at(t->k->found, CONF_WARNING, file, line,
		arena_printf(&t->k->found->arena, "make one: relais dkim new %.*s", (int)domain.n,
			(const char *)domain.p),
		"%.*s has no DKIM key: what it sends is not signed, and large providers refuse it",
		(int)domain.n, (const char *)domain.p);
}

static void
look_for_keys(struct tables *t)
{
	const struct mailauth_conf *mailauth = conf_values(&t->k->cli->conf, "mailauth");
	const struct common_conf *common = cli_common(t->k->cli);
	const struct table_file *f = &t->files[TABLE_DOMAINS];
	struct conf_option o = { 0 };
	char path[1200];
	DIR *keys;

	snprintf(path, sizeof(path), "%s/dkim", common->state);
	keys = opendir(path);
	if (!mailauth->sign || (keys == NULL && errno == EACCES)) {
		if (keys != NULL)
			closedir(keys);
		return;
	}
	t->told = 0;
	ASSERT(conf_option_named(&t->k->cli->conf, "domain", &o));
	for (size_t i = 0; i < common->domain.n; i++)
		look_for_key(t, keys, o.origin->file, o.origin->line,
			bytes_from_str(common->domain.v[i]));
	for (size_t i = 0; i < f->table.count; i++) {
		const struct table_entry *e = &f->table.entries[i];
		enum domain_class class;

		if (domain_class(t, e->key, &class) && class == DOMAIN_LOCAL &&
			!is_in_option(common, e->key))
			look_for_key(t, keys, f->path, e->line, e->key);
	}
	if (keys != NULL)
		closedir(keys);
}

/* ---- addresses and domains in options ---- */

/* Mail to it must come here. */
static void
look_at_option(struct tables *t, const char *option, struct bytes domain, const char *why)
{
	struct arena a = ARENA_INIT;
	enum domain_class class;
	struct bytes folded;

	if (domain.n > 0 && !t->has_database && mail_domain_fold(&a, domain, &folded) == ERR_OK &&
		!domain_class(t, folded, &class))
		conf_find(t->k->found, CONF_WARNING, option,
			"name a domain of ours, or leave it empty", "%.*s is no domain of ours: %s",
			(int)domain.n, (const char *)domain.p, why);
	arena_reset(&a);
}

static void
look_at_options(struct tables *t)
{
	const struct directory_conf *directory = conf_values(&t->k->cli->conf, "directory");
	const struct mailauth_conf *mailauth = conf_values(&t->k->cli->conf, "mailauth");
	struct bytes from = bytes_from_str(mailauth->report_from);

	if (directory->srs)
		look_at_option(t, "directory.srs_domain", bytes_from_str(directory->srs_domain),
			"what comes back for forwarded mail is refused");
	if (mailauth->dmarc_reports && bytes_find_last(from, '@') != BYTES_NOT_FOUND)
		look_at_option(t, "mailauth.report_from",
			bytes_skip(from, bytes_find_last(from, '@') + 1),
			"its reports are not signed, and others drop them");
}

/* ---- the system's aliases ---- */

static void
find_system_aliases(struct config_check *k)
{
	const struct directory_conf *directory = conf_values(&k->cli->conf, "directory");
	struct table_file f;

	if (directory->alias_file[0] == 0 || access(directory->alias_file, R_OK) != 0)
		return; /* told already */
	if (system_tables_parse_aliases(k->cli, &f))
		for (size_t i = 0; i < f.table.nerrors && i < TABLE_ERRORS_MAX; i++)
			conf_find_at(k->found, CONF_ERROR, f.path, f.table.errors[i].line,
				"mend the line, then \"newaliases\"", "%s", f.table.errors[i].text);
	table_file_free(&f);
}

/* ---- the smarthost's login ---- */

static bool
has_login(const struct tables *t, struct bytes host, uint16_t port)
{
	const struct table *logins = &t->files[TABLE_RELAY_CREDENTIALS].table;
	struct arena a = ARENA_INIT;
	struct bytes value;
	bool yes = table_file_find(&t->files[TABLE_RELAY_CREDENTIALS],
			   route_host_key(&a, host, port), &value) ||
		   table_file_find(
			   &t->files[TABLE_RELAY_CREDENTIALS], route_host_key(&a, host, 0), &value);

	for (size_t i = 0; i < logins->count && !yes;
		i++) /* logins by sender are for relays, too */
		yes = bytes_find(logins->entries[i].key, '@') != BYTES_NOT_FOUND;
	arena_reset(&a);
	return yes;
}

static void
look_for_login(struct tables *t)
{
	const char *smarthost = cli_common(t->k->cli)->smarthost;
	struct next_hop h = { 0 };
	const char *why;

	if (smarthost[0] == 0 ||
		(access(t->files[TABLE_RELAY_CREDENTIALS].path, R_OK) != 0 && errno == EACCES))
		return;
	if (next_hop_parse(bytes_from_str(smarthost), &h, &why) < 0 || h.is_error)
		return;
	for (unsigned i = 0; i < h.count; i++) {
		const struct next_hop_alternative *n = &h.alternatives[i];
		const bool is_submission = n->port == 587 || n->protocol == NEXT_HOP_SMTPS;

		if (is_submission && n->kind != NEXT_HOP_UNIX && !has_login(t, n->host, n->port))
			conf_find(t->k->found, CONF_WARNING, "smarthost",
				"add it: relais credentials add HOST:PORT LOGIN",
				"%.*s is asked at a port for users, and there is no login for it",
				(int)n->host.n, (const char *)n->host.p);
	}
}

static void
find_tables(struct config_check *k)
{
	const struct directory_conf *directory = conf_values(&k->cli->conf, "directory");
	struct tables t = { .k = k, .has_database = directory->postgresql[0] != 0 };

	for (int kind = 0; kind < TABLE_SYSTEM_USERS; kind++)
		load(&t, (enum table_kind)kind);
	for (int kind = 0; kind < TABLE_SYSTEM_USERS; kind++)
		look_at_age(&t, &t.files[kind]);
	look_for_domains(&t);
	if (!t.has_database) {
		look_for_owners(&t, TABLE_ACCOUNTS);
		look_for_owners(&t, TABLE_ALIASES);
		if (access(t.files[TABLE_ACCOUNTS].path, R_OK) == 0) {
			look_at_targets(&t);
			look_for_postmaster(&t);
		}
	}
	look_for_login(&t);
	look_for_keys(&t);
	look_at_options(&t);
	for (int kind = 0; kind < TABLE_SYSTEM_USERS; kind++)
		table_file_free(&t.files[kind]);
}

const struct config_check_row config_check_tables[] = {
	{ "tables", find_tables, false,
		"tables can be compiled, and fit to each other and to the options" },
	{ "system-aliases", find_system_aliases, false, "the system's aliases can be compiled" },
	{ NULL, NULL, false, NULL },
};
