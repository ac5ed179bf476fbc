/* SPDX-License-Identifier: ISC */
/*
 * cli/queue_walk.c - page after page of the queue, orders for many, and how things are shown.
 *
 * Runs in:  relais. Asks qmgr; touches no file of the queue.
 */
#include <stdio.h>
#include <stdlib.h>

#include "queue.h"

/* ---- LIST ---- */

static int
ask_page(struct cli *cli, int fd, const struct queue_list *ask, struct queue_list_answer *a)
{
	struct buf body = BUF_INIT;
	struct ipc_frame frame;
	struct ipc_reader in;
	int r;

	queue_list_encode(&body, ask);
	r = cli_ask(cli, fd, QUEUE_LIST, buf_bytes(&body), &frame);
	buf_free(&body);
	if (r < 0)
		return r;
	in = ipc_reader(frame.body);
	r = queue_list_answer_decode(&in, a);
	if (r < 0)
		fprintf(stderr, "qmgr answered something odd\n");
	return r;
}

/* false: enough */
static bool
show_page(struct queue_walk *w, const struct queue_list_answer *a, uint64_t *n)
{
	for (uint32_t i = 0; i < a->n; i++) {
		const struct queue_list_entry *e = &a->entries[i];

		if (!e->continued && w->limit != 0 && *n == w->limit) {
			w->more = true;
			return false;
		}
		*n += !e->continued;
		if (!w->show(w->ctx, e, a->rcpts + e->first_rcpt))
			return false;
	}
	return true;
}

int
queue_walk(struct cli *cli, int fd, struct queue_walk *w)
{
	struct queue_list ask = { .filter = w->filter,
		.from_id = w->from_id,
		.max = QUEUE_LIST_MAX,
		.max_rcpts = w->max_rcpts };
	struct queue_list_answer *a = xcalloc(1, sizeof(*a));
	uint64_t n = 0;
	int r;

	w->more = false;
	do {
		if (w->limit != 0 && w->limit - n < QUEUE_LIST_MAX)
			ask.max = (uint32_t)(w->limit - n) + 1; /* is there more? */
		if ((r = ask_page(cli, fd, &ask, a)) < 0)
			break;
		w->total = a->total;
		if (!show_page(w, a, &n))
			break;
		ask.from_id = a->next_id;
		ask.from_rcpt = a->next_rcpt;
	} while (a->more);
	free(a);
	return r;
}

/* ---- orders ---- */

static int
ask_order(struct cli *cli, int fd, const struct queue_order *m, struct queue_order_answer *a)
{
	struct buf body = BUF_INIT;
	struct ipc_frame frame;
	struct ipc_reader in;
	int r;

	queue_order_encode(&body, m);
	r = cli_ask(cli, fd, QUEUE_ORDER, buf_bytes(&body), &frame);
	buf_free(&body);
	if (r < 0)
		return r;
	in = ipc_reader(frame.body);
	r = queue_order_answer_decode(&in, a);
	if (r < 0)
		fprintf(stderr, "qmgr answered something odd\n");
	return r;
}

int
queue_order_all(struct cli *cli, int fd, const struct queue_order *m, struct queue_order_answer *a)
{
	struct queue_order ask = *m;
	struct queue_order_answer part;
	int r;

	memset(a, 0, sizeof(*a));
	do {
		if ((r = ask_order(cli, fd, &ask, &part)) < 0)
			return r;
		a->err = part.err;
		a->n += part.n;
		a->n_busy += part.n_busy;
		a->n_held += part.n_held;
		ask.from_id = part.next_id;
	} while (part.next_id != 0 && part.err == ERR_OK);
	return ERR_OK;
}

/* ---- for people ---- */

const char *
queue_state_name(uint32_t state)
{
	static const char *const names[] = { "", "active", "deferred", "hold" };

	return state < NITEMS(names) ? names[state] : "";
}

const char *
human_time(uint64_t s, char out[HUMAN_TEXT])
{
	const unsigned long long v = s;

	if (s < 60)
		snprintf(out, HUMAN_TEXT, "%llu s", v);
	else if (s < 3600)
		snprintf(out, HUMAN_TEXT, "%llu min", v / 60);
	else if (s < 86400)
		snprintf(out, HUMAN_TEXT, "%llu h %llu min", v / 3600, v / 60 % 60);
	else
		snprintf(out, HUMAN_TEXT, "%llu d %llu h", v / 86400, v / 3600 % 24);
	return out;
}

const char *
human_size(uint64_t octets, char out[HUMAN_TEXT])
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB" };
	double v = (double)octets / 1024;
	size_t i = 0;

	for (; v >= 1023.95 && i + 1 < NITEMS(units); i++)
		v /= 1024;
	snprintf(out, HUMAN_TEXT, v < 10 ? "%.1f %s" : "%.0f %s", v, units[i]);
	return out;
}
