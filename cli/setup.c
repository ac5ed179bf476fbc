/* SPDX-License-Identifier: ISC */
/*
 * cli/setup.c - relais setup: the words of the command, and its course: find out, check, ask, say
 * what will be done, do it, prove it.
 *
 * Runs in:  relais, as root or whoever runs the suite.
 */
#include "setup.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config_check.h"
#include "table_files.h"
#include "terminal.h"

const char setup_usage[] =
	"relais setup [--hostname NAME] [--domain NAME] [--account ADDRESS]\n"
	"                    [--no-account] [--password-file FILE] [--smarthost HOST]\n"
	"                    [--smarthost-login LOGIN] [--smarthost-password-file FILE]\n"
	"                    [--mail-root FOLDER] [--no-input] [--start] [--no-start]\n"
	"                    [--no-test]\n"
	"\n"
	"Asks for what is missing; writes the configuration and the first account;\n"
	"starts the suite, sends a message to oneself and reads it back; says which DNS\n"
	"records to publish. What is there already is left as it is.\n"
	"\n"
	"  --no-input    ask nothing: --hostname, --domain, and --account with\n"
	"                --password-file or --no-account must be given (the first two\n"
	"                if the system's name is no help)\n"
	"  --password-file, --smarthost-password-file   its first line; - is stdin\n"
	"  --smarthost   HOST, HOST:PORT, or none: we deliver to other hosts ourselves\n"
	"  --start       without systemd: start the suite in the background\n"
	"  --no-start    only write; --no-test: send no message to oneself";

/* ---- words ---- */

/* Options with a value, in the order of questions. */
static const struct option long_options[] = {
	{ "hostname", required_argument, NULL, SETUP_HOSTNAME },
	{ "domain", required_argument, NULL, SETUP_DOMAIN },
	{ "account", required_argument, NULL, SETUP_ACCOUNT },
	{ "password-file", required_argument, NULL, SETUP_PASSWORD },
	{ "smarthost", required_argument, NULL, SETUP_SMARTHOST },
	{ "smarthost-login", required_argument, NULL, SETUP_LOGIN },
	{ "smarthost-password-file", required_argument, NULL, SETUP_LOGIN_PASSWORD },
	{ "mail-root", required_argument, NULL, SETUP_MAIL_ROOT },
};

static bool
read_words(struct setup *s, int argc, char *argv[])
{
	const struct option switches[] = {
		{ "no-account", no_argument, &s->no_account, 1 },
		{ "no-input", no_argument, &s->no_input, 1 },
		{ "start", no_argument, &s->start, 1 },
		{ "no-start", no_argument, &s->no_start, 1 },
		{ "no-test", no_argument, &s->no_test, 1 },
	};
	struct option options[NITEMS(long_options) + NITEMS(switches) + 1] = { 0 };
	int c, which = -1;

	memcpy(options, long_options, sizeof(long_options));
	memcpy(options + NITEMS(long_options), switches, sizeof(switches));
	optind = 1;
	while ((c = getopt_long(argc, argv, "", options, &which)) != -1) {
		if (c == '?' || which < 0)
			return false;
		if (which < (int)NITEMS(long_options))
			s->given[which] = optarg;
	}
	return optind == argc && !(s->start && s->no_start) &&
	       !(s->no_account && s->given[SETUP_ACCOUNT] != NULL);
}

/* The first line of what was named; "-" is stdin. */
static bool
read_secret(struct setup *s, enum setup_question q)
{
	const char *path = s->given[q];
	struct buf line = BUF_SECRET;
	int fd;
	bool ok;

	if (path == NULL)
		return true;
	fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return false;
	}
	errno = 0;
	ok = terminal_read_line(fd, fd, "", true, &line);
	if (!ok)
		fprintf(stderr, "%s: %s\n", path, errno != 0 ? strerror(errno) : "has no line");
	s->given[q] = arena_str(&s->arena, buf_bytes(&line));
	buf_free(&line);
	if (fd != STDIN_FILENO)
		close(fd);
	return ok;
}

static void
forget_secrets(struct setup *s)
{
	static const enum setup_question secrets[] = { SETUP_PASSWORD, SETUP_LOGIN_PASSWORD };

	for (size_t i = 0; i < NITEMS(secrets); i++) {
		char *text = (char *)(uintptr_t)s->answer[secrets[i]];

		if (text != NULL)
			explicit_bzero(text, strlen(text));
	}
}

/* ---- what is there ---- */

static void
on_interrupt(int signal_number)
{
	UNUSED(signal_number); /* the question that waits ends */
}

static void
block_interrupt(int how)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	(void)sigprocmask(how, &set, NULL);
}

static void
open_terminal(struct setup *s)
{
	const struct sigaction interrupt = { .sa_handler = on_interrupt };

	s->terminal = s->no_input ? -1 : open("/dev/tty", O_RDWR | O_CLOEXEC);
	if (s->terminal < 0)
		return;
	block_interrupt(SIG_BLOCK); /* but for the moments when it waits */
	(void)sigaction(SIGINT, &interrupt, NULL);
}

static void
close_terminal(struct setup *s)
{
	if (s->terminal < 0)
		return;
	close(s->terminal);
	s->terminal = -1;
	(void)signal(SIGINT, SIG_DFL);
	block_interrupt(SIG_UNBLOCK);
}

/* The configuration that is there, or the defaults: commands of the tables work with either. */
static bool
load(struct setup *s)
{
	struct cli *cli = s->cli;

	s->has_file = access(cli->conf_path, F_OK) == 0 || (errno != ENOENT && errno != ENOTDIR);
	if (s->has_file) {
		if (cli_load(cli))
			return true;
		fprintf(stderr, "The configuration that is there has to be mended first; \"relais "
				"config check\" says more.\n");
		return false;
	}
	conf_init(&cli->conf);
	cli->values_made = cli->loaded = true;
	for (size_t i = 0; i < cli->noverrides; i++)
		(void)conf_override(&cli->conf, cli->overrides[i]);
	for (const struct conf_error *e = cli->conf.first; e != NULL; e = e->next)
		fprintf(stderr, "%s: %s\n", e->file, e->text);
	return cli->conf.first == NULL;
}

/* ---- doing it ---- */

static bool
make_keys(struct setup *s)
{
	return dkim_make_first(s->cli, s->answer[SETUP_DOMAIN]) == CLI_OK;
}

static bool
look_for_errors(struct setup *s)
{
	return config_check_errors(s->cli);
}

/* The steps that write, in their order. After a failure the same command goes on from there. */
static bool
do_all(struct setup *s, enum setup_way way)
{
	const bool starts = way != SETUP_NO_START;
	const struct {
		bool wanted;
		bool (*run)(struct setup *s);
		const char *what;
	} steps[] = {
		{ true, setup_write_configuration, "the configuration is written" },
		{ true, setup_write_tables, "the tables are compiled" },
		{ setup_makes_account(s), setup_write_account, "the account is made" },
		{ setup_keeps_login(s), setup_write_login, "the login at the smarthost is kept" },
		{ starts, look_for_errors, "nothing is wrong for \"relais config check\"" },
		{ starts, NULL, "the suite runs" },
		{ starts, make_keys, "DKIM keys are made" },
		{ starts && !s->no_test, setup_try, "a message to oneself was read back" },
	};

	for (size_t i = 0; i < NITEMS(steps); i++) {
		if (!steps[i].wanted ||
			(steps[i].run != NULL ? steps[i].run(s) : setup_start(s, way)))
			continue;
		fflush(stdout);
		fprintf(stderr, "\nStopped half way. Done:%s\n", i == 0 ? " nothing" : "");
		for (size_t j = 0; j < i; j++)
			if (steps[j].wanted)
				fprintf(stderr, "    %s\n", steps[j].what);
		fprintf(stderr,
			"Not yet: %s. When the reason above is mended, \"relais setup\" goes "
			"on from there.\n",
			steps[i].what);
		return false;
	}
	return true;
}

static int
run(struct setup *s)
{
	enum setup_way way;
	int status;

	if (!load(s))
		return CLI_FAILED;
	s->running = cli_is_running(s->cli);
	if (s->terminal >= 0)
		dprintf(s->terminal,
			"Enter takes what stands in brackets. Nothing is written before "
			"the last question;\n^C ends this.\n\n");
	status = setup_ask(s);
	if (status != CLI_OK || !setup_plan(s))
		return CLI_FAILED;
	way = setup_way_to_start(s);
	if (!setup_can_start(s, way)) {
		fprintf(stderr, "Nothing was written. --no-start writes without starting.\n");
		return CLI_FAILED;
	}
	setup_print_plan(s);
	fflush(stdout);
	if (!setup_ask_yes(s, "Go on?", true)) {
		fprintf(stderr, "Nothing was written.\n");
		return CLI_FAILED;
	}
	close_terminal(s);
	if (!do_all(s, way))
		return CLI_FAILED;
	setup_tell(s, way != SETUP_NO_START);
	return CLI_OK;
}

int
cmd_setup(struct cli *cli, int argc, char *argv[])
{
	struct setup s = { .cli = cli, .arena = ARENA_INIT, .terminal = -1, .text = BUF_INIT };
	int status = CLI_FAILED;

	if (!read_words(&s, argc, argv))
		return cli_usage(setup_usage, NULL);
	(void)umask(022); /* users read the configuration (sendmail); secrets have modes */
	open_terminal(&s);
	if (read_secret(&s, SETUP_PASSWORD) && read_secret(&s, SETUP_LOGIN_PASSWORD))
		status = run(&s);
	close_terminal(&s);
	forget_secrets(&s);
	buf_free(&s.text);
	arena_reset(&s.arena);
	return status;
}
