/* SPDX-License-Identifier: ISC */
/*
 * lib/ipc/ledger_msg.c - the requests to ledger and its answers, as octets.
 *
 * Runs in:  ledger, and all who speak with it.
 * Trusts:   nothing: every size and every number is checked at decoding.
 */
#include "ledger_msg.h"

#include "err.h"

void
ledger_add_encode(struct buf *out, const struct ledger_add *m)
{
	ipc_put_bytes(out, m->account);
	buf_put_u64(out, (uint64_t)m->octets);
	buf_put_u64(out, (uint64_t)m->messages);
	buf_put_u64(out, m->limit_octets);
	buf_put_u64(out, m->limit_messages);
	buf_put_u8(out, m->answer);
}

int
ledger_add_decode(struct ipc_reader *in, void *msg)
{
	struct ledger_add *m = msg;

	m->account = ipc_get_bytes(in, LEDGER_ACCOUNT_MAX);
	m->octets = (int64_t)ipc_get_u64(in);
	m->messages = (int64_t)ipc_get_u64(in);
	m->limit_octets = ipc_get_u64(in);
	m->limit_messages = ipc_get_u64(in);
	m->answer = ipc_get_enum(in, 2) != 0;
	return m->account.n == 0 ? ERR_SYNTAX : ipc_finish(in);
}

void
ledger_set_encode(struct buf *out, const struct ledger_set *m)
{
	ipc_put_bytes(out, m->account);
	buf_put_u64(out, m->octets);
	buf_put_u64(out, m->messages);
	buf_put_u64(out, m->limit_octets);
	buf_put_u64(out, m->limit_messages);
	buf_put_u8(out, m->forget);
}

int
ledger_set_decode(struct ipc_reader *in, void *msg)
{
	struct ledger_set *m = msg;

	m->account = ipc_get_bytes(in, LEDGER_ACCOUNT_MAX);
	m->octets = ipc_get_u64(in);
	m->messages = ipc_get_u64(in);
	m->limit_octets = ipc_get_u64(in);
	m->limit_messages = ipc_get_u64(in);
	m->forget = ipc_get_enum(in, 2) != 0;
	return m->account.n == 0 ? ERR_SYNTAX : ipc_finish(in);
}

void
ledger_done_encode(struct buf *out, const struct ledger_done *m)
{
	buf_put_u32(out, (uint32_t)m->err);
}

int
ledger_done_decode(struct ipc_reader *in, void *msg)
{
	struct ledger_done *m = msg;

	m->err = (int)ipc_get_u32(in);
	return m->err > 0 ? ERR_SYNTAX : ipc_finish(in);
}

void
ledger_get_encode(struct buf *out, const struct ledger_get *m)
{
	ipc_put_bytes(out, m->account);
}

int
ledger_get_decode(struct ipc_reader *in, void *msg)
{
	struct ledger_get *m = msg;

	m->account = ipc_get_bytes(in, LEDGER_ACCOUNT_MAX);
	return m->account.n == 0 ? ERR_SYNTAX : ipc_finish(in);
}

static void
use_get(struct ipc_reader *in, struct ledger_use *m)
{
	m->account = ipc_get_bytes(in, LEDGER_ACCOUNT_MAX);
	m->octets = ipc_get_u64(in);
	m->messages = ipc_get_u64(in);
	m->limit_octets = ipc_get_u64(in);
	m->limit_messages = ipc_get_u64(in);
}

void
ledger_use_encode(struct buf *out, const struct ledger_use *m)
{
	ipc_put_bytes(out, m->account);
	buf_put_u64(out, m->octets);
	buf_put_u64(out, m->messages);
	buf_put_u64(out, m->limit_octets);
	buf_put_u64(out, m->limit_messages);
}

int
ledger_use_decode(struct ipc_reader *in, void *msg)
{
	use_get(in, msg);
	return ipc_finish(in);
}

void
ledger_list_encode(struct buf *out, const struct ledger_list *m)
{
	ipc_put_bytes(out, m->after);
}

int
ledger_list_decode(struct ipc_reader *in, void *msg)
{
	struct ledger_list *m = msg;

	m->after = ipc_get_bytes(in, LEDGER_ACCOUNT_MAX);
	return ipc_finish(in);
}

void
ledger_list_answer_encode(struct buf *out, const struct ledger_list_answer *m)
{
	ASSERT(m->count <= LEDGER_ROWS_MAX);
	buf_put_u32(out, m->count);
	for (uint32_t i = 0; i < m->count; i++)
		ledger_use_encode(out, &m->rows[i]);
}

int
ledger_list_answer_decode(struct ipc_reader *in, void *msg)
{
	struct ledger_list_answer *m = msg;

	m->count = ipc_get_u32(in);
	if (in->bad || m->count > LEDGER_ROWS_MAX)
		return ERR_SYNTAX;
	for (uint32_t i = 0; i < m->count; i++)
		use_get(in, &m->rows[i]);
	return ipc_finish(in);
}
