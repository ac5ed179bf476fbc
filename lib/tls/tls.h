/* SPDX-License-Identifier: ISC */
/*
 * lib/tls/tls.h - TLS for doors: server side, over a non-blocking descriptor, without a key.
 *
 * A process has one struct tls_server (made by door_tls.h for daemons) and a struct tls_stream
 * for each connection that speaks TLS. The descriptor and its events stay the daemon's: a call
 * that cannot go on says what it waits for. Private keys are elsewhere: a handshake that needs
 * a signature or a certificate answers TLS_WANT_KEY, and the stream's wake function is called
 * when tls_handshake() can be called again. No call blocks.
 *
 * TLS 1.2 and 1.3, Mozilla's "intermediate" ciphers and groups, no renegotiation, no early data,
 * resumption by tickets only. ALPN is ignored.
 *
 * Usual form:
 *	r = tls_handshake(s);
 *	if (r == TLS_WANT_READ)		wait until the descriptor is readable, again
 *	else if (r == TLS_WANT_WRITE)	wait until it is writable, again
 *	else if (r == TLS_WANT_KEY)	wait for wake(arg), again; do not watch the descriptor
 *	else if (r < 0)			over: log tls_why(s), tls_stream_free(), close
 *	else				done: tls_read() until TLS_WANT_READ, tls_write(), ...
 */
#ifndef RELAIS_TLS_H
#define RELAIS_TLS_H

#include "buf.h"
#include "err.h"

/* Not errors (which are -100 and below): what to wait for before the same call is repeated. */
enum tls_want {
	TLS_WANT_READ = -1,
	TLS_WANT_WRITE = -2,
	TLS_WANT_KEY = -3, /* handshake only */
};

/* true: wait and repeat; false for results >= 0 and for errors */
static inline bool
tls_is_want(int r)
{
	return r < 0 && r >= TLS_WANT_KEY;
}

struct tls_server;
struct tls_stream;

typedef void tls_wake_fn(void *arg);

/*
 * A stream over fd, which stays the caller's and must stay open until tls_stream_free().
 * wake(arg) is called from the event loop, never from within a call of this header; at most
 * once for each TLS_WANT_KEY; never after tls_stream_free().
 */
struct tls_stream *tls_stream_new(struct tls_server *server, int fd, tls_wake_fn *wake, void *arg);

/* At any time, also while a signature is under way. Writes nothing: say tls_shutdown() before.
 * NULL is fine; sets NULL. */
void tls_stream_free(struct tls_stream **s);

/* ERR_OK: done; a TLS_WANT_*; ERR_PEER (the client left), ERR_SYNTAX (it speaks no TLS that we
 * speak), ERR_TIMEOUT, ERR_BUSY (no signature was to be had: a retry may help). */
MUST_USE int tls_handshake(struct tls_stream *s);

/*
 * Read up to n octets. returns: octets, > 0; 0: the client ended the stream (with or without
 * close_notify); TLS_WANT_READ; rarely TLS_WANT_WRITE; ERR_PEER, ERR_SYNTAX.
 * Octets that have arrived may wait inside, where the event loop does not see them: read until
 * TLS_WANT_READ, or ask tls_pending() before waiting for the descriptor.
 */
MUST_USE int tls_read(struct tls_stream *s, void *p, size_t n);
bool tls_pending(const struct tls_stream *s); /* tls_read() may give octets without waiting */

/*
 * Write up to b.n octets (> 0). returns: octets taken, > 0, maybe fewer than b.n; TLS_WANT_WRITE,
 * rarely TLS_WANT_READ; ERR_PEER. After TLS_WANT_* the next call must offer the same octets
 * first (from anywhere in memory; more may follow them).
 */
MUST_USE int tls_write(struct tls_stream *s, struct bytes b);

/* Say close_notify; the client's is not waited for. ERR_OK: said; TLS_WANT_WRITE; ERR_PEER. To be
 * said before a polite close. Fine before the end of the handshake (then it does nothing). */
MUST_USE int tls_shutdown(struct tls_stream *s);

/* Why the last call failed, for the log: "unsupported protocol", "sslv3 alert bad certificate",
 * "lost connection". Never NULL; borrowed until the next call for this stream. */
const char *tls_why(const struct tls_stream *s);

/* ---- once the handshake is done ---- */

const char *tls_protocol(const struct tls_stream *s); /* "TLSv1.3" */
const char *tls_cipher(const struct tls_stream *s);   /* "TLS_AES_256_GCM_SHA384" */
bool tls_resumed(const struct tls_stream *s);
/* The server name the client asked for, lower case; "" if none. */
const char *tls_server_name(const struct tls_stream *s);

/* "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)": the log line "Anonymous TLS
 * connection established from ..." and "(using ...)" of the Received field. */
#define TLS_DESCRIPTION_SIZE 128
const char *tls_describe(const struct tls_stream *s, char out[TLS_DESCRIPTION_SIZE]);

/* Channel bindings for SCRAM-*-PLUS. */
enum tls_binding {
	TLS_BINDING_EXPORTER,         /* "tls-exporter", RFC 9266: TLS 1.3, and 1.2 with EMS */
	TLS_BINDING_SERVER_END_POINT, /* "tls-server-end-point", RFC 5929 sec. 4 */
	TLS_BINDING_UNIQUE,           /* "tls-unique", RFC 5929 sec. 3: TLS 1.2 with EMS */
	TLS_BINDINGS
};
#define TLS_BINDING_MAX 64 /* octets of any of them */

/* ERR_OK with the data in out, *n octets; ERR_UNSUPPORTED: this connection has none of that
 * type. */
MUST_USE int tls_binding(const struct tls_stream *s, enum tls_binding binding,
	uint8_t out[TLS_BINDING_MAX], size_t *n);

#endif
