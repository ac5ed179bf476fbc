/* SPDX-License-Identifier: ISC */
/*
 * directory/passwords.h - password checks in threads, so that no look-up ever waits for a hash.
 *
 * The queue is bounded: when it is full a check is refused at once ("try later"). Checks that
 * ledger trusts go first, and those it suspects may fill only a part of the queue, so that an
 * attack leaves room for everybody else. A cache of keyed digests of (account, line, password)
 * answers repeated right passwords; it never holds a password, and a changed line makes another
 * digest. A login that does not exist is checked against a dummy, so that it takes as long as a
 * wrong password.
 *
 * Runs in:  directory: passwords_check() and the answers in the event loop's thread; the
 *           threads see the line and the password, nothing else.
 */
#ifndef RELAIS_PASSWORDS_H
#define RELAIS_PASSWORDS_H

#include <stdint.h>

#include "account_words.h"

struct passwords;

enum password_result {
	PASSWORD_WRONG,
	PASSWORD_RIGHT,
	PASSWORD_LATER,   /* too many checks wait */
	PASSWORD_PENDING, /* done() will be called */
};

struct passwords_options {
	unsigned threads;   /* and one more, slower, for PASSWORD_LAST */
	unsigned queue_max; /* checks that may wait */
	unsigned cache_max; /* digests kept; 0: no cache */
	uint64_t cache_ms;  /* how long */
};

/* Whose check goes first, and how much of the queue they may fill. */
enum password_priority {
	PASSWORD_FIRST,
	PASSWORD_NORMAL, /* three quarters */
	PASSWORD_LAST,   /* a half */
	PASSWORD_PRIORITIES
};

struct password_question {
	struct bytes account; /* its key, or the login that was said */
	struct bytes line;    /* the account's line (account_words.h); empty: no such account */
	struct bytes password;
	enum password_priority priority;
};

struct password_answer {
	enum password_result result;
	bool cached;        /* RIGHT: was known, nothing was hashed */
	unsigned protocols; /* RIGHT: ACCOUNT_IMAP... that this password is good for */
	char app[ACCOUNT_APP_NAME_MAX + 1]; /* RIGHT: name of the app password; "": the main one */
};

/* Called from passwords_collect(). */
typedef void password_done_fn(void *arg, const struct password_answer *answer);

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
 * Check a password against the records of a line: app passwords, then the main one; of several
 * records for one password the first that isn't SCRAM's. What is not plain ASCII is tried as
 * SASLprep makes it, and as it came. Everything is copied. done is called later for
 * PASSWORD_PENDING, and only then; other results are in *now.
 */
enum password_result passwords_check(struct passwords *p, const struct password_question *q,
	password_done_fn *done, void *arg, struct password_answer *now);

struct passwords_counters {
	uint64_t checked, cached, refused;
	unsigned waiting;
};
struct passwords_counters passwords_counters(const struct passwords *p);

#endif
