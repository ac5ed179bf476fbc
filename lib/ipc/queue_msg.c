/* SPDX-License-Identifier: ISC */
/*
 * lib/ipc/queue_msg.c - the doors' requests to qmgr and its answers, as octets.
 *
 * Runs in:  smtpd, submission, qmgr. Pure.
 * Trusts:   nothing: every size and every number is checked at decoding.
 */
#include "queue_msg.h"

#include "envelope.h"

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
	ipc_put_err(out, m->err);
	ipc_put_bytes(out, bytes_head(m->text, QUEUE_TEXT_MAX));
}

int
queue_commit_answer_decode(struct ipc_reader *in, void *msg)
{
	struct queue_commit_answer *m = msg;

	m->err = ipc_get_err(in);
	m->text = ipc_get_bytes(in, QUEUE_TEXT_MAX);
	return ipc_finish(in);
}

void
queue_lend_answer_encode(struct buf *out, const struct queue_lend_answer *m)
{
	ipc_put_err(out, m->err);
	buf_put_u64(out, m->content_offset);
}

int
queue_lend_answer_decode(struct ipc_reader *in, void *msg)
{
	struct queue_lend_answer *m = msg;

	m->err = ipc_get_err(in);
	m->content_offset = ipc_get_u64(in);
	return ipc_finish(in);
}
