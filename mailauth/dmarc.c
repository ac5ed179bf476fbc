/* SPDX-License-Identifier: ISC */
/*
 * mailauth/dmarc.c - the verdict on one message, see the header.
 *
 * evaluate() is run from its beginning after each answer of the DNS; dmarc_walk.c remembers the
 * answers. Only the last run, which needs no more of them, tells its steps.
 *
 * Runs in:  mailauth-verify. Trusts: nothing of the message or the DNS.
 * Sources:  RFC 9989 sec. 4.4, 4.7, 4.10, 5.3.
 */
#include "dmarc.h"

#include <stdio.h>
#include <stdlib.h>

#include "dmarc_private.h"
#include "rfc5321.h"

#define LINE_MAX_OCTETS 600

enum step {
	DONE,
	WAIT, /* for an answer */
};

enum aligned {
	ALIGNED_NO,
	ALIGNED_RELAXED,
	ALIGNED_EXACT,   /* the same domain: aligned in either mode */
	ALIGNED_UNKNOWN, /* the DNS could not tell */
	ALIGNED_WAIT,
};

struct dmarc_check {
	struct arena arena;
	struct dmarc_memory memory;
	struct dmarc_question question; /* domains folded; those that are none are empty */
	struct dmarc_authors authors;
	struct dmarc_result_row row;
	dmarc_trace_fn *trace;
	void *trace_arg;
	bool telling; /* the last run */
	dmarc_done_fn *done;
	void *arg;
};

/* What one run finds. */
struct run {
	struct dmarc_check *c;
	struct dmarc_walk author;
	bool unknown; /* an identifier that passed, or might, may be aligned or not */
};

static const char *const result_names[DMARC_RESULTS] = {
	[DMARC_RESULT_NONE] = "none",
	[DMARC_RESULT_PASS] = "pass",
	[DMARC_RESULT_FAIL] = "fail",
	[DMARC_RESULT_TEMPERROR] = "temperror",
	[DMARC_RESULT_PERMERROR] = "permerror",
};

const char *
dmarc_result_name(enum dmarc_result r)
{
	return result_names[r];
}

/* ---- words ---- */

static void PRINTF_LIKE(2, 3) tell(struct dmarc_check *c, const char *format, ...)
{
	char line[LINE_MAX_OCTETS];
	va_list ap;
	int n;

	if (!c->telling || c->trace == NULL)
		return;
	va_start(ap, format);
	n = vsnprintf(line, sizeof(line), format, ap);
	va_end(ap);
	if (n < 0)
		return;
	for (char *p = line; *p != 0; p++) /* a record may hold anything */
		if (*p < ' ' || *p > '~')
			*p = '?';
	c->trace(c->trace_arg, bytes_from_str(line));
}

#define B(b) (int)(b).n, (const char *)(b).p

static void
tell_look(void *arg, const struct dmarc_look *look)
{
	struct dmarc_check *c = arg;

	switch (look->found) {
	case DMARC_FOUND:
		tell(c, "_dmarc.%.*s: \"%.*s\"%s%s", B(look->domain), B(look->record),
			look->tags.problem == NULL ? "" : ": ",
			look->tags.problem == NULL ? "" : look->tags.problem);
		break;
	case DMARC_SEVERAL:
		tell(c, "_dmarc.%.*s: several DMARC records, which count as none", B(look->domain));
		break;
	case DMARC_ABSENT:
		tell(c, "_dmarc.%.*s: no record (%s)", B(look->domain),
			look->status == DNS_OK ? "other text" : dns_status_name(look->status));
		break;
	default:
		tell(c, "_dmarc.%.*s: the DNS does not answer (%s)", B(look->domain),
			dns_status_name(look->status));
	}
}

static enum step
result(struct run *run, enum dmarc_result r, const char *words)
{
	struct dmarc_result_row *row = &run->c->row;

	row->result = r;
	row->words = bytes_from_str(words);
	tell(run->c, "DMARC: %s: %s", dmarc_result_name(r), words);
	return DONE;
}

/* ---- alignment, sec. 4.4 and 4.10.2 ---- */

static enum aligned
align_relaxed(struct run *run, struct bytes domain)
{
	struct dmarc_walk walk;

	if (run->author.found != DMARC_FOUND)
		return ALIGNED_UNKNOWN;
	/* whose organizational domain is not above it has another one: no walk is needed */
	if (!rfc5321_is_within(domain, run->author.org_domain))
		return ALIGNED_NO;
	dmarc_walk(&run->c->memory, domain, &walk, NULL, NULL);
	if (walk.found == DMARC_ASKED)
		return ALIGNED_WAIT;
	if (walk.found == DMARC_UNKNOWN)
		return ALIGNED_UNKNOWN;
	if (bytes_equal(walk.org_domain, run->author.org_domain))
		return ALIGNED_RELAXED;
	tell(run->c, "the organizational domain of %.*s is %.*s", B(domain), B(walk.org_domain));
	return ALIGNED_NO;
}

static enum aligned
align(struct run *run, struct bytes domain, bool relaxed)
{
	if (domain.n == 0)
		return ALIGNED_NO;
	if (bytes_equal(domain, run->c->row.author_domain))
		return ALIGNED_EXACT;
	return relaxed ? align_relaxed(run, domain) : ALIGNED_NO;
}

/* One identifier. *how is not NO only if it passed and aligns for certain. */
static enum step
judge(struct run *run, const struct dmarc_identifier *id, const char *what, bool strict,
	enum aligned *how)
{
	static const char *const words[] = {
		[ALIGNED_NO] = "not aligned",
		[ALIGNED_RELAXED] = "aligned: the same organizational domain",
		[ALIGNED_EXACT] = "aligned: the author's domain",
		[ALIGNED_UNKNOWN] = "the DNS could not tell whether it aligns",
		[ALIGNED_WAIT] = "",
	};

	*how = ALIGNED_NO;
	if (id->auth == DMARC_AUTH_FAIL) {
		tell(run->c, "%s of %.*s did not pass", what, B(id->domain));
		return DONE;
	}
	*how = align(run, id->domain, !strict);
	if (*how == ALIGNED_WAIT)
		return WAIT;
	tell(run->c, "%s of %.*s %s; %s%s", what, B(id->domain),
		id->auth == DMARC_AUTH_PASS ? "passed" : "could not be checked", words[*how],
		*how == ALIGNED_NO && strict ? " (strict)" : "");
	if (*how == ALIGNED_NO)
		return DONE;
	if (*how == ALIGNED_UNKNOWN || id->auth == DMARC_AUTH_TEMPERROR) {
		run->unknown = true;
		*how = ALIGNED_NO;
	}
	return DONE;
}

static enum step
judge_all(struct run *run)
{
	const struct dmarc_question *q = &run->c->question;
	struct dmarc_result_row *row = &run->c->row;
	enum aligned how;
	char what[40];

	row->spf_aligned = row->dkim_aligned = false;
	row->dkim_strict = row->dkim_relaxed = 0;
	if (q->spf.domain.n > 0) {
		if (judge(run, &q->spf, "SPF", row->tags.aspf_strict, &how) == WAIT)
			return WAIT;
		row->spf_aligned = how != ALIGNED_NO;
	}
	for (size_t i = 0; i < q->dkim_count; i++) {
		snprintf(what, sizeof(what), "DKIM signature %zu", i + 1);
		if (judge(run, &q->dkim[i], what, row->tags.adkim_strict, &how) == WAIT)
			return WAIT;
		if (how == ALIGNED_NO)
			continue;
		if (!row->dkim_aligned)
			row->dkim_which = i;
		row->dkim_aligned = true;
		row->dkim_relaxed |= 1u << i;
		row->dkim_strict |= how == ALIGNED_EXACT ? 1u << i : 0;
	}
	return DONE;
}

/* ---- policy, sec. 4.7 and 4.10.1 ---- */

/* "p", "sp" or "np"? np is for domains that do not exist: NXDOMAIN (RFC 8020), whatever type is
 * asked for. */
static enum step
choose_policy(struct run *run, enum dmarc_found *existence)
{
	struct dmarc_result_row *row = &run->c->row;
	const struct dmarc_look *look;

	*existence = DMARC_FOUND;
	row->source = DMARC_FROM_P;
	row->published = row->tags.p;
	if (bytes_equal(row->policy_domain, row->author_domain))
		return DONE;
	row->source = DMARC_FROM_SP;
	row->published = row->tags.sp;
	if (row->tags.np == row->tags.sp || row->spf_aligned || row->dkim_aligned)
		return DONE; /* it makes no difference */
	look = dmarc_look(&run->c->memory, DMARC_EXISTS, row->author_domain);
	*existence = look->found;
	if (look->found == DMARC_ASKED)
		return WAIT;
	if (look->found == DMARC_UNKNOWN)
		return DONE;
	tell(run->c, "%.*s %s", B(row->author_domain),
		look->status == DNS_NXDOMAIN ? "does not exist: np applies" : "exists: sp applies");
	if (look->status == DNS_NXDOMAIN) {
		row->source = DMARC_FROM_NP;
		row->published = row->tags.np;
	}
	return DONE;
}

/* t=y: one step down */
static void
settle_policy(struct dmarc_result_row *row)
{
	row->policy = row->published;
	row->testing = row->tags.testing && row->published != DMARC_NONE;
	if (row->testing)
		row->policy = row->published == DMARC_REJECT ? DMARC_QUARANTINE : DMARC_NONE;
}

static enum step
fail(struct run *run)
{
	static const char *const tags[DMARC_SOURCES] = { "p", "sp", "np" };
	struct dmarc_result_row *row = &run->c->row;
	const char *words = "no SPF or DKIM result that passed is aligned";

	tell(run->c, "the policy is %s=%s of %.*s%s%s", tags[row->source],
		dmarc_policy_name(row->published), B(row->policy_domain),
		row->testing ? ", tested only (t=y): " : "",
		row->testing ? dmarc_policy_name(row->policy) : "");
	return result(run, DMARC_RESULT_FAIL, words);
}

/* ---- one run ---- */

/* Which record applies, sec. 4.10.1. */
static enum step
discover(struct run *run, const struct dmarc_look **applies)
{
	struct dmarc_check *c = run->c;
	struct dmarc_walk *w = &run->author;

	*applies = NULL;
	dmarc_walk(&c->memory, c->row.author_domain, w, tell_look, c);
	if (w->found == DMARC_ASKED)
		return WAIT;
	if (w->start->found == DMARC_FOUND)
		*applies = w->start;
	else if (w->found == DMARC_UNKNOWN)
		return result(run, DMARC_RESULT_TEMPERROR, "the DNS does not answer");
	else if (w->found == DMARC_ABSENT)
		return result(run, DMARC_RESULT_NONE, "no record");
	else
		*applies = w->org != NULL ? w->org : w->psd;
	if (w->found == DMARC_FOUND) {
		c->row.org_domain = w->org_domain;
		tell(c, "the organizational domain of %.*s is %.*s", B(c->row.author_domain),
			B(w->org_domain));
	}
	c->row.policy_domain = (*applies)->domain;
	c->row.record = (*applies)->record;
	c->row.tags = (*applies)->tags;
	return DONE;
}

static enum step
evaluate(struct run *run)
{
	struct dmarc_result_row *row = &run->c->row;
	const struct dmarc_look *applies;
	enum dmarc_found existence;

	tell(run->c, "the author domain is %.*s", B(row->author_domain));
	if (discover(run, &applies) == WAIT)
		return WAIT;
	if (applies == NULL)
		return DONE;
	if (applies->usable < 0)
		return result(run, DMARC_RESULT_PERMERROR,
			"the record cannot be used: no good policy, and no address for reports");
	if (judge_all(run) == WAIT || choose_policy(run, &existence) == WAIT)
		return WAIT;
	settle_policy(row);
	if (row->dkim_aligned)
		return result(run, DMARC_RESULT_PASS,
			row->spf_aligned ? "aligned by SPF and DKIM" : "aligned by DKIM");
	if (row->spf_aligned)
		return result(run, DMARC_RESULT_PASS, "aligned by SPF");
	if (run->unknown)
		return result(
			run, DMARC_RESULT_TEMPERROR, "what could have passed could not be checked");
	if (existence == DMARC_UNKNOWN)
		return result(run, DMARC_RESULT_TEMPERROR,
			"the DNS could not tell whether the author's domain exists");
	return fail(run);
}

static enum step
evaluate_author(struct dmarc_check *c, struct bytes domain)
{
	struct run run = { .c = c };

	c->row = (struct dmarc_result_row){ .author_domain = domain };
	return evaluate(&run);
}

/* Is that a result to keep rather than the best one so far? */
static bool
is_worse(const struct dmarc_result_row *a, const struct dmarc_result_row *b)
{
	if (a->result == DMARC_RESULT_FAIL)
		return b->result != DMARC_RESULT_FAIL || a->policy > b->policy;
	return a->result == DMARC_RESULT_TEMPERROR && b->result == DMARC_RESULT_PERMERROR;
}

/* sec. 11.5: the strictest policy of those that fail. They are asked for side by side: none waits
 * behind a DNS that is slow on purpose. */
static enum step
evaluate_all(struct dmarc_check *c)
{
	struct dmarc_result_row worst = { .result = DMARC_RESULT_PERMERROR };
	enum step all = DONE;

	worst.words = bytes_from_str(c->authors.why);
	tell(c, "%s", c->authors.why);
	for (size_t i = 0; i < c->authors.n; i++) {
		if (evaluate_author(c, c->authors.domain[i]) == WAIT)
			all = WAIT;
		else if (is_worse(&c->row, &worst))
			worst = c->row;
	}
	if (all == WAIT)
		return WAIT;
	c->row = worst;
	tell(c, "DMARC: %s", dmarc_result_name(worst.result));
	return DONE;
}

static enum step
run_once(struct dmarc_check *c)
{
	return c->authors.why == NULL ? evaluate_author(c, c->authors.domain[0]) : evaluate_all(c);
}

/* Until an answer is missing; then memory.answered() is this again. */
static void
advance(void *arg)
{
	struct dmarc_check *c = arg;

	if (run_once(c) == WAIT)
		return;
	c->telling = true;
	(void)run_once(c);
	c->done(c->arg, &c->row); /* c may be gone behind it */
}

/* ---- the life of a check ---- */

struct dmarc_check *
dmarc_new(const struct mailauth_dns *dns)
{
	struct dmarc_check *c = xcalloc(1, sizeof(*c));

	c->arena = ARENA_INIT;
	c->memory.dns = dns;
	c->memory.arena = &c->arena;
	c->memory.answered = advance;
	c->memory.arg = c;
	return c;
}

void
dmarc_trace(struct dmarc_check *c, dmarc_trace_fn *trace, void *arg)
{
	c->trace = trace;
	c->trace_arg = arg;
}

/* What has no name of a host cannot be aligned. */
static struct dmarc_identifier
copy_identifier(struct arena *a, const struct dmarc_identifier *id)
{
	struct dmarc_identifier copy = { .auth = id->auth };

	if (id->domain.n == 0 || dmarc_fold_domain(a, id->domain, &copy.domain) < 0)
		copy.domain = BYTES_NONE;
	return copy;
}

void
dmarc_run(struct dmarc_check *c, const struct dmarc_question *q, dmarc_done_fn *done, void *arg)
{
	ASSERT(c->done == NULL && q->dkim_count <= DMARC_SIGNATURES_MAX);
	c->done = done;
	c->arg = arg;
	c->question.spf = copy_identifier(&c->arena, &q->spf);
	c->question.dkim_count = q->dkim_count;
	for (size_t i = 0; i < q->dkim_count; i++)
		c->question.dkim[i] = copy_identifier(&c->arena, &q->dkim[i]);
	dmarc_authors(&c->arena, q->from, q->from_count, &c->authors);
	if (q->header_cut && c->authors.why == NULL)
		c->authors.why = "the header is too long to be read to its end";
	advance(c);
}

void
dmarc_give_up(struct dmarc_check *c)
{
	dmarc_memory_give_up(&c->memory);
	advance(c);
}

void
dmarc_free(struct dmarc_check **cp)
{
	struct dmarc_check *c = *cp;

	*cp = NULL;
	if (c == NULL)
		return;
	dmarc_memory_give_up(&c->memory);
	arena_reset(&c->arena);
	free(c);
}
