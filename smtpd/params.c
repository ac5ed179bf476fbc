/* SPDX-License-Identifier: ISC */
/*
 * smtpd/params.c - the ESMTP parameters of MAIL and RCPT, as rows.
 *
 * Runs in:  smtpd, submission.
 * Trusts:   nothing from the client.
 * Sources:  RFC 1870 (SIZE), RFC 4954 sec. 5 (AUTH), RFC 6152 (BODY), RFC 6531 (SMTPUTF8), RFC 3461
 * sec. 4 (RET, ENVID, NOTIFY, ORCPT). An unknown parameter is 555 (RFC 5321 sec. 4.1.1.11).
 */
#include "err.h"
#include "session_impl.h"

#define ENVID_MAX 100 /* RFC 3461 sec. 4.4 */
#define ORCPT_MAX 500 /* sec. 4.2 */

struct word {
	const char *name;
	uint32_t flag;
};

/* ERR_OK: taken. ERR_SYNTAX: 501. ERR_LIMIT: too large a message, 552. */
typedef int param_fn(struct smtp_session *s, struct bytes value);

struct param {
	const char *keyword;
	bool has_value;
	bool with_auth; /* known only where AUTH is */
	param_fn *set;
};

static int
one_word(const struct word *words, size_t n, struct bytes value, uint32_t *flags)
{
	for (size_t i = 0; i < n; i++)
		if (bytes_is_nocase(value, words[i].name)) {
			*flags |= words[i].flag;
			return ERR_OK;
		}
	return ERR_SYNTAX;
}

static int
mail_size(struct smtp_session *s, struct bytes value)
{
	uint64_t limit = s->policy->content.size_octets;
	int r = bytes_to_u64(value, limit == 0 ? UINT64_MAX : limit, &s->txn->declared_size);
	/* ERR_LIMIT is for numbers: 20 digits at most are in the grammar */
	return r == ERR_LIMIT && value.n > 20 ? ERR_SYNTAX : r;
}

static int
mail_body(struct smtp_session *s, struct bytes value)
{
	static const struct word words[] = { { "7BIT", 0 }, { "8BITMIME", ENVELOPE_8BITMIME } };
	return one_word(words, NITEMS(words), value, &s->txn->envelope.flags);
}

static int
mail_smtputf8(struct smtp_session *s, struct bytes value)
{
	UNUSED(value);
	s->txn->envelope.flags |= ENVELOPE_SMTPUTF8;
	return ERR_OK;
}

static int
mail_ret(struct smtp_session *s, struct bytes value)
{
	static const struct word words[] = { { "FULL", ENVELOPE_RET_FULL },
		{ "HDRS", ENVELOPE_RET_HDRS } };
	return one_word(words, NITEMS(words), value, &s->txn->envelope.flags);
}

static int
mail_envid(struct smtp_session *s, struct bytes value)
{
	if (value.n > ENVID_MAX || !rfc3461_is_xtext(value))
		return ERR_SYNTAX;
	s->txn->envelope.envid = arena_bytes(&s->txn->arena, value);
	return ERR_OK;
}

static int
rcpt_notify(struct smtp_session *s, struct bytes value)
{
	static const struct word words[] = { { "NEVER", ENVELOPE_NOTIFY_NEVER },
		{ "SUCCESS", ENVELOPE_NOTIFY_SUCCESS }, { "FAILURE", ENVELOPE_NOTIFY_FAILURE },
		{ "DELAY", ENVELOPE_NOTIFY_DELAY } };
	uint32_t flags = 0;
	bool more = true;

	while (more) {
		more = bytes_find(value, ',') != BYTES_NOT_FOUND;
		if (one_word(words, NITEMS(words), bytes_cut(&value, ','), &flags) < 0)
			return ERR_SYNTAX;
	}
	if ((flags & ENVELOPE_NOTIFY_NEVER) != 0 && flags != ENVELOPE_NOTIFY_NEVER)
		return ERR_SYNTAX;
	s->txn->pending.notify = flags;
	return ERR_OK;
}

static int
rcpt_orcpt(struct smtp_session *s, struct bytes value)
{
	unsigned flags = (s->txn->envelope.flags & ENVELOPE_SMTPUTF8) != 0 ? RFC5321_UTF8 : 0;
	if (value.n > ORCPT_MAX || !rfc3461_is_orcpt(value, flags))
		return ERR_SYNTAX;
	s->txn->pending.orcpt = arena_bytes(&s->txn->arena, value);
	return ERR_OK;
}

/* Who submitted it before it came here, if one may believe the client, which is true of none:
 * the parameter counts as AUTH=<> (RFC 4954 sec. 5), so only its form is judged. */
static int
mail_auth(struct smtp_session *s, struct bytes value)
{
	struct buf mailbox = BUF_INIT;
	struct mailbox ignored;
	int r = ERR_OK;

	UNUSED(s);
	if (bytes_is(value, "<>"))
		return ERR_OK;
	if (rfc3461_xtext_decode(&mailbox, value) < 0 ||
		rfc5321_parse_mailbox(buf_bytes(&mailbox), RFC5321_UTF8, &ignored) < 0)
		r = ERR_SYNTAX;
	buf_free(&mailbox);
	return r;
}

static const struct param mail_rows[] = {
	{ "SIZE", true, false, mail_size },
	{ "BODY", true, false, mail_body },
	{ "SMTPUTF8", false, false, mail_smtputf8 },
	{ "RET", true, false, mail_ret },
	{ "ENVID", true, false, mail_envid },
	{ "AUTH", true, true, mail_auth },
};

static const struct param rcpt_rows[] = {
	{ "NOTIFY", true, false, rcpt_notify },
	{ "ORCPT", true, false, rcpt_orcpt },
};

static bool
refuse(struct smtp_session *s, int err, struct smtp_out *out)
{
	if (err == ERR_LIMIT)
		smtp_reply(s, out, 552, "5.3.4", "message size exceeds the limit of %llu octets",
			(unsigned long long)s->policy->content.size_octets);
	else if (err == ERR_UNSUPPORTED)
		smtp_reply(s, out, 555, "5.5.4", "parameter not recognized");
	else
		smtp_reply(s, out, 501, "5.5.4", "bad parameter or value");
	return false;
}

static bool
all_params(struct smtp_session *s, const struct param *rows, size_t nrows, struct bytes params,
	struct smtp_out *out)
{
	unsigned given = 0;
	for (;;) {
		struct esmtp_param p;
		size_t i = 0;
		int r = rfc5321_next_param(&params, RFC5321_UTF8, &p);
		if (r <= 0)
			return r == 0 ? true : refuse(s, r, out);
		while (i < nrows && !bytes_is_nocase(p.keyword, rows[i].keyword))
			i++;
		if (i == nrows || (rows[i].with_auth && s->policy->mechanisms == 0))
			return refuse(s, ERR_UNSUPPORTED, out);
		if (p.has_value != rows[i].has_value || (given & 1u << i) != 0)
			return refuse(s, ERR_SYNTAX, out);
		given |= 1u << i;
		if ((r = rows[i].set(s, p.value)) < 0)
			return refuse(s, r, out);
	}
}

bool
smtp_mail_params(struct smtp_session *s, struct bytes params, struct smtp_out *out)
{
	return all_params(s, mail_rows, NITEMS(mail_rows), params, out);
}

bool
smtp_rcpt_params(struct smtp_session *s, struct bytes params, struct smtp_out *out)
{
	return all_params(s, rcpt_rows, NITEMS(rcpt_rows), params, out);
}
