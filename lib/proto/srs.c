/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/srs.c - Sender Rewriting Scheme, see the header.
 *
 * Runs in:  directory.
 * Trusts:   nothing: who sends chooses reverse-paths and recipients.
 */
#include "srs.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#define HASH_CHARS 6
#define DAY_CHARS  2
#define DAYS       1024 /* 32 * 32 */
#define TAG_SIZE   5    /* "SRS0=" */

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/* -1: not of the alphabet */
static int
base32_value(uint8_t c)
{
	c = ascii_upper(c);
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	return c >= '2' && c <= '7' ? c - '2' + 26 : -1;
}

static void
put_lower(struct buf *b, struct bytes in)
{
	for (size_t i = 0; i < in.n; i++)
		buf_put_u8(b, ascii_lower(in.p[i]));
	buf_put_u8(b, 0);
}

/* What is proven: kind ('0', '1'), then two parts; for SRS0 the stamp is in front of the domain
 * ("tt=example.net"). */
static void
make_hash(const uint8_t key[SRS_SECRET_SIZE], char kind, struct bytes first, struct bytes second,
	char out[HASH_CHARS])
{
	struct buf text = BUF_INIT;
	uint8_t mac[EVP_MAX_MD_SIZE];
	unsigned size = 0;
	uint32_t bits;

	buf_put_u8(&text, (uint8_t)kind);
	put_lower(&text, first);
	put_lower(&text, second);
	ASSERT(HMAC(EVP_sha256(), key, SRS_SECRET_SIZE, text.data, text.len, mac, &size) != NULL);
	buf_free(&text);
	bits = (uint32_t)mac[0] << 24 | (uint32_t)mac[1] << 16 | (uint32_t)mac[2] << 8 | mac[3];
	for (int i = 0; i < HASH_CHARS; i++, bits <<= 5)
		out[i] = alphabet[bits >> 27];
}

static bool
is_ours(const struct srs_secrets *secrets, struct bytes hash, char kind, struct bytes first,
	struct bytes second)
{
	char given[HASH_CHARS], right[HASH_CHARS];
	bool found = false;

	for (int i = 0; i < HASH_CHARS; i++)
		given[i] = (char)ascii_upper(hash.p[i]);
	for (size_t i = 0; i < secrets->n; i++) {
		make_hash(secrets->keys[i], kind, first, second, right);
		found |= CRYPTO_memcmp(given, right, sizeof(right)) == 0;
	}
	return found;
}

/* '0' or '1', and *rest is what follows "SRS0="; 0: neither. */
static char
cut_tag(struct bytes local, struct bytes *rest)
{
	if (local.n <= TAG_SIZE || local.n > SRS_LOCAL_MAX ||
		!bytes_starts_with_nocase(local, BYTES_LITERAL("SRS")) ||
		(local.p[3] != '0' && local.p[3] != '1') ||
		(local.p[4] != '=' && local.p[4] != '+' && local.p[4] != '-'))
		return 0;
	*rest = bytes_skip(local, TAG_SIZE);
	return (char)local.p[3];
}

/* Something that may be a domain: what else it is, is for whoever sends there. */
static bool
is_host(struct bytes host)
{
	if (host.n == 0 || host.n > 255)
		return false;
	for (size_t i = 0; i < host.n; i++)
		if (host.p[i] <= 0x20 || host.p[i] == '@' || host.p[i] == 0x7f)
			return false;
	return true;
}

/* *host and *path of what follows "SRS1=", "hash=host" and then "=hash=tt=...": the separator of
 * the SRS0 address stays with the path. hash may be anybody's. */
static bool
split_srs1(struct bytes rest, struct bytes *hash, struct bytes *host, struct bytes *path)
{
	if (bytes_find(rest, '=') == BYTES_NOT_FOUND)
		return false;
	*hash = bytes_cut(&rest, '=');
	if (bytes_find(rest, '=') == BYTES_NOT_FOUND)
		return false;
	*host = bytes_cut(&rest, '=');
	*path = rest;
	return is_host(*host) && path->n > 1 &&
	       (path->p[0] == '=' || path->p[0] == '+' || path->p[0] == '-');
}

/* hash "=" tt "=" domain "=" local */
static bool
split_srs0(struct bytes rest, struct bytes *hash, struct bytes *stamped, struct bytes *domain,
	struct bytes *local)
{
	struct bytes all;

	*hash = bytes_cut(&rest, '=');
	all = rest;
	if (hash->n != HASH_CHARS || rest.n < DAY_CHARS + 1 || rest.p[DAY_CHARS] != '=' ||
		base32_value(rest.p[0]) < 0 || base32_value(rest.p[1]) < 0)
		return false;
	rest = bytes_skip(rest, DAY_CHARS + 1);
	if (bytes_find(rest, '=') == BYTES_NOT_FOUND)
		return false;
	*domain = bytes_cut(&rest, '=');
	*stamped = bytes_head(all, DAY_CHARS + 1 + domain->n);
	*local = rest;
	return is_host(*domain) && local->n > 0;
}

bool
srs_forward(struct buf *out, const struct srs_secrets *secrets, struct bytes local,
	struct bytes domain, uint32_t day)
{
	struct bytes rest, hash, host, path = BYTES_NONE;
	struct buf stamped = BUF_INIT;
	char mac[HASH_CHARS];
	char tag = cut_tag(local, &rest);

	ASSERT(secrets->n > 0);
	if (local.n == 0 || local.n + domain.n > SRS_LOCAL_MAX - 32)
		return false;
	if (tag == '0') {
		host = domain;
		path = bytes_skip(local, TAG_SIZE - 1);
	} else if (tag != '1' || !split_srs1(rest, &hash, &host, &path)) {
		path = BYTES_NONE; /* an ordinary address, whatever it begins with */
	}
	if (path.n > 0) {
		make_hash(secrets->keys[0], '1', host, path, mac);
		buf_printf(out, "SRS1=%.*s=", HASH_CHARS, mac);
		buf_put_bytes(out, host);
		buf_put_u8(out, '=');
		buf_put_bytes(out, path);
		return true;
	}
	day %= DAYS;
	buf_printf(&stamped, "%c%c=", alphabet[day / 32], alphabet[day % 32]);
	buf_put_bytes(&stamped, domain);
	make_hash(secrets->keys[0], '0', buf_bytes(&stamped), local, mac);
	buf_printf(out, "SRS0=%.*s=", HASH_CHARS, mac);
	buf_put_bytes(out, buf_bytes(&stamped));
	buf_put_u8(out, '=');
	buf_put_bytes(out, local);
	buf_free(&stamped);
	return true;
}

static bool
is_fresh(struct bytes stamped, uint32_t day, uint32_t days)
{
	uint32_t made = (uint32_t)(base32_value(stamped.p[0]) * 32 + base32_value(stamped.p[1]));
	uint32_t age = (day + 1 - made) % DAYS; /* 1 for today; a clock may have been ahead */

	return age <= days + 1;
}

enum srs_result
srs_reverse(struct buf *local_out, struct bytes *domain_out, const struct srs_secrets *secrets,
	struct bytes local, uint32_t day, uint32_t days)
{
	struct bytes rest, hash, host, stamped, original;
	char tag = cut_tag(local, &rest);

	if (tag == '1' && split_srs1(rest, &hash, &host, &original) && hash.n == HASH_CHARS) {
		if (!is_ours(secrets, hash, '1', host, original))
			return SRS_FORGED;
		buf_put_str(local_out, "SRS0");
		buf_put_bytes(local_out, original);
		*domain_out = host;
		return SRS_OK;
	}
	if (tag != '0' || !split_srs0(rest, &hash, &stamped, &host, &original))
		return SRS_NONE;
	if (!is_ours(secrets, hash, '0', stamped, original))
		return SRS_FORGED;
	if (!is_fresh(stamped, day, days))
		return SRS_OLD;
	buf_put_bytes(local_out, original);
	*domain_out = host;
	return SRS_OK;
}

bool
srs_is_one(struct bytes path)
{
	struct bytes rest;

	return cut_tag(path, &rest) != 0;
}
