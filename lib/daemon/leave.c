/* SPDX-License-Identifier: ISC */
/*
 * lib/daemon/leave.c - another process of our service takes over: nobody is to notice.
 *
 * Who asks us is told, once the daemon itself may (spec->may_leave), and lets go of its channel
 * when everything that it asked is answered. When no caller is left, and no client of our own
 * (spec->is_busy), we are drained as at any other end. Callers that are leaving themselves
 * may stay, unless our successor waits for us to be gone (sole): then they may not, and
 * there is a limit to the patience.
 */
#include <stdlib.h>

#include "clock.h"
#include "daemon_private.h"
#include "log.h"

#define LOOK_FIRST_MS 5
#define LOOK_MOST_MS  1000
#define LOOK_SOLE_MS  10
#define SOLE_MOST_MS  10000

void
leave_caller_up(struct daemon_private *p, struct ipc_channel *channel)
{
	struct caller *c;

	if (ipc_peer(channel) == SERVICE_CLI) /* asks once and goes; knows of no successor */
		return;
	c = xcalloc(1, sizeof(*c));
	c->channel = channel;
	LIST_INSERT_HEAD(&p->callers, c, link);
	if (p->told_ms != 0)
		ipc_say_leaving(channel, p->sole);
}

void
leave_caller_down(struct daemon_private *p, const struct ipc_channel *channel)
{
	struct caller *c;

	LIST_FOREACH (c, &p->callers, link) {
		if (c->channel != channel)
			continue;
		LIST_REMOVE(c, link);
		free(c);
		return;
	}
}

static void
tell_callers(struct daemon_private *p)
{
	struct caller *c;

	p->told_ms = clock_mono_ms();
	LIST_FOREACH (c, &p->callers, link) {
		ipc_say_leaving(c->channel, p->sole);
	}
}

static bool
is_time(struct daemon_private *p)
{
	const struct daemon_spec *spec = p->d.spec;

	if (p->told_ms == 0) {
		if (spec->may_leave != NULL && !spec->may_leave(&p->d))
			return false;
		tell_callers(p);
	}
	if (p->sole && clock_mono_ms() - p->told_ms > SOLE_MOST_MS) {
		log_warning("somebody does not let go; ending");
		return true;
	}
	return LIST_EMPTY(&p->callers) && (spec->is_busy == NULL || !spec->is_busy(&p->d));
}

static void
on_look(evutil_socket_t fd, short what, void *arg)
{
	struct daemon_private *p = arg;
	struct timeval wait;

	if (p->d.draining)
		return;
	if (is_time(p)) {
		daemon_begin_drain(p);
		return;
	}
	wait = (struct timeval){ p->leave_wait_ms / 1000, p->leave_wait_ms % 1000 * 1000 };
	event_add(p->leave, &wait);
	p->leave_wait_ms *= 2;
	if (p->leave_wait_ms > (p->sole ? LOOK_SOLE_MS : LOOK_MOST_MS))
		p->leave_wait_ms = p->sole ? LOOK_SOLE_MS : LOOK_MOST_MS;
}

void
leave_begin(struct daemon_private *p, bool sole)
{
	if (p->d.leaving || p->d.draining)
		return;
	p->d.leaving = true;
	p->sole = sole;
	p->leave_wait_ms = LOOK_FIRST_MS;
	doors_close(p);
	p->leave = evtimer_new(p->d.base, on_look, p);
	ASSERT(p->leave != NULL);
	event_active(p->leave, EV_TIMEOUT, 1);
}
