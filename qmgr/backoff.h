/* SPDX-License-Identifier: ISC */
/* qmgr/backoff.h - when a recipient is tried again. Pure. */
#ifndef RELAIS_QMGR_BACKOFF_H
#define RELAIS_QMGR_BACKOFF_H

#include <stdbool.h>
#include <stdint.h>

struct backoff {
	uint64_t min_s, max_s; /* shortest and longest wait */
	uint64_t lifetime_s;   /* a message older than this is given up */
};

/* As long again as it has waited already, within the limits: seconds since 1970. */
static inline uint64_t
backoff_next_s(const struct backoff *b, uint64_t arrival_s, uint64_t now_s)
{
	uint64_t wait = now_s > arrival_s ? now_s - arrival_s : 0;

	if (wait < b->min_s)
		wait = b->min_s;
	if (wait > b->max_s)
		wait = b->max_s;
	return now_s + wait;
}

/* What was in the way goes away in moments: 2, 4, 8 ... seconds, no longer than otherwise. */
static inline uint64_t
backoff_soon_s(const struct backoff *b, uint64_t arrival_s, uint64_t now_s, unsigned attempts)
{
	const uint64_t next = backoff_next_s(b, arrival_s, now_s);
	const uint64_t soon = now_s + ((uint64_t)2 << (attempts < 12 ? attempts : 12));

	return soon < next ? soon : next;
}

/* RFC 5321 sec. 4.5.4.1: after the attempt that failed now, is it time to give up? */
static inline bool
backoff_expired(const struct backoff *b, uint64_t arrival_s, uint64_t now_s)
{
	return now_s >= arrival_s && now_s - arrival_s >= b->lifetime_s;
}

#endif
