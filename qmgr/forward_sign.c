/* SPDX-License-Identifier: ISC */
/*
 * qmgr/forward_sign.c - mail that is forwarded to another host is signed for the domain of the
 * address that forwards it (mailauth.sign_forwards): the receiver may trust the forwarder where the
 * author's signature did not survive.
 *
 * A message is signed once for a domain while it is in memory; jobs for further hosts that come
 * while the signer is at it wait for the same answer. One that cannot be signed goes as it is.
 *
 * A job that waits for the signer has a place in its destination's window, which other mail for
 * that host wants too: a signer that does not answer is not asked again for a while.
 *
 * Runs in:  qmgr.
 * Trusts:   the signer's answers after decoding, and no further than that its fields stand in front
 *           of the message.
 */
#include <fcntl.h>
#include <stdlib.h>

#include "clock.h"
#include "err.h"
#include "log.h"
#include "outbound_msg.h"
#include "remote_private.h"
#include "sign_link.h"

#define ANSWER_MS 5000
#define PAUSE_MS  60000 /* after there was none */

struct waiter { /* a job that goes when the signer has answered */
	STAILQ_ENTRY(waiter) link;
	void (*done)(void *arg);
	void *arg;
};

/* A message, signed or being signed for one domain; in its state.arena. */
struct forward_signature {
	SLIST_ENTRY(forward_signature) link;
	struct qmgr *q;
	struct message *m; /* stays: jobs of those that wait are its own */
	struct bytes domain, fields;
	bool asking;
	STAILQ_HEAD(waiters, waiter) waiting;
};

/* The domain of the recipient of the envelope that has become this one; empty: it is no forward. */
static struct bytes
forwarder_of(const struct job *j)
{
	const struct queue_state *s = &j->msg->state;
	uint32_t i = j->rcpt;

	if (s->envelope.login.n > 0 || (s->envelope.flags & ENVELOPE_LOCAL_ORIGIN) != 0)
		return BYTES_NONE;
	while (s->rcpts[i].parent != RCPT_NO_PARENT)
		i = s->rcpts[i].parent;
	if (bytes_equal_nocase(s->rcpts[i].address, j->address))
		return BYTES_NONE; /* a relay domain's */
	return address_domain(s->rcpts[i].address);
}

static struct forward_signature *
find(const struct message *m, struct bytes domain)
{
	struct forward_signature *s;

	SLIST_FOREACH (s, &m->forward_signatures, link)
		if (bytes_equal_nocase(s->domain, domain))
			return s;
	return NULL;
}

struct bytes
forward_sign_domain(const struct qmgr *q, const struct job *j)
{
	const struct mailauth_conf *c = q->d->mailauth;
	struct bytes domain;

	if (q->signer == NULL || !c->sign || !c->sign_forwards)
		return BYTES_NONE;
	domain = forwarder_of(j);
	return domain.n <= SIGNER_DOMAIN_MAX ? domain : BYTES_NONE;
}

bool
forward_sign_is_due(const struct qmgr *q, const struct job *j)
{
	const struct bytes domain = forward_sign_domain(q, j);
	const struct forward_signature *s = find(j->msg, domain);

	if (domain.n == 0 || j->msg->deleted)
		return false;
	return s != NULL ? s->asking : clock_mono_ms() >= q->forwards_unsigned_until_ms;
}

struct bytes
forward_sign_fields(const struct job *j)
{
	const struct forward_signature *s = find(j->msg, forwarder_of(j));

	return s != NULL ? s->fields : BYTES_NONE;
}

static void
tell_unsigned(const struct forward_signature *s, int err)
{
	char id[QUEUE_ID_TEXT_SIZE];

	if (err != ERR_NOT_FOUND && log_pace(&s->q->told.sign))
		log_warning("%s: forward not signed for %.*s: %s",
			queue_id_text(s->m->entry->id, id), (int)s->domain.n,
			(const char *)s->domain.p, err_text(err));
}

static void
on_signed(void *arg, const struct signer_signed *a)
{
	struct forward_signature *s = arg;
	struct waiters woken = STAILQ_HEAD_INITIALIZER(woken);
	struct waiter *w;

	s->asking = false;
	if (a->err == ERR_OK)
		s->fields = arena_bytes(&s->m->state.arena, a->fields);
	else
		tell_unsigned(s, a->err);
	if (a->err == ERR_PEER || a->err == ERR_TIMEOUT || a->err == ERR_BUSY) {
		s->q->forwards_unsigned_until_ms = clock_mono_ms() + PAUSE_MS;
		SLIST_REMOVE(&s->m->forward_signatures, s, forward_signature, link);
	}
	STAILQ_CONCAT(&woken, &s->waiting);
	while ((w = STAILQ_FIRST(&woken)) != NULL) { /* the last one may be the message's end */
		STAILQ_REMOVE_HEAD(&woken, link);
		w->done(w->arg);
		free(w);
	}
}

/* NULL: its content is not to be had. */
static struct forward_signature *
ask(struct qmgr *q, struct message *m, struct bytes domain)
{
	struct signer_sign question = { .domain = domain };
	struct forward_signature *s;
	struct content content;
	int fd = -1;

	if (content_find(q, m, &content) < 0 ||
		(content.source.in_fd && (fd = fcntl(content.fd, F_DUPFD_CLOEXEC, 0)) < 0))
		return NULL;
	s = arena_zalloc(&m->state.arena, sizeof(*s));
	s->q = q;
	s->m = m;
	s->domain = arena_bytes(&m->state.arena, domain);
	s->asking = true;
	STAILQ_INIT(&s->waiting);
	SLIST_INSERT_HEAD(&m->forward_signatures, s, link);
	question.content = content.source;
	sign_link_ask(q->signer, &question, fd, ANSWER_MS, on_signed, s);
	return s;
}

void
forward_sign(struct qmgr *q, const struct job *j, void (*done)(void *arg), void *arg)
{
	struct message *m = j->msg;
	const struct bytes domain = forward_sign_domain(q, j);
	struct forward_signature *s = find(m, domain);
	struct waiter *w;

	if (s == NULL && (s = ask(q, m, domain)) == NULL) {
		done(arg); /* which tells what is wrong */
		return;
	}
	w = xcalloc(1, sizeof(*w));
	w->done = done;
	w->arg = arg;
	STAILQ_INSERT_TAIL(&s->waiting, w, link);
}
