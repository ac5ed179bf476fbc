/* SPDX-License-Identifier: ISC */
/*
 * directory/passwords.h - password checks in threads, so that no look-up ever waits for a hash.
 *
 * The queue is bounded: when it is full a check is refused at once ("try later"). A cache of
 * keyed digests of (account, hash, password) answers repeated right passwords; it never holds
 * a password, and a changed hash makes another digest. A login that does not exist is checked
 * against a dummy, so that it takes as long as a wrong password.
 *
 * Runs in:  directory: passwords_check() and the answers in the event loop's thread; the
 *           threads see the hash and the password, nothing else.
 */
#ifndef RELAIS_PASSWORDS_H
#define RELAIS_PASSWORDS_H

#include <stdint.h>

#include "bytes.h"

struct passwords;

enum password_result {
	PASSWORD_WRONG,
	PASSWORD_RIGHT,
	PASSWORD_LATER,   /* too many checks wait */
	PASSWORD_PENDING, /* done() will be called */
};

struct passwords_options {
	unsigned threads;
	unsigned queue_max; /* checks that may wait */
	unsigned cache_max; /* digests kept; 0: no cache */
	uint64_t cache_ms;  /* how long */
};

/* Called from passwords_collect(). */
typedef void password_done_fn(void *arg, enum password_result result);

/* The threads are not yet there: passwords_start() makes them (inside the jail, so that they
 * are as locked in as everybody). Both: NULL or ERR_RESOURCE if the system refuses. */
struct passwords *passwords_new(const struct passwords_options *options);
MUST_USE int passwords_start(struct passwords *p);

/* Waits for the checks under way; those that still wait are dropped without an answer. */
void passwords_free(struct passwords **p);

/* Readable when passwords_collect() has something to do. */
int passwords_fd(const struct passwords *p);
void passwords_collect(struct passwords *p);

/*
 * Check a password against a crypt(5) hash; an empty hash stands for "no such account".
 * Everything is copied. done is called later for PASSWORD_PENDING, and only then.
 */
enum password_result passwords_check(struct passwords *p, struct bytes account, struct bytes hash,
	struct bytes password, password_done_fn *done, void *arg);

struct passwords_counters {
	uint64_t checked, cached, refused;
	unsigned waiting;
};
struct passwords_counters passwords_counters(const struct passwords *p);

#endif
