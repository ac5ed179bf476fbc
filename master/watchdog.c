/* SPDX-License-Identifier: ISC */
/*
 * master/watchdog.c - does each process still answer? One whose event loop stands still holds
 * its sockets and its peers' requests, and nobody would ever restart it.
 *
 * Every few seconds each process that is READY is sent a PING, which its loop answers. Without
 * an answer for `watchdog` it gets SIGABRT, five seconds later SIGKILL (child.c), and is
 * started again as after any other death. A process in a long system call (a disk that
 * hangs) looks the same, so the time is long.
 */
#include <stdlib.h>

#include "common_conf.h"
#include "log.h"
#include "master.h"

#define INTERVAL_MAX_MS 10000

static uint64_t
limit_ms(const struct master *m)
{
	const struct common_conf *common = conf_values(&m->conf, "");

	return common->watchdog;
}

/* The child is found again by its pid: it may have died and gone since. */
struct ping {
	struct master *master;
	pid_t pid;
};

static void
on_pong(void *arg, const struct ipc_answer *answer)
{
	const struct ping ping = *(struct ping *)arg;
	struct child *c;

	free(arg);
	TAILQ_FOREACH (c, &ping.master->children, link) {
		if (c->pid != ping.pid)
			continue;
		c->asked = answer->err == ERR_TIMEOUT; /* once is enough */
		if (c->asked)
			child_event(c, EVENT_HUNG);
		return;
	}
}

static void
ask(struct child *c, uint64_t limit)
{
	struct ping *p = xmalloc(sizeof(*p));

	*p = (struct ping){ c->master, c->pid };
	c->asked = true;
	ipc_compose(c->control);
	ipc_request(c->control, CONTROL_PING, NULL, 0, (unsigned)limit, on_pong, p);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct master *m = arg;
	const uint64_t limit = limit_ms(m);
	uint64_t wait_ms = limit / 4;
	struct child *c;

	TAILQ_FOREACH (c, &m->children, link) {
		if (limit > 0 && c->state == CHILD_READY && c->control != NULL && !c->asked)
			ask(c, limit);
	}
	if (limit == 0 || wait_ms > INTERVAL_MAX_MS)
		wait_ms = INTERVAL_MAX_MS;
	event_add(m->watch_timer, &(struct timeval){ (time_t)(wait_ms / 1000),
					  (suseconds_t)(wait_ms % 1000 * 1000) });
}

void
watchdog_start(struct master *m)
{
	m->watch_timer = event_new(m->base, -1, 0, on_timer, m);
	ASSERT(m->watch_timer != NULL);
	on_timer(-1, 0, m);
}
