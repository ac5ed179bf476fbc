/* SPDX-License-Identifier: ISC */
/*
 * lib/ipc/delivery_msg.c - jobs for the deliverers and their results, as octets.
 *
 * Runs in:  local-delivery, system-delivery (also between it and its children), qmgr.
 * Trusts:   nothing: every size and every number is checked at decoding.
 */
#include "delivery_msg.h"

#include "err.h"

void
delivery_job_encode(struct buf *out, const struct delivery_job *m)
{
	buf_put_u64(out, m->job_id);
	buf_put_u64(out, m->queue_id);
	buf_put_u64(out, m->arrival_us);
	buf_put_u64(out, m->quota_octets);
	buf_put_u32(out, m->recipient);
	buf_put_u32(out, m->uid);
	buf_put_u32(out, m->gid);
	buf_put_u32(out, m->flags);
	ipc_put_bytes(out, m->account);
	ipc_put_bytes(out, m->home);
	ipc_put_bytes(out, m->detail);
	ipc_put_bytes(out, m->reverse_path);
	ipc_put_bytes(out, m->original_path);
	ipc_put_bytes(out, m->forward_path);
	ipc_put_bytes(out, m->prefix);
	content_source_put(out, &m->content);
}

static int
get_job(struct ipc_reader *in, struct delivery_job *m, bool in_fd)
{
	m->job_id = ipc_get_u64(in);
	m->queue_id = ipc_get_u64(in);
	m->arrival_us = ipc_get_u64(in);
	m->quota_octets = ipc_get_u64(in);
	m->recipient = ipc_get_u32(in);
	m->uid = ipc_get_u32(in);
	m->gid = ipc_get_u32(in);
	m->flags = ipc_get_u32(in);
	m->account = ipc_get_text(in, DELIVERY_ACCOUNT_MAX);
	m->home = ipc_get_text(in, DELIVERY_HOME_MAX);
	m->detail = ipc_get_bytes(in, DELIVERY_DETAIL_MAX);
	m->reverse_path = ipc_get_text(in, DELIVERY_PATH_MAX);
	m->original_path = ipc_get_text(in, DELIVERY_PATH_MAX);
	m->forward_path = ipc_get_text(in, DELIVERY_PATH_MAX);
	m->prefix = ipc_get_bytes(in, DELIVERY_PREFIX_MAX);
	/* offsets are the kernel's off_t */
	m->content = content_source_get(in, in_fd, INT64_MAX / 2);
	if (m->prefix.n > 0 &&
		(m->prefix.n < 2 || memcmp(m->prefix.p + m->prefix.n - 2, "\r\n", 2) != 0))
		in->bad = true;
	if (m->queue_id == 0 || m->account.n == 0 ||
		(m->home.n == 0 && (m->flags & (DELIVERY_COMMAND | DELIVERY_FILE)) == 0))
		in->bad = true;
	return ipc_finish(in);
}

int
delivery_job_decode(struct ipc_reader *in, void *msg)
{
	return get_job(in, msg, false);
}

int
delivery_job_fd_decode(struct ipc_reader *in, void *msg)
{
	return get_job(in, msg, true);
}

void
delivery_result_encode(struct buf *out, const struct delivery_result *m)
{
	buf_put_u64(out, m->job_id);
	buf_put_u8(out, (uint8_t)m->status);
	ipc_put_bytes(out, bytes_head(m->code, DELIVERY_CODE_MAX));
	ipc_put_bytes(out, bytes_head(m->text, DELIVERY_TEXT_MAX));
}

int
delivery_result_decode(struct ipc_reader *in, void *msg)
{
	struct delivery_result *m = msg;

	m->job_id = ipc_get_u64(in);
	m->status = (enum delivery_status)ipc_get_enum(in, DELIVERY_STATUSES);
	m->code = ipc_get_text(in, DELIVERY_CODE_MAX);
	m->text = ipc_get_text(in, DELIVERY_TEXT_MAX);
	return ipc_finish(in);
}

void
delivery_sync_result_encode(struct buf *out, const struct delivery_sync_result *m)
{
	buf_put_u8(out, (uint8_t)m->status);
	ipc_put_bytes(out, bytes_head(m->code, DELIVERY_CODE_MAX));
	ipc_put_bytes(out, bytes_head(m->text, DELIVERY_TEXT_MAX));
}

int
delivery_sync_result_decode(struct ipc_reader *in, void *msg)
{
	struct delivery_sync_result *m = msg;

	m->status = (enum delivery_status)ipc_get_enum(in, DELIVERY_STATUSES);
	m->code = ipc_get_text(in, DELIVERY_CODE_MAX);
	m->text = ipc_get_text(in, DELIVERY_TEXT_MAX);
	return ipc_finish(in);
}
