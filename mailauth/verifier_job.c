/* SPDX-License-Identifier: ISC */
/*
 * mailauth/verifier_job.c - one request: SPF of MAIL FROM and HELO and the keys of all signatures
 * side by side, the body piece by piece, then DMARC.
 *
 * Whoever calls into a check does it between guard_enter() and guard_leave(): the first step and
 * the pieces here, what an answer of the DNS sets going in verifier_dns.c, the end of its time in
 * verifier.c.
 *
 * Runs in:  mailauth-verify.
 * Trusts:   the door that it sends what it has; nothing of the message and the DNS.
 */
#include "clock.h"
#include "guard.h"
#include "dmarc_library.h"
#include "log.h"
#include "rfc5322.h"
#include "sys.h"
#include "verifier.h"

static void
trace(void *arg, struct bytes line)
{
	struct job *j = arg;

	if (j->trace.len + line.n < MAILAUTH_TRACE_MAX) {
		buf_put_bytes(&j->trace, line);
		buf_put_u8(&j->trace, '\n');
	}
}

/* ---- SPF ---- */

struct spf_arg {
	struct job *job;
	enum spf_identity identity;
};

static void
answer_spf(struct job *j)
{
	j->v->numbers.spf[j->spf_result.mail_from.result]++;
	j->spf_result.trace = buf_bytes(&j->trace);
	mailauth_spf_result_encode(ipc_compose(j->asker->channel), &j->spf_result);
	ipc_reply(j->asker->channel, j->id, MAILAUTH_SPF_RESULT, NULL, 0);
	verifier_job_free(j);
}

static struct mailauth_spf *
result_of(struct job *j, enum spf_identity identity)
{
	return identity == SPF_HELO ? &j->spf_result.helo : &j->spf_result.mail_from;
}

static void start_dmarc(struct job *j);

static void
one_spf_less(struct job *j)
{
	if (--j->spf_left > 0)
		return;
	if (j->is_spf)
		answer_spf(j);
	else if (j->judged)
		start_dmarc(j);
}

static void
on_spf(void *arg, const struct spf_result *result)
{
	const struct spf_arg *a = arg;
	struct job *j = a->job;

	j->spf[a->identity] = NULL;
	words_spf(result_of(j, a->identity), result, &j->arena);
	/* the null reverse-path's is postmaster's at HELO: that is one check, not two */
	if (j->mail_from.n == 0)
		j->spf_result.helo = j->spf_result.mail_from;
	one_spf_less(j);
}

/* Two checks run side by side: each line says whose it is. */
static void
on_spf_step(void *arg, struct bytes line)
{
	const struct spf_arg *a = arg;
	struct buf text = BUF_INIT;

	buf_put_str(
		&text, a->identity == SPF_HELO ? MAILAUTH_TRACE_HELO : MAILAUTH_TRACE_MAIL_FROM);
	buf_put_bytes(&text, line);
	trace(a->job, buf_bytes(&text));
	buf_free(&text);
}

static void
start_spf(struct job *j, enum spf_identity identity)
{
	struct spf_arg *arg = arena_zalloc(&j->arena, sizeof(*arg));
	struct spf_question q = { .identity = identity,
		.helo = j->helo,
		.mail_from = j->mail_from,
		.receiver = bytes_from_str(j->v->d->common->hostname),
		.now = clock_wall_us() / 1000000 };

	*arg = (struct spf_arg){ j, identity };
	if (ip_block_parse(j->client, &q.client) < 0)
		q.client.family = 0;
	j->spf_left++;
	j->spf[identity] =
		spf_start(j->v->spf, &j->dns, &q, on_spf, j->explain ? on_spf_step : NULL, arg);
}

static void
start_both(struct job *j)
{
	guard_inject_fault(j->helo);
	j->spf_left = 1; /* ours: both may be done at once */
	start_spf(j, SPF_MAIL_FROM);
	if (j->mail_from.n > 0)
		start_spf(j, SPF_HELO);
	one_spf_less(j);
}

/* Of what is not known yet. */
static void
give_up_spf(struct job *j, struct bytes words)
{
	for (int i = 0; i < 2; i++) {
		const enum spf_identity identity = i == 0 ? SPF_MAIL_FROM : SPF_HELO;

		if (j->spf[identity] == NULL && j->started)
			continue;
		result_of(j, identity)->result = AUTH_TEMPERROR;
		result_of(j, identity)->problem = words;
	}
	if (j->mail_from.n == 0) /* one check for both */
		j->spf_result.helo = j->spf_result.mail_from;
}

/* ---- the answer to VERIFY ---- */

static void
answer_verified(struct job *j)
{
	struct mailauth_verified *m = &j->verified;

	for (uint32_t i = 0; i < m->n_dkim; i++)
		j->v->numbers.dkim[m->dkim[i].result]++;
	if (m->n_dkim == 0)
		j->v->numbers.dkim[m->dkim_unknown ? AUTH_TEMPERROR : AUTH_NONE]++;
	j->v->numbers.dmarc[m->dmarc.result]++;
	if (j->asks_spf)
		j->v->numbers.spf[j->spf_result.mail_from.result]++;
	m->mail_from = j->spf_result.mail_from;
	m->helo = j->spf_result.helo;
	m->trace = buf_bytes(&j->trace);
	mailauth_verified_encode(ipc_compose(j->asker->channel), m);
	ipc_reply(j->asker->channel, j->id, MAILAUTH_VERIFIED, NULL, 0);
	verifier_job_free(j);
}

/* Before the signatures are judged and SPF is known, nothing can be said of DMARC. */
static void
answer_unknown(struct job *j, struct bytes words)
{
	if (j->asks_spf)
		give_up_spf(j, words);
	j->verified.dkim_unknown = !j->judged;
	j->verified.dmarc.result = AUTH_TEMPERROR;
	j->verified.dmarc.problem = words;
	answer_verified(j);
}

void
job_timeout(struct job *j)
{
	static const struct bytes words = BYTES_LITERAL("not done in time");

	if (!j->is_spf && j->dmarc != NULL) {
		dmarc_give_up(j->dmarc); /* which answers */
		return;
	}
	if (!j->is_spf) {
		answer_unknown(j, words);
		return;
	}
	give_up_spf(j, words);
	answer_spf(j);
}

/* ---- DMARC, when the signatures are judged ---- */

static void
on_dmarc(void *arg, const struct dmarc_result_row *result)
{
	struct job *j = arg;

	words_dmarc(&j->verified.dmarc, result, &j->arena);
	if (!dmarc_library_agrees(result))
		log_warning("libopendmarc says otherwise of a message from %.*s (dmarc=%s, %.*s)",
			(int)result->author_domain.n, (const char *)result->author_domain.p,
			dmarc_result_name(result->result), (int)result->words.n,
			(const char *)result->words.p);
	answer_verified(j);
}

/* Of too many the first ones and the last one: readers show the first or the last. */
static void
find_from(struct dmarc_question *q, struct bytes header)
{
	struct rfc5322_field f;

	while (rfc5322_field_next(&header, &f)) {
		if (!bytes_is_nocase(f.name, "From"))
			continue;
		q->from[q->from_count < DMARC_FROM_FIELDS_MAX ? q->from_count
							      : DMARC_FROM_FIELDS_MAX - 1] =
			f.value;
		q->from_count++;
	}
}

static void
trace_dkim(struct job *j)
{
	for (uint32_t i = 0; j->explain && i < j->verified.n_dkim; i++) {
		const struct mailauth_dkim *d = &j->verified.dkim[i];
		struct buf line = BUF_INIT;

		buf_put_str(&line, "dkim: signature of ");
		buf_put_bytes(&line, d->domain);
		buf_put_str(&line, ", selector ");
		buf_put_bytes(&line, d->selector);
		buf_printf(&line, ": %s", auth_result_name(d->result));
		if (d->problem.n > 0) {
			buf_put_str(&line, ": ");
			buf_put_bytes(&line, d->problem);
		}
		trace(j, buf_bytes(&line));
		buf_free(&line);
	}
}

static void
start_dmarc(struct job *j)
{
	struct dmarc_question q = { .header_cut = j->header_cut,
		.spf = { words_dmarc_auth(j->spf_result.mail_from.result),
			j->spf_result.mail_from.domain } };

	trace_dkim(j);
	find_from(&q, j->content);
	for (uint32_t i = 0; i < j->verified.n_dkim && i < DMARC_SIGNATURES_MAX; i++)
		q.dkim[q.dkim_count++] =
			(struct dmarc_identifier){ words_dmarc_auth(j->verified.dkim[i].result),
				j->verified.dkim[i].domain };
	j->ask_until_ms = j->until_ms;
	j->dmarc = dmarc_new(&j->dns);
	if (j->explain)
		dmarc_trace(j->dmarc, trace, j);
	dmarc_run(j->dmarc, &q, on_dmarc, j);
}

/* ---- the content ---- */

/* The keys are known. Not from here, which may be within the check's own start. */
static void
on_keys(void *arg)
{
	verifier_read_soon(arg);
}

static void
content_done(struct job *j)
{
	size_t n;
	const struct dkim_verdict *verdicts = dkim_check_end(j->dkim, &n);

	words_dkim(
		&j->verified, verdicts, n < MAILAUTH_SIGNATURES_MAX ? n : MAILAUTH_SIGNATURES_MAX);
	j->verified.more_dkim = dkim_check_signatures(j->dkim) > n;
	j->judged = true;
	if (j->spf_left == 0)
		start_dmarc(j);
}

/* The next piece from the descriptor; none at the end. Less than was promised is no end, but an
 * error. */
static bool
read_piece(struct job *j)
{
	const size_t n =
		j->end - j->offset < VERIFIER_PIECE ? (size_t)(j->end - j->offset) : VERIFIER_PIECE;

	if (n > 0 && sys_pread_full(j->fd, j->v->piece, n, j->offset) != (ssize_t)n)
		return false;
	j->offset += n;
	j->body = bytes_make(j->v->piece, n);
	return true;
}

void
job_read(struct job *j)
{
	bool more = false;

	guard_enter(j->asker->channel, j->id);
	if (dkim_check_wants_body(j->dkim)) {
		if (j->body.n == 0 && j->fd >= 0 && !read_piece(j))
			dkim_check_unread(j->dkim);
		more = j->body.n > 0;
		dkim_check_body(j->dkim, j->body);
		j->body = BYTES_NONE;
	}
	if (more && j->fd >= 0)
		verifier_read_soon(j);
	else
		content_done(j);
	guard_leave();
}

/* The header of content in a descriptor, and what comes with its last piece of the body: false if
 * it cannot be read. */
static bool
load_header(struct job *j)
{
	const uint64_t size = j->end - j->offset;
	size_t n = VERIFIER_PIECE;
	uint8_t *to = NULL;

	for (;;) {
		n = n < size ? n : (size_t)size;
		to = arena_alloc(&j->arena, n + 1);
		if (sys_pread_full(j->fd, to, n, j->offset) != (ssize_t)n)
			return false;
		j->content = bytes_make(to, n);
		if (n == size || rfc5322_header_len(j->content) < n)
			break;
		j->header_cut = n >= VERIFIER_HEADER;
		if (j->header_cut)
			break;
		n = VERIFIER_HEADER;
	}
	j->offset += n;
	return true;
}

static void
start_verify(struct job *j)
{
	const uint64_t now = clock_mono_ms();
	size_t n;

	/* SPF and keys have half of the time, so that slow ones leave some to DMARC */
	j->ask_until_ms = j->until_ms > now ? now + (j->until_ms - now) / 2 : now;
	if (j->asks_spf)
		start_both(j);
	if (j->fd >= 0 && !load_header(j)) {
		answer_unknown(j, BYTES_LITERAL("the message could not be read"));
		return;
	}
	j->held = j->content.n;
	j->v->held += j->held;
	n = rfc5322_header_len(j->content);
	j->body = bytes_skip(j->content, n);
	j->content = bytes_head(j->content, n);
	guard_inject_fault(j->content);
	dkim_check_start(j->v->dkim, &j->dns, j->content, (int64_t)(clock_wall_us() / 1000000),
		on_keys, j, &j->dkim);
}

void
job_start(struct job *j)
{
	guard_enter(j->asker->channel, j->id);
	if (j->is_spf)
		start_both(j);
	else
		start_verify(j);
	guard_leave();
}
