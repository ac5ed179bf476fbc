/* SPDX-License-Identifier: ISC */
/*
 * lib/tls/tls_agreed.c - what two ends agreed on: words for logs, and channel bindings.
 *
 * Sources: RFC 5929 (tls-unique, tls-server-end-point), RFC 9266 (tls-exporter).
 */
#include "tls_agreed.h"

#include <openssl/x509.h>
#include <stdio.h>

const char *
tls_agreed_describe(const SSL *ssl, char out[TLS_DESCRIPTION_SIZE])
{
	int of = 0, used = SSL_get_cipher_bits(ssl, &of);

	snprintf(out, TLS_DESCRIPTION_SIZE, "%s with cipher %s (%d/%d bits)", SSL_get_version(ssl),
		SSL_get_cipher_name(ssl), used, of);
	return out;
}

static bool
is_tls13(const SSL *ssl)
{
	return SSL_version(ssl) >= TLS1_3_VERSION;
}

/* Without the extended master secret (RFC 7627) two connections may have the same secrets. */
static bool
is_bound(SSL *ssl)
{
	return is_tls13(ssl) || SSL_get_extms_support(ssl) == 1;
}

static size_t
exporter(SSL *ssl, uint8_t *out)
{
	static const char label[] = "EXPORTER-Channel-Binding";

	if (!is_bound(ssl) || SSL_export_keying_material(ssl, out, 32, label, sizeof(label) - 1,
				      (const unsigned char *)"", 0, 1) != 1)
		return 0;
	return 32;
}

/* The hash of the certificate by the hash of its own signature; SHA-256 for older ones. */
static size_t
server_end_point(const X509 *x, uint8_t *out)
{
	unsigned n = 0;
	int digest = NID_undef;

	if (x == NULL)
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
unique(SSL *ssl, bool ours_first, uint8_t *out)
{
	size_t n;

	if (is_tls13(ssl) || !is_bound(ssl))
		return 0;
	n = ours_first ? SSL_get_finished(ssl, out, TLS_BINDING_MAX)
		       : SSL_get_peer_finished(ssl, out, TLS_BINDING_MAX);
	return n <= TLS_BINDING_MAX ? n : 0;
}

size_t
tls_agreed_binding(SSL *ssl, enum tls_binding binding, const X509 *certificate, bool ours_first,
	uint8_t out[TLS_BINDING_MAX])
{
	switch (binding) {
	case TLS_BINDING_EXPORTER:
		return exporter(ssl, out);
	case TLS_BINDING_SERVER_END_POINT:
		return server_end_point(certificate, out);
	case TLS_BINDING_UNIQUE:
		return unique(ssl, ours_first, out);
	default:
		return 0;
	}
}
