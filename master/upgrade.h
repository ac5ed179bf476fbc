/* SPDX-License-Identifier: ISC */
/*
 * master/upgrade.h - one upgrade, from the question to the last process: what upgrade.c (the old
 * program) and renew.c (the new one) share.
 */
#ifndef RELAIS_UPGRADE_H
#define RELAIS_UPGRADE_H

#include "master.h"

enum upgrade_step {
	UPGRADE_CHECKING, /* the new master is asked whether it could */
	UPGRADE_LEAVING,  /* it can: what was sent leaves first */
	UPGRADE_TRIAL,    /* we are the new one: processes start beside those that serve */
	UPGRADE_SWITCH,   /* and take their places */
	UPGRADE_OWNERS,   /* those that must be alone, one after the other */
	UPGRADE_DONE,
	UPGRADE_FAILED
};

struct upgrade {
	enum upgrade_step step;
	struct buf story; /* for the operator, line by line */
	struct event *turn, *timer;
	uint64_t since_ms; /* of the step */

	/* upgrade.c */
	struct ipc_channel *asker; /* NULL: has left */
	uint32_t asker_id;
	bool yes_really; /* with a dangerous change of the configuration, too */
	pid_t checker;   /* 0: has ended */
	int checker_status;
	int left_fd; /* the handover that it reads */
	struct buf said;
	int said_fd; /* -1: at its end */
	struct event *said_event;

	/* renew.c */
	unsigned trials;     /* so many were started */
	unsigned phase;      /* stop_phase of the rows whose turn it is */
	unsigned waiting;    /* have not answered that they know */
	bool other_messages; /* old and new processes do not understand each other */
};

/* A fresh one in place of the last; turn: what runs when a child changed, and every second. */
struct upgrade *upgrade_new(struct master *m, enum upgrade_step step,
	void (*turn)(evutil_socket_t fd, short what, void *master));
void upgrade_enter(struct upgrade *u, enum upgrade_step step);

/* renew.c: right after take_over() */
void renew_begin(struct master *m);

#endif
