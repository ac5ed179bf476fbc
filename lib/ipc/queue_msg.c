/* SPDX-License-Identifier: ISC */
/*
 * lib/ipc/queue_msg.c - requests to qmgr and its answers, as octets.
 *
 * Runs in:  smtpd, submission, qmgr, cli. Pure.
 * Trusts:   nothing: every size and every number is checked at decoding.
 */
#include "queue_msg.h"

#include "envelope.h"

#define LIST_FRAME_MAX (IPC_BODY_MAX - 64)

/* An err: ERR_OK or a value that err.h could have. */
static int
get_err(struct ipc_reader *in)
{
	uint32_t v = ipc_get_u32(in);

	if (v > 999) {
		in->bad = true;
		v = 0;
	}
	return -(int)v;
}

static void
put_err(struct buf *out, int err)
{
	ASSERT(err <= 0 && err >= -999);
	buf_put_u32(out, (uint32_t)-err);
}

void
queue_commit_encode(struct buf *out, const struct queue_commit *m)
{
	buf_put_u64(out, m->queue_id);
	content_source_put(out, &m->content);
	buf_put_u8(out, m->lent);
	ipc_put_bytes(out, m->envelope);
	ipc_put_bytes(out, m->prefix);
	ipc_put_bytes(out, m->ticket);
}

static int
get_commit(struct ipc_reader *in, struct queue_commit *m, bool in_fd)
{
	m->queue_id = ipc_get_u64(in);
	m->content = content_source_get(in, in_fd, QUEUE_CONTENT_MAX);
	m->lent = ipc_get_enum(in, in_fd ? 2 : 1) == 1;
	m->envelope = ipc_get_bytes(in, QUEUE_ENVELOPE_INLINE_MAX);
	m->prefix = ipc_get_bytes(in, QUEUE_PREFIX_MAX);
	m->ticket = ipc_get_bytes(in, QUEUE_TICKET_MAX);
	if (m->queue_id == 0)
		in->bad = true;
	return ipc_finish(in);
}

int
queue_commit_decode(struct ipc_reader *in, void *msg)
{
	return get_commit(in, msg, false);
}

int
queue_commit_fd_decode(struct ipc_reader *in, void *msg)
{
	return get_commit(in, msg, true);
}

void
queue_commit_answer_encode(struct buf *out, const struct queue_commit_answer *m)
{
	put_err(out, m->err);
	ipc_put_bytes(out, bytes_head(m->text, QUEUE_TEXT_MAX));
}

int
queue_commit_answer_decode(struct ipc_reader *in, void *msg)
{
	struct queue_commit_answer *m = msg;

	m->err = get_err(in);
	m->text = ipc_get_bytes(in, QUEUE_TEXT_MAX);
	return ipc_finish(in);
}

void
queue_lend_answer_encode(struct buf *out, const struct queue_lend_answer *m)
{
	put_err(out, m->err);
	buf_put_u64(out, m->content_offset);
}

int
queue_lend_answer_decode(struct ipc_reader *in, void *msg)
{
	struct queue_lend_answer *m = msg;

	m->err = get_err(in);
	m->content_offset = ipc_get_u64(in);
	return ipc_finish(in);
}

void
queue_list_encode(struct buf *out, const struct queue_list *m)
{
	buf_put_u64(out, m->after_id);
	buf_put_u32(out, m->max);
}

int
queue_list_decode(struct ipc_reader *in, void *msg)
{
	struct queue_list *m = msg;

	m->after_id = ipc_get_u64(in);
	m->max = ipc_get_u32(in);
	return ipc_finish(in);
}

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
	ipc_put_bytes(out, bytes_head(e->reverse_path, ENVELOPE_PATH_MAX));
	buf_put_u8(out, (uint8_t)e->n_rcpts);
	for (uint32_t i = 0; i < e->n_rcpts; i++) {
		ipc_put_bytes(out, bytes_head(e->rcpts[i].address, ENVELOPE_PATH_MAX));
		ipc_put_bytes(out, bytes_head(e->rcpts[i].reason, QUEUE_TEXT_MAX));
	}
}

static void
get_entry(struct ipc_reader *in, struct queue_list_entry *e)
{
	e->queue_id = ipc_get_u64(in);
	e->arrival_us = ipc_get_u64(in);
	e->size = ipc_get_u64(in);
	e->next_s = ipc_get_u64(in);
	e->state = ipc_get_enum(in, QUEUE_STATE_HOLD + 1);
	e->attempts = ipc_get_u32(in);
	e->rcpts_left = ipc_get_u32(in);
	e->reverse_path = ipc_get_bytes(in, ENVELOPE_PATH_MAX);
	e->n_rcpts = ipc_get_enum(in, NITEMS(e->rcpts) + 1);
	for (uint32_t i = 0; i < e->n_rcpts; i++) {
		e->rcpts[i].address = ipc_get_bytes(in, ENVELOPE_PATH_MAX);
		e->rcpts[i].reason = ipc_get_bytes(in, QUEUE_TEXT_MAX);
	}
}

void
queue_list_answer_encode(struct buf *out, const struct queue_list_answer *m)
{
	const size_t start = out->len;
	uint32_t n = 0;

	ASSERT(m->n <= QUEUE_LIST_MAX);
	buf_put_u64(out, m->total);
	buf_put_u8(out, m->more);
	buf_put_u32(out, 0);
	for (; n < m->n; n++) {
		size_t before = out->len;

		put_entry(out, &m->entries[n]);
		if (out->len - start > LIST_FRAME_MAX) {
			buf_truncate(out, before);
			break;
		}
	}
	/* what did not fit comes with the next question */
	out->data[out->start + start + 8] = m->more || n < m->n;
	set_u32(out->data + out->start + start + 9, n);
}

int
queue_list_answer_decode(struct ipc_reader *in, void *msg)
{
	struct queue_list_answer *m = msg;

	m->total = ipc_get_u64(in);
	m->more = ipc_get_enum(in, 2) == 1;
	m->n = ipc_get_u32(in);
	if (m->n > QUEUE_LIST_MAX) {
		in->bad = true;
		m->n = 0;
	}
	for (uint32_t i = 0; i < m->n && !in->bad; i++)
		get_entry(in, &m->entries[i]);
	return ipc_finish(in);
}

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
	put_err(out, m->err);
	buf_put_u64(out, m->content_offset);
	buf_put_u64(out, m->content_size);
	buf_put_u64(out, m->state_size);
}

int
queue_show_answer_decode(struct ipc_reader *in, void *msg)
{
	struct queue_show_answer *m = msg;

	m->err = get_err(in);
	m->content_offset = ipc_get_u64(in);
	m->content_size = ipc_get_u64(in);
	m->state_size = ipc_get_u64(in);
	return ipc_finish(in);
}

void
queue_order_encode(struct buf *out, const struct queue_order *m)
{
	buf_put_u8(out, (uint8_t)m->verb);
	buf_put_u64(out, m->queue_id);
	ipc_put_bytes(out, m->login);
}

int
queue_order_decode(struct ipc_reader *in, void *msg)
{
	struct queue_order *m = msg;

	m->verb = ipc_get_enum(in, QUEUE_ORDER_DELETE + 1);
	m->queue_id = ipc_get_u64(in);
	m->login = ipc_get_bytes(in, QUEUE_LOGIN_MAX);
	if (m->verb == 0 || (m->queue_id != 0 && m->login.n > 0))
		in->bad = true;
	return ipc_finish(in);
}

void
queue_order_answer_encode(struct buf *out, const struct queue_order_answer *m)
{
	put_err(out, m->err);
	buf_put_u64(out, m->n);
}

int
queue_order_answer_decode(struct ipc_reader *in, void *msg)
{
	struct queue_order_answer *m = msg;

	m->err = get_err(in);
	m->n = ipc_get_u64(in);
	return ipc_finish(in);
}

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
