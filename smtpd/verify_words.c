/* SPDX-License-Identifier: ISC */
/*
 * smtpd/verify_words.c - a verdict in words: the Authentication-Results field, a line in the log, a
 * row for the aggregate report.
 *
 * Runs in:  smtpd.
 * Trusts:   nothing in the results: their words are out of hostile mail.
 * Sources:  RFC 8601; RFC 7208 sec. 9.1; RFC 9990.
 */
#include "dmarc_report_msg.h"
#include "received_spf.h"
#include "rfc5321.h"
#include "session_impl.h"
#include "verify.h"

#define LEDGER_BACKLOG_MAX (1u << 20) /* what it has not taken; reports are not worth more */

/* ---- the field ---- */

static void
put_spf(const struct verdict *v, struct buf *out)
{
	const struct smtp_session *s = &v->client->session;
	const struct bytes path = s->txn->envelope.reverse_path;

	if (path.n > 0) {
		auth_results_method(out, "spf", v->verified.mail_from.result);
		auth_results_reason(out, v->verified.mail_from.problem);
		auth_results_property(out, "smtp.mailfrom", path);
	}
	auth_results_method(out, "spf", v->verified.helo.result);
	auth_results_reason(out, v->verified.helo.problem);
	auth_results_property(out, "smtp.helo", bytes_from_str(s->helo));
}

/* Without a signature: is there none, or could nobody look? */
static enum auth_result
no_dkim(const struct verdict *v)
{
	return v->failed || v->verified.dkim_unknown ? AUTH_TEMPERROR : AUTH_NONE;
}

static void
put_dkim(const struct verdict *v, struct buf *out)
{
	const struct mailauth_verified *m = &v->verified;

	if (m->n_dkim == 0)
		auth_results_method(out, "dkim", no_dkim(v));
	for (uint32_t i = 0; i < m->n_dkim; i++) {
		const struct mailauth_dkim *d = &m->dkim[i];

		auth_results_method(out, "dkim", d->result);
		if (d->testing)
			auth_results_comment(out, BYTES_LITERAL("testing"));
		auth_results_reason(out, d->problem);
		auth_results_property(out, "header.d", d->domain);
		auth_results_property(out, "header.s", d->selector);
		auth_results_property(out, "header.a", d->algorithm);
		auth_results_property(out, "header.b", d->b);
	}
}

static void
put_dmarc(const struct verdict *v, struct buf *out)
{
	const struct mailauth_dmarc *m = &v->verified.dmarc;

	auth_results_method(out, "dmarc", m->result);
	if (m->result == AUTH_PERMERROR || m->result == AUTH_TEMPERROR)
		auth_results_reason(out, m->problem);
	if (v->decision.override == MAILAUTH_TRUSTED_FORWARDER)
		auth_results_comment(out, BYTES_LITERAL("policy overridden: trusted forwarder"));
	auth_results_property(out, "header.from", m->author_domain);
	if (m->record_domain.n > 0)
		auth_results_property(
			out, "policy.dmarc", bytes_from_str(mailauth_policy_name(m->policy)));
}

/* RFC 8601 sec. 2.7.3: has the client's address a name that has this address? */
static void
put_iprev(const struct client *c, struct buf *out)
{
	if (c->smtpd->names == NULL || c->lookup != NULL)
		return; /* nobody looked, or is still looking */
	auth_results_method(out, "iprev", c->name != NULL ? AUTH_PASS : AUTH_FAIL);
	auth_results_property(out, "policy.iprev", bytes_from_str(c->address_text));
}

static void
put_received_spf(const struct verdict *v, struct buf *out)
{
	const struct smtp_session *s = &v->client->session;
	const bool of_helo = s->txn->envelope.reverse_path.n == 0;
	const struct mailauth_spf *spf = of_helo ? &v->verified.helo : &v->verified.mail_from;
	const struct received_spf m = { .result = spf->result,
		.of_helo = of_helo,
		.client = bytes_from_str(v->client->address_text),
		.helo = bytes_from_str(s->helo),
		.mail_from = s->txn->envelope.reverse_path,
		.receiver = bytes_from_str(v->client->smtpd->policy.authserv_id),
		.domain = spf->domain,
		.mechanism = spf->mechanism,
		.problem = spf->problem };

	received_spf_put(out, &m);
}

void
verdict_put_fields(const struct verdict *v, struct buf *out)
{
	if (v->verify->conf->received_spf)
		put_received_spf(v, out);
	auth_results_begin(out, v->client->smtpd->policy.authserv_id);
	put_iprev(v->client, out);
	put_spf(v, out);
	put_dkim(v, out);
	put_dmarc(v, out);
	auth_results_end(out);
}

/* ---- the log ---- */

static void
log_pair(struct buf *log, const char *name, struct bytes value)
{
	if (value.n == 0)
		return;
	buf_printf(log, " %s=", name);
	smtp_log_bytes(log, value);
}

/* "ID: mailauth: spf=pass smtp.mailfrom=a@b ...; action=accept" */
void
verdict_log(const struct verdict *v)
{
	const struct smtp_txn *txn = v->client->session.txn;
	const struct mailauth_verified *m = &v->verified;
	struct buf *log = &v->client->smtpd->log;

	buf_printf(log, "%s: mailauth: spf=%s", txn->queue_id,
		auth_result_name(v->verified.mail_from.result));
	log_pair(log, "smtp.mailfrom", txn->envelope.reverse_path);
	log_pair(log, "mechanism", v->verified.mail_from.mechanism);
	buf_printf(log, " helo=%s", auth_result_name(v->verified.helo.result));
	for (uint32_t i = 0; i < m->n_dkim; i++) {
		buf_printf(log, " dkim=%s", auth_result_name(m->dkim[i].result));
		log_pair(log, "header.d", m->dkim[i].domain);
		log_pair(log, "header.s", m->dkim[i].selector);
	}
	if (m->n_dkim == 0)
		buf_printf(log, " dkim=%s", auth_result_name(no_dkim(v)));
	buf_printf(log, " dmarc=%s", auth_result_name(m->dmarc.result));
	log_pair(log, "header.from", m->dmarc.author_domain);
	if (m->dmarc.record_domain.n > 0)
		buf_printf(log, " policy=%s", mailauth_policy_name(m->dmarc.policy));
	if (v->decision.override == MAILAUTH_TRUSTED_FORWARDER)
		buf_put_str(log, " override=trusted_forwarder");
	else if (v->decision.override == MAILAUTH_LOCAL_POLICY)
		buf_put_str(log, " override=local_policy");
	buf_printf(log, " action=%s\n", mailauth_action_name(v->decision.action));
	smtpd_log(v->client);
}

/* ---- the report ---- */

static const enum dmarc_word words[AUTH_RESULT_COUNT] = {
	[AUTH_NONE] = DMARC_WORD_NONE,
	[AUTH_NEUTRAL] = DMARC_WORD_NEUTRAL,
	[AUTH_PASS] = DMARC_WORD_PASS,
	[AUTH_FAIL] = DMARC_WORD_FAIL,
	[AUTH_SOFTFAIL] = DMARC_WORD_SOFTFAIL,
	[AUTH_POLICY] = DMARC_WORD_POLICY,
	[AUTH_TEMPERROR] = DMARC_WORD_TEMPERROR,
	[AUTH_PERMERROR] = DMARC_WORD_PERMERROR,
};

static enum dmarc_disposition
disposition_of(const struct verdict *v)
{
	if (v->decision.action == MAILAUTH_REFUSE)
		return DMARC_DID_REJECT;
	if (v->decision.action == MAILAUTH_JUNK)
		return DMARC_DID_QUARANTINE;
	return v->verified.dmarc.result == AUTH_PASS ? DMARC_DID_PASS : DMARC_DID_NONE;
}

static enum dmarc_reason
reason_of(const struct verdict *v)
{
	if (v->decision.override == MAILAUTH_TRUSTED_FORWARDER)
		return DMARC_REASON_TRUSTED_FORWARDER;
	if (v->decision.override == MAILAUTH_LOCAL_POLICY)
		return DMARC_REASON_LOCAL_POLICY;
	if (v->verified.dmarc.result == AUTH_FAIL && v->verified.dmarc.testing)
		return DMARC_REASON_TEST_MODE;
	return DMARC_REASON_NONE;
}

/* The signatures that matter first. */
static void
put_signatures(const struct mailauth_verified *m, struct dmarc_row *row)
{
	for (int pass = 1; pass >= 0; pass--)
		for (uint32_t i = 0; i < m->n_dkim && row->dkim_count < DMARC_ROW_DKIM_MAX; i++)
			if ((m->dkim[i].result == AUTH_PASS) == pass)
				row->dkim[row->dkim_count++] =
					(struct dmarc_row_dkim){ m->dkim[i].domain,
						m->dkim[i].selector, words[m->dkim[i].result] };
}

void
verdict_report(const struct verdict *v)
{
	const struct client *c = v->client;
	const struct envelope *e = &c->session.txn->envelope;
	const struct mailauth_dmarc *m = &v->verified.dmarc;
	struct link *ledger = v->verify->ledger;

	if (!m->reports || !v->verify->conf->dmarc_reports ||
		(m->result != AUTH_PASS && m->result != AUTH_FAIL) ||
		link_backlog(ledger) > LEDGER_BACKLOG_MAX)
		return;
	struct dmarc_row row = { .policy_domain = m->record_domain,
		.record = m->record,
		.psd_record = m->psd_record,
		.family = c->from.family,
		.disposition = disposition_of(v),
		.dkim_aligned = m->dkim_aligned,
		.spf_aligned = m->spf_aligned,
		.reason = reason_of(v),
		.header_from = m->author_domain,
		.envelope_from = rfc5321_domain_of(e->reverse_path),
		.envelope_to = rfc5321_domain_of(e->rcpts[0].forward_path),
		.spf_domain = v->verified.mail_from.domain,
		.spf_result = words[v->verified.mail_from.result] };

	memcpy(row.source, c->from.addr, sizeof(row.source));
	put_signatures(&v->verified, &row);
	dmarc_row_encode(link_compose(ledger), &row);
	link_send(ledger, DMARC_ROW, NULL, 0);
}
