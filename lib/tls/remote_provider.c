/* SPDX-License-Identifier: ISC */
/*
 * lib/tls/remote_provider.c - OpenSSL keys whose private half is in another process.
 *
 * A built-in provider with two key types (EC, RSA) and two signatures. A key is the public
 * half and a struct remote_key; signing hands the whole text to tls_sign_remotely(), which
 * pauses the handshake's job until the answer is there. Nothing private can be exported, for
 * there is nothing.
 *
 * Runs in:  all doors.
 * Sources:  provider(7), provider-keymgmt(7), provider-signature(7); RFC 8446 sec. 4.2.3.
 */
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <strings.h>

#include "tls_private.h"

/* ---- keys ---- */

struct key {
	unsigned refs;
	bool rsa;
	OSSL_PARAM *public; /* as EVP_PKEY_todata() gave it */
	struct remote_key remote;
	bool has_remote;
};

static void *
rsa_key_new(void *provctx)
{
	struct key *k = xcalloc(1, sizeof(*k));

	k->refs = 1;
	k->rsa = true;
	return k;
}

static void *
ec_key_new(void *provctx)
{
	struct key *k = rsa_key_new(provctx);

	k->rsa = false;
	return k;
}

static void
key_free(void *keydata)
{
	struct key *k = keydata;

	if (k == NULL || --k->refs > 0)
		return;
	OSSL_PARAM_free(k->public);
	free(k);
}

static int
key_has(const void *keydata, int selection)
{
	const struct key *k = keydata;

	return k != NULL && k->public != NULL &&
	       ((selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) == 0 || k->has_remote);
}

/* The parameter that tells public halves apart. */
static const OSSL_PARAM *
public_half(const struct key *k)
{
	return k->public == NULL
		       ? NULL
		       : OSSL_PARAM_locate_const(k->public,
				 k->rsa ? OSSL_PKEY_PARAM_RSA_N : OSSL_PKEY_PARAM_PUB_KEY);
}

static int
key_match(const void *one, const void *other, int selection)
{
	const OSSL_PARAM *a = public_half(one), *b = public_half(other);

	if ((selection & OSSL_KEYMGMT_SELECT_KEYPAIR) == 0)
		return 1;
	return a != NULL && b != NULL && a->data_size == b->data_size &&
	       memcmp(a->data, b->data, a->data_size) == 0;
}

static int
key_import(void *keydata, int selection, const OSSL_PARAM params[])
{
	struct key *k = keydata;
	const OSSL_PARAM *remote = OSSL_PARAM_locate_const(params, REMOTE_KEY_PARAM);

	if (k->public != NULL)
		return 0;
	if (remote != NULL) {
		if (remote->data_size != sizeof(k->remote))
			return 0;
		memcpy(&k->remote, remote->data, sizeof(k->remote));
		k->has_remote = true;
	}
	k->public = OSSL_PARAM_dup(params);
	return k->public != NULL && public_half(k) != NULL;
}

static int
key_export(void *keydata, int selection, OSSL_CALLBACK *give, void *arg)
{
	const struct key *k = keydata;

	if (k->public == NULL || (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0)
		return 0;
	return give(k->public, arg);
}

static const OSSL_PARAM rsa_types[] = { OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, NULL, 0),
	OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, NULL, 0), OSSL_PARAM_END };
static const OSSL_PARAM ec_types[] = { OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
	OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0), OSSL_PARAM_END };

static const OSSL_PARAM *
rsa_key_types(int selection)
{
	return rsa_types;
}

static const OSSL_PARAM *
ec_key_types(int selection)
{
	return ec_types;
}

static const OSSL_PARAM *
key_gettable(void *provctx)
{
	static const OSSL_PARAM gettable[] = { OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, NULL),
		OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, NULL),
		OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, NULL),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0), OSSL_PARAM_END };

	return gettable;
}

static int
set_int(OSSL_PARAM params[], const char *name, int value)
{
	OSSL_PARAM *p = OSSL_PARAM_locate(params, name);

	return p == NULL || OSSL_PARAM_set_int(p, value);
}

static int
key_get_params(void *keydata, OSSL_PARAM params[])
{
	const struct key *k = keydata;
	const OSSL_PARAM *group =
		k->public == NULL ? NULL
				  : OSSL_PARAM_locate_const(k->public, OSSL_PKEY_PARAM_GROUP_NAME);
	OSSL_PARAM *p = OSSL_PARAM_locate(params, OSSL_PKEY_PARAM_GROUP_NAME);

	if (p != NULL && (group == NULL || !OSSL_PARAM_set_utf8_string(p, group->data)))
		return 0;
	return set_int(params, OSSL_PKEY_PARAM_BITS, k->remote.bits) &&
	       set_int(params, OSSL_PKEY_PARAM_SECURITY_BITS, k->remote.security_bits) &&
	       set_int(params, OSSL_PKEY_PARAM_MAX_SIZE, k->remote.size);
}

/* Names that nobody else has, so that libcrypto finds ours at once. */
#define RSA_SIGNATURE "RELAIS-RSA"
#define EC_SIGNATURE  "RELAIS-ECDSA"

static const char *
rsa_operation_name(int operation)
{
	return operation == OSSL_OP_SIGNATURE ? RSA_SIGNATURE : NULL;
}

static const char *
ec_operation_name(int operation)
{
	return operation == OSSL_OP_SIGNATURE ? EC_SIGNATURE : NULL;
}

typedef void (*fn)(void);

#define KEY_FUNCTIONS(type)                                                                        \
	{ OSSL_FUNC_KEYMGMT_NEW, (fn)type##_key_new }, { OSSL_FUNC_KEYMGMT_FREE, (fn)key_free },   \
		{ OSSL_FUNC_KEYMGMT_HAS, (fn)key_has },                                            \
		{ OSSL_FUNC_KEYMGMT_MATCH, (fn)key_match },                                        \
		{ OSSL_FUNC_KEYMGMT_IMPORT, (fn)key_import },                                      \
		{ OSSL_FUNC_KEYMGMT_IMPORT_TYPES, (fn)type##_key_types },                          \
		{ OSSL_FUNC_KEYMGMT_EXPORT, (fn)key_export },                                      \
		{ OSSL_FUNC_KEYMGMT_EXPORT_TYPES, (fn)type##_key_types },                          \
		{ OSSL_FUNC_KEYMGMT_GET_PARAMS, (fn)key_get_params },                              \
		{ OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, (fn)key_gettable },                           \
		{ OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, (fn)type##_operation_name },             \
	{                                                                                          \
		0, NULL                                                                            \
	}

static const OSSL_DISPATCH rsa_key_functions[] = { KEY_FUNCTIONS(rsa) };
static const OSSL_DISPATCH ec_key_functions[] = { KEY_FUNCTIONS(ec) };

/* ---- signatures ---- */

struct signature {
	struct key *key;
	unsigned digest; /* 256, 384, 512; 0: none of ours */
	bool pss;
};

static void *
signature_new(void *provctx, const char *propq)
{
	return xcalloc(1, sizeof(struct signature));
}

static void
signature_free(void *ctx)
{
	struct signature *s = ctx;

	key_free(s->key);
	free(s);
}

static unsigned
digest_named(const char *name)
{
	static const struct {
		const char *name;
		unsigned digest;
	} rows[] = { { "SHA256", 256 }, { "SHA2-256", 256 }, { "SHA384", 384 }, { "SHA2-384", 384 },
		{ "SHA512", 512 }, { "SHA2-512", 512 } };

	for (size_t i = 0; name != NULL && i < NITEMS(rows); i++)
		if (strcasecmp(rows[i].name, name) == 0)
			return rows[i].digest;
	return 0;
}

static bool
is_pss(const OSSL_PARAM *p)
{
	int mode;

	if (p->data_type == OSSL_PARAM_UTF8_STRING)
		return strcasecmp(p->data, OSSL_PKEY_RSA_PAD_MODE_PSS) == 0;
	return OSSL_PARAM_get_int(p, &mode) && mode == RSA_PKCS1_PSS_PADDING;
}

static int
signature_set_params(void *ctx, const OSSL_PARAM params[])
{
	struct signature *s = ctx;
	const OSSL_PARAM *p;

	if (params == NULL)
		return 1;
	if ((p = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PAD_MODE)) != NULL)
		s->pss = is_pss(p);
	if ((p = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_DIGEST)) != NULL)
		s->digest = digest_named(p->data);
	/* salt and mask of PSS: TLS knows one way only, that of the scheme */
	return 1;
}

static const OSSL_PARAM *
signature_settable(void *ctx, void *provctx)
{
	static const OSSL_PARAM settable[] = { OSSL_PARAM_utf8_string(
						       OSSL_SIGNATURE_PARAM_DIGEST, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_MGF1_DIGEST, NULL, 0), OSSL_PARAM_END };

	return settable;
}

static int
signature_init(void *ctx, const char *mdname, void *keydata, const OSSL_PARAM params[])
{
	struct signature *s = ctx;
	struct key *k = keydata;

	if (k == NULL || !k->has_remote)
		return 0;
	k->refs++;
	key_free(s->key);
	s->key = k;
	s->digest = digest_named(mdname);
	s->pss = false;
	return signature_set_params(ctx, params);
}

static uint16_t
scheme_of(const struct signature *s)
{
	unsigned step = s->digest == 256 ? 0 : s->digest == 384 ? 1 : 2;

	if (s->digest == 0)
		return 0;
	if (!s->key->rsa)
		return (uint16_t)(0x0403 + step * 0x100);
	return (uint16_t)(s->pss ? 0x0804 + step : 0x0401 + step * 0x100);
}

static int
signature_sign(void *ctx, unsigned char *out, size_t *len, size_t max, const unsigned char *text,
	size_t text_len)
{
	struct signature *s = ctx;
	uint16_t scheme = scheme_of(s);

	if (scheme == 0)
		return 0;
	if (out == NULL) {
		*len = (size_t)s->key->remote.size;
		return 1;
	}
	*len = tls_sign_remotely(&s->key->remote, scheme, bytes_make(text, text_len), out, max);
	return *len > 0;
}

static const OSSL_DISPATCH signature_functions[] = {
	{ OSSL_FUNC_SIGNATURE_NEWCTX, (fn)signature_new },
	{ OSSL_FUNC_SIGNATURE_FREECTX, (fn)signature_free },
	{ OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, (fn)signature_init },
	{ OSSL_FUNC_SIGNATURE_DIGEST_SIGN, (fn)signature_sign },
	{ OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS, (fn)signature_set_params },
	{ OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, (fn)signature_settable },
	{ 0, NULL },
};

/* ---- the provider ---- */

#define PROPERTY "provider=" REMOTE_PROVIDER

static const OSSL_ALGORITHM keys[] = {
	{ "RSA:rsaEncryption:1.2.840.113549.1.1.1", PROPERTY, rsa_key_functions, "RSA, elsewhere" },
	{ "EC:id-ecPublicKey:1.2.840.10045.2.1", PROPERTY, ec_key_functions, "EC, elsewhere" },
	{ NULL, NULL, NULL, NULL },
};

static const OSSL_ALGORITHM signatures[] = {
	{ RSA_SIGNATURE, PROPERTY, signature_functions, "RSA, signed elsewhere" },
	{ EC_SIGNATURE, PROPERTY, signature_functions, "ECDSA, signed elsewhere" },
	{ NULL, NULL, NULL, NULL },
};

static const OSSL_ALGORITHM *
provider_query(void *provctx, int operation, int *no_cache)
{
	*no_cache = 0;
	return operation == OSSL_OP_KEYMGMT     ? keys
	       : operation == OSSL_OP_SIGNATURE ? signatures
						: NULL;
}

static const OSSL_DISPATCH provider_functions[] = {
	{ OSSL_FUNC_PROVIDER_QUERY_OPERATION, (fn)provider_query },
	{ 0, NULL },
};

int
remote_provider_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
	const OSSL_DISPATCH **out, void **provctx)
{
	*out = provider_functions;
	*provctx = NULL;
	return 1;
}
