/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/smtp-client/client_driver.h - a session with what it needs around it: a policy, a job,
 * its content, and the octets it says. For tests and fuzz targets.
 */
#ifndef RELAIS_TEST_CLIENT_DRIVER_H
#define RELAIS_TEST_CLIENT_DRIVER_H

#include "session.h"

struct client_driver {
	struct client_policy policy;
	struct client_job job;
	struct outbound_rcpt rcpts[OUTBOUND_RCPTS_MAX];
	struct bytes content;
	size_t chunk; /* content comes in pieces of this size; 0: inside the job */
	size_t stall; /* no more of it comes behind this many octets; 0: all comes */
	struct client_session *session;
	struct buf said; /* by the client, not yet looked at */
	struct buf results;
};

/* A policy and a job of n recipients that can be changed before driver_start(). */
void driver_init(struct client_driver *d, uint32_t n_rcpts);
void driver_start(struct client_driver *d); /* connected */
void driver_free(struct client_driver *d);

/* Give the job (again). */
void driver_job(struct client_driver *d);

/* Octets of the peer; then all that the session says and asks, but for TLS, results and jobs. */
void driver_feed(struct client_driver *d, struct bytes in);
void driver_settle(struct client_driver *d);

/* The result of the job as text, one line for the hop and one for each recipient; the job is
 * finished. */
void driver_take_result(struct client_driver *d);

const char *driver_want(const struct client_driver *d);

#endif
