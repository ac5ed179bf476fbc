/* SPDX-License-Identifier: ISC */
/*
 * lib/door/door_tls.h - TLS at a door: one for each process, between tls.h and keyholder.
 *
 * It keeps the link to keyholder, fetches certificates by server name when a client first asks
 * for them (a bounded cache), has handshakes signed, and takes the ticket keys that keyholder
 * pushes. A keyholder that dies, or is replaced because certificates changed, is noticed and
 * followed; a handshake under way waits for the new one a few seconds.
 *
 * A daemon that uses it needs FROM(SERVICE_KEYHOLDER) in its row's may_call, and its service in
 * keyholder's routes (TLS_DOORS in keyholder_msg.h).
 *
 *	run():      t = door_tls_new(d);
 *	STARTTLS:   if (!door_tls_ready(t)) 454; else after the 220 has left: drop all that was
 *		    received, s = door_tls_open(t, fd, wake, client); then as in tls.h
 *	implicit:   if (!door_tls_ready(t)) close; else the same at once
 *	stats():    door_tls_stats(t, out);
 *	stop():     all streams freed, then door_tls_free(&t);
 */
#ifndef RELAIS_DOOR_TLS_H
#define RELAIS_DOOR_TLS_H

#include "daemon.h"
#include "tls.h"

struct door_tls;

/* In run() (or start()). The link to keyholder is asked for at once. */
struct door_tls *door_tls_new(struct daemon *d);

/* NULL is fine; sets NULL. No stream may be left. */
void door_tls_free(struct door_tls **t);

/* true: keyholder is there and has a certificate, or was lost (or this process started) so
 * lately that handshakes wait for it. false: STARTTLS answers 454 (NO, -ERR), an implicit port
 * closes. Offer STARTTLS in either case. */
bool door_tls_ready(const struct door_tls *t);

/* tls_stream_new() with this door's server; see tls.h for wake. */
struct tls_stream *door_tls_open(struct door_tls *t, int fd, tls_wake_fn *wake, void *arg);

/* Counters: handshakes, resumed, failed, waiting for keyholder, certificates cached. */
void door_tls_stats(const struct door_tls *t, struct buf *out);

#endif
