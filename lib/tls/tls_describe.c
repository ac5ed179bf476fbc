/* SPDX-License-Identifier: ISC */
/* lib/tls/tls_describe.c - what a door and its client agreed on. */
#include "tls_agreed.h"
#include "tls_private.h"

const char *
tls_protocol(const struct tls_stream *s)
{
	return SSL_get_version(s->io.ssl);
}

const char *
tls_cipher(const struct tls_stream *s)
{
	return SSL_get_cipher_name(s->io.ssl);
}

bool
tls_resumed(const struct tls_stream *s)
{
	return SSL_session_reused(s->io.ssl) == 1;
}

const char *
tls_server_name(const struct tls_stream *s)
{
	return s->name == NULL ? "" : s->name;
}

const char *
tls_describe(const struct tls_stream *s, char out[TLS_DESCRIPTION_SIZE])
{
	return tls_agreed_describe(s->io.ssl, out);
}

int
tls_binding(const struct tls_stream *s, enum tls_binding binding, uint8_t out[TLS_BINDING_MAX],
	size_t *n)
{
	const bool resumed = tls_resumed(s);

	*n = 0;
	if (s->io.done)
		*n = tls_agreed_binding(s->io.ssl, binding,
			resumed ? NULL : SSL_get_certificate(s->io.ssl), resumed, out);
	return *n > 0 ? ERR_OK : ERR_UNSUPPORTED;
}
