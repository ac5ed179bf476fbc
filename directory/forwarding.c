/* SPDX-License-Identifier: ISC */
/*
 * directory/forwarding.c - SRS as the options say, see the header.
 *
 * Runs in:  directory, perhaps in a thread of a database's.
 * Trusts:   nothing: reverse-paths and recipients are whatever the client said.
 */
#include "forwarding.h"

#include "err.h"
#include "rfc5321.h"

/* The local-part as octets, its case kept. false: none */
static bool
local_part(const struct mail_address *address, struct buf *out)
{
	struct mailbox m;

	if (rfc5321_parse_mailbox(address->text, RFC5321_UTF8, &m) < 0)
		return false;
	rfc5321_put_local_part(out, &m);
	return out->len > 0;
}

int
forwarding_path(
	struct directory_tables *t, struct arena *a, struct bytes reverse_path, struct bytes *out)
{
	const struct srs_setup *srs = &t->srs;
	struct buf local = BUF_INIT, made = BUF_INIT;
	struct mail_address sender;
	struct domain_info where;
	int r;

	*out = BYTES_NONE;
	if (!srs->on || srs->secrets == NULL || srs->domain.n == 0 || reverse_path.n == 0 ||
		mail_address_fold(a, reverse_path, &sender) < 0 || sender.domain.n == 0)
		return ERR_OK;
	if ((r = tables_domain(t, a, sender.domain, &where)) < 0)
		return r;
	if (where.place == PLACE_LOCAL || bytes_equal(sender.domain, srs->domain))
		return ERR_OK;
	if (local_part(&sender, &local) &&
		srs_forward(&made, srs->secrets, buf_bytes(&local), sender.domain, t->today))
		*out = mail_address_text(a, buf_bytes(&made), srs->domain);
	if (out->n > MAIL_ADDRESS_KEY_MAX)
		*out = BYTES_NONE; /* better none than one that nobody takes */
	buf_free(&local);
	buf_free(&made);
	return ERR_OK;
}

enum srs_result
forwarding_original(struct directory_tables *t, struct arena *a, const struct mail_address *address,
	bool queued, struct bytes *original)
{
	const struct srs_setup *srs = &t->srs;
	struct buf local = BUF_INIT, inner = BUF_INIT;
	enum srs_result result = SRS_NONE;
	struct bytes domain;

	*original = BYTES_NONE;
	if (srs->secrets == NULL || !bytes_equal(address->domain, srs->domain) ||
		!bytes_starts_with(address->local, BYTES_LITERAL("srs")))
		return SRS_NONE;
	if (local_part(address, &local))
		result = srs_reverse(&inner, &domain, srs->secrets, buf_bytes(&local), t->today,
			srs->days + (queued ? FORWARDING_QUEUE_DAYS : 0));
	if (result == SRS_OK)
		*original = mail_address_text(a, buf_bytes(&inner), domain);
	buf_free(&local);
	buf_free(&inner);
	return result;
}
