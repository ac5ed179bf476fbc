/* SPDX-License-Identifier: ISC */
/*
 * cli/config_check.h - relais config check: what is wrong on this machine.
 *
 *	config_check.c		the command: all rows, and how findings are told
 *	config_check_files.c	users, folders, file systems, secrets that others can read
 *	config_check_tables.c	domains, accounts, aliases and routes against each other
 *	config_check_tls.c	certificates and keys, DKIM keys
 *	config_check_machine.c	ports, memory, descriptors, the clock
 *	config_check_online.c	what answers: name servers, the database
 *
 * What values alone tell is in lib/conf (conf_check.h): master applies that too. These rows look,
 * and change nothing. Runs in: relais; what its user may not see is told as a note.
 */
#ifndef RELAIS_CONFIG_CHECK_H
#define RELAIS_CONFIG_CHECK_H

#include "cli.h"
#include "conf_check.h"

struct config_check {
	struct cli *cli;
	struct conf_findings *found;
	bool online;  /* ask others, too */
	bool running; /* a suite answers at the control socket */
	bool is_root;
};

struct config_check_row {
	const char *name;
	void (*find)(struct config_check *k);
	bool online; /* only if that is wanted */
	const char *doc;
};

/* Each ends with a row without a name. */
extern const struct config_check_row config_check_files[], config_check_tables[],
	config_check_tls[], config_check_machine[], config_check_online[];

/* Can every user of this machine read (write: change) this file? Its mode, and that of the folders
 * above it. Also of one that is not there: no. */
bool config_check_is_open(const char *path, bool write);

/* After cli_load(): print the errors, warnings not. true: there are none. */
bool config_check_errors(struct cli *cli);

/* relais config check|show|diff: argv[0] is the verb. */
int config_check(struct cli *cli, int argc, char *argv[]);
int config_show(struct cli *cli, int argc, char *argv[]);
int config_diff(struct cli *cli, int argc, char *argv[]);

#endif
