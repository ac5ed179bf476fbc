/* SPDX-License-Identifier: ISC */
/*
 * qmgr/watched.c - what is told of the queue to those who watch: how old its messages are, and
 * which next hops keep most of them waiting.
 *
 * Runs in:  qmgr.
 */
#include "clock.h"
#include "qmgr.h"
#include "stats_rows.h"

#define SCAN_WHOLE 5000 /* next hops that are looked through at each question */
#define SCAN_US    UINT64_C(10000000)

/* ---- ages ---- */

static const struct age {
	const char *name;
	uint64_t below_s;
} ages[] = { { "5m", 300 }, { "1h", 3600 }, { "6h", 6 * 3600 }, { "1d", 86400 },
	{ "3d", 3 * 86400 }, { "older", UINT64_MAX } };

/* The first slot of a message that came then or later. */
static size_t
slot_from(const struct index *x, uint64_t since_us)
{
	size_t low = 0, high = x->n;

	while (low < high) {
		const size_t mid = low + (high - low) / 2;

		if (queue_id_time_us(x->slots[mid].id) < since_us)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static size_t
live_between(const struct index *x, size_t from, size_t to)
{
	size_t n = 0;

	if (x->live == x->n)
		return to - from;
	for (; from < to; from++)
		n += x->slots[from].entry != NULL;
	return n;
}

static void
put_ages(const struct index *x, uint64_t now_us, struct buf *out)
{
	size_t end = x->n;

	for (size_t i = 0; i < NITEMS(ages); i++) {
		const uint64_t s = ages[i].below_s;
		const size_t from = s > now_us / 1000000 ? 0 : slot_from(x, now_us - s * 1000000);

		buf_printf(out, "relais_queue_age_messages{age=\"%s\"} %zu\n", ages[i].name,
			from < end ? live_between(x, from, end) : 0);
		end = from < end ? from : end;
	}
}

static void
put_oldest(const struct index *x, struct buf *out)
{
	const struct entry *e = index_next(x, 0);

	buf_printf(out, "relais_queue_oldest_message_timestamp_seconds %llu\n",
		e == NULL ? 0 : (unsigned long long)(queue_id_time_us(e->id) / 1000000));
}

/* ---- next hops ---- */

static uint64_t
waiting(const struct destination *d)
{
	return (uint64_t)d->items + d->parked;
}

static bool
is_worse(const struct destination *a, const struct destination *b)
{
	if (waiting(a) != waiting(b))
		return waiting(a) > waiting(b);
	return (a->state == DEST_DEAD) != (b->state == DEST_DEAD) ? a->state == DEST_DEAD
								  : a->took_us > b->took_us;
}

/* Their numbers, the worst first; how many. */
static size_t
find_worst(const struct destinations *ds, uint32_t worst[WATCHED_DESTINATIONS])
{
	const struct destination *top[WATCHED_DESTINATIONS];
	size_t n = 0;

	for (uint32_t i = 0; i < ds->numbered_cap; i++) {
		const struct destination *d = ds->numbered[i];
		size_t at = n;

		if (d == NULL || (waiting(d) == 0 && d->state != DEST_DEAD && !d->slow))
			continue;
		while (at > 0 && is_worse(d, top[at - 1]))
			at--;
		if (at == WATCHED_DESTINATIONS)
			continue;
		n += n < WATCHED_DESTINATIONS;
		for (size_t j = n - 1; j > at; j--)
			top[j] = top[j - 1];
		top[at] = d;
	}
	for (size_t i = 0; i < n; i++)
		worst[i] = top[i]->number;
	return n;
}

static void
put_of(struct buf *out, const struct destination *d, const char *name, uint64_t value,
	const char *unit)
{
	buf_printf(out, "%s{", name);
	stats_label_put(out, "destination", d->next_hop);
	buf_printf(out, "} %llu%s\n", (unsigned long long)value, unit);
}

static void
put_destination(struct buf *out, const struct destination *d, uint64_t now_us)
{
	put_of(out, d, "relais_destination_waiting", waiting(d), "");
	put_of(out, d, "relais_destination_jobs", d->flying, "");
	put_of(out, d, "relais_destination_job_seconds", d->took_us, "us");
	put_of(out, d, "relais_destination_dead", d->state == DEST_DEAD, "");
	put_of(out, d, "relais_destination_retry_seconds",
		d->state == DEST_DEAD && d->until_us > now_us ? d->until_us - now_us : 0, "us");
	if (d->state != DEST_DEAD || d->reason == NULL)
		return;
	/* for the command only: lib/status/status_text.h */
	buf_put_str(out, "destination_reason{");
	stats_label_put(out, "destination", d->next_hop);
	buf_put_u8(out, ',');
	stats_label_put(out, "reason", bytes_head(bytes_from_str(d->reason), 200));
	buf_put_str(out, "} 1\n");
}

static void
put_destinations(struct watched *t, const struct destinations *ds, struct buf *out)
{
	const uint64_t now = clock_mono_us();

	if (ds->n <= SCAN_WHOLE || t->scanned_us == 0 || now - t->scanned_us > SCAN_US) {
		t->n = find_worst(ds, t->worst);
		t->scanned_us = now;
	}
	for (size_t i = 0; i < t->n; i++) {
		const uint32_t number = t->worst[i];

		if (number <= ds->numbered_cap && ds->numbered[number - 1] != NULL)
			put_destination(out, ds->numbered[number - 1], now);
	}
}

void
watched_put(struct qmgr *q, struct buf *out)
{
	put_ages(&q->index, clock_wall_us(), out);
	put_oldest(&q->index, out);
	buf_printf(out, "relais_queue_journal_full %d\n", q->journal_full);
	put_destinations(&q->watched, &q->remote.all, out);
	histogram_put(out, "relais_queue_flush_seconds", &q->watched.flush);
	histogram_put(out, "relais_queue_delivery_seconds", &q->watched.delivery);
}
