/* SPDX-License-Identifier: ISC */
/*
 * lib/daemon/dns_link.c - a question to resolver over a link, asked again if resolver goes away.
 *
 * Trusts: resolver's answers, after decoding.
 */
#include "dns_link.h"

#include <stdlib.h>

#include "clock.h"

#define TIMES 2 /* a question that kills resolver kills it so often and no more */

struct ask {
	struct link *link;
	uint64_t until_ms;
	dns_answer_fn *done;
	void *arg;
	unsigned times;
	enum dns_message how;
	struct dns_query query; /* its name is below */
	uint8_t name[];
};

static void on_answer(void *arg, const struct ipc_answer *answer);

static void
send_question(struct ask *a)
{
	const uint64_t now = clock_mono_ms();

	a->times++;
	dns_query_encode(link_compose(a->link), &a->query);
	link_request(a->link, (uint16_t)a->how, NULL, 0,
		a->until_ms > now ? (unsigned)(a->until_ms - now) : 1, on_answer, a);
}

static void
on_again(evutil_socket_t fd, short what, void *arg)
{
	UNUSED(fd);
	UNUSED(what);
	send_question(arg);
}

static void
on_answer(void *arg, const struct ipc_answer *answer)
{
	const struct timeval now = { 0, 0 };
	struct ask *a = arg;
	struct dns_answer m;

	if (answer->err == ERR_PEER && a->times < TIMES && clock_mono_ms() < a->until_ms) {
		/* when the link has let go of the peer that died */
		event_base_once(link_daemon(a->link)->base, -1, EV_TIMEOUT, on_again, a, &now);
		return;
	}
	dns_answer_from(answer, &m);
	a->done(a->arg, &m);
	free(a);
}

void
dns_link_ask(struct link *l, enum dns_message how, const struct dns_query *q, unsigned timeout_ms,
	dns_answer_fn *done, void *arg)
{
	/* one that long is refused in any case */
	const struct bytes name = bytes_head(q->name, DNS_QUERY_NAME_MAX);
	struct ask *a = xcalloc(1, sizeof(*a) + name.n);

	a->link = l;
	a->until_ms = clock_mono_ms() + (timeout_ms == 0 ? DNS_REQUEST_TIMEOUT_MS : timeout_ms);
	a->done = done;
	a->arg = arg;
	a->how = how;
	memcpy(a->name, name.p, name.n);
	a->query = *q;
	a->query.name = bytes_make(a->name, name.n);
	send_question(a);
}
