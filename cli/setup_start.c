/* SPDX-License-Identifier: ISC */
/*
 * cli/setup_start.c - relais setup starts the suite: by systemd, in the background, or not at all;
 * one that runs reloads.
 *
 * Runs in:  relais, as root or whoever runs the suite.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "ports.h"
#include "setup.h"

#define READY_MS     60000
#define PAUSE_MS     50
#define UNIT         "relais.service"
#define DEFAULT_CONF "/etc/relais/relais.conf"

/* ---- ports ---- */

static void
tell_port(void *arg, const struct port_trouble *t)
{
	/* what sits at the mail ports of a fresh Debian, as its unit is called */
	static const struct {
		const char *program, *unit;
	} known[] = { { "exim4", "exim4" }, { "master", "postfix" }, { "smtpd", "opensmtpd" },
		{ "sendmail-mta", "sendmail" }, { "dovecot", "dovecot" } };
	const char *unit = NULL;

	UNUSED(arg);
	for (size_t i = 0; i < NITEMS(known); i++)
		if (strcmp(known[i].program, t->program) == 0)
			unit = known[i].unit;
	fprintf(stderr, "%s = %s: %s", t->option, t->address, t->why);
	if (t->pid > 0)
		fprintf(stderr, ": %s has it (pid %ld)", t->program, (long)t->pid);
	if (unit != NULL)
		fprintf(stderr, ". To end that: systemctl disable --now %s", unit);
	else if (t->pid > 0)
		fprintf(stderr, ". Stop that program, or choose another port: --option %s=...",
			t->option);
	else if (geteuid() != 0)
		fputs("; root may ask for ports below 1024, and sees who has one", stderr);
	fputc('\n', stderr);
}

/* ---- which way ---- */

static bool
has_systemd(struct setup *s)
{
	return access("/run/systemd/system", F_OK) == 0 &&
	       strcmp(s->cli->conf_path, DEFAULT_CONF) == 0 && geteuid() == 0;
}

enum setup_way
setup_way_to_start(struct setup *s)
{
	if (s->no_start)
		return SETUP_NO_START;
	if (s->running)
		return SETUP_RELOAD;
	if (s->start)
		return SETUP_BACKGROUND;
	if (has_systemd(s))
		return SETUP_SYSTEMD;
	if (setup_ask_yes(s, "Start relais in the background now (there is no systemd for it)?",
		    s->terminal >= 0))
		return SETUP_BACKGROUND;
	return SETUP_NO_START;
}

/* ---- starting ---- */

static bool
run_systemctl(void)
{
	pid_t pid = fork();
	int status = -1;

	if (pid == 0) {
		execlp("systemctl", "systemctl", "enable", "--now", UNIT, (char *)NULL);
		_exit(127);
	}
	if (pid > 0 && waitpid(pid, &status, 0) == pid && status == 0)
		return true;
	fprintf(stderr, "systemctl enable --now " UNIT " failed; \"journalctl -u relais -n 20\" "
			"says more\n");
	return false;
}

/* The program beside this one. */
static bool
find_master(char path[PATH_MAX + 32])
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	self[n > 0 ? n : 0] = 0;
	snprintf(path, PATH_MAX + 32, "%s/relais-master", dirname(self));
	if (access(path, X_OK) == 0)
		return true;
	fprintf(stderr, "%s: %s\n", path, strerror(errno));
	return false;
}

bool
setup_can_start(struct setup *s, enum setup_way way)
{
	char program[PATH_MAX + 32];

	if (way == SETUP_BACKGROUND && !find_master(program))
		return false;
	return way == SETUP_NO_START || way == SETUP_RELOAD ||
	       ports_check(&s->cli->conf, tell_port, NULL) == 0;
}

/* out: a file for what it says until it is ready. Does not return. */
static void
become_master(struct setup *s, const char *program, int out)
{
	char conf[PATH_MAX];
	const int nothing = open("/dev/null", O_RDONLY);

	if (realpath(s->cli->conf_path, conf) == NULL || setsid() < 0 || chdir("/") != 0 ||
		dup2(nothing, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 ||
		dup2(out, STDERR_FILENO) < 0)
		_exit(126);
	signal(SIGHUP, SIG_IGN);
	execl(program, program, "--config", conf, (char *)NULL);
	_exit(127);
}

static bool
says_ready(int out)
{
	char text[4096];
	ssize_t n = pread(out, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = 0;
	return strncmp(text, "ready", 5) == 0 || strstr(text, "\nready") != NULL;
}

static void
show_output(int out)
{
	char text[4096];
	ssize_t n = pread(out, text, sizeof(text), 0);

	if (n > 0)
		fwrite(text, 1, (size_t)n, stderr);
}

static bool
wait_for_master(struct setup *s, pid_t pid, int out)
{
	const struct timespec pause = { 0, PAUSE_MS * 1000000L };
	const uint64_t end = clock_mono_ms() + READY_MS;
	int status;

	while (clock_mono_ms() < end) {
		if (says_ready(out)) {
			printf("relais-master runs in the background, pid %ld; \"relais stop\" "
			       "ends it.\n",
				(long)pid);
			return true;
		}
		if (waitpid(pid, &status, WNOHANG) == pid) {
			show_output(out);
			fprintf(stderr, "relais-master ended; its log (%s) says why\n",
				cli_common(s->cli)->log);
			return false;
		}
		nanosleep(&pause, NULL);
	}
	fprintf(stderr,
		"relais is not ready after %d seconds; \"relais status\" and its log (%s) "
		"say more\n",
		READY_MS / 1000, cli_common(s->cli)->log);
	return false;
}

static bool
start_in_background(struct setup *s)
{
	char program[PATH_MAX + 32];
	int out = memfd_create("relais-master", MFD_CLOEXEC);
	bool ok = false;
	pid_t pid;

	if (out < 0 || !find_master(program)) {
		if (out >= 0)
			close(out);
		return false;
	}
	fflush(NULL);
	pid = fork();
	if (pid == 0)
		become_master(s, program, out);
	if (pid > 0)
		ok = wait_for_master(s, pid, out);
	else
		perror("fork");
	close(out);
	return ok;
}

bool
setup_start(struct setup *s, enum setup_way way)
{
	char verb[] = "reload", *reload[] = { verb, NULL };

	switch (way) {
	case SETUP_SYSTEMD:
		return run_systemctl();
	case SETUP_BACKGROUND:
		return start_in_background(s);
	case SETUP_RELOAD:
		return !s->changed || cmd_reload(s->cli, 1, reload) == CLI_OK;
	case SETUP_NO_START:
		break;
	}
	return true;
}
