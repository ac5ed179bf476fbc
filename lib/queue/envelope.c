/* SPDX-License-Identifier: ISC */
/*
 * lib/queue/envelope.c - the envelope's octets.
 *
 * u32 version (1), u32 flags, u64 queue id, u64 arrival, nine strings, u32 number of
 * recipients, then for each: forward-path, ORCPT, u32 NOTIFY. A string is a u32 length and
 * its octets; integers are little-endian.
 *
 * Runs in:  smtpd (encode), qmgr (both), cli. Pure.
 * Trusts:   nothing.
 */
#include "envelope.h"

#include "err.h"
#include "queue_octets.h"

#define VERSION    1
#define RCPT_LEAST 12 /* octets of the shortest recipient */

static void
put_limited(struct buf *out, struct bytes b, size_t max)
{
	ASSERT(b.n <= max);
	octets_put_string(out, b);
}

void
envelope_encode(struct buf *out, const struct envelope *e)
{
	ASSERT(e->n_rcpts <= ENVELOPE_RCPT_MAX);
	buf_put_u32(out, VERSION);
	buf_put_u32(out, e->flags);
	buf_put_u64(out, e->queue_id);
	buf_put_u64(out, e->arrival_us);
	put_limited(out, e->reverse_path, ENVELOPE_PATH_MAX);
	put_limited(out, e->envid, ENVELOPE_TEXT_MAX);
	put_limited(out, e->client_address, ENVELOPE_TEXT_MAX);
	put_limited(out, e->client_name, ENVELOPE_TEXT_MAX);
	put_limited(out, e->helo, ENVELOPE_TEXT_MAX);
	put_limited(out, e->protocol, ENVELOPE_TEXT_MAX);
	put_limited(out, e->session_id, ENVELOPE_TEXT_MAX);
	put_limited(out, e->login, ENVELOPE_TEXT_MAX);
	buf_put_u32(out, e->n_rcpts);
	for (uint32_t i = 0; i < e->n_rcpts; i++) {
		put_limited(out, e->rcpts[i].forward_path, ENVELOPE_PATH_MAX);
		put_limited(out, e->rcpts[i].orcpt, ENVELOPE_TEXT_MAX);
		buf_put_u32(out, e->rcpts[i].notify);
	}
}

static void
get_rcpts(struct octets *o, struct arena *a, struct envelope *e)
{
	e->n_rcpts = octets_u32(o);
	if (e->n_rcpts > ENVELOPE_RCPT_MAX || e->n_rcpts > o->rest.n / RCPT_LEAST) {
		o->err = o->err < 0 ? o->err : ERR_LIMIT;
		e->n_rcpts = 0;
	}
	e->rcpts = arena_zalloc(a, sizeof(*e->rcpts) * (e->n_rcpts + 1));
	for (uint32_t i = 0; i < e->n_rcpts; i++) {
		e->rcpts[i].forward_path = octets_string(o, ENVELOPE_PATH_MAX);
		e->rcpts[i].orcpt = octets_string(o, ENVELOPE_TEXT_MAX);
		e->rcpts[i].notify = octets_u32(o);
		if (e->rcpts[i].notify > ENVELOPE_NOTIFY_ALL)
			o->err = o->err < 0 ? o->err : ERR_SYNTAX;
	}
}

int
envelope_decode(struct bytes in, struct arena *a, struct envelope *e)
{
	struct octets o = { in, ERR_OK };
	uint32_t version;

	if (in.n > ENVELOPE_SIZE_MAX)
		return ERR_LIMIT;
	version = octets_u32(&o);
	if (o.err == 0 && version != VERSION)
		return ERR_UNSUPPORTED;
	*e = (struct envelope){ 0 };
	e->flags = octets_u32(&o);
	e->queue_id = octets_u64(&o);
	e->arrival_us = octets_u64(&o);
	e->reverse_path = octets_string(&o, ENVELOPE_PATH_MAX);
	e->envid = octets_string(&o, ENVELOPE_TEXT_MAX);
	e->client_address = octets_string(&o, ENVELOPE_TEXT_MAX);
	e->client_name = octets_string(&o, ENVELOPE_TEXT_MAX);
	e->helo = octets_string(&o, ENVELOPE_TEXT_MAX);
	e->protocol = octets_string(&o, ENVELOPE_TEXT_MAX);
	e->session_id = octets_string(&o, ENVELOPE_TEXT_MAX);
	e->login = octets_string(&o, ENVELOPE_TEXT_MAX);
	if (o.err == 0 && (e->flags & ~(uint32_t)ENVELOPE_FLAGS_ALL) != 0)
		return ERR_SYNTAX;
	get_rcpts(&o, a, e);
	return octets_end(&o);
}
