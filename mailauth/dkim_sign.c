/* SPDX-License-Identifier: ISC */
/*
 * mailauth/dkim_sign.c - makes DKIM-Signature fields.
 *
 * By OpenSSL, and not by libopendkim: that leaks 550 octets per Ed25519 signature, parses each
 * private key again for each message and leaves copies of it in freed memory, and hashes the body
 * once per signature (docs/dkim.md has the figures). Tests have everything that is signed here
 * verified by libopendkim and by dkimpy.
 *
 * Runs in:  mailauth-sign.
 * Trusts:   its caller as to who may sign for whom. Nothing of the message.
 * Sources:  RFC 6376 sec. 3.5, 3.7, 5; RFC 8301; RFC 8463 sec. 3.
 */
#include "dkim_sign.h"

#include <stdlib.h>

#include <openssl/err.h>

#include "dkim_canon.h"
#include "dkim_key_private.h"
#include "encode.h"

#define HASH_OCTETS   32
#define SIGNATURE_MAX 512 /* octets: RSA with 4096 bits */
#define NAMES_MAX     100 /* in h=: verifiers have buffers of 4 KiB for it */
#define FOLD_AT       76

/* What is signed (sec. 5.4.1), and in which way it is oversigned (sec. 8.15). */
static const struct signed_field {
	const char *name;
	enum {
		ONCE_MORE,
		ONCE_MORE_IF_THERE,
		AS_IT_IS
	} how;
} signed_fields[] = {
	/* Another one would change what the reader sees or answers to. */
	{ "From", ONCE_MORE },
	{ "Reply-To", ONCE_MORE },
	{ "Subject", ONCE_MORE },
	{ "Date", ONCE_MORE },
	{ "To", ONCE_MORE },
	{ "Cc", ONCE_MORE },
	{ "Message-ID", ONCE_MORE },
	{ "MIME-Version", ONCE_MORE },
	{ "Content-Type", ONCE_MORE },
	{ "Content-Transfer-Encoding", ONCE_MORE },
	{ "Sender", ONCE_MORE_IF_THERE }, /* lists add it */
	{ "In-Reply-To", ONCE_MORE_IF_THERE },
	{ "References", ONCE_MORE_IF_THERE },
	{ "Content-Disposition", ONCE_MORE_IF_THERE },
	/* Lists add these in good faith. */
	{ "List-Id", ONCE_MORE_IF_THERE },
	{ "List-Help", ONCE_MORE_IF_THERE },
	{ "List-Unsubscribe", ONCE_MORE_IF_THERE },
	{ "List-Unsubscribe-Post", ONCE_MORE_IF_THERE }, /* RFC 8058 sec. 4 */
	{ "List-Subscribe", ONCE_MORE_IF_THERE },
	{ "List-Post", ONCE_MORE_IF_THERE },
	{ "List-Owner", ONCE_MORE_IF_THERE },
	{ "List-Archive", ONCE_MORE_IF_THERE },
	/* Who resends the message again puts his own block in front. */
	{ "Resent-From", AS_IT_IS },
	{ "Resent-To", AS_IT_IS },
	{ "Resent-Cc", AS_IT_IS },
	{ "Resent-Date", AS_IT_IS },
	{ "Resent-Message-ID", AS_IT_IS },
};

struct dkim_signing {
	size_t nkeys;
	struct {
		struct buf domain, selector; /* in lower case */
		const struct dkim_key *key;
	} keys[DKIM_SIGNING_KEYS_MAX];
	struct dkim_sign_options options;
	size_t nnames;
	const char *names[NAMES_MAX]; /* h=, in order */
	struct buf header;            /* the signed fields, canonical */
	struct dkim_body_canon body;
	EVP_MD_CTX *hash;
};

static void
hash_octets(void *arg, struct bytes octets)
{
	struct dkim_signing *s = arg;

	ASSERT(EVP_DigestUpdate(s->hash, octets.p, octets.n) == 1);
}

/* --- the header ------------------------------------------------------------------------ */

struct fields {
	size_t n;
	struct rfc5322_field *at;
};

static int
read_fields(struct bytes header, struct fields *out)
{
	struct rfc5322_field f;

	if (header.n > DKIM_HEADER_MAX)
		return ERR_LIMIT;
	*out = (struct fields){ 0, xmalloc(DKIM_FIELDS_MAX * sizeof(f)) };
	while (rfc5322_field_next(&header, &f)) {
		if (!dkim_is_field(&f))
			continue;
		if (out->n == DKIM_FIELDS_MAX) {
			free(out->at);
			return ERR_LIMIT;
		}
		out->at[out->n++] = f;
	}
	return ERR_OK;
}

static bool
add_name(struct dkim_signing *s, const char *name)
{
	if (s->nnames == NAMES_MAX)
		return false;
	s->names[s->nnames++] = name;
	return true;
}

/* All fields of one row, from the bottom of the header to its top, as they are signed (sec.
 * 5.4.2), and how often the name stands in h=. returns: how many there are, < 0 for too many */
static int
add_row(struct dkim_signing *s, const struct signed_field *row, const struct fields *fields)
{
	struct bytes name = bytes_from_str(row->name);
	int found = 0;

	for (size_t i = fields->n; i-- > 0;) {
		const struct rfc5322_field *f = &fields->at[i];

		if (!bytes_equal_nocase(f->name, name))
			continue;
		if (!add_name(s, row->name))
			return ERR_LIMIT;
		dkim_canon_relaxed_field(f->name, f->value, &s->header);
		buf_put_str(&s->header, "\r\n");
		found++;
	}
	if (row->how == ONCE_MORE || (row->how == ONCE_MORE_IF_THERE && found > 0))
		return add_name(s, row->name) ? found : ERR_LIMIT;
	return found;
}

static int
add_header(struct dkim_signing *s, struct bytes header)
{
	struct fields fields;
	int r = read_fields(header, &fields);

	if (r < 0)
		return r;
	for (size_t i = 0; r >= 0 && i < NITEMS(signed_fields); i++) {
		r = add_row(s, &signed_fields[i], &fields);
		if (i == 0 && r == 0)
			r = ERR_NOT_FOUND; /* no From */
	}
	free(fields.at);
	return r < 0 ? r : ERR_OK;
}

/* --- the work -------------------------------------------------------------------------- */

static void
put_lower(struct buf *out, struct bytes b)
{
	for (size_t i = 0; i < b.n; i++)
		buf_put_u8(out, ascii_lower(b.p[i]));
}

int
dkim_signing_new(const struct dkim_signing_key *keys, size_t nkeys, struct bytes header,
	const struct dkim_sign_options *options, struct dkim_signing **out)
{
	struct dkim_signing *s;
	int r;

	if (nkeys == 0 || nkeys > DKIM_SIGNING_KEYS_MAX)
		return ERR_LIMIT;
	if (header.n > 0 && (header.p[0] == ' ' || header.p[0] == '\t'))
		return ERR_SYNTAX;
	s = xcalloc(1, sizeof(*s));
	s->options = *options;
	s->nkeys = nkeys;
	for (size_t i = 0; i < nkeys; i++) {
		put_lower(&s->keys[i].domain, keys[i].domain);
		put_lower(&s->keys[i].selector, keys[i].selector);
		s->keys[i].key = keys[i].key;
	}
	s->hash = EVP_MD_CTX_new();
	ASSERT(s->hash != NULL && EVP_DigestInit_ex(s->hash, EVP_sha256(), NULL) == 1);
	dkim_body_canon_init(&s->body, true, hash_octets, s);
	r = add_header(s, header);
	if (r < 0)
		dkim_signing_free(&s);
	else
		*out = s;
	return r;
}

void
dkim_signing_body(struct dkim_signing *s, struct bytes piece)
{
	dkim_body_canon_put(&s->body, piece);
}

/* A word of a field's value, in a new line if this one gets too long; *column is kept. */
static void
put_word(struct buf *out, size_t *column, const char *word)
{
	size_t n = strlen(word);

	if (*column + n > FOLD_AT) {
		buf_put_str(out, "\r\n\t");
		*column = 8;
	}
	buf_put_str(out, word);
	*column += n;
}

/* The field up to "b=": all that is signed of it. */
static void
put_field(const struct dkim_signing *s, size_t which, const char *body_hash, struct buf *out)
{
	bool rsa = s->keys[which].key->type == DKIM_KEY_RSA;
	size_t column = 8;

	buf_printf(out, "DKIM-Signature: v=1; a=%s; c=relaxed/relaxed;\r\n\td=",
		dkim_algorithm_name(rsa ? DKIM_RSA_SHA256 : DKIM_ED25519_SHA256));
	buf_put_bytes(out, buf_bytes(&s->keys[which].domain));
	buf_put_str(out, "; s=");
	buf_put_bytes(out, buf_bytes(&s->keys[which].selector));
	buf_printf(out, "; t=%lld;", (long long)s->options.now);
	if (s->options.expire_secs > 0)
		buf_printf(out, " x=%lld;", (long long)s->options.now + s->options.expire_secs);
	buf_put_str(out, "\r\n\t");
	put_word(out, &column, "h=");
	for (size_t i = 0; i < s->nnames; i++) {
		put_word(out, &column, s->names[i]);
		put_word(out, &column, i + 1 < s->nnames ? ":" : ";");
	}
	buf_printf(out, "\r\n\tbh=%s;\r\n\tb=", body_hash);
}

/* RSA signs the text, Ed25519 the SHA-256 of it (RFC 8463 sec. 3). */
static bool
sign(const struct dkim_key *key, struct bytes text, uint8_t *out, size_t *n)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool rsa = key->type == DKIM_KEY_RSA;
	uint8_t hash[HASH_OCTETS];
	bool ok;

	ok = ctx != NULL &&
	     EVP_DigestSignInit(ctx, NULL, rsa ? EVP_sha256() : NULL, NULL, key->evp) == 1;
	if (ok && !rsa) {
		ok = EVP_Digest(text.p, text.n, hash, NULL, EVP_sha256(), NULL) == 1;
		text = bytes_make(hash, sizeof(hash));
	}
	ok = ok && EVP_DigestSign(ctx, out, n, text.p, text.n) == 1;
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return ok;
}

/* The signature as base64, folded. */
static void
put_signature(struct buf *out, struct bytes signature)
{
	struct buf text = BUF_INIT;
	struct bytes rest;

	base64_encode(&text, signature);
	rest = buf_bytes(&text);
	buf_put_bytes(out, bytes_head(rest, FOLD_AT - 10));
	for (rest = bytes_skip(rest, FOLD_AT - 10); rest.n > 0;
		rest = bytes_skip(rest, FOLD_AT - 8)) {
		buf_put_str(out, "\r\n\t");
		buf_put_bytes(out, bytes_head(rest, FOLD_AT - 8));
	}
	buf_put_str(out, "\r\n");
	buf_free(&text);
}

static bool
put_signed(const struct dkim_signing *s, size_t which, const char *body_hash, struct buf *out)
{
	struct buf text = BUF_INIT;
	size_t start = out->len, n = SIGNATURE_MAX;
	uint8_t signature[SIGNATURE_MAX];
	struct bytes field;
	bool ok;

	put_field(s, which, body_hash, out);
	buf_put_bytes(&text, buf_bytes(&s->header));
	field = bytes_skip(buf_bytes(out), start);
	dkim_canon_relaxed_field(
		bytes_head(field, 14), bytes_skip(field, 15), &text); /* "DKIM-Signature:" */
	ok = sign(s->keys[which].key, buf_bytes(&text), signature, &n);
	if (ok)
		put_signature(out, bytes_make(signature, n));
	buf_free(&text);
	return ok;
}

int
dkim_signing_end(struct dkim_signing *s, struct buf *fields)
{
	struct buf hash = BUF_INIT;
	size_t before = fields->len;
	uint8_t octets[HASH_OCTETS];
	bool ok = true;

	dkim_body_canon_end(&s->body);
	ASSERT(EVP_DigestFinal_ex(s->hash, octets, NULL) == 1);
	base64_encode(&hash, bytes_make(octets, sizeof(octets)));
	for (size_t i = 0; ok && i < s->nkeys; i++)
		ok = put_signed(s, i, buf_str(&hash), fields);
	buf_free(&hash);
	if (!ok)
		buf_truncate(fields, before);
	return ok ? ERR_OK : ERR_RESOURCE;
}

void
dkim_signing_free(struct dkim_signing **s)
{
	if (*s == NULL)
		return;
	for (size_t i = 0; i < (*s)->nkeys; i++) {
		buf_free(&(*s)->keys[i].domain);
		buf_free(&(*s)->keys[i].selector);
	}
	buf_free(&(*s)->header);
	EVP_MD_CTX_free((*s)->hash);
	free(*s);
	*s = NULL;
}
