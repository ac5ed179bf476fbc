/* SPDX-License-Identifier: ISC */
/* tests/unit/mailauth/dkim_craft.c - DKIM signatures of any kind, by RFC 6376 sec. 3.7. */
#include "dkim_craft.h"

#include <openssl/x509.h>
#include <stdlib.h>

#include "dkim_canon.h"
#include "dkim_key.h"
#include "dkim_tags.h"
#include "encode.h"

static void
put(void *arg, struct bytes octets)
{
	buf_put_bytes(arg, octets);
}

static void
put_field(struct buf *out, bool relaxed, const struct rfc5322_field *f)
{
	if (relaxed)
		dkim_canon_relaxed_field(f->name, f->value, out);
	else
		buf_put_bytes(out, bytes_head(f->raw, f->raw.n - 2));
	buf_put_str(out, "\r\n");
}

/* The last field of that name that is not used yet, sec. 5.4.2. */
static void
put_last(struct buf *out, bool relaxed, struct bytes header, struct bytes name, bool *used)
{
	struct rfc5322_field f, last;
	size_t i = 0, at = 0;
	bool found = false;

	for (; rfc5322_field_next(&header, &f); i++)
		if (!used[i] && bytes_equal_nocase(f.name, name)) {
			last = f;
			at = i;
			found = true;
		}
	if (!found)
		return;
	used[at] = true;
	put_field(out, relaxed, &last);
}

static void
put_body_hash(struct buf *out, struct bytes body, bool relaxed, struct bytes length)
{
	struct buf canonical = BUF_INIT;
	struct dkim_body_canon c;
	uint64_t n = UINT64_MAX;
	uint8_t hash[32];
	struct bytes text;

	dkim_body_canon_init(&c, relaxed, put, &canonical);
	dkim_body_canon_put(&c, body);
	dkim_body_canon_end(&c);
	if (length.n > 0)
		ASSERT(bytes_to_u64(length, UINT64_MAX, &n) == 0);
	text = bytes_head(buf_bytes(&canonical), n);
	ASSERT(EVP_Digest(text.p, text.n, hash, NULL, EVP_sha256(), NULL) == 1);
	base64_encode(out, bytes_make(hash, sizeof(hash)));
	buf_free(&canonical);
}

static void
put_b(struct buf *out, EVP_PKEY *key, struct bytes text)
{
	bool rsa = EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t hash[32], signature[1024];
	size_t n = sizeof(signature);

	if (!rsa) {
		ASSERT(EVP_Digest(text.p, text.n, hash, NULL, EVP_sha256(), NULL) == 1);
		text = bytes_make(hash, sizeof(hash));
	}
	ASSERT(EVP_DigestSignInit(ctx, NULL, rsa ? EVP_sha256() : NULL, NULL, key) == 1 &&
		EVP_DigestSign(ctx, signature, &n, text.p, text.n) == 1);
	EVP_MD_CTX_free(ctx);
	base64_encode(out, bytes_make(signature, n));
}

/* Without those in front. */
static void
put_without_blanks(struct buf *out, struct bytes b)
{
	while (b.n > 0 && (b.p[0] == ' ' || b.p[0] == '\t' || b.p[0] == '\r' || b.p[0] == '\n'))
		b = bytes_skip(b, 1);
	buf_put_bytes(out, b);
}

void
dkim_craft(struct buf *out, EVP_PKEY *key, const char *tags_text, struct bytes header,
	struct bytes body)
{
	const char *marker = strstr(tags_text, "%b");
	struct bytes head = bytes_from_str(tags_text), tail = BYTES_NONE, c, h, l, bh, name;
	struct buf field = BUF_INIT, text = BUF_INIT;
	struct rfc5322_field f;
	struct dkim_tags tags;
	bool *used = xcalloc(header.n + 1, sizeof(bool)), relaxed;

	if (dkim_tags_parse(bytes_from_str(tags_text), &tags) < 0)
		UNUSED(tags); /* it is read as far as it is a list */
	(void)dkim_tags_get(&tags, "c", &c);
	(void)dkim_tags_get(&tags, "h", &h);
	(void)dkim_tags_get(&tags, "l", &l);
	name = bytes_cut(&c, '/');
	relaxed = bytes_is(name, "relaxed");
	buf_put_str(&field, "DKIM-Signature: ");
	if (!dkim_tags_get(&tags, "bh", &bh)) {
		buf_put_str(&field, "bh=");
		put_body_hash(&field, body, bytes_is(c, "relaxed"), l);
		buf_put_str(&field, "; ");
	}
	if (marker != NULL) {
		head = bytes_head(head, (size_t)(marker - tags_text));
		tail = bytes_from_str(marker + 2);
	}
	buf_put_bytes(&field, head);
	if (marker == NULL)
		buf_put_str(&field, "; b=");
	buf_put_bytes(out, buf_bytes(&field));
	while (marker != NULL && strchr(" \t\r\n", buf_str(&field)[field.len - 1]) != NULL)
		buf_truncate(&field, field.len - 1);
	put_without_blanks(&field, tail);
	while (dkim_list_next(&h, &name))
		put_last(&text, relaxed, header, name, used);
	f.raw = buf_bytes(&field);
	f.name = bytes_head(f.raw, 14);
	f.value = bytes_skip(f.raw, 15);
	if (relaxed)
		dkim_canon_relaxed_field(f.name, f.value, &text);
	else
		buf_put_bytes(&text, f.raw);
	put_b(out, key, buf_bytes(&text));
	buf_put_bytes(out, tail);
	buf_put_str(out, "\r\n");
	buf_free(&field);
	buf_free(&text);
	free(used);
}

void
dkim_craft_public(struct buf *out, EVP_PKEY *key)
{
	unsigned char raw[32], *der = NULL;
	size_t n = sizeof(raw);

	if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA)
		n = (size_t)i2d_PUBKEY(key, &der);
	else
		ASSERT(EVP_PKEY_get_raw_public_key(key, raw, &n) == 1);
	base64_encode(out, bytes_make(der != NULL ? der : raw, n));
	OPENSSL_free(der);
}

void
dkim_craft_publish(struct zone_dns *zone, const char *name, struct bytes text)
{
	struct buf line = BUF_INIT;

	buf_printf(&line, "%s TXT ", name);
	dkim_key_quote_strings(text, &line);
	zone_dns_add(zone, buf_bytes(&line));
	buf_free(&line);
}

void
dkim_craft_publish_key(struct zone_dns *zone, const char *name, EVP_PKEY *key)
{
	const bool rsa = EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA;
	struct buf text = BUF_INIT;

	buf_printf(&text, "v=DKIM1; k=%s; p=", rsa ? "rsa" : "ed25519");
	dkim_craft_public(&text, key);
	dkim_craft_publish(zone, name, buf_bytes(&text));
	buf_free(&text);
}
