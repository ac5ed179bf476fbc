/* SPDX-License-Identifier: ISC */
/*
 * lib/ipc/mailauth_decide.c - accept, Junk, refuse or defer.
 *
 * Nothing that could not be found out is held against a message: temperror and permerror never
 * refuse. If the operator wants it, temperror of DMARC has it come again later, when the DNS may
 * answer. A client that SPF forbids is refused only if the operator wants it, and even then not if
 * the message passes DMARC: its author's own signature came through a forwarder.
 *
 * Runs in:  smtpd, cli. Pure.
 * Trusts:   nothing in the results' words.
 * Sources:  RFC 7208 sec. 8.4, 8.5, 8.6 (4.4.3 for a DNS that does not answer); RFC 9989
 * (policies); RFC 7372 (5.7.23).
 */
#include "mailauth_decide.h"

#include "rfc5321.h"

static const char *const names[MAILAUTH_ACTIONS] = {
	[MAILAUTH_ACCEPT] = "accept",
	[MAILAUTH_JUNK] = "junk",
	[MAILAUTH_REFUSE] = "refuse",
	[MAILAUTH_DEFER] = "defer",
};

const char *
mailauth_action_name(enum mailauth_action action)
{
	return action < MAILAUTH_ACTIONS ? names[action] : "unknown";
}

/* Is the reverse-path its owner's? By the client that he allows, or by his signature. */
static bool
is_authenticated(const struct mailauth_facts *f)
{
	const struct bytes domain = rfc5321_domain_of(f->mail_from);

	if (f->mail_from.n == 0)
		return false;
	if (f->spf->result == AUTH_PASS)
		return true;
	for (uint32_t i = 0; i < f->verified->n_dkim; i++)
		if (f->verified->dkim[i].result == AUTH_PASS &&
			rfc5321_is_within(domain, f->verified->dkim[i].domain))
			return true;
	return false;
}

/* Words of others in a reply: printable ASCII, one line. */
static void
put_clean(struct buf *out, struct bytes b)
{
	for (size_t i = 0; i < b.n; i++)
		buf_put_u8(out, b.p[i] < 32 || b.p[i] > 126 ? '?' : b.p[i]);
}

static void
refuse(struct mailauth_decision *d, struct arena *a, int code, const char *enhanced,
	struct buf *text)
{
	d->action = code < 500 ? MAILAUTH_DEFER : MAILAUTH_REFUSE;
	d->code = code;
	d->enhanced = enhanced;
	d->text = arena_bytes(a, buf_bytes(text));
	buf_free(text);
}

static void
refuse_spf(struct mailauth_decision *d, struct arena *a, const struct mailauth_spf *spf)
{
	struct buf text = BUF_INIT;

	buf_put_str(&text, "SPF: this client may not send mail for ");
	put_clean(&text, spf->domain);
	if (spf->explanation.n > 0) {
		/* sec. 6.2: it must be clear whose words these are */
		buf_put_str(&text, "; that domain explains: ");
		put_clean(&text, spf->explanation);
	}
	refuse(d, a, 550, "5.7.23", &text);
	d->of_spf = true;
}

static void
apply_dmarc(const struct mailauth_facts *f, struct arena *a, struct mailauth_decision *d)
{
	const struct mailauth_dmarc *m = &f->verified->dmarc;
	struct buf text = BUF_INIT;

	if (m->result != AUTH_FAIL || m->policy == MAILAUTH_POLICY_NONE)
		return;
	if (f->trusted_forwarder) {
		d->override = MAILAUTH_TRUSTED_FORWARDER;
	} else if (!f->enforce_dmarc) {
		d->override = MAILAUTH_LOCAL_POLICY;
	} else if (m->policy == MAILAUTH_POLICY_QUARANTINE) {
		d->action = MAILAUTH_JUNK;
	} else {
		buf_put_str(&text, "rejected by the DMARC policy of ");
		put_clean(&text, m->author_domain);
		refuse(d, a, 550, "5.7.1", &text);
	}
}

static void
apply_spf(const struct mailauth_facts *f, struct arena *a, struct mailauth_decision *d)
{
	if (!f->refuse_spf_fail || f->spf->result != AUTH_FAIL ||
		f->verified->dmarc.result == AUTH_PASS)
		return;
	if (f->trusted_forwarder)
		d->override = MAILAUTH_TRUSTED_FORWARDER;
	else
		refuse_spf(d, a, f->spf);
}

static void
apply_temperror(const struct mailauth_facts *f, struct arena *a, struct mailauth_decision *d)
{
	struct buf text = BUF_INIT;

	if (!f->defer_temperror || f->verified->dmarc.result != AUTH_TEMPERROR ||
		!f->enforce_dmarc || f->trusted_forwarder)
		return;
	buf_put_str(&text, "the DNS does not say now whether this may be mail of ");
	put_clean(&text, f->verified->dmarc.author_domain);
	if (f->verified->dmarc.author_domain.n == 0)
		buf_put_str(&text, "its author");
	buf_put_str(&text, ", try again later");
	refuse(d, a, 451, "4.4.3", &text);
}

void
mailauth_decide(const struct mailauth_facts *f, struct arena *a, struct mailauth_decision *out)
{
	*out = (struct mailauth_decision){ .sender_authenticated = is_authenticated(f) };
	apply_dmarc(f, a, out);
	if (out->action != MAILAUTH_REFUSE)
		apply_spf(f, a, out);
	if (out->action == MAILAUTH_ACCEPT)
		apply_temperror(f, a, out);
}
