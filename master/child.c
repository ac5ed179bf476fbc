/* SPDX-License-Identifier: ISC */
/*
 * master/child.c - one child process: started, watched, started again with back-off.
 *
 * The whole life is the table at the end: state × event, one function changes the state.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "common_conf.h"
#include "log.h"
#include "mailauth_conf.h"
#include "master.h"

#define START_TIMEOUT_MS  60000            /* to say READY, or that it goes on (STARTING) */
#define DRAIN_TIMEOUT_MS  10000            /* at the end of the suite */
#define SOLE_TIMEOUT_MS   60000            /* its successor waits */
#define ABORT_TIMEOUT_MS  5000             /* to die of SIGABRT, its core for who looks for one */
#define LEAVE_TIMEOUT_MS  (15 * 60 * 1000) /* a replaced door's sessions may take their time */
#define BACKOFF_FIRST_MS  100u
#define BACKOFF_MAX_MS    30000
#define HANDED_TIMEOUT_MS 5000
#define STEADY_MS         60000 /* alive so long: the next death is the first again */

static const char *const state_names[CHILD_STATES] = { "absent", "starting", "ready", "draining",
	"backoff" };

const char *
child_state_name(enum child_state s)
{
	return state_names[s];
}

static void
set_timer(struct child *c, unsigned ms)
{
	const struct timeval wait = { ms / 1000, (ms % 1000) * 1000 };

	event_add(c->timer, &wait);
}

static void
enter(struct child *c, enum child_state s)
{
	log_debug("%s[%u]: %s -> %s", service_name(c->row->service), c->instance,
		state_names[c->state], state_names[s]);
	c->state = s;
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	child_event(arg, EVENT_TIMER);
}

struct child *
child_new(struct master *m, const struct service_row *row, unsigned instance)
{
	struct child *c = xcalloc(1, sizeof(*c));

	c->master = m;
	c->row = row;
	c->instance = instance;
	c->timer = event_new(m->base, -1, 0, on_timer, c);
	ASSERT(c->timer != NULL);
	TAILQ_INSERT_TAIL(&m->children, c, link);
	return c;
}

struct child *
child_find(struct master *m, enum service s, unsigned instance)
{
	struct child *c;

	TAILQ_FOREACH (c, &m->children, link) {
		if (c->row->service == s && c->instance == instance && !c->leaving && !c->trial)
			return c;
	}
	return NULL;
}

/* ---- starting ---- */

/* In the new process: nothing but the control socket and the log is passed on. */
static _Noreturn void
exec_program(struct master *m, const char *name, int control)
{
	char path[PATH_MAX];
	char *argv[] = { path, NULL };
	int keep_control, keep_log;
	sigset_t none;

	keep_control = fcntl(control, F_DUPFD, 10); /* out of the way of 3 and 4 */
	keep_log = fcntl(m->log_fd, F_DUPFD, 10);
	if (dup2(keep_control, CONTROL_FD) < 0 || dup2(keep_log, LOG_FD) < 0)
		_exit(126);
	close_range((unsigned)LOG_FD + 1, ~0U, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	snprintf(path, sizeof(path), "%s/%s", m->program_folder, name);
	execv(path, argv);
	_exit(127);
}

static void
send_listeners(struct child *c)
{
	struct listener *l;

	TAILQ_FOREACH (l, &c->master->listeners, link) {
		int fd;

		if (l->service != c->row->service || l->instance != c->instance || !l->wanted)
			continue;
		fd = fcntl(l->fd, F_DUPFD_CLOEXEC, 0);
		if (fd < 0) {
			log_error("listener %s: %m", l->address);
			continue;
		}
		control_listener_encode(ipc_compose(c->control),
			&(struct control_listener){
				bytes_from_str(l->label), bytes_from_str(l->address) });
		ipc_send(c->control, CONTROL_LISTENER, &fd, 1);
	}
}

struct control_config
child_conf_encode(const struct child *c, struct child_conf *room)
{
	const struct conf *conf = &c->master->conf;

	*room = (struct child_conf){ BUF_INIT, BUF_INIT, BUF_INIT };
	conf_encode(&room->common, &common_section, conf_values(conf, ""));
	if (c->row->section != NULL)
		conf_encode(&room->own, conf_section_named(bytes_from_str(c->row->section)),
			conf_values(conf, c->row->section));
	conf_encode(&room->mailauth, &mailauth_section, conf_values(conf, "mailauth"));
	return (struct control_config){ buf_bytes(&room->common), buf_bytes(&room->own),
		buf_bytes(&room->mailauth) };
}

void
child_conf_free(struct child_conf *room)
{
	buf_free(&room->common);
	buf_free(&room->own);
	buf_free(&room->mailauth);
}

/* qmgr and the signers know the key of the tickets that are for them, directory both. */
static struct bytes
secret_of(const struct child *c)
{
	const struct bytes all = bytes_make(c->master->secret, sizeof(c->master->secret));

	switch (c->row->service) {
	case SERVICE_DIRECTORY:
		return all;
	case SERVICE_QMGR:
		return bytes_head(all, all.n / 2);
	case SERVICE_SIGNER:
		return bytes_skip(all, all.n / 2);
	default:
		return BYTES_NONE;
	}
}

static int
send_start(struct child *c)
{
	struct master *m = c->master;
	struct child_conf conf;
	struct buf root = BUF_INIT;
	struct control_start start = { .service = c->row->service,
		.instance = c->instance,
		.birth = ++m->births,
		.uid = UINT32_MAX,
		.gid = UINT32_MAX,
		.mail_uid = UINT32_MAX,
		.mail_gid = UINT32_MAX,
		.sandbox = service_sandbox(c->row, &m->conf),
		.files_limit = c->row->files_limit,
		.memory_limit = c->row->memory_limit,
		.successor = c->trial };
	int r = ERR_OK;

	if (m->privileged) {
		r = user_ids(m, c->row, &start.uid, &start.gid);
		if (r == ERR_OK)
			r = mail_ids(m, &start.mail_uid, &start.mail_gid);
	} else {
		start.files_limit = 0; /* not ours to raise */
	}
	start.secret = secret_of(c);
	start.conf = child_conf_encode(c, &conf);
	service_root_path(c->row, &m->conf, &root);
	start.root = buf_bytes(&root);
	for (size_t i = 0; i < nservices; i++)
		start.instances[services[i].service] = (uint16_t)master_instances(m, &services[i]);
	if (r == ERR_OK) {
		control_start_encode(ipc_compose(c->control), &start);
		ipc_send(c->control, CONTROL_START, NULL, 0);
		ipc_flush(c->control);
	}
	child_conf_free(&conf);
	buf_free(&root);
	return r;
}

static void
on_control_close(void *ctx, struct ipc_channel *channel, int err)
{
	struct child *c = ctx;

	master_status_forget(c->master, channel);
	c->control = NULL;
	if (err == ERR_SYNTAX) {
		log_error("%s[%u] sent what it may not; killed", service_name(c->row->service),
			c->instance);
		kill(c->pid, SIGKILL);
	}
}

static void
open_channel(struct child *c, int fd)
{
	c->control_fd = fd;
	c->control = ipc_channel_new(&(struct ipc_channel_spec){ .base = c->master->base,
		.fd = fd,
		.peer = c->row->service,
		.peer_instance = c->instance,
		.served = true,
		.routes = child_routes,
		.nroutes = nchild_routes,
		.ctx = c,
		.on_close = on_control_close });
}

static int
fork_child(struct child *c)
{
	struct master *m = c->master;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return ERR_RESOURCE;
	log_flush();
	c->pid = fork();
	if (c->pid == 0)
		exec_program(m, service_name(c->row->service), pair[1]);
	close(pair[1]);
	if (c->pid < 0) {
		close(pair[0]);
		return ERR_RESOURCE;
	}
	open_channel(c, pair[0]);
	send_listeners(c);
	return send_start(c);
}

/* ---- actions ---- */

static void
do_gone(struct child *c)
{
	enter(c, CHILD_ABSENT);
	event_del(c->timer);
}

static void
back_off(struct child *c)
{
	const unsigned most = c->row->back_off_ms != 0 ? c->row->back_off_ms : BACKOFF_MAX_MS;
	unsigned ms = BACKOFF_FIRST_MS << (c->failures < 9 ? c->failures : 9);

	c->failures++;
	enter(c, CHILD_BACKOFF);
	set_timer(c, ms < most ? ms : most);
}

static void
do_start(struct child *c)
{
	c->started_ms = clock_mono_ms();
	c->started_wall_us = clock_wall_us();
	c->asked = c->handed = c->again = false;
	c->generation = c->master->generation;
	c->wire = 0; /* until it says */
	enter(c, CHILD_STARTING);
	set_timer(c, START_TIMEOUT_MS);
	if (fork_child(c) == ERR_OK)
		return;
	log_error("%s[%u] cannot be started: %m", service_name(c->row->service), c->instance);
	if (c->pid > 0)
		kill(c->pid, SIGKILL); /* its exit brings the back-off */
	else if (c->trial) {
		c->leaving = true;
		do_gone(c);
	} else {
		back_off(c);
	}
}

static void
do_ready(struct child *c)
{
	enter(c, CHILD_READY);
	event_del(c->timer);
	if (c->trial && !upgrade_holds(c))
		child_succeeded(c);
	master_check_ready(c->master);
}

/* It died, or left too early: again, later. */
static void
do_died(struct child *c)
{
	if (c->trial) { /* the one it was to replace goes on */
		c->leaving = true;
		do_gone(c);
		return;
	}
	if (clock_mono_ms() - c->started_ms > STEADY_MS)
		c->failures = 0;
	c->restarts++;
	back_off(c);
}

static void
do_kill(struct child *c)
{
	log_warning("%s[%u] pid %d took too long (%s); killed", service_name(c->row->service),
		c->instance, (int)c->pid, state_names[c->state]);
	kill(c->pid, SIGKILL);
	set_timer(c, DRAIN_TIMEOUT_MS);
}

static void
tell(struct child *c, uint16_t type)
{
	c->handed = false;
	if (c->control == NULL) {
		kill(c->pid, SIGKILL);
		return;
	}
	ipc_compose(c->control);
	ipc_send(c->control, type, NULL, 0);
	ipc_flush(c->control);
}

static unsigned
leave_ms(const struct child *c)
{
	return c->row->leave_ms != 0 ? (unsigned)c->row->leave_ms : LEAVE_TIMEOUT_MS;
}

static void
do_drain(struct child *c)
{
	enter(c, CHILD_DRAINING);
	set_timer(c, c->master->stopping || c->again ? DRAIN_TIMEOUT_MS : leave_ms(c));
	tell(c, CONTROL_DRAIN);
}

/* A draining process at the end of the suite: no more patience than the others get. */
static void
do_hurry(struct child *c)
{
	set_timer(c, DRAIN_TIMEOUT_MS);
	if (c->handed)
		tell(c, CONTROL_DRAIN);
}

/* It found out by itself that nobody needs it, or its time is over. */
static void
do_late(struct child *c)
{
	if (c->handed)
		do_hurry(c);
	else
		do_kill(c);
}

static void
on_handed(void *arg, const struct ipc_answer *answer)
{
	struct master *m = arg;

	UNUSED(answer); /* it knows, or is no more */
	upgrade_handed(m);
}

static void
do_leave(struct child *c)
{
	enter(c, CHILD_DRAINING);
	set_timer(c, c->row->sole ? SOLE_TIMEOUT_MS : leave_ms(c));
	if (c->control == NULL) {
		kill(c->pid, SIGKILL);
		return;
	}
	c->handed = true;
	control_hand_over_encode(
		ipc_compose(c->control), &(struct control_hand_over){ .sole = c->row->sole });
	ipc_request(
		c->control, CONTROL_HAND_OVER, NULL, 0, HANDED_TIMEOUT_MS, on_handed, c->master);
	ipc_flush(c->control);
}

/* One that was started only for the time being has gone; or the next comes now. */
static void
do_left(struct child *c)
{
	if (c->again && !c->leaving && !c->master->stopping)
		do_start(c);
	else
		do_gone(c);
}

static void
do_wait(struct child *c)
{
	set_timer(c, START_TIMEOUT_MS);
}

/* Its loop stands still. SIGABRT first, which leaves a core where cores are wanted. */
static void
do_abort(struct child *c)
{
	log_error("%s[%u] pid %d does not answer; ended", service_name(c->row->service),
		c->instance, (int)c->pid);
	kill(c->pid, SIGABRT);
	set_timer(c, ABORT_TIMEOUT_MS);
}

static void
do_nothing(struct child *c)
{
	UNUSED(c);
}

static void (*const actions[CHILD_STATES][CHILD_EVENTS])(struct child *) = {
	/* START, READY, EXIT, TIMER, DRAIN, STARTING, HUNG, LEAVE */
	[CHILD_ABSENT] = { do_start, do_nothing, do_nothing, do_nothing, do_nothing, do_nothing,
		do_nothing, do_nothing },
	[CHILD_STARTING] = { do_nothing, do_ready, do_died, do_kill, do_drain, do_wait, do_nothing,
		do_drain },
	[CHILD_READY] = { do_nothing, do_nothing, do_died, do_kill, do_drain, do_nothing, do_abort,
		do_leave },
	[CHILD_DRAINING] = { do_nothing, do_nothing, do_left, do_late, do_hurry, do_nothing,
		do_nothing, do_nothing },
	[CHILD_BACKOFF] = { do_nothing, do_nothing, do_nothing, do_start, do_gone, do_nothing,
		do_nothing, do_left },
};

static void
forget(struct child *c)
{
	TAILQ_REMOVE(&c->master->children, c, link);
	event_free(c->timer);
	free(c->version);
	free(c);
}

void
child_event(struct child *c, enum child_event event)
{
	struct master *m = c->master;

	actions[c->state][event](c);
	if (c->state == CHILD_ABSENT) {
		if (c->leaving)
			forget(c);
		master_stop_advance(m);
	}
	upgrade_advance(m);
}

/* What our predecessor knew of it. */
static const struct {
	const char *name;
	enum child_state state;
} adopted_states[] = { { "starting", CHILD_STARTING }, { "ready", CHILD_READY },
	{ "draining", CHILD_DRAINING } };

struct child *
child_adopt(struct master *m, const struct service_row *row, const struct handover_child *from)
{
	struct child *c = child_new(m, row, from->instance);
	unsigned wait_ms = 1; /* none runs: the new program may do better, at once */

	c->generation = from->generation;
	c->wire = from->wire;
	c->version = from->version.n > 0 ? strndup((const char *)from->version.p, from->version.n)
					 : NULL;
	c->restarts = from->restarts;
	c->failures = from->failures;
	c->trial = from->trial != 0;
	c->leaving = from->leaving != 0;
	c->handed = from->handed != 0;
	c->started_ms = from->started_ms;
	c->started_wall_us = from->started_wall_us;
	c->ended_ms = from->ended_ms;
	c->end_status = (int)from->end_status;
	c->state = CHILD_BACKOFF;
	for (size_t i = 0; i < NITEMS(adopted_states) && from->pid > 0; i++)
		if (bytes_is(from->state, adopted_states[i].name))
			c->state = adopted_states[i].state;
	if (c->state != CHILD_BACKOFF) {
		c->pid = (pid_t)from->pid;
		wait_ms = c->state == CHILD_DRAINING ? leave_ms(c) : START_TIMEOUT_MS;
		if (from->fd >= 0)
			open_channel(c, from->fd);
	}
	if (c->state != CHILD_READY)
		set_timer(c, wait_ms);
	return c;
}

static void
log_exit(const struct child *c, int status)
{
	const char *name = service_name(c->row->service);

	if (c->state == CHILD_DRAINING && WIFEXITED(status))
		log_debug("%s[%u] pid %d has finished", name, c->instance, (int)c->pid);
	else if (WIFSIGNALED(status))
		log_warning("%s[%u] pid %d was killed by signal %d", name, c->instance, (int)c->pid,
			WTERMSIG(status));
	else
		log_warning("%s[%u] pid %d exited with status %d%s", name, c->instance, (int)c->pid,
			WEXITSTATUS(status),
			WEXITSTATUS(status) == 127 ? " (its program is not there)" : "");
}

void
child_exited(struct master *m, pid_t pid, int status)
{
	struct child *c;

	if (upgrade_child_exited(m, pid, status))
		return;
	TAILQ_FOREACH (c, &m->children, link) {
		if (c->pid != pid)
			continue;
		log_exit(c, status);
		c->pid = 0;
		c->ended_ms = clock_mono_ms();
		c->end_status = status;
		if (c->control != NULL)
			master_status_forget(m, c->control);
		ipc_channel_free(&c->control);
		child_event(c, EVENT_EXIT);
		return;
	}
}
