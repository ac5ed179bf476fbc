/* SPDX-License-Identifier: ISC */
/* lib/tls/tls_agreed.h - what two ends agreed on, for a door's streams and for smtp-client's alike.
 */
#ifndef RELAIS_TLS_AGREED_H
#define RELAIS_TLS_AGREED_H

#include <openssl/ssl.h>

#include "tls.h"

/* As tls_describe(). */
const char *tls_agreed_describe(const SSL *ssl, char out[TLS_DESCRIPTION_SIZE]);

/*
 * A channel binding of a handshake that is done. certificate: the server's, NULL if none was shown
 * in this connection. ours_first: our Finished message was the first.
 * returns: octets in out; 0: there is none of that type
 */
size_t tls_agreed_binding(SSL *ssl, enum tls_binding binding, const X509 *certificate,
	bool ours_first, uint8_t out[TLS_BINDING_MAX]);

#endif
