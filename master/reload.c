/* SPDX-License-Identifier: ISC */
/*
 * master/reload.c - a new configuration: checked whole, then taken; or nothing changes.
 */
#include <stdio.h>
#include <stdlib.h>

#include "common_conf.h"
#include "conf_check.h"
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

bool
master_check_conf(struct conf *conf, const char *path)
{
	struct conf_findings found;

	conf_findings_init(&found, conf, path);
	conf_check(&found);
	for (const struct conf_finding *f = found.first; f != NULL; f = f->next)
		if (f->blocks)
			conf_add_error(conf, f->file, f->line, "%s%s%s; %s",
				f->option != NULL ? f->option : "", f->option != NULL ? ": " : "",
				f->text, f->cure);
	conf_findings_free(&found);
	return conf->first == NULL;
}

static void
tell(const struct conf_finding *f, struct buf *text)
{
	struct buf line = BUF_INIT;

	conf_finding_put(&line, f);
	log_warning("%s", buf_str(&line));
	if (text != NULL)
		buf_printf(text, "%s\n", buf_str(&line));
	buf_free(&line);
}

/* What is taken all the same, and ought to be known: errors, and what is dangerous. */
static void
tell_findings(const struct conf *conf, const char *path, struct buf *text)
{
	struct conf_findings found;
	unsigned others = 0;

	conf_findings_init(&found, conf, path);
	conf_check(&found);
	for (const struct conf_finding *f = found.first; f != NULL; f = f->next) {
		if (f->severity == CONF_ERROR || strcmp(f->check, "dangers") == 0)
			tell(f, text);
		else
			others++;
	}
	if (others > 0)
		log_info("%u more warning%s of the configuration: relais config check", others,
			others == 1 ? "" : "s");
	conf_findings_free(&found);
}

void
master_tell_findings(const struct master *m)
{
	tell_findings(&m->conf, m->conf_path, NULL);
}

/* Does the change open a relay, or drop TLS? Then the text says so, and how command takes it. */
static bool
is_dangerous(
	const struct master *m, const struct conf *fresh, const char *command, struct buf *text)
{
	struct conf_findings found;
	struct buf line = BUF_INIT;
	unsigned n;

	conf_findings_init(&found, fresh, m->conf_path);
	n = conf_find_new_dangers(&found, &m->conf);
	for (const struct conf_finding *f = found.first; f != NULL; f = f->next)
		tell(f, text);
	conf_findings_free(&found);
	if (n == 0)
		return false;
	buf_printf(&line,
		"configuration not taken: the change is dangerous; if it is meant: "
		"relais %s --yes-really",
		command);
	buf_printf(text, "%s\n", buf_str(&line));
	log_error("%s", buf_str(&line));
	buf_free(&line);
	return true;
}

static void
read_conf(const struct master *m, struct conf *fresh)
{
	conf_init(fresh);
	if (m->conf_path != NULL)
		(void)conf_load(fresh, m->conf_path);
	for (size_t i = 0; i < m->noverrides; i++)
		(void)conf_override(fresh, m->overrides[i]);
	if (fresh->first == NULL)
		(void)master_check_conf(fresh, m->conf_path);
}

bool
master_upgrade_is_dangerous(const struct master *m, struct buf *text)
{
	struct conf fresh;
	bool dangerous;

	/* what only the next version knows is an error here, and its matter */
	read_conf(m, &fresh);
	dangerous = is_dangerous(m, &fresh, "upgrade", text);
	conf_free(&fresh);
	return dangerous;
}

/* What is different now, in the answer and in the log. */
static void
tell_differences(const struct conf *running, const struct conf *fresh, struct buf *text)
{
	struct buf lines = BUF_INIT;
	struct bytes rest;

	if (conf_put_differences(&lines, running, fresh) == 0)
		buf_put_str(text, "no option has changed\n");
	buf_put_bytes(text, buf_bytes(&lines));
	for (rest = buf_bytes(&lines); rest.n > 0;) {
		struct bytes line = bytes_cut(&rest, '\n');

		log_info("changed: %.*s", (int)line.n, (const char *)line.p);
	}
	buf_free(&lines);
}

int
master_reload(struct master *m, bool yes_really, struct buf *text)
{
	struct conf fresh, old = m->conf;
	struct child *c, *next, *last = TAILQ_LAST(&m->children, child_list);

	if (upgrade_is_running(m)) {
		buf_put_str(text, "an upgrade is under way; try again in a moment\n");
		return ERR_BUSY;
	}
	read_conf(m, &fresh);
	if (fresh.first == NULL && !yes_really && is_dangerous(m, &fresh, "reload", text)) {
		conf_free(&fresh);
		return ERR_DENIED;
	}
	if (fresh.first == NULL) {
		tell_differences(&old, &fresh, text);
		tell_at_start(&old, &fresh, text);
		conf_keep_at_start(&fresh, &old);
		m->conf = fresh;
		m->conf.last = &m->conf.first;
		(void)listeners_open(m);
		fresh = m->conf;
	}
	if (fresh.first != NULL) {
		buf_clear(text);
		master_report_errors(&fresh, text);
		log_error("configuration not taken: %.400s", buf_str(text));
		m->conf = old;
		(void)listeners_open(m); /* what is open already; cannot fail anew */
		listeners_close(m, true);
		conf_free(&fresh);
		return ERR_SYNTAX;
	}
	tell_findings(&m->conf, m->conf_path, text);
	notify_reloading();
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
	notify_ready(m);
	buf_put_str(text, "configuration taken\n");
	log_info("configuration taken");
	return ERR_OK;
}
