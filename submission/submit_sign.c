/* SPDX-License-Identifier: ISC */
/*
 * submission/submit_sign.c - a message gets its DKIM signatures before it is committed: the signer
 * sees what will leave, and directory's ticket that says whose domain it is.
 *
 * A message that cannot be signed leaves unsigned, or is not taken: the option
 * mailauth.sign_required decides. 451 where another try may help; 550 where it is the message
 * itself that no signature fits.
 *
 * Runs in:  submission.
 * Trusts:   the signer's answers after decoding, and no further than that its fields stand in
 *           front of the message.
 */
#include "err.h"
#include "log.h"
#include "sign_link.h"
#include "submission.h"

/* Above all other fields, so that what is added later on the way stands above them. */
static void
put_in_front(struct client *c, struct bytes fields)
{
	struct smtp_txn *txn = c->session.txn;
	struct buf prefix = BUF_INIT;

	buf_put_bytes(&prefix, fields);
	buf_put_bytes(&prefix, txn->prefix);
	txn->prefix = arena_bytes(&txn->arena, buf_bytes(&prefix));
	buf_free(&prefix);
}

/* true: it may leave unsigned */
static bool
unsigned_goes(struct client *c, const struct signer_signed *a, struct bytes domain)
{
	struct submission *own = c->smtpd->own;
	const bool required = c->smtpd->d->mailauth->sign_required;
	const char *id = c->session.txn->queue_id;
	const struct bytes why = a->words.n > 0 ? a->words : bytes_from_str(err_text(a->err));

	if (a->err == ERR_NOT_FOUND) {
		own->keyless++;
		if (log_pace(&own->keyless_pace))
			log_info("%s: not signed (%u such messages): %.*s has no active DKIM key",
				id, log_pace_times(&own->keyless_pace), (int)domain.n,
				(const char *)domain.p);
		return true;
	}
	own->failed++;
	log_warning("%s: not signed for %.*s: %.*s%s", id, (int)domain.n, (const char *)domain.p,
		(int)why.n, (const char *)why.p, required ? ", so not taken" : "");
	return !required;
}

static struct bytes
author_domain(const struct smtp_txn *txn)
{
	const struct bytes author = txn->senders[txn->author];

	return bytes_skip(author, bytes_find_last(author, '@') + 1);
}

static void
on_signed(void *arg, const struct signer_signed *a)
{
	struct client *c = arg;
	struct submission *own = c->smtpd->own;

	if (!client_answered(c))
		return;
	if (a->err == ERR_OK) {
		own->made++;
		log_info("%s: DKIM-Signature: d=%.*s, s=%.*s", c->session.txn->queue_id,
			(int)a->domain.n, (const char *)a->domain.p, (int)a->words.n,
			(const char *)a->words.p);
		put_in_front(c, a->fields);
		ask_commit(c);
	} else if (unsigned_goes(c, a, author_domain(c->session.txn))) {
		ask_commit(c);
	} else if (a->err == ERR_SYNTAX) {
		c->smtpd->numbers.refused_messages++;
		ask_answer(c, 550, "5.6.0", "message can't be signed: its header is not in order");
	} else {
		c->smtpd->numbers.refused_messages++;
		ask_answer(c, 451, "4.7.5", "message can't be signed now, try again later");
	}
	client_turn(c);
}

void
submit_sign(struct client *c, struct bytes ticket)
{
	struct submission *own = c->smtpd->own;
	const struct smtp_txn *txn = c->session.txn;
	struct signer_sign m = { .login = bytes_from_str(c->session.login),
		.queue_id = txn->envelope.queue_id,
		.reverse_path = txn->envelope.reverse_path,
		.ticket = ticket,
		.prefix = txn->added };
	int fd = -1;

	if (own->signer == NULL || ticket.n == 0 || txn->author >= txn->n_senders) {
		ask_commit(c);
		return;
	}
	m.domain = author_domain(txn);
	if (store_show(&c->store, &m.content, &fd) < 0) {
		ask_answer(c, 451, "4.3.0", "local error, try again later");
		return;
	}
	c->asking = true;
	sign_link_ask(own->signer, &m, fd, 0, on_signed, c);
}
