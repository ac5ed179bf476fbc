/* SPDX-License-Identifier: ISC */
/*
 * local-delivery/system.c - jobs for system users: one child at a time for each user.
 *
 * Runs in:  system-delivery.
 * Trusts:   qmgr's jobs after decoding; its children with their own user's mail only.
 */
#include "local.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "child.h"
#include "commands.h"
#include "jail.h"
#include "log.h"
#include "sys.h"

struct system;

/* A child at work. */
struct worker {
	LIST_ENTRY(worker) link;
	struct system *system;
	struct child child;
	struct event *ended;
	bool late; /* its jobs were given up, it itself has not ended yet */
	uint32_t uid;
	size_t n;
	struct delivery_item items[DELIVERY_BATCH_MAX];
	struct intake_job *jobs[DELIVERY_BATCH_MAX];
};

struct system {
	struct daemon *daemon;
	struct intake *intake;
	struct commands *commands;  /* NULL: not enabled */
	struct intake_jobs waiting; /* for a child to be free, or their user's to end */
	LIST_HEAD(, worker) workers;
	size_t n_workers;
	int sync_fd;
	struct buf filter; /* the children's seccomp program */
};

static void start_workers(struct system *s);

static void
answer_all(struct worker *w)
{
	struct system *s = w->system;

	for (size_t i = 0; i < w->n; i++) {
		const struct delivery_item *item = &w->items[i];

		if (item->outcome.octets > 0)
			quota_delivered(intake_quota(s->intake), &item->job, item->outcome.octets);
		intake_answer(s->intake, w->jobs[i], &item->outcome);
	}
	w->n = 0;
}

static void
on_ended(evutil_socket_t fd, short what, void *arg)
{
	struct worker *w = arg;
	struct system *s = w->system;

	UNUSED(fd);
	if (what & EV_TIMEOUT) {
		log_error("delivery for uid %u takes too long", w->uid);
		for (size_t i = 0; i < w->n; i++)
			w->items[i].outcome = delivery_outcome_for(ERR_TIMEOUT);
		answer_all(w);
		w->late = true;
		event_add(w->ended, NULL);
		return;
	}
	if (!child_finish(&w->child, w->items, w->n))
		log_error("delivery for uid %u ended badly", w->uid);
	answer_all(w);
	LIST_REMOVE(w, link);
	s->n_workers--;
	event_free(w->ended);
	free(w);
	start_workers(s);
}

static bool
is_served(const struct system *s, uint32_t uid)
{
	const struct worker *w;

	LIST_FOREACH (w, &s->workers, link)
		if (w->uid == uid)
			return true;
	return false;
}

/* Take the jobs that go with the first one. */
static void
gather(struct system *s, struct worker *w, const struct intake_job *first)
{
	const struct delivery_job *like = &first->item.job;
	struct intake_job *j, *next;

	w->uid = like->uid;
	for (j = TAILQ_FIRST(&s->waiting); j != NULL && w->n < DELIVERY_BATCH_MAX; j = next) {
		next = TAILQ_NEXT(j, link);
		if (j->item.job.uid != like->uid || j->item.job.gid != like->gid ||
			!bytes_equal(j->item.job.home, like->home))
			continue;
		TAILQ_REMOVE(&s->waiting, j, link);
		w->items[w->n] = j->item;
		w->jobs[w->n++] = j;
	}
}

static void
start_worker(struct system *s, const struct intake_job *first)
{
	const struct local_delivery_conf *conf = s->daemon->conf;
	struct worker *w = xcalloc(1, sizeof(*w));
	const struct child_spec spec = { .root_fd = s->daemon->root_fd,
		.privileged = s->daemon->privileged,
		.timeout_seconds = (unsigned)(conf->system_timeout / 1000),
		.hostname = s->daemon->common->hostname,
		.filter = buf_bytes(&s->filter),
		.conf = conf };
	/* the child's own alarm comes first */
	const struct timeval limit = { spec.timeout_seconds + 2, 0 };
	int r;

	w->system = s;
	gather(s, w, first);
	r = child_start(&spec, w->items, w->n, &w->child);
	if (r < 0) {
		for (size_t i = 0; i < w->n; i++)
			w->items[i].outcome = delivery_outcome_for(r);
		answer_all(w);
		free(w);
		return;
	}
	w->ended = event_new(s->daemon->base, w->child.pid_fd, EV_READ, on_ended, w);
	ASSERT(w->ended != NULL);
	event_add(w->ended, &limit);
	LIST_INSERT_HEAD(&s->workers, w, link);
	s->n_workers++;
}

static void
start_workers(struct system *s)
{
	const struct local_delivery_conf *conf = s->daemon->conf;
	struct intake_job *j = TAILQ_FIRST(&s->waiting);

	while (j != NULL && s->n_workers < conf->system_children) {
		if (is_served(s, j->item.job.uid)) {
			j = TAILQ_NEXT(j, link);
			continue;
		}
		start_worker(s, j);
		j = TAILQ_FIRST(&s->waiting); /* many have gone with it */
	}
}

/* May this be done at all? */
static bool
check(struct system *s, const struct intake_job *j, struct delivery_outcome *o)
{
	const struct delivery_job *job = &j->item.job;
	bool owner_ok =
		job->uid != 0 && job->gid != 0 && (s->daemon->privileged || job->uid == getuid());

	if (!owner_ok) {
		log_error("a system user's mailbox may not belong to uid %u, gid %u", job->uid,
			job->gid);
		*o = delivery_outcome_for(DELIVERY_WHY_OWNER);
		return false;
	}
	return delivery_within_quota(intake_quota(s->intake), s->daemon->conf, job, o);
}

static void
work(void *arg, struct intake_jobs *jobs)
{
	struct system *s = arg;
	struct intake_job *j;

	while ((j = TAILQ_FIRST(jobs)) != NULL) {
		struct delivery_outcome o;

		TAILQ_REMOVE(jobs, j, link);
		if (commands_take(s->commands, s->intake, j))
			continue;
		if (check(s, j, &o))
			TAILQ_INSERT_TAIL(&s->waiting, j, link);
		else
			intake_answer(s->intake, j, &o);
	}
	start_workers(s);
}

static bool
idle(void *arg)
{
	const struct system *s = arg;

	return TAILQ_EMPTY(&s->waiting) && LIST_EMPTY(&s->workers) && commands_idle(s->commands);
}

int
system_start(struct daemon *d)
{
	struct system *s = xcalloc(1, sizeof(*s));
	int r = commands_start(d, &s->commands);

	if (r < 0)
		return r;
	/* for syncfs; later the mail root may not be ours to open */
	s->sync_fd = sys_openat(d->root_fd, ".", O_RDONLY | O_DIRECTORY, 0);
	if (s->sync_fd < 0) {
		log_error("mail root: %s", err_text(s->sync_fd));
		return s->sync_fd;
	}
	d->ctx = s;
	return jail_seccomp_prepare(SANDBOX_FILES, &s->filter);
}

int
system_run(struct daemon *d)
{
	struct system *s = d->ctx;

	s->daemon = d;
	TAILQ_INIT(&s->waiting);
	LIST_INIT(&s->workers);
	s->intake = intake_new(
		d, &(struct intake_spec){
			   .sync_fd = s->sync_fd, .work = work, .idle = idle, .arg = s });
	commands_run(s->commands, s->intake);
	return ERR_OK;
}
