/* SPDX-License-Identifier: ISC */
/*
 * lib/ipc/directory_msg.c - the questions to directory and its answers, as octets.
 *
 * Runs in:  directory, and all who ask it.
 * Trusts:   nothing: every size and every number is checked at decoding.
 */
#include "directory_msg.h"

#include "err.h"

/* A number in first to count - 1; enums that begin at 1 have no zero on the wire. */
static unsigned
get_enum_from(struct ipc_reader *in, unsigned first, unsigned count)
{
	unsigned v = ipc_get_enum(in, count);

	if (v < first)
		in->bad = true;
	return in->bad ? first : v;
}

struct directory_reply
directory_verdict_reply(enum directory_verdict v)
{
	static const struct directory_reply replies[DIRECTORY_VERDICTS] = {
		[DIRECTORY_OK] = { 250, "2.1.5", "ok" },
		[DIRECTORY_UNKNOWN] = { 550, "5.1.1", "no such user here" },
		[DIRECTORY_NO_RELAY] = { 554, "5.7.1", "relay access denied" },
		[DIRECTORY_BAD] = { 553, "5.1.3", "not a valid address" },
		[DIRECTORY_LOCKED] = { 550, "5.2.1", "mailbox is not accepting mail" },
		[DIRECTORY_OVER_QUOTA] = { 452, "4.2.2", "mailbox is full" },
		[DIRECTORY_TOO_LARGE] = { 552, "5.2.3", "message is larger than the mailbox" },
		[DIRECTORY_LOOP] = { 550, "5.4.6", "address expands in a loop or too far" },
		[DIRECTORY_TEMPORARY] = { 451, "4.3.0", "address can't be checked now" },
	};

	return replies[v < DIRECTORY_VERDICTS ? v : DIRECTORY_TEMPORARY];
}

void
directory_rcpt_encode(struct buf *out, const struct directory_rcpt *m)
{
	ipc_put_bytes(out, m->address);
	buf_put_u64(out, m->size_octets);
	buf_put_u32(out, m->flags);
}

int
directory_rcpt_decode(struct ipc_reader *in, void *msg)
{
	struct directory_rcpt *m = msg;

	m->address = ipc_get_bytes(in, DIRECTORY_ADDRESS_MAX);
	m->size_octets = ipc_get_u64(in);
	m->flags = ipc_get_u32(in);
	return ipc_finish(in);
}

void
directory_rcpt_answer_encode(struct buf *out, const struct directory_rcpt_answer *m)
{
	buf_put_u8(out, (uint8_t)m->verdict);
}

int
directory_rcpt_answer_decode(struct ipc_reader *in, void *msg)
{
	struct directory_rcpt_answer *m = msg;

	m->verdict = (enum directory_verdict)ipc_get_enum(in, DIRECTORY_VERDICTS);
	return ipc_finish(in);
}

void
directory_resolve_encode(struct buf *out, const struct directory_resolve *m)
{
	ipc_put_bytes(out, m->address);
	buf_put_u32(out, m->first);
}

int
directory_resolve_decode(struct ipc_reader *in, void *msg)
{
	struct directory_resolve *m = msg;

	m->address = ipc_get_bytes(in, DIRECTORY_ADDRESS_MAX);
	m->first = ipc_get_u32(in);
	return ipc_finish(in);
}

static void
target_encode(struct buf *out, const struct directory_target *t)
{
	buf_put_u8(out, (uint8_t)t->kind);
	buf_put_u8(out, (uint8_t)t->verdict);
	ipc_put_bytes(out, t->address);
	ipc_put_bytes(out, t->account);
	ipc_put_bytes(out, t->home);
	ipc_put_bytes(out, t->detail);
	ipc_put_bytes(out, t->reverse_path);
	buf_put_u32(out, t->uid);
	buf_put_u32(out, t->gid);
	buf_put_u8(out, t->system_user);
	buf_put_u64(out, t->quota_octets);
	buf_put_u64(out, t->quota_messages);
}

static void
target_decode(struct ipc_reader *in, struct directory_target *t)
{
	t->kind = (enum directory_target_kind)get_enum_from(in, 1, DIRECTORY_TARGET_KINDS);
	t->verdict = (enum directory_verdict)ipc_get_enum(in, DIRECTORY_VERDICTS);
	t->address = ipc_get_bytes(in, DIRECTORY_ADDRESS_MAX);
	t->account = ipc_get_bytes(in, DIRECTORY_ACCOUNT_MAX);
	t->home = ipc_get_bytes(in, DIRECTORY_HOME_MAX);
	t->detail = ipc_get_bytes(in, DIRECTORY_DETAIL_MAX);
	t->reverse_path = ipc_get_bytes(in, DIRECTORY_ADDRESS_MAX);
	t->uid = ipc_get_u32(in);
	t->gid = ipc_get_u32(in);
	t->system_user = ipc_get_enum(in, 2) != 0;
	t->quota_octets = ipc_get_u64(in);
	t->quota_messages = ipc_get_u64(in);
}

void
directory_resolve_answer_encode(struct buf *out, const struct directory_resolve_answer *m)
{
	ASSERT(m->count <= DIRECTORY_TARGETS_MAX);
	buf_put_u8(out, (uint8_t)m->verdict);
	buf_put_u64(out, m->serial);
	buf_put_u32(out, m->total);
	buf_put_u32(out, m->first);
	buf_put_u32(out, m->count);
	for (uint32_t i = 0; i < m->count; i++)
		target_encode(out, &m->targets[i]);
}

int
directory_resolve_answer_decode(struct ipc_reader *in, void *msg)
{
	struct directory_resolve_answer *m = msg;

	m->verdict = (enum directory_verdict)ipc_get_enum(in, DIRECTORY_VERDICTS);
	m->serial = ipc_get_u64(in);
	m->total = ipc_get_u32(in);
	m->first = ipc_get_u32(in);
	m->count = ipc_get_u32(in);
	if (in->bad || m->count > DIRECTORY_TARGETS_MAX || m->first > m->total ||
		m->count > m->total - m->first)
		return ERR_SYNTAX;
	for (uint32_t i = 0; i < m->count; i++)
		target_decode(in, &m->targets[i]);
	return ipc_finish(in);
}

void
directory_auth_encode(struct buf *out, const struct directory_auth *m)
{
	ipc_put_bytes(out, m->login);
	ipc_put_bytes(out, m->password);
	ipc_put_bytes(out, m->client);
	buf_put_u8(out, (uint8_t)m->mechanism);
	buf_put_u8(out, (uint8_t)m->protocol);
}

int
directory_auth_decode(struct ipc_reader *in, void *msg)
{
	struct directory_auth *m = msg;

	m->login = ipc_get_bytes(in, DIRECTORY_ADDRESS_MAX);
	m->password = ipc_get_bytes(in, DIRECTORY_PASSWORD_MAX);
	m->client = ipc_get_bytes(in, DIRECTORY_CLIENT_MAX);
	m->mechanism = (enum directory_mechanism)get_enum_from(in, 1, DIRECTORY_MECHANISMS);
	m->protocol = (enum directory_protocol)get_enum_from(in, 1, DIRECTORY_PROTOCOLS);
	return ipc_finish(in);
}

void
directory_auth_answer_encode(struct buf *out, const struct directory_auth_answer *m)
{
	buf_put_u8(out, (uint8_t)m->status);
	ipc_put_bytes(out, m->account);
	ipc_put_bytes(out, m->token);
}

int
directory_auth_answer_decode(struct ipc_reader *in, void *msg)
{
	struct directory_auth_answer *m = msg;

	m->status = (enum directory_auth_status)ipc_get_enum(in, DIRECTORY_AUTH_STATUSES);
	m->account = ipc_get_bytes(in, DIRECTORY_ACCOUNT_MAX);
	m->token = ipc_get_bytes(in, DIRECTORY_TOKEN_SIZE);
	if (m->token.n != 0 && m->token.n != DIRECTORY_TOKEN_SIZE)
		return ERR_SYNTAX;
	return ipc_finish(in);
}
