/* SPDX-License-Identifier: ISC */
/* tests/unit/master/jail_attempts.h - what is tried in a jail, and the world outside of it. */
#ifndef RELAIS_TEST_JAIL_ATTEMPTS_H
#define RELAIS_TEST_JAIL_ATTEMPTS_H

#include <stdbool.h>
#include <stddef.h>

#define TEST_ID 64123 /* nobody in particular */

/* What the attempts need, made outside the jail before it is entered. */
struct outside {
	char folder[64], root[96], secret[96], unix_path[96];
	int tcp_port;
	int listener, unix_listener;
	int door, loose; /* as master hands them down: a listening socket; one not connected yet */
	const char *log_view; /* what the log says */
};
extern struct outside outside;

/* true: it was had */
struct attempt {
	const char *name;
	bool (*try)(void);
};
extern const struct attempt attempts[];
extern const size_t nattempts;

/* Setup and teardown of the group. */
int make_outside(void **state);
int remove_outside(void **state);

/* In the child, before the jail: a log, a listening socket of its own for each try, and one that
 * was never connected. */
void make_doors(void);

#endif
