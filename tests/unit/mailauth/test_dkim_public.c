/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/mailauth/test_dkim_public.c - public keys: read from what is published, verified with
 * again and again, more of them than are kept, and one that is held longer than all.
 */
#include "../base/cases.h"

#include <openssl/x509.h>

#include "dkim_public.h"
#include "random.h"

#define MANY 1200 /* more than twice as many as there are places */

static const struct bytes text = BYTES_LITERAL("from:a@example.org\r\n");

struct pair {
	enum dkim_key_type type;
	EVP_PKEY *own;
	struct buf published, signature; /* the octets of p=; of the text */
};

static void
publish(struct pair *p)
{
	uint8_t raw[32], *der = NULL;
	size_t n = sizeof(raw);
	int len;

	if (p->type == DKIM_KEY_ED25519) {
		assert_int_equal(EVP_PKEY_get_raw_public_key(p->own, raw, &n), 1);
		buf_put(&p->published, raw, n);
		return;
	}
	len = i2d_PUBKEY(p->own, &der);
	assert_true(len > 0);
	buf_put(&p->published, der, (size_t)len);
	OPENSSL_free(der);
}

static void
sign(struct pair *p)
{
	const bool rsa = p->type == DKIM_KEY_RSA;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t hash[32], octets[512];
	struct bytes what = text;
	size_t n = sizeof(octets);

	assert_int_equal(EVP_Digest(text.p, text.n, hash, NULL, EVP_sha256(), NULL), 1);
	if (!rsa)
		what = bytes_make(hash, sizeof(hash));
	assert_int_equal(EVP_DigestSignInit(ctx, NULL, rsa ? EVP_sha256() : NULL, NULL, p->own), 1);
	assert_int_equal(EVP_DigestSign(ctx, octets, &n, what.p, what.n), 1);
	buf_put(&p->signature, octets, n);
	EVP_MD_CTX_free(ctx);
}

static struct pair
pair_new(enum dkim_key_type type)
{
	struct pair p = { .type = type };

	p.own = type == DKIM_KEY_RSA ? EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048)
				     : EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	assert_non_null(p.own);
	publish(&p);
	sign(&p);
	return p;
}

static void
pair_free(struct pair *p)
{
	EVP_PKEY_free(p->own);
	buf_free(&p->published);
	buf_free(&p->signature);
}

static void
expect(struct dkim_public *key, const struct pair *p)
{
	struct buf wrong = BUF_INIT;

	assert_non_null(key);
	assert_int_equal(dkim_public_bits(key), p->type == DKIM_KEY_RSA ? 2048 : 256);
	assert_true(dkim_public_verify(key, text, buf_bytes(&p->signature)));
	assert_false(dkim_public_verify(key, bytes_skip(text, 1), buf_bytes(&p->signature)));
	assert_false(dkim_public_verify(key, text, BYTES_NONE));
	buf_put_bytes(&wrong, buf_bytes(&p->signature));
	assert_false(dkim_public_verify(key, text, bytes_head(buf_bytes(&wrong), wrong.len - 1)));
	wrong.data[wrong.start + wrong.len / 2] ^= 1;
	assert_false(dkim_public_verify(key, text, buf_bytes(&wrong)));
	buf_free(&wrong);
}

static void
again_and_again(void **state)
{
	struct dkim_public_keys *keys = dkim_public_keys_new();

	UNUSED(state);
	for (int type = 0; type < DKIM_KEY_TYPES; type++) {
		struct pair p = pair_new((enum dkim_key_type)type);
		struct dkim_public *first = dkim_public_get(keys, p.type, buf_bytes(&p.published));

		for (int i = 0; i < 3; i++) {
			struct dkim_public *key =
				dkim_public_get(keys, p.type, buf_bytes(&p.published));

			assert_ptr_equal(key, first);
			expect(key, &p);
			dkim_public_free(&key);
		}
		dkim_public_free(&first);
		pair_free(&p);
	}
	dkim_public_keys_free(&keys);
}

static void
held_longer_than_kept(void **state)
{
	struct dkim_public_keys *keys = dkim_public_keys_new();
	struct pair p = pair_new(DKIM_KEY_RSA), other = pair_new(DKIM_KEY_ED25519);
	struct dkim_public *held = dkim_public_get(keys, p.type, buf_bytes(&p.published)), *key;
	uint8_t octets[32];

	UNUSED(state);
	for (int i = 0; i < MANY; i++) {
		random_fill(octets, sizeof(octets));
		key = dkim_public_get(keys, DKIM_KEY_ED25519, bytes_make(octets, sizeof(octets)));
		if (key != NULL)
			assert_false(dkim_public_verify(key, text, buf_bytes(&other.signature)));
		dkim_public_free(&key);
	}
	key = dkim_public_get(keys, other.type, buf_bytes(&other.published));
	expect(key, &other);
	dkim_public_free(&key);
	dkim_public_keys_free(&keys);
	expect(held, &p);
	dkim_public_free(&held);
	pair_free(&p);
	pair_free(&other);
}

static void
no_keys(void **state)
{
	struct dkim_public_keys *keys = dkim_public_keys_new();
	struct pair p = pair_new(DKIM_KEY_RSA);
	const struct bytes der = buf_bytes(&p.published);

	UNUSED(state);
	assert_null(dkim_public_get(keys, DKIM_KEY_ED25519, der));
	assert_null(dkim_public_get(keys, DKIM_KEY_ED25519, bytes_head(der, 31)));
	assert_null(dkim_public_get(keys, DKIM_KEY_RSA, bytes_head(der, der.n - 1)));
	assert_null(dkim_public_get(keys, DKIM_KEY_RSA, bytes_head(der, 32)));
	assert_null(dkim_public_get(keys, DKIM_KEY_RSA, BYTES_NONE));
	assert_null(dkim_public_get(keys, DKIM_KEY_OTHER, der));
	pair_free(&p);
	dkim_public_keys_free(&keys);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(again_and_again),
		cmocka_unit_test(held_longer_than_kept),
		cmocka_unit_test(no_keys),
	};

	return cmocka_run_group_tests_name("mailauth/dkim_public", tests, NULL, NULL);
}
