/* SPDX-License-Identifier: ISC */
/*
 * qmgr/forward_sign.c - mail that is forwarded to another host is signed for the domain of the
 * address that forwards it (mailauth.sign_forwards): the receiver may trust the forwarder where the
 * author's signature did not survive.
 *
 * A message is signed once for a domain while it is in memory. One that cannot be signed goes as it
 * is.
 *
 * Runs in:  qmgr.
 * Trusts:   the signer's answers after decoding, and no further than that its fields stand in front
 *           of the message.
 */
#include <fcntl.h>
#include <stdlib.h>

#include "err.h"
#include "log.h"
#include "outbound_msg.h"
#include "remote_private.h"
#include "sign_link.h"

struct asking {
	struct qmgr *q;
	struct message *m; /* stays: the flight's jobs are its own */
	void (*done)(void *arg);
	void *arg;
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

bool
forward_sign_is_due(const struct qmgr *q, const struct job *j)
{
	const struct mailauth_conf *c = q->d->mailauth;
	const struct bytes domain = forwarder_of(j);

	return q->signer != NULL && c->sign && c->sign_forwards && domain.n > 0 &&
	       domain.n <= SIGNER_DOMAIN_MAX && !j->msg->deleted &&
	       !bytes_equal_nocase(domain, j->msg->signed_for);
}

struct bytes
forward_sign_fields(const struct job *j)
{
	const struct message *m = j->msg;

	return m->signature.n > 0 && bytes_equal_nocase(forwarder_of(j), m->signed_for)
		       ? m->signature
		       : BYTES_NONE;
}

static void
on_signed(void *arg, const struct signer_signed *a)
{
	struct asking *s = arg;
	struct qmgr *q = s->q;
	struct message *m = s->m;
	char id[QUEUE_ID_TEXT_SIZE];

	m->signature = BYTES_NONE;
	if (a->err == ERR_OK)
		m->signature = arena_bytes(&m->state.arena, a->fields);
	else if (a->err != ERR_NOT_FOUND && log_pace(&q->told.sign))
		log_warning("%s: forward not signed for %.*s: %s", queue_id_text(m->entry->id, id),
			(int)m->signed_for.n, (const char *)m->signed_for.p, err_text(a->err));
	s->done(s->arg);
	free(s);
}

void
forward_sign(struct qmgr *q, const struct job *j, void (*done)(void *arg), void *arg)
{
	struct message *m = j->msg;
	struct signer_sign ask = { .domain = forwarder_of(j) };
	struct content content;
	struct asking *s;
	int fd = -1;

	m->signed_for = arena_bytes(&m->state.arena, ask.domain);
	m->signature = BYTES_NONE;
	if (content_find(q, m, &content) < 0 ||
		(content.source.in_fd && (fd = fcntl(content.fd, F_DUPFD_CLOEXEC, 0)) < 0)) {
		done(arg); /* which tells what is wrong */
		return;
	}
	ask.content = content.source;
	s = xcalloc(1, sizeof(*s));
	*s = (struct asking){ .q = q, .m = m, .done = done, .arg = arg };
	sign_link_ask(q->signer, &ask, fd, 0, on_signed, s);
}
