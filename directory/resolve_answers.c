/* SPDX-License-Identifier: ISC */
/*
 * directory/resolve_answers.c - what an address's targets mean for those who ask: may a message be
 * accepted for it, and whose is it?
 *
 * Runs in:  directory.
 * Trusts:   the tables; the address asked for may be anything.
 */
#include "account_words.h"
#include "err.h"
#include "resolve.h"

static enum directory_verdict
target_verdict(const struct directory_target *t, uint64_t size, account_use_fn *use, void *arg)
{
	uint64_t octets, messages;

	if (t->kind != DIRECTORY_TARGET_ACCOUNT)
		return t->verdict;
	if (t->quota_octets != 0 && size > t->quota_octets)
		return DIRECTORY_TOO_LARGE;
	if ((t->quota_octets == 0 && t->quota_messages == 0) ||
		!use(arg, t->account, &octets, &messages))
		return DIRECTORY_OK;
	if (t->quota_octets != 0 && (octets >= t->quota_octets || size > t->quota_octets - octets))
		return DIRECTORY_OVER_QUOTA;
	if (t->quota_messages != 0 && messages >= t->quota_messages)
		return DIRECTORY_OVER_QUOTA;
	return DIRECTORY_OK;
}

struct directory_rcpt_answer
resolve_rcpt(const struct resolution *r, const struct directory_rcpt *rcpt, account_use_fn *use,
	void *arg)
{
	struct directory_rcpt_answer first = { .verdict = r->verdict };

	if (r->verdict != DIRECTORY_OK)
		return first;
	first.verdict = DIRECTORY_NO_RELAY;
	if (r->place == PLACE_ELSEWHERE && (rcpt->flags & DIRECTORY_MAY_RELAY) == 0)
		return first;
	first.verdict = DIRECTORY_OK;
	/* One target that takes it is enough: the others are bounced or tried again. */
	for (size_t i = 0; i < r->count; i++) {
		const struct directory_target *t = &r->targets[i];
		enum directory_verdict v = target_verdict(t, rcpt->size_octets, use, arg);

		if (v == DIRECTORY_OK)
			return (struct directory_rcpt_answer){ .verdict = DIRECTORY_OK };
		if (first.verdict == DIRECTORY_OK)
			first = (struct directory_rcpt_answer){ v, t->enhanced, t->text };
	}
	return first;
}

/* The account's own address, with any detail, or one that its line gives it besides. */
static int
owns_by_name(struct directory_tables *t, struct arena *a, const struct account *account,
	const struct mail_address *address)
{
	struct bytes line = account->record.line, send_as, domain, base, detail;
	struct mail_address given;
	struct domain_info where;
	int r;

	if ((r = tables_domain(t, a, address->domain, &where)) < 0)
		return r;
	mail_address_detail(address->local, t->delimiters, &base, &detail);
	if (bytes_equal(mail_address_key(a, address->local, where.domain), account->key) ||
		bytes_equal(mail_address_key(a, base, where.domain), account->key))
		return 1;
	while (account_next_send_as(&line, &send_as) > 0) {
		if (send_as.p[0] != '@') {
			if (mail_address_fold(a, send_as, &given) == ERR_OK &&
				bytes_equal(given.key, address->key))
				return 1;
		} else if (mail_domain_fold(a, bytes_skip(send_as, 1), &domain) == ERR_OK &&
			   (bytes_equal(domain, address->domain) ||
				   bytes_equal(domain, where.domain)))
			return 1;
	}
	return 0;
}

int
resolve_owns(struct directory_tables *t, struct arena *a, const struct account *account,
	struct bytes address)
{
	struct mail_address folded;
	struct resolution r;
	int e;

	if (mail_address_fold(a, address, &folded) < 0 || folded.domain.n == 0)
		return 0;
	if ((e = owns_by_name(t, a, account, &folded)) != 0)
		return e < 0 ? ERR_IO : 1;
	resolve_owners(t, a, address, &r);
	if (r.verdict == DIRECTORY_TEMPORARY)
		return ERR_IO;
	for (size_t i = 0; i < r.count; i++)
		if (!bytes_equal(r.targets[i].account, account->key))
			return 0;
	return r.count > 0;
}
