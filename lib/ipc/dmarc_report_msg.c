/* SPDX-License-Identifier: ISC */
/*
 * lib/ipc/dmarc_report_msg.c - data of aggregate reports, as octets.
 *
 * Runs in:  smtpd, ledger, dmarc-reporter, CLI.
 * Trusts:   nothing: every size and every number is checked at decoding.
 */
#include "dmarc_report_msg.h"

static const char *const dispositions[DMARC_DISPOSITIONS] = {
	[DMARC_DID_NONE] = "none",
	[DMARC_DID_PASS] = "pass",
	[DMARC_DID_QUARANTINE] = "quarantine",
	[DMARC_DID_REJECT] = "reject",
};

static const char *const reasons[DMARC_REASONS] = {
	[DMARC_REASON_NONE] = "",
	[DMARC_REASON_LOCAL_POLICY] = "local_policy",
	[DMARC_REASON_MAILING_LIST] = "mailing_list",
	[DMARC_REASON_OTHER] = "other",
	[DMARC_REASON_TEST_MODE] = "policy_test_mode",
	[DMARC_REASON_TRUSTED_FORWARDER] = "trusted_forwarder",
};

static const char *const words[DMARC_WORDS] = {
	[DMARC_WORD_NONE] = "none",
	[DMARC_WORD_PASS] = "pass",
	[DMARC_WORD_FAIL] = "fail",
	[DMARC_WORD_NEUTRAL] = "neutral",
	[DMARC_WORD_TEMPERROR] = "temperror",
	[DMARC_WORD_PERMERROR] = "permerror",
	[DMARC_WORD_POLICY] = "policy",
	[DMARC_WORD_SOFTFAIL] = "softfail",
};

const char *
dmarc_disposition_name(enum dmarc_disposition d)
{
	return dispositions[d];
}

const char *
dmarc_reason_name(enum dmarc_reason r)
{
	return reasons[r];
}

const char *
dmarc_word_name(enum dmarc_word w)
{
	return words[w];
}

static void
put_cut(struct buf *out, struct bytes b, size_t max)
{
	ipc_put_bytes(out, bytes_head(b, max));
}

static struct bytes
get_domain(struct ipc_reader *in)
{
	return ipc_get_bytes(in, DMARC_DOMAIN_MAX);
}

void
dmarc_row_encode(struct buf *out, const struct dmarc_row *m)
{
	ASSERT(m->dkim_count <= DMARC_ROW_DKIM_MAX);
	put_cut(out, m->policy_domain, DMARC_DOMAIN_MAX);
	put_cut(out, m->record, DMARC_ROW_RECORD);
	buf_put_u8(out, m->psd_record);
	buf_put_u8(out, m->family);
	buf_put(out, m->source, m->family == 4 ? 4 : 16);
	buf_put_u8(out, (uint8_t)m->disposition);
	buf_put_u8(out, m->dkim_aligned);
	buf_put_u8(out, m->spf_aligned);
	buf_put_u8(out, (uint8_t)m->reason);
	put_cut(out, m->comment, DMARC_COMMENT_MAX);
	put_cut(out, m->header_from, DMARC_DOMAIN_MAX);
	put_cut(out, m->envelope_from, DMARC_DOMAIN_MAX);
	put_cut(out, m->envelope_to, DMARC_DOMAIN_MAX);
	put_cut(out, m->spf_domain, DMARC_DOMAIN_MAX);
	buf_put_u8(out, (uint8_t)m->spf_result);
	buf_put_u32(out, m->dkim_count);
	for (uint32_t i = 0; i < m->dkim_count; i++) {
		put_cut(out, m->dkim[i].domain, DMARC_DOMAIN_MAX);
		put_cut(out, m->dkim[i].selector, DMARC_DOMAIN_MAX);
		buf_put_u8(out, (uint8_t)m->dkim[i].result);
	}
}

int
dmarc_row_decode(struct ipc_reader *in, void *msg)
{
	struct dmarc_row *m = msg;
	size_t octets;

	memset(m, 0, sizeof(*m));
	m->policy_domain = get_domain(in);
	m->record = ipc_get_bytes(in, DMARC_ROW_RECORD);
	m->psd_record = ipc_get_enum(in, 2) != 0;
	m->family = ipc_get_u8(in);
	octets = m->family == 4 ? 4 : 16;
	if (m->policy_domain.n == 0 || (m->family != 4 && m->family != 6))
		return ERR_SYNTAX;
	for (size_t i = 0; i < octets; i++)
		m->source[i] = ipc_get_u8(in);
	m->disposition = ipc_get_enum(in, DMARC_DISPOSITIONS);
	m->dkim_aligned = ipc_get_enum(in, 2) != 0;
	m->spf_aligned = ipc_get_enum(in, 2) != 0;
	m->reason = ipc_get_enum(in, DMARC_REASONS);
	m->comment = ipc_get_bytes(in, DMARC_COMMENT_MAX);
	m->header_from = get_domain(in);
	m->envelope_from = get_domain(in);
	m->envelope_to = get_domain(in);
	m->spf_domain = get_domain(in);
	m->spf_result = ipc_get_enum(in, DMARC_WORDS);
	m->dkim_count = ipc_get_u32(in);
	if (in->bad || m->dkim_count > DMARC_ROW_DKIM_MAX)
		return ERR_SYNTAX;
	for (uint32_t i = 0; i < m->dkim_count; i++) {
		m->dkim[i].domain = get_domain(in);
		m->dkim[i].selector = get_domain(in);
		m->dkim[i].result = ipc_get_enum(in, DMARC_WORDS);
	}
	return ipc_finish(in);
}

void
dmarc_days_encode(struct buf *out, const struct dmarc_days *m)
{
	ipc_put_bytes(out, m->after);
}

int
dmarc_days_decode(struct ipc_reader *in, void *msg)
{
	struct dmarc_days *m = msg;

	m->after = ipc_get_bytes(in, DMARC_KEY_MAX);
	return ipc_finish(in);
}

void
dmarc_days_answer_encode(struct buf *out, const struct dmarc_days_answer *m)
{
	ASSERT(m->count <= DMARC_DAYS_MAX);
	buf_put_u32(out, m->count);
	for (uint32_t i = 0; i < m->count; i++) {
		const struct dmarc_day *d = &m->rows[i];

		ipc_put_bytes(out, d->cursor);
		buf_put_u32(out, d->day);
		buf_put_u32(out, d->part);
		buf_put_u8(out, d->open);
		ipc_put_bytes(out, d->policy_domain);
		ipc_put_bytes(out, d->record);
		buf_put_u64(out, d->messages);
		buf_put_u64(out, d->unlisted);
		buf_put_u32(out, d->rows);
		buf_put_u64(out, d->first_s);
		buf_put_u64(out, d->last_s);
	}
}

int
dmarc_days_answer_decode(struct ipc_reader *in, void *msg)
{
	struct dmarc_days_answer *m = msg;

	m->count = ipc_get_u32(in);
	if (in->bad || m->count > DMARC_DAYS_MAX)
		return ERR_SYNTAX;
	for (uint32_t i = 0; i < m->count; i++) {
		struct dmarc_day *d = &m->rows[i];

		d->cursor = ipc_get_bytes(in, DMARC_KEY_MAX);
		d->day = ipc_get_u32(in);
		d->part = ipc_get_u32(in);
		d->open = ipc_get_enum(in, 2) != 0;
		d->policy_domain = get_domain(in);
		d->record = ipc_get_bytes(in, DMARC_ROW_RECORD);
		d->messages = ipc_get_u64(in);
		d->unlisted = ipc_get_u64(in);
		d->rows = ipc_get_u32(in);
		d->first_s = ipc_get_u64(in);
		d->last_s = ipc_get_u64(in);
	}
	return ipc_finish(in);
}

void
dmarc_rows_encode(struct buf *out, const struct dmarc_rows *m)
{
	buf_put_u32(out, m->day);
	buf_put_u32(out, m->part);
	ipc_put_bytes(out, m->policy_domain);
	ipc_put_bytes(out, m->after);
}

int
dmarc_rows_decode(struct ipc_reader *in, void *msg)
{
	struct dmarc_rows *m = msg;

	m->day = ipc_get_u32(in);
	m->part = ipc_get_u32(in);
	m->policy_domain = get_domain(in);
	m->after = ipc_get_bytes(in, DMARC_KEY_MAX);
	return ipc_finish(in);
}

void
dmarc_rows_answer_encode(struct buf *out, const struct dmarc_rows_answer *m)
{
	ASSERT(m->count <= DMARC_ROWS_MAX);
	buf_put_u32(out, m->count);
	for (uint32_t i = 0; i < m->count; i++) {
		ipc_put_bytes(out, m->rows[i].cursor);
		buf_put_u64(out, m->rows[i].messages);
		ipc_put_bytes(out, m->rows[i].row);
	}
}

int
dmarc_rows_answer_decode(struct ipc_reader *in, void *msg)
{
	struct dmarc_rows_answer *m = msg;

	m->count = ipc_get_u32(in);
	if (in->bad || m->count > DMARC_ROWS_MAX)
		return ERR_SYNTAX;
	for (uint32_t i = 0; i < m->count; i++) {
		m->rows[i].cursor = ipc_get_bytes(in, DMARC_KEY_MAX);
		m->rows[i].messages = ipc_get_u64(in);
		m->rows[i].row = ipc_get_bytes(in, DMARC_ROW_OCTETS);
	}
	return ipc_finish(in);
}

void
dmarc_sent_encode(struct buf *out, const struct dmarc_sent *m)
{
	buf_put_u32(out, m->day);
	buf_put_u32(out, m->part);
	ipc_put_bytes(out, m->policy_domain);
	buf_put_u64(out, m->messages);
}

int
dmarc_sent_decode(struct ipc_reader *in, void *msg)
{
	struct dmarc_sent *m = msg;

	m->day = ipc_get_u32(in);
	m->part = ipc_get_u32(in);
	m->policy_domain = get_domain(in);
	m->messages = ipc_get_u64(in);
	return ipc_finish(in);
}

void
dmarc_done_encode(struct buf *out, const struct dmarc_done *m)
{
	ipc_put_err(out, m->err);
}

int
dmarc_done_decode(struct ipc_reader *in, void *msg)
{
	struct dmarc_done *m = msg;

	m->err = ipc_get_err(in);
	return ipc_finish(in);
}

void
dmarc_send_encode(struct buf *out, const struct dmarc_send *m)
{
	buf_put_u8(out, m->now);
}

int
dmarc_send_decode(struct ipc_reader *in, void *msg)
{
	struct dmarc_send *m = msg;

	m->now = ipc_get_enum(in, 2) != 0;
	return ipc_finish(in);
}

void
dmarc_send_answer_encode(struct buf *out, const struct dmarc_send_answer *m)
{
	ipc_put_err(out, m->err);
	buf_put_u32(out, m->sent);
	buf_put_u32(out, m->unwanted);
	buf_put_u32(out, m->later);
}

int
dmarc_send_answer_decode(struct ipc_reader *in, void *msg)
{
	struct dmarc_send_answer *m = msg;

	m->err = ipc_get_err(in);
	m->sent = ipc_get_u32(in);
	m->unwanted = ipc_get_u32(in);
	m->later = ipc_get_u32(in);
	return ipc_finish(in);
}
