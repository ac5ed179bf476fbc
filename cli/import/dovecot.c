/* SPDX-License-Identifier: ISC */
/*
 * cli/import/dovecot.c - Dovecot's configuration: each setting has a row; blocks passdb and userdb
 * say where accounts are.
 */
#include <stdlib.h>
#include <string.h>

#include "dovecot_conf.h"
#include "err.h"
#include "import.h"

#define FILES_MAX 100 /* that include each other, perhaps in a ring */

struct dovecot {
	struct import *im;
	struct dovecot_conf conf;
	unsigned files;
};

struct dovecot_row;
typedef void dovecot_take(struct dovecot *d, const struct dovecot_row *row,
	const struct import_place *place, struct bytes value);

struct dovecot_row {
	const char *block, *name; /* name "*": all of the block */
	dovecot_take *take;
	const char *section, *option;
	const char *words;
};

static void
take_option(struct dovecot *d, const struct dovecot_row *row, const struct import_place *place,
	struct bytes value)
{
	import_set(d->im, place, row->section, row->option, value);
}

/* "</etc/ssl/cert.pem": the file's content there, its name here. */
static void
take_file(struct dovecot *d, const struct dovecot_row *row, const struct import_place *place,
	struct bytes value)
{
	const struct import_place *other = import_is_set(d->im, row->section, row->option);

	if (other != NULL && strcmp(other->file, place->file) != 0)
		import_tell(d->im, place, IMPORT_NEEDLESS,
			"%s of %s is taken for all doors; further certificates lie in folders "
			"named by "
			"tls.certificates",
			other->what, other->file);
	else if (value.n > 1 && value.p[0] == '<')
		import_set(
			d->im, place, row->section, row->option, bytes_trim(bytes_skip(value, 1)));
	else
		import_tell(d->im, place, IMPORT_BY_HAND, "%s.%s names a file", row->section,
			row->option);
}

static void
needless(struct dovecot *d, const struct dovecot_row *row, const struct import_place *place,
	struct bytes value)
{
	UNUSED(value);
	import_tell(d->im, place, IMPORT_NEEDLESS, "%s", row->words);
}

static void
by_hand(struct dovecot *d, const struct dovecot_row *row, const struct import_place *place,
	struct bytes value)
{
	if (value.n == 0)
		import_tell(d->im, place, IMPORT_NEEDLESS, "empty");
	else
		import_tell(d->im, place, IMPORT_BY_HAND, "%s", row->words);
}

static void
take_plaintext(struct dovecot *d, const struct dovecot_row *row, const struct import_place *place,
	struct bytes value)
{
	UNUSED(row);
	import_only_tls(d->im, place, bytes_is(value, "yes"));
}

/* "maildir:/var/vmail/%d/%n:INBOX=...": the folder of all mailboxes, and how they lie in it. */
static void
take_location(struct dovecot *d, const struct dovecot_row *row, const struct import_place *place,
	struct bytes value)
{
	struct bytes type = bytes_cut(&value, ':'), path = bytes_cut(&value, ':');
	struct import *im = d->im;

	UNUSED(row);
	if (!bytes_is(type, "maildir") || path.n == 0) {
		import_tell(im, place, IMPORT_BY_HAND,
			"%.*s: mailboxes are Maildirs here; bring the mail over by IMAP or doveadm "
			"sync",
			(int)type.n, (const char *)type.p);
		return;
	}
	if (value.n > 0)
		import_tell(im, place, IMPORT_BY_HAND,
			"%.*s: indexes and control files lie in the Maildir itself", (int)value.n,
			(const char *)value.p);
	im->location = arena_bytes(&im->arena, path);
	if (!import_mail_root(im, place, path))
		import_tell(im, place, IMPORT_TAKEN, "accounts get home= where theirs differs");
}

static void
take_uid(struct dovecot *d, const struct dovecot_row *row, const struct import_place *place,
	struct bytes value)
{
	UNUSED(row);
	import_mail_user(d->im, place, value);
}

/* "*:storage=1G" for all */
static void
take_quota(struct dovecot *d, const struct dovecot_row *row, const struct import_place *place,
	struct bytes value)
{
	struct bytes root = bytes_cut(&value, ':'), name = bytes_cut(&value, '=');

	UNUSED(row);
	if (bytes_is(root, "*") && bytes_is_nocase(name, "storage") &&
		bytes_find(value, ':') == BYTES_NOT_FOUND)
		import_set(d->im, place, "directory", "default_quota", value);
	else
		import_tell(d->im, place, IMPORT_BY_HAND,
			"directory.default_quota is for the whole mailbox");
}

/* passdb and userdb are taken together, as blocks. */
static void
block_setting(struct dovecot *d, const struct dovecot_row *row, const struct import_place *place,
	struct bytes value)
{
	UNUSED(d);
	UNUSED(row);
	UNUSED(place);
	UNUSED(value);
}

static const struct dovecot_row rows[] = {
	{ "passdb", "*", block_setting, NULL, NULL, NULL },
	{ "userdb", "*", block_setting, NULL, NULL, NULL },
	{ "namespace", "*", needless, NULL, NULL,
		"one personal namespace, as Maildir++ has it; separator \".\"" },
	{ "mailbox", "*", needless, NULL, NULL, "special-use folders are made when needed" },
	{ "service", "*", needless, NULL, NULL, "processes are the suite's own matter" },
	{ "unix_listener", "*", needless, NULL, NULL, "processes are the suite's own matter" },
	{ "fifo_listener", "*", needless, NULL, NULL, "processes are the suite's own matter" },
	{ "inet_listener", "port", by_hand, NULL, NULL,
		"imapd and pop3d have listen and listen_tls" },
	{ "inet_listener", "*", needless, NULL, NULL,
		"imapd and pop3d have listen and listen_tls" },
	{ "plugin", "quota_rule", take_quota, NULL, NULL, NULL },
	{ "plugin", "quota", needless, NULL, NULL, "quotas are counted by ledger" },
	{ "plugin", "quota*", by_hand, NULL, NULL, "see relais.conf(5): quota, local_delivery" },
	{ "plugin", "sieve*", by_hand, NULL, NULL, "there are no Sieve scripts here" },
	{ "plugin", "*", by_hand, NULL, NULL, "no plugins" },
	{ "", "mail_location", take_location, NULL, NULL, NULL },
	{ "", "mail_uid", take_uid, "", "mail_user", NULL },
	{ "", "mail_gid", needless, NULL, NULL, "the group of mail_user" },
	{ "", "mail_privileged_group", needless, NULL, NULL, "no mbox files are locked" },
	{ "", "ssl_cert", take_file, "tls", "certificate", NULL },
	{ "", "ssl_key", take_file, "tls", "key", NULL },
	{ "", "ssl", needless, NULL, NULL, "TLS is always offered" },
	{ "", "ssl_*", needless, NULL, NULL, "TLS 1.2 and 1.3 with good ciphers" },
	{ "", "disable_plaintext_auth", take_plaintext, NULL, NULL, NULL },
	{ "", "auth_mechanisms", needless, NULL, NULL, "PLAIN, LOGIN, SCRAM-SHA-256" },
	{ "", "auth_*", needless, NULL, NULL, "the address is the login's name" },
	{ "", "mail_max_userip_connections", take_option, "imapd", "sessions_per_account", NULL },
	{ "protocol", "mail_max_userip_connections", take_option, "imapd", "sessions_per_account",
		NULL },
	{ "protocol", "mail_plugins", by_hand, NULL, NULL, "no plugins; quota is there" },
	{ "protocol", "*", needless, NULL, NULL, "the doors' options are in relais.conf(5)" },
	{ "", "mail_plugins", by_hand, NULL, NULL, "no plugins; quota is there" },
	{ "", "protocols", needless, NULL, NULL,
		"IMAP and POP3 run; an empty listen shuts a door; LMTP is not needed" },
	{ "", "listen", by_hand, NULL, NULL, "imapd.listen, imapd.listen_tls, pop3d.listen ..." },
	{ "", "log_*", needless, NULL, NULL, "the option log" },
	{ "", "info_log_path", needless, NULL, NULL, "the option log" },
	{ "", "postmaster_address", take_option, "directory", "postmaster", NULL },
	{ "", "recipient_delimiter", take_option, "directory", "recipient_delimiter", NULL },
	{ "", "lda_*", needless, NULL, NULL, "detail_folder of local_delivery" },
	{ "", "lmtp_*", needless, NULL, NULL, "no LMTP is needed" },
	{ "", "hostname", needless, NULL, NULL, "the option hostname" },
	{ "", "mail_debug", needless, NULL, NULL, "log_level = debug" },
	{ "", "mail_*", needless, NULL, NULL, "how Maildirs are kept is the suite's own matter" },
	{ "", "maildir_*", needless, NULL, NULL,
		"how Maildirs are kept is the suite's own matter" },
	{ "", "first_valid_*", needless, NULL, NULL, "directory.system_uid_first" },
	{ "", "last_valid_*", needless, NULL, NULL, "directory.system_uid_last" },
	{ "", "login_*", needless, NULL, NULL, "the greeting is fixed" },
	{ "", "dict*", needless, NULL, NULL, "quotas are counted by ledger" },
};

static bool
matches(const char *pattern, const char *name)
{
	size_t n = strlen(pattern);

	return pattern[n - 1] == '*' ? strncmp(pattern, name, n - 1) == 0
				     : strcmp(pattern, name) == 0;
}

static void
take_setting(struct dovecot *d, const struct dovecot_setting *s)
{
	const struct import_place place = { s->file, s->line, s->name };

	for (size_t i = 0; i < NITEMS(rows); i++) {
		if (strcmp(rows[i].block, s->block) != 0 || !matches(rows[i].name, s->name))
			continue;
		rows[i].take(d, &rows[i], &place, s->value);
		return;
	}
	import_tell(d->im, &place, IMPORT_BY_HAND, "not known to this command");
}

/* ---- passdb, userdb ---- */

/* What the block of the i'th setting says; its settings stand together. */
static struct bytes
in_block(const struct dovecot *d, size_t i, const char *name)
{
	const struct dovecot_setting *all = d->conf.settings;
	unsigned number = all[i].number;

	while (i > 0 && all[i - 1].number == number)
		i--;
	for (; i < d->conf.count && all[i].number == number; i++)
		if (strcmp(all[i].name, name) == 0)
			return all[i].value;
	return BYTES_NONE;
}

/* "scheme=CRYPT username_format=%u /etc/dovecot/users" */
static void
take_passwd_file(struct dovecot *d, const struct import_place *place, struct bytes args)
{
	struct bytes word, text, scheme = BYTES_LITERAL("CRYPT");
	const char *path = NULL;

	while (import_word(&args, &word)) {
		if (word.p[0] == '/')
			path = arena_str(&d->im->arena, word);
		else if (bytes_starts_with(word, BYTES_LITERAL("scheme=")))
			scheme = bytes_skip(word, strlen("scheme="));
	}
	if (path == NULL || strchr(path, '%') != NULL)
		import_tell(d->im, place, IMPORT_BY_HAND,
			"name the files one by one: relais import-config --passwd-file FILE");
	else if (import_read(d->im, place, path, &text))
		import_passwd_file(d->im, path, text, arena_bytes(&d->im->arena, scheme));
}

/* "session=yes dovecot": the last word, if it is a name; "%s" and "*" are the protocol's there. */
static void
take_pam(struct dovecot *d, const struct import_place *place, struct bytes args)
{
	struct bytes word, service = BYTES_LITERAL("dovecot");

	while (import_word(&args, &word))
		if (bytes_find(word, '=') == BYTES_NOT_FOUND &&
			bytes_find(word, '%') == BYTES_NOT_FOUND && !bytes_is(word, "*"))
			service = word;
	import_set(d->im, place, "directory", "pam_service", service);
}

/* Blocks whose users are none who may log in as themselves. */
static const struct {
	const char *name, *words;
} other_users[] = {
	{ "deny", "these users may not log in: relais user lock ADDRESS..." },
	{ "master", "nobody logs in as others here; the mailboxes' owner is mail_user" },
};

static void
take_passdb(struct dovecot *d, const struct import_place *place, size_t i)
{
	struct bytes driver = in_block(d, i, "driver"), args = in_block(d, i, "args");

	for (size_t k = 0; k < NITEMS(other_users); k++)
		if (bytes_is(in_block(d, i, other_users[k].name), "yes")) {
			import_tell(d->im, place, IMPORT_BY_HAND, "%s: %s", other_users[k].name,
				other_users[k].words);
			return;
		}
	if (bytes_is(driver, "passwd-file"))
		take_passwd_file(d, place, args);
	else if (bytes_is(driver, "pam"))
		take_pam(d, place, args);
	else
		import_tell(d->im, place, IMPORT_BY_HAND,
			"driver %.*s: accounts come from the table accounts, PostgreSQL "
			"(directory.postgresql) or PAM",
			(int)driver.n, (const char *)driver.p);
}

/* Is there a passdb that reads the same file? */
static bool
is_passdb_file(const struct dovecot *d, struct bytes args)
{
	for (size_t i = 0; i < d->conf.count; i++) {
		const struct dovecot_setting *s = &d->conf.settings[i];

		if (strcmp(s->block, "passdb") == 0 && strcmp(s->name, "driver") == 0 &&
			bytes_is(s->value, "passwd-file") &&
			bytes_equal(in_block(d, i, "args"), args))
			return true;
	}
	return false;
}

static void
take_userdb(struct dovecot *d, const struct import_place *place, size_t i)
{
	struct bytes driver = in_block(d, i, "driver"), args = in_block(d, i, "args");

	if (bytes_is(driver, "passwd-file") && is_passdb_file(d, args))
		import_tell(d->im, place, IMPORT_NEEDLESS, "the file of passdb");
	else if (bytes_is(driver, "passwd-file"))
		take_passwd_file(d, place, args);
	else if (bytes_is(driver, "passwd"))
		import_tell(d->im, place, IMPORT_NEEDLESS,
			"the system's users are those of domains with \"system-users\"");
	else if (!bytes_is(driver, "static"))
		import_tell(d->im, place, IMPORT_BY_HAND,
			"driver %.*s: home, uid, gid and quota are options of an account",
			(int)driver.n, (const char *)driver.p);
}

/* "uid=vmail gid=vmail home=/var/vmail/%d/%n": all users alike */
static void
take_static(struct dovecot *d, const struct import_place *place, struct bytes args)
{
	struct import *im = d->im;
	struct bytes word;

	while (import_word(&args, &word)) {
		struct bytes value = word, name = bytes_cut(&value, '=');

		if (bytes_is(name, "uid")) {
			import_mail_user(im, place, value);
		} else if (bytes_is(name, "home")) {
			im->home = arena_bytes(&im->arena, value);
			if (im->location.n > 0 && im->location.p[0] == '~')
				(void)import_mail_root(im, place, value);
		} else if (!bytes_is(name, "gid") && !bytes_is(name, "allow_all_users")) {
			import_tell(im, place, IMPORT_BY_HAND, "%.*s: no option for all accounts",
				(int)word.n, (const char *)word.p);
		}
	}
}

/* After all other settings: mail_location says where homes are; and what holds for all users
 * before the users. */
static void
take_blocks(struct dovecot *d)
{
	for (size_t i = 0; i < d->conf.count; i++) {
		const struct dovecot_setting *s = &d->conf.settings[i];
		const struct import_place place = { s->file, s->line, s->block };

		if (strcmp(s->block, "userdb") == 0 && strcmp(s->name, "driver") == 0 &&
			bytes_is(s->value, "static"))
			take_static(d, &place, in_block(d, i, "args"));
	}
	for (size_t i = 0; i < d->conf.count; i++) {
		const struct dovecot_setting *s = &d->conf.settings[i];
		const struct import_place place = { s->file, s->line, s->block };

		if (strcmp(s->name, "driver") != 0)
			continue;
		if (strcmp(s->block, "passdb") == 0)
			take_passdb(d, &place, i);
		else if (strcmp(s->block, "userdb") == 0)
			take_userdb(d, &place, i);
	}
}

/* ---- files ---- */

static void read_file(struct dovecot *d, const char *path, struct bytes text);

/* Patterns are beside the file that names them. */
static void
include(struct dovecot *d, const struct dovecot_setting *s)
{
	const struct import_place place = { s->file, s->line, s->name };
	struct import *im = d->im;
	const char *slash = strrchr(s->file, '/');
	const char *pattern = arena_str(&im->arena, s->value);
	struct conf_list files;
	struct bytes text;

	if (pattern[0] != '/' && slash != NULL)
		pattern = arena_printf(
			&im->arena, "%.*s/%s", (int)(slash - s->file), s->file, pattern);
	files = im->files->glob(im->files->arg, &im->arena, pattern);
	if (files.n == 0 && strcmp(s->name, "!include") == 0 && strpbrk(pattern, "*?[") == NULL)
		import_tell(im, &place, IMPORT_FAILED, "%s is not there", pattern);
	for (size_t i = 0; i < files.n; i++) {
		if (d->files > FILES_MAX)
			return; /* told once */
		if (d->files++ == FILES_MAX)
			import_tell(im, &place, IMPORT_FAILED, "more than %d files", FILES_MAX);
		else if (import_read(im, &place, files.v[i], &text))
			read_file(d, files.v[i], text);
	}
}

static void
read_file(struct dovecot *d, const char *path, struct bytes text)
{
	size_t first = d->conf.count, end;

	dovecot_conf_parse(&d->conf, path, text);
	end = d->conf.count;
	for (size_t i = first; i < end; i++) {
		struct dovecot_setting s = d->conf.settings[i]; /* the array may move */

		if (strncmp(s.name, "!include", strlen("!include")) == 0)
			include(d, &s);
	}
}

void
import_dovecot(struct import *im, const char *path, struct bytes text)
{
	struct dovecot d = { .im = im, .conf = { .arena = &im->arena } };

	im->dovecot_read = true;
	read_file(&d, path, text);
	for (size_t i = 0; i < d.conf.count; i++)
		if (d.conf.settings[i].name[0] != '!')
			take_setting(&d, &d.conf.settings[i]);
	take_blocks(&d);
	dovecot_conf_free(&d.conf);
}
