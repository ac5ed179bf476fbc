/* SPDX-License-Identifier: ISC */
/*
 * master/reload.c - a new configuration: checked whole, then taken; or nothing changes.
 */
#include <stdio.h>
#include <stdlib.h>

#include "common_conf.h"
#include "log.h"
#include "master.h"

void
master_report_errors(const struct conf *conf, struct buf *text)
{
	for (const struct conf_error *e = conf->first; e != NULL; e = e->next) {
		if (e->line > 0)
			buf_printf(text, "%s:%u: %s\n", e->file, e->line, e->text);
		else
			buf_printf(text, "%s: %s\n", e->file, e->text);
	}
}

static void
send_config(struct child *c)
{
	struct child_conf room;
	struct control_config conf = child_conf_encode(c, &room);

	control_config_encode(ipc_compose(c->control), &conf);
	ipc_send(c->control, CONTROL_CONFIG, NULL, 0);
	child_conf_free(&room);
}

/* A new process in its place; the old one finishes. */
static void
replace(struct master *m, struct child *old)
{
	struct child *fresh = child_new(m, old->row, old->instance);

	fresh->restarts = old->restarts;
	old->leaving = true;
	child_event(fresh, EVENT_START);
	child_event(old, EVENT_DRAIN);
}

/* What the new values do not reach before the next start is said, not kept silent. */
static void
tell_at_start(const struct conf *running, const struct conf *fresh, struct buf *text)
{
	struct buf names = BUF_INIT;

	if (conf_changed_at_start(&names, running, fresh) > 0) {
		log_warning("taken only when the suite is started anew: %s", buf_str(&names));
		buf_printf(
			text, "taken only when the suite is started anew: %s\n", buf_str(&names));
	}
	buf_free(&names);
}

int
master_reload(struct master *m, struct buf *text)
{
	struct conf fresh, old = m->conf;
	struct child *c, *next, *last = TAILQ_LAST(&m->children, child_list);

	conf_init(&fresh);
	if (m->conf_path != NULL)
		(void)conf_load(&fresh, m->conf_path);
	for (size_t i = 0; i < m->noverrides; i++)
		(void)conf_override(&fresh, m->overrides[i]);
	if (fresh.first == NULL) {
		m->conf = fresh;
		m->conf.last = &m->conf.first;
		(void)listeners_open(m);
		fresh = m->conf;
	}
	if (fresh.first != NULL) {
		master_report_errors(&fresh, text);
		log_error("configuration not taken: %.400s", buf_str(text));
		m->conf = old;
		(void)listeners_open(m); /* what is open already; cannot fail anew */
		listeners_close(m, true);
		conf_free(&fresh);
		return ERR_SYNTAX;
	}
	tell_at_start(&old, &fresh, text);
	conf_free(&old);
	changed_files_taken(m);
	for (c = TAILQ_FIRST(&m->children); c != NULL; c = next) {
		/* the new ones join at the end: they are as they ought to be */
		next = c == last ? NULL : TAILQ_NEXT(c, link);
		if (c->leaving || c->trial ||
			(c->state != CHILD_READY && c->state != CHILD_STARTING))
			continue;
		if (c->row->reload == RELOAD_REPLACE)
			replace(m, c);
		else if (c->row->reload == RELOAD_SUCCEED)
			master_succeed(m, c);
		else if (c->control != NULL)
			send_config(c);
	}
	master_children_wanted(m);
	listeners_close(m, true);
	buf_put_str(text, "configuration taken\n");
	log_info("configuration taken");
	return ERR_OK;
}
