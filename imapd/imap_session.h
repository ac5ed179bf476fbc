/* SPDX-License-Identifier: ISC */
/*
 * imapd/imap_session.h - the session half: what the spawner starts for one logged-in client.
 */
#ifndef RELAIS_IMAP_SESSION_H
#define RELAIS_IMAP_SESSION_H

#include "session_link.h"

/*
 * Serve the client until it leaves, then return (a session_run_fn). Called in the forked child,
 * jailed: "/" is the mailbox, the uid its owner's. start->first_reply goes out first.
 * SIGTERM and SESSION_EVENT_END mean: say BYE and leave. RFC 3501 sec. 5.4: a client that is
 * silent for 30 minutes is sent away.
 *
 * returns: the exit status, 0 also for a client that just went away
 */
int imap_session_run(const struct session_start *start);

#endif
