/* SPDX-License-Identifier: ISC */
/*
 * master/services.h - one table: every service, what it runs as, what it may do, whom it
 * may call. It is the security policy of the suite.
 */
#ifndef RELAIS_SERVICES_H
#define RELAIS_SERVICES_H

#include "conf.h"
#include "control_msg.h"

enum service_root {
	ROOT_EMPTY,
	ROOT_MAIL,
	ROOT_QUEUE,
	ROOT_DIRECTORY,
	ROOT_LEDGER,
	ROOT_DKIM,
	ROOT_OUTBOUND, /* empty but for sockets that an operator puts there */
	ROOT_COUNT
};

enum service_reload {
	RELOAD_REPLACE,  /* a new process starts, the old one finishes what it has */
	RELOAD_SUCCEED,  /* the same, but the old one serves until the new one does */
	RELOAD_IN_PLACE, /* told the new values */
};

/* One kind of listening socket of a service. */
enum door_kind {
	DOOR_PORTS, /* option: a list of addresses and ports; a socket for each process */
	DOOR_UNIX   /* option: yes or no; RUN/label, all processes share it */
};

#define SERVICE_DOORS_MAX 3

struct service_door {
	const char *label;  /* "imaps": what the process calls it; NULL: no more of them */
	const char *option; /* of the section */
	enum door_kind kind;
	const char *mode, *group; /* DOOR_UNIX: options that say who may connect; NULL: anybody */
};

struct service_row {
	enum service service;
	const char *section; /* its options; NULL: only the common ones */
	size_t user;         /* offset in struct common_conf of the user's name; USER_ROOT */
	enum service_root root;
	uint32_t sandbox;      /* SANDBOX_* */
	const char *connects;  /* string option of the section: not empty adds SANDBOX_CONNECT */
	uint32_t files_limit;  /* descriptors */
	uint64_t memory_limit; /* octets of private memory */
	const char *instances; /* option of the section that says how many; NULL: one;
				  "workers": the common option */
	struct service_door doors[SERVICE_DOORS_MAX];
	uint32_t may_call; /* FROM() set */
	enum service_reload reload;
	bool sole; /* owns what two processes cannot own: at an upgrade the new one starts when
		      the old one has gone */
	unsigned back_off_ms; /* the longest pause before it is started anew; 0: as most */
	uint64_t leave_ms;    /* how long a replaced process may finish what it has; 0: as most */
	unsigned stop_phase;  /* 0 stops first */
};

#define USER_ROOT   SIZE_MAX
#define STOP_PHASES 5

extern const struct service_row services[];
extern const size_t nservices;

/* Whom the operator's command may call. */
#define CLI_MAY_CALL                                                                               \
	(FROM(SERVICE_QMGR) | FROM(SERVICE_LEDGER) | FROM(SERVICE_DIRECTORY) |                     \
		FROM(SERVICE_KEYHOLDER) | FROM(SERVICE_RESOLVER) | FROM(SERVICE_VERIFIER) |        \
		FROM(SERVICE_DKIM_KEEPER) | FROM(SERVICE_DMARC_REPORTER) | FROM(SERVICE_METRICS))

const struct service_row *service_row(enum service s); /* NULL: no process of ours */

/* The value of an option that a row of the table names. */
const void *service_option(const struct conf *conf, const char *section, const char *name);

/* How many processes of it there are to be; cores: of this machine. */
unsigned service_instances(const struct service_row *row, const struct conf *conf, unsigned cores);

/* What it may do in its jail with this configuration. */
uint32_t service_sandbox(const struct service_row *row, const struct conf *conf);

/* Its root folder's path, written to out. */
void service_root_path(const struct service_row *row, const struct conf *conf, struct buf *out);

#endif
