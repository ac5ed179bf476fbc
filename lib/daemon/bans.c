/* SPDX-License-Identifier: ISC */
/*
 * lib/daemon/bans.c - a door's copy of the ban list, see the header.
 *
 * Runs in:  smtpd, submission, imap-login, pop3-login.
 * Trusts:   ledger.
 */
#include "bans.h"

#include <stdlib.h>

#include "clock.h"
#include "ip_set.h"
#include "ledger_msg.h"
#include "log.h"

#define REPORT_MS 60000

struct bans {
	struct link *ledger;
	struct ip_set *set; /* value: the end, in ms of the monotonic clock */
	uint64_t refused, reported_ms;
};

static void
on_bans(struct ipc_call *call, const void *msg)
{
	const struct ledger_bans *m = msg;
	struct bans *b = link_ctx(call->ctx);
	uint64_t now = clock_mono_ms();

	if (m->reset)
		ip_set_clear(b->set);
	for (uint32_t i = 0; i < m->count; i++) {
		const struct ledger_ban_brief *row = &m->rows[i];

		if (row->left_ms == 0)
			(void)ip_set_del(b->set, &row->block);
		else
			ip_set_put(b->set, &row->block,
				row->left_ms > UINT64_MAX - now ? UINT64_MAX : now + row->left_ms);
	}
}

static const struct ipc_route ledger_routes[] = {
	{ LEDGER_BANS, FROM(SERVICE_LEDGER), 0, 0, sizeof(struct ledger_bans), ledger_bans_decode,
		on_bans },
};

static void
on_ledger_up(void *arg, struct link *l)
{
	UNUSED(arg);
	(void)link_compose(l);
	link_send(l, LEDGER_BANS_SUBSCRIBE, NULL, 0);
}

struct bans *
bans_new(struct daemon *d)
{
	struct bans *b = xcalloc(1, sizeof(*b));

	b->set = ip_set_new();
	b->ledger =
		daemon_link(d, SERVICE_LEDGER, CONTROL_ANY, ledger_routes, NITEMS(ledger_routes));
	link_set_ctx(b->ledger, b);
	link_on_up(b->ledger, on_ledger_up, b);
	link_open(b->ledger);
	return b;
}

/* One line a minute at most: a line for each would be what the attacker wants. */
static void
report(struct bans *b, const struct ip_block *last, uint64_t now)
{
	char text[IP_BLOCK_TEXT];

	if (b->reported_ms != 0 && now - b->reported_ms < REPORT_MS)
		return;
	log_info("reject: CONNECT from banned addresses: %llu so far, the last [%s]",
		(unsigned long long)b->refused, ip_block_text(last, text));
	b->reported_ms = now;
}

bool
bans_has(struct bans *b, const struct sockaddr_storage *addr)
{
	const struct ip_set_entry *e;
	struct ip_block block;
	unsigned cursor = 0;
	uint64_t now;

	if (ip_set_count(b->set) == 0 || !ip_block_from_sockaddr(addr, &block))
		return false;
	now = clock_mono_ms();
	while ((e = ip_set_holding(b->set, &block, &cursor)) != NULL)
		if (e->value > now) {
			b->refused++;
			report(b, &block, now);
			return true;
		}
	return false;
}

void
bans_stats(const struct bans *b, struct buf *out)
{
	buf_printf(out, "relais_banned_addresses %zu\nrelais_banned_connections_total %llu\n",
		ip_set_count(b->set), (unsigned long long)b->refused);
}
