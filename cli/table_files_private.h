/* SPDX-License-Identifier: ISC */
/*
 * cli/table_files_private.h - what the files of the tables share.
 *
 *	table_files.c	the operator's text tables: read, checked, edited, compiled
 *	system_tables.c	those that are made of the system's users and aliases
 */
#ifndef RELAIS_TABLE_FILES_PRIVATE_H
#define RELAIS_TABLE_FILES_PRIVATE_H

#include "table_files.h"

/* ---- table_files.c: false after printing why ---- */
bool table_file_read(const char *path, bool secret, struct buf *text); /* not there: empty */
void table_file_analyse(struct cli *cli, struct table_file *f, struct bytes text);
bool table_file_report(const struct table_file *f); /* prints the errors; false: there are some */
bool table_file_compile(struct cli *cli, const struct table_file *f);

/* ---- system_tables.c ---- */
/* Empty unless a domain has them. */
bool system_tables_users(struct cli *cli, const struct table_file *domains);
/* Read and check; a file that is not there is empty. Free it either way. */
bool system_tables_aliases(struct cli *cli, struct table_file *f);
bool system_tables_parse_aliases(struct cli *cli, struct table_file *f); /* its errors untold */

#endif
