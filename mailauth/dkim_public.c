/* SPDX-License-Identifier: ISC */
/*
 * mailauth/dkim_public.c - public keys of DKIM, read once, by OpenSSL.
 *
 * OpenSSL 3 takes five times as long to find out what kind of key some DER holds than to verify a
 * signature with it: it is told what we read ourselves, and keys are kept. Nothing of the DNS is
 * kept here, only what octets mean, so nothing can be out of date.
 *
 * Runs in:  mailauth-verify.
 * Trusts:   nothing of the octets.
 */
#include "dkim_public.h"

#include <stdlib.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include "random.h"
#include "rsa_public.h"
#include "siphash.h"

#define SLOTS          512 /* some 6 KiB each */
#define ED25519_OCTETS 32
#define HASH_OCTETS    32 /* SHA-256 */

struct dkim_public {
	unsigned refs, bits;
	EVP_PKEY *key;
	EVP_PKEY_CTX *ready; /* of RSA: all is said but text and signature */
};

struct slot {
	enum dkim_key_type type;
	struct buf octets;
	struct dkim_public *key; /* NULL: nothing is here */
};

struct dkim_public_keys {
	struct siphash_key hash;
	struct slot slots[SLOTS];
};

/* --- one key ---------------------------------------------------------------------------- */

static EVP_PKEY *
make_rsa(const struct rsa_public *numbers)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	BIGNUM *n = BN_bin2bn(numbers->modulus.p, (int)numbers->modulus.n, NULL);
	BIGNUM *e = BN_bin2bn(numbers->exponent.p, (int)numbers->exponent.n, NULL);
	OSSL_PARAM *params = NULL;
	EVP_PKEY *key = NULL;

	if (builder != NULL && n != NULL && e != NULL &&
		OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
		OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e) == 1)
		params = OSSL_PARAM_BLD_to_param(builder);
	if (ctx == NULL || params == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
		EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		key = NULL;
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(builder);
	BN_free(n);
	BN_free(e);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

static bool
get_ready(struct dkim_public *k)
{
	k->ready = EVP_PKEY_CTX_new(k->key, NULL);
	return k->ready != NULL && EVP_PKEY_verify_init(k->ready) == 1 &&
	       EVP_PKEY_CTX_set_rsa_padding(k->ready, RSA_PKCS1_PADDING) == 1 &&
	       EVP_PKEY_CTX_set_signature_md(k->ready, EVP_sha256()) == 1;
}

static struct dkim_public *
key_new(enum dkim_key_type type, struct bytes octets)
{
	struct dkim_public *k = xcalloc(1, sizeof(*k));
	struct rsa_public numbers;

	k->refs = 1;
	if (type == DKIM_KEY_RSA && rsa_public_read(octets, &numbers) == ERR_OK) {
		k->bits = numbers.bits;
		k->key = make_rsa(&numbers);
	} else if (type == DKIM_KEY_ED25519 && octets.n == ED25519_OCTETS) {
		k->bits = 8 * ED25519_OCTETS;
		k->key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, octets.p, octets.n);
	}
	if (k->key == NULL || (type == DKIM_KEY_RSA && !get_ready(k)))
		dkim_public_free(&k);
	ERR_clear_error();
	return k;
}

void
dkim_public_free(struct dkim_public **key)
{
	struct dkim_public *k = *key;

	*key = NULL;
	if (k == NULL || --k->refs > 0)
		return;
	EVP_PKEY_CTX_free(k->ready);
	EVP_PKEY_free(k->key);
	free(k);
}

unsigned
dkim_public_bits(const struct dkim_public *key)
{
	return key->bits;
}

/* The hash is the message that is signed, in full, by RFC 8463 sec. 3. */
static bool
verify_ed25519(EVP_PKEY *key, struct bytes hash, struct bytes signature)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool same = ctx != NULL && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key) == 1 &&
		    EVP_DigestVerify(ctx, signature.p, signature.n, hash.p, hash.n) == 1;

	EVP_MD_CTX_free(ctx);
	return same;
}

bool
dkim_public_verify(const struct dkim_public *key, struct bytes text, struct bytes signature)
{
	uint8_t octets[HASH_OCTETS];
	const struct bytes hash = bytes_make(octets, sizeof(octets));
	bool same;

	ASSERT(EVP_Digest(text.p, text.n, octets, NULL, EVP_sha256(), NULL) == 1);
	same = key->ready == NULL
		       ? verify_ed25519(key->key, hash, signature)
		       : EVP_PKEY_verify(key->ready, signature.p, signature.n, hash.p, hash.n) == 1;
	ERR_clear_error();
	return same;
}

/* --- those that were read --------------------------------------------------------------- */

struct dkim_public_keys *
dkim_public_keys_new(void)
{
	struct dkim_public_keys *k = xcalloc(1, sizeof(*k));

	random_fill(&k->hash, sizeof(k->hash));
	return k;
}

void
dkim_public_keys_free(struct dkim_public_keys **keys)
{
	for (size_t i = 0; *keys != NULL && i < SLOTS; i++) {
		dkim_public_free(&(*keys)->slots[i].key);
		buf_free(&(*keys)->slots[i].octets);
	}
	free(*keys);
	*keys = NULL;
}

struct dkim_public *
dkim_public_get(struct dkim_public_keys *keys, enum dkim_key_type type, struct bytes octets)
{
	struct slot *s = &keys->slots[(siphash(&keys->hash, octets) + type) % SLOTS];

	if (s->key == NULL || s->type != type || !bytes_equal(buf_bytes(&s->octets), octets)) {
		struct dkim_public *k = key_new(type, octets);

		if (k == NULL)
			return NULL;
		dkim_public_free(&s->key);
		s->key = k;
		s->type = type;
		buf_clear(&s->octets);
		buf_put_bytes(&s->octets, octets);
	}
	s->key->refs++;
	return s->key;
}
