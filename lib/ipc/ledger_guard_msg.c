/* SPDX-License-Identifier: ISC */
/*
 * lib/ipc/ledger_guard_msg.c - what ledger is asked and tells of logins, bans and sending, as
 * octets.
 *
 * Runs in:  ledger, directory, the doors, qmgr, the operator's command.
 * Trusts:   nothing: every size and every number is checked at decoding.
 */
#include "err.h"
#include "ledger_msg.h"

/* ---- parts of several messages ---- */

static void
put_block(struct buf *out, const struct ip_block *b)
{
	buf_put_u8(out, b->family);
	if (b->family == 0)
		return;
	buf_put_u8(out, b->prefix);
	buf_put(out, b->addr, b->family == 4 ? 4 : 16);
}

static void
get_block(struct ipc_reader *in, struct ip_block *b)
{
	*b = (struct ip_block){ .family = ipc_get_u8(in) };
	if (b->family == 0)
		return;
	b->prefix = ipc_get_u8(in);
	for (unsigned i = 0; i < (b->family == 4 ? 4u : 16u); i++)
		b->addr[i] = ipc_get_u8(in);
	if (!ip_block_valid(b))
		in->bad = true;
}

static void
put_subject(struct buf *out, const struct ledger_subject *s)
{
	put_block(out, &s->block);
	if (s->block.family == 0)
		ipc_put_bytes(out, s->login);
}

static void
get_subject(struct ipc_reader *in, struct ledger_subject *s)
{
	s->login = BYTES_NONE;
	get_block(in, &s->block);
	if (s->block.family != 0)
		return;
	s->login = ipc_get_bytes(in, LEDGER_ACCOUNT_MAX);
	if (s->login.n == 0)
		in->bad = true;
}

static bool
get_bool(struct ipc_reader *in)
{
	return ipc_get_enum(in, 2) != 0;
}

static enum ledger_protocol
get_protocol(struct ipc_reader *in)
{
	unsigned n = ipc_get_enum(in, LEDGER_PROTOCOLS);

	if (n == 0)
		in->bad = true;
	return (enum ledger_protocol)n;
}

static struct bytes
get_login(struct ipc_reader *in)
{
	struct bytes login = ipc_get_bytes(in, LEDGER_ACCOUNT_MAX);

	if (login.n == 0)
		in->bad = true;
	return login;
}

static uint32_t
get_count(struct ipc_reader *in, uint32_t max)
{
	uint32_t n = ipc_get_u32(in);

	if (n <= max && !in->bad)
		return n;
	in->bad = true;
	return 0;
}

/* ---- guessing ---- */

void
ledger_try_encode(struct buf *out, const struct ledger_try *m)
{
	ipc_put_bytes(out, m->client);
	ipc_put_bytes(out, m->login);
	buf_put_u8(out, (uint8_t)m->protocol);
}

int
ledger_try_decode(struct ipc_reader *in, void *msg)
{
	struct ledger_try *m = msg;

	m->client = ipc_get_bytes(in, LEDGER_CLIENT_MAX);
	m->login = get_login(in);
	m->protocol = get_protocol(in);
	return ipc_finish(in);
}

void
ledger_try_answer_encode(struct buf *out, const struct ledger_try_answer *m)
{
	buf_put_u8(out, (uint8_t)m->verdict);
	buf_put_u8(out, (uint8_t)m->trust);
	buf_put_u32(out, m->delay_ms);
}

int
ledger_try_answer_decode(struct ipc_reader *in, void *msg)
{
	struct ledger_try_answer *m = msg;

	m->verdict = (enum ledger_try_verdict)ipc_get_enum(in, LEDGER_TRY_VERDICTS);
	m->trust = (enum ledger_trust)ipc_get_enum(in, LEDGER_TRUSTS);
	m->delay_ms = ipc_get_u32(in);
	return ipc_finish(in);
}

void
ledger_tried_encode(struct buf *out, const struct ledger_tried *m)
{
	ipc_put_bytes(out, m->client);
	ipc_put_bytes(out, m->login);
	buf_put_u8(out, (uint8_t)m->protocol);
	buf_put_u8(out, (uint8_t)m->result);
	ipc_put_bytes(out, m->credential);
	buf_put_u64(out, m->guess);
}

int
ledger_tried_decode(struct ipc_reader *in, void *msg)
{
	struct ledger_tried *m = msg;

	m->client = ipc_get_bytes(in, LEDGER_CLIENT_MAX);
	m->login = get_login(in);
	m->protocol = get_protocol(in);
	m->result = (enum ledger_tried_result)ipc_get_enum(in, LEDGER_TRIED_RESULTS);
	m->credential = ipc_get_bytes(in, LEDGER_CREDENTIAL_MAX);
	m->guess = ipc_get_u64(in);
	return ipc_finish(in);
}

void
ledger_bans_encode(struct buf *out, const struct ledger_bans *m)
{
	ASSERT(m->count <= LEDGER_BANS_MAX);
	buf_put_u8(out, m->reset);
	buf_put_u32(out, m->count);
	for (uint32_t i = 0; i < m->count; i++) {
		put_block(out, &m->rows[i].block);
		buf_put_u64(out, m->rows[i].left_ms);
	}
}

int
ledger_bans_decode(struct ipc_reader *in, void *msg)
{
	struct ledger_bans *m = msg;

	m->reset = get_bool(in);
	m->count = get_count(in, LEDGER_BANS_MAX);
	for (uint32_t i = 0; i < m->count; i++) {
		get_block(in, &m->rows[i].block);
		m->rows[i].left_ms = ipc_get_u64(in);
		if (m->rows[i].block.family == 0)
			in->bad = true;
	}
	return ipc_finish(in);
}

void
ledger_ban_list_encode(struct buf *out, const struct ledger_ban_list *m)
{
	ipc_put_bytes(out, m->after);
}

int
ledger_ban_list_decode(struct ipc_reader *in, void *msg)
{
	struct ledger_ban_list *m = msg;

	m->after = ipc_get_bytes(in, LEDGER_ACCOUNT_MAX + 1);
	return ipc_finish(in);
}

void
ledger_ban_list_answer_encode(struct buf *out, const struct ledger_ban_list_answer *m)
{
	ASSERT(m->count <= LEDGER_BAN_ROWS_MAX);
	buf_put_u32(out, m->count);
	for (uint32_t i = 0; i < m->count; i++) {
		const struct ledger_ban_row *r = &m->rows[i];

		put_subject(out, &r->subject);
		ipc_put_bytes(out, r->cursor);
		ipc_put_bytes(out, r->reason);
		buf_put_u64(out, r->since);
		buf_put_u64(out, r->until);
		buf_put_u64(out, r->failures);
		buf_put_u32(out, r->times);
		buf_put_u8(out, r->by_operator);
	}
}

int
ledger_ban_list_answer_decode(struct ipc_reader *in, void *msg)
{
	struct ledger_ban_list_answer *m = msg;

	m->count = get_count(in, LEDGER_BAN_ROWS_MAX);
	for (uint32_t i = 0; i < m->count; i++) {
		struct ledger_ban_row *r = &m->rows[i];

		get_subject(in, &r->subject);
		r->cursor = ipc_get_bytes(in, LEDGER_ACCOUNT_MAX + 1);
		r->reason = ipc_get_bytes(in, LEDGER_REASON_MAX);
		r->since = ipc_get_u64(in);
		r->until = ipc_get_u64(in);
		r->failures = ipc_get_u64(in);
		r->times = ipc_get_u32(in);
		r->by_operator = get_bool(in);
	}
	return ipc_finish(in);
}

void
ledger_ban_add_encode(struct buf *out, const struct ledger_ban_add *m)
{
	put_subject(out, &m->subject);
	buf_put_u64(out, m->seconds);
	ipc_put_bytes(out, m->reason);
}

int
ledger_ban_add_decode(struct ipc_reader *in, void *msg)
{
	struct ledger_ban_add *m = msg;

	get_subject(in, &m->subject);
	m->seconds = ipc_get_u64(in);
	m->reason = ipc_get_bytes(in, LEDGER_REASON_MAX);
	return ipc_finish(in);
}

void
ledger_ban_del_encode(struct buf *out, const struct ledger_ban_del *m)
{
	put_subject(out, &m->subject);
}

int
ledger_ban_del_decode(struct ipc_reader *in, void *msg)
{
	struct ledger_ban_del *m = msg;

	get_subject(in, &m->subject);
	return ipc_finish(in);
}

void
ledger_last_use_encode(struct buf *out, const struct ledger_last_use *m)
{
	ipc_put_bytes(out, m->account);
}

int
ledger_last_use_decode(struct ipc_reader *in, void *msg)
{
	struct ledger_last_use *m = msg;

	m->account = get_login(in);
	return ipc_finish(in);
}

void
ledger_last_use_answer_encode(struct buf *out, const struct ledger_last_use_answer *m)
{
	ASSERT(m->count <= LEDGER_LAST_USE_MAX);
	buf_put_u32(out, m->count);
	for (uint32_t i = 0; i < m->count; i++) {
		ipc_put_bytes(out, m->rows[i].credential);
		ipc_put_bytes(out, m->rows[i].client);
		buf_put_u8(out, (uint8_t)m->rows[i].protocol);
		buf_put_u64(out, m->rows[i].when);
	}
}

int
ledger_last_use_answer_decode(struct ipc_reader *in, void *msg)
{
	struct ledger_last_use_answer *m = msg;

	m->count = get_count(in, LEDGER_LAST_USE_MAX);
	for (uint32_t i = 0; i < m->count; i++) {
		m->rows[i].credential = ipc_get_bytes(in, LEDGER_CREDENTIAL_MAX);
		m->rows[i].client = ipc_get_bytes(in, LEDGER_CLIENT_MAX);
		m->rows[i].protocol = get_protocol(in);
		m->rows[i].when = ipc_get_u64(in);
	}
	return ipc_finish(in);
}

/* ---- sending ---- */

void
ledger_send_encode(struct buf *out, const struct ledger_send *m)
{
	ipc_put_bytes(out, m->login);
	buf_put_u32(out, m->recipients);
	ipc_put_bytes(out, m->hashes);
}

int
ledger_send_decode(struct ipc_reader *in, void *msg)
{
	struct ledger_send *m = msg;

	m->login = get_login(in);
	m->recipients = get_count(in, LEDGER_HASHES_MAX);
	m->hashes = ipc_get_bytes(in, LEDGER_HASHES_MAX * sizeof(uint64_t));
	if (m->hashes.n != m->recipients * sizeof(uint64_t))
		in->bad = true;
	return ipc_finish(in);
}

void
ledger_send_answer_encode(struct buf *out, const struct ledger_send_answer *m)
{
	buf_put_u8(out, (uint8_t)m->verdict);
	buf_put_u64(out, m->limit);
	buf_put_u32(out, m->retry_s);
}

int
ledger_send_answer_decode(struct ipc_reader *in, void *msg)
{
	struct ledger_send_answer *m = msg;

	m->verdict = (enum ledger_send_verdict)ipc_get_enum(in, LEDGER_SEND_VERDICTS);
	m->limit = ipc_get_u64(in);
	m->retry_s = ipc_get_u32(in);
	return ipc_finish(in);
}

const char *
ledger_send_text(enum ledger_send_verdict v)
{
	static const char *const texts[LEDGER_SEND_VERDICTS] = {
		[LEDGER_SEND_OK] = "ok",
		[LEDGER_SEND_MESSAGES] = "too many messages today",
		[LEDGER_SEND_RECIPIENTS] = "too many recipients today",
		[LEDGER_SEND_NEW_RECIPIENTS] = "too many new recipients today",
		[LEDGER_SEND_BLOCKED] = "sending is blocked for this account, ask your provider",
		[LEDGER_SEND_LATER] = "limits can't be checked now",
	};

	return texts[v];
}

void
ledger_incident_encode(struct buf *out, const struct ledger_incident *m)
{
	ipc_put_bytes(out, m->login);
	buf_put_u8(out, m->open);
	buf_put_u8(out, m->told);
	buf_put_u64(out, m->since);
	ipc_put_bytes(out, m->text);
}

int
ledger_incident_decode(struct ipc_reader *in, void *msg)
{
	struct ledger_incident *m = msg;

	m->login = get_login(in);
	m->open = get_bool(in);
	m->told = get_bool(in);
	m->since = ipc_get_u64(in);
	m->text = ipc_get_bytes(in, LEDGER_REASON_MAX);
	return ipc_finish(in);
}

void
ledger_incident_told_encode(struct buf *out, const struct ledger_incident_told *m)
{
	ipc_put_bytes(out, m->login);
}

int
ledger_incident_told_decode(struct ipc_reader *in, void *msg)
{
	struct ledger_incident_told *m = msg;

	m->login = get_login(in);
	return ipc_finish(in);
}

void
ledger_incident_list_encode(struct buf *out, const struct ledger_incident_list *m)
{
	ipc_put_bytes(out, m->after);
}

int
ledger_incident_list_decode(struct ipc_reader *in, void *msg)
{
	struct ledger_incident_list *m = msg;

	m->after = ipc_get_bytes(in, LEDGER_ACCOUNT_MAX);
	return ipc_finish(in);
}

void
ledger_incident_list_answer_encode(struct buf *out, const struct ledger_incident_list_answer *m)
{
	ASSERT(m->count <= LEDGER_INCIDENT_ROWS_MAX);
	buf_put_u32(out, m->count);
	for (uint32_t i = 0; i < m->count; i++) {
		const struct ledger_incident_row *r = &m->rows[i];

		ipc_put_bytes(out, r->login);
		buf_put_u8(out, r->told);
		buf_put_u64(out, r->since);
		buf_put_u64(out, r->messages);
		buf_put_u64(out, r->recipients);
		buf_put_u64(out, r->new_recipients);
		buf_put_u64(out, r->refused);
		ipc_put_bytes(out, r->text);
	}
}

int
ledger_incident_list_answer_decode(struct ipc_reader *in, void *msg)
{
	struct ledger_incident_list_answer *m = msg;

	m->count = get_count(in, LEDGER_INCIDENT_ROWS_MAX);
	for (uint32_t i = 0; i < m->count; i++) {
		struct ledger_incident_row *r = &m->rows[i];

		r->login = get_login(in);
		r->told = get_bool(in);
		r->since = ipc_get_u64(in);
		r->messages = ipc_get_u64(in);
		r->recipients = ipc_get_u64(in);
		r->new_recipients = ipc_get_u64(in);
		r->refused = ipc_get_u64(in);
		r->text = ipc_get_bytes(in, LEDGER_REASON_MAX);
	}
	return ipc_finish(in);
}

void
ledger_incident_end_encode(struct buf *out, const struct ledger_incident_end *m)
{
	ipc_put_bytes(out, m->login);
	buf_put_u8(out, m->only_ask);
}

int
ledger_incident_end_decode(struct ipc_reader *in, void *msg)
{
	struct ledger_incident_end *m = msg;

	m->login = get_login(in);
	m->only_ask = get_bool(in);
	return ipc_finish(in);
}
