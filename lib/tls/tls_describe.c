/* SPDX-License-Identifier: ISC */
/*
 * lib/tls/tls_describe.c - what was agreed on: names for logs, and channel bindings.
 *
 * Sources: RFC 5929 (tls-unique, tls-server-end-point), RFC 9266 (tls-exporter).
 */
#include <openssl/x509.h>
#include <stdio.h>

#include "tls_private.h"

const char *
tls_protocol(const struct tls_stream *s)
{
	return SSL_get_version(s->ssl);
}

const char *
tls_cipher(const struct tls_stream *s)
{
	return SSL_get_cipher_name(s->ssl);
}

bool
tls_resumed(const struct tls_stream *s)
{
	return SSL_session_reused(s->ssl) == 1;
}

const char *
tls_server_name(const struct tls_stream *s)
{
	return s->name == NULL ? "" : s->name;
}

const char *
tls_describe(const struct tls_stream *s, char out[TLS_DESCRIPTION_SIZE])
{
	int of = 0, used = SSL_get_cipher_bits(s->ssl, &of);

	snprintf(out, TLS_DESCRIPTION_SIZE, "%s with cipher %s (%d/%d bits)", tls_protocol(s),
		tls_cipher(s), used, of);
	return out;
}

static bool
is_tls13(const struct tls_stream *s)
{
	return SSL_version(s->ssl) >= TLS1_3_VERSION;
}

/* Without the extended master secret (RFC 7627) two connections may have the same secrets. */
static bool
is_bound(const struct tls_stream *s)
{
	return is_tls13(s) || SSL_get_extms_support(s->ssl) == 1;
}

static size_t
exporter(const struct tls_stream *s, uint8_t *out)
{
	static const char label[] = "EXPORTER-Channel-Binding";

	if (!is_bound(s) || SSL_export_keying_material(s->ssl, out, 32, label, sizeof(label) - 1,
				    (const unsigned char *)"", 0, 1) != 1)
		return 0;
	return 32;
}

/* The hash of our certificate by the hash of its own signature; SHA-256 for older ones. */
static size_t
server_end_point(const struct tls_stream *s, uint8_t *out)
{
	const X509 *x = SSL_get_certificate(s->ssl);
	unsigned n = 0;
	int digest = NID_undef;

	if (x == NULL || tls_resumed(s))
		return 0;
	if (!OBJ_find_sigid_algs(X509_get_signature_nid(x), &digest, NULL) || digest == NID_md5 ||
		digest == NID_sha1 || digest == NID_undef)
		digest = NID_sha256;
	if (EVP_get_digestbynid(digest) == NULL ||
		EVP_MD_get_size(EVP_get_digestbynid(digest)) > TLS_BINDING_MAX ||
		X509_digest(x, EVP_get_digestbynid(digest), out, &n) != 1)
		return 0;
	return n;
}

/* The first Finished message: the client's, in a resumed session the server's. */
static size_t
unique(const struct tls_stream *s, uint8_t *out)
{
	size_t n;

	if (is_tls13(s) || !is_bound(s))
		return 0;
	n = tls_resumed(s) ? SSL_get_finished(s->ssl, out, TLS_BINDING_MAX)
			   : SSL_get_peer_finished(s->ssl, out, TLS_BINDING_MAX);
	return n <= TLS_BINDING_MAX ? n : 0;
}

int
tls_binding(const struct tls_stream *s, enum tls_binding binding, uint8_t out[TLS_BINDING_MAX],
	size_t *n)
{
	static size_t (*const makers[TLS_BINDINGS])(const struct tls_stream *, uint8_t *) = {
		[TLS_BINDING_EXPORTER] = exporter,
		[TLS_BINDING_SERVER_END_POINT] = server_end_point,
		[TLS_BINDING_UNIQUE] = unique,
	};

	*n = s->done ? makers[binding](s, out) : 0;
	return *n > 0 ? ERR_OK : ERR_UNSUPPORTED;
}
