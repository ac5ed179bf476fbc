/* SPDX-License-Identifier: ISC */
/*
 * master/succeed.c - a service whose process is replaced without a gap and without a risk.
 *
 * A new process starts on trial beside the one that serves. When it is ready it takes the place
 * and the old one is told to finish; if it dies before, the old one has never been touched.
 */
#include "log.h"
#include "master.h"

static struct child *
on_trial(struct master *m, const struct child *of)
{
	struct child *c;

	TAILQ_FOREACH (c, &m->children, link) {
		if (c->trial && !c->leaving && c->row == of->row && c->instance == of->instance)
			return c;
	}
	return NULL;
}

void
master_succeed(struct master *m, struct child *old)
{
	struct child *fresh = on_trial(m, old);

	if (fresh != NULL) { /* it knows less than the next one will */
		fresh->trial = false;
		fresh->leaving = true;
		child_event(fresh, EVENT_DRAIN);
	}
	fresh = child_new(m, old->row, old->instance);
	fresh->trial = true;
	fresh->restarts = old->restarts;
	child_event(fresh, EVENT_START);
}

void
child_succeeded(struct child *c)
{
	struct child *old = child_find(c->master, c->row->service, c->instance);

	c->trial = false;
	if (old == NULL)
		return;
	log_info("%s[%u]: pid %d takes the place of pid %d", service_name(c->row->service),
		c->instance, (int)c->pid, (int)old->pid);
	old->leaving = true;
	child_event(old, EVENT_DRAIN);
}
