/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/mailauth/zone_dns.h - a DNS out of zone data, for checks of mail (mailauth_dns.h).
 *
 * It answers at once, or when told to: then any of the questions that wait.
 */
#ifndef RELAIS_TEST_ZONE_DNS_H
#define RELAIS_TEST_ZONE_DNS_H

#include "arena.h"
#include "mailauth_dns.h"

#define ZONE_ROWS_MAX 512
#define ZONE_WAIT_MAX 4096

struct zone_row {
	struct bytes name; /* as on the wire, in small letters */
	uint16_t type;     /* 0: no answer for what is not listed */
	struct bytes rdata;
};

struct zone_dns {
	struct arena arena;
	size_t count;
	struct zone_row rows[ZONE_ROWS_MAX];
	bool later; /* answers wait for zone_dns_answer() */
	size_t waiting;
	struct {
		uint16_t type;
		struct bytes name;
		mailauth_dns_fn *done;
		void *arg;
	} questions[ZONE_WAIT_MAX];
	uint64_t asked, random; /* random: a seed */
	struct arena names;     /* of those that wait */
};

/* "NAME TYPE DATA" as in a zone file: A, AAAA, MX, PTR, CNAME, TXT ("..." with \DDD); TIMEOUT. */
void zone_dns_add(struct zone_dns *z, struct bytes line);
void zone_dns_reset(struct zone_dns *z); /* to no data; nothing may wait */

/* Answers one of those that wait, whichever; false if none does. */
bool zone_dns_answer(struct zone_dns *z);

struct mailauth_dns zone_dns_way(struct zone_dns *z);

#endif
