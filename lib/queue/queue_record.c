/* SPDX-License-Identifier: ISC */
/*
 * lib/queue/queue_record.c - records of the journal: framing, messages, events.
 *
 * Runs in:  qmgr; tests and fuzzers. Pure.
 * Trusts:   nothing: a disk may hold anything after a power cut.
 */
#include "queue_record.h"

#include "crc32c.h"
#include "envelope.h"
#include "err.h"
#include "queue_octets.h"

#define MAGIC        0x31725152u /* "RQr1" */
#define CRC_FROM     8
#define TARGET_LEAST 12 /* octets of a target: three lengths */

size_t
queue_record_begin(struct buf *out)
{
	const size_t begin = out->len;

	memset(buf_room(out, QUEUE_RECORD_HEADER), 0, QUEUE_RECORD_HEADER);
	buf_added(out, QUEUE_RECORD_HEADER);
	return begin;
}

void
queue_record_end(struct buf *out, size_t begin, uint32_t type, uint64_t seq, uint64_t flushed)
{
	static const uint8_t zeros[8];
	const size_t body = out->len - begin - QUEUE_RECORD_HEADER;
	uint8_t *p;

	ASSERT(body <= QUEUE_RECORD_BODY_MAX);
	buf_put(out, zeros, (size_t)queue_record_size(body) - QUEUE_RECORD_HEADER - body);
	p = out->data + out->start + begin;
	set_u32(p, MAGIC);
	set_u32(p + 8, (uint32_t)body);
	set_u32(p + 12, type);
	set_u64(p + 16, seq);
	set_u64(p + 24, flushed);
	set_u32(p + 4, crc32c(0, bytes_make(p + CRC_FROM, QUEUE_RECORD_HEADER - CRC_FROM + body)));
}

int
queue_record_parse(struct bytes in, struct queue_record *r)
{
	uint32_t body;

	if (in.n < QUEUE_RECORD_HEADER)
		return 0;
	body = get_u32(in.p + 8);
	if (get_u32(in.p) != MAGIC || body > QUEUE_RECORD_BODY_MAX)
		return ERR_CORRUPT;
	if (in.n < queue_record_size(body))
		return 0;
	if (get_u32(in.p + 4) !=
		crc32c(0, bytes_make(in.p + CRC_FROM, QUEUE_RECORD_HEADER - CRC_FROM + body)))
		return ERR_CORRUPT;
	r->type = get_u32(in.p + 12);
	r->seq = get_u64(in.p + 16);
	r->flushed = get_u64(in.p + 24);
	r->body = bytes_make(in.p + QUEUE_RECORD_HEADER, body);
	if (r->type == 0 || r->type >= QUEUE_RECORD_TYPES)
		return ERR_CORRUPT;
	return (int)queue_record_size(body);
}

void
queue_message_put_head(struct buf *out, const struct queue_message *m)
{
	buf_put_u64(out, m->queue_id);
	buf_put_u32(out, m->flags);
	buf_put_u32(out, m->prefix_size);
	octets_put_string(out, m->envelope);
}

int
queue_message_parse(struct bytes body, struct queue_message *m)
{
	struct octets o = { body, ERR_OK };

	m->queue_id = octets_u64(&o);
	m->flags = octets_u32(&o);
	m->prefix_size = octets_u32(&o);
	m->envelope = octets_string(&o, ENVELOPE_SIZE_MAX);
	m->content = o.rest;
	if (o.err < 0)
		return o.err;
	if (m->queue_id == 0 || (m->flags & ~(uint32_t)QUEUE_MESSAGE_IN_FILE) != 0 ||
		m->prefix_size > m->content.n)
		return ERR_SYNTAX;
	return ERR_OK;
}

static bool
has_remote(const struct queue_event *e)
{
	return e->flags != 0 || e->next_hop.n > 0 || e->remote_mta.n > 0;
}

void
queue_event_put(struct buf *out, const struct queue_event *e)
{
	ASSERT(e->n_targets <= QUEUE_EVENT_TARGETS_MAX);
	buf_put_u64(out, e->queue_id);
	buf_put_u64(out, e->time_us);
	buf_put_u64(out, e->next_s);
	buf_put_u32(out, e->rcpt);
	buf_put_u32(out, e->kind);
	buf_put_u32(out, e->attempts);
	octets_put_string(out, bytes_head(e->code, QUEUE_EVENT_CODE_MAX));
	octets_put_string(out, bytes_head(e->text, QUEUE_EVENT_TEXT_MAX));
	buf_put_u32(out, e->n_targets);
	for (uint32_t i = 0; i < e->n_targets; i++) {
		octets_put_string(out, bytes_head(e->targets[i].address, QUEUE_EVENT_ADDRESS_MAX));
		octets_put_string(out, bytes_head(e->targets[i].account, QUEUE_EVENT_ADDRESS_MAX));
		octets_put_string(
			out, bytes_head(e->targets[i].reverse_path, QUEUE_EVENT_ADDRESS_MAX));
	}
	if (!has_remote(e))
		return;
	buf_put_u32(out, e->flags);
	octets_put_string(out, bytes_head(e->next_hop, QUEUE_EVENT_HOP_MAX));
	octets_put_string(out, bytes_head(e->remote_mta, QUEUE_EVENT_HOST_MAX));
}

static bool
concerns_message(uint32_t kind)
{
	return kind >= QUEUE_EVENT_HELD && kind != QUEUE_EVENT_REQUEUED;
}

int
queue_event_parse(struct bytes body, struct arena *a, struct queue_event *e)
{
	struct octets o = { body, ERR_OK };

	*e = (struct queue_event){ 0 };
	e->queue_id = octets_u64(&o);
	e->time_us = octets_u64(&o);
	e->next_s = octets_u64(&o);
	e->rcpt = octets_u32(&o);
	e->kind = octets_u32(&o);
	e->attempts = octets_u32(&o);
	e->code = octets_string(&o, QUEUE_EVENT_CODE_MAX);
	e->text = octets_string(&o, QUEUE_EVENT_TEXT_MAX);
	e->n_targets = octets_u32(&o);
	if (e->n_targets > QUEUE_EVENT_TARGETS_MAX || e->n_targets > o.rest.n / TARGET_LEAST) {
		o.err = o.err < 0 ? o.err : ERR_LIMIT;
		e->n_targets = 0;
	}
	if (e->n_targets > 0)
		e->targets = arena_zalloc(a, sizeof(*e->targets) * e->n_targets);
	for (uint32_t i = 0; i < e->n_targets; i++) {
		e->targets[i].address = octets_string(&o, QUEUE_EVENT_ADDRESS_MAX);
		e->targets[i].account = octets_string(&o, QUEUE_EVENT_ADDRESS_MAX);
		e->targets[i].reverse_path = octets_string(&o, QUEUE_EVENT_ADDRESS_MAX);
	}
	if (o.rest.n > 0) {
		e->flags = octets_u32(&o);
		e->next_hop = octets_string(&o, QUEUE_EVENT_HOP_MAX);
		e->remote_mta = octets_string(&o, QUEUE_EVENT_HOST_MAX);
		if (o.err == ERR_OK && !has_remote(e))
			o.err = ERR_SYNTAX;
	}
	if (octets_end(&o) < 0)
		return octets_end(&o);
	if ((e->flags & ~(uint32_t)QUEUE_EVENT_FLAGS_ALL) != 0)
		return ERR_SYNTAX;
	if (e->queue_id == 0 || e->kind == 0 || e->kind >= QUEUE_EVENT_KINDS ||
		(e->rcpt == QUEUE_EVENT_MESSAGE) != concerns_message(e->kind) ||
		(e->n_targets > 0) != (e->kind == QUEUE_EVENT_EXPANDED))
		return ERR_SYNTAX;
	return ERR_OK;
}
