/* SPDX-License-Identifier: ISC */
/*
 * ledger/attempts.h - counts failed logins by address, by network and by login, over all
 * protocols, in memory of a fixed size. Pure: the time is an argument.
 *
 * A count is a bucket that leaks: it loses `limit` failures in each window, so `limit` at once
 * or a lasting faster rate fill it. Tables are fixed: under a flood of addresses or names that
 * come once, what has the fewest failures goes first, so those who try much stay known.
 *
 * Each attempt is framed by attempts_try() and attempts_tried(): what is under way counts as
 * a failure until it is decided.
 *
 * Runs in:  ledger.
 * Trusts:   nothing: addresses and names are strangers'.
 */
#ifndef RELAIS_ATTEMPTS_H
#define RELAIS_ATTEMPTS_H

#include "ledger_msg.h"

struct attempts_policy {
	uint64_t window_ms;
	uint64_t address_limit; /* failures of one IPv4 address or IPv6 /64; at least 1 */
	uint64_t network_limit; /* of an IPv4 /24 or IPv6 /48; 0: not counted */
	uint64_t login_limit;   /* at one login, from networks not known for it; 0: the same */
	uint64_t delay_first_ms, delay_max_ms;
};

struct attempts;

/* entries: addresses, and again logins, that are kept; networks a quarter of it. */
struct attempts *attempts_new(size_t entries);
void attempts_free(struct attempts **a);

struct attempt {
	struct ip_block address; /* family 0: not known */
	struct bytes login;
	bool known; /* this login was right from this network before */
};

/* The block in which an address is counted: itself, or its /64. */
struct ip_block attempts_address_block(struct ip_block address);
/* The network around it: /24 or /48. */
struct ip_block attempts_network_block(struct ip_block address);

/* May it be tried? Fills in GO or LATER, the trust, and the delay if it is wrong. */
void attempts_try(struct attempts *a, const struct attempts_policy *p, const struct attempt *t,
	uint64_t now_ms, struct ledger_try_answer *out);

/* What a failure led to: how many failures filled a count; 0: nothing is to be done. Such a
 * count begins anew at zero. */
struct attempts_news {
	uint32_t address, network; /* to be banned */
	uint32_t login;            /* to be guarded */
};

/*
 * How a GO came out. RIGHT takes back what this address owed to this login (so an own account does
 * not wash off failures at others'). A wrong
 * password that a known network repeats (an old one in a telephone) is not counted again.
 */
void attempts_tried(struct attempts *a, const struct attempts_policy *p, const struct attempt *t,
	enum ledger_tried_result result, uint64_t guess, uint64_t now_ms,
	struct attempts_news *news);

/* Who asked is gone: nothing is under way any more. */
void attempts_forget_pending(struct attempts *a);

/* The failures an address, or a login (address NULL), has now; for tests. */
uint32_t attempts_failures(const struct attempts *a, const struct attempts_policy *p,
	const struct ip_block *address, struct bytes login, uint64_t now_ms);

#endif
