/* SPDX-License-Identifier: ISC */
/*
 * smtp-client/message.c - the form the content takes for this peer, and its octets.
 *
 * Most peers take 8-bit content as it is; then nobody looks at it, and a large one passes through
 * in chunks. Only for a peer that lacks 8BITMIME, BINARYMIME or SMTPUTF8 which the message may
 * need, all of it is asked for, looked at, and re-encoded if it has to be (downgrade.h).
 *
 * Runs in:  smtp-client.
 * Trusts:   the job.
 * Sources:  RFC 1870; RFC 6152 sec. 3; RFC 3030; RFC 6531 sec. 3.6.
 */
#include "err.h"
#include "rfc5322.h"
#include "session_impl.h"

#define OUT_MAX   (64u << 10) /* of output made before the peer takes some */
#define SLICE_MAX (16u << 10)

static const struct client_outcome message_fails = { OUTBOUND_PERMANENT, CLIENT_SCOPE_MESSAGE,
	OUTBOUND_REACHED };

/* --- which form ------------------------------------------------------------------- */

static bool
can_binary(const struct client_session *s)
{
	return client_offers(s, SMTP_EXT_BINARYMIME);
}

static bool
is_binary(const struct client_session *s)
{
	return (s->job.flags & OUTBOUND_BINARYMIME) != 0;
}

/* SMTPUTF8 includes it (RFC 6531 sec. 3.1 item 8), and so does what goes as binary. */
static bool
can_8bit(const struct client_session *s)
{
	return client_offers(s, SMTP_EXT_8BITMIME | SMTP_EXT_SMTPUTF8) ||
	       (is_binary(s) && can_binary(s));
}

/* Is there anything that this peer might not take? */
static bool
must_look(const struct client_session *s)
{
	uint32_t flags = s->job.flags;

	return !can_8bit(s) || (is_binary(s) && !can_binary(s)) ||
	       ((flags & OUTBOUND_SMTPUTF8) != 0 && !client_offers(s, SMTP_EXT_SMTPUTF8));
}

/* The header needs SMTPUTF8 and the peer lacks it: true, the job has failed. */
static bool
fails_for_utf8(struct client_session *s)
{
	struct client_message *m = &s->message;

	if ((s->job.flags & OUTBOUND_SMTPUTF8) == 0 || client_offers(s, SMTP_EXT_SMTPUTF8) ||
		!downgrade_header_is_8bit(s->job.prefix, m->content))
		return false;
	client_failf(s, &message_fails, "5.6.7",
		"SMTPUTF8 is required, but was not offered by host %s", s->policy->peer);
	return true;
}

/* Re-encode if need be. false: it can't be, the job has failed. */
static bool
fit(struct client_session *s)
{
	struct client_message *m = &s->message;
	bool binary = is_binary(s) && !can_binary(s);
	int r;

	if (!binary && (can_8bit(s) || !m->has_8bit))
		return true;
	r = downgrade_new(&m->changed, s->job.prefix, m->content,
		can_8bit(s) ? DOWNGRADE_TO_8BIT : DOWNGRADE_TO_7BIT);
	if (r == ERR_OK) {
		m->octets = downgrade_octets(m->changed);
		return true;
	}
	client_failf(s, &message_fails, "5.6.3",
		"message has %s content that can't be converted, and %s was not offered by host %s",
		binary ? "binary" : "8-bit", binary ? "BINARYMIME" : "8BITMIME", s->policy->peer);
	return false;
}

static bool
fits_size(struct client_session *s)
{
	const struct client_message *m = &s->message;

	if (s->ehlo.size == 0 || m->octets <= s->ehlo.size)
		return true;
	client_failf(s, &message_fails, "5.3.4",
		"message size %llu exceeds size limit %llu of server %s",
		(unsigned long long)m->octets, (unsigned long long)s->ehlo.size, s->policy->peer);
	return false;
}

static bool
has_8bit(const struct client_session *s)
{
	return downgrade_is_8bit(s->job.prefix) || downgrade_is_8bit(s->message.content);
}

bool
client_message_ready(struct client_session *s)
{
	struct client_message *m = &s->message;

	if (m->decided)
		return true;
	if (!m->whole && s->job.content.n == s->job.content_octets) {
		m->content = s->job.content;
		m->whole = true;
	}
	m->octets = s->job.prefix.n + s->job.content_octets;
	if (!fits_size(s)) {
		client_job_done(s);
		return false;
	}
	if (!m->whole && must_look(s)) {
		client_wait(s, CLIENT_WANT_WHOLE);
		return false;
	}
	/* of one that isn't looked at, it is better said than not */
	m->has_8bit = m->whole ? has_8bit(s) : true;
	if ((m->whole && must_look(s) && (fails_for_utf8(s) || !fit(s))) || !fits_size(s)) {
		client_job_done(s);
		return false;
	}
	m->binary = is_binary(s) && m->changed == NULL;
	s->bdat = m->binary || (s->policy->chunking && client_offers(s, SMTP_EXT_CHUNKING));
	m->decided = true;
	return true;
}

void
client_session_whole(struct client_session *s, struct bytes content)
{
	ASSERT(s->want == CLIENT_WANT_WHOLE && content.n == s->job.content_octets);
	s->message.content = content;
	s->message.whole = true;
	client_next_transaction(s);
}

bool
client_session_breaks_signature(const struct client_session *s)
{
	struct rfc5322_field f;

	return s->message.changed != NULL &&
	       (rfc5322_field_find(s->job.prefix, "DKIM-Signature", &f) ||
		       rfc5322_field_find(s->message.content, "DKIM-Signature", &f));
}

void
client_message_free(struct client_session *s)
{
	downgrade_free(&s->message.changed);
	s->message = (struct client_message){ 0 };
}

bool
client_needs_utf8(const struct client_session *s)
{
	if (!client_offers(s, SMTP_EXT_SMTPUTF8))
		return false;
	if ((s->job.flags & OUTBOUND_SMTPUTF8) != 0 || downgrade_is_8bit(s->job.reverse_path))
		return true;
	for (uint32_t i = 0; i < s->job.n_rcpts; i++)
		if (downgrade_is_8bit(s->job.rcpts[i].forward_path))
			return true;
	return false;
}

void
client_message_params(const struct client_session *s, struct buf *out)
{
	const struct client_message *m = &s->message;

	if (client_offers(s, SMTP_EXT_SIZE))
		buf_printf(out, " SIZE=%llu", (unsigned long long)m->octets);
	if (m->binary)
		buf_put_str(out, " BODY=BINARYMIME");
	else if (client_offers(s, SMTP_EXT_8BITMIME) && m->has_8bit)
		buf_put_str(out, " BODY=8BITMIME");
	if (client_needs_utf8(s))
		buf_put_str(out, " SMTPUTF8");
}

/* --- octets ----------------------------------------------------------------------- */

static void
expect_end(struct client_session *s)
{
	enum client_verb v = s->bdat ? CLIENT_BDAT : CLIENT_END;

	if (!s->policy->lmtp) {
		client_expect(s, v, 0);
		return;
	}
	for (uint32_t i = 0; i < s->job.n_rcpts; i++)
		if (s->states[i] == RCPT_ACCEPTED)
			client_expect(s, v, i);
}

void
client_content_begin(struct client_session *s)
{
	s->sending = true;
	s->prefix_sent = false;
	s->content_sent = 0;
	s->block = 0;
	s->stuff = SMTP_STUFF_INIT;
	if (s->message.changed != NULL)
		downgrade_rewind(s->message.changed);
	expect_end(s);
	if (s->bdat)
		buf_printf(&s->out, "BDAT %llu LAST\r\n", (unsigned long long)s->message.octets);
	client_content_more(s);
}

static void
put(struct client_session *s, struct bytes octets)
{
	if (s->bdat)
		buf_put_bytes(&s->out, octets);
	else
		smtp_stuff_put(&s->stuff, octets, &s->out);
}

/* All is out. */
static void
end_content(struct client_session *s)
{
	if (!s->bdat)
		smtp_stuff_end(&s->stuff, &s->out);
	s->sending = false;
	client_wait(s, CLIENT_WANT_READ);
}

static bool
put_changed(struct client_session *s)
{
	struct buf piece = BUF_INIT;
	bool more = downgrade_next(s->message.changed, &piece);

	put(s, buf_bytes(&piece));
	buf_free(&piece);
	return more;
}

static bool
put_slice(struct client_session *s)
{
	struct bytes left = bytes_skip(s->message.content, s->content_sent);
	struct bytes slice = bytes_head(left, SLICE_MAX);

	put(s, slice);
	s->content_sent += slice.n;
	return slice.n < left.n;
}

void
client_content_more(struct client_session *s)
{
	while (s->sending && s->out.len < OUT_MAX) {
		if (s->message.changed != NULL) {
			if (!put_changed(s))
				end_content(s);
			continue;
		}
		if (!s->prefix_sent) {
			put(s, s->job.prefix);
			s->prefix_sent = true;
		}
		if (s->message.whole ? !put_slice(s) : s->content_sent == s->job.content_octets)
			end_content(s);
		else if (!s->message.whole) {
			if (s->want != CLIENT_WANT_CONTENT)
				client_wait(s, CLIENT_WANT_CONTENT);
			return;
		}
	}
}

uint64_t
client_session_offset(const struct client_session *s)
{
	return s->content_sent;
}

size_t
client_session_room(const struct client_session *s)
{
	uint64_t left = s->job.content_octets - s->content_sent;

	if (s->want != CLIENT_WANT_CONTENT || s->out.len >= OUT_MAX)
		return 0;
	return left < CLIENT_CHUNK_MAX ? (size_t)left : CLIENT_CHUNK_MAX;
}

void
client_session_content(struct client_session *s, struct bytes octets)
{
	ASSERT(octets.n > 0 && octets.n <= client_session_room(s));
	put(s, octets);
	s->content_sent += octets.n;
	client_content_more(s);
}
