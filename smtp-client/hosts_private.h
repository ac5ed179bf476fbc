/* SPDX-License-Identifier: ISC */
/* smtp-client/hosts_private.h - what hosts.c and hosts_order.c share. */
#ifndef RELAIS_HOSTS_PRIVATE_H
#define RELAIS_HOSTS_PRIVATE_H

#include "arena.h"
#include "hosts.h"

/* One question, its number is its place. */
struct hosts_slot {
	uint16_t type;
	struct bytes name;
	unsigned host; /* not with MX and SRV: whose */
	bool asked, answered;
};

/* MX or SRV; A, AAAA and two TLSA for each host */
#define HOSTS_SLOTS_MAX (1 + 4 * HOSTS_MAX)

struct hosts_host {
	struct host host;
	unsigned waits; /* answers to come */
	bool secure;    /* all addresses so far */
	bool is_own;
	bool failed;           /* a look-up of it gave nothing for now */
	const char *canonical; /* by the addresses' answers */
};

struct hosts {
	struct arena arena;
	struct hosts_spec spec;
	struct hosts_slot slots[HOSTS_SLOTS_MAX];
	unsigned n_slots, n_asked, n_open; /* n_open: not answered yet */
	struct hosts_host hosts[HOSTS_MAX];
	unsigned n_hosts;
	bool list_trusted; /* that these are the hosts */
	bool done;
	struct hosts_result result;
};

/* All answers are there: h->result from h->hosts. */
void hosts_decide(struct hosts *h);

/* The result is this, whatever there is; text as printf. */
void hosts_fail(struct hosts *h, enum hosts_verdict verdict, const char *code, const char *format,
	...) PRINTF_LIKE(4, 5);

#endif
