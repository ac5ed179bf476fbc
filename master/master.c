/* SPDX-License-Identifier: ISC */
/*
 * master/master.c - the life of the suite: folders, listeners, children, signals, ready.
 */
#include "master.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sys/capability.h>

#include "clock.h"
#include "common_conf.h"
#include "log.h"
#include "random.h"
#include "upgrade.h"

/* What master and its children (before their jails) need of root's power. */
static const cap_value_t needed_caps[] = { CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH,
	CAP_FOWNER, CAP_KILL, CAP_SETUID, CAP_SETGID, CAP_SETPCAP, CAP_NET_BIND_SERVICE,
	CAP_SYS_CHROOT, CAP_SYS_RESOURCE };

static void
limit_capabilities(void)
{
	cap_t caps = cap_init();

	for (int cap = 0; prctl(PR_CAPBSET_READ, cap) >= 0; cap++) {
		bool keep = false;

		for (size_t i = 0; i < NITEMS(needed_caps); i++)
			keep |= needed_caps[i] == cap;
		if (!keep)
			(void)prctl(PR_CAPBSET_DROP, cap);
	}
	if (caps == NULL)
		return;
	cap_set_flag(caps, CAP_PERMITTED, NITEMS(needed_caps), needed_caps, CAP_SET);
	cap_set_flag(caps, CAP_EFFECTIVE, NITEMS(needed_caps), needed_caps, CAP_SET);
	if (cap_set_proc(caps) != 0)
		log_debug("capabilities stay as they are: %m"); /* a container gave us fewer */
	cap_free(caps);
}

unsigned
master_instances(const struct master *m, const struct service_row *row)
{
	return service_instances(row, &m->conf, m->cores);
}

void
master_check_ready(struct master *m)
{
	struct child *c;

	if (m->ready)
		return;
	TAILQ_FOREACH (c, &m->children, link) {
		if (c->state != CHILD_READY)
			return;
	}
	m->ready = true;
	log_info("ready");
	log_flush();
	printf("ready\n");
	fflush(stdout);
	notify_ready(m);
}

void
master_children_wanted(struct master *m)
{
	struct child *c, *next;

	for (size_t i = 0; i < nservices; i++) {
		unsigned n = master_instances(m, &services[i]);

		for (unsigned k = 0; k < n; k++)
			if (child_find(m, services[i].service, k) == NULL)
				child_event(child_new(m, &services[i], k), EVENT_START);
	}
	for (c = TAILQ_FIRST(&m->children); c != NULL; c = next) {
		next = TAILQ_NEXT(c, link);
		if (c->leaving || c->instance < master_instances(m, c->row))
			continue;
		c->leaving = true;
		child_event(c, EVENT_DRAIN);
	}
}

/* ---- signals ---- */

static void
on_child_signal(evutil_socket_t sig, short what, void *arg)
{
	struct master *m = arg;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		child_exited(m, pid, status);
}

static void
on_end_signal(evutil_socket_t sig, short what, void *arg)
{
	master_stop(arg);
}

static void
on_hangup(evutil_socket_t sig, short what, void *arg)
{
	struct buf text = BUF_INIT;

	(void)log_sink_reopen(arg, &text);
	(void)master_reload(arg, false, &text); /* what was refused is in the log */
	buf_free(&text);
}

static void
watch_signals(struct master *m)
{
	static const struct {
		int signal;
		event_callback_fn act;
	} rows[] = { { SIGCHLD, on_child_signal }, { SIGTERM, on_end_signal },
		{ SIGINT, on_end_signal }, { SIGHUP, on_hangup } };

	for (size_t i = 0; i < NITEMS(rows); i++) {
		m->signals[i] =
			event_new(m->base, rows[i].signal, EV_SIGNAL | EV_PERSIST, rows[i].act, m);
		ASSERT(m->signals[i] != NULL);
		event_add(m->signals[i], NULL);
	}
	if (m->take_over_fd >= 0) { /* held back while the program changed */
		sigset_t none;

		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		on_child_signal(SIGCHLD, 0, m);
	}
}

static void
raise_limits(void)
{
	struct rlimit limit;

	/* the children's own limits, set in their jails, may not exceed ours */
	limit.rlim_cur = limit.rlim_max = 1u << 20;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0 && getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static int
tell_what_is_missing(struct master *m)
{
	for (const struct conf_error *e = m->conf.first; e != NULL; e = e->next)
		log_error("%s: %s", e->file, e->text);
	return ERR_OK;
}

static int
prepare(struct master *m)
{
	struct buf text = BUF_INIT;
	int r;

	m->privileged = geteuid() == 0;
	m->cores = (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
	TAILQ_INIT(&m->children);
	TAILQ_INIT(&m->listeners);
	TAILQ_INIT(&m->gatherings);
	m->started_ms = clock_mono_ms();
	m->started_wall_us = clock_wall_us();
	random_fill(m->secret, sizeof(m->secret));
	signal(SIGPIPE, SIG_IGN);
	raise_limits();
	m->base = event_base_new();
	ASSERT(m->base != NULL);
	r = m->take_over_fd >= 0 ? take_over(m) : log_sink_open(m);
	if (r < 0)
		return r;
	r = folders_make(m);
	if (r == ERR_OK && m->take_over_fd < 0)
		r = control_open(m);
	if (r == ERR_OK || m->take_over_fd >= 0) /* those that are open are wanted in any case */
		r = listeners_open(m);
	if (m->take_over_fd >= 0) /* what has a process is served, whatever is missing */
		r = tell_what_is_missing(m);
	if (r < 0) {
		master_report_errors(&m->conf, &text);
		fprintf(stderr, "%srelais-master: not started; see the log\n", buf_str(&text));
		for (const struct conf_error *e = m->conf.first; e != NULL; e = e->next)
			log_error("%s: %s", e->file, e->text);
		buf_free(&text);
		return r;
	}
	if (m->privileged)
		limit_capabilities();
	return ERR_OK;
}

int
master_run(struct master *m)
{
	const struct common_conf *common;
	struct buf path = BUF_INIT;

	if (prepare(m) < 0) {
		log_flush();
		return 1;
	}
	watch_signals(m);
	log_info("starting");
	master_tell_findings(m);
	changed_files_watch(m);
	if (m->take_over_fd >= 0)
		renew_begin(m);
	else
		master_children_wanted(m);
	watchdog_start(m);
	notify_watchdog_start(m);
	while (!m->finished) {
		if (event_base_loop(m->base, EVLOOP_ONCE) < 0)
			break;
		log_flush();
	}
	common = conf_values(&m->conf, "");
	buf_printf(&path, "%s/control", common->run);
	unlink(buf_str(&path));
	buf_free(&path);
	log_flush();
	return 0;
}
