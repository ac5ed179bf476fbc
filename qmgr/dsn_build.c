/* SPDX-License-Identifier: ISC */
/*
 * qmgr/dsn_build.c - the text of a delivery status notification.
 *
 * Runs in:  qmgr, tests. Pure.
 * Trusts:   nothing in the message it reports on, nor what other hosts said: nothing in it ends a
 *           line or begins a field.
 * Sources:  RFC 3461 sec. 6, RFC 3462, RFC 3464, RFC 6533.
 */
#include <stdlib.h>

#include "dsn.h"
#include "encode.h"
#include "err.h"
#include "rfc5321.h"
#include "utf8.h"

static const struct {
	const char *subject, *sentence, *what;
} kinds[DSN_KINDS] = {
	[DSN_FAILURE] = { "Undelivered Mail Returned to Sender",
		"Your message could not be delivered to:", "Undelivered Message" },
	[DSN_DELAY] = { "Delayed Mail (still being retried)",
		"Your message has not been delivered yet to:", "Delayed Message" },
	[DSN_SUCCESS] = { "Successful Mail Delivery Report",
		"Your message was delivered to:", "Delivered Message" },
};

static const struct {
	const char *word, *note;
} actions[DSN_ACTIONS] = {
	[DSN_FAILED] = { "failed", "" },
	[DSN_DELAYED] = { "delayed", "" },
	[DSN_DELIVERED] = { "delivered", "" },
	[DSN_RELAYED] = { "relayed", " (handed over to a host that does not report further)" },
	[DSN_EXPANDED] = { "expanded", " (handed over to the members of this address)" },
};

static bool
is_utf8(const struct dsn *d)
{
	return (d->envelope->flags & ENVELOPE_SMTPUTF8) != 0;
}

/* Control octets become '?'; so does all that is not ASCII, unless it may be there and is UTF-8. */
static void
put_text(struct buf *out, struct bytes b, bool utf8)
{
	const bool keep = utf8 && utf8_is_valid(b);

	for (size_t i = 0; i < b.n; i++)
		buf_put_u8(out, b.p[i] < 0x20 || b.p[i] == 0x7f || (b.p[i] >= 0x80 && !keep)
					? '?'
					: b.p[i]);
}

static void
put_field(struct buf *out, const char *name, struct bytes value, bool utf8)
{
	buf_put_str(out, name);
	put_text(out, value, utf8);
	buf_put_str(out, "\r\n");
}

static void
put_xtext(struct buf *out, struct bytes x, bool utf8)
{
	struct buf text = BUF_INIT;

	if (rfc3461_xtext_decode(&text, x) < 0)
		buf_put_bytes(&text, x);
	put_text(out, buf_bytes(&text), utf8);
	buf_free(&text);
}

/* utf-8-addr-xtext (RFC 6533 sec. 3) has characters as \x{HEX}. */
static void
put_unitext(struct buf *out, struct bytes in)
{
	struct buf text = BUF_INIT;

	while (in.n > 0) {
		const size_t end = bytes_find(in, '}');
		char hex[8], *stop;
		unsigned long c;

		if (in.n > 4 && in.p[0] == '\\' && in.p[1] == 'x' && in.p[2] == '{' &&
			end != BYTES_NOT_FOUND && end - 3 < sizeof(hex)) {
			bytes_to_str(bytes_make(in.p + 3, end - 3), hex, sizeof(hex));
			c = strtoul(hex, &stop, 16);
			if (stop != hex && *stop == 0 && c <= 0x10ffff) {
				utf8_put(&text, (uint32_t)c);
				in = bytes_skip(in, end + 1);
				continue;
			}
		}
		buf_put_u8(&text, in.p[0]);
		in = bytes_skip(in, 1);
	}
	put_text(out, buf_bytes(&text), true);
	buf_free(&text);
}

static void
put_head(struct buf *out, const struct dsn *d)
{
	buf_printf(out, "Date: %s\r\nFrom: Mail Delivery System <MAILER-DAEMON@%s>\r\n", d->date,
		d->hostname);
	buf_put_str(out, "To: <");
	put_text(out, d->to, is_utf8(d));
	buf_printf(out, ">\r\nSubject: %s%s\r\n", d->to_postmaster ? "Postmaster Copy: " : "",
		kinds[d->kind].subject);
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

static void
put_rcpt_for_a_person(struct buf *out, const struct dsn_rcpt *r)
{
	buf_put_str(out, "  <");
	put_text(out, r->address, true);
	buf_put_str(out, ">");
	if (r->given.n > 0) {
		buf_put_str(out, " (as <");
		put_text(out, r->given, true);
		buf_put_str(out, ">)");
	}
	buf_put_str(out, "\r\n    ");
	put_text(out, r->text, true);
	buf_printf(out, "%s\r\n", actions[r->action].note);
}

static void
put_explanation(struct buf *out, const struct dsn *d)
{
	put_boundary(out, d, "");
	buf_printf(out,
		"Content-Type: text/plain; charset=utf-8\r\n"
		"Content-Transfer-Encoding: 8bit\r\n\r\n"
		"This is the mail system at host %s.\r\n\r\n%s\r\n\r\n",
		d->hostname, kinds[d->kind].sentence);
	for (uint32_t i = 0; i < d->n; i++)
		put_rcpt_for_a_person(out, &d->rcpts[i]);
	if (d->kind == DSN_DELAY)
		buf_printf(out,
			"\r\nIt is tried again until %s.\r\n"
			"You need not send it again.\r\n",
			d->until);
	if (d->to_postmaster)
		buf_put_str(
			out, "\r\nThe message was a report of ours, so nobody else is told.\r\n");
	buf_put_str(out, "\r\n");
}

static bool
is_ascii(struct bytes b)
{
	return utf8_ascii_len(b) == b.n;
}

static void
put_original_rcpt(struct buf *out, const struct dsn_rcpt *r, bool utf8)
{
	struct bytes value = r->orcpt, type = bytes_cut(&value, ';');

	if (r->orcpt.n == 0 || value.n == 0)
		return;
	buf_put_str(out, "Original-Recipient: ");
	put_text(out, type, false);
	buf_put_str(out, ";");
	if (utf8 && bytes_equal_nocase(type, BYTES_LITERAL("utf-8")))
		put_unitext(out, value);
	else
		put_xtext(out, value, utf8);
	buf_put_str(out, "\r\n");
}

/* RFC 3464 sec. 2.3 */
static void
put_rcpt_for_a_program(struct buf *out, const struct dsn *d, const struct dsn_rcpt *r)
{
	const bool utf8 = is_utf8(d);

	buf_put_str(out, "\r\n");
	put_original_rcpt(out, r, utf8);
	put_field(out,
		is_ascii(r->address) ? "Final-Recipient: rfc822; " : "Final-Recipient: utf-8; ",
		r->address, utf8);
	buf_printf(out, "Action: %s\r\n", actions[r->action].word);
	put_field(out, "Status: ", r->code, false);
	if (r->remote.n > 0)
		put_field(out, "Remote-MTA: dns; ", r->remote, utf8);
	put_field(out, r->remote.n > 0 ? "Diagnostic-Code: smtp; " : "Diagnostic-Code: X-Relais; ",
		r->text, utf8);
	if (d->kind == DSN_DELAY)
		buf_printf(out, "Will-Retry-Until: %s\r\n", d->until);
}

/* For a program: RFC 3464 sec. 2.2, RFC 6533 sec. 4. */
static void
put_status(struct buf *out, const struct dsn *d)
{
	put_boundary(out, d, "");
	buf_put_str(out, is_utf8(d) ? "Content-Type: message/global-delivery-status\r\n"
				      "Content-Transfer-Encoding: 8bit\r\n\r\n"
				    : "Content-Type: message/delivery-status\r\n\r\n");
	buf_printf(out, "Reporting-MTA: dns; %s\r\n", d->hostname);
	if (d->envelope->envid.n > 0) {
		buf_put_str(out, "Original-Envelope-Id: ");
		put_xtext(out, d->envelope->envid, false);
		buf_put_str(out, "\r\n");
	}
	buf_printf(out, "X-Relais-Queue-ID: %s\r\nArrival-Date: %s\r\n", d->of_id, d->arrival);
	for (uint32_t i = 0; i < d->n; i++)
		put_rcpt_for_a_program(out, d, &d->rcpts[i]);
	buf_put_str(out, "\r\n");
}

/* RFC 3462 sec. 2, RFC 6533 sec. 6. */
static void
put_original(struct buf *out, const struct dsn *d)
{
	static const char *const types[2][2] = { { "text/rfc822-headers", "message/rfc822" },
		{ "message/global-headers", "message/global" } };
	const size_t blank = bytes_search(d->original, BYTES_LITERAL("\r\n\r\n"));
	const size_t header = blank == BYTES_NOT_FOUND ? d->original.n : blank + 2;
	const struct bytes part = d->full ? d->original : bytes_head(d->original, header);

	put_boundary(out, d, "");
	buf_printf(out, "Content-Type: %s\r\n%sContent-Description: %s%s\r\n\r\n",
		types[is_utf8(d)][d->full],
		is_ascii(part) ? "" : "Content-Transfer-Encoding: 8bit\r\n", kinds[d->kind].what,
		d->full ? "" : " Headers");
	buf_put_bytes(out, part);
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
