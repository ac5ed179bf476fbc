/* SPDX-License-Identifier: ISC */
/*
 * local-delivery/local.c - jobs for virtual users: done here, batch by batch.
 *
 * Runs in:  local-delivery.
 * Trusts:   qmgr's jobs after decoding.
 */
#include "local.h"

#include <fcntl.h>
#include <stdlib.h>

#include "log.h"
#include "sys.h"

#define REST_AFTER_MS 1000

struct local {
	struct daemon *daemon;
	struct intake *intake;
	struct deliverer deliverer;
	struct event *rest;
	bool resting;
	struct delivery_item items[DELIVERY_BATCH_MAX];
};

static void
rest_later(struct local *l)
{
	const struct timeval wait = { REST_AFTER_MS / 1000, REST_AFTER_MS % 1000 * 1000 };

	if (l->resting)
		return;
	l->resting = true;
	event_add(l->rest, &wait);
}

static void
on_rest(evutil_socket_t fd, short what, void *arg)
{
	struct local *l = arg;

	UNUSED(fd), UNUSED(what);
	l->resting = false;
	store_deliverer_rest(l->deliverer.store);
}

static void
work(void *arg, struct intake_jobs *jobs)
{
	struct local *l = arg;
	struct intake_job *j;
	size_t n = 0;

	l->deliverer.conf = l->daemon->conf;
	TAILQ_FOREACH (j, jobs, link)
		l->items[n++] = j->item;
	deliver_batch(&l->deliverer, l->items, n);
	for (size_t i = 0; i < n; i++) {
		j = TAILQ_FIRST(jobs);
		TAILQ_REMOVE(jobs, j, link);
		intake_answer(l->intake, j, &l->items[i].outcome);
	}
	rest_later(l);
}

int
local_run(struct daemon *d)
{
	struct local *l = xcalloc(1, sizeof(*l));
	const struct local_delivery_conf *conf = d->conf;
	const struct store_deliverer_options options = { .hostname = d->common->hostname,
		.max_open = (unsigned)conf->open_folders };
	int r = store_deliverer_new(d->root_fd, &options, &l->deliverer.store);
	/* syncfs wants a real descriptor, not O_PATH */
	int sync_fd = r < 0 ? r : sys_openat(d->root_fd, ".", O_RDONLY | O_DIRECTORY, 0);

	if (sync_fd < 0) {
		log_error("mail root: %s", err_text(sync_fd));
		return sync_fd;
	}
	l->daemon = d;
	l->rest = event_new(d->base, -1, 0, on_rest, l);
	ASSERT(l->rest != NULL);
	l->intake =
		intake_new(d, &(struct intake_spec){ .sync_fd = sync_fd, .work = work, .arg = l });
	l->deliverer.root_fd = d->root_fd;
	l->deliverer.conf = conf;
	l->deliverer.quota = intake_quota(l->intake);
	return ERR_OK;
}

void
local_stop(struct daemon *d)
{
	struct local *l = intake_arg(d->ctx);

	store_deliverer_free(&l->deliverer.store);
}
