/* SPDX-License-Identifier: ISC */
/*
 * mailauth/verifier_dns.c - a job's questions to resolver. What the answer sets going runs in the
 * job's name.
 *
 * Runs in:  mailauth-verify.
 * Trusts:   resolver that it answers; nothing of what the records say.
 */
#include <stdlib.h>

#include "clock.h"
#include "dns_link.h"
#include "guard.h"
#include "verifier.h"

struct dns_question {
	LIST_ENTRY(dns_question) link;
	struct job *job; /* NULL: gone */
	mailauth_dns_fn *done;
	void *arg;
};

static void
on_answer(void *arg, const struct dns_answer *answer)
{
	struct dns_question q = *(struct dns_question *)arg;

	if (q.job != NULL)
		LIST_REMOVE((struct dns_question *)arg, link);
	free(arg);
	if (q.job == NULL) {
		q.done(q.arg, answer);
		return;
	}
	guard_enter(q.job->asker->channel, q.job->id);
	q.done(q.arg, answer); /* the job may be gone behind it */
	guard_leave();
}

static void
ask(void *ctx, uint16_t type, struct bytes name, mailauth_dns_fn *done, void *arg)
{
	struct dns_question *q = xcalloc(1, sizeof(*q));
	const uint64_t now = clock_mono_ms();
	struct job *j = ctx;

	*q = (struct dns_question){ .job = j, .done = done, .arg = arg };
	LIST_INSERT_HEAD(&j->questions, q, link);
	dns_link_ask(j->v->resolver, type, name,
		j->until_ms > now ? (unsigned)(j->until_ms - now) : 1, on_answer, q);
}

void
job_dns_init(struct job *j)
{
	LIST_INIT(&j->questions);
	j->dns = (struct mailauth_dns){ ask, j };
}

void
job_dns_forget(struct job *j)
{
	struct dns_question *q;

	while ((q = LIST_FIRST(&j->questions)) != NULL) {
		LIST_REMOVE(q, link);
		q->job = NULL;
	}
}
