/* SPDX-License-Identifier: ISC */
/* metrics/metrics.c - who tells the counters: its life, and what the operator's command asks. */
#include "metrics.h"

#include <stdlib.h>

#include "clock.h"
#include "metrics_msg.h"
#include "stats_rows.h"

static int
on_run(struct daemon *d)
{
	struct metrics *m = xcalloc(1, sizeof(*m));

	m->d = d;
	m->conf = d->conf;
	LIST_INIT(&m->clients);
	d->ctx = m;
	return collector_start(m);
}

static void
on_before(struct ipc_call *call, const void *msg)
{
	const struct daemon *d = call->ctx;
	const struct text *t = collector_before(d->ctx);
	struct metrics_before_answer a = { 0 };
	int fd = -1;

	if (t != NULL) {
		a.age_ms = clock_mono_ms() - t->taken_ms;
		a.text = buf_bytes(&t->octets);
		if (a.text.n > LONG_TEXT_INLINE_MAX) {
			fd = long_text_fd(a.text);
			a.text = BYTES_NONE;
			a.age_ms = fd < 0 ? 0 : a.age_ms;
		}
	}
	metrics_before_answer_encode(ipc_compose(call->channel), &a);
	ipc_reply(call->channel, call->id, METRICS_BEFORE_ANSWER, &fd, fd >= 0 ? 1 : 0);
}

static const struct ipc_route routes[] = {
	{ METRICS_BEFORE, FROM(SERVICE_CLI), 0, 0, 0, ipc_empty_decode, on_before },
};

static void
on_stats(struct daemon *d, struct buf *out)
{
	const struct metrics *m = d->ctx;
	const struct stats_row rows[] = { { "scrapes_total", m->scrapes },
		{ "refused_total", m->refused }, { "clients", m->nclients } };

	stats_rows_put(out, "metrics", rows, NITEMS(rows));
}

static bool
is_drained(struct daemon *d)
{
	const struct metrics *m = d->ctx;

	return m->nclients == 0;
}

static void
on_drain(struct daemon *d)
{
	daemon_drain_until(d, is_drained);
}

static void
on_stop(struct daemon *d)
{
	struct metrics *m = d->ctx;

	if (m == NULL)
		return;
	clients_close(m);
	collector_stop(m);
	free(m);
	d->ctx = NULL;
}

const struct daemon_spec metrics_spec = {
	.service = SERVICE_METRICS,
	.section = &metrics_section,
	.routes = routes,
	.nroutes = NITEMS(routes),
	.run = on_run,
	.on_client = client_accept,
	.drain = on_drain,
	.stats = on_stats,
	.stop = on_stop,
};
