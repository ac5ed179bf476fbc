/* SPDX-License-Identifier: ISC */
/* lib/map/scram_record.c - RFC 5802 sec. 3 with OpenSSL's hashes. */
#include "scram_record.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "encode.h"
#include "err.h"

static const struct {
	size_t size;
	const EVP_MD *(*md)(void);
} hashes[SCRAM_HASHES] = {
	[SCRAM_HASH_SHA_1] = { 20, EVP_sha1 },
	[SCRAM_HASH_SHA_256] = { 32, EVP_sha256 },
};

size_t
scram_key_size(enum scram_hash hash)
{
	return hashes[hash].size;
}

/* One base64 word of 1 to max octets. */
static int
get_word(struct bytes text, uint8_t *out, size_t max, size_t *n)
{
	struct buf b = BUF_INIT;
	int r = ERR_SYNTAX;

	if (text.n <= 4 * max && base64_decode(&b, text) == ERR_OK && b.len > 0 && b.len <= max) {
		memcpy(out, buf_bytes(&b).p, b.len);
		*n = b.len;
		r = ERR_OK;
	}
	buf_free(&b);
	return r;
}

int
scram_record_parse(enum scram_hash hash, struct bytes text, struct scram_record *out)
{
	struct scram_record r = { .hash = hash };
	struct bytes iterations = bytes_cut(&text, ','), salt = bytes_cut(&text, ',');
	struct bytes stored = bytes_cut(&text, ',');
	size_t n1 = 0, n2 = 0;
	uint64_t n;

	if (bytes_to_u64(iterations, SCRAM_ITERATIONS_MAX, &n) < 0 || n == 0 ||
		get_word(salt, r.salt, sizeof(r.salt), &r.salt_size) < 0 ||
		get_word(stored, r.stored_key, scram_key_size(hash), &n1) < 0 ||
		get_word(text, r.server_key, scram_key_size(hash), &n2) < 0 ||
		n1 != scram_key_size(hash) || n2 != scram_key_size(hash))
		return ERR_SYNTAX;
	r.iterations = (uint32_t)n;
	*out = r;
	return ERR_OK;
}

void
scram_record_put(struct buf *out, const struct scram_record *r)
{
	size_t n = scram_key_size(r->hash);

	buf_printf(out, "%u,", r->iterations);
	base64_encode(out, bytes_make(r->salt, r->salt_size));
	buf_put_u8(out, ',');
	base64_encode(out, bytes_make(r->stored_key, n));
	buf_put_u8(out, ',');
	base64_encode(out, bytes_make(r->server_key, n));
}

void
scram_hmac(enum scram_hash hash, struct bytes key, struct bytes text, uint8_t *out)
{
	unsigned n = 0;

	ASSERT(HMAC(hashes[hash].md(), key.p, (int)key.n, text.p, text.n, out, &n) != NULL &&
		n == hashes[hash].size);
}

void
scram_digest(enum scram_hash hash, struct bytes text, uint8_t *out)
{
	ASSERT(EVP_Digest(text.p, text.n, out, NULL, hashes[hash].md(), NULL) == 1);
}

void
scram_record_derive(struct scram_record *r, struct bytes password)
{
	const size_t n = scram_key_size(r->hash);
	uint8_t salted[SCRAM_KEY_MAX], client_key[SCRAM_KEY_MAX];
	const char *p = password.n == 0 ? "" : (const char *)password.p;

	ASSERT(PKCS5_PBKDF2_HMAC(p, (int)password.n, r->salt, (int)r->salt_size, (int)r->iterations,
		       hashes[r->hash].md(), (int)n, salted) == 1);
	scram_hmac(r->hash, bytes_make(salted, n), BYTES_LITERAL("Client Key"), client_key);
	scram_digest(r->hash, bytes_make(client_key, n), r->stored_key);
	scram_hmac(r->hash, bytes_make(salted, n), BYTES_LITERAL("Server Key"), r->server_key);
	OPENSSL_cleanse(salted, sizeof(salted));
	OPENSSL_cleanse(client_key, sizeof(client_key));
}

bool
scram_proof_is_right(const struct scram_record *r, struct bytes auth_message, struct bytes proof)
{
	const size_t n = scram_key_size(r->hash);
	uint8_t client_key[SCRAM_KEY_MAX], stored_key[SCRAM_KEY_MAX];
	bool right;

	if (proof.n != n)
		return false;
	scram_hmac(r->hash, bytes_make(r->stored_key, n), auth_message, client_key);
	for (size_t i = 0; i < n; i++)
		client_key[i] ^= proof.p[i];
	scram_digest(r->hash, bytes_make(client_key, n), stored_key);
	right = CRYPTO_memcmp(stored_key, r->stored_key, n) == 0;
	OPENSSL_cleanse(client_key, sizeof(client_key));
	return right;
}
