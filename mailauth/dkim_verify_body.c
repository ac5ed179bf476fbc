/* SPDX-License-Identifier: ISC */
/*
 * mailauth/dkim_verify_body.c - the body against the hashes that the signatures have of it.
 *
 * By us, and not by libopendkim: it drops a CR or LF that stands alone, or not, as the pieces are
 * cut; takes a body without a last CRLF for an error; holds a line without blanks in memory, with
 * lengths of type int; honours l=, so that text that a stranger appended passes; and copies octet
 * by octet. Each form of the body is made once, however many signatures want it.
 *
 * Runs in:  mailauth-verify.
 * Trusts:   nothing of the body; memory does not depend on it.
 * Sources:  RFC 6376 sec. 3.4.3, 3.4.4, 3.7, 6.1.3, 8.2.
 */
#include "dkim_verify_private.h"

static void
hash_octets(struct dkim_check *c, bool relaxed, struct bytes octets)
{
	for (size_t i = 0; i < c->nhashes; i++) {
		struct dkim_body_hash *h = &c->hashes[i];
		struct bytes some = bytes_head(octets, h->left);

		if (h->relaxed != relaxed || some.n == 0)
			continue;
		h->left -= some.n;
		ASSERT(EVP_DigestUpdate(h->ctx, some.p, some.n) == 1);
	}
}

static void
put_simple(void *arg, struct bytes octets)
{
	hash_octets(arg, false, octets);
}

static void
put_relaxed(void *arg, struct bytes octets)
{
	hash_octets(arg, true, octets);
}

/* Signatures that want the same share it. */
static size_t
hash_for(struct dkim_check *c, const struct dkim_signature *s)
{
	const uint64_t length = s->has_length ? s->length : UINT64_MAX;
	struct dkim_body_hash *h;
	size_t i;

	for (i = 0; i < c->nhashes; i++)
		if (c->hashes[i].relaxed == s->relaxed_body && c->hashes[i].length == length)
			return i;
	h = &c->hashes[c->nhashes++];
	*h = (struct dkim_body_hash){ .relaxed = s->relaxed_body,
		.length = length,
		.left = length,
		.ctx = EVP_MD_CTX_new() };
	ASSERT(h->ctx != NULL && EVP_DigestInit_ex(h->ctx, EVP_sha256(), NULL) == 1);
	return i;
}

void
dkim_body_start(struct dkim_check *c)
{
	for (size_t i = 0; i < c->nclaims; i++) {
		struct dkim_claim *s = &c->claims[i];
		bool relaxed = s->parsed.relaxed_body;

		if (!s->open)
			continue;
		s->hash = hash_for(c, &s->parsed);
		if (c->canons[relaxed] != NULL)
			continue;
		c->canons[relaxed] = arena_alloc(&c->arena, sizeof(*c->canons[relaxed]));
		dkim_body_canon_init(
			c->canons[relaxed], relaxed, relaxed ? put_relaxed : put_simple, c);
	}
}

void
dkim_body_put(struct dkim_check *c, struct bytes piece)
{
	for (size_t i = 0; i < NITEMS(c->canons); i++)
		if (c->canons[i] != NULL)
			dkim_body_canon_put(c->canons[i], piece);
}

static void
close_claim(struct dkim_claim *s, const struct dkim_body_hash *h, uint64_t octets)
{
	struct buf want = BUF_INIT;
	bool same = dkim_base64_decode(s->parsed.body_hash, &want) == ERR_OK &&
		    bytes_equal(buf_bytes(&want), bytes_make(h->octets, sizeof(h->octets)));

	buf_free(&want);
	if (s->parsed.has_length && s->parsed.length > octets)
		dkim_claim_close(s, DKIM_FAIL, "the body is shorter than l=");
	else if (!same)
		dkim_claim_close(s, DKIM_FAIL, "the body does not match");
	else if (s->parsed.has_length && s->parsed.length < octets)
		dkim_claim_close(s, DKIM_POLICY, "there is text behind what l= covers");
	else
		dkim_claim_close(s, DKIM_PASS, "");
}

void
dkim_body_end(struct dkim_check *c)
{
	for (size_t i = 0; i < NITEMS(c->canons); i++)
		if (c->canons[i] != NULL)
			dkim_body_canon_end(c->canons[i]);
	for (size_t i = 0; i < c->nhashes; i++)
		ASSERT(EVP_DigestFinal_ex(c->hashes[i].ctx, c->hashes[i].octets, NULL) == 1);
	for (size_t i = 0; i < c->nclaims; i++) {
		struct dkim_claim *s = &c->claims[i];

		if (s->open)
			close_claim(
				s, &c->hashes[s->hash], c->canons[s->parsed.relaxed_body]->octets);
	}
}

void
dkim_body_free(struct dkim_check *c)
{
	for (size_t i = 0; i < c->nhashes; i++)
		EVP_MD_CTX_free(c->hashes[i].ctx);
}
