/* SPDX-License-Identifier: ISC */
/*
 * cli/setup.h - relais setup: from an installed package to a user who can log in.
 *
 * For people it asks what is missing; for scripts every answer is an option:
 *
 *	relais [--config FILE] [--option NAME=VALUE]... setup [OPTION]...
 *
 *	--hostname NAME			fully qualified name of this host
 *	--domain NAME			its mail domain
 *	--account ADDRESS		first account, ann@DOMAIN; "ann" will do
 *	--no-account			make none
 *	--password-file FILE|-		its password: the first line
 *	--smarthost HOST[:PORT]|none	who takes our mail for others; none: we deliver it ourselves
 *	--smarthost-login LOGIN
 *	--smarthost-password-file FILE|-
 *	--mail-root FOLDER		where mail lives
 *	--no-input			ask nothing; what is needed and not given is an error that
 *					names all of it
 *	--start				without systemd: start relais-master in the background
 *	--no-start			only write (implies --no-test)
 *	--no-test			no message to oneself
 *
 * Needed with --no-input: --hostname (unless the system's name is fully qualified) and --domain
 * (unless it follows from the host's name); --account with --password-file, or --no-account. The
 * others have defaults: no smarthost, /var/mail/relais. Of a package's postinst:
 *
 *	relais setup --no-input --hostname H --domain D --no-account --no-start
 *
 * NAME=VALUE of --option go into the file that is written: so a suite can be set up in a folder of
 * its own. A file that is there is added to (what no line of it says yet), never changed: an answer
 * that contradicts it is refused before anything is written. Again with the same answers: nothing
 * changes, exit status 0. Exit status: cli.h; 1 also if something went wrong half way (it says what
 * was done, and that the same command goes on from there).
 */
#ifndef RELAIS_SETUP_H
#define RELAIS_SETUP_H

#include "cli.h"

#endif
