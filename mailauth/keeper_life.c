/* SPDX-License-Identifier: ISC */
/*
 * mailauth/keeper_life.c - the states of a DKIM key.
 *
 * Runs in:  dkim-keeper. Pure.
 * Sources:  RFC 6376 sec. 3.6.1 and app. C (keys that change).
 */
#include "keeper_life.h"

#define MISSING_MAX 2    /* definite answers until it counts as missing */
#define WAIT_MAX_S  3600 /* for a record's TTL: what has a longer one is new all the same */

static uint64_t
min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t
max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* The longer a record is not there, the rarer we look. */
static uint64_t
interval(const struct keeper_life *life, const struct keeper_times *times, uint64_t now_s)
{
	const uint64_t age = now_s > life->since_s ? now_s - life->since_s : 0;
	const uint64_t watch = max_u64(times->watch, times->check);

	return life->state == DKIM_PENDING || life->state == DKIM_PUBLISHED
		       ? min_u64(times->check + age / 20, watch)
		       : watch;
}

void
keeper_life_begin(
	struct keeper_life *life, const struct keeper_times *times, uint64_t now_s, uint64_t spread)
{
	keeper_life_clock(life, times, now_s);
	life->seen = KEEPER_UNKNOWN;
	life->missing = 0;
	life->checked_s = 0;
	life->look_s = now_s + 1 + spread % max_u64(interval(life, times, now_s), 1);
	if (life->state == DKIM_PUBLISHED)
		life->look_s = max_u64(life->look_s, life->since_s + WAIT_MAX_S);
}

void
keeper_life_clock(struct keeper_life *life, const struct keeper_times *times, uint64_t now_s)
{
	const uint64_t longest = max_u64(max_u64(times->watch, times->check), WAIT_MAX_S);

	if (life->since_s > now_s && life->created_s <= now_s)
		life->since_s = now_s;
	if (life->look_s > now_s + longest)
		life->look_s = now_s;
	life->checked_s = min_u64(life->checked_s, now_s);
}

void
keeper_life_enter(struct keeper_life *life, const struct keeper_times *times,
	enum dkim_key_state state, uint64_t now_s)
{
	life->state = state;
	life->since_s = now_s;
	life->missing = 0;
	life->look_s = now_s + interval(life, times, now_s);
}

static enum keeper_event
seen_ours(
	struct keeper_life *life, const struct keeper_times *times, uint64_t ttl_s, uint64_t now_s)
{
	if (life->state == DKIM_PENDING) {
		keeper_life_enter(life, times, DKIM_PUBLISHED, now_s);
		/* by then who has seen the name without it may have forgotten that */
		life->look_s = now_s + max_u64(times->check, min_u64(ttl_s + 1, WAIT_MAX_S));
		return KEEPER_CHANGES;
	}
	if (life->state == DKIM_PUBLISHED &&
		(now_s >= life->since_s + times->check || now_s < life->since_s)) {
		keeper_life_enter(life, times, DKIM_ACTIVE, now_s);
		return KEEPER_CHANGES;
	}
	return KEEPER_STAYS;
}

static enum keeper_event
seen_missing(struct keeper_life *life, const struct keeper_times *times, uint64_t now_s)
{
	life->missing++;
	switch (life->state) {
	case DKIM_PUBLISHED: /* some servers have it, some have not */
		keeper_life_enter(life, times, DKIM_PENDING, now_s);
		return KEEPER_CHANGES;
	case DKIM_ACTIVE:
		if (life->missing < MISSING_MAX) {
			life->look_s = now_s + times->check;
			return KEEPER_STAYS;
		}
		keeper_life_enter(life, times, DKIM_PENDING, now_s);
		return KEEPER_CHANGES;
	case DKIM_GONE:
		return life->missing >= MISSING_MAX ? KEEPER_FORGET : KEEPER_STAYS;
	default:
		return KEEPER_STAYS;
	}
}

enum keeper_event
keeper_life_seen(struct keeper_life *life, const struct keeper_times *times,
	enum keeper_sight sight, uint64_t ttl_s, uint64_t now_s)
{
	life->look_s = now_s + interval(life, times, now_s);
	if (sight == KEEPER_UNKNOWN) {
		life->look_s = now_s + times->check;
		return KEEPER_STAYS;
	}
	life->seen = sight;
	life->checked_s = now_s;
	if (sight != KEEPER_OURS)
		return seen_missing(life, times, now_s);
	life->missing = 0;
	return seen_ours(life, times, ttl_s, now_s);
}

enum keeper_event
keeper_life_tick(struct keeper_life *life, const struct keeper_times *times, uint64_t now_s)
{
	if (life->state != DKIM_RETIRING || life->checked_s == 0 ||
		now_s < life->since_s + times->retire)
		return KEEPER_STAYS;
	keeper_life_enter(life, times, DKIM_GONE, now_s);
	return KEEPER_CHANGES;
}

bool
keeper_life_is_old(const struct keeper_life *life, const struct keeper_times *times, uint64_t now_s)
{
	return life->state == DKIM_ACTIVE && times->rotate > 0 && life->checked_s > 0 &&
	       now_s >= life->since_s + times->rotate;
}

bool
keeper_life_is_watched(const struct keeper_life *life)
{
	return life->state == DKIM_PENDING || life->state == DKIM_PUBLISHED || life->missing > 0;
}

uint64_t
keeper_life_next(const struct keeper_life *life, const struct keeper_times *times)
{
	switch (life->state) {
	case DKIM_PUBLISHED:
		return life->look_s;
	case DKIM_ACTIVE:
		return times->rotate > 0 ? life->since_s + times->rotate : 0;
	case DKIM_RETIRING:
		return life->since_s + times->retire;
	default:
		return 0;
	}
}
