/* SPDX-License-Identifier: ISC */
/*
 * qmgr/dsn.c - delivery status notifications.
 *
 * Runs in:  qmgr.
 * Trusts:   nothing in the message it reports on: texts are cut to printable ones.
 * Sources:  RFC 3461 sec. 4 and 6, RFC 3462, RFC 3464, RFC 5321 sec. 6.1.
 */
#include "dsn.h"

#include <stdlib.h>

#include "clock.h"
#include "encode.h"
#include "err.h"
#include "log.h"
#include "qmgr.h"
#include "sys.h"

#define FULL_MAX    65536 /* octets of a message returned whole */
#define HEADERS_MAX 65536

bool
dsn_is_wanted(const struct envelope *e, uint32_t notify)
{
	if (e->login.n == 0 || e->reverse_path.n == 0 || (notify & ENVELOPE_NOTIFY_NEVER) != 0)
		return false;
	return notify == 0 || (notify & ENVELOPE_NOTIFY_FAILURE) != 0;
}

/* xtext (RFC 3461 sec. 4) to what it stands for; control characters become '?'. */
static void
put_xtext(struct buf *out, struct bytes x)
{
	for (size_t i = 0; i < x.n; i++) {
		struct buf octet = BUF_INIT;
		uint8_t c = x.p[i];

		if (c == '+' && i + 2 < x.n &&
			hex_decode(&octet, bytes_make(x.p + i + 1, 2)) == ERR_OK) {
			c = octet.data[octet.start];
			i += 2;
		}
		buf_free(&octet);
		buf_put_u8(out, c < 0x20 || c == 0x7f ? '?' : c);
	}
}

/* Printable, so that nothing in it ends a line or begins a field. */
static void
put_text(struct buf *out, struct bytes b)
{
	for (size_t i = 0; i < b.n; i++)
		buf_put_u8(out, b.p[i] < 0x20 || b.p[i] == 0x7f ? '?' : b.p[i]);
}

static void
put_field(struct buf *out, const char *name, struct bytes value)
{
	buf_put_str(out, name);
	put_text(out, value);
	buf_put_str(out, "\r\n");
}

static const char *
address_type(struct bytes address)
{
	for (size_t i = 0; i < address.n; i++)
		if (address.p[i] >= 0x80)
			return "utf-8;"; /* RFC 6533 sec. 3 */
	return "rfc822;";
}

static void
put_head(struct buf *out, const struct dsn *d)
{
	put_field(out, "Date: ", bytes_from_str(d->date));
	buf_printf(out, "From: Mail Delivery System <MAILER-DAEMON@%s>\r\n", d->hostname);
	buf_put_str(out, "To: <");
	put_text(out, d->to.n > 0 ? d->to : d->envelope->reverse_path);
	buf_put_str(out, ">\r\nSubject: Undelivered Mail Returned to Sender\r\n");
	buf_printf(out, "Message-ID: <%s@%s>\r\n", d->id, d->hostname);
	buf_put_str(out, "Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n");
	buf_printf(out,
		"Content-Type: multipart/report; report-type=delivery-status;\r\n"
		"\tboundary=\"%s/%s\"\r\n\r\n",
		d->id, d->hostname);
}

static void
put_boundary(struct buf *out, const struct dsn *d, const char *end)
{
	buf_printf(out, "--%s/%s%s\r\n", d->id, d->hostname, end);
}

/* For a person. */
static void
put_explanation(struct buf *out, const struct dsn *d)
{
	put_boundary(out, d, "");
	buf_printf(out,
		"Content-Type: text/plain; charset=utf-8\r\n"
		"Content-Transfer-Encoding: 8bit\r\n\r\n"
		"This is the mail system at host %s.\r\n\r\n"
		"Your message could not be delivered to:\r\n\r\n",
		d->hostname);
	for (uint32_t i = 0; i < d->n; i++) {
		buf_put_str(out, "  <");
		put_text(out, d->rcpts[i].address);
		buf_put_str(out, ">: ");
		put_text(out, d->rcpts[i].text);
		buf_put_str(out, "\r\n");
	}
	buf_put_str(out, "\r\n");
}

/* For a program: RFC 3464 sec. 2.2 and 2.3. */
static void
put_status(struct buf *out, const struct dsn *d)
{
	put_boundary(out, d, "");
	buf_put_str(out, "Content-Type: message/delivery-status\r\n"
			 "Content-Transfer-Encoding: 8bit\r\n\r\n");
	buf_printf(out, "Reporting-MTA: dns; %s\r\n", d->hostname);
	if (d->envelope->envid.n > 0) {
		buf_put_str(out, "Original-Envelope-Id: ");
		put_xtext(out, d->envelope->envid);
		buf_put_str(out, "\r\n");
	}
	buf_printf(out, "X-Relais-Queue-ID: %s\r\n", d->of_id);
	put_field(out, "Arrival-Date: ", bytes_from_str(d->arrival));
	for (uint32_t i = 0; i < d->n; i++) {
		const struct dsn_rcpt *r = &d->rcpts[i];
		struct bytes value = r->orcpt, type = bytes_cut(&value, ';');

		buf_put_str(out, "\r\n");
		if (r->orcpt.n > 0 && value.n > 0) {
			buf_put_str(out, "Original-Recipient: ");
			put_text(out, type);
			buf_put_str(out, ";");
			put_xtext(out, value);
			buf_put_str(out, "\r\n");
		}
		buf_printf(out, "Final-Recipient: %s", address_type(r->address));
		put_field(out, " ", r->address);
		buf_put_str(out, "Action: failed\r\n");
		put_field(out, "Status: ", r->code);
		put_field(out, "Diagnostic-Code: X-Relais; ", r->text);
	}
	buf_put_str(out, "\r\n");
}

static void
put_original(struct buf *out, const struct dsn *d)
{
	const size_t blank = bytes_search(d->original, BYTES_LITERAL("\r\n\r\n"));
	const size_t size = blank == BYTES_NOT_FOUND ? d->original.n : blank + 2;
	const bool full =
		(d->envelope->flags & ENVELOPE_RET_FULL) != 0 && d->original.n <= FULL_MAX;

	put_boundary(out, d, "");
	buf_printf(out,
		"Content-Type: %s\r\nContent-Transfer-Encoding: 8bit\r\n"
		"Content-Description: Undelivered Message%s\r\n\r\n",
		full ? "message/rfc822" : "text/rfc822-headers", full ? "" : " Headers");
	buf_put_bytes(out, full ? d->original : bytes_head(d->original, size));
	buf_put_str(out, "\r\n");
	put_boundary(out, d, "--");
}

void
dsn_build(struct buf *out, const struct dsn *d)
{
	put_head(out, d);
	put_explanation(out, d);
	put_status(out, d);
	put_original(out, d);
}

/* ---- sending ---- */

/* The recipient of the envelope that this one stands for. */
static const struct envelope_rcpt *
original_rcpt(const struct message *m, uint32_t i)
{
	while (m->state.rcpts[i].parent != RCPT_NO_PARENT)
		i = m->state.rcpts[i].parent;
	return &m->state.envelope.rcpts[i];
}

static struct bytes
read_original(struct qmgr *q, struct message *m, struct arena *a)
{
	struct buf all = BUF_INIT;
	struct bytes original;
	struct content c;

	if (content_find(q, m, &c) < 0)
		return BYTES_NONE;
	buf_put_bytes(&all, c.prefix);
	if (content_read(&c, FULL_MAX + 1, &all) < 0)
		log_debug("the report goes without the original's content");
	original = arena_bytes(a, buf_bytes(&all));
	buf_free(&all);
	return original;
}

static int
submit(struct qmgr *q, struct message *m, struct bytes reverse_path, const struct dsn_rcpt *rcpts,
	uint32_t n)
{
	char id[QUEUE_ID_TEXT_SIZE], of_id[QUEUE_ID_TEXT_SIZE];
	char date[CLOCK_DATE_SIZE], arrival[CLOCK_DATE_SIZE];
	struct envelope_rcpt to = { .forward_path = reverse_path, .notify = ENVELOPE_NOTIFY_NEVER };
	struct envelope e = { .queue_id = queue_id_make(&q->ids, clock_wall_us()),
		.arrival_us = clock_wall_us(),
		.flags = ENVELOPE_LOCAL_ORIGIN | ENVELOPE_8BITMIME |
			 (m->state.envelope.flags & ENVELOPE_SMTPUTF8),
		.protocol = BYTES_LITERAL("local"),
		.session_id = m->state.envelope.session_id,
		.n_rcpts = 1,
		.rcpts = &to };
	struct arena a = ARENA_INIT;
	struct buf content = BUF_INIT;
	struct dsn d = { .hostname = q->d->common->hostname,
		.date = clock_rfc5322_date((time_t)now_s(), date),
		.arrival = clock_rfc5322_date(
			(time_t)(m->state.envelope.arrival_us / 1000000), arrival),
		.id = queue_id_text(e.queue_id, id),
		.of_id = queue_id_text(m->entry->id, of_id),
		.envelope = &m->state.envelope,
		.to = reverse_path,
		.n = n,
		.rcpts = rcpts };
	int r;

	d.original = read_original(q, m, &a);
	dsn_build(&content, &d);
	r = intake_own(q, &e, buf_bytes(&content));
	if (r == ERR_OK)
		log_info("%s: sender non-delivery notification: %s", of_id, id);
	else
		log_warning(
			"%s: no non-delivery notification could be made: %s", of_id, err_text(r));
	buf_free(&content);
	arena_reset(&a);
	return r;
}

/* Who is to be told of a recipient that bounced; empty: nobody. */
static struct bytes
whom_to_tell(const struct message *m, uint32_t i)
{
	const struct envelope *e = &m->state.envelope;
	const struct queue_rcpt *r = &m->state.rcpts[i];

	if (r->status != RCPT_BOUNCED || r->reported)
		return BYTES_NONE;
	if (r->reverse_path.n > 0)
		return r->reverse_path;
	return dsn_is_wanted(e, original_rcpt(m, i)->notify) ? e->reverse_path : BYTES_NONE;
}

/* One message for all that the same one is told of, from the first of them on. */
static bool
tell(struct qmgr *q, struct message *m, uint32_t first, bool *told)
{
	const struct bytes to = whom_to_tell(m, first);
	struct dsn_rcpt *rcpts = xcalloc(m->state.n - first, sizeof(*rcpts));
	uint32_t n = 0;
	bool ok;

	for (uint32_t i = first; i < m->state.n; i++) {
		const struct queue_rcpt *r = &m->state.rcpts[i];
		const struct bytes orcpt =
			r->reverse_path.n > 0 ? BYTES_NONE : original_rcpt(m, i)->orcpt;

		if (told[i] || !bytes_equal(whom_to_tell(m, i), to))
			continue;
		told[i] = true;
		rcpts[n++] = (struct dsn_rcpt){ r->address, orcpt, r->code, r->text };
	}
	ok = submit(q, m, to, rcpts, n) == ERR_OK;
	free(rcpts);
	return ok;
}

void
dsn_send(struct qmgr *q, struct message *m)
{
	struct queue_event reported = { .rcpt = QUEUE_EVENT_MESSAGE, .kind = QUEUE_EVENT_REPORTED };
	bool *told = NULL, sent = false, silent = false;

	for (uint32_t i = 0; i < m->state.n; i++) {
		const struct queue_rcpt *r = &m->state.rcpts[i];

		if (r->status != RCPT_BOUNCED || r->reported)
			continue;
		if (whom_to_tell(m, i).n == 0) {
			silent = true;
			continue;
		}
		if (told == NULL)
			told = xcalloc(m->state.n, sizeof(*told));
		/* in one batch with the report itself: neither without the other */
		if (!told[i])
			sent |= tell(q, m, i, told);
	}
	free(told);
	if (sent || (silent && m->state.left > 0))
		message_event(q, m, &reported);
}
