/* SPDX-License-Identifier: ISC */
/*
 * lib/ipc/queue_operator_msg.c - the operator's requests to qmgr and its answers, as octets.
 *
 * Runs in:  cli, qmgr. Pure.
 * Trusts:   nothing: every size and every number is checked at decoding.
 */
#include "envelope.h"
#include "queue_msg.h"
#include "queue_record.h"

#define FRAME_MAX  (IPC_BODY_MAX - 64)
#define STATE_BITS 4 /* of filter.states: enum queue_told_state begins at 1 */

unsigned
queue_shape_column(uint64_t age_s)
{
	uint64_t limit = 300;
	unsigned i = 0;

	for (; i < QUEUE_SHAPE_AGES - 1 && age_s >= limit; limit *= 2)
		i++;
	return i;
}

/* ---- LIST ---- */

static void
put_filter(struct buf *out, const struct queue_filter *f)
{
	ipc_put_bytes(out, bytes_head(f->sender, ENVELOPE_PATH_MAX));
	ipc_put_bytes(out, bytes_head(f->recipient, ENVELOPE_PATH_MAX));
	ipc_put_bytes(out, bytes_head(f->domain, ENVELOPE_PATH_MAX));
	ipc_put_bytes(out, bytes_head(f->next_hop, QUEUE_HOP_MAX));
	ipc_put_bytes(out, bytes_head(f->reason, QUEUE_WORDS_MAX));
	ipc_put_bytes(out, bytes_head(f->login, QUEUE_LOGIN_MAX));
	buf_put_u64(out, f->from_us);
	buf_put_u64(out, f->until_us);
	buf_put_u64(out, f->min_size);
	buf_put_u64(out, f->max_size);
	buf_put_u32(out, f->min_attempts);
	buf_put_u8(out, (uint8_t)f->states);
}

static struct queue_filter
get_filter(struct ipc_reader *in)
{
	struct queue_filter f;

	f.sender = ipc_get_bytes(in, ENVELOPE_PATH_MAX);
	f.recipient = ipc_get_bytes(in, ENVELOPE_PATH_MAX);
	f.domain = ipc_get_bytes(in, ENVELOPE_PATH_MAX);
	f.next_hop = ipc_get_bytes(in, QUEUE_HOP_MAX);
	f.reason = ipc_get_bytes(in, QUEUE_WORDS_MAX);
	f.login = ipc_get_bytes(in, QUEUE_LOGIN_MAX);
	f.from_us = ipc_get_u64(in);
	f.until_us = ipc_get_u64(in);
	f.min_size = ipc_get_u64(in);
	f.max_size = ipc_get_u64(in);
	f.min_attempts = ipc_get_u32(in);
	f.states = ipc_get_enum(in, 1u << STATE_BITS);
	return f;
}

void
queue_list_encode(struct buf *out, const struct queue_list *m)
{
	put_filter(out, &m->filter);
	buf_put_u64(out, m->from_id);
	buf_put_u32(out, m->from_rcpt);
	buf_put_u32(out, m->max);
	buf_put_u32(out, m->max_rcpts);
}

int
queue_list_decode(struct ipc_reader *in, void *msg)
{
	struct queue_list *m = msg;

	m->filter = get_filter(in);
	m->from_id = ipc_get_u64(in);
	m->from_rcpt = ipc_get_u32(in);
	m->max = ipc_get_u32(in);
	m->max_rcpts = ipc_get_u32(in);
	return ipc_finish(in);
}

static void
put_rcpt(struct buf *out, const struct queue_list_rcpt *r)
{
	ipc_put_bytes(out, bytes_head(r->address, ENVELOPE_PATH_MAX));
	ipc_put_bytes(out, bytes_head(r->original, ENVELOPE_PATH_MAX));
	ipc_put_bytes(out, bytes_head(r->code, QUEUE_EVENT_CODE_MAX));
	ipc_put_bytes(out, bytes_head(r->reason, QUEUE_ANSWER_MAX));
	ipc_put_bytes(out, bytes_head(r->next_hop, QUEUE_HOP_MAX));
	buf_put_u64(out, r->next_s);
	buf_put_u32(out, r->attempts);
	buf_put_u32(out, r->number);
}

static void
get_rcpt(struct ipc_reader *in, struct queue_list_rcpt *r)
{
	r->address = ipc_get_bytes(in, ENVELOPE_PATH_MAX);
	r->original = ipc_get_bytes(in, ENVELOPE_PATH_MAX);
	r->code = ipc_get_bytes(in, QUEUE_EVENT_CODE_MAX);
	r->reason = ipc_get_bytes(in, QUEUE_ANSWER_MAX);
	r->next_hop = ipc_get_bytes(in, QUEUE_HOP_MAX);
	r->next_s = ipc_get_u64(in);
	r->attempts = ipc_get_u32(in);
	r->number = ipc_get_u32(in);
}

/* Its recipients follow. */
static void
put_entry(struct buf *out, const struct queue_list_entry *e)
{
	buf_put_u64(out, e->queue_id);
	buf_put_u64(out, e->arrival_us);
	buf_put_u64(out, e->size);
	buf_put_u64(out, e->next_s);
	buf_put_u8(out, (uint8_t)e->state);
	buf_put_u32(out, e->attempts);
	buf_put_u32(out, e->rcpts_left);
	buf_put_u8(out, e->continued);
	ipc_put_bytes(out, bytes_head(e->reverse_path, ENVELOPE_PATH_MAX));
	ipc_put_bytes(out, bytes_head(e->login, QUEUE_LOGIN_MAX));
	ipc_put_bytes(out, bytes_head(e->dead_hop, QUEUE_HOP_MAX));
	ipc_put_bytes(out, bytes_head(e->dead_reason, QUEUE_ANSWER_MAX));
	buf_put_u64(out, e->dead_until_s);
	buf_put_u32(out, e->n_rcpts);
}

static void
get_entry(struct ipc_reader *in, struct queue_list_answer *m, struct queue_list_entry *e)
{
	e->queue_id = ipc_get_u64(in);
	e->arrival_us = ipc_get_u64(in);
	e->size = ipc_get_u64(in);
	e->next_s = ipc_get_u64(in);
	e->state = ipc_get_enum(in, QUEUE_STATE_HOLD + 1);
	e->attempts = ipc_get_u32(in);
	e->rcpts_left = ipc_get_u32(in);
	e->continued = ipc_get_enum(in, 2) == 1;
	e->reverse_path = ipc_get_bytes(in, ENVELOPE_PATH_MAX);
	e->login = ipc_get_bytes(in, QUEUE_LOGIN_MAX);
	e->dead_hop = ipc_get_bytes(in, QUEUE_HOP_MAX);
	e->dead_reason = ipc_get_bytes(in, QUEUE_ANSWER_MAX);
	e->dead_until_s = ipc_get_u64(in);
	e->n_rcpts = ipc_get_u32(in);
	e->first_rcpt = m->n_rcpts;
	if (e->n_rcpts > QUEUE_LIST_RCPTS_MAX - m->n_rcpts) {
		in->bad = true;
		e->n_rcpts = 0;
	}
	for (uint32_t i = 0; i < e->n_rcpts && !in->bad; i++)
		get_rcpt(in, &m->rcpts[m->n_rcpts++]);
}

/* true: it is there, with *done of its recipients: all of them, unless it is the first and fills
 * the frame alone */
static bool
put_whole_entry(struct buf *out, size_t start, const struct queue_list_answer *m,
	const struct queue_list_entry *e, uint32_t *done)
{
	size_t before = out->len, count;

	put_entry(out, e);
	count = out->len - 4;
	for (*done = 0; *done < e->n_rcpts; ++*done) {
		size_t at = out->len;

		put_rcpt(out, &m->rcpts[e->first_rcpt + *done]);
		if (out->len - start <= FRAME_MAX)
			continue;
		buf_truncate(out, at);
		break;
	}
	set_u32(out->data + out->start + count, *done);
	if (out->len - start <= FRAME_MAX &&
		(*done == e->n_rcpts || (e == m->entries && *done > 0)))
		return true;
	buf_truncate(out, before);
	*done = 0;
	return false;
}

/* What does not fit comes with the next question. */
void
queue_list_answer_encode(struct buf *out, const struct queue_list_answer *m)
{
	const size_t start = out->len;
	uint64_t next_id = m->next_id;
	uint32_t n = 0, next_rcpt = m->next_rcpt;
	bool more = m->more;

	ASSERT(m->n <= QUEUE_LIST_MAX && m->n_rcpts <= QUEUE_LIST_RCPTS_MAX);
	buf_put_u64(out, m->total);
	buf_put_u8(out, 0);
	buf_put_u64(out, 0);
	buf_put_u32(out, 0);
	buf_put_u32(out, 0);
	for (; n < m->n; n++) {
		const struct queue_list_entry *e = &m->entries[n];
		uint32_t done = 0;
		const bool put = put_whole_entry(out, start, m, e, &done);

		if (put && done == e->n_rcpts)
			continue;
		more = true;
		next_id = e->queue_id;
		next_rcpt = done == 0 ? 0 : m->rcpts[e->first_rcpt + done].number;
		n += put;
		break;
	}
	out->data[out->start + start + 8] = more;
	set_u64(out->data + out->start + start + 9, next_id);
	set_u32(out->data + out->start + start + 17, next_rcpt);
	set_u32(out->data + out->start + start + 21, n);
}

int
queue_list_answer_decode(struct ipc_reader *in, void *msg)
{
	struct queue_list_answer *m = msg;

	m->total = ipc_get_u64(in);
	m->more = ipc_get_enum(in, 2) == 1;
	m->next_id = ipc_get_u64(in);
	m->next_rcpt = ipc_get_u32(in);
	m->n_rcpts = 0;
	m->n = ipc_get_u32(in);
	if (m->n > QUEUE_LIST_MAX) {
		in->bad = true;
		m->n = 0;
	}
	for (uint32_t i = 0; i < m->n && !in->bad; i++)
		get_entry(in, m, &m->entries[i]);
	return ipc_finish(in);
}

/* ---- SHOW ---- */

void
queue_show_encode(struct buf *out, const struct queue_show *m)
{
	buf_put_u64(out, m->queue_id);
}

int
queue_show_decode(struct ipc_reader *in, void *msg)
{
	struct queue_show *m = msg;

	m->queue_id = ipc_get_u64(in);
	return ipc_finish(in);
}

void
queue_show_answer_encode(struct buf *out, const struct queue_show_answer *m)
{
	ipc_put_err(out, m->err);
	buf_put_u64(out, m->content_offset);
	buf_put_u64(out, m->content_size);
	buf_put_u64(out, m->state_size);
}

int
queue_show_answer_decode(struct ipc_reader *in, void *msg)
{
	struct queue_show_answer *m = msg;

	m->err = ipc_get_err(in);
	m->content_offset = ipc_get_u64(in);
	m->content_size = ipc_get_u64(in);
	m->state_size = ipc_get_u64(in);
	return ipc_finish(in);
}

/* ---- orders ---- */

void
queue_order_encode(struct buf *out, const struct queue_order *m)
{
	buf_put_u8(out, (uint8_t)m->verb);
	buf_put_u64(out, m->queue_id);
	put_filter(out, &m->filter);
	buf_put_u64(out, m->from_id);
}

int
queue_order_decode(struct ipc_reader *in, void *msg)
{
	struct queue_order *m = msg;

	m->verb = ipc_get_enum(in, QUEUE_ORDER_VERBS);
	m->queue_id = ipc_get_u64(in);
	m->filter = get_filter(in);
	m->from_id = ipc_get_u64(in);
	if (m->verb == 0)
		in->bad = true;
	return ipc_finish(in);
}

void
queue_order_answer_encode(struct buf *out, const struct queue_order_answer *m)
{
	ipc_put_err(out, m->err);
	buf_put_u64(out, m->n);
	buf_put_u64(out, m->n_busy);
	buf_put_u64(out, m->n_held);
	buf_put_u64(out, m->next_id);
}

int
queue_order_answer_decode(struct ipc_reader *in, void *msg)
{
	struct queue_order_answer *m = msg;

	m->err = ipc_get_err(in);
	m->n = ipc_get_u64(in);
	m->n_busy = ipc_get_u64(in);
	m->n_held = ipc_get_u64(in);
	m->next_id = ipc_get_u64(in);
	return ipc_finish(in);
}

/* ---- STATS and SHAPE ---- */

/* The counters in the order of the struct. The formatter would never be content with this. */
/* clang-format off */
#define STATS(X) \
	X(messages) X(active) X(deferred) X(held) X(committed) X(refused) X(delivered) \
	X(deferrals) X(bounced) X(expired) X(deleted) X(octets) X(flushes) X(flushed) \
	X(moved) X(segments) X(segments_busy) X(memory_octets) X(corrupt) X(forged)
/* clang-format on */

void
queue_stats_answer_encode(struct buf *out, const struct queue_stats_answer *m)
{
#define PUT(field) buf_put_u64(out, m->field);
	STATS(PUT)
#undef PUT
}

int
queue_stats_answer_decode(struct ipc_reader *in, void *msg)
{
	struct queue_stats_answer *m = msg;

#define GET(field) m->field = ipc_get_u64(in);
	STATS(GET)
#undef GET
	return ipc_finish(in);
}

void
queue_shape_encode(struct buf *out, const struct queue_shape *m)
{
	buf_put_u8(out, m->senders);
	buf_put_u8(out, (uint8_t)m->states);
	buf_put_u32(out, m->max);
}

int
queue_shape_decode(struct ipc_reader *in, void *msg)
{
	struct queue_shape *m = msg;

	m->senders = ipc_get_enum(in, 2) == 1;
	m->states = ipc_get_enum(in, 1u << STATE_BITS);
	m->max = ipc_get_u32(in);
	return ipc_finish(in);
}

static void
put_ages(struct buf *out, const uint64_t ages[QUEUE_SHAPE_AGES])
{
	for (unsigned i = 0; i < QUEUE_SHAPE_AGES; i++)
		buf_put_u64(out, ages[i]);
}

static void
get_ages(struct ipc_reader *in, uint64_t ages[QUEUE_SHAPE_AGES])
{
	for (unsigned i = 0; i < QUEUE_SHAPE_AGES; i++)
		ages[i] = ipc_get_u64(in);
}

void
queue_shape_answer_encode(struct buf *out, const struct queue_shape_answer *m)
{
	ASSERT(m->n <= QUEUE_SHAPE_MAX);
	buf_put_u64(out, m->unread);
	buf_put_u64(out, m->n_domains);
	put_ages(out, m->total);
	buf_put_u8(out, (uint8_t)m->n);
	for (uint32_t i = 0; i < m->n; i++) {
		ipc_put_bytes(out, bytes_head(m->rows[i].domain, QUEUE_DOMAIN_MAX));
		put_ages(out, m->rows[i].ages);
	}
}

int
queue_shape_answer_decode(struct ipc_reader *in, void *msg)
{
	struct queue_shape_answer *m = msg;

	m->unread = ipc_get_u64(in);
	m->n_domains = ipc_get_u64(in);
	get_ages(in, m->total);
	m->n = ipc_get_enum(in, QUEUE_SHAPE_MAX + 1);
	for (uint32_t i = 0; i < m->n; i++) {
		m->rows[i].domain = ipc_get_bytes(in, QUEUE_DOMAIN_MAX);
		get_ages(in, m->rows[i].ages);
	}
	return ipc_finish(in);
}
