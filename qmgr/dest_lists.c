/* SPDX-License-Identifier: ISC */
/*
 * qmgr/dest_lists.c - in which lists a destination is: those that may send, those that want parked
 * messages back, idle ones, those to be woken.
 *
 * After every change destination_update() puts a destination where it belongs; no other function
 * decides that.
 *
 * Runs in:  qmgr. Pure.
 */
#include <stdlib.h>

#include "destination_private.h"

#define ONE DEST_WINDOW_ONE

/* ---- the heap of those to be woken ---- */

static void
heap_set(struct destinations *ds, uint32_t at, struct destination *d)
{
	ds->heap[at] = d;
	d->heap_pos = at;
}

static void
heap_up(struct destinations *ds, uint32_t at)
{
	struct destination *d = ds->heap[at];

	for (; at > 0 && ds->heap[(at - 1) / 2]->wake_us > d->wake_us; at = (at - 1) / 2)
		heap_set(ds, at, ds->heap[(at - 1) / 2]);
	heap_set(ds, at, d);
}

static void
heap_down(struct destinations *ds, uint32_t at)
{
	struct destination *d = ds->heap[at];

	for (;;) {
		uint32_t child = 2 * at + 1;

		if (child >= ds->heap_n)
			break;
		if (child + 1 < ds->heap_n &&
			ds->heap[child + 1]->wake_us < ds->heap[child]->wake_us)
			child++;
		if (ds->heap[child]->wake_us >= d->wake_us)
			break;
		heap_set(ds, at, ds->heap[child]);
		at = child;
	}
	heap_set(ds, at, d);
}

void
dest_heap_remove(struct destinations *ds, struct destination *d)
{
	const uint32_t at = d->heap_pos;
	struct destination *last;

	if (at == DEST_NOT_IN_HEAP)
		return;
	d->heap_pos = DEST_NOT_IN_HEAP;
	last = ds->heap[--ds->heap_n];
	if (last == d)
		return;
	heap_set(ds, at, last);
	heap_up(ds, at);
	heap_down(ds, last->heap_pos);
}

/* 0: not at all. */
static void
wake_at(struct destinations *ds, struct destination *d, uint64_t us)
{
	if (us == 0) {
		dest_heap_remove(ds, d);
		return;
	}
	if (d->heap_pos != DEST_NOT_IN_HEAP && d->wake_us == us)
		return;
	d->wake_us = us;
	if (d->heap_pos == DEST_NOT_IN_HEAP) {
		if (ds->heap_n == ds->heap_cap) {
			ds->heap_cap = ds->heap_cap < 64 ? 64 : ds->heap_cap * 2;
			ds->heap = xrealloc(ds->heap, ds->heap_cap * sizeof(struct destination *));
		}
		heap_set(ds, ds->heap_n++, d);
	}
	heap_up(ds, d->heap_pos);
	heap_down(ds, d->heap_pos);
}

/* ---- in which lists ---- */

bool
destination_is_dead(const struct destination *d, uint64_t now_us)
{
	return d->state == DEST_DEAD && (d->probing || now_us < d->until_us);
}

static bool
may_send(const struct destination *d, uint64_t now_us)
{
	if (d->items == 0)
		return false;
	if (d->state == DEST_DEAD)
		return !destination_is_dead(d, now_us);
	return (uint64_t)d->flying * ONE < d->window;
}

static bool
wants_back(const struct destination *d, uint64_t now_us)
{
	if (d->parked == 0 || TAILQ_EMPTY(&d->wanting))
		return false;
	if (d->state == DEST_DEAD) /* one, to find out with */
		return !destination_is_dead(d, now_us) && d->items == 0 && d->released_us == 0;
	return true;
}

static uint64_t
wakes_at(const struct destination *d, uint64_t now_us)
{
	if (d->parked == 0)
		return 0;
	if (d->state == DEST_DEAD && !d->probing && now_us < d->until_us)
		return d->until_us;
	return d->released_us == 0 ? 0 : d->released_us + DEST_RELEASED_LATE_US;
}

static void
set_slow(struct destinations *ds, struct destination *d)
{
	const bool slow = d->state != DEST_ALIVE || !d->proven || d->took_us > DEST_SLOW_US;

	if (slow == d->slow)
		return;
	if (d->in_line)
		TAILQ_REMOVE(&ds->line[d->slow], d, line);
	d->in_line = false;
	ds->slow_flying += slow ? d->flying : 0 - d->flying;
	d->slow = slow;
}

void
destination_update(struct destinations *ds, struct destination *d, uint64_t now_us)
{
	const bool idle = d->items == 0 && d->flying == 0 && d->parked == 0;
	const bool sends = may_send(d, now_us), wants = wants_back(d, now_us);

	set_slow(ds, d);
	if (sends && !d->in_line)
		TAILQ_INSERT_TAIL(&ds->line[d->slow], d, line);
	else if (!sends && d->in_line)
		TAILQ_REMOVE(&ds->line[d->slow], d, line);
	d->in_line = sends;
	if (wants && !d->in_releasing)
		TAILQ_INSERT_TAIL(&ds->releasing, d, releasing);
	else if (!wants && d->in_releasing)
		TAILQ_REMOVE(&ds->releasing, d, releasing);
	d->in_releasing = wants;
	if (idle && !d->is_idle) {
		d->idle_us = now_us;
		TAILQ_INSERT_TAIL(&ds->idle, d, idle);
	} else if (!idle && d->is_idle) {
		TAILQ_REMOVE(&ds->idle, d, idle);
	}
	d->is_idle = idle;
	wake_at(ds, d, wakes_at(d, now_us));
}
