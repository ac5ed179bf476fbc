/* SPDX-License-Identifier: ISC */
/*
 * lib/ipc/directory_msg.c - the questions to directory and its answers, as octets.
 *
 * Runs in:  directory, and all who ask it.
 * Trusts:   nothing: every size and every number is checked at decoding.
 */
#include "directory_msg.h"

#include "err.h"
#include "siphash.h"

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
		[DIRECTORY_SRS_FORGED] = { 550, "5.7.1", "SRS address was not made here" },
		[DIRECTORY_SRS_OLD] = { 550, "5.7.1", "SRS address has expired" },
		[DIRECTORY_ROUTE_LATER] = { 450, "4.3.0", "mail for it is not taken now" },
		[DIRECTORY_ROUTE_REFUSED] = { 550, "5.1.2", "mail for it is not taken" },
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
	ipc_put_bytes(out, m->enhanced);
	ipc_put_bytes(out, m->text);
}

int
directory_rcpt_answer_decode(struct ipc_reader *in, void *msg)
{
	struct directory_rcpt_answer *m = msg;

	m->verdict = (enum directory_verdict)ipc_get_enum(in, DIRECTORY_VERDICTS);
	m->enhanced = ipc_get_bytes(in, DIRECTORY_ENHANCED_MAX);
	m->text = ipc_get_bytes(in, DIRECTORY_REASON_MAX);
	return ipc_finish(in);
}

void
directory_resolve_encode(struct buf *out, const struct directory_resolve *m)
{
	ipc_put_bytes(out, m->address);
	ipc_put_bytes(out, m->reverse_path);
	buf_put_u32(out, m->first);
}

int
directory_resolve_decode(struct ipc_reader *in, void *msg)
{
	struct directory_resolve *m = msg;

	m->address = ipc_get_bytes(in, DIRECTORY_ADDRESS_MAX);
	m->reverse_path = ipc_get_bytes(in, DIRECTORY_ADDRESS_MAX);
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
	ipc_put_bytes(out, t->next_hop);
	ipc_put_bytes(out, t->enhanced);
	ipc_put_bytes(out, t->text);
	ipc_put_bytes(out, t->rule);
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
	t->next_hop = ipc_get_bytes(in, DIRECTORY_NEXT_HOP_MAX);
	t->enhanced = ipc_get_bytes(in, DIRECTORY_ENHANCED_MAX);
	t->text = ipc_get_bytes(in, DIRECTORY_REASON_MAX);
	t->rule = ipc_get_bytes(in, DIRECTORY_RULE_MAX);
	if ((t->kind == DIRECTORY_TARGET_REMOTE) != (t->next_hop.n > 0))
		in->bad = true;
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
	buf_put_u8(out, (uint8_t)m->protocol);
	buf_put_u64(out, m->session);
}

int
directory_auth_decode(struct ipc_reader *in, void *msg)
{
	struct directory_auth *m = msg;

	m->login = ipc_get_bytes(in, DIRECTORY_ADDRESS_MAX);
	m->password = ipc_get_bytes(in, DIRECTORY_PASSWORD_MAX);
	m->client = ipc_get_bytes(in, DIRECTORY_CLIENT_MAX);
	m->protocol = (enum directory_protocol)get_enum_from(in, 1, DIRECTORY_PROTOCOLS);
	m->session = ipc_get_u64(in);
	return ipc_finish(in);
}

struct directory_auth_reply
directory_auth_status_reply(enum directory_auth_status s)
{
	static const struct directory_auth_reply replies[DIRECTORY_AUTH_STATUSES] = {
		[DIRECTORY_AUTH_OK] = { 235, "2.7.0", "", "", "authentication succeeded" },
		[DIRECTORY_AUTH_FAILED] = { 535, "5.7.8", "AUTHENTICATIONFAILED", "AUTH",
			"authentication failed" },
		[DIRECTORY_AUTH_LOCKED] = { 535, "5.7.13", "CONTACTADMIN", "AUTH",
			"account is locked" },
		[DIRECTORY_AUTH_TEMPORARY] = { 454, "4.7.0", "UNAVAILABLE", "SYS/TEMP",
			"temporary authentication failure" },
		[DIRECTORY_AUTH_CHALLENGE] = { 334, "", "", "", "" },
		[DIRECTORY_AUTH_MALFORMED] = { 501, "5.5.2", "", "",
			"malformed authentication message" },
		[DIRECTORY_AUTH_UNSUPPORTED] = { 504, "5.5.4", "CANNOT", "",
			"authentication mechanism not supported" },
		[DIRECTORY_AUTH_BANNED] = { 454, "4.7.0", "UNAVAILABLE", "SYS/TEMP",
			"too many failures, try again later" },
	};

	return replies[s < DIRECTORY_AUTH_STATUSES ? s : DIRECTORY_AUTH_TEMPORARY];
}

/* Octets of exactly this size, or none. */
static struct bytes
get_all_or_none(struct ipc_reader *in, size_t size)
{
	struct bytes b = ipc_get_bytes(in, size);

	if (b.n != 0 && b.n != size)
		in->bad = true;
	return b;
}

static struct bytes
get_exactly(struct ipc_reader *in, size_t size)
{
	struct bytes b = ipc_get_bytes(in, size);

	if (b.n != size)
		in->bad = true;
	return b;
}

void
directory_auth_answer_encode(struct buf *out, const struct directory_auth_answer *m)
{
	buf_put_u8(out, (uint8_t)m->status);
	ipc_put_bytes(out, m->account);
	ipc_put_bytes(out, m->token);
	ipc_put_bytes(out, m->handle);
	buf_put_u8(out, m->send_blocked);
	buf_put_u64(out, m->exchange);
	ipc_put_bytes(out, m->challenge);
}

int
directory_auth_answer_decode(struct ipc_reader *in, void *msg)
{
	struct directory_auth_answer *m = msg;

	m->status = (enum directory_auth_status)ipc_get_enum(in, DIRECTORY_AUTH_STATUSES);
	m->account = ipc_get_bytes(in, DIRECTORY_ACCOUNT_MAX);
	m->token = get_all_or_none(in, DIRECTORY_TOKEN_SIZE);
	m->handle = get_all_or_none(in, DIRECTORY_HANDLE_SIZE);
	m->send_blocked = ipc_get_enum(in, 2) != 0;
	m->exchange = ipc_get_u64(in);
	m->challenge = ipc_get_bytes(in, SASL_MESSAGE_MAX);
	return ipc_finish(in);
}

void
directory_sasl_start_encode(struct buf *out, const struct directory_sasl_start *m)
{
	buf_put_u8(out, (uint8_t)m->mechanism);
	buf_put_u8(out, (uint8_t)m->protocol);
	buf_put_u64(out, m->session);
	ipc_put_bytes(out, m->client);
	for (size_t i = 0; i < SASL_BINDINGS; i++)
		ipc_put_bytes(out, m->bindings[i]);
	buf_put_u8(out, m->has_initial);
	ipc_put_bytes(out, m->initial);
}

int
directory_sasl_start_decode(struct ipc_reader *in, void *msg)
{
	struct directory_sasl_start *m = msg;

	m->mechanism = (enum sasl_mechanism)get_enum_from(in, 1, SASL_MECHANISMS);
	m->protocol = (enum directory_protocol)get_enum_from(in, 1, DIRECTORY_PROTOCOLS);
	m->session = ipc_get_u64(in);
	m->client = ipc_get_bytes(in, DIRECTORY_CLIENT_MAX);
	for (size_t i = 0; i < SASL_BINDINGS; i++)
		m->bindings[i] = ipc_get_bytes(in, SASL_BINDING_MAX);
	m->has_initial = ipc_get_enum(in, 2) != 0;
	m->initial = ipc_get_bytes(in, SASL_MESSAGE_MAX);
	if (!m->has_initial && m->initial.n > 0)
		return ERR_SYNTAX;
	return ipc_finish(in);
}

void
directory_sasl_step_encode(struct buf *out, const struct directory_sasl_step *m)
{
	buf_put_u64(out, m->exchange);
	ipc_put_bytes(out, m->response);
}

int
directory_sasl_step_decode(struct ipc_reader *in, void *msg)
{
	struct directory_sasl_step *m = msg;

	m->exchange = ipc_get_u64(in);
	m->response = ipc_get_bytes(in, SASL_MESSAGE_MAX);
	return ipc_finish(in);
}

void
directory_sasl_cancel_encode(struct buf *out, const struct directory_sasl_cancel *m)
{
	buf_put_u64(out, m->exchange);
}

int
directory_sasl_cancel_decode(struct ipc_reader *in, void *msg)
{
	struct directory_sasl_cancel *m = msg;

	m->exchange = ipc_get_u64(in);
	return ipc_finish(in);
}

void
directory_recipient_put(struct buf *out, struct bytes forward_path)
{
	/* no secret: who sends could only fool its own limits, and would have to find collisions */
	static const struct siphash_key key = { { 0x72656c6169732f72, 0x6563697069656e74 } };
	uint8_t folded[DIRECTORY_ADDRESS_MAX];
	struct bytes address = bytes_head(forward_path, sizeof(folded));

	for (size_t i = 0; i < address.n; i++)
		folded[i] = ascii_lower(address.p[i]);
	buf_put_u64(out, siphash(&key, bytes_make(folded, address.n)));
}

void
directory_send_encode(struct buf *out, const struct directory_send *m)
{
	ASSERT(m->nsenders <= DIRECTORY_SENDERS_MAX);
	ipc_put_bytes(out, m->handle);
	buf_put_u64(out, m->session);
	buf_put_u64(out, m->queue_id);
	ipc_put_bytes(out, m->reverse_path);
	buf_put_u32(out, m->nsenders);
	for (uint32_t i = 0; i < m->nsenders; i++)
		ipc_put_bytes(out, m->senders[i]);
	buf_put_u32(out, m->author);
	ipc_put_bytes(out, m->recipients);
}

int
directory_send_decode(struct ipc_reader *in, void *msg)
{
	struct directory_send *m = msg;

	m->handle = get_exactly(in, DIRECTORY_HANDLE_SIZE);
	m->session = ipc_get_u64(in);
	m->queue_id = ipc_get_u64(in);
	m->reverse_path = ipc_get_bytes(in, DIRECTORY_ADDRESS_MAX);
	m->nsenders = ipc_get_u32(in);
	if (in->bad || m->nsenders > DIRECTORY_SENDERS_MAX)
		return ERR_SYNTAX;
	for (uint32_t i = 0; i < m->nsenders; i++)
		m->senders[i] = ipc_get_bytes(in, DIRECTORY_ADDRESS_MAX);
	m->author = ipc_get_u32(in);
	if (m->author > m->nsenders)
		return ERR_SYNTAX;
	m->recipients = ipc_get_bytes(in, DIRECTORY_RECIPIENTS_MAX * DIRECTORY_RECIPIENT_SIZE);
	if (m->recipients.n % DIRECTORY_RECIPIENT_SIZE != 0)
		return ERR_SYNTAX;
	return ipc_finish(in);
}

struct directory_reply
directory_send_reply(enum directory_send_verdict v)
{
	static const struct directory_reply replies[DIRECTORY_SEND_VERDICTS] = {
		[DIRECTORY_SEND_OK] = { 250, "2.0.0", "ok" },
		[DIRECTORY_SEND_NOT_OWNED] = { 550, "5.7.1", "address is not owned by this login" },
		[DIRECTORY_SEND_BLOCKED] = { 550, "5.7.1",
			"sending is blocked for this account, ask the postmaster" },
		[DIRECTORY_SEND_LIMIT] = { 450, "4.7.1", "sending limit reached, try again later" },
		[DIRECTORY_SEND_NO_LOGIN] = { 451, "4.7.0", "login has ended, log in again" },
		[DIRECTORY_SEND_TEMPORARY] = { 451, "4.3.0", "sending can't be checked now" },
	};

	return replies[v < DIRECTORY_SEND_VERDICTS ? v : DIRECTORY_SEND_TEMPORARY];
}

void
directory_send_answer_encode(struct buf *out, const struct directory_send_answer *m)
{
	buf_put_u8(out, (uint8_t)m->verdict);
	buf_put_u8(out, m->in_header);
	ipc_put_bytes(out, m->address);
	ipc_put_bytes(out, m->reason);
	ipc_put_bytes(out, m->ticket);
	ipc_put_bytes(out, m->sign_ticket);
}

int
directory_send_answer_decode(struct ipc_reader *in, void *msg)
{
	struct directory_send_answer *m = msg;

	m->verdict = (enum directory_send_verdict)ipc_get_enum(in, DIRECTORY_SEND_VERDICTS);
	m->in_header = ipc_get_enum(in, 2) != 0;
	m->address = ipc_get_bytes(in, DIRECTORY_ADDRESS_MAX);
	m->reason = ipc_get_bytes(in, DIRECTORY_REASON_MAX);
	m->ticket = ipc_get_bytes(in, DIRECTORY_TICKET_MAX);
	m->sign_ticket = ipc_get_bytes(in, DIRECTORY_TICKET_MAX);
	return ipc_finish(in);
}

void
directory_local_encode(struct buf *out, const struct directory_local *m)
{
	buf_put_u64(out, m->session);
	ipc_put_bytes(out, m->name);
}

int
directory_local_decode(struct ipc_reader *in, void *msg)
{
	struct directory_local *m = msg;

	m->session = ipc_get_u64(in);
	m->name = ipc_get_bytes(in, DIRECTORY_LOCAL_NAME_MAX);
	return ipc_finish(in);
}

void
directory_local_answer_encode(struct buf *out, const struct directory_local_answer *m)
{
	buf_put_u8(out, (uint8_t)m->status);
	ipc_put_bytes(out, m->account);
	ipc_put_bytes(out, m->address);
	ipc_put_bytes(out, m->handle);
}

int
directory_local_answer_decode(struct ipc_reader *in, void *msg)
{
	struct directory_local_answer *m = msg;

	m->status = (enum directory_auth_status)ipc_get_enum(in, DIRECTORY_AUTH_STATUSES);
	m->account = ipc_get_bytes(in, DIRECTORY_ACCOUNT_MAX);
	m->address = ipc_get_bytes(in, DIRECTORY_ADDRESS_MAX);
	m->handle = get_all_or_none(in, DIRECTORY_HANDLE_SIZE);
	return ipc_finish(in);
}

void
directory_logout_encode(struct buf *out, const struct directory_logout *m)
{
	ipc_put_bytes(out, m->handle);
	buf_put_u64(out, m->session);
}

int
directory_logout_decode(struct ipc_reader *in, void *msg)
{
	struct directory_logout *m = msg;

	m->handle = get_exactly(in, DIRECTORY_HANDLE_SIZE);
	m->session = ipc_get_u64(in);
	return ipc_finish(in);
}

void
directory_ticket_key_encode(struct buf *out, const struct directory_ticket_key *m)
{
	buf_put_u64(out, m->id);
	ipc_put_bytes(out, m->key);
}

int
directory_ticket_key_decode(struct ipc_reader *in, void *msg)
{
	struct directory_ticket_key *m = msg;

	m->id = ipc_get_u64(in);
	m->key = get_exactly(in, DIRECTORY_TICKET_KEY_SIZE);
	return ipc_finish(in);
}

void
directory_hop_encode(struct buf *out, const struct directory_hop *m)
{
	ipc_put_bytes(out, m->next_hop);
	ipc_put_bytes(out, m->reverse_path);
}

int
directory_hop_decode(struct ipc_reader *in, void *msg)
{
	struct directory_hop *m = msg;

	m->next_hop = ipc_get_bytes(in, DIRECTORY_NEXT_HOP_MAX);
	m->reverse_path = ipc_get_bytes(in, DIRECTORY_ADDRESS_MAX);
	return ipc_finish(in);
}

static void
alternative_encode(struct buf *out, const struct directory_hop_alternative *a)
{
	buf_put_u8(out, (uint8_t)a->protocol);
	buf_put_u8(out, (uint8_t)a->kind);
	ipc_put_bytes(out, a->host);
	buf_put_u16(out, a->port);
	buf_put_u8(out, a->has_tls);
	buf_put_u8(out, (uint8_t)a->tls);
	buf_put_u8(out, a->tls_required);
	ipc_put_bytes(out, a->tls_names);
	ipc_put_bytes(out, a->login);
	ipc_put_bytes(out, a->password);
}

static void
alternative_decode(struct ipc_reader *in, struct directory_hop_alternative *a)
{
	a->protocol = (enum next_hop_protocol)ipc_get_enum(in, NEXT_HOP_PROTOCOLS);
	a->kind = (enum next_hop_kind)ipc_get_enum(in, NEXT_HOP_KINDS);
	a->host = ipc_get_bytes(in, DIRECTORY_HOST_MAX);
	a->port = ipc_get_u16(in);
	a->has_tls = ipc_get_enum(in, 2) != 0;
	a->tls = (enum tls_level)ipc_get_enum(in, TLS_LEVELS);
	a->tls_required = ipc_get_enum(in, 2) != 0;
	a->tls_names = ipc_get_bytes(in, DIRECTORY_TLS_NAMES_MAX);
	a->login = ipc_get_bytes(in, DIRECTORY_LOGIN_MAX);
	a->password = ipc_get_bytes(in, DIRECTORY_PASSWORD_MAX);
	if (a->host.n == 0)
		in->bad = true;
}

void
directory_hop_answer_encode(struct buf *out, const struct directory_hop_answer *m)
{
	ASSERT(m->count <= DIRECTORY_HOPS_MAX);
	buf_put_u8(out, (uint8_t)m->status);
	buf_put_u32(out, m->count);
	for (uint32_t i = 0; i < m->count; i++)
		alternative_encode(out, &m->alternatives[i]);
	ipc_put_bytes(out, m->source_ipv4);
	ipc_put_bytes(out, m->source_ipv6);
	ipc_put_bytes(out, m->helo);
}

int
directory_hop_answer_decode(struct ipc_reader *in, void *msg)
{
	struct directory_hop_answer *m = msg;

	m->status = (enum directory_hop_status)ipc_get_enum(in, DIRECTORY_HOP_STATUSES);
	m->count = ipc_get_u32(in);
	if (in->bad || m->count > DIRECTORY_HOPS_MAX ||
		(m->status == DIRECTORY_HOP_OK) != (m->count > 0))
		return ERR_SYNTAX;
	for (uint32_t i = 0; i < m->count; i++)
		alternative_decode(in, &m->alternatives[i]);
	m->source_ipv4 = ipc_get_bytes(in, DIRECTORY_CLIENT_MAX);
	m->source_ipv6 = ipc_get_bytes(in, DIRECTORY_CLIENT_MAX);
	m->helo = ipc_get_bytes(in, DIRECTORY_HOST_MAX);
	return ipc_finish(in);
}
