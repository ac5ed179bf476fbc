/* SPDX-License-Identifier: ISC */
/*
 * qmgr/index.h - every message of the queue in about 160 octets of memory: found by id, in
 * the order of ids, and by when it is due. A million is a normal size.
 */
#ifndef RELAIS_QMGR_INDEX_H
#define RELAIS_QMGR_INDEX_H

#include <sys/queue.h>

#include "domains.h"
#include "journal.h"
#include "trigrams.h"

#define NOT_IN_HEAP UINT32_MAX

struct message;

enum entry_state {
	ENTRY_COMMITTING, /* not durable yet: nobody has promised anything */
	ENTRY_READY,      /* waits for its turn to be delivered */
	ENTRY_ACTIVE,     /* being delivered */
	ENTRY_DEFERRED,   /* in the heap until due_s */
	ENTRY_HELD,
	ENTRY_STATES
};

struct entry {
	uint64_t id;
	uint64_t size; /* octets of content, prefix included */
	uint32_t due_s;
	uint32_t heap_pos;
	uint32_t rcpts_left;
	uint16_t attempts;
	uint8_t state; /* enum entry_state; changed by index_enter() */
	uint8_t flags;
	struct journal_place place;      /* of its MESSAGE record, unless in_file */
	uint32_t login;                  /* hash of who sent it; 0: nobody was authenticated */
	uint32_t sender, rcpt;           /* of one not loaded: hashes, see filter.h */
	uint32_t from_domain, to_domain; /* numbers of domains */
	struct trigrams words;           /* of one not loaded: of its answers and next hops */
	uint32_t hop;                    /* number of the destination where it is parked, or 0 */
	struct message *msg;             /* NULL: not loaded */
	TAILQ_ENTRY(entry) link;         /* in journal order, or in the ready list */
};

enum entry_flag {
	ENTRY_IN_FILE = 1,  /* message/xx/ID has it */
	ENTRY_MOVING = 2,   /* its file is being made */
	ENTRY_LOGGED = 4,   /* "queue active" was logged for this turn */
	ENTRY_TRIED = 8,    /* a deliverer may have seen it before */
	ENTRY_LINKED = 16,  /* in the list of those that the journal holds */
	ENTRY_FLUSHED = 32, /* all its recipients are due, whatever their time */
	ENTRY_UNREAD = 64,  /* its file is there; what is in it nobody has looked at yet */
};

struct index_slot {
	uint64_t id;
	struct entry *entry; /* NULL: deleted, the slot goes at the next tidying */
};

struct index {
	struct index_slot *slots; /* sorted by id */
	size_t n, cap, live;
	size_t counts[ENTRY_STATES];
	struct entry **heap;
	size_t heap_n, heap_cap;
	struct domains domains; /* of those not loaded */
};

void index_free(struct index *x); /* entries too */

/* A new entry, all zero but id and heap_pos; NULL if the id is there already. */
struct entry *index_add(struct index *x, uint64_t id);
struct entry *index_find(const struct index *x, uint64_t id);
/* Forgets and frees it (out of the heap first). */
void index_remove(struct index *x, struct entry *e);

void index_enter(struct index *x, struct entry *e, enum entry_state s);

/* The first with an id > after, or NULL. */
struct entry *index_next(const struct index *x, uint64_t after);

/* For many at once (start): add in any order, then sort. */
struct entry *index_add_unsorted(struct index *x, uint64_t id);
void index_sort(struct index *x);

/* Due at due_s (moves it if it is in the heap already). */
void index_schedule(struct index *x, struct entry *e, uint32_t due_s);
void index_unschedule(struct index *x, struct entry *e);
/* The one due first, or NULL. */
struct entry *index_first_due(const struct index *x);

/* Octets of memory that it takes. */
size_t index_memory(const struct index *x);

#endif
