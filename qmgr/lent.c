/* SPDX-License-Identifier: ISC */
/*
 * qmgr/lent.c - which files are lent, and to whom: LEND, and the sweep of what was never
 * committed.
 *
 * A door that drops a message closes its descriptor and says nothing. So once a minute files
 * that were lent a minute ago and that nobody has open for writing any more are removed; those
 * of a door that has gone, at once. A qmgr that leaves for its successor removes nothing, and the
 * next one keeps what a door still writes to: a message that began with the one may be
 * committed with the other. All others of an earlier life are removed at the start.
 *
 * Runs in:  qmgr; user relais-queue, root: the queue. Trusts: nothing from the doors.
 */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "err.h"
#include "log.h"
#include "qmgr.h"

#define LENT_MAX 20000 /* at once, of all doors: no door fills the folder without end */
#define SWEEP_S  60

struct lent {
	LIST_ENTRY(lent) link;
	uint64_t number;
	ino_t inode;
	const struct ipc_channel *to; /* NULL: whose it is our predecessor knew */
	uint64_t since_us;
};

static void
forget(struct qmgr *q, struct lent *l)
{
	LIST_REMOVE(l, link);
	q->n_lent--;
	free(l);
}

static void
arm(struct qmgr *q)
{
	const struct timeval wait = { SWEEP_S, 0 };

	if (q->n_lent > 0 && !evtimer_pending(q->lent_timer, NULL))
		evtimer_add(q->lent_timer, &wait);
}

void
lent_sweep(struct qmgr *q, uint64_t age_us)
{
	const uint64_t now = clock_mono_us();
	struct lent *l, *next;

	for (l = LIST_FIRST(&q->lent); l != NULL; l = next) {
		next = LIST_NEXT(l, link);
		if (now - l->since_us < age_us || !file_lent_is_idle(&q->folders, l->number))
			continue;
		file_unlend(&q->folders, l->number);
		forget(q, l);
	}
}

static void
on_sweep(evutil_socket_t fd, short what, void *arg)
{
	lent_sweep(arg, SWEEP_S * UINT64_C(1000000));
	arm(arg);
}

static int
lend(struct qmgr *q, const struct ipc_channel *to)
{
	const uint64_t number = ++q->lent_number;
	struct stat st;
	struct lent *l;
	int fd;

	if (q->n_lent >= LENT_MAX)
		return ERR_BUSY;
	if ((fd = file_lend(&q->folders, number)) < 0)
		return fd;
	ASSERT(fstat(fd, &st) == 0);
	l = xcalloc(1, sizeof(*l));
	*l = (struct lent){
		.number = number, .inode = st.st_ino, .to = to, .since_us = clock_mono_us()
	};
	LIST_INSERT_HEAD(&q->lent, l, link);
	q->n_lent++;
	arm(q);
	return fd;
}

void
intake_lend(struct ipc_call *call, const void *msg)
{
	struct daemon *d = call->ctx;
	struct qmgr *q = d->ctx;
	struct queue_lend_answer a = { .content_offset = QUEUE_FILE_LENT_OFFSET };
	int fds[2] = { lend(q, call->channel), -1 };

	if (fds[0] >= 0 && (fds[1] = file_lent_read(&q->folders, q->lent_number)) < 0)
		close(fds[0]); /* the sweep removes the file */
	a.err = fds[0] < 0 ? fds[0] : fds[1] < 0 ? fds[1] : ERR_OK;
	if (a.err < 0 && log_pace(&q->told.lend))
		log_error("no file to lend: %s", err_text(a.err));
	queue_lend_answer_encode(ipc_compose(call->channel), &a);
	ipc_reply(call->channel, call->id, QUEUE_LEND_ANSWER, fds, a.err < 0 ? 0 : 2);
}

uint64_t
lent_take(struct qmgr *q, const struct ipc_channel *from, int fd)
{
	struct stat st;
	struct lent *l;
	uint64_t number;

	if (fstat(fd, &st) != 0)
		return 0;
	LIST_FOREACH (l, &q->lent, link) {
		if (l->inode != st.st_ino || (l->to != from && l->to != NULL))
			continue;
		number = l->number;
		forget(q, l);
		return number;
	}
	return 0;
}

void
lent_peer_down(struct qmgr *q, const struct ipc_channel *channel)
{
	struct lent *l, *next;

	for (l = LIST_FIRST(&q->lent); l != NULL; l = next) {
		next = LIST_NEXT(l, link);
		if (l->to != channel)
			continue;
		if (!q->d->leaving)
			file_unlend(&q->folders, l->number);
		forget(q, l);
	}
}

static void
keep(void *arg, uint64_t number, int fd)
{
	struct qmgr *q = arg;
	struct lent *l = xcalloc(1, sizeof(*l));
	struct stat st = { 0 };

	ASSERT(fstat(fd, &st) == 0);
	*l = (struct lent){ .number = number, .inode = st.st_ino, .since_us = clock_mono_us() };
	LIST_INSERT_HEAD(&q->lent, l, link);
	q->n_lent++;
	if (number > q->lent_number)
		q->lent_number = number;
}

int
lent_init(struct qmgr *q)
{
	LIST_INIT(&q->lent);
	q->lent_timer = evtimer_new(q->d->base, on_sweep, q);
	if (q->lent_timer == NULL)
		return ERR_RESOURCE;
	files_lent_before(&q->folders, keep, q);
	arm(q);
	return ERR_OK;
}

void
lent_stop(struct qmgr *q)
{
	struct lent *l, *next;

	for (l = LIST_FIRST(&q->lent); l != NULL; l = next) {
		next = LIST_NEXT(l, link); /* the files go at the next start */
		free(l);
	}
	LIST_INIT(&q->lent);
	q->n_lent = 0;
}
