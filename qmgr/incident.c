/* SPDX-License-Identifier: ISC */
/*
 * qmgr/incident.c - accounts that may not send any more: ledger tells, their mail in the queue is
 * held, and the operator gets a mail.
 *
 * ledger tells all open incidents again whenever the link comes up; holding what is held
 * already changes nothing. That the operator was told is said to ledger only when the mail to
 * him is durable, so he hears of each incident at least once: if it cannot be stored, when the link
 * comes up again.
 *
 * Runs in:  qmgr. Trusts: ledger.
 */
#include <stdlib.h>

#include "clock.h"
#include "err.h"
#include "ledger_msg.h"
#include "log.h"
#include "qmgr.h"

struct telling { /* what a mail to the operator is about */
	uint64_t queue_id;
	uint32_t login_len;
	uint8_t login[LEDGER_ACCOUNT_MAX];
};

/* Printable, so that nothing in it ends a line. */
static void
put_text(struct buf *out, struct bytes b)
{
	for (size_t i = 0; i < b.n; i++)
		buf_put_u8(out, b.p[i] < 0x20 || b.p[i] == 0x7f ? '?' : b.p[i]);
}

static void
put_mail(struct buf *out, const struct qmgr *q, const struct ledger_incident *m, const char *id)
{
	const char *hostname = q->d->common->hostname;
	char date[CLOCK_DATE_SIZE];

	buf_printf(out, "Date: %s\r\n", clock_rfc5322_date((time_t)now_s(), date));
	buf_printf(out, "From: Mail Delivery System <MAILER-DAEMON@%s>\r\n", hostname);
	buf_put_str(out, "To: postmaster\r\nSubject: Sending is blocked for ");
	put_text(out, m->login);
	buf_printf(out, "\r\nMessage-ID: <%s@%s>\r\n", id, hostname);
	buf_put_str(out, "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
			 "Content-Type: text/plain; charset=utf-8\r\n"
			 "Content-Transfer-Encoding: 8bit\r\n\r\n");
	buf_printf(
		out, "This is the mail system at host %s.\r\n\r\nThe account\r\n\r\n  ", hostname);
	put_text(out, m->login);
	buf_printf(out, "\r\n\r\nmay send nothing more, since %s:\r\n  ",
		clock_rfc5322_date((time_t)m->since, date));
	put_text(out, m->text);
	buf_put_str(out,
		"\r\n\r\nPerhaps its password was stolen. What it has in the queue is held.\r\n"
		"Change the password first. Then either of\r\n\r\n  relais incident release ");
	put_text(out, m->login);
	buf_put_str(out, "\r\n  relais incident purge ");
	put_text(out, m->login);
	buf_put_str(out, "\r\n\r\nlets it send again; the second deletes what is held.\r\n");
}

static void
on_stored(struct qmgr *q, void *arg, int err)
{
	struct telling *t = arg;
	const struct ledger_incident_told told = { bytes_make(t->login, t->login_len) };
	char id[QUEUE_ID_TEXT_SIZE];

	if (err < 0) {
		log_warning("postmaster could not be told that %.*s may not send: %s",
			(int)told.login.n, (const char *)told.login.p, err_text(err));
	} else {
		log_info("%s: postmaster is told that %.*s may not send",
			queue_id_text(t->queue_id, id), (int)told.login.n,
			(const char *)told.login.p);
		ledger_incident_told_encode(link_compose(q->ledger), &told);
		link_send(q->ledger, LEDGER_INCIDENT_TOLD, NULL, 0);
	}
	free(t);
}

static void
mail_operator(struct qmgr *q, const struct ledger_incident *m)
{
	struct envelope_rcpt to = { .forward_path = BYTES_LITERAL("postmaster"),
		.notify = ENVELOPE_NOTIFY_NEVER };
	struct envelope e = { .queue_id = queue_id_make(&q->ids, clock_wall_us()),
		.arrival_us = clock_wall_us(),
		.flags = ENVELOPE_LOCAL_ORIGIN | ENVELOPE_8BITMIME,
		.protocol = BYTES_LITERAL("local"),
		.n_rcpts = 1,
		.rcpts = &to };
	struct telling *t = xcalloc(1, sizeof(*t));
	struct buf content = BUF_INIT;
	char id[QUEUE_ID_TEXT_SIZE];
	int r;

	t->queue_id = e.queue_id;
	t->login_len = (uint32_t)m->login.n;
	memcpy(t->login, m->login.p, m->login.n);
	put_mail(&content, q, m, queue_id_text(e.queue_id, id));
	if ((r = own_send(q, &e, buf_bytes(&content), on_stored, t)) < 0)
		on_stored(q, t, r);
	buf_free(&content);
}

static void
on_incident(struct ipc_call *call, const void *msg)
{
	const struct ledger_incident *m = msg;
	struct qmgr *q = link_ctx(call->ctx);

	if (!m->open)
		return; /* the operator orders himself what becomes of the mail */
	operator_hold_login(q, m->login);
	if (!m->told)
		mail_operator(q, m);
}

static const struct ipc_route ledger_routes[] = {
	{ LEDGER_INCIDENT, FROM(SERVICE_LEDGER), 0, 0, sizeof(struct ledger_incident),
		ledger_incident_decode, on_incident },
};

static void
on_ledger_up(void *arg, struct link *l)
{
	(void)link_compose(l);
	link_send(l, LEDGER_INCIDENTS_SUBSCRIBE, NULL, 0);
}

void
incident_init(struct qmgr *q)
{
	q->ledger = daemon_link(
		q->d, SERVICE_LEDGER, CONTROL_ANY, ledger_routes, NITEMS(ledger_routes));
	link_set_ctx(q->ledger, q);
	link_on_up(q->ledger, on_ledger_up, q);
	link_open(q->ledger);
}
