/* SPDX-License-Identifier: ISC */
/*
 * local-delivery/quota_link.c - what ledger tells, and what it is told.
 *
 * Deltas gather for a while and leave together; each is answered after ledger's commit, and
 * what was not answered is told again. No delivery waits for any of this.
 *
 * Runs in:  local-delivery, system-delivery.
 * Trusts:   ledger's messages after decoding.
 */
#include "quota_link.h"

#include <stdlib.h>

#include "log.h"

#define TELL_AFTER_MS    500
#define ANSWER_WITHIN_MS 10000

struct quota_link {
	struct quota *quota;
	struct link *ledger;
	struct event *tell;
	bool due;
	size_t under_way;
};

/* A delta under way: told again if it fails. */
struct told {
	struct quota_link *link;
	struct ledger_add add;
	uint8_t account[LEDGER_ACCOUNT_MAX];
};

static void on_use(struct ipc_call *call, const void *msg);

static const struct ipc_route ledger_routes[] = {
	{ LEDGER_USE, FROM(SERVICE_LEDGER), 0, 0, sizeof(struct ledger_use), ledger_use_decode,
		on_use },
};

static void
on_use(struct ipc_call *call, const void *msg)
{
	struct quota_link *l = link_ctx(call->ctx);

	quota_tell(l->quota, msg);
}

static void
on_up(void *arg, struct link *ledger)
{
	struct quota_link *l = arg;

	quota_forget_all(l->quota); /* it tells of all of them again */
	link_compose(ledger);
	link_send(ledger, LEDGER_SUBSCRIBE, NULL, 0);
}

static void
on_answer(void *arg, const struct ipc_answer *answer)
{
	struct told *t = arg;
	struct ipc_reader in = ipc_reader(answer->body);
	struct ledger_done done = { ERR_PEER };

	t->link->under_way--;
	if (answer->err < 0 || answer->type != LEDGER_DONE || ledger_done_decode(&in, &done) < 0 ||
		err_is_temporary(done.err)) {
		if (!quota_retell(t->link->quota, &t->add))
			log_warning("quota: ledger is away too long, use of %.*s is not counted",
				(int)t->add.account.n, (const char *)t->add.account.p);
		quota_link_poke(t->link);
	}
	free(t);
}

static void
tell_one(void *arg, const struct ledger_add *add)
{
	struct quota_link *l = arg;
	struct told *t = xmalloc(sizeof(*t));

	ASSERT(add->account.n <= sizeof(t->account));
	t->link = l;
	t->add = *add;
	t->add.answer = true;
	memcpy(t->account, add->account.p, add->account.n);
	t->add.account = bytes_make(t->account, add->account.n);
	ledger_add_encode(link_compose(l->ledger), &t->add);
	l->under_way++;
	link_request(l->ledger, LEDGER_ADD, NULL, 0, ANSWER_WITHIN_MS, on_answer, t);
}

void
quota_link_flush(struct quota_link *l)
{
	quota_drain(l->quota, tell_one, l);
}

static void
on_due(evutil_socket_t fd, short what, void *arg)
{
	struct quota_link *l = arg;

	UNUSED(fd), UNUSED(what);
	l->due = false;
	if (link_is_up(l->ledger))
		quota_link_flush(l);
	else
		quota_link_poke(l); /* its memory is bounded in quota.c */
}

void
quota_link_poke(struct quota_link *l)
{
	const struct timeval wait = { 0, TELL_AFTER_MS * 1000 };

	if (l->due || quota_untold(l->quota) == 0)
		return;
	l->due = true;
	event_add(l->tell, &wait);
}

bool
quota_link_idle(const struct quota_link *l)
{
	return l->under_way == 0 && quota_untold(l->quota) == 0;
}

struct quota_link *
quota_link_new(struct daemon *d, struct quota *q)
{
	struct quota_link *l = xcalloc(1, sizeof(*l));

	l->quota = q;
	l->tell = event_new(d->base, -1, 0, on_due, l);
	ASSERT(l->tell != NULL);
	l->ledger =
		daemon_link(d, SERVICE_LEDGER, CONTROL_ANY, ledger_routes, NITEMS(ledger_routes));
	link_set_ctx(l->ledger, l);
	link_on_up(l->ledger, on_up, l);
	link_open(l->ledger);
	return l;
}
