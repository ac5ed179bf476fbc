/* SPDX-License-Identifier: ISC */
/*
 * qmgr/index.c - the index: a sorted array for ids, a binary heap for times.
 *
 * Ids are made from the clock, so nearly every insertion is at the end; a deletion leaves a
 * gap, and gaps are closed when they are half of the array.
 *
 * Runs in:  qmgr. Pure.
 */
#include "index.h"

#include <stdlib.h>

void
index_free(struct index *x)
{
	for (size_t i = 0; i < x->n; i++)
		free(x->slots[i].entry);
	free(x->slots);
	free(x->heap);
	domains_free(&x->domains);
	memset(x, 0, sizeof(*x));
}

/* The first slot with an id >= id. */
static size_t
lower_bound(const struct index *x, uint64_t id)
{
	size_t low = 0, high = x->n;

	if (x->n > 0 && x->slots[x->n - 1].id < id)
		return x->n;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (x->slots[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void
close_gaps(struct index *x)
{
	size_t kept = 0;

	for (size_t i = 0; i < x->n; i++)
		if (x->slots[i].entry != NULL)
			x->slots[kept++] = x->slots[i];
	x->n = kept;
	if (x->cap > 4096 && x->n < x->cap / 4) {
		x->cap = x->n * 2;
		x->slots = xrealloc(x->slots, x->cap * sizeof(*x->slots));
	}
}

static void
make_room(struct index *x)
{
	if (x->n < x->cap)
		return;
	x->cap = x->cap < 1024 ? 1024 : x->cap + x->cap / 2;
	x->slots = xrealloc(x->slots, x->cap * sizeof(*x->slots));
}

static struct entry *
new_entry(struct index *x, uint64_t id)
{
	struct entry *e = xcalloc(1, sizeof(*e));

	e->id = id;
	e->heap_pos = NOT_IN_HEAP;
	x->counts[e->state]++;
	return e;
}

struct entry *
index_add(struct index *x, uint64_t id)
{
	size_t at = lower_bound(x, id);

	if (at < x->n && x->slots[at].id == id) {
		if (x->slots[at].entry != NULL)
			return NULL;
	} else {
		make_room(x);
		memmove(x->slots + at + 1, x->slots + at, (x->n - at) * sizeof(*x->slots));
		x->n++;
	}
	x->slots[at] = (struct index_slot){ id, new_entry(x, id) };
	x->live++;
	return x->slots[at].entry;
}

struct entry *
index_add_unsorted(struct index *x, uint64_t id)
{
	make_room(x);
	x->slots[x->n] = (struct index_slot){ id, new_entry(x, id) };
	x->live++;
	return x->slots[x->n++].entry;
}

static int
by_id(const void *a, const void *b)
{
	const struct index_slot *p = a, *q = b;

	return p->id < q->id ? -1 : p->id > q->id;
}

void
index_sort(struct index *x)
{
	if (x->n > 1)
		qsort(x->slots, x->n, sizeof(*x->slots), by_id);
}

struct entry *
index_find(const struct index *x, uint64_t id)
{
	size_t at = lower_bound(x, id);

	return at < x->n && x->slots[at].id == id ? x->slots[at].entry : NULL;
}

void
index_remove(struct index *x, struct entry *e)
{
	size_t at = lower_bound(x, e->id);

	ASSERT(at < x->n && x->slots[at].entry == e);
	index_unschedule(x, e);
	domains_release(&x->domains, e->from_domain);
	domains_release(&x->domains, e->to_domain);
	x->slots[at].entry = NULL;
	x->live--;
	x->counts[e->state]--;
	free(e);
	while (x->n > 0 && x->slots[x->n - 1].entry == NULL)
		x->n--;
	if (x->n > 1024 && x->live < x->n / 2)
		close_gaps(x);
}

void
index_enter(struct index *x, struct entry *e, enum entry_state s)
{
	x->counts[e->state]--;
	x->counts[s]++;
	e->state = (uint8_t)s;
}

struct entry *
index_next(const struct index *x, uint64_t after)
{
	for (size_t at = after == UINT64_MAX ? x->n : lower_bound(x, after + 1); at < x->n; at++)
		if (x->slots[at].entry != NULL)
			return x->slots[at].entry;
	return NULL;
}

/* ---- the heap ---- */

static void
put(struct index *x, size_t at, struct entry *e)
{
	x->heap[at] = e;
	e->heap_pos = (uint32_t)at;
}

static void
sift_up(struct index *x, size_t at)
{
	struct entry *e = x->heap[at];

	for (; at > 0 && x->heap[(at - 1) / 2]->due_s > e->due_s; at = (at - 1) / 2)
		put(x, at, x->heap[(at - 1) / 2]);
	put(x, at, e);
}

static void
sift_down(struct index *x, size_t at)
{
	struct entry *e = x->heap[at];

	for (;;) {
		size_t child = 2 * at + 1;

		if (child >= x->heap_n)
			break;
		if (child + 1 < x->heap_n && x->heap[child + 1]->due_s < x->heap[child]->due_s)
			child++;
		if (x->heap[child]->due_s >= e->due_s)
			break;
		put(x, at, x->heap[child]);
		at = child;
	}
	put(x, at, e);
}

void
index_schedule(struct index *x, struct entry *e, uint32_t due_s)
{
	e->due_s = due_s;
	if (e->heap_pos == NOT_IN_HEAP) {
		if (x->heap_n == x->heap_cap) {
			x->heap_cap = x->heap_cap < 1024 ? 1024 : x->heap_cap + x->heap_cap / 2;
			x->heap = xrealloc(x->heap, x->heap_cap * sizeof(struct entry *));
		}
		put(x, x->heap_n++, e);
	}
	sift_up(x, e->heap_pos);
	sift_down(x, e->heap_pos);
}

void
index_unschedule(struct index *x, struct entry *e)
{
	size_t at = e->heap_pos;
	struct entry *last;

	if (at == NOT_IN_HEAP)
		return;
	e->heap_pos = NOT_IN_HEAP;
	last = x->heap[--x->heap_n];
	if (last == e)
		return;
	put(x, at, last);
	sift_up(x, at);
	sift_down(x, last->heap_pos);
}

struct entry *
index_first_due(const struct index *x)
{
	return x->heap_n == 0 ? NULL : x->heap[0];
}

size_t
index_memory(const struct index *x)
{
	/* 8: what malloc adds */
	return x->live * (sizeof(struct entry) + 8) + x->cap * sizeof(*x->slots) +
	       x->heap_cap * sizeof(struct entry *) + domains_memory(&x->domains);
}
