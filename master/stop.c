/* SPDX-License-Identifier: ISC */
/*
 * master/stop.c - the orderly stop: doors first, then those they talk to, phase by phase.
 */
#include "log.h"
#include "master.h"

/* Is a process of this phase (or an earlier one) still there? */
static bool
phase_is_over(struct master *m)
{
	struct child *c;

	TAILQ_FOREACH (c, &m->children, link) {
		if (c->row->stop_phase <= m->stop_phase && c->state != CHILD_ABSENT)
			return false;
	}
	return true;
}

static void
drain_phase(struct master *m)
{
	struct child *c = TAILQ_FIRST(&m->children), *next;

	for (; c != NULL; c = next) {
		next = TAILQ_NEXT(c, link);
		if (c->row->stop_phase == m->stop_phase)
			child_event(c, EVENT_DRAIN);
	}
}

static void
on_step(evutil_socket_t fd, short what, void *arg)
{
	struct master *m = arg;

	if (!phase_is_over(m))
		return;
	if (++m->stop_phase < STOP_PHASES) {
		drain_phase(m);
		event_active(m->stop_timer, EV_TIMEOUT, 1); /* a phase may be empty */
		return;
	}
	m->finished = true;
	log_info("stopped");
}

void
master_stop_advance(struct master *m)
{
	if (m->stopping)
		event_active(m->stop_timer, EV_TIMEOUT, 1);
}

void
master_stop(struct master *m)
{
	if (m->stopping)
		return;
	log_info("stopping");
	notify_send("STOPPING=1");
	m->stopping = true;
	m->stop_phase = 0;
	m->stop_timer = event_new(m->base, -1, 0, on_step, m);
	ASSERT(m->stop_timer != NULL);
	listeners_close(m, false);
	drain_phase(m);
	master_stop_advance(m);
}
