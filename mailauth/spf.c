/* SPDX-License-Identifier: ISC */
/*
 * mailauth/spf.c - one check of SPF, from outside: it starts, asks, gets answers, ends.
 *
 * The check itself runs on a fiber and stops at each look-up. Questions are put and everybody is
 * told from here, on the caller's own stack.
 *
 * Runs in:  mailauth-verify, CLI.
 * Trusts:   nothing of the question and of the answers.
 * Sources:  RFC 7208 sec. 2 and 4.3; RFC 8616 sec. 4 (addresses that are not ASCII).
 */
#include <stdlib.h>

#include "mail_address.h"
#include "spf_private.h"

struct spf_engine *
spf_engine_new(void)
{
	struct spf_engine *e = xcalloc(1, sizeof(*e));

	e->fibers = fiber_pool_new();
	e->lib = spf_lib_new(e);
	return e;
}

void
spf_engine_free(struct spf_engine *e)
{
	if (e == NULL)
		return;
	spf_lib_free(e->lib);
	fiber_pool_free(e->fibers);
	free(e);
}

static void
check_free(struct spf_check *c)
{
	fiber_free(c->fiber);
	buf_free(&c->octets);
	buf_free(&c->steps);
	arena_reset(&c->arena);
	free(c);
}

/* On to the next look-up: true; or to the end. */
static bool
go_on(struct spf_check *c)
{
	bool waits;

	ASSERT(c->engine->running == NULL);
	c->engine->running = c;
	waits = fiber_resume(c->fiber);
	c->engine->running = NULL;
	return waits;
}

static void
tell_steps(struct spf_check *c)
{
	struct bytes lines = buf_bytes(&c->steps);

	while (lines.n > 0 && c->trace != NULL)
		c->trace(c->arg, bytes_cut(&lines, '\n'));
	buf_clear(&c->steps);
}

static void
take_answer(struct spf_check *c, const struct dns_answer *answer)
{
	size_t at = 0;

	c->status = answer->status;
	c->cut = answer->cut;
	c->count = answer->count;
	buf_clear(&c->octets);
	for (uint32_t i = 0; i < answer->count; i++)
		buf_put_bytes(&c->octets, answer->rdata[i]);
	for (uint32_t i = 0; i < answer->count; i++) {
		c->rdata[i] = bytes_head(bytes_skip(buf_bytes(&c->octets), at), answer->rdata[i].n);
		at += answer->rdata[i].n;
	}
}

static bool run(struct spf_check *c);

static void
on_answer(void *arg, const struct dns_answer *answer)
{
	struct spf_check *c = arg;

	c->question = NULL;
	c->answered = true;
	take_answer(c, answer);
	if (!c->asking)
		(void)run(c);
}

/* The fiber waits for an answer, which may come at once: true; or it has ended, and so has c. */
static bool
run(struct spf_check *c)
{
	bool waits;

	for (;;) {
		waits = go_on(c);
		tell_steps(c);
		if (!waits)
			break;
		c->asking = true;
		c->answered = false;
		c->question = mailauth_ask(c->dns, c->ask_type, c->ask_name, on_answer, c);
		c->asking = false;
		if (!c->answered)
			return true;
	}
	if (!c->cancelled)
		c->done(c->arg, &c->result);
	check_free(c);
	return false;
}

static void
fiber_main(void *arg)
{
	struct spf_check *c = arg;

	spf_check_host(c);
}

static void
put_printable(struct buf *out, struct bytes in)
{
	for (size_t i = 0; i < in.n; i++)
		buf_put_u8(out, in.p[i] >= 0x20 && in.p[i] < 0x7f ? in.p[i] : '?');
}

void
spf_step(struct spf_check *c, const char *format, ...)
{
	struct buf line = BUF_INIT;
	va_list ap;

	if (c->trace == NULL)
		return;
	va_start(ap, format);
	buf_vprintf(&line, format, ap);
	va_end(ap);
	for (unsigned i = 0; i < c->includes; i++)
		buf_put_str(&c->steps, "  ");
	put_printable(&c->steps, buf_bytes(&line));
	buf_put_u8(&c->steps, '\n');
	buf_free(&line);
}

void
spf_break(struct spf_check *c, enum spf_verdict verdict, const char *format, ...)
{
	struct buf words = BUF_INIT, clean = BUF_INIT;
	va_list ap;

	if (c->broken)
		return;
	c->broken = true;
	va_start(ap, format);
	buf_vprintf(&words, format, ap);
	va_end(ap);
	put_printable(&clean, bytes_head(buf_bytes(&words), SPF_PROBLEM_MAX));
	c->result.verdict = verdict;
	c->result.problem = arena_bytes(&c->arena, buf_bytes(&clean));
	buf_free(&words);
	buf_free(&clean);
	spf_step(c, "%s: %.*s", spf_verdict_name(verdict), (int)c->result.problem.n,
		(const char *)c->result.problem.p);
}

/* What came, in words. TXT records are told where they matter. */
static void
step_answer(struct spf_check *c, uint16_t type, struct bytes name)
{
	struct buf line = BUF_INIT;

	dns_type_put(&line, type);
	buf_printf(&line, " of %.*s: ", (int)name.n, (const char *)name.p);
	if (c->count == 0)
		buf_put_str(&line, dns_status_name(c->status));
	for (uint32_t i = 0; i < c->count; i++) {
		buf_put_str(&line, i == 0 ? "" : ", ");
		dns_rdata_put_text(&line, type, c->rdata[i]);
	}
	if (c->count == 0 || type != DNS_TYPE_TXT)
		spf_step(c, "%s", buf_str(&line));
	buf_free(&line);
}

enum dns_status
spf_ask(struct spf_check *c, uint16_t type, struct bytes name)
{
	c->status = DNS_BUSY;
	c->count = 0;
	if (c->broken)
		return c->status;
	c->ask_type = type;
	c->ask_name = name;
	fiber_wait(c->fiber);
	if (c->trace != NULL)
		step_answer(c, type, name);
	return c->status;
}

static bool
is_ascii(struct bytes in)
{
	for (size_t i = 0; i < in.n; i++)
		if (in.p[i] >= 0x80)
			return false;
	return true;
}

/* local "@" domain, and its halves. */
static void
set_sender(struct spf_check *c, struct bytes local, struct bytes domain)
{
	struct spf_macro_values *v = &c->values;
	struct buf whole = BUF_INIT;

	/* U-labels are A-labels from here on (sec. 4.3) */
	if (!is_ascii(domain) && mail_domain_fold(&c->arena, domain, &domain) < 0)
		domain = BYTES_NONE;
	buf_put_bytes(&whole, local);
	buf_put_u8(&whole, '@');
	buf_put_bytes(&whole, domain);
	v->sender = arena_bytes(&c->arena, buf_bytes(&whole));
	buf_free(&whole);
	v->local_part = bytes_head(v->sender, local.n);
	v->sender_domain = v->domain = bytes_skip(v->sender, local.n + 1);
	c->unicode_sender = !is_ascii(v->local_part);
}

/* <sender>, <domain>: sec. 2.3, 2.4 and 4.3. */
static void
read_question(struct spf_check *c, const struct spf_question *q)
{
	struct bytes postmaster = BYTES_LITERAL("postmaster"), receiver = q->receiver;
	size_t at = bytes_find_last(q->mail_from, '@');

	if (receiver.n == 0 || receiver.n > SPF_DOMAIN_MAX)
		receiver = BYTES_LITERAL("unknown");
	c->values.receiver = arena_bytes(&c->arena, receiver);
	c->values.helo = arena_bytes(&c->arena, bytes_head(q->helo, SPF_SENDER_MAX));
	c->values.client = q->client;
	c->values.now = q->now;
	c->result.identity = q->identity;
	if (q->identity == SPF_HELO || q->mail_from.n == 0)
		set_sender(c, postmaster, c->values.helo);
	else if (q->mail_from.n > SPF_SENDER_MAX)
		set_sender(c, postmaster, BYTES_NONE);
	else if (at == BYTES_NOT_FOUND || at == 0)
		set_sender(c, postmaster, bytes_skip(q->mail_from, at == 0));
	else
		set_sender(c, bytes_head(q->mail_from, at), bytes_skip(q->mail_from, at + 1));
}

struct spf_check *
spf_start(struct spf_engine *e, const struct mailauth_dns *dns, const struct spf_question *question,
	spf_done_fn *done, spf_trace_fn *trace, void *arg)
{
	struct spf_check *c = xcalloc(1, sizeof(*c));

	c->engine = e;
	c->dns = dns;
	c->done = done;
	c->trace = trace;
	c->arg = arg;
	read_question(c, question);
	c->fiber = fiber_new(e->fibers, fiber_main, c);
	return run(c) ? c : NULL;
}

void
spf_cancel(struct spf_check *c)
{
	if (c == NULL)
		return;
	mailauth_cancel(c->question);
	c->cancelled = c->broken = true;
	c->trace = NULL;
	c->status = DNS_BUSY;
	c->count = 0;
	(void)run(c);
}
