/* SPDX-License-Identifier: ISC */
/*
 * smtp-client/hosts_order.c - in which order hosts and their addresses are tried; loops.
 *
 * Hosts by preference, equal ones in an order of chance (SRV: by weight). Of each host first one
 * address of IPv6 and one of IPv4, then the next host; further addresses come behind all of them,
 * so that a dead host with many addresses does not use up the attempts that others are due.
 *
 * Pure. Sources: RFC 5321 sec. 5.1, RFC 2782.
 */
#include <limits.h>
#include <stdlib.h>

#include "hosts_private.h"

#define FIRST_ROUND 2 /* addresses of a host before the next host's */

static bool
is_our_address(const struct hosts *h, const struct ip_block *b)
{
	for (size_t i = 0; i < h->spec.n_own; i++)
		if (ip_block_contains(&h->spec.own[i], b))
			return true;
	return false;
}

static bool
is_us(const struct hosts *h, const struct hosts_host *x)
{
	if (x->is_own || h->spec.kind != NEXT_HOP_MX || x->host.port != 25)
		return x->is_own;
	for (unsigned i = 0; i < x->host.n_addresses; i++)
		if (is_our_address(h, &x->host.addresses[i]))
			return true;
	return false;
}

/* Where we are in the list, it ends. true: nobody is left. */
static bool
drop_from_us_on(struct hosts *h)
{
	unsigned ours = UINT_MAX, n = 0;

	for (unsigned i = 0; i < h->n_hosts; i++)
		if (is_us(h, &h->hosts[i]) && h->hosts[i].host.preference < ours)
			ours = h->hosts[i].host.preference;
	for (unsigned i = 0; i < h->n_hosts; i++)
		if (h->hosts[i].host.preference < ours)
			h->hosts[n++] = h->hosts[i];
	h->n_hosts = n;
	return n == 0;
}

static unsigned
chance(const struct hosts *h, unsigned below)
{
	return (unsigned)(h->spec.random(h->spec.random_arg) % below);
}

static void
swap(struct hosts_host *a, struct hosts_host *b)
{
	struct hosts_host t = *a;

	*a = *b;
	*b = t;
}

/* RFC 2782: one with weight w is first in w of the sum of cases; without weights all are equal,
 * and with some those without come rarely. */
static unsigned
draw(const struct hosts *h, unsigned from, unsigned to)
{
	unsigned sum = 0, at;

	for (unsigned i = from; i < to; i++)
		sum += h->hosts[i].host.weight;
	if (sum == 0)
		return from + chance(h, to - from);
	at = chance(h, sum + 1);
	for (unsigned i = from; i < to; i++) {
		unsigned w = h->hosts[i].host.weight;

		if (at <= w)
			return i;
		at -= w;
	}
	return to - 1;
}

static int
compare_preference(const void *a, const void *b)
{
	const struct hosts_host *x = a, *y = b;

	return (int)x->host.preference - (int)y->host.preference;
}

static void
shuffle(struct hosts *h)
{
	unsigned from = 0;

	qsort(h->hosts, h->n_hosts, sizeof(h->hosts[0]), compare_preference);
	while (from < h->n_hosts) {
		unsigned to = from + 1;

		while (to < h->n_hosts &&
			h->hosts[to].host.preference == h->hosts[from].host.preference)
			to++;
		for (; from < to; from++)
			swap(&h->hosts[from], &h->hosts[draw(h, from, to)]);
	}
}

/* The families in turn, IPv6 first; within one in an order of chance. */
static void
mix_addresses(const struct hosts *h, struct host *x)
{
	struct ip_block in[2][HOSTS_ADDRESSES_MAX];
	unsigned n[2] = { 0, 0 }, at[2] = { 0, 0 };

	for (unsigned i = 0; i < x->n_addresses; i++) {
		unsigned f = x->addresses[i].family == 4;

		in[f][n[f]++] = x->addresses[i];
	}
	for (unsigned f = 0; f < 2; f++)
		for (unsigned i = 0; i < n[f]; i++) {
			unsigned k = i + chance(h, n[f] - i);
			struct ip_block t = in[f][i];

			in[f][i] = in[f][k];
			in[f][k] = t;
		}
	for (unsigned i = 0, f = 0; i < x->n_addresses; f ^= 1)
		if (at[f] < n[f])
			x->addresses[i++] = in[f][at[f]++];
}

static void
plan(struct hosts *h)
{
	struct hosts_result *r = &h->result;

	for (unsigned round = 0; round < 2; round++)
		for (unsigned i = 0; i < h->n_hosts; i++) {
			const struct host *x = &h->hosts[i].host;
			unsigned from = round == 0 ? 0 : FIRST_ROUND;
			unsigned to = round == 0 ? FIRST_ROUND : HOSTS_ADDRESSES_MAX;

			for (unsigned k = from; k < to && k < x->n_addresses; k++) {
				if (r->n == HOSTS_ATTEMPTS_MAX)
					return;
				r->attempts[r->n++] = (struct hosts_attempt){ .host = x,
					.address = x->addresses[k] };
			}
		}
}

void
hosts_decide(struct hosts *h)
{
	bool failed = false;

	if (drop_from_us_on(h)) {
		hosts_fail(h, HOSTS_PERMANENT, "5.4.6", "mail for %s loops back to myself",
			h->result.domain);
		return;
	}
	shuffle(h);
	for (unsigned i = 0; i < h->n_hosts; i++) {
		failed |= h->hosts[i].failed;
		mix_addresses(h, &h->hosts[i].host);
	}
	plan(h);
	h->done = true;
	if (h->result.n > 0)
		h->result.verdict = HOSTS_OK;
	else if (failed)
		hosts_fail(h, HOSTS_TEMPORARY, "4.4.3",
			"Host or domain name not found. Name service error for name=%s type=A: "
			"Host not found, try again",
			h->n_hosts == 1 ? h->hosts[0].host.name : h->result.domain);
	else if (h->spec.kind == NEXT_HOP_MX)
		hosts_fail(h, HOSTS_PERMANENT, "5.4.4", "no MX host of %s has an address",
			h->result.domain);
	else /* an operator's words: they can be mended */
		hosts_fail(h, HOSTS_TEMPORARY, "4.4.4",
			"Host or domain name not found. Name service error for name=%s type=A: "
			"Host not found",
			h->result.domain);
}
