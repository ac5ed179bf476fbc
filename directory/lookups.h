/* SPDX-License-Identifier: ISC */
/*
 * directory/lookups.h - look-ups in a database by threads, so that the event loop never waits.
 *
 * Each thread has a connection and its own view of all tables: the database first, then the
 * compiled files. The queue is bounded: when it is full the question is refused at once ("try
 * later"). Answers are kept for a short time, shared by all threads.
 *
 * Runs in:  directory: lookups_run() and the answers in the event loop's thread; work in any.
 */
#ifndef RELAIS_LOOKUPS_H
#define RELAIS_LOOKUPS_H

#include "tables.h"

struct lookups;

struct lookups_options {
	unsigned threads;   /* and connections */
	unsigned queue_max; /* questions that may wait */
	const char *folder; /* of the compiled tables */
	const char *conninfo;
	const char *queries[TABLE_KINDS]; /* NULL or "": only the files have this table */
	unsigned connect_timeout_ms, query_timeout_ms;
	size_t cache_entries; /* 0: none */
	uint64_t cache_ms;
};

/* In a thread: look up in t, leave what is found with arg; touch nothing else. */
typedef void lookup_work_fn(struct directory_tables *t, void *arg);
/* Then in the event loop's thread, from lookups_collect(). */
typedef void lookup_done_fn(void *arg);

/* Everything is copied. The threads are made by lookups_start(), inside the jail. Both: NULL
 * or ERR_RESOURCE if the system refuses. */
struct lookups *lookups_new(const struct lookups_options *options);
MUST_USE int lookups_start(struct lookups *l);

/* Waits for the questions under way; those that still wait are dropped: done() is called for
 * none of them. */
void lookups_free(struct lookups **l);

/* The options of t (not its maps) are copied and hold for what begins from now on. */
void lookups_configure(struct lookups *l, const struct directory_tables *t);

/* ERR_OK: done will be called; ERR_BUSY: too many wait, nothing is called. */
MUST_USE int lookups_run(struct lookups *l, lookup_work_fn *work, lookup_done_fn *done, void *arg);

/* Readable when lookups_collect() has something to do. It logs what the database's state is. */
int lookups_fd(const struct lookups *l);
void lookups_collect(struct lookups *l);

struct lookups_counters {
	uint64_t done, refused, failed; /* failed: the database gave an error */
	unsigned waiting;
};
struct lookups_counters lookups_counters(const struct lookups *l);

#endif
