/* SPDX-License-Identifier: ISC */
/*
 * lib/ipc/keyholder_msg.c - the requests to keyholder and its answers, as octets.
 *
 * Runs in:  keyholder, and all doors.
 * Trusts:   nothing: every size and every number is checked at decoding.
 */
#include "keyholder_msg.h"

#include "err.h"

static void
get_fixed(struct ipc_reader *in, uint8_t *out, size_t n)
{
	struct bytes b = bytes_head(in->in, n);

	if (in->bad || b.n < n) {
		in->bad = true;
		memset(out, 0, n);
		return;
	}
	memcpy(out, b.p, n);
	in->in = bytes_skip(in->in, n);
}

void
keyholder_welcome_encode(struct buf *out, const struct keyholder_welcome *m)
{
	buf_put_u8(out, m->certificate);
	buf_put_u8(out, m->only_tls13);
}

int
keyholder_welcome_decode(struct ipc_reader *in, void *msg)
{
	struct keyholder_welcome *m = msg;

	m->certificate = ipc_get_enum(in, 2) != 0;
	m->only_tls13 = ipc_get_enum(in, 2) != 0;
	return ipc_finish(in);
}

void
keyholder_ticket_keys_encode(struct buf *out, const struct keyholder_ticket_keys *m)
{
	ASSERT(m->count <= KEYHOLDER_TICKET_KEYS_MAX);
	buf_put_u32(out, m->lifetime_s);
	buf_put_u32(out, m->count);
	for (uint32_t i = 0; i < m->count; i++) {
		buf_put(out, m->keys[i].name, KEYHOLDER_TICKET_NAME);
		buf_put(out, m->keys[i].cipher_key, KEYHOLDER_TICKET_SECRET);
		buf_put(out, m->keys[i].mac_key, KEYHOLDER_TICKET_SECRET);
		buf_put_u32(out, m->keys[i].accept_s);
	}
}

int
keyholder_ticket_keys_decode(struct ipc_reader *in, void *msg)
{
	struct keyholder_ticket_keys *m = msg;

	m->lifetime_s = ipc_get_u32(in);
	m->count = ipc_get_u32(in);
	if (in->bad || m->count > KEYHOLDER_TICKET_KEYS_MAX)
		return ERR_SYNTAX;
	for (uint32_t i = 0; i < m->count; i++) {
		get_fixed(in, m->keys[i].name, KEYHOLDER_TICKET_NAME);
		get_fixed(in, m->keys[i].cipher_key, KEYHOLDER_TICKET_SECRET);
		get_fixed(in, m->keys[i].mac_key, KEYHOLDER_TICKET_SECRET);
		m->keys[i].accept_s = ipc_get_u32(in);
	}
	return ipc_finish(in);
}

void
keyholder_certificate_encode(struct buf *out, const struct keyholder_certificate *m)
{
	ipc_put_bytes(out, m->name);
}

int
keyholder_certificate_decode(struct ipc_reader *in, void *msg)
{
	struct keyholder_certificate *m = msg;

	m->name = ipc_get_bytes(in, KEYHOLDER_NAME_MAX);
	return ipc_finish(in);
}

void
keyholder_chain_encode(struct buf *out, const struct keyholder_chain *m)
{
	ASSERT(m->count <= KEYHOLDER_CERTIFICATES);
	buf_put_u32(out, (uint32_t)m->err);
	buf_put_u32(out, m->set);
	buf_put_u32(out, m->count);
	for (uint32_t i = 0; i < m->count; i++) {
		buf_put(out, m->certificates[i].key_id, KEYHOLDER_KEY_ID_SIZE);
		ipc_put_bytes(out, m->certificates[i].chain);
	}
}

int
keyholder_chain_decode(struct ipc_reader *in, void *msg)
{
	struct keyholder_chain *m = msg;

	m->err = (int)ipc_get_u32(in);
	m->set = ipc_get_u32(in);
	m->count = ipc_get_u32(in);
	if (in->bad || m->err > 0 || m->count > KEYHOLDER_CERTIFICATES)
		return ERR_SYNTAX;
	for (uint32_t i = 0; i < m->count; i++) {
		get_fixed(in, m->certificates[i].key_id, KEYHOLDER_KEY_ID_SIZE);
		m->certificates[i].chain = ipc_get_bytes(in, KEYHOLDER_CHAIN_MAX);
	}
	return ipc_finish(in);
}

void
keyholder_sign_encode(struct buf *out, const struct keyholder_sign *m)
{
	buf_put(out, m->key_id, KEYHOLDER_KEY_ID_SIZE);
	buf_put_u16(out, m->scheme);
	ipc_put_bytes(out, m->text);
}

int
keyholder_sign_decode(struct ipc_reader *in, void *msg)
{
	struct keyholder_sign *m = msg;

	get_fixed(in, m->key_id, KEYHOLDER_KEY_ID_SIZE);
	m->scheme = ipc_get_u16(in);
	m->text = ipc_get_bytes(in, KEYHOLDER_TEXT_MAX);
	return ipc_finish(in);
}

void
keyholder_signature_encode(struct buf *out, const struct keyholder_signature *m)
{
	buf_put_u32(out, (uint32_t)m->err);
	ipc_put_bytes(out, m->signature);
}

int
keyholder_signature_decode(struct ipc_reader *in, void *msg)
{
	struct keyholder_signature *m = msg;

	m->err = (int)ipc_get_u32(in);
	m->signature = ipc_get_bytes(in, KEYHOLDER_SIGNATURE_MAX);
	return m->err > 0 ? ERR_SYNTAX : ipc_finish(in);
}

void
keyholder_list_encode(struct buf *out, const struct keyholder_list *m)
{
	buf_put_u32(out, m->from);
}

int
keyholder_list_decode(struct ipc_reader *in, void *msg)
{
	struct keyholder_list *m = msg;

	m->from = ipc_get_u32(in);
	return ipc_finish(in);
}

void
keyholder_list_answer_encode(struct buf *out, const struct keyholder_list_answer *m)
{
	ASSERT(m->count <= KEYHOLDER_LIST_MAX);
	buf_put_u32(out, m->total);
	buf_put_u32(out, m->count);
	for (uint32_t i = 0; i < m->count; i++) {
		buf_put(out, m->rows[i].fingerprint, sizeof(m->rows[i].fingerprint));
		buf_put_u64(out, m->rows[i].signatures);
		ipc_put_bytes(out, m->rows[i].path);
	}
}

int
keyholder_list_answer_decode(struct ipc_reader *in, void *msg)
{
	struct keyholder_list_answer *m = msg;

	m->total = ipc_get_u32(in);
	m->count = ipc_get_u32(in);
	if (in->bad || m->count > KEYHOLDER_LIST_MAX)
		return ERR_SYNTAX;
	for (uint32_t i = 0; i < m->count; i++) {
		get_fixed(in, m->rows[i].fingerprint, sizeof(m->rows[i].fingerprint));
		m->rows[i].signatures = ipc_get_u64(in);
		m->rows[i].path = ipc_get_bytes(in, KEYHOLDER_PATH_MAX);
	}
	return ipc_finish(in);
}
