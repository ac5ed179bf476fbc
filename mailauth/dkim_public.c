/* SPDX-License-Identifier: ISC */
/*
 * mailauth/dkim_public.c - public keys of DKIM, read once.
 *
 * OpenSSL 3 takes five times as long to find out what kind of key some DER holds than to verify a
 * signature with it: it is told what we read ourselves, and keys are kept. Nothing of the DNS is
 * kept here, only the meaning of octets, so nothing can be out of date.
 *
 * Runs in:  mailauth-verify.
 * Trusts:   nothing of the octets.
 */
#include "dkim_public.h"

#include <stdlib.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>

#include "random.h"
#include "rsa_public.h"
#include "siphash.h"

#define SLOTS          512 /* some 5 KiB each */
#define ED25519_OCTETS 32

struct slot {
	enum dkim_key_type type;
	struct buf octets;
	EVP_PKEY *key; /* NULL: nothing is here */
	unsigned bits;
};

struct dkim_public_keys {
	struct siphash_key hash;
	struct slot slots[SLOTS];
};

struct dkim_public_keys *
dkim_public_new(void)
{
	struct dkim_public_keys *k = xcalloc(1, sizeof(*k));

	random_fill(&k->hash, sizeof(k->hash));
	return k;
}

static void
slot_clear(struct slot *s)
{
	EVP_PKEY_free(s->key);
	s->key = NULL;
	buf_clear(&s->octets);
}

void
dkim_public_free(struct dkim_public_keys **keys)
{
	for (size_t i = 0; *keys != NULL && i < SLOTS; i++) {
		slot_clear(&(*keys)->slots[i]);
		buf_free(&(*keys)->slots[i].octets);
	}
	free(*keys);
	*keys = NULL;
}

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

static EVP_PKEY *
make_key(enum dkim_key_type type, struct bytes octets, unsigned *bits)
{
	struct rsa_public numbers;

	if (type == DKIM_KEY_RSA && rsa_public_read(octets, &numbers) == ERR_OK) {
		*bits = numbers.bits;
		return make_rsa(&numbers);
	}
	if (type == DKIM_KEY_ED25519 && octets.n == ED25519_OCTETS) {
		*bits = 8 * ED25519_OCTETS;
		return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, octets.p, octets.n);
	}
	return NULL;
}

EVP_PKEY *
dkim_public_get(
	struct dkim_public_keys *keys, enum dkim_key_type type, struct bytes octets, unsigned *bits)
{
	struct slot *s = &keys->slots[(siphash(&keys->hash, octets) + type) % SLOTS];

	if (s->key == NULL || s->type != type || !bytes_equal(buf_bytes(&s->octets), octets)) {
		slot_clear(s);
		s->bits = 0;
		s->key = make_key(type, octets, &s->bits);
		ERR_clear_error();
		s->type = type;
		buf_put_bytes(&s->octets, octets);
	}
	*bits = s->key == NULL ? 0 : s->bits;
	return s->key;
}
