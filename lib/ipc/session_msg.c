/* SPDX-License-Identifier: ISC */
/*
 * lib/ipc/session_msg.c - the session conversation on the wire: encoder and decoder side by
 * side.
 */
#include "session_msg.h"

#include <string.h>

static void
get_token(struct ipc_reader *in, uint8_t token[SESSION_TOKEN_SIZE])
{
	struct bytes b = ipc_get_bytes(in, SESSION_TOKEN_SIZE);

	if (b.n == SESSION_TOKEN_SIZE)
		memcpy(token, b.p, b.n);
	else
		in->bad = true;
}

bool
session_home_ok(struct bytes home)
{
	struct bytes rest = home;

	if (home.n == 0 || home.n > SESSION_HOME_MAX || bytes_find(home, 0) != BYTES_NOT_FOUND ||
		home.p[home.n - 1] == '/')
		return false;
	while (rest.n > 0) {
		struct bytes part = bytes_cut(&rest, '/');

		if (part.n == 0 || bytes_is(part, ".") || bytes_is(part, ".."))
			return false;
	}
	return true;
}

void
session_start_encode(struct buf *out, const struct session_start_msg *m)
{
	ipc_put_bytes(out, bytes_make(m->token, SESSION_TOKEN_SIZE));
	buf_put_u32(out, m->protocol);
	buf_put_u32(out, m->uid);
	buf_put_u32(out, m->gid);
	buf_put_u64(out, m->quota_octets);
	buf_put_u64(out, m->quota_messages);
	ipc_put_bytes(out, m->account);
	ipc_put_bytes(out, m->home);
}

int
session_start_decode(struct ipc_reader *in, void *msg)
{
	struct session_start_msg *m = msg;

	get_token(in, m->token);
	m->protocol = ipc_get_u32(in);
	m->uid = ipc_get_u32(in);
	m->gid = ipc_get_u32(in);
	m->quota_octets = ipc_get_u64(in);
	m->quota_messages = ipc_get_u64(in);
	m->account = ipc_get_bytes(in, SESSION_ACCOUNT_MAX);
	m->home = ipc_get_bytes(in, SESSION_HOME_MAX);
	if (m->account.n == 0 || !session_home_ok(m->home))
		in->bad = true;
	return ipc_finish(in);
}

void
session_started_encode(struct buf *out, const struct session_started_msg *m)
{
	buf_put_u32(out, (uint32_t)m->status);
}

int
session_started_decode(struct ipc_reader *in, void *msg)
{
	struct session_started_msg *m = msg;

	m->status = (int32_t)ipc_get_u32(in);
	return ipc_finish(in);
}

void
session_take_encode(struct buf *out, const struct session_take_msg *m)
{
	ipc_put_bytes(out, bytes_make(m->token, SESSION_TOKEN_SIZE));
	ipc_put_bytes(out, m->session_id);
	ipc_put_bytes(out, m->client);
	ipc_put_bytes(out, m->local);
	ipc_put_bytes(out, m->first_reply);
	ipc_put_bytes(out, m->mechanisms);
	ipc_put_bytes(out, m->input);
}

int
session_take_decode(struct ipc_reader *in, void *msg)
{
	struct session_take_msg *m = msg;

	get_token(in, m->token);
	m->session_id = ipc_get_bytes(in, SESSION_ID_MAX);
	m->client = ipc_get_bytes(in, SESSION_ADDRESS_MAX);
	m->local = ipc_get_bytes(in, SESSION_ADDRESS_MAX);
	m->first_reply = ipc_get_bytes(in, SESSION_REPLY_MAX);
	m->mechanisms = ipc_get_bytes(in, SESSION_NAMES_MAX);
	m->input = ipc_get_bytes(in, SESSION_INPUT_MAX);
	return ipc_finish(in);
}

void
session_taken_encode(struct buf *out, const struct session_taken_msg *m)
{
	buf_put_u32(out, (uint32_t)m->status);
	buf_put_u32(out, m->pid);
}

int
session_taken_decode(struct ipc_reader *in, void *msg)
{
	struct session_taken_msg *m = msg;

	m->status = (int32_t)ipc_get_u32(in);
	m->pid = ipc_get_u32(in);
	return ipc_finish(in);
}

void
session_quota_add_encode(struct buf *out, const struct session_quota_add_msg *m)
{
	buf_put_u64(out, (uint64_t)m->octets);
	buf_put_u64(out, (uint64_t)m->messages);
}

int
session_quota_add_decode(struct ipc_reader *in, void *msg)
{
	struct session_quota_add_msg *m = msg;

	m->octets = (int64_t)ipc_get_u64(in);
	m->messages = (int64_t)ipc_get_u64(in);
	return ipc_finish(in);
}

void
session_quota_set_encode(struct buf *out, const struct session_quota_set_msg *m)
{
	buf_put_u64(out, m->octets);
	buf_put_u64(out, m->messages);
}

int
session_quota_set_decode(struct ipc_reader *in, void *msg)
{
	struct session_quota_set_msg *m = msg;

	m->octets = ipc_get_u64(in);
	m->messages = ipc_get_u64(in);
	return ipc_finish(in);
}

void
session_quota_encode(struct buf *out, const struct session_quota_msg *m)
{
	buf_put_u32(out, (uint32_t)m->status);
	buf_put_u64(out, m->used_octets);
	buf_put_u64(out, m->used_messages);
	buf_put_u64(out, m->limit_octets);
	buf_put_u64(out, m->limit_messages);
}

int
session_quota_decode(struct ipc_reader *in, void *msg)
{
	struct session_quota_msg *m = msg;

	m->status = (int32_t)ipc_get_u32(in);
	m->used_octets = ipc_get_u64(in);
	m->used_messages = ipc_get_u64(in);
	m->limit_octets = ipc_get_u64(in);
	m->limit_messages = ipc_get_u64(in);
	return ipc_finish(in);
}
