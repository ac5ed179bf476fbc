/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/smtpd/session_driver.h - a session with a directory and a queue made of rules,
 * fed with octets in pieces of any size. For table tests and the fuzzer.
 */
#ifndef RELAIS_SESSION_DRIVER_H
#define RELAIS_SESSION_DRIVER_H

#include "session.h"

struct driver {
	struct smtp_policy policy;
	struct smtp_session session;
	struct buf replies, content, log;
	struct smtp_out out;
	struct buf waiting;   /* octets the session has not used yet */
	struct buf stored;    /* content of the transaction under way */
	struct buf committed; /* each message: envelope as text, prefix, content */
	unsigned messages;
	int commit_error; /* what the queue says; ERR_OK: yes */
	int store_error;  /* what storing says */
};

void driver_init(struct driver *d);

/* The same as submission's: STARTTLS, AUTH, and what is done with headers. The driver's client
 * sends what follows STARTTLS after the handshake; its password is "good" (base64: Z29vZA==). */
void driver_init_submission(struct driver *d, smtp_header_fn *header);
void driver_free(struct driver *d);

/*
 * Feed octets in pieces of `piece`; 0: all at once. Recipients: "unknown@..." is 550,
 * "later@..." 451, anything else @example.org (or no domain) is taken, other domains are 554
 * relaying denied. Stops when the session wants to close.
 */
void driver_feed(struct driver *d, struct bytes in, size_t piece);

#endif
