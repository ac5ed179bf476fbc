/* SPDX-License-Identifier: ISC */
/*
 * mailauth/mailauth_dns.c - questions that can be taken back, over a way of asking that cannot.
 *
 * A question lives until its answer comes, which it always does; one that was taken back only
 * forgets whom to tell.
 *
 * Runs in:  mailauth-verify, CLI; wherever a check runs.
 */
#include <stdlib.h>

#include "check.h"
#include "mailauth_dns.h"

struct mailauth_question {
	mailauth_dns_fn *done; /* NULL: taken back */
	void *arg;
	bool asking; /* the way's ask() has not returned */
	bool answered;
};

static void
on_answer(void *arg, const struct dns_answer *answer)
{
	struct mailauth_question *q = arg;
	mailauth_dns_fn *done = q->done;
	void *done_arg = q->arg;

	ASSERT(!q->answered);
	q->answered = true;
	if (!q->asking)
		free(q);
	if (done != NULL)
		done(done_arg, answer);
}

struct mailauth_question *
mailauth_ask(const struct mailauth_dns *dns, uint16_t type, struct bytes name,
	mailauth_dns_fn *done, void *arg)
{
	struct mailauth_question *q = xcalloc(1, sizeof(*q));

	q->done = done;
	q->arg = arg;
	q->asking = true;
	dns->ask(dns->ctx, type, name, on_answer, q);
	q->asking = false;
	if (!q->answered)
		return q;
	free(q);
	return NULL;
}

void
mailauth_cancel(struct mailauth_question *q)
{
	if (q != NULL)
		q->done = NULL;
}
