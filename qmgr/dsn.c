/* SPDX-License-Identifier: ISC */
/*
 * qmgr/dsn.c - delivery status notifications: who is told of what. dsn_send.c makes and sends them.
 *
 * Runs in:  qmgr. Pure.
 * Sources:  RFC 3461 sec. 4, 5.2.7 and 6, RFC 5321 sec. 4.5.5 and 6.1.
 */
#include "dsn_private.h"
#include "srs.h"

bool
dsn_is_wanted(enum dsn_kind kind, uint32_t notify)
{
	static const uint32_t flags[DSN_KINDS] = { [DSN_FAILURE] = ENVELOPE_NOTIFY_FAILURE,
		[DSN_DELAY] = ENVELOPE_NOTIFY_DELAY,
		[DSN_SUCCESS] = ENVELOPE_NOTIFY_SUCCESS };

	return notify == 0 ? kind != DSN_SUCCESS : (notify & flags[kind]) != 0;
}

/* ---- what became of a recipient ---- */

/* A list's owner stands in for the sender, but for what SRS made of the sender's own. */
bool
dsn_has_owner(const struct queue_rcpt *r)
{
	return r->reverse_path.n > 0 && !srs_is_one(r->reverse_path);
}

/* Targets of one recipient stand one behind another. */
static bool
is_sole_target(const struct queue_state *s, uint32_t i)
{
	const uint32_t parent = s->rcpts[i].parent;

	return s->rcpts[i - 1].parent != parent &&
	       (i + 1 == s->n || s->rcpts[i + 1].parent != parent);
}

/* The recipient of the envelope that this one stands for; *alone: and nobody else does. */
uint32_t
dsn_original(const struct queue_state *s, uint32_t i, bool *alone)
{
	*alone = true;
	while (s->rcpts[i].parent != RCPT_NO_PARENT) {
		*alone = *alone && is_sole_target(s, i) && !dsn_has_owner(&s->rcpts[i]);
		i = s->rcpts[i].parent;
	}
	return i;
}

struct dsn_params
dsn_params(const struct message *m, uint32_t rcpt)
{
	const struct queue_state *s = &m->state;
	struct dsn_params out = { 0 };
	bool alone;
	uint32_t i;

	if (dsn_has_owner(&s->rcpts[rcpt])) /* a list begins an envelope of its own */
		return out;
	i = dsn_original(s, rcpt, &alone);
	out.notify = s->envelope.rcpts[i].notify;
	out.orcpt = s->envelope.rcpts[i].orcpt;
	/* success is told here, once: "expanded" */
	if (!alone && (out.notify & ENVELOPE_NOTIFY_SUCCESS) != 0) {
		out.notify &= ~(uint32_t)ENVELOPE_NOTIFY_SUCCESS;
		if (out.notify == 0)
			out.notify = ENVELOPE_NOTIFY_NEVER;
	}
	return out;
}

static bool
succeeded(const struct report *p, uint32_t i)
{
	const struct queue_rcpt *r = &p->m->state.rcpts[i];
	bool alone;

	if (r->reported)
		return false;
	if (r->status == RCPT_EXPANDED) /* one target speaks for itself */
		return p->targets[i] != 1;
	dsn_original(&p->m->state, i, &alone);
	return r->status == RCPT_DELIVERED && !r->relayed && alone;
}

bool
dsn_has_news(const struct report *p, uint32_t i)
{
	const struct queue_rcpt *r = &p->m->state.rcpts[i];

	switch (p->kind) {
	case DSN_FAILURE:
		return r->status == RCPT_BOUNCED && !r->reported;
	case DSN_DELAY:
		return !rcpt_is_done(r);
	default:
		return succeeded(p, i);
	}
}

enum dsn_action
dsn_action(const struct report *p, const struct queue_rcpt *r)
{
	if (p->kind == DSN_FAILURE)
		return DSN_FAILED;
	if (p->kind == DSN_DELAY)
		return DSN_DELAYED;
	if (r->status == RCPT_EXPANDED)
		return DSN_EXPANDED;
	return r->remote_mta.n > 0 ? DSN_RELAYED : DSN_DELIVERED;
}

/* Who is told of a failed report of ours. */
static struct bytes
postmaster_of(const struct report *p, const struct queue_rcpt *r)
{
	const struct bytes to = bytes_from_str(p->q->conf->double_bounce_to);

	if (p->kind != DSN_FAILURE || (p->m->state.envelope.flags & ENVELOPE_LOCAL_ORIGIN) == 0 ||
		bytes_equal_nocase(r->address, to))
		return BYTES_NONE;
	return to;
}

/* Anybody can write anybody's name into MAIL: who did not prove that it is his own (SPF, DKIM) is
 * told of nothing, who did (or if the operator wants it) of failures. */
static bool
may_be_told(const struct report *p, const struct envelope *e)
{
	return e->login.n > 0 ||
	       (p->kind == DSN_FAILURE && (p->q->conf->bounce_to_strangers ||
						  (e->flags & ENVELOPE_SENDER_AUTHENTICATED) != 0));
}

/* Who is told of a recipient; empty: nobody. */
struct bytes
dsn_whom(const struct report *p, uint32_t i)
{
	const struct envelope *e = &p->m->state.envelope;
	const struct queue_rcpt *r = &p->m->state.rcpts[i];
	bool alone;

	if (!dsn_has_news(p, i))
		return BYTES_NONE;
	if (e->reverse_path.n == 0)
		return postmaster_of(p, r);
	if (dsn_has_owner(r))
		return p->kind == DSN_FAILURE ? r->reverse_path : BYTES_NONE;
	i = dsn_original(&p->m->state, i, &alone);
	if (!may_be_told(p, e) || !dsn_is_wanted(p->kind, e->rcpts[i].notify))
		return BYTES_NONE;
	return e->reverse_path;
}
