/* SPDX-License-Identifier: ISC */
/*
 * mailauth/signer_job.c - one message being signed: its header is read and judged, then its body
 * is hashed a piece at a time, in turn with the others.
 *
 * Runs in:  mailauth-sign.
 * Trusts:   nothing of the content; an fd may hold less than was said.
 */
#include <event2/event.h>
#include <stdlib.h>
#include <unistd.h>

#include "clock.h"
#include "err.h"
#include "guard.h"
#include "log.h"
#include "rfc5322.h"
#include "signer.h"
#include "sys.h"

#define TURN_US 5000 /* of work before others are heard */
#define PIECE   (256u << 10)

struct signer_job {
	TAILQ_ENTRY(signer_job) link;
	struct signer *s;
	struct ipc_channel *channel; /* of who asked; when it closes the job ends */
	uint32_t id;
	struct signer_domain *domain;
	struct dkim_signing *signing;
	struct buf body; /* what came inside, or was read with the header */
	int fd;          /* the rest, or -1 */
	uint64_t offset, left;
};

static void
answer(struct ipc_channel *channel, uint32_t id, const struct signer_signed *m)
{
	signer_signed_encode(ipc_compose(channel), m);
	ipc_reply(channel, id, SIGNER_SIGNED, NULL, 0);
}

static void
job_free(struct signer_job *j)
{
	TAILQ_REMOVE(&j->s->jobs, j, link);
	j->s->njobs--;
	dkim_signing_free(&j->signing);
	signer_domain_release(&j->domain);
	buf_free(&j->body);
	if (j->fd >= 0)
		close(j->fd);
	free(j);
}

/* ---- the end ---- */

static void
tell_failed(struct signer *s, struct bytes domain, const char *why)
{
	s->failed++;
	if (log_pace(&s->failed_pace))
		log_error("a message of %.*s was not signed (%u times): %s", (int)domain.n,
			(const char *)domain.p, log_pace_times(&s->failed_pace), why);
}

static void
fail(struct signer_job *j, int err, const char *why)
{
	tell_failed(j->s, bytes_from_str(j->domain->name), why);
	answer(j->channel, j->id,
		&(struct signer_signed){ .err = err, .words = bytes_from_str(why) });
	job_free(j);
}

static void
put_selectors(struct buf *out, struct signer_domain *d)
{
	struct dkim_signing_key keys[DKIM_KEY_TYPES];
	const size_t n = signer_domain_keys(d, keys);

	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			buf_put_u8(out, ',');
		buf_put_bytes(out, keys[i].selector);
	}
}

static void
finish(struct signer_job *j)
{
	struct buf fields = BUF_INIT, words = BUF_INIT;
	struct signer_signed m = { .err = dkim_signing_end(j->signing, &fields) };
	struct dkim_signing_key keys[DKIM_KEY_TYPES];

	if (m.err == ERR_OK && fields.len > SIGNER_FIELDS_MAX)
		m.err = ERR_LIMIT;
	if (m.err < 0) {
		buf_free(&fields);
		fail(j, m.err, err_text(m.err));
		return;
	}
	put_selectors(&words, j->domain);
	m.fields = buf_bytes(&fields);
	m.domain = bytes_from_str(j->domain->name);
	m.words = buf_bytes(&words);
	j->s->signed_total++;
	j->s->signatures += signer_domain_keys(j->domain, keys);
	answer(j->channel, j->id, &m);
	buf_free(&fields);
	buf_free(&words);
	job_free(j);
}

/* ---- the body ---- */

/* The next piece of what is in the fd, appended. */
static int
read_piece(int fd, uint64_t *offset, uint64_t *left, struct buf *out)
{
	const size_t want = *left < PIECE ? (size_t)*left : PIECE;
	const ssize_t n = sys_pread_full(fd, buf_room(out, want), want, *offset);

	if (n < 0 || (size_t)n != want)
		return n < 0 ? (int)n : ERR_IO;
	buf_added(out, want);
	*offset += want;
	*left -= want;
	return ERR_OK;
}

static void
step(struct signer_job *j)
{
	dkim_signing_body(j->signing, buf_bytes(&j->body));
	buf_clear(&j->body);
	if (j->left == 0) {
		finish(j);
		return;
	}
	if (read_piece(j->fd, &j->offset, &j->left, &j->body) < 0)
		fail(j, ERR_IO, "the content can't be read");
}

void
signer_job_turn(struct signer *s)
{
	const uint64_t until = clock_mono_us() + TURN_US;
	struct signer_job *j;

	while ((j = TAILQ_FIRST(&s->jobs)) != NULL && clock_mono_us() < until) {
		TAILQ_REMOVE(&s->jobs, j, link);
		TAILQ_INSERT_TAIL(&s->jobs, j, link);
		guard_enter(j->channel, j->id);
		step(j); /* the job may be gone behind it */
		guard_leave();
	}
	if (!TAILQ_EMPTY(&s->jobs))
		event_active(s->work, EV_TIMEOUT, 0);
}

void
signer_jobs_peer_down(struct signer *s, const struct ipc_channel *peer)
{
	struct signer_job *j, *next;

	for (j = TAILQ_FIRST(&s->jobs); j != NULL; j = next) {
		next = TAILQ_NEXT(j, link);
		if (j->channel == peer)
			job_free(j);
	}
}

/* ---- the beginning ---- */

struct request {
	struct signer *s;
	struct ipc_call *call;
	const struct signer_sign *m;
	struct buf head; /* prefix and content, as far as it was read */
	size_t header;   /* octets of head that are the header */
	uint64_t offset, left;
	struct signer_domain *domain;
	const char *why;
};

/* The whole header, and what of the body came with it. */
static int
read_header(struct request *r)
{
	const struct content_source *c = &r->m->content;
	int err;

	buf_put_bytes(&r->head, r->m->prefix);
	buf_put_bytes(&r->head, c->octets);
	r->offset = c->offset;
	r->left = c->in_fd ? c->size : 0;
	for (;;) {
		struct bytes content = bytes_skip(buf_bytes(&r->head), r->m->prefix.n);

		r->header = r->m->prefix.n + rfc5322_header_len(content);
		if (r->left == 0 || r->header < r->head.len)
			break;
		if (r->header > DKIM_HEADER_MAX) {
			r->why = "the header is too large";
			return ERR_SYNTAX;
		}
		if ((err = read_piece(r->call->fds[0], &r->offset, &r->left, &r->head)) < 0) {
			r->why = "the content can't be read";
			return err;
		}
	}
	return ERR_OK;
}

static int
begin_signing(struct request *r, struct dkim_signing **out)
{
	const struct dkim_sign_options options = {
		.now = (int64_t)(clock_wall_us() / 1000000),
		.expire_secs = (uint32_t)((r->s->d->mailauth->dkim_expire + 999) / 1000),
	};
	struct dkim_signing_key keys[DKIM_KEY_TYPES];
	const size_t n = signer_domain_keys(r->domain, keys);
	int err = dkim_signing_new(
		keys, n, bytes_head(buf_bytes(&r->head), r->header), &options, out);

	if (err == ERR_OK)
		return ERR_OK;
	r->why = n == 0 ? "the keys can't be read" : "not a message that can be signed";
	signer_domain_release(&r->domain);
	return n == 0 ? ERR_IO : ERR_SYNTAX;
}

static void
take_on(struct request *r, struct dkim_signing *signing)
{
	struct signer_job *j = xcalloc(1, sizeof(*j));

	j->s = r->s;
	j->channel = r->call->channel;
	j->id = r->call->id;
	j->domain = r->domain;
	j->signing = signing;
	j->fd = -1;
	buf_put_bytes(&j->body, bytes_skip(buf_bytes(&r->head), r->header));
	j->offset = r->offset;
	j->left = r->left;
	if (r->left > 0)
		j->fd = ipc_take_fd(r->call, 0);
	TAILQ_INSERT_TAIL(&r->s->jobs, j, link);
	if (r->s->njobs++ == 0)
		event_active(r->s->work, EV_TIMEOUT, 0);
}

static void
refuse(struct request *r, int err)
{
	struct signer *s = r->s;
	const struct ipc_call *call = r->call;

	if (err == ERR_NOT_FOUND) {
		s->no_key++;
	} else if (err == ERR_BUSY) {
		s->busy++;
	} else if (err == ERR_SYNTAX) { /* what submission took may be like that */
		s->unsignable++;
	} else if (err != ERR_DENIED) {
		tell_failed(s, r->m->domain, r->why);
	} else {
		s->refused++;
		if (log_pace(&s->refused_pace))
			log_warning("%s[%u] asked for a signature for %.*s (login %.*s): refused "
				    "(%u times): %s",
				service_name(ipc_peer(call->channel)),
				ipc_peer_instance(call->channel), (int)r->m->domain.n,
				(const char *)r->m->domain.p, (int)r->m->login.n,
				(const char *)r->m->login.p, log_pace_times(&s->refused_pace),
				r->why);
	}
	answer(call->channel, call->id,
		&(struct signer_signed){ .err = err, .words = bytes_from_str(r->why) });
}

void
signer_on_sign(struct ipc_call *call, const void *msg)
{
	const struct daemon *daemon = call->ctx;
	struct request r = { .s = daemon->ctx, .call = call, .m = msg, .why = "" };
	struct dkim_signing *signing = NULL;
	int err = ERR_BUSY;

	guard_enter(call->channel, call->id);
	r.why = "too many messages at once";
	if (r.s->njobs < SIGNER_JOBS_MAX)
		err = read_header(&r);
	guard_inject_fault(buf_bytes(&r.head));
	if (err == ERR_OK)
		err = signer_may(r.s, ipc_peer(call->channel), r.m,
			bytes_head(buf_bytes(&r.head), r.header), &r.domain, &r.why);
	if (err == ERR_OK)
		err = begin_signing(&r, &signing);
	if (err == ERR_OK)
		take_on(&r, signing);
	else
		refuse(&r, err);
	guard_leave();
	buf_free(&r.head);
}
