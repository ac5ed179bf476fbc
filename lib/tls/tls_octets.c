/* SPDX-License-Identifier: ISC */
/*
 * lib/tls/tls_octets.c - octets over TLS, and what OpenSSL's results mean.
 *
 * Runs in:  all doors, smtp-client.
 * Trusts:   nothing from the peer.
 */
#include "tls_octets.h"

#include <limits.h>
#include <openssl/err.h>

/* After a call that failed for good: why, and what kind of error. */
static int
failed(struct tls_octets *o, int ssl_error)
{
	unsigned long code = ERR_peek_error();
	const char *text = code == 0 ? NULL : ERR_reason_error_string(code);

	o->broken = true;
	ERR_clear_error();
	if (ssl_error == SSL_ERROR_SSL && text != NULL) {
		o->why = text;
		return ERR_SYNTAX;
	}
	o->why = "lost connection";
	return ERR_PEER;
}

int
tls_octets_result(struct tls_octets *o, int r)
{
	int ssl_error = SSL_get_error(o->ssl, r);

	switch (ssl_error) {
	case SSL_ERROR_WANT_READ:
		return TLS_WANT_READ;
	case SSL_ERROR_WANT_WRITE:
		return TLS_WANT_WRITE;
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	default:
		return failed(o, ssl_error);
	}
}

int
tls_octets_read(struct tls_octets *o, void *p, size_t n)
{
	int r;

	if (o->broken)
		return ERR_PEER;
	ERR_clear_error();
	r = SSL_read(o->ssl, p, n > INT_MAX ? INT_MAX : (int)n);
	if (r <= 0)
		r = tls_octets_result(o, r);
	o->starved = r == TLS_WANT_READ;
	return r;
}

int
tls_octets_write(struct tls_octets *o, struct bytes b)
{
	int r;

	if (o->broken)
		return ERR_PEER;
	ERR_clear_error();
	r = SSL_write(o->ssl, b.p, b.n > INT_MAX ? INT_MAX : (int)b.n);
	if (r > 0)
		return r;
	r = tls_octets_result(o, r);
	return r == 0 ? ERR_PEER : r;
}

int
tls_octets_shutdown(struct tls_octets *o)
{
	int r;

	if (!o->done || o->broken || (SSL_get_shutdown(o->ssl) & SSL_SENT_SHUTDOWN) != 0)
		return ERR_OK;
	ERR_clear_error();
	r = SSL_shutdown(o->ssl);
	if (r >= 0)
		return ERR_OK;
	r = tls_octets_result(o, r);
	/* said, but the peer's word is not there: not waited for */
	return r == 0 || r == TLS_WANT_READ ? ERR_OK : r;
}

bool
tls_octets_pending(const struct tls_octets *o)
{
	return o->done && !o->broken && !o->starved && SSL_has_pending(o->ssl);
}
