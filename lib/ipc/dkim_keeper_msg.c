/* SPDX-License-Identifier: ISC */
/*
 * lib/ipc/dkim_keeper_msg.c - what the keeper of DKIM keys is asked and tells, as octets.
 *
 * Runs in:  dkim-keeper, mailauth-sign, cli. Pure.
 * Trusts:   nothing: every size and every number is checked at decoding.
 */
#include "dkim_keeper_msg.h"

#define FRAME_MAX (IPC_BODY_MAX - 64)

const char *
dkim_key_state_name(enum dkim_key_state s)
{
	static const char *const names[DKIM_KEY_STATES] = { "pending", "published", "active",
		"retiring", "gone" };

	return s < DKIM_KEY_STATES ? names[s] : "unknown";
}

void
dkim_keeper_fetch_encode(struct buf *out, const struct dkim_keeper_fetch *m)
{
	ipc_put_bytes(out, m->after);
}

int
dkim_keeper_fetch_decode(struct ipc_reader *in, void *msg)
{
	struct dkim_keeper_fetch *m = msg;

	m->after = ipc_get_bytes(in, DKIM_DOMAIN_MAX);
	return ipc_finish(in);
}

/* Of a row that made the body too long nothing stays: "more", and one row less. */
static bool
row_fits(struct buf *out, size_t start, size_t row, uint32_t count)
{
	uint8_t *head = out->data + out->start + start;

	if (out->len - start <= FRAME_MAX) {
		set_u32(head + 1, count);
		return true;
	}
	buf_truncate(out, row);
	head[0] = 1;
	return false;
}

void
dkim_keeper_keys_encode(struct buf *out, const struct dkim_keeper_keys *m)
{
	const size_t start = out->len;

	ASSERT(m->count <= DKIM_SETS_MAX);
	buf_put_u8(out, m->more);
	buf_put_u32(out, 0);
	for (uint32_t i = 0; i < m->count; i++) {
		const struct dkim_key_set *s = &m->sets[i];
		const size_t row = out->len;

		ipc_put_bytes(out, s->domain);
		for (unsigned a = 0; a < DKIM_KEY_TYPES; a++) {
			ipc_put_bytes(out, s->keys[a].selector);
			ipc_put_bytes(out, s->keys[a].pem);
		}
		if (!row_fits(out, start, row, i + 1))
			return;
	}
}

int
dkim_keeper_keys_decode(struct ipc_reader *in, void *msg)
{
	struct dkim_keeper_keys *m = msg;

	m->more = ipc_get_enum(in, 2) != 0;
	m->count = ipc_get_u32(in);
	if (in->bad || m->count > DKIM_SETS_MAX)
		return ERR_SYNTAX;
	for (uint32_t i = 0; i < m->count; i++) {
		struct dkim_key_set *s = &m->sets[i];

		s->domain = ipc_get_bytes(in, DKIM_DOMAIN_MAX);
		for (unsigned a = 0; a < DKIM_KEY_TYPES; a++) {
			s->keys[a].selector = ipc_get_bytes(in, DKIM_SELECTOR_MAX);
			s->keys[a].pem = ipc_get_bytes(in, DKIM_PEM_MAX);
			if ((s->keys[a].selector.n > 0) != (s->keys[a].pem.n > 0))
				in->bad = true;
		}
		if (s->domain.n == 0)
			in->bad = true;
	}
	return ipc_finish(in);
}

void
dkim_keeper_list_encode(struct buf *out, const struct dkim_keeper_list *m)
{
	ipc_put_bytes(out, m->domain);
	ipc_put_bytes(out, m->after_domain);
	ipc_put_bytes(out, m->after_selector);
}

int
dkim_keeper_list_decode(struct ipc_reader *in, void *msg)
{
	struct dkim_keeper_list *m = msg;

	m->domain = ipc_get_bytes(in, DKIM_DOMAIN_MAX);
	m->after_domain = ipc_get_bytes(in, DKIM_DOMAIN_MAX);
	m->after_selector = ipc_get_bytes(in, DKIM_SELECTOR_MAX);
	return ipc_finish(in);
}

static void
put_row(struct buf *out, const struct dkim_key_row *r)
{
	ipc_put_bytes(out, r->domain);
	ipc_put_bytes(out, r->selector);
	buf_put_u8(out, (uint8_t)r->type);
	buf_put_u8(out, (uint8_t)r->state);
	buf_put_u64(out, r->created_s);
	buf_put_u64(out, r->since_s);
	buf_put_u64(out, r->checked_s);
	buf_put_u64(out, r->next_s);
	ipc_put_bytes(out, bytes_head(r->seen, DKIM_WORDS_MAX));
	ipc_put_bytes(out, r->record);
}

static void
get_row(struct ipc_reader *in, struct dkim_key_row *r)
{
	r->domain = ipc_get_bytes(in, DKIM_DOMAIN_MAX);
	r->selector = ipc_get_bytes(in, DKIM_SELECTOR_MAX);
	r->type = (enum dkim_key_type)ipc_get_enum(in, DKIM_KEY_TYPES);
	r->state = (enum dkim_key_state)ipc_get_enum(in, DKIM_KEY_STATES);
	r->created_s = ipc_get_u64(in);
	r->since_s = ipc_get_u64(in);
	r->checked_s = ipc_get_u64(in);
	r->next_s = ipc_get_u64(in);
	r->seen = ipc_get_bytes(in, DKIM_WORDS_MAX);
	r->record = ipc_get_bytes(in, DKIM_RECORD_MAX);
}

void
dkim_keeper_list_answer_encode(struct buf *out, const struct dkim_keeper_list_answer *m)
{
	const size_t start = out->len;

	ASSERT(m->count <= DKIM_ROWS_MAX);
	buf_put_u8(out, m->more);
	buf_put_u32(out, 0);
	for (uint32_t i = 0; i < m->count; i++) {
		const size_t row = out->len;

		put_row(out, &m->rows[i]);
		if (!row_fits(out, start, row, i + 1))
			return;
	}
}

int
dkim_keeper_list_answer_decode(struct ipc_reader *in, void *msg)
{
	struct dkim_keeper_list_answer *m = msg;

	m->more = ipc_get_enum(in, 2) != 0;
	m->count = ipc_get_u32(in);
	if (in->bad || m->count > DKIM_ROWS_MAX)
		return ERR_SYNTAX;
	for (uint32_t i = 0; i < m->count; i++)
		get_row(in, &m->rows[i]);
	return ipc_finish(in);
}

void
dkim_keeper_order_encode(struct buf *out, const struct dkim_keeper_order *m)
{
	buf_put_u8(out, (uint8_t)m->order);
	ipc_put_bytes(out, m->domain);
	ipc_put_bytes(out, m->selector);
}

int
dkim_keeper_order_decode(struct ipc_reader *in, void *msg)
{
	struct dkim_keeper_order *m = msg;

	m->order = (enum dkim_order)ipc_get_enum(in, DKIM_ORDERS);
	m->domain = ipc_get_bytes(in, DKIM_DOMAIN_MAX);
	m->selector = ipc_get_bytes(in, DKIM_SELECTOR_MAX);
	return ipc_finish(in);
}

void
dkim_keeper_order_answer_encode(struct buf *out, const struct dkim_keeper_order_answer *m)
{
	ipc_put_err(out, m->err);
	ipc_put_bytes(out, bytes_head(m->words, DKIM_WORDS_MAX));
}

int
dkim_keeper_order_answer_decode(struct ipc_reader *in, void *msg)
{
	struct dkim_keeper_order_answer *m = msg;

	m->err = ipc_get_err(in);
	m->words = ipc_get_bytes(in, DKIM_WORDS_MAX);
	return ipc_finish(in);
}
