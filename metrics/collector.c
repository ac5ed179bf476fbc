/* SPDX-License-Identifier: ISC */
/* metrics/collector.c - questions to master, and what it said in the last minute. */
#include "clock.h"
#include "control_msg.h"
#include "log.h"
#include "long_text.h"
#include "metrics.h"
#include "prometheus.h"

#define MASTER_TIMEOUT_MS 5000

static void
keep(struct metrics *m, struct bytes text, uint64_t now)
{
	const struct text *newest = &m->kept[(m->next + KEPT_TEXTS - 1) % KEPT_TEXTS];
	struct text *t = &m->kept[m->next];

	if (newest->taken_ms != 0 && now - newest->taken_ms < KEPT_EVERY_MS - KEPT_EVERY_MS / 10)
		return;
	buf_clear(&t->octets);
	buf_put_bytes(&t->octets, text);
	t->taken_ms = now;
	m->next = (m->next + 1) % KEPT_TEXTS;
}

static bool
take(struct metrics *m, const struct ipc_answer *answer)
{
	struct ipc_reader in = ipc_reader(answer->body);
	struct buf text = BUF_INIT;
	struct control_text t;
	struct status status;
	const uint64_t now = clock_mono_ms();
	bool ok = false;

	if (answer->err == ERR_OK && answer->type == CONTROL_TEXT &&
		control_text_decode(&in, &t) == ERR_OK && t.err == ERR_OK &&
		long_text_take(t.text, answer->nfds > 0 ? answer->fds[0] : -1, &text) == ERR_OK) {
		ok = status_parse(buf_bytes(&text), &status);
		if (ok) {
			buf_clear(&m->last.octets);
			prometheus_put(&m->last.octets, &status);
			m->last.taken_ms = now;
			keep(m, buf_bytes(&text), now);
		}
		status_free(&status);
	}
	buf_free(&text);
	return ok;
}

static void
on_answer(void *arg, const struct ipc_answer *answer)
{
	struct metrics *m = arg;
	const bool ok = take(m, answer);

	m->asking = false;
	if (!ok)
		log_warning("master does not tell the counters");
	clients_told(m, ok);
}

static void
ask(struct metrics *m)
{
	if (m->asking)
		return;
	m->asking = true;
	daemon_ask_master(m->d, CONTROL_STATUS, MASTER_TIMEOUT_MS, on_answer, m);
}

static void
on_clock(evutil_socket_t fd, short what, void *arg)
{
	UNUSED(fd);
	UNUSED(what);
	ask(arg);
}

int
collector_start(struct metrics *m)
{
	const struct timeval every = { KEPT_EVERY_MS / 1000, 0 };

	m->clock = event_new(m->d->base, -1, EV_PERSIST, on_clock, m);
	ASSERT(m->clock != NULL);
	event_add(m->clock, &every);
	ask(m);
	return ERR_OK;
}

void
collector_stop(struct metrics *m)
{
	event_free(m->clock);
	for (size_t i = 0; i < KEPT_TEXTS; i++)
		buf_free(&m->kept[i].octets);
	buf_free(&m->last.octets);
}

void
collector_want(struct metrics *m)
{
	if (m->last.taken_ms != 0 && clock_mono_ms() - m->last.taken_ms < FRESH_ENOUGH_MS)
		clients_told(m, true);
	else
		ask(m);
}

const struct text *
collector_before(const struct metrics *m)
{
	for (unsigned i = 0; i < KEPT_TEXTS; i++) {
		const struct text *t = &m->kept[(m->next + i) % KEPT_TEXTS];

		if (t->taken_ms != 0)
			return t;
	}
	return NULL;
}
