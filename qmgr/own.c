/* SPDX-License-Identifier: ISC */
/*
 * qmgr/own.c - messages of our own making (reports): signed in the name of this host, then stored.
 *
 * One that cannot be signed goes unsigned: the receiver of a report wants it all the same.
 *
 * Runs in:  qmgr.
 * Trusts:   the signer's answers after decoding, and no further than that its fields stand in front
 *           of the message.
 */
#include <stdlib.h>

#include "err.h"
#include "log.h"
#include "qmgr.h"
#include "sign_link.h"

/* Of those that are with the signer; while it does not answer, ordinary mail must find room. */
#define SIGNING_MAX        1000
#define SIGNING_OCTETS_MAX (UINT64_C(32) << 20)

struct own {
	struct qmgr *q;
	uint64_t id;
	struct buf envelope, content;
	own_done_fn *done;
	void *arg;
};

static void
own_free(struct own *o)
{
	buf_free(&o->envelope);
	buf_free(&o->content);
	free(o);
}

static void
tell_unsigned(struct qmgr *q, uint64_t id, const struct signer_signed *a)
{
	const struct bytes why = a->words.n > 0 ? a->words : bytes_from_str(err_text(a->err));
	char text[QUEUE_ID_TEXT_SIZE];

	if (a->err == ERR_NOT_FOUND || !log_pace(&q->told.sign)) /* no key: nothing is amiss */
		return;
	log_warning("%s: not signed for %s: %.*s", queue_id_text(id, text), q->d->common->hostname,
		(int)why.n, (const char *)why.p);
}

static void
on_signed(void *arg, const struct signer_signed *a)
{
	struct own *o = arg;
	struct qmgr *q = o->q;
	int r;

	q->n_signing--;
	q->signing -= o->content.len;
	if (a->err == ERR_OK) {
		struct buf whole = BUF_INIT;

		buf_put_bytes(&whole, a->fields);
		buf_put_bytes(&whole, buf_bytes(&o->content));
		r = intake_own(
			q, o->id, buf_bytes(&o->envelope), buf_bytes(&whole), o->done, o->arg);
		buf_free(&whole);
	} else {
		tell_unsigned(q, o->id, a);
		r = intake_own(
			q, o->id, buf_bytes(&o->envelope), buf_bytes(&o->content), o->done, o->arg);
	}
	if (r < 0)
		o->done(q, o->arg, r);
	own_free(o);
}

int
own_send(struct qmgr *q, const struct envelope *e, struct bytes content, own_done_fn *done,
	void *arg)
{
	struct signer_sign m = { .domain = bytes_from_str(q->d->common->hostname) };
	struct own *o = xcalloc(1, sizeof(*o));
	const bool signs = q->signer != NULL && q->d->mailauth->sign;
	int fd = -1, r;

	*o = (struct own){ .q = q, .id = e->queue_id, .done = done, .arg = arg };
	envelope_encode(&o->envelope, e);
	if (!signs)
		r = intake_own(q, o->id, buf_bytes(&o->envelope), content, done, arg);
	else if (q->n_signing >= SIGNING_MAX || q->signing > SIGNING_OCTETS_MAX)
		r = ERR_BUSY;
	else
		r = content_show(content, &m.content, &fd);
	if (r < 0 || !signs) {
		own_free(o);
		return r;
	}
	buf_put_bytes(&o->content, content);
	q->n_signing++;
	q->signing += content.n;
	sign_link_ask(q->signer, &m, fd, 0, on_signed, o);
	return ERR_OK;
}

void
own_init(struct qmgr *q)
{
	if (q->signer != NULL || !q->d->mailauth->sign)
		return;
	q->signer = daemon_link(q->d, SERVICE_SIGNER, CONTROL_ANY, NULL, 0);
	link_open(q->signer);
}
