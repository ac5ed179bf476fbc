/* SPDX-License-Identifier: ISC */
/*
 * cli/table_files.h - the text tables and their compiled forms, as the commands edit them.
 *
 * A change is: lock the folder, read, edit in memory, check the whole new text, write it as a
 * new file, compile. A text with an error is never written, a table with an error never
 * compiled. Runs in: relais, as root or whoever owns the folders.
 */
#ifndef RELAIS_TABLE_FILES_H
#define RELAIS_TABLE_FILES_H

#include "cli.h"
#include "records.h"

/* One table in memory. */
struct table_file {
	enum table_kind kind;
	char path[1200], db_path[1200];
	struct buf text;
	struct table table; /* parsed, checked, sorted */
};

/* Read and check one text table (none there: empty). false after printing every error as
 * "file:line: text". Free it either way. */
bool table_file_load(struct cli *cli, enum table_kind kind, struct table_file *f);
void table_file_free(struct table_file *f);

/* The value of a folded key. */
bool table_file_find(const struct table_file *f, struct bytes key, struct bytes *value);

/* Hold the tables against other commands until the process ends. */
bool table_files_lock(struct cli *cli);

/* Put new text in the place of the old: check, write, compile. false after printing why. */
bool table_file_store(struct cli *cli, struct table_file *f, struct bytes text);

/* Set (value not NULL) or remove the entry of a folded key, then as table_file_store(). A new
 * entry's key is put down as written. */
bool table_file_edit(struct cli *cli, struct table_file *f, struct bytes key, struct bytes written,
	const struct bytes *value);

/* Check all tables, each and against each other; then compile them, and the system's users. */
bool table_files_check(struct cli *cli);
bool table_files_build(struct cli *cli, bool quiet);

/* One text table alone; its cross checks with others are left out. */
bool table_files_build_one(struct cli *cli, enum table_kind kind);

/* What newaliases does: only directory.alias_file. Errors are printed, the old table stays. */
bool table_files_build_aliases(struct cli *cli, bool quiet);

/* Is it a domain whose accounts are here? By the configuration or the domains table. */
bool table_files_is_local(struct cli *cli, const struct table_file *domains, struct bytes domain);

/* quota.c: tell the ledger, if the suite runs, that an account is gone. Failing is no error: a
 * record too many harms nobody. */
void quota_forget(struct cli *cli, struct bytes account);

/* route_table.c: a login at a relay, as "relais credentials add". false after printing why. */
bool credentials_add(struct cli *cli, const char *key, const char *login, struct bytes password);

#endif
