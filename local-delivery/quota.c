/* SPDX-License-Identifier: ISC */
/*
 * local-delivery/quota.c - who is near a limit, and what ledger must still be told.
 *
 * Ledger tells of every account that is near or over its limit; nobody else needs to be
 * asked about at delivery. What was refused for its size was refused at RCPT: here only the
 * grace stands between what was accepted and a bounce. Deltas gather and go out together;
 * delivery never waits for ledger.
 *
 * Runs in:  local-delivery, system-delivery.
 * Trusts:   ledger's messages after decoding.
 */
#include "delivery.h"

#include <search.h>
#include <stdlib.h>

/* One account: a node of either tree. */
struct node {
	int64_t octets, messages; /* use as known, or the delta not told yet */
	uint64_t limit;
	struct bytes account; /* points behind the node */
};

struct quota {
	void *near; /* trees of struct node by account, tsearch(3) */
	void *untold;
	size_t n_untold;
};

struct quota *
quota_new(void)
{
	return xcalloc(1, sizeof(struct quota));
}

static int
compare(const void *a, const void *b)
{
	return bytes_compare(((const struct node *)a)->account, ((const struct node *)b)->account);
}

static struct node *
find(void *const *tree, struct bytes account)
{
	struct node key = { .account = account };
	void *at = tfind(&key, tree, compare);

	return at == NULL ? NULL : *(struct node **)at;
}

static struct node *
find_or_add(void **tree, struct bytes account)
{
	struct node *n = find(tree, account);

	if (n != NULL)
		return n;
	n = xcalloc(1, sizeof(*n) + account.n);
	memcpy(n + 1, account.p, account.n);
	n->account = bytes_make(n + 1, account.n);
	if (tsearch(n, tree, compare) == NULL)
		abort(); /* out of memory ends the process */
	return n;
}

static void
drop(void **tree, struct node *n)
{
	tdelete(n, tree, compare);
	free(n);
}

void
quota_free(struct quota **q)
{
	if (*q == NULL)
		return;
	tdestroy((*q)->near, free);
	tdestroy((*q)->untold, free);
	free(*q);
	*q = NULL;
}

void
quota_tell(struct quota *q, const struct ledger_use *use)
{
	struct node *n;

	if (ledger_is_near(use->octets, use->limit_octets)) {
		n = find_or_add(&q->near, use->account);
		n->octets = use->octets > INT64_MAX ? INT64_MAX : (int64_t)use->octets;
		n->limit = use->limit_octets;
	} else if ((n = find(&q->near, use->account)) != NULL) {
		drop(&q->near, n);
	}
}

void
quota_forget_all(struct quota *q)
{
	tdestroy(q->near, free);
	q->near = NULL;
}

bool
quota_has_room(const struct quota *q, const struct delivery_job *job, uint64_t octets,
	unsigned grace_percent)
{
	const struct node *n = find(&q->near, job->account);
	uint64_t used = n == NULL || n->octets < 0 ? 0 : (uint64_t)n->octets;
	uint64_t most = job->quota_octets, sum;

	if (most == 0)
		return true;
	if (__builtin_add_overflow(most, most / 100 * grace_percent, &most))
		most = UINT64_MAX;
	return !__builtin_add_overflow(used, octets, &sum) && sum <= most;
}

void
quota_delivered(struct quota *q, const struct delivery_job *job, uint64_t octets)
{
	struct node *n = find(&q->near, job->account);
	struct ledger_add add = { .account = job->account,
		.octets = octets > INT64_MAX ? INT64_MAX : (int64_t)octets,
		.messages = 1,
		.limit_octets = job->quota_octets };

	if (n != NULL && __builtin_add_overflow(n->octets, add.octets, &n->octets))
		n->octets = INT64_MAX;
	(void)quota_retell(q, &add);
}

bool
quota_retell(struct quota *q, const struct ledger_add *add)
{
	struct node *n = find(&q->untold, add->account);

	if (n == NULL) {
		if (q->n_untold >= QUOTA_UNTOLD_MAX)
			return false;
		n = find_or_add(&q->untold, add->account);
		q->n_untold++;
	}
	if (__builtin_add_overflow(n->octets, add->octets, &n->octets))
		n->octets = INT64_MAX;
	n->messages += add->messages;
	n->limit = add->limit_octets;
	return true;
}

size_t
quota_untold(const struct quota *q)
{
	return q->n_untold;
}

void
quota_drain(struct quota *q, void (*tell)(void *arg, const struct ledger_add *add), void *arg)
{
	while (q->untold != NULL) {
		struct node *n = *(struct node **)q->untold; /* the root of the tree */
		struct ledger_add add = { .account = n->account,
			.octets = n->octets,
			.messages = n->messages,
			.limit_octets = n->limit,
			.limit_messages = LEDGER_LIMIT_UNKNOWN };

		tell(arg, &add);
		drop(&q->untold, n);
		q->n_untold--;
	}
}
