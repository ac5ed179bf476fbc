/* SPDX-License-Identifier: ISC */
/*
 * mailauth/keeper_life.h - the life of a DKIM key: in which state it is, and what changes that.
 * Pure: the time and what DNS said are arguments.
 *
 *	pending     made, its record has not been seen
 *	published   seen; signs nothing yet, for not every server may have the record
 *	active      seen again after the record's TTL: it signs
 *	retiring    signs nothing more; mail on its way still needs the record
 *	gone        the private key is erased; the record may be removed
 *
 * A key signs only while its record is visible: one whose record is definitely missing or another
 * key's, twice in a row, is pending again. What is not definite (no answer, SERVFAIL, bogus)
 * changes nothing.
 */
#ifndef RELAIS_KEEPER_LIFE_H
#define RELAIS_KEEPER_LIFE_H

#include "dkim_keeper_msg.h"

enum keeper_sight {
	KEEPER_OURS,    /* one record, and it publishes this key */
	KEEPER_NOTHING, /* there is no such record */
	KEEPER_OTHER,   /* a record that does not publish this key, or several */
	KEEPER_UNKNOWN, /* DNS could not tell */
	KEEPER_SIGHTS
};

/* Seconds. */
struct keeper_times {
	uint64_t check;  /* between looks at new keys' records */
	uint64_t watch;  /* between looks at those in use */
	uint64_t retire; /* how long retiring takes */
	uint64_t rotate; /* age of active keys; 0: never by itself */
};

struct keeper_life {
	enum dkim_key_state state;
	uint64_t created_s;
	uint64_t since_s; /* in this state */

	/* not kept on disk */
	uint64_t look_s;    /* when its record is to be looked at; 0: at once */
	uint64_t checked_s; /* the last definite answer; 0: none */
	enum keeper_sight seen;
	unsigned missing; /* definite answers in a row that it is not there */
};

enum keeper_event {
	KEEPER_STAYS,
	KEEPER_CHANGES, /* life->state is another one now */
	KEEPER_FORGET,  /* gone, and its record too */
};

/* A key as it begins, or as it was read from disk: when to look first. spread: any number; keys
 * read at one time are looked at over the whole interval. Of one that is published the TTL is not
 * known any more: it is looked at when the longest wait is over. */
void keeper_life_begin(struct keeper_life *life, const struct keeper_times *times, uint64_t now_s,
	uint64_t spread);

/* Before any of the others with a later time. A clock that was ahead left times in the future:
 * they are now. Not those of a key made in the future: there the clock may be behind, and all
 * keys would seem old once it is put right. */
void keeper_life_clock(struct keeper_life *life, const struct keeper_times *times, uint64_t now_s);

/* DNS answered; ttl_s: of the record (KEEPER_OURS). */
enum keeper_event keeper_life_seen(struct keeper_life *life, const struct keeper_times *times,
	enum keeper_sight sight, uint64_t ttl_s, uint64_t now_s);

/* Time passed. A key is erased for its age only after DNS gave a definite answer for it since we
 * started: a clock that is wrong at boot has been put right by then. */
enum keeper_event keeper_life_tick(
	struct keeper_life *life, const struct keeper_times *times, uint64_t now_s);

/* Another state, by order: a newer key is active, the operator wants it. */
void keeper_life_enter(struct keeper_life *life, const struct keeper_times *times,
	enum dkim_key_state state, uint64_t now_s);

/* An active key that is to be replaced; likewise only after an answer. */
bool keeper_life_is_old(
	const struct keeper_life *life, const struct keeper_times *times, uint64_t now_s);

/* The next look may change the state: what a cache remembers of the one before does not count. */
bool keeper_life_is_watched(const struct keeper_life *life);

/* When the state changes by itself if all goes well; 0: nobody knows. */
uint64_t keeper_life_next(const struct keeper_life *life, const struct keeper_times *times);

#endif
