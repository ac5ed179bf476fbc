/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/imap_set.c - sequence sets: read, resolve, look up, write.
 *
 * Runs in:  imap session.
 * Trusts:   nothing.
 * Sources:  RFC 3501 sec. 9 (sequence-set); RFC 5182 "$".
 */
#include "imap_parse.h"
#include "imap_parse_private.h"

#include <stdlib.h>

#include "err.h"

static int
get_seq_number(struct imap_parser *p, uint32_t *n)
{
	int r;

	if (imap_at(p, '*')) {
		*n = IMAP_STAR;
		return imap_get_char(p, '*');
	}
	if ((r = imap_get_nz_number(p, n)) == ERR_OK && *n == IMAP_STAR)
		*n = IMAP_STAR - 1; /* no message has that number; it must not become "*" */
	return r;
}

static int
get_range(struct imap_parser *p, struct imap_range *range)
{
	int r = get_seq_number(p, &range->first);

	range->last = range->first;
	if (r < 0 || !imap_at(p, ':'))
		return r;
	if ((r = imap_get_char(p, ':')) < 0)
		return r;
	return get_seq_number(p, &range->last);
}

/* How many ranges stand here: one more than the commas of the word. */
static size_t
count_ranges(struct bytes in)
{
	size_t count = 1;

	for (size_t i = 0; i < in.n; i++) {
		uint8_t c = in.p[i];

		if (c == ',')
			count++;
		else if (!ascii_is_digit(c) && c != ':' && c != '*')
			break;
	}
	return count;
}

int
imap_get_set(struct imap_parser *p, struct imap_set *set)
{
	size_t max = count_ranges(p->in);
	int r;

	*set = (struct imap_set){ .ranges = NULL };
	if (imap_at(p, '$')) {
		set->saved = true;
		return imap_get_char(p, '$');
	}
	if (max > IMAP_SET_RANGES_MAX)
		return imap_problem(p, ERR_LIMIT, "too many ranges in a sequence set");
	set->ranges = arena_alloc(p->arena, max * sizeof(struct imap_range));
	for (;;) {
		ASSERT(set->count < max);
		if ((r = get_range(p, &set->ranges[set->count++])) < 0)
			return imap_problem(p, r, "bad sequence set");
		if (!imap_at(p, ','))
			return ERR_OK;
		if ((r = imap_get_char(p, ',')) < 0)
			return r;
	}
}

static int
compare_ranges(const void *a, const void *b)
{
	const struct imap_range *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

void
imap_set_resolve(struct imap_set *set, uint32_t max)
{
	size_t kept = 0;

	for (size_t i = 0; i < set->count && max > 0; i++) {
		struct imap_range *g = &set->ranges[i];
		uint32_t swap;

		g->first = g->first == IMAP_STAR ? max : g->first;
		g->last = g->last == IMAP_STAR ? max : g->last;
		if (g->first > g->last) {
			swap = g->first;
			g->first = g->last;
			g->last = swap;
		}
	}
	set->count = max > 0 ? set->count : 0;
	if (set->count > 1)
		qsort(set->ranges, set->count, sizeof(*set->ranges), compare_ranges);
	for (size_t i = 0; i < set->count; i++) {
		struct imap_range *last = kept > 0 ? &set->ranges[kept - 1] : NULL;

		if (last != NULL && set->ranges[i].first <= last->last) {
			if (set->ranges[i].last > last->last)
				last->last = set->ranges[i].last;
		} else {
			set->ranges[kept++] = set->ranges[i];
		}
	}
	set->count = kept;
}

bool
imap_set_has(const struct imap_set *set, uint32_t n)
{
	size_t low = 0, high = set->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (set->ranges[middle].last < n)
			low = middle + 1;
		else
			high = middle;
	}
	return low < set->count && set->ranges[low].first <= n;
}

void
imap_put_set(struct buf *out, const uint32_t *numbers, size_t count)
{
	for (size_t i = 0, end; i < count; i = end) {
		for (end = i + 1; end < count && numbers[end] == numbers[end - 1] + 1; end++)
			;
		buf_printf(out, "%s%u", i > 0 ? "," : "", numbers[i]);
		if (end - i > 1)
			buf_printf(out, ":%u", numbers[end - 1]);
	}
}
