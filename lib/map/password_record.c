/* SPDX-License-Identifier: ISC */
/*
 * lib/map/password_record.c - a table of schemes: how each is written and checked.
 *
 * Runs in:  directory's threads, the operator's command.
 * Trusts:   nothing of the password; of the record what its parser has checked.
 */
#include "password_record.h"

#include <argon2.h>
#include <crypt.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "encode.h"
#include "err.h"

#define PASSWORD_MAX       1024
#define CRYPT_PASSWORD_MAX 512        /* CRYPT_MAX_PASSPHRASE_SIZE */
#define CRYPT_RECORD_MAX   384        /* CRYPT_OUTPUT_SIZE */
#define ARGON2_MEMORY_MAX  (1u << 20) /* KiB */
#define ARGON2_TIME_MAX    1000u
#define PBKDF2_ROUNDS_MAX  10000000u
#define PBKDF2_SIZE        20 /* Dovecot's is of SHA-1 */

struct scheme;

/* data: what stands behind {SCHEME}, decoded. */
typedef bool verify_fn(const struct scheme *s, struct bytes data, struct bytes password);
typedef bool check_fn(const struct scheme *s, struct bytes data);

enum encoding {
	ENCODING_NONE,
	ENCODING_BASE64,
	ENCODING_HEX
};

#define WEAK 1u

struct scheme {
	const char *name;
	enum encoding encoding;
	check_fn *check;
	verify_fn *verify;
	const EVP_MD *(*md)(void); /* of digests */
	bool salted;               /* digests: a salt follows */
	unsigned flags;
	const char *prefix; /* crypt(5): what data begins with; NULL: anything */
};

static char *
to_text(struct bytes b, char *out, size_t size)
{
	ASSERT(b.n < size);
	if (b.n > 0)
		memcpy(out, b.p, b.n);
	out[b.n] = 0;
	return out;
}

static bool
same(const void *a, const void *b, size_t n)
{
	return CRYPTO_memcmp(a, b, n) == 0;
}

/* ---- crypt(3) ---- */

static bool
crypt_check(const struct scheme *s, struct bytes data)
{
	/* DES has 13; what "$...$" means is libcrypt's matter */
	if (data.n < (data.n > 0 && data.p[0] == '$' ? 4 : 13) || data.n >= CRYPT_RECORD_MAX ||
		data.p[0] == '*')
		return false;
	for (size_t i = 0; i < data.n; i++)
		if (data.p[i] <= ' ' || data.p[i] > '~')
			return false;
	return s->prefix == NULL || bytes_starts_with(data, bytes_from_str(s->prefix));
}

static bool
crypt_verify(const struct scheme *s, struct bytes data, struct bytes password)
{
	char record[CRYPT_RECORD_MAX], text[CRYPT_PASSWORD_MAX];
	struct crypt_data *memory;
	const char *out;
	bool right;

	UNUSED(s);
	/* a NUL would end the password early for crypt(3) */
	if (password.n >= CRYPT_PASSWORD_MAX || bytes_find(password, 0) != BYTES_NOT_FOUND)
		return false;
	to_text(data, record, sizeof(record));
	to_text(password, text, sizeof(text));
	memory = xcalloc(1, sizeof(*memory));
	out = crypt_rn(text, record, memory, sizeof(*memory));
	right = out != NULL && strlen(out) == data.n && same(out, record, data.n);
	explicit_bzero(text, sizeof(text));
	explicit_bzero(memory, sizeof(*memory));
	free(memory);
	return right;
}

/* ---- the password itself ---- */

static bool
plain_check(const struct scheme *s, struct bytes data)
{
	UNUSED(s);
	return data.n > 0;
}

static bool
plain_verify(const struct scheme *s, struct bytes data, struct bytes password)
{
	uint8_t a[32], b[32];

	UNUSED(s);
	/* digests, so that the time says nothing of where they differ */
	scram_digest(SCRAM_HASH_SHA_256, data, a);
	scram_digest(SCRAM_HASH_SHA_256, password, b);
	return same(a, b, sizeof(a));
}

/* ---- digests, salted (digest, then salt) or not ---- */

static bool
digest_check(const struct scheme *s, struct bytes data)
{
	size_t n = (size_t)EVP_MD_get_size(s->md());

	return s->salted ? data.n > n && data.n <= n + 128 : data.n == n;
}

static bool
digest_verify(const struct scheme *s, struct bytes data, struct bytes password)
{
	size_t n = (size_t)EVP_MD_get_size(s->md());
	struct bytes salt = bytes_skip(data, n);
	uint8_t out[EVP_MAX_MD_SIZE];
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	ASSERT(ctx != NULL && EVP_DigestInit_ex(ctx, s->md(), NULL) == 1 &&
		EVP_DigestUpdate(ctx, password.p, password.n) == 1 &&
		EVP_DigestUpdate(ctx, salt.p, salt.n) == 1 &&
		EVP_DigestFinal_ex(ctx, out, NULL) == 1);
	EVP_MD_CTX_free(ctx);
	return same(out, data.p, n);
}

/* ---- Argon2: $argon2id$v=19$m=65536,t=3,p=1$SALT$HASH ---- */

/* The number behind "m=" and so on in the third or second word. */
static bool
argon2_parameter(struct bytes words, const char *name, uint64_t max, uint64_t *out)
{
	size_t at = bytes_search(words, bytes_from_str(name));
	size_t n = 0;

	if (at == BYTES_NOT_FOUND)
		return false;
	words = bytes_skip(words, at + strlen(name));
	while (n < words.n && ascii_is_digit(words.p[n]))
		n++;
	return bytes_to_u64(bytes_head(words, n), max, out) == ERR_OK && *out > 0;
}

static bool
argon2_check(const struct scheme *s, struct bytes data)
{
	uint64_t memory, passes, lanes;

	return data.n < CRYPT_RECORD_MAX && bytes_find(data, 0) == BYTES_NOT_FOUND &&
	       bytes_starts_with(data, bytes_from_str(s->prefix)) &&
	       argon2_parameter(data, "$m=", ARGON2_MEMORY_MAX, &memory) &&
	       argon2_parameter(data, ",t=", ARGON2_TIME_MAX, &passes) &&
	       argon2_parameter(data, ",p=", 64, &lanes);
}

static bool
argon2_verify_record(const struct scheme *s, struct bytes data, struct bytes password)
{
	char record[CRYPT_RECORD_MAX];
	argon2_type type = strcmp(s->prefix, "$argon2id$") == 0 ? Argon2_id : Argon2_i;

	to_text(data, record, sizeof(record));
	return argon2_verify(record, password.p, password.n, type) == ARGON2_OK;
}

/* ---- PBKDF2: $1$SALT$ROUNDS$HEX ---- */

struct pbkdf2 {
	struct bytes salt;
	uint64_t rounds;
	uint8_t key[PBKDF2_SIZE];
};

static bool
pbkdf2_parse(struct bytes data, struct pbkdf2 *out)
{
	struct buf key = BUF_INIT;
	struct bytes rounds;
	bool ok;

	if (!bytes_starts_with(data, BYTES_LITERAL("$1$")))
		return false;
	data = bytes_skip(data, 3);
	out->salt = bytes_cut(&data, '$');
	rounds = bytes_cut(&data, '$');
	ok = out->salt.n > 0 && out->salt.n <= 64 &&
	     bytes_to_u64(rounds, PBKDF2_ROUNDS_MAX, &out->rounds) == ERR_OK && out->rounds > 0 &&
	     hex_decode(&key, data) == ERR_OK && key.len == sizeof(out->key);
	if (ok)
		memcpy(out->key, buf_bytes(&key).p, sizeof(out->key));
	buf_free(&key);
	return ok;
}

static bool
pbkdf2_check(const struct scheme *s, struct bytes data)
{
	struct pbkdf2 p;

	UNUSED(s);
	return pbkdf2_parse(data, &p);
}

static bool
pbkdf2_verify(const struct scheme *s, struct bytes data, struct bytes password)
{
	uint8_t key[PBKDF2_SIZE];
	struct pbkdf2 p;

	UNUSED(s);
	if (!pbkdf2_parse(data, &p))
		return false;
	ASSERT(PKCS5_PBKDF2_HMAC((const char *)password.p, (int)password.n, p.salt.p, (int)p.salt.n,
		       (int)p.rounds, EVP_sha1(), sizeof(key), key) == 1);
	return same(key, p.key, sizeof(key));
}

/* ---- SCRAM ---- */

static enum scram_hash
scram_hash_of(const struct scheme *s)
{
	return s->md == EVP_sha1 ? SCRAM_HASH_SHA_1 : SCRAM_HASH_SHA_256;
}

static bool
scram_check(const struct scheme *s, struct bytes data)
{
	struct scram_record r;

	return scram_record_parse(scram_hash_of(s), data, &r) == ERR_OK;
}

static bool
scram_verify(const struct scheme *s, struct bytes data, struct bytes password)
{
	struct scram_record r, made;

	if (scram_record_parse(scram_hash_of(s), data, &r) < 0)
		return false;
	made = r;
	scram_record_derive(&made, password);
	return same(made.stored_key, r.stored_key, scram_key_size(r.hash));
}

/* ---- the table ---- */

#define CRYPT(name, flags, prefix)                                                                 \
	{                                                                                          \
		name, ENCODING_NONE, crypt_check, crypt_verify, NULL, false, flags, prefix         \
	}
#define DIGEST(name, encoding, md, salted, flags)                                                  \
	{                                                                                          \
		name, encoding, digest_check, digest_verify, md, salted, flags, NULL               \
	}
#define PLAIN(name)                                                                                \
	{                                                                                          \
		name, ENCODING_NONE, plain_check, plain_verify, NULL, false, WEAK, NULL            \
	}
#define SCRAM(name, md)                                                                            \
	{                                                                                          \
		name, ENCODING_NONE, scram_check, scram_verify, md, true, 0, NULL                  \
	}

static const struct scheme schemes[] = {
	CRYPT("YESCRYPT", 0, "$y$"),
	CRYPT("SHA512-CRYPT", 0, "$6$"),
	CRYPT("SHA256-CRYPT", 0, "$5$"),
	CRYPT("BLF-CRYPT", 0, "$2"),
	CRYPT("MD5-CRYPT", WEAK, "$1$"),
	CRYPT("MD5", WEAK, "$1$"),
	CRYPT("DES-CRYPT", WEAK, NULL),
	CRYPT("CRYPT", 0, NULL),
	{ "ARGON2I", ENCODING_NONE, argon2_check, argon2_verify_record, NULL, true, 0,
		"$argon2i$" },
	{ "ARGON2ID", ENCODING_NONE, argon2_check, argon2_verify_record, NULL, true, 0,
		"$argon2id$" },
	{ "PBKDF2", ENCODING_NONE, pbkdf2_check, pbkdf2_verify, NULL, true, 0, NULL },
	SCRAM("SCRAM-SHA-256", EVP_sha256),
	SCRAM("SCRAM-SHA-1", EVP_sha1),
	DIGEST("SSHA512", ENCODING_BASE64, EVP_sha512, true, 0),
	DIGEST("SSHA256", ENCODING_BASE64, EVP_sha256, true, 0),
	DIGEST("SSHA", ENCODING_BASE64, EVP_sha1, true, WEAK),
	DIGEST("SMD5", ENCODING_BASE64, EVP_md5, true, WEAK),
	DIGEST("SHA512", ENCODING_BASE64, EVP_sha512, false, WEAK),
	DIGEST("SHA256", ENCODING_BASE64, EVP_sha256, false, WEAK),
	DIGEST("SHA1", ENCODING_BASE64, EVP_sha1, false, WEAK),
	DIGEST("SHA", ENCODING_BASE64, EVP_sha1, false, WEAK),
	DIGEST("LDAP-MD5", ENCODING_BASE64, EVP_md5, false, WEAK),
	DIGEST("PLAIN-MD5", ENCODING_HEX, EVP_md5, false, WEAK),
	PLAIN("PLAIN"),
	PLAIN("CLEARTEXT"),
	PLAIN("CLEAR"),
};

static const struct scheme *
scheme_named(struct bytes name)
{
	for (size_t i = 0; i < NITEMS(schemes); i++)
		if (bytes_is_nocase(name, schemes[i].name))
			return &schemes[i];
	return NULL;
}

/* What begins with "$": by what it begins with. */
static const struct scheme *
scheme_of_crypt(struct bytes record)
{
	for (size_t i = 0; i < NITEMS(schemes); i++)
		if (schemes[i].verify == crypt_verify && schemes[i].prefix != NULL &&
			bytes_starts_with(record, bytes_from_str(schemes[i].prefix)))
			return &schemes[i];
	return scheme_named(BYTES_LITERAL("CRYPT"));
}

static int
decode(enum encoding encoding, struct bytes in, struct buf *out)
{
	switch (encoding) {
	case ENCODING_BASE64:
		return base64_decode(out, in);
	case ENCODING_HEX:
		return hex_decode(out, in);
	default:
		buf_put_bytes(out, in);
		return ERR_OK;
	}
}

/* Cut a record into its scheme and the decoded data behind it, which is put into data. */
static int
split(struct bytes record, const struct scheme **scheme, struct buf *data)
{
	struct bytes name, suffix;
	enum encoding encoding;

	if (record.n > PASSWORD_RECORD_MAX)
		return ERR_SYNTAX;
	if (record.n > 1 && record.p[0] == '$') {
		*scheme = scheme_of_crypt(record);
		buf_put_bytes(data, record);
		return ERR_OK;
	}
	if (record.n == 0 || record.p[0] != '{' || bytes_find(record, '}') == BYTES_NOT_FOUND)
		return ERR_SYNTAX;
	record = bytes_skip(record, 1);
	suffix = bytes_cut(&record, '}');
	name = bytes_cut(&suffix, '.');
	if ((*scheme = scheme_named(name)) == NULL)
		return ERR_UNSUPPORTED;
	encoding = (*scheme)->encoding;
	if (bytes_is_nocase(suffix, "b64") || bytes_is_nocase(suffix, "base64"))
		encoding = ENCODING_BASE64;
	else if (bytes_is_nocase(suffix, "hex"))
		encoding = ENCODING_HEX;
	else if (suffix.n > 0)
		return ERR_UNSUPPORTED;
	return decode(encoding, record, data);
}

static void
wipe(struct buf *b)
{
	if (b->data != NULL)
		explicit_bzero(b->data, b->cap);
	buf_free(b);
}

int
password_record_check(struct bytes record, const char **why)
{
	const struct scheme *s = NULL;
	struct buf data = BUF_INIT;
	int r;

	if (bytes_is(record, "*"))
		return ERR_OK;
	r = split(record, &s, &data);
	*why = "a password record is \"$y$...\" as crypt(5) has it, \"{SCHEME}...\", or \"*\"";
	if (r == ERR_UNSUPPORTED)
		*why = "this {SCHEME} of passwords is not known";
	if (r == ERR_OK && !s->check(s, buf_bytes(&data))) {
		*why = "the password record is not in the form of its scheme";
		r = ERR_SYNTAX;
	}
	wipe(&data);
	return r;
}

bool
password_record_verify(struct bytes record, struct bytes password)
{
	const struct scheme *s;
	struct buf data = BUF_INIT;
	bool right;

	if (password.n == 0 || password.n > PASSWORD_MAX)
		return false;
	right = split(record, &s, &data) == ERR_OK && s->check(s, buf_bytes(&data)) &&
		s->verify(s, buf_bytes(&data), password);
	wipe(&data);
	return right;
}

static const struct scheme *
scheme_of(struct bytes record)
{
	const struct scheme *s = NULL;
	struct buf data = BUF_INIT;

	if (split(record, &s, &data) < 0)
		s = NULL;
	wipe(&data);
	/* {CRYPT} says less than what follows */
	if (s != NULL && s->verify == crypt_verify && record.p[0] == '{') {
		struct bytes hash = bytes_skip(record, bytes_find(record, '}') + 1);

		if (s->prefix == NULL && hash.n > 0 && hash.p[0] == '$')
			s = scheme_of_crypt(hash);
	}
	return s;
}

bool
password_record_is_none(struct bytes record)
{
	return scheme_of(record) == NULL;
}

bool
password_record_is_weak(struct bytes record)
{
	const struct scheme *s = scheme_of(record);

	return s != NULL && (s->flags & WEAK) != 0;
}

const char *
password_record_scheme(struct bytes record)
{
	const struct scheme *s = scheme_of(record);

	return s == NULL ? "" : s->name;
}

bool
password_record_scram(struct bytes record, struct scram_record *out)
{
	const struct scheme *s;
	struct buf data = BUF_INIT;
	bool is;

	is = split(record, &s, &data) == ERR_OK && s->verify == scram_verify &&
	     scram_record_parse(scram_hash_of(s), buf_bytes(&data), out) == ERR_OK;
	wipe(&data);
	return is;
}
