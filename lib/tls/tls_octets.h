/* SPDX-License-Identifier: ISC */
/*
 * lib/tls/tls_octets.h - the octets of one TLS connection, whichever end of it we are: what both
 * streams (tls_stream.c, tls_client.c) have in common. Private to lib/tls; results as in tls.h.
 */
#ifndef RELAIS_TLS_OCTETS_H
#define RELAIS_TLS_OCTETS_H

#include <openssl/ssl.h>

#include "tls.h"

struct tls_octets {
	SSL *ssl;
	const char *why; /* it is broken; else "" */
	bool done;       /* the handshake */
	bool broken;
	bool starved; /* the last read found nothing */
};

/* What r, a call's result that was not success, means: TLS_WANT_*, 0 (the peer ended the stream)
 * or an error, with why. */
int tls_octets_result(struct tls_octets *o, int r);

int tls_octets_read(struct tls_octets *o, void *p, size_t n);
int tls_octets_write(struct tls_octets *o, struct bytes b);
int tls_octets_shutdown(struct tls_octets *o);
bool tls_octets_pending(const struct tls_octets *o);

#endif
