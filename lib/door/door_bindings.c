/* SPDX-License-Identifier: ISC */
/*
 * lib/door/door_bindings.c - channel bindings of a TLS connection.
 *
 * Runs in:  submission, imap-login, pop3-login (smtpd asks, and offers nothing).
 * Sources:  RFC 5929, RFC 9266.
 */
#include "door_bindings.h"

#include "err.h"

_Static_assert(SASL_BINDING_MAX >= TLS_BINDING_MAX, "any channel binding fits");

bool
door_bindings(const struct tls_stream *s, uint8_t room[SASL_BINDINGS][SASL_BINDING_MAX],
	struct bytes out[SASL_BINDINGS])
{
	static const enum tls_binding of_tls[SASL_BINDINGS] = {
		[SASL_TLS_EXPORTER] = TLS_BINDING_EXPORTER,
		[SASL_TLS_UNIQUE] = TLS_BINDING_UNIQUE,
		[SASL_TLS_SERVER_END_POINT] = TLS_BINDING_SERVER_END_POINT,
	};
	bool any = false;

	for (size_t i = 0; i < SASL_BINDINGS; i++) {
		size_t n;

		out[i] = BYTES_NONE;
		if (s == NULL || tls_binding(s, of_tls[i], room[i], &n) < 0)
			continue;
		out[i] = bytes_make(room[i], n);
		any = true;
	}
	return any;
}
