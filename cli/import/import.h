/* SPDX-License-Identifier: ISC */
/*
 * cli/import/import.h - Postfix' and Dovecot's configuration, read and written as ours.
 *
 * Pure but for the callbacks that read files: settings in; options, tables and findings out. A
 * finding tells for one line of the old configuration what became of it. What is put into tables
 * was checked by the same functions that check a table a person wrote, so it compiles.
 *
 *	import_postfix()	main.cf, and the maps that it names
 *	import_dovecot()	dovecot.conf with what it includes, and the passwd-files it names
 *	import_passwd_file()	one passwd-file
 *	import_finish()		accounts merged, repeated keys told, findings in order
 *
 * Runs in:  the operator's command. Trusts: nothing in the files; sizes are the reader's matter.
 */
#ifndef RELAIS_IMPORT_H
#define RELAIS_IMPORT_H

#include <sys/queue.h>

#include "buf.h"
#include "conf.h"
#include "records.h"

/* Who the one is that a finding speaks of. */
struct import_place {
	const char *file;
	unsigned line;
	const char *what; /* the setting's name, the map line's key */
};

enum import_verdict {
	IMPORT_TAKEN,    /* it is in what is written */
	IMPORT_NEEDLESS, /* nothing to write: it is so here anyway, or has no meaning here */
	IMPORT_BY_HAND,  /* not translated: words say what to do */
	IMPORT_FAILED,   /* a file that could not be read */
	IMPORT_VERDICTS
};

struct import_finding {
	struct import_place place;
	enum import_verdict verdict;
	const char *words;
	size_t number; /* in order of finding */
};

struct import_entry {
	struct import_place place;
	struct bytes key, written, value; /* key: folded */
	bool repeated;
};

struct import_table {
	struct import_entry *entries;
	size_t count, cap;
};

/* An option that was set, and by what. */
struct import_option {
	STAILQ_ENTRY(import_option) link;
	const struct conf_section *section;
	const struct opt_row *row;
	struct import_place place;
};

struct import_account; /* accounts.c */

/* How files are reached. ERR_OK or an error (enum err); text and names live in the arena. */
struct import_files {
	int (*read)(void *arg, struct arena *a, const char *path, struct bytes *text);
	/* the files that a pattern of the shell's means, in order; none is no error */
	struct conf_list (*glob)(void *arg, struct arena *a, const char *pattern);
	void *arg;
};

struct import {
	struct arena arena;
	const struct import_files *files;
	struct conf conf; /* the values that were set, checked by their rows */
	STAILQ_HEAD(, import_option) options;
	struct import_table tables[TABLE_SYSTEM_USERS];
	struct import_finding *findings;
	size_t nfindings, findings_cap;
	struct import_account *accounts;
	size_t naccounts, accounts_cap;
	/* what several parts must know */
	struct bytes origin; /* Postfix' myorigin: the domain of names without one */
	struct bytes
		mail_root;     /* folder of the mailboxes, without "/" at its end; empty: unknown */
	struct bytes location; /* Dovecot's mail_location below it, with %d, %n, %u, %h */
	struct bytes home;     /* of all its users alike, with the same; empty: each has its own */
	bool dovecot_read;
};

void import_init(struct import *im, const struct import_files *files);
void import_free(struct import *im);

void import_postfix(struct import *im, const char *main_cf, struct bytes text);
void import_dovecot(struct import *im, const char *path, struct bytes text);
/* scheme: of passwords that name none, as "CRYPT". */
void import_passwd_file(
	struct import *im, const char *path, struct bytes text, struct bytes scheme);
void import_finish(struct import *im);

/* What is to be written; a table without entries is empty text. */
void import_write_conf(struct import *im, struct buf *out);
void import_write_table(const struct import *im, enum table_kind kind, struct buf *out);

/* "taken", "needless", "by hand", "failed" */
const char *import_verdict_name(enum import_verdict v);

/* ---- among the parts ---- */

void import_tell(struct import *im, const struct import_place *place, enum import_verdict v,
	const char *format, ...) PRINTF_LIKE(4, 5);

/* Set an option; told as taken, or as by hand with the reason why it cannot be. */
bool import_set(struct import *im, const struct import_place *place, const char *section,
	const char *option, struct bytes value);
/* The same without a word. */
bool import_set_quietly(struct import *im, const struct import_place *place, const char *section,
	const char *option, struct bytes value, const char **why);

/* What set it; NULL: nothing yet. */
const struct import_place *import_is_set(
	const struct import *im, const char *section, const char *option);

/* Put a line into a table if it is right there; false after telling why not. */
bool import_put(struct import *im, const struct import_place *place, enum table_kind kind,
	struct bytes key, struct bytes value);
/* Is there a line with this key? Linear; for keys that are few. */
bool import_has(const struct import *im, enum table_kind kind, struct bytes key);

/* Read a file; false after telling that it failed. */
bool import_read(
	struct import *im, const struct import_place *place, const char *path, struct bytes *text);

/* Passwords go over TLS only, or not. */
void import_only_tls(struct import *im, const struct import_place *place, bool yes);

/* mail_user by a name or a number. */
void import_mail_user(struct import *im, const struct import_place *place, struct bytes user);

/* What is in front of the first variable, "/var/vmail" of "/var/vmail/%d/%n", is where all mail
 * is. false: nothing is. */
bool import_mail_root(struct import *im, const struct import_place *place, struct bytes path);

/* The next word of a list parted by blanks and commas; false at the end. */
bool import_word(struct bytes *rest, struct bytes *word);

/* accounts.c: what is known of an account, from one place; empty: not known. */
struct import_account {
	struct import_place place;
	struct bytes address; /* folded */
	struct bytes password;
	struct bytes maildir; /* an absolute path */
	struct bytes options; /* further words of its line, as " quota=1G" */
	bool told;            /* why it has no password */
	size_t number;
};

void import_account(struct import *im, const struct import_account *account);
void import_accounts_finish(struct import *im);

#endif
