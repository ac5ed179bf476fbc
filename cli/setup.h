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
 *
 *	setup.c		the words of the command; its course
 *	setup_ask.c	questions, a row each; what is there already
 *	setup_check.c	whether an answer makes sense
 *	setup_write.c	the configuration, tables and the account
 *	setup_start.c	ports, start and reload
 *	setup_try.c	a message to oneself, read back
 *	setup_tell.c	what is left to do for people
 */
#ifndef RELAIS_SETUP_H
#define RELAIS_SETUP_H

#include "cli.h"

enum setup_question { /* in the order in which they are asked */
	SETUP_HOSTNAME,
	SETUP_DOMAIN,
	SETUP_ACCOUNT,
	SETUP_PASSWORD,
	SETUP_SMARTHOST,
	SETUP_LOGIN,
	SETUP_LOGIN_PASSWORD,
	SETUP_MAIL_ROOT,
	SETUP_QUESTIONS
};

struct setup {
	struct cli *cli;
	struct arena arena;
	const char *given[SETUP_QUESTIONS];  /* as the command line has them; NULL: not */
	const char *answer[SETUP_QUESTIONS]; /* in their one form; NULL: none */
	bool there[SETUP_QUESTIONS];         /* nothing is to be done for it */
	int no_account, no_input, start, no_start, no_test;
	int terminal;     /* to ask at; -1: none */
	bool has_file;    /* there is a configuration */
	bool running;     /* the suite is */
	bool has_account; /* somebody has one */
	bool changed;     /* the configuration or what a reload takes up */
	struct buf text;  /* of the configuration as it will be; empty: as it is */
};

/* ---- setup_check.c ---- */
enum setup_verdict {
	SETUP_GOOD,
	SETUP_ODD, /* may be meant so; why says what is odd */
	SETUP_BAD,
};

/* text: what was said; *value: what it means, in the arena (or text). why: a reason, appended. */
typedef enum setup_verdict setup_check_fn(
	struct setup *s, const char *text, const char **value, struct buf *why);

setup_check_fn setup_check_hostname, setup_check_domain, setup_check_account, setup_check_password,
	setup_check_smarthost, setup_check_login, setup_check_login_password, setup_check_mail_root;

/* ---- setup_ask.c ---- */
/* Find out what is there, what was given, and ask for the rest. CLI_OK, or the exit status after
 * printing every reason. */
int setup_ask(struct setup *s);
/* A question at the terminal; without one the answer is what is good for scripts. */
bool setup_ask_yes(struct setup *s, const char *question, bool without_terminal);

/* ---- setup_write.c ---- */
/* The new text of the configuration, checked; whether we may write at all. Nothing is written. */
bool setup_plan(struct setup *s);
void setup_print_plan(struct setup *s);
bool setup_makes_account(const struct setup *s);
bool setup_keeps_login(const struct setup *s);
bool setup_write_configuration(struct setup *s);
bool setup_write_tables(struct setup *s);
bool setup_write_account(struct setup *s);
bool setup_write_login(struct setup *s);
/* The key of the smarthost in the table of logins. */
const char *setup_login_key(struct setup *s);

/* ---- setup_start.c ---- */
enum setup_way {
	SETUP_NO_START,
	SETUP_RELOAD, /* it runs */
	SETUP_SYSTEMD,
	SETUP_BACKGROUND,
};

enum setup_way setup_way_to_start(struct setup *s);        /* may ask */
bool setup_can_start(struct setup *s, enum setup_way way); /* false after printing what to do */
bool setup_start(struct setup *s, enum setup_way way);

/* ---- setup_try.c ---- */
bool setup_try(struct setup *s);

/* ---- setup_tell.c ---- */
void setup_tell(struct setup *s, bool runs);

#endif
