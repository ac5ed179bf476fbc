/* SPDX-License-Identifier: ISC */
/*
 * lib/queue/journal_read.c - the journal read back after a stop, a crash or a power cut.
 *
 * In a segment the records' sequence numbers count up by one from the header's; what does
 * not is the end. Stale records of the segment's earlier lives have lower numbers. Behind a
 * record that cannot be read there may still be good ones: if one of them says that the
 * lost one had been durable, this is damage (told, and the good ones are used); else it is
 * the torn tail of a flush that was never confirmed, and is cut.
 *
 * Runs in:  qmgr, at start. Trusts: nothing on the disk.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "err.h"
#include "journal_private.h"
#include "sys.h"

struct found {
	uint16_t slot;
	uint64_t first_seq, size;
};

struct reading {
	struct journal *j;
	const struct journal_scan *scan;
	struct found found[JOURNAL_SEGMENTS_MAX];
	unsigned n;
	uint64_t checkpoint; /* records before it are of no use */
	uint64_t highest;
	uint64_t total, done;
};

static int
by_first_seq(const void *a, const void *b)
{
	const struct found *x = a, *y = b;

	return x->first_seq < y->first_seq ? -1 : x->first_seq > y->first_seq;
}

static void
tell_damage(struct reading *g, const struct journal_segment *s, uint64_t offset,
	struct bytes octets, const char *reason)
{
	while (octets.n > 0 && octets.p[octets.n - 1] == 0)
		octets.n--;
	if (g->scan->damage != NULL && octets.n > 0)
		g->scan->damage(g->scan->ctx,
			&(struct journal_damage){ s->number, offset, octets, reason });
}

/* The next readable record behind a bad one whose number lies in (after, before). */
static uint64_t
find_next(struct bytes map, uint64_t at, uint64_t after, uint64_t before, struct queue_record *r)
{
	for (at += 8; at + QUEUE_RECORD_HEADER <= map.n; at += 8)
		if (queue_record_parse(bytes_skip(map, (size_t)at), r) > 0 && r->seq > after &&
			r->seq < before)
			return at;
	return 0;
}

/* The first record of the segment behind tells whether `expected` had been durable. */
static bool
next_segment_knows(struct reading *g, unsigned i, uint64_t expected)
{
	uint8_t head[QUEUE_RECORD_HEADER];

	if (i + 1 == g->n || g->found[i + 1].first_seq <= expected)
		return false;
	if (sys_pread_full(g->j->segments[g->found[i + 1].slot].fd, head, sizeof(head),
		    JOURNAL_HEADER) != (ssize_t)sizeof(head))
		return false;
	return get_u64(head + 16) == g->found[i + 1].first_seq && get_u64(head + 24) >= expected;
}

static int
take_record(struct reading *g, const struct queue_record *r, uint16_t slot, uint64_t at)
{
	const struct journal_place place = { slot, (uint32_t)(at / 8) };

	if (r->seq > g->highest)
		g->highest = r->seq;
	return g->scan->record(g->scan->ctx, r, place);
}

static int
read_records(struct reading *g, unsigned i, struct bytes map)
{
	const struct found *f = &g->found[i];
	const struct journal_segment *s = &g->j->segments[f->slot];
	const uint64_t before = i + 1 < g->n ? g->found[i + 1].first_seq : UINT64_MAX;
	uint64_t at = JOURNAL_HEADER, expected = f->first_seq, next;
	struct queue_record r;

	for (;;) {
		int used = queue_record_parse(bytes_skip(map, (size_t)at), &r);

		if (used > 0 && r.seq == expected) {
			int result = take_record(g, &r, f->slot, at);

			if (result < 0)
				return result;
			at += (uint64_t)used;
			expected++;
			continue;
		}
		next = find_next(map, at, expected, before, &r);
		if (next != 0 && r.flushed >= expected) {
			tell_damage(g, s, at, bytes_make(map.p + at, (size_t)(next - at)),
				"records that cannot be read, good ones follow");
			at = next;
			expected = r.seq;
			continue;
		}
		if (next == 0 && next_segment_knows(g, i, expected))
			tell_damage(g, s, at, bytes_skip(map, (size_t)at),
				"the end of the segment cannot be read");
		return ERR_OK;
	}
}

static int
read_segment(struct reading *g, unsigned i)
{
	const struct found *f = &g->found[i];
	uint8_t *map = xmalloc((size_t)f->size);
	ssize_t n = sys_pread_full(g->j->segments[f->slot].fd, map, (size_t)f->size, 0);
	int r = n < 0 ? (int)n : read_records(g, i, bytes_make(map, (size_t)n));

	free(map);
	g->done += f->size;
	if (r == ERR_OK && g->scan->progress != NULL)
		g->scan->progress(g->scan->ctx, g->done, g->total);
	return r;
}

/* Which segments hold something, by their headers. */
static int
find_segments(struct reading *g)
{
	for (unsigned i = 0; i < JOURNAL_SEGMENTS_MAX; i++) {
		struct journal_segment *s = &g->j->segments[i];
		uint8_t head[JOURNAL_HEADER];
		struct stat st;
		ssize_t n;
		int r;

		if (s->state == SEGMENT_UNUSED)
			continue;
		if ((n = sys_pread_full(s->fd, head, sizeof(head), 0)) < 0)
			return (int)n;
		r = journal_header_decode(bytes_make(head, (size_t)n), s->number, &s->first_seq);
		if (r == ERR_UNSUPPORTED)
			return r; /* a later version's: not ours to overwrite */
		if (r == ERR_CORRUPT)
			tell_damage(g, s, 0, bytes_make(head, (size_t)n),
				"the header of the segment cannot be read");
		if (r < 0)
			continue;
		if (fstat(s->fd, &st) != 0)
			return ERR_IO;
		g->found[g->n++] =
			(struct found){ (uint16_t)i, s->first_seq, (uint64_t)st.st_size };
		g->total += (uint64_t)st.st_size;
	}
	qsort(g->found, g->n, sizeof(g->found[0]), by_first_seq);
	return ERR_OK;
}

/* A first look for the newest CHECKPOINT. */
static int
note_checkpoint(void *ctx, const struct queue_record *r, struct journal_place place)
{
	struct reading *g = ctx;

	if (r->type == QUEUE_RECORD_CHECKPOINT && r->body.n == 8 &&
		get_u64(r->body.p) > g->checkpoint)
		g->checkpoint = get_u64(r->body.p);
	return ERR_OK;
}

static int
find_checkpoint(struct reading *g)
{
	const struct journal_scan *scan = g->scan;
	const struct journal_scan look = { .ctx = g, .record = note_checkpoint };
	unsigned keep = 0;
	int r = ERR_OK;

	g->scan = &look;
	for (unsigned i = 0; r == ERR_OK && i < g->n; i++)
		r = read_segment(g, i);
	g->scan = scan;
	g->done = g->total = 0;
	for (unsigned i = 0; i < g->n; i++)
		if (g->found[i].first_seq >= g->checkpoint) {
			g->total += g->found[i].size;
			g->found[keep++] = g->found[i];
		}
	g->n = keep;
	return r;
}

int
journal_read(struct journal *j, const struct journal_scan *scan)
{
	struct reading *g = xcalloc(1, sizeof(*g));
	int r;

	g->j = j;
	g->scan = scan;
	r = find_segments(g);
	if (r == ERR_OK)
		r = find_checkpoint(g);
	for (unsigned i = 0; r == ERR_OK && i < g->n; i++)
		r = read_segment(g, i);
	/* far behind everything seen, also behind what a torn tail may still show later */
	if (r == ERR_OK)
		j->next_seq = g->highest + (UINT64_C(1) << 20);
	free(g);
	return r;
}
