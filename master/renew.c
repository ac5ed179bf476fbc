/* SPDX-License-Identifier: ISC */
/*
 * master/renew.c - the new master replaces every process by one of its own version.
 *
 * 1. Trial: new processes of all services but those that must be alone (services.h: sole) start
 *    beside the old ones. If one does not become ready, all new ones go and the old serve on.
 * 2. Switch: the new ones serve. The old ones are left, doors first: they serve whom they
 *    have, and each goes when nobody needs it (lib/daemon/leave.c).
 * 3. Owners: each finishes what it has begun and goes, and the new one starts; who asks it
 *    waits meanwhile (lib/daemon/link.c).
 *
 * Where the two versions do not understand each other's messages (wire_version.h) the old
 * processes cannot live on beside new owners: they are drained as at the stop, phase by phase,
 * while the new doors have the ports already.
 */
#include <stdlib.h>

#include "clock.h"
#include "common_conf.h"
#include "log.h"
#include "upgrade.h"
#include "version.h"
#include "wire_version.h"

#define OWNER_TIMEOUT_MS 120000

static void tell(struct upgrade *u, const char *format, ...) PRINTF_LIKE(2, 3);

static void
tell(struct upgrade *u, const char *format, ...)
{
	const size_t before = u->story.len;
	va_list ap;

	va_start(ap, format);
	buf_vprintf(&u->story, format, ap);
	va_end(ap);
	log_info("upgrade: %s", buf_str(&u->story) + before);
	buf_put_str(&u->story, "\n");
}

static bool
is_old(const struct child *c)
{
	return c->generation < c->master->generation;
}

/* One of the last version that serves and has a successor in this one. */
static bool
is_to_be_left(const struct child *c)
{
	return is_old(c) && !c->leaving && !c->row->sole &&
	       (c->state == CHILD_READY || c->state == CHILD_STARTING);
}

static struct child *
trial_of(const struct child *old)
{
	struct child *c;

	TAILQ_FOREACH (c, &old->master->children, link) {
		if (c->trial && !is_old(c) && c->row == old->row && c->instance == old->instance)
			return c;
	}
	return NULL;
}

bool
upgrade_holds(const struct child *c)
{
	const struct upgrade *u = c->master->upgrade;

	return u != NULL && u->step == UPGRADE_TRIAL && !is_old(c);
}

static void
finish(struct master *m, enum upgrade_step how)
{
	upgrade_enter(m->upgrade, how);
	notify_ready(m);
}

/* ---- trial ---- */

static void
add_trial(struct master *m, const struct child *old)
{
	struct child *fresh = child_new(m, old->row, old->instance);

	fresh->trial = true;
	fresh->generation = m->generation;
	fresh->restarts = old->restarts;
	m->upgrade->trials++;
}

/* Phase by phase, those that are asked first: all at once would take the machine from those that
 * serve, and a door is of no use alone. */
static void
start_phase(struct master *m)
{
	struct child *c, *next;

	for (c = TAILQ_FIRST(&m->children); c != NULL; c = next) {
		next = TAILQ_NEXT(c, link);
		if (c->trial && !is_old(c) && c->row->stop_phase == m->upgrade->phase)
			child_event(c, EVENT_START);
	}
	upgrade_advance(m); /* a phase may be empty */
}

static void
begin_trials(struct master *m)
{
	struct child *c, *last = TAILQ_LAST(&m->children, child_list), *next;

	for (c = TAILQ_FIRST(&m->children); c != NULL; c = next) {
		next = c == last ? NULL : TAILQ_NEXT(c, link); /* the new ones join at the end */
		if (is_old(c) && c->trial) { /* a reload was under way: ours know more */
			c->trial = false;
			c->leaving = true;
			child_event(c, EVENT_DRAIN);
		} else if (is_to_be_left(c) && c->instance < master_instances(m, c->row)) {
			add_trial(m, c);
		}
	}
	m->upgrade->phase = STOP_PHASES - 1;
	start_phase(m);
}

/* All of them go when they have served whom they have; nothing else has happened. */
static void
give_up(struct master *m)
{
	struct child *c, *next;

	TAILQ_FOREACH (c, &m->children, link) {
		if (!is_to_be_left(c) || c->instance >= master_instances(m, c->row) ||
			trial_of(c) != NULL)
			continue;
		tell(m->upgrade, "%s of the new version does not start; see the log",
			service_name(c->row->service));
		break;
	}
	for (c = TAILQ_FIRST(&m->children); c != NULL; c = next) {
		next = TAILQ_NEXT(c, link);
		if (!c->trial || is_old(c))
			continue;
		c->trial = false;
		c->leaving = true;
		child_event(c, EVENT_LEAVE); /* it may have clients already */
	}
	tell(m->upgrade, "the processes of the old version serve on; install it again, or mend "
			 "this one, and run \"relais upgrade\"");
	finish(m, UPGRADE_FAILED);
}

/* The old one died meanwhile and was started again, as a new one: it is the one too many. */
static struct child *
trial_left_over(struct master *m)
{
	struct child *c;

	TAILQ_FOREACH (c, &m->children, link) {
		if (c->trial && !is_old(c))
			return c;
	}
	return NULL;
}

static void leave_phase(struct master *m);

static void
begin_switch(struct master *m)
{
	struct upgrade *u = m->upgrade;
	struct child *c, *fresh;

	tell(u, "%u new processes are ready", u->trials);
	upgrade_enter(u, UPGRADE_SWITCH);
	TAILQ_FOREACH (c, &m->children, link) {
		if (!is_to_be_left(c))
			continue;
		c->leaving = true;
		fresh = trial_of(c);
		if (fresh != NULL)
			fresh->trial = false;
	}
	while ((fresh = trial_left_over(m)) != NULL)
		child_succeeded(fresh);
	u->phase = 0;
	leave_phase(m);
}

static void
look_at_trials(struct master *m)
{
	struct upgrade *u = m->upgrade;
	unsigned present = 0, waiting = 0;
	struct child *c;

	TAILQ_FOREACH (c, &m->children, link) {
		if (!c->trial || is_old(c))
			continue;
		present++;
		waiting += c->row->stop_phase >= u->phase && c->state != CHILD_READY;
	}
	if (present < u->trials)
		give_up(m);
	else if (waiting == 0 && u->phase == 0)
		begin_switch(m);
	else if (waiting == 0) {
		u->phase--;
		start_phase(m);
	}
}

/* ---- switch ---- */

/* Without a common language: as at the stop; what must be alone comes anew at once. */
static void
drain(struct child *c)
{
	if (c->state == CHILD_BACKOFF || c->state == CHILD_ABSENT)
		return;
	c->again = c->row->sole;
	child_event(c, EVENT_DRAIN);
	child_event(c, EVENT_DRAIN); /* with no more patience than at the stop */
}

static void
leave(struct child *c)
{
	if (!c->leaving || c->row->sole || c->state == CHILD_DRAINING)
		return;
	c->master->upgrade->waiting += c->state == CHILD_READY && c->control != NULL;
	child_event(c, EVENT_LEAVE);
}

static void
leave_phase(struct master *m)
{
	struct child *c, *next;

	for (c = TAILQ_FIRST(&m->children); c != NULL; c = next) {
		next = TAILQ_NEXT(c, link);
		if (!is_old(c) || c->row->stop_phase != m->upgrade->phase)
			continue;
		if (m->upgrade->other_messages)
			drain(c);
		else
			leave(c);
	}
	upgrade_advance(m); /* a phase may be empty */
}

void
upgrade_handed(struct master *m)
{
	if (m->upgrade != NULL && m->upgrade->waiting > 0)
		m->upgrade->waiting--;
	upgrade_advance(m);
}

static bool
phase_is_over(struct master *m)
{
	struct child *c;

	if (!m->upgrade->other_messages)
		return m->upgrade->waiting == 0;
	TAILQ_FOREACH (c, &m->children, link) {
		if (is_old(c) && c->row->stop_phase == m->upgrade->phase &&
			c->state != CHILD_BACKOFF && c->state != CHILD_ABSENT)
			return false;
	}
	return true;
}

static void
look_at_phase(struct master *m)
{
	struct upgrade *u = m->upgrade;

	if (!phase_is_over(m))
		return;
	if (++u->phase < STOP_PHASES) {
		leave_phase(m);
		return;
	}
	tell(u, "the new processes serve; %s",
		u->other_messages ? "sessions of before were ended"
				  : "sessions of before go on with the old ones");
	upgrade_enter(u, UPGRADE_OWNERS);
	upgrade_advance(m);
}

/* ---- owners ---- */

/* What it has sent out for qmgr: finished in seconds, or taken back. */
static void
hurry_clients(struct master *m)
{
	struct child *c, *next;

	for (c = TAILQ_FIRST(&m->children); c != NULL; c = next) {
		next = TAILQ_NEXT(c, link);
		if (c->row->service == SERVICE_SMTP_CLIENT && c->leaving)
			child_event(c, EVENT_DRAIN);
	}
}

/* In the order of the stop: who asks comes before who is asked. */
static struct child *
next_owner(struct master *m)
{
	struct child *c, *found = NULL;

	TAILQ_FOREACH (c, &m->children, link) {
		if (c->row->sole && is_old(c) && !c->leaving && c->state == CHILD_READY &&
			(found == NULL || c->row->stop_phase < found->row->stop_phase))
			found = c;
	}
	return found;
}

/* One that is between its two processes. */
static struct child *
owner_under_way(struct master *m)
{
	struct child *c;

	TAILQ_FOREACH (c, &m->children, link) {
		if (c->row->sole && !c->leaving && c->state != CHILD_READY &&
			c->state != CHILD_ABSENT)
			return c;
	}
	return NULL;
}

static void
finish_well(struct master *m)
{
	master_children_wanted(m);
	listeners_close(m, true);
	tell(m->upgrade, "version %s serves", relais_version());
	finish(m, UPGRADE_DONE);
}

static void
look_at_owners(struct master *m)
{
	struct upgrade *u = m->upgrade;
	struct child *c = owner_under_way(m);

	if (c != NULL) {
		if (clock_mono_ms() - u->since_ms < OWNER_TIMEOUT_MS)
			return;
		tell(u, "%s of the new version does not start; see the log. It is tried on",
			service_name(c->row->service));
		finish(m, UPGRADE_FAILED);
		return;
	}
	c = next_owner(m);
	if (c == NULL) {
		finish_well(m);
		return;
	}
	upgrade_enter(u, UPGRADE_OWNERS);
	tell(u, "%s is replaced", service_name(c->row->service));
	if (c->row->service == SERVICE_QMGR)
		hurry_clients(m);
	c->again = true;
	child_event(c, EVENT_LEAVE);
}

/* ---- all of it ---- */

static void
on_turn(evutil_socket_t fd, short what, void *arg)
{
	struct master *m = arg;

	if (m->stopping)
		upgrade_enter(m->upgrade, UPGRADE_FAILED);
	else if (m->upgrade->step == UPGRADE_TRIAL)
		look_at_trials(m);
	else if (m->upgrade->step == UPGRADE_SWITCH)
		look_at_phase(m);
	else if (m->upgrade->step == UPGRADE_OWNERS)
		look_at_owners(m);
}

void
renew_begin(struct master *m)
{
	struct upgrade *u = upgrade_new(m, UPGRADE_TRIAL, on_turn);
	struct child *c;

	TAILQ_FOREACH (c, &m->children, link) {
		u->other_messages |= is_old(c) && c->wire != 0 && c->wire != ipc_wire();
	}
	tell(u, "version %s has taken over", relais_version());
	master_report_errors(&m->conf, &u->story); /* doors that could not be opened */
	begin_trials(m);
	upgrade_advance(m);
}
