/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/directory/doors_world.h - the real service, on real channels, between a ledger and
 * spawners that are played here; and the process at the other end of a channel, a door.
 */
#ifndef RELAIS_TESTS_DOORS_WORLD_H
#define RELAIS_TESTS_DOORS_WORLD_H

#include "conf.h"
#include "auth.h"
#include "directory_msg.h"

struct link;

struct world {
	struct daemon daemon;
	struct conf conf;
	char folder[64];
	struct directory *d;
	struct link *links[16];
	size_t nlinks;
	/* what ledger says */
	bool ledger_down;
	struct ledger_try_answer try;
	struct ledger_send_answer send;
	/* what it heard */
	unsigned tries, sends, told[LEDGER_TRIED_RESULTS];
	uint32_t recipients;
	char credential[64];
};

extern struct world *world; /* the running test's */

/* A test's own world, for cmocka. */
int doors_setup(void **arg);
int doors_teardown(void **arg);

struct door {
	struct ipc_channel *ours, *theirs;
	bool closed; /* directory broke off */
	unsigned asked, answered;
	struct buf body; /* of the last answer */
	uint16_t type;
	int err;
};

struct door *door_open(enum service service);
/* The process at the other end is gone. */
void door_close(struct door *door);
/* Whatever is due happens. */
void turn(void);
/* For an ipc_request() of the test's own; counted in `asked` by who waits for it. */
void on_answer(void *arg, const struct ipc_answer *answer);
void wait_for_answer(struct door *door);
/* Send what was composed, wait for the answer. */
void ask(struct door *door, uint16_t type);
/* The last answer; borrows from the door. */
struct directory_auth_answer auth_answer(struct door *door);
struct directory_auth_answer auth(struct door *door, enum directory_protocol protocol,
	uint64_t session, const char *login, const char *password);
/* A login at submission; its handle, in the octets given. */
struct bytes log_in(struct door *door, uint64_t session, uint8_t handle[DIRECTORY_HANDLE_SIZE]);

#endif
