/* SPDX-License-Identifier: ISC */
/*
 * mailauth/dkim_key.c - private keys of DKIM, by OpenSSL.
 *
 * Runs in:  mailauth-sign, dkim-keeper.
 * Trusts:   the keys given, but not that they are any.
 * Sources:  RFC 6376 sec. 3.3.3 and 3.6.1; RFC 8301 sec. 3.2; RFC 8463 sec. 4.2.
 */
#include "dkim_key_private.h"

#include <stdlib.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "dns_rdata.h"
#include "encode.h"

#define RSA_BITS_LEAST 1024
#define RSA_BITS_MOST  4096
#define ED25519_OCTETS 32

static const struct {
	const char *name;
	enum dkim_key_type type;
	int evp;
} types[] = {
	{ "rsa", DKIM_KEY_RSA, EVP_PKEY_RSA },
	{ "ed25519", DKIM_KEY_ED25519, EVP_PKEY_ED25519 },
};

const char *
dkim_key_type_name(enum dkim_key_type type)
{
	for (size_t i = 0; i < NITEMS(types); i++)
		if (types[i].type == type)
			return types[i].name;
	return "other";
}

int
dkim_key_type_parse(struct bytes word, enum dkim_key_type *out)
{
	for (size_t i = 0; i < NITEMS(types); i++)
		if (bytes_is_nocase(word, types[i].name)) {
			*out = types[i].type;
			return ERR_OK;
		}
	return ERR_SYNTAX;
}

int
dkim_key_generate(enum dkim_key_type type, struct buf *pem)
{
	EVP_PKEY *key = NULL;
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long n;
	int r = ERR_RESOURCE;

	if (type == DKIM_KEY_RSA)
		key = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)DKIM_KEY_RSA_BITS);
	else if (type == DKIM_KEY_ED25519)
		key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	else
		r = ERR_UNSUPPORTED;
	if (bio != NULL && key != NULL &&
		PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1 &&
		(n = BIO_get_mem_data(bio, &text)) > 0) {
		buf_put(pem, text, (size_t)n);
		OPENSSL_cleanse(text, (size_t)n);
		r = ERR_OK;
	}
	EVP_PKEY_free(key);
	BIO_free(bio);
	ERR_clear_error();
	return r;
}

static int
no_passphrase(char *out, int size, int writing, void *arg)
{
	UNUSED(out), UNUSED(size), UNUSED(writing), UNUSED(arg);
	return -1;
}

static EVP_PKEY *
parse_private(struct bytes text)
{
	BIO *bio = BIO_new_mem_buf(text.p, (int)text.n);
	EVP_PKEY *key = NULL;

	if (bio != NULL)
		key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
	if (key == NULL) {
		const unsigned char *der = text.p;

		key = d2i_AutoPrivateKey(NULL, &der, (long)text.n);
	}
	BIO_free(bio);
	ERR_clear_error();
	return key;
}

int
dkim_key_read(struct bytes text, struct dkim_key **out)
{
	struct dkim_key *key;
	EVP_PKEY *evp;
	int bits, id;

	if (text.n > DKIM_KEY_PEM_MAX)
		return ERR_LIMIT;
	evp = text.n == 0 ? NULL : parse_private(text);
	if (evp == NULL)
		return ERR_SYNTAX;
	id = EVP_PKEY_get_base_id(evp);
	bits = EVP_PKEY_get_bits(evp);
	if ((id != EVP_PKEY_RSA && id != EVP_PKEY_ED25519) ||
		(id == EVP_PKEY_RSA && (bits < RSA_BITS_LEAST || bits > RSA_BITS_MOST))) {
		EVP_PKEY_free(evp);
		return id == EVP_PKEY_RSA ? ERR_LIMIT : ERR_UNSUPPORTED;
	}
	key = xcalloc(1, sizeof(*key));
	key->evp = evp;
	key->type = id == EVP_PKEY_RSA ? DKIM_KEY_RSA : DKIM_KEY_ED25519;
	key->bits = id == EVP_PKEY_RSA ? (unsigned)bits : 8 * ED25519_OCTETS;
	*out = key;
	return ERR_OK;
}

void
dkim_key_free(struct dkim_key **key)
{
	if (*key != NULL)
		EVP_PKEY_free((*key)->evp);
	free(*key);
	*key = NULL;
}

enum dkim_key_type
dkim_key_type(const struct dkim_key *key)
{
	return key->type;
}

unsigned
dkim_key_bits(const struct dkim_key *key)
{
	return key->bits;
}

/* The octets that p= has: a SubjectPublicKeyInfo of RSA, the bare 32 octets of Ed25519. */
static void
put_public(const struct dkim_key *key, struct buf *out)
{
	unsigned char raw[ED25519_OCTETS], *der = NULL;
	size_t n = sizeof(raw);
	int len;

	if (key->type == DKIM_KEY_ED25519) {
		ASSERT(EVP_PKEY_get_raw_public_key(key->evp, raw, &n) == 1);
		buf_put(out, raw, n);
		return;
	}
	len = i2d_PUBKEY(key->evp, &der);
	ASSERT(len > 0);
	buf_put(out, der, (size_t)len);
	OPENSSL_free(der);
}

void
dkim_key_record(const struct dkim_key *key, struct buf *out)
{
	struct buf public = BUF_INIT;

	put_public(key, &public);
	buf_printf(out, "v=DKIM1; k=%s; h=sha256; p=", dkim_key_type_name(key->type));
	base64_encode(out, buf_bytes(&public));
	buf_free(&public);
}

bool
dkim_key_is_published(const struct dkim_key *key, struct bytes record)
{
	struct buf ours = BUF_INIT, theirs = BUF_INIT;
	struct dkim_key_record r;
	const char *why;
	bool same = false;

	if (dkim_key_record_parse(record, &r, &why) == ERR_OK && r.type == key->type && r.sha256 &&
		r.for_email && dkim_base64_decode(r.key, &theirs) == ERR_OK) {
		put_public(key, &ours);
		same = bytes_equal(buf_bytes(&ours), buf_bytes(&theirs));
	}
	buf_free(&ours);
	buf_free(&theirs);
	return same;
}

void
dkim_key_quote_strings(struct bytes text, struct buf *out)
{
	struct buf rdata = BUF_INIT;

	do {
		struct bytes string = bytes_head(text, 255);

		buf_put_u8(&rdata, (uint8_t)string.n);
		buf_put_bytes(&rdata, string);
		text = bytes_skip(text, string.n);
	} while (text.n > 0);
	dns_rdata_put_text(out, DNS_TYPE_TXT, buf_bytes(&rdata));
	buf_free(&rdata);
}
