/* SPDX-License-Identifier: ISC */
/*
 * lib/ipc/outbound_msg.c - jobs for smtp-client and their results, as octets.
 *
 * Runs in:  smtp-client, qmgr.
 * Trusts:   nothing: every size and every number is checked at decoding. Paths and parameters
 *           become parts of command lines, texts parts of log lines: whatever could end a line
 *           there is refused here.
 */
#include "outbound_msg.h"

const char *
outbound_status_word(enum outbound_status s)
{
	static const char *const words[OUTBOUND_STATUSES] = {
		[OUTBOUND_SENT] = "sent",
		[OUTBOUND_TEMPORARY] = "deferred",
		[OUTBOUND_PERMANENT] = "bounced",
	};

	return s < OUTBOUND_STATUSES ? words[s] : "unknown";
}

/* ---- SEND ---- */

void
outbound_job_encode(struct buf *out, const struct outbound_job *m)
{
	ASSERT(m->n_rcpts > 0 && m->n_rcpts <= OUTBOUND_RCPTS_MAX);
	buf_put_u64(out, m->job_id);
	buf_put_u64(out, m->queue_id);
	buf_put_u64(out, m->arrival_us);
	buf_put_u32(out, m->flags);
	ipc_put_bytes(out, m->next_hop);
	ipc_put_bytes(out, m->reverse_path);
	ipc_put_bytes(out, m->envid);
	ipc_put_bytes(out, m->prefix);
	buf_put_u8(out, (uint8_t)m->n_rcpts);
	for (uint32_t i = 0; i < m->n_rcpts; i++) {
		const struct outbound_rcpt *r = &m->rcpts[i];

		buf_put_u32(out, r->number);
		buf_put_u32(out, r->notify);
		ipc_put_bytes(out, r->forward_path);
		ipc_put_bytes(out, r->orcpt);
	}
	content_source_put(out, &m->content);
}

static void
get_rcpts(struct ipc_reader *in, struct outbound_job *m)
{
	size_t octets = 0;

	for (uint32_t i = 0; i < m->n_rcpts; i++) {
		struct outbound_rcpt *r = &m->rcpts[i];

		r->number = ipc_get_u32(in);
		r->notify = ipc_get_u32(in);
		r->forward_path = ipc_get_text(in, OUTBOUND_PATH_MAX);
		r->orcpt = ipc_get_text(in, OUTBOUND_PARAM_MAX);
		octets += outbound_rcpt_size(r);
		if (r->forward_path.n == 0 || r->notify > OUTBOUND_NOTIFY_ALL)
			in->bad = true;
		for (uint32_t k = 0; k < i; k++)
			if (m->rcpts[k].number == r->number)
				in->bad = true;
	}
	if (octets > OUTBOUND_RCPTS_OCTETS)
		in->bad = true;
}

static int
get_job(struct ipc_reader *in, struct outbound_job *m, bool in_fd)
{
	m->job_id = ipc_get_u64(in);
	m->queue_id = ipc_get_u64(in);
	m->arrival_us = ipc_get_u64(in);
	m->flags = ipc_get_u32(in);
	m->next_hop = ipc_get_text(in, OUTBOUND_NEXT_HOP_MAX);
	m->reverse_path = ipc_get_text(in, OUTBOUND_PATH_MAX);
	m->envid = ipc_get_text(in, OUTBOUND_PARAM_MAX);
	m->prefix = ipc_get_bytes(in, OUTBOUND_PREFIX_MAX);
	m->n_rcpts = ipc_get_enum(in, OUTBOUND_RCPTS_MAX + 1);
	get_rcpts(in, m);
	/* offsets are the kernel's off_t */
	m->content = content_source_get(in, in_fd, INT64_MAX / 2);
	if (m->prefix.n > 0 &&
		(m->prefix.n < 2 || memcmp(m->prefix.p + m->prefix.n - 2, "\r\n", 2) != 0))
		in->bad = true;
	if (m->queue_id == 0 || m->next_hop.n == 0 || m->n_rcpts == 0 ||
		m->flags > OUTBOUND_FLAGS_ALL)
		in->bad = true;
	return ipc_finish(in);
}

int
outbound_job_decode(struct ipc_reader *in, void *msg)
{
	return get_job(in, msg, false);
}

int
outbound_job_fd_decode(struct ipc_reader *in, void *msg)
{
	return get_job(in, msg, true);
}

/* ---- RESULT ---- */

static void
put_host(struct buf *out, const struct outbound_host *h)
{
	ipc_put_bytes(out, bytes_head(h->name, OUTBOUND_HOST_MAX));
	ipc_put_bytes(out, bytes_head(h->address, OUTBOUND_ADDRESS_MAX));
	buf_put_u16(out, h->port);
	ipc_put_bytes(out, bytes_head(h->tls, OUTBOUND_TLS_MAX));
	buf_put_u8(out, h->reused);
}

static void
get_host(struct ipc_reader *in, struct outbound_host *h)
{
	h->name = ipc_get_text(in, OUTBOUND_HOST_MAX);
	h->address = ipc_get_text(in, OUTBOUND_ADDRESS_MAX);
	h->port = ipc_get_u16(in);
	h->tls = ipc_get_text(in, OUTBOUND_TLS_MAX);
	h->reused = ipc_get_enum(in, 2) != 0;
}

static void
put_rcpt_result(struct buf *out, const struct outbound_rcpt_result *r)
{
	buf_put_u32(out, r->number);
	buf_put_u8(out, (uint8_t)r->status);
	buf_put_u8(out, r->host);
	buf_put_u8(out, r->relayed);
	ipc_put_bytes(out, bytes_head(r->code, OUTBOUND_CODE_MAX));
	ipc_put_bytes(out, bytes_head(r->text, OUTBOUND_TEXT_MAX));
}

static void
get_rcpt_result(
	struct ipc_reader *in, const struct outbound_result *m, struct outbound_rcpt_result *r)
{
	r->number = ipc_get_u32(in);
	r->status = (enum outbound_status)ipc_get_enum(in, OUTBOUND_STATUSES);
	r->host = ipc_get_u8(in);
	r->relayed = ipc_get_enum(in, 2) != 0;
	r->code = ipc_get_text(in, OUTBOUND_CODE_MAX);
	r->text = ipc_get_text(in, OUTBOUND_TEXT_MAX);
	if (r->host != OUTBOUND_NO_HOST && r->host >= m->n_hosts)
		in->bad = true;
	for (const struct outbound_rcpt_result *k = m->rcpts; k < r; k++)
		if (k->number == r->number)
			in->bad = true;
}

void
outbound_result_encode(struct buf *out, const struct outbound_result *m)
{
	ASSERT(m->n_hosts <= OUTBOUND_HOSTS_MAX && m->n_rcpts <= OUTBOUND_RCPTS_MAX);
	buf_put_u64(out, m->job_id);
	buf_put_u8(out, (uint8_t)m->hop);
	buf_put_u8(out, m->is_lmtp);
	buf_put_u64(out, m->resolve_us);
	buf_put_u64(out, m->connect_us);
	buf_put_u64(out, m->transmit_us);
	buf_put_u8(out, (uint8_t)m->n_hosts);
	for (uint32_t i = 0; i < m->n_hosts; i++)
		put_host(out, &m->hosts[i]);
	buf_put_u8(out, (uint8_t)m->n_rcpts);
	for (uint32_t i = 0; i < m->n_rcpts; i++)
		put_rcpt_result(out, &m->rcpts[i]);
}

int
outbound_result_decode(struct ipc_reader *in, void *msg)
{
	struct outbound_result *m = msg;

	m->job_id = ipc_get_u64(in);
	m->hop = (enum outbound_hop)ipc_get_enum(in, OUTBOUND_HOPS);
	m->is_lmtp = ipc_get_enum(in, 2) != 0;
	m->resolve_us = ipc_get_u64(in);
	m->connect_us = ipc_get_u64(in);
	m->transmit_us = ipc_get_u64(in);
	m->n_hosts = ipc_get_enum(in, OUTBOUND_HOSTS_MAX + 1);
	for (uint32_t i = 0; i < m->n_hosts; i++)
		get_host(in, &m->hosts[i]);
	m->n_rcpts = ipc_get_enum(in, OUTBOUND_RCPTS_MAX + 1);
	for (uint32_t i = 0; i < m->n_rcpts; i++)
		get_rcpt_result(in, m, &m->rcpts[i]);
	return ipc_finish(in);
}
