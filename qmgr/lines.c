/* SPDX-License-Identifier: ISC */
/*
 * qmgr/lines.c - log lines in the form that Postfix' users and their tools read.
 *
 * Runs in:  qmgr. The log itself replaces control characters: no peer forges a line.
 */
#include <stdio.h>

#include "clock.h"
#include "log.h"
#include "qmgr.h"

#define SHOWN(b) (int)((b).n < 512 ? (b).n : 512), (b).n == 0 ? "" : (const char *)(b).p

void
line_active(const struct message *m)
{
	char id[QUEUE_ID_TEXT_SIZE];
	const struct envelope *e = &m->state.envelope;

	log_info("%s: from=<%.*s>, size=%llu, nrcpt=%u (queue active)",
		queue_id_text(m->entry->id, id), SHOWN(e->reverse_path),
		(unsigned long long)m->entry->size, e->n_rcpts);
}

/* Two digits of precision, as Postfix writes them: 0.02, 1.3, 27. */
static char *
seconds(uint64_t from_us, uint64_t to_us, char out[16])
{
	const uint64_t us = to_us > from_us ? to_us - from_us : 0;
	const double s = (double)us / 1e6;

	if (us < 10000)
		snprintf(out, 16, us < 1000 ? "0" : "%.2g", s);
	else
		snprintf(out, 16, s < 1 ? "%.2f" : s < 10 ? "%.1f" : "%.0f", s);
	return out;
}

void
line_result(const struct job *j, const char *status, const char *code, const char *text)
{
	const struct message *m = j->msg;
	const struct queue_rcpt *r = &m->state.rcpts[j->rcpt];
	const uint64_t arrival = m->state.envelope.arrival_us, now = clock_wall_us();
	const uint64_t sent = j->sent_us != 0 ? j->sent_us : now;
	const uint64_t begun = sent + (j->connect_us < now - sent ? j->connect_us : 0);
	const char *relay = j->relay != NULL                ? j->relay
			    : j->sent_us != 0 && !j->remote ? "local"
							    : "none";
	char id[QUEUE_ID_TEXT_SIZE], all[16], a[16], b[16], c[16], d[16], original[600] = "";
	struct bytes to = j->address.n > 0 ? j->address : r->address, from = r->address;

	if (r->parent != RCPT_NO_PARENT)
		from = m->state.rcpts[r->parent].address;
	if (!bytes_equal(to, from))
		snprintf(original, sizeof(original), "orig_to=<%.*s>, ", SHOWN(from));
	log_info("%s: to=<%.*s>, %srelay=%s, delay=%s, delays=%s/%s/%s/%s, dsn=%s, status=%s (%s)",
		queue_id_text(m->entry->id, id), SHOWN(to), original, relay,
		seconds(arrival, now, all), seconds(arrival, m->active_us, a),
		seconds(m->active_us, sent, b), seconds(sent, begun, c), seconds(begun, now, d),
		code, status, text);
}

void
line_returned(const struct message *m, uint32_t rcpt, const char *code, const char *text)
{
	const struct bytes to = m->state.rcpts[rcpt].address;
	const uint64_t arrival = m->state.envelope.arrival_us, now = clock_wall_us();
	char id[QUEUE_ID_TEXT_SIZE], all[16];

	log_info("%s: to=<%.*s>, relay=none, delay=%s, delays=%s/0/0/0, dsn=%s, status=bounced "
		 "(%s)",
		queue_id_text(m->entry->id, id), SHOWN(to), seconds(arrival, now, all), all, code,
		text);
}

void
line_removed(uint64_t queue_id)
{
	char id[QUEUE_ID_TEXT_SIZE];

	log_info("%s: removed", queue_id_text(queue_id, id));
}
