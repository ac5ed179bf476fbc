/* SPDX-License-Identifier: ISC */
/*
 * cli/account_edit.h - one account's line, taken out of the table, changed and put back.
 *
 *	if (account_edit_open(cli, &e, "joe@example.org")) {
 *		... e.old to e.line ...
 *		ok = account_edit_store(cli, &e);
 *	}
 *	account_edit_close(&e);
 */
#ifndef RELAIS_ACCOUNT_EDIT_H
#define RELAIS_ACCOUNT_EDIT_H

#include "scram_record.h"
#include "table_files.h"

struct account_edit {
	struct table_file accounts;
	struct arena arena;
	struct mail_address address;
	struct bytes old; /* borrowed from the table */
	struct buf line;  /* the new one, empty at first */
};

/* Lock, read, find. false after printing why; close it either way. */
bool account_edit_open(struct cli *cli, struct account_edit *e, const char *address);
/* The same without the lock, for those who only read. */
bool account_read_open(struct cli *cli, struct account_edit *e, const char *address);
bool account_edit_store(struct cli *cli, struct account_edit *e);
void account_edit_close(struct account_edit *e);

/* The next word of a line; empty at the end. */
struct bytes account_edit_word(struct bytes *rest);
/* Put a word at the end of the new line. */
void account_edit_put(struct account_edit *e, struct bytes word);

/* Salt and count that the line's SCRAM records have (apps_only: those of app passwords), or new
 * ones; hash is SHA-256. All of an account have the same: so SCRAM can tell from the proof which
 * password it was. */
void account_scram_like(
	struct cli *cli, struct bytes line, bool apps_only, struct scram_record *out);

/* user.c: make an account and its mailbox, as "relais user add" does. false after printing why. */
bool user_add(struct cli *cli, const char *address, struct bytes password);

#endif
