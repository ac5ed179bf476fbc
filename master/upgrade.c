/* SPDX-License-Identifier: ISC */
/*
 * master/upgrade.c - the operator has installed newer programs: master gives way to the new master.
 *
 * The new program is asked first whether it could take over (check.c), as a child that is given
 * what would be handed over. Only then our state is written (take_over.c) and the program is
 * changed by execve(2): our pid, our children and all sockets stay. Until that moment nothing has
 * changed, whatever went wrong. docs/upgrade.md tells the whole.
 */
#include "upgrade.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "version.h"

#define CHECK_TIMEOUT_MS 60000
#define LEAVE_TIMEOUT_MS 5000 /* until what was sent to the children has left */
#define SAID_MAX         16384

struct upgrade *
upgrade_new(struct master *m, enum upgrade_step step,
	void (*turn)(evutil_socket_t fd, short what, void *master))
{
	const struct timeval second = { 1, 0 };
	struct upgrade *u = m->upgrade;

	if (u != NULL) {
		buf_free(&u->story);
		event_free(u->turn);
		event_free(u->timer);
	} else {
		u = xmalloc(sizeof(*u));
	}
	*u = (struct upgrade){ .step = step,
		.story = BUF_INIT,
		.since_ms = clock_mono_ms(),
		.left_fd = -1,
		.said_fd = -1,
		.said = BUF_INIT };
	u->turn = event_new(m->base, -1, 0, turn, m);
	u->timer = event_new(m->base, -1, EV_PERSIST, turn, m);
	ASSERT(u->turn != NULL && u->timer != NULL);
	event_add(u->timer, &second);
	m->upgrade = u;
	return u;
}

void
upgrade_enter(struct upgrade *u, enum upgrade_step step)
{
	u->step = step;
	u->since_ms = clock_mono_ms();
	if (step >= UPGRADE_DONE)
		event_del(u->timer);
}

bool
upgrade_is_running(const struct master *m)
{
	return m->upgrade != NULL && m->upgrade->step < UPGRADE_DONE;
}

void
upgrade_advance(struct master *m)
{
	if (upgrade_is_running(m))
		event_active(m->upgrade->turn, EV_TIMEOUT, 1);
}

/* ---- answers ---- */

static void
answer_asker(struct upgrade *u, int err)
{
	if (u->asker == NULL)
		return;
	control_answer(u->asker, u->asker_id, err, buf_bytes(&u->story));
	ipc_flush(u->asker);
	u->asker = NULL;
}

void
upgrade_forget(struct master *m, const struct ipc_channel *channel)
{
	if (m->upgrade != NULL && m->upgrade->asker == channel)
		m->upgrade->asker = NULL;
}

/* The answer's err: ERR_OK, it is done; ERR_BUSY, it goes on; ERR_NOT_FOUND, there was none. */
void
upgrade_tell(struct master *m, struct ipc_call *call)
{
	const struct upgrade *u = m->upgrade;
	const int err = u == NULL                   ? ERR_NOT_FOUND
			: u->step == UPGRADE_DONE   ? ERR_OK
			: u->step == UPGRADE_FAILED ? ERR_PEER
						    : ERR_BUSY;

	control_answer(call->channel, call->id, err, u == NULL ? BYTES_NONE : buf_bytes(&u->story));
}

static void
fail_with(struct upgrade *u, int err, const char *why)
{
	buf_printf(&u->story, "%s; nothing has changed\n", why);
	log_error("upgrade: %s; nothing has changed", why);
	if (u->left_fd >= 0)
		close(u->left_fd);
	u->left_fd = -1;
	upgrade_enter(u, UPGRADE_FAILED);
	answer_asker(u, err);
}

static void
fail(struct upgrade *u, const char *why)
{
	fail_with(u, ERR_PEER, why);
}

/* ---- the change of the program ---- */

/* Our command line with the words in front; freed by the caller, not its strings. */
static char **
command_line(const struct master *m, const char *const words[], size_t nwords)
{
	char **argv;
	size_t n = 0;

	while (m->argv[n] != NULL)
		n++;
	argv = xcalloc(n + nwords + 1, sizeof(*argv));
	argv[0] = m->self;
	for (size_t i = 0; i < nwords; i++)
		argv[1 + i] = (char *)(uintptr_t)words[i];
	for (size_t i = 1; i < n; i++)
		argv[nwords + i] = m->argv[i];
	return argv;
}

/* What would end us, or be lost, between two programs waits: blocked signals stay so over an exec
 * and are delivered when the new one is ready for them (master.c). */
static void
hold_signals(int how)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	sigprocmask(how, &set, NULL);
}

/* Returns only if it does not succeed. */
static void
change_program(struct master *m)
{
	struct upgrade *u = m->upgrade;
	const int fd = handover_write(m);
	char number[16];
	const char *const words[] = { "--take-over", number };
	char **argv;

	if (fd < 0) {
		fail(u, "no memory for what is handed over");
		return;
	}
	snprintf(number, sizeof(number), "%d", fd);
	argv = command_line(m, words, NITEMS(words));
	log_info("upgrade: %s takes over", m->self);
	log_flush();
	notify_reloading();
	answer_asker(u, ERR_OK);
	hold_signals(SIG_BLOCK);
	handover_keep_open(m, true);
	(void)fcntl(fd, F_SETFD, 0);
	execv(m->self, argv);
	log_error("upgrade: %s: %m", m->self);
	handover_keep_open(m, false);
	hold_signals(SIG_UNBLOCK);
	close(fd);
	free(argv);
	notify_ready(m);
	fail(u, "the new master could not be started");
}

/* Nothing that we promised to a child may stay behind. */
static bool
has_unsent(struct master *m)
{
	struct child *c;

	TAILQ_FOREACH (c, &m->children, link) {
		if (c->control != NULL && ipc_backlog(c->control) > 0)
			return true;
	}
	return false;
}

static void
try_to_leave(struct master *m)
{
	struct upgrade *u = m->upgrade;
	const struct timeval soon = { 0, 10000 };

	if (m->stopping)
		fail(u, "the suite is being stopped");
	else if (!has_unsent(m))
		change_program(m);
	else if (clock_mono_ms() - u->since_ms > LEAVE_TIMEOUT_MS)
		fail(u, "a process does not take what master tells it");
	else
		event_add(u->turn, &soon);
}

/* ---- the check ---- */

static void
checked(struct master *m)
{
	struct upgrade *u = m->upgrade;
	const struct bytes said = buf_bytes(&u->said);

	if (u->checker != 0 || u->said_fd >= 0)
		return;
	close(u->left_fd);
	u->left_fd = -1;
	if (!WIFEXITED(u->checker_status) || WEXITSTATUS(u->checker_status) != 0) {
		buf_put_bytes(&u->story, said);
		if (said.n == 0)
			buf_printf(&u->story, "%s cannot be started\n", m->self);
		else if (said.p[said.n - 1] != '\n')
			buf_put_str(&u->story, "\n");
		buf_free(&u->said);
		fail(u, "the newly installed programs cannot take over");
		return;
	}
	/* it can read the file; what has changed there is compared with what runs, by us */
	if (!u->yes_really && master_upgrade_is_dangerous(m, &u->story)) {
		buf_free(&u->said);
		fail_with(u, ERR_DENIED, "no upgrade");
		return;
	}
	buf_printf(&u->story, "version %s gives way to %.*s", relais_version(), (int)said.n,
		(const char *)said.p);
	buf_free(&u->said);
	upgrade_enter(u, UPGRADE_LEAVING);
	event_active(u->turn, EV_TIMEOUT, 1);
}

bool
upgrade_child_exited(struct master *m, pid_t pid, int status)
{
	struct upgrade *u = m->upgrade;

	if (u == NULL || u->checker == 0 || u->checker != pid)
		return false;
	u->checker = 0;
	u->checker_status = status;
	checked(m);
	return true;
}

static void
on_said(evutil_socket_t fd, short what, void *arg)
{
	struct master *m = arg;
	struct upgrade *u = m->upgrade;
	ssize_t n = read(fd, buf_room(&u->said, 4096), 4096);

	if (n > 0)
		buf_added(&u->said, (size_t)n);
	if ((n < 0 && (errno == EAGAIN || errno == EINTR)) || (n > 0 && u->said.len < SAID_MAX))
		return;
	event_free(u->said_event);
	close(u->said_fd);
	u->said_fd = -1;
	checked(m);
}

static _Noreturn void
exec_checker(const struct master *m, int out)
{
	char number[16];
	const char *const words[] = { "--check", "--take-over", number };
	sigset_t none;

	setpgid(0, 0); /* with the programs that it starts it can be ended */
	snprintf(number, sizeof(number), "%d", m->upgrade->left_fd);
	(void)fcntl(m->upgrade->left_fd, F_SETFD, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	dup2(out, STDOUT_FILENO);
	dup2(out, STDERR_FILENO);
	execv(m->self, command_line(m, words, NITEMS(words)));
	fprintf(stderr, "%s: %s\n", m->self, strerror(errno));
	_exit(127);
}

static void
on_turn(evutil_socket_t fd, short what, void *arg)
{
	struct master *m = arg;
	struct upgrade *u = m->upgrade;

	if (u->step == UPGRADE_LEAVING)
		try_to_leave(m);
	else if (u->step == UPGRADE_CHECKING && u->checker != 0 &&
		 clock_mono_ms() - u->since_ms > CHECK_TIMEOUT_MS)
		kill(-u->checker, SIGKILL);
}

static int
begin(struct master *m)
{
	struct upgrade *u = upgrade_new(m, UPGRADE_CHECKING, on_turn);
	int ends[2];

	u->left_fd = handover_write(m);
	if (u->left_fd < 0 || pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
		return ERR_RESOURCE;
	log_flush();
	u->checker = fork();
	if (u->checker == 0)
		exec_checker(m, ends[1]);
	close(ends[1]);
	u->said_fd = ends[0];
	u->said_event = event_new(m->base, ends[0], EV_READ | EV_PERSIST, on_said, m);
	ASSERT(u->said_event != NULL);
	event_add(u->said_event, NULL);
	if (u->checker < 0) {
		u->checker = 0;
		u->checker_status = 127 << 8; /* as if it had not been found */
	}
	return ERR_OK;
}

/* Why there can be no upgrade now; NULL: there can. */
static const char *
why_not(struct master *m)
{
	struct child *c;

	if (m->stopping)
		return "the suite is being stopped\n";
	if (upgrade_is_running(m))
		return "an upgrade is under way already\n";
	if (m->self == NULL)
		return "master does not know by which path it was started; restart the suite\n";
	TAILQ_FOREACH (c, &m->children, link) {
		if (c->trial)
			return "a reload is under way; try again in a moment\n";
	}
	return NULL;
}

void
upgrade_ask(struct master *m, struct ipc_call *call, bool yes_really)
{
	const char *why = why_not(m);

	if (why != NULL) {
		control_answer(call->channel, call->id, ERR_BUSY, bytes_from_str(why));
		return;
	}
	if (begin(m) < 0) {
		fail(m->upgrade, "no descriptor is left");
		control_answer(
			call->channel, call->id, ERR_RESOURCE, buf_bytes(&m->upgrade->story));
		return;
	}
	m->upgrade->asker = call->channel;
	m->upgrade->asker_id = call->id;
	m->upgrade->yes_really = yes_really;
}
