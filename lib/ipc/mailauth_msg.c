/* SPDX-License-Identifier: ISC */
/*
 * lib/ipc/mailauth_msg.c - questions to mailauth-verify and their answers, as octets.
 *
 * Runs in:  mailauth-verify, and all that ask it.
 * Trusts:   nothing: every size and every number is checked at decoding. The answers come from a
 *           process in which old libraries read hostile mail.
 */
#include "mailauth_msg.h"

static const char *const policies[MAILAUTH_POLICIES] = {
	[MAILAUTH_POLICY_NONE] = "none",
	[MAILAUTH_POLICY_QUARANTINE] = "quarantine",
	[MAILAUTH_POLICY_REJECT] = "reject",
};

const char *
mailauth_policy_name(enum mailauth_policy policy)
{
	return policy < MAILAUTH_POLICIES ? policies[policy] : "unknown";
}

static void
put_cut(struct buf *out, struct bytes b, size_t max)
{
	ipc_put_bytes(out, bytes_head(b, max));
}

static bool
get_bool(struct ipc_reader *in)
{
	return ipc_get_enum(in, 2) != 0;
}

static void
put_question(struct buf *out, const struct mailauth_spf_question *m)
{
	ipc_put_bytes(out, m->client);
	ipc_put_bytes(out, m->helo);
	ipc_put_bytes(out, m->mail_from);
}

static void
get_question(struct ipc_reader *in, struct mailauth_spf_question *m)
{
	m->client = ipc_get_bytes(in, MAILAUTH_ADDRESS_MAX);
	m->helo = ipc_get_bytes(in, MAILAUTH_NAME_MAX);
	m->mail_from = ipc_get_bytes(in, MAILAUTH_PATH_MAX);
}

void
mailauth_spf_question_encode(struct buf *out, const struct mailauth_spf_question *m)
{
	put_question(out, m);
	buf_put_u8(out, m->explain);
}

int
mailauth_spf_question_decode(struct ipc_reader *in, void *msg)
{
	struct mailauth_spf_question *m = msg;

	get_question(in, m);
	m->explain = get_bool(in);
	return ipc_finish(in);
}

static void
put_spf(struct buf *out, const struct mailauth_spf *m)
{
	buf_put_u8(out, (uint8_t)m->result);
	put_cut(out, m->domain, MAILAUTH_NAME_MAX);
	put_cut(out, m->mechanism, MAILAUTH_MECHANISM_MAX);
	put_cut(out, m->explanation, MAILAUTH_EXPLANATION_MAX);
	put_cut(out, m->problem, MAILAUTH_WORDS_MAX);
	buf_put_u8(out, m->lookups);
	buf_put_u8(out, m->void_lookups);
}

static void
get_spf(struct ipc_reader *in, struct mailauth_spf *m)
{
	m->result = ipc_get_enum(in, AUTH_RESULT_COUNT);
	m->domain = ipc_get_bytes(in, MAILAUTH_NAME_MAX);
	m->mechanism = ipc_get_bytes(in, MAILAUTH_MECHANISM_MAX);
	m->explanation = ipc_get_bytes(in, MAILAUTH_EXPLANATION_MAX);
	m->problem = ipc_get_bytes(in, MAILAUTH_WORDS_MAX);
	m->lookups = ipc_get_u8(in);
	m->void_lookups = ipc_get_u8(in);
}

void
mailauth_spf_result_encode(struct buf *out, const struct mailauth_spf_result *m)
{
	put_spf(out, &m->mail_from);
	put_spf(out, &m->helo);
	put_cut(out, m->trace, MAILAUTH_TRACE_MAX);
}

int
mailauth_spf_result_decode(struct ipc_reader *in, void *msg)
{
	struct mailauth_spf_result *m = msg;

	get_spf(in, &m->mail_from);
	get_spf(in, &m->helo);
	m->trace = ipc_get_bytes(in, MAILAUTH_TRACE_MAX);
	return ipc_finish(in);
}

void
mailauth_verify_encode(struct buf *out, const struct mailauth_verify *m)
{
	buf_put_u8(out, m->explain);
	buf_put_u8(out, m->ask_spf);
	if (m->ask_spf)
		put_question(out, &m->about);
	else
		put_spf(out, &m->spf);
	content_source_put(out, &m->content);
}

static int
decode_verify(struct ipc_reader *in, struct mailauth_verify *m, bool in_fd)
{
	m->explain = get_bool(in);
	m->ask_spf = get_bool(in);
	if (m->ask_spf)
		get_question(in, &m->about);
	else
		get_spf(in, &m->spf);
	m->content = content_source_get(in, in_fd, MAILAUTH_CONTENT_MAX);
	return ipc_finish(in);
}

int
mailauth_verify_decode(struct ipc_reader *in, void *msg)
{
	return decode_verify(in, msg, false);
}

int
mailauth_verify_fd_decode(struct ipc_reader *in, void *msg)
{
	return decode_verify(in, msg, true);
}

static void
put_dkim(struct buf *out, const struct mailauth_dkim *m)
{
	buf_put_u8(out, (uint8_t)m->result);
	buf_put_u8(out, m->testing);
	buf_put_u16(out, m->key_bits);
	put_cut(out, m->domain, MAILAUTH_NAME_MAX);
	put_cut(out, m->selector, MAILAUTH_SELECTOR_MAX);
	put_cut(out, m->identity, MAILAUTH_PATH_MAX);
	put_cut(out, m->algorithm, MAILAUTH_NAME_MAX);
	put_cut(out, m->b, 8);
	put_cut(out, m->problem, MAILAUTH_WORDS_MAX);
}

static void
get_dkim(struct ipc_reader *in, struct mailauth_dkim *m)
{
	m->result = ipc_get_enum(in, AUTH_RESULT_COUNT);
	m->testing = get_bool(in);
	m->key_bits = ipc_get_u16(in);
	m->domain = ipc_get_bytes(in, MAILAUTH_NAME_MAX);
	m->selector = ipc_get_bytes(in, MAILAUTH_SELECTOR_MAX);
	m->identity = ipc_get_bytes(in, MAILAUTH_PATH_MAX);
	m->algorithm = ipc_get_bytes(in, MAILAUTH_NAME_MAX);
	m->b = ipc_get_bytes(in, 8);
	m->problem = ipc_get_bytes(in, MAILAUTH_WORDS_MAX);
}

static void
put_dmarc(struct buf *out, const struct mailauth_dmarc *m)
{
	buf_put_u8(out, (uint8_t)m->result);
	buf_put_u8(out, (uint8_t)m->policy);
	buf_put_u8(out, (uint8_t)m->published);
	buf_put_u8(out, m->testing);
	buf_put_u8(out, m->spf_aligned);
	buf_put_u8(out, m->dkim_aligned);
	buf_put_u8(out, m->psd_record);
	buf_put_u8(out, m->reports);
	buf_put_u8(out, m->dkim_index);
	put_cut(out, m->author_domain, MAILAUTH_NAME_MAX);
	put_cut(out, m->org_domain, MAILAUTH_NAME_MAX);
	put_cut(out, m->record_domain, MAILAUTH_NAME_MAX);
	put_cut(out, m->record, MAILAUTH_RECORD_MAX);
	put_cut(out, m->problem, MAILAUTH_WORDS_MAX);
}

static void
get_dmarc(struct ipc_reader *in, struct mailauth_dmarc *m)
{
	m->result = ipc_get_enum(in, AUTH_RESULT_COUNT);
	m->policy = ipc_get_enum(in, MAILAUTH_POLICIES);
	m->published = ipc_get_enum(in, MAILAUTH_POLICIES);
	m->testing = get_bool(in);
	m->spf_aligned = get_bool(in);
	m->dkim_aligned = get_bool(in);
	m->psd_record = get_bool(in);
	m->reports = get_bool(in);
	m->dkim_index = (uint8_t)ipc_get_enum(in, MAILAUTH_SIGNATURES_MAX);
	m->author_domain = ipc_get_bytes(in, MAILAUTH_NAME_MAX);
	m->org_domain = ipc_get_bytes(in, MAILAUTH_NAME_MAX);
	m->record_domain = ipc_get_bytes(in, MAILAUTH_NAME_MAX);
	m->record = ipc_get_bytes(in, MAILAUTH_RECORD_MAX);
	m->problem = ipc_get_bytes(in, MAILAUTH_WORDS_MAX);
}

void
mailauth_verified_encode(struct buf *out, const struct mailauth_verified *m)
{
	ASSERT(m->n_dkim <= MAILAUTH_SIGNATURES_MAX);
	put_spf(out, &m->mail_from);
	put_spf(out, &m->helo);
	buf_put_u32(out, m->n_dkim);
	buf_put_u8(out, m->more_dkim);
	buf_put_u8(out, m->dkim_unknown);
	for (uint32_t i = 0; i < m->n_dkim; i++)
		put_dkim(out, &m->dkim[i]);
	put_dmarc(out, &m->dmarc);
	put_cut(out, m->trace, MAILAUTH_TRACE_MAX);
}

int
mailauth_verified_decode(struct ipc_reader *in, void *msg)
{
	struct mailauth_verified *m = msg;

	get_spf(in, &m->mail_from);
	get_spf(in, &m->helo);
	m->n_dkim = ipc_get_u32(in);
	m->more_dkim = get_bool(in);
	m->dkim_unknown = get_bool(in);
	if (in->bad || m->n_dkim > MAILAUTH_SIGNATURES_MAX)
		return ERR_SYNTAX;
	for (uint32_t i = 0; i < m->n_dkim; i++)
		get_dkim(in, &m->dkim[i]);
	get_dmarc(in, &m->dmarc);
	m->trace = ipc_get_bytes(in, MAILAUTH_TRACE_MAX);
	if (m->dmarc.dkim_aligned && m->dmarc.dkim_index >= m->n_dkim)
		return ERR_SYNTAX;
	return ipc_finish(in);
}
