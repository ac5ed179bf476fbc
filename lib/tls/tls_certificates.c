/* SPDX-License-Identifier: ISC */
/*
 * lib/tls/tls_certificates.c - certificates with keys that are elsewhere.
 *
 * Runs in:  all doors.
 * Trusts:   keyholder's octets, parsed by OpenSSL.
 */
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/x509.h>
#include <stdlib.h>

#include "tls_private.h"

struct tls_certificates *
tls_certificates_new(struct tls_server *server, uint32_t origin)
{
	struct tls_certificates *c = xcalloc(1, sizeof(*c));

	c->server = server;
	c->refs = 1;
	c->origin = origin;
	return c;
}

struct tls_certificates *
tls_certificates_ref(struct tls_certificates *c)
{
	c->refs++;
	return c;
}

void
tls_certificates_free(struct tls_certificates **cp)
{
	struct tls_certificates *c = *cp;

	*cp = NULL;
	if (c == NULL || --c->refs > 0)
		return;
	for (unsigned i = 0; i < c->count; i++) {
		X509_free(c->of[i].leaf);
		sk_X509_pop_free(c->of[i].rest, X509_free);
		EVP_PKEY_free(c->of[i].key);
	}
	free(c);
}

unsigned
tls_certificates_count(const struct tls_certificates *c)
{
	return c->count;
}

static X509 *
next_certificate(OSSL_LIB_CTX *lib, struct bytes *in)
{
	const unsigned char *p = in->p;
	X509 *x = X509_new_ex(lib, NULL);

	/* on failure d2i_X509() frees it and sets NULL */
	if (x != NULL && d2i_X509(&x, &p, (long)in->n) == NULL)
		return NULL;
	*in = bytes_skip(*in, (size_t)(p - in->p));
	return x;
}

static bool
is_ours(EVP_PKEY *public, struct remote_key *remote)
{
	char group[32] = "";

	remote->bits = EVP_PKEY_get_bits(public);
	remote->security_bits = EVP_PKEY_get_security_bits(public);
	remote->size = EVP_PKEY_get_size(public);
	remote->rsa = EVP_PKEY_is_a(public, "RSA");
	if (remote->size <= 0 || remote->size > TLS_SIGNATURE_MAX)
		return false;
	if (remote->rsa)
		return remote->bits >= 2048;
	return EVP_PKEY_is_a(public, "EC") &&
	       EVP_PKEY_get_group_name(public, group, sizeof(group), NULL) &&
	       (strcmp(group, "prime256v1") == 0 || strcmp(group, "secp384r1") == 0);
}

/* The public half, with a word about who has the private one. NULL: not ours. */
static EVP_PKEY *
make_key(struct tls_server *server, EVP_PKEY *public, struct remote_key *remote)
{
	OSSL_PARAM extra[2], *params = NULL, *all;
	EVP_PKEY_CTX *ctx;
	EVP_PKEY *key = NULL;

	if (!EVP_PKEY_todata(public, EVP_PKEY_PUBLIC_KEY, &params))
		return NULL;
	extra[0] = OSSL_PARAM_construct_octet_string(REMOTE_KEY_PARAM, remote, sizeof(*remote));
	extra[1] = OSSL_PARAM_construct_end();
	all = OSSL_PARAM_merge(params, extra);
	ctx = EVP_PKEY_CTX_new_from_name(
		server->lib, remote->rsa ? "RSA" : "EC", "provider=" REMOTE_PROVIDER);
	if (all == NULL || ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
		EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, all) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(all);
	OSSL_PARAM_free(params);
	return key;
}

static int
add_leaf(struct tls_certificates *c, const uint8_t *key_id, X509 *leaf)
{
	struct remote_key remote = { .server = c->server, .origin = c->origin };
	EVP_PKEY *public = leaf == NULL ? NULL : X509_get0_pubkey(leaf);

	if (public == NULL)
		return ERR_SYNTAX;
	if (!is_ours(public, &remote))
		return ERR_UNSUPPORTED;
	memcpy(remote.id, key_id, sizeof(remote.id));
	c->of[c->count].key = make_key(c->server, public, &remote);
	return c->of[c->count].key == NULL ? ERR_UNSUPPORTED : ERR_OK;
}

int
tls_certificates_add(
	struct tls_certificates *c, const uint8_t key_id[TLS_KEY_ID_SIZE], struct bytes chain)
{
	STACK_OF(X509) * rest;
	X509 *leaf, *x;
	int r;

	if (c->count == NITEMS(c->of))
		return ERR_LIMIT;
	rest = sk_X509_new_null();
	ASSERT(rest != NULL);
	leaf = next_certificate(c->server->lib, &chain);
	r = add_leaf(c, key_id, leaf);
	while (r == ERR_OK && chain.n > 0) {
		x = next_certificate(c->server->lib, &chain);
		if (x == NULL)
			r = ERR_SYNTAX;
		else
			ASSERT(sk_X509_push(rest, x) > 0);
	}
	ERR_clear_error();
	if (r == ERR_OK) {
		c->of[c->count].leaf = leaf;
		c->of[c->count++].rest = rest;
		return ERR_OK;
	}
	EVP_PKEY_free(c->of[c->count].key);
	c->of[c->count].key = NULL;
	X509_free(leaf);
	sk_X509_pop_free(rest, X509_free);
	return r;
}
