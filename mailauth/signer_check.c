/* SPDX-License-Identifier: ISC */
/*
 * mailauth/signer_check.c - may this message be signed for that domain?
 *
 *	submission	with directory's ticket for login, queue id, reverse-path and the author's
 *			domain, and if that is the domain of the one From field
 *	qmgr,		without a ticket: for the suite's own name, the domains above it, the local
 *	dmarc-reporter	domains of the configuration and that of mailauth.report_from
 *	qmgr		for every domain that has keys, if forwards are signed
 *
 * Runs in:  mailauth-sign.
 * Trusts:   nothing of a request but what the ticket proves.
 */
#include "err.h"
#include "log.h"
#include "mail_address.h"
#include "rfc5321.h"
#include "rfc5322.h"
#include "signer.h"

/* The domain of the first mailbox of the only From field, folded. */
static int
author_domain(struct arena *a, struct bytes header, struct bytes *out)
{
	const struct rfc5322_address *address;
	struct rfc5322_field f, from = { .name = BYTES_NONE };

	for (struct bytes rest = header; rfc5322_field_next(&rest, &f);) {
		if (!bytes_is_nocase(f.name, "From"))
			continue;
		if (from.name.n > 0)
			return ERR_SYNTAX;
		from = f;
	}
	if (from.name.n == 0)
		return ERR_SYNTAX;
	for (address = rfc5322_addresses(a, from.value); address != NULL; address = address->next)
		if (address->kind == RFC5322_MAILBOX)
			return mail_domain_fold(a, address->domain, out);
	return ERR_SYNTAX;
}

static int
check_ticket(struct signer *s, const struct signer_sign *m, struct bytes domain, const char **why)
{
	const struct send_ticket t = { m->login, m->queue_id, m->reverse_path, domain };
	int r = send_ticket_check(&s->ticket_key, &t, clock_wall_us() / 1000000, m->ticket);

	if (r == ERR_BUSY && send_ticket_names(&s->ticket_key, m->ticket)) {
		*why = "the ticket is too old";
		r = ERR_DENIED;
	} else if (r == ERR_BUSY) { /* of another directory than the one we know */
		signer_ask_ticket_key(s);
		*why = "the ticket cannot be checked yet";
	} else if (r < 0) {
		*why = "no ticket of directory's for this message and domain";
	}
	return r;
}

static int
check_login(struct signer *s, const struct signer_sign *m, struct bytes domain, struct bytes header,
	struct arena *a, const char **why)
{
	struct bytes author;
	int r = check_ticket(s, m, domain, why);

	if (r < 0)
		return r;
	if (author_domain(a, header, &author) < 0 || !bytes_equal(author, domain)) {
		*why = "the From field is another domain's";
		return ERR_DENIED;
	}
	return ERR_OK;
}

static bool
is_own(const struct signer *s, struct bytes domain)
{
	const struct common_conf *common = s->d->common;
	struct bytes host = bytes_from_str(common->hostname);
	struct bytes reporter = bytes_from_str(s->d->mailauth->report_from);

	if (rfc5321_is_within(host, domain) ||
		bytes_equal_nocase(domain, rfc5321_domain_of(reporter)))
		return true;
	for (size_t i = 0; i < common->domain.n; i++)
		if (bytes_is_nocase(domain, common->domain.v[i]))
			return true;
	return false;
}

static int
may(struct signer *s, enum service peer, const struct signer_sign *m, struct bytes header,
	struct arena *a, struct signer_domain **out, const char **why)
{
	const bool forwards = peer == SERVICE_QMGR && s->d->mailauth->sign_forwards;
	struct signer_domain *found;
	struct bytes domain;
	int r;

	if (mail_domain_fold(a, m->domain, &domain) < 0) {
		*why = "no domain's name";
		return ERR_SYNTAX;
	}
	if (peer == SERVICE_SUBMISSION) {
		if ((r = check_login(s, m, domain, header, a, why)) < 0)
			return r;
	} else if (!is_own(s, domain) && !forwards) {
		*why = "not a domain of this host";
		return ERR_DENIED;
	}
	/* of a domain above it if it has none: relaxed alignment takes that (RFC 9989 sec. 4.4) */
	found = signer_keys_find_above(&s->keys, domain);
	if (found == NULL) {
		*why = "the domain has no active key";
		return ERR_NOT_FOUND;
	}
	*out = signer_domain_hold(found);
	return ERR_OK;
}

int
signer_may(struct signer *s, enum service peer, const struct signer_sign *m, struct bytes header,
	struct signer_domain **out, const char **why)
{
	struct arena a = ARENA_INIT;
	int r;

	*why = "";
	if (!s->loaded) {
		*why = "keys are not here yet";
		return ERR_BUSY;
	}
	r = may(s, peer, m, header, &a, out, why);
	arena_reset(&a);
	return r;
}
