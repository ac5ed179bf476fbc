/* SPDX-License-Identifier: ISC */
/*
 * lib/tls/tls_text.c - the two texts that a TLS server signs, told from all others.
 *
 * The two cannot be taken for each other: behind 64 octets the one has 'T', the other 0x03.
 *
 * Runs in:  keyholder.
 * Trusts:   nothing: a door may be in foreign hands.
 */
#include "tls_text.h"

#define BLANKS 64 /* also the length of two randoms */

static bool
is_verify(struct bytes text)
{
	static const char context[] = "TLS 1.3, server CertificateVerify"; /* its NUL counts */
	size_t hash;

	if (text.n < BLANKS + sizeof(context))
		return false;
	for (size_t i = 0; i < BLANKS; i++)
		if (text.p[i] != 0x20)
			return false;
	hash = text.n - BLANKS - sizeof(context);
	return memcmp(text.p + BLANKS, context, sizeof(context)) == 0 && (hash == 32 || hash == 48);
}

/* client random, server random, curve type named_curve(3), the curve, the point with its length */
static bool
is_exchange(struct bytes text)
{
	static const struct {
		uint16_t curve;
		uint8_t length;
		bool point; /* 0x04 X Y */
	} curves[] = { { 29, 32, false }, { 23, 65, true }, { 24, 97, true } };

	if (text.n < BLANKS + 4 || text.p[BLANKS] != 3)
		return false;
	for (size_t i = 0; i < NITEMS(curves); i++) {
		if (text.p[BLANKS + 1] != curves[i].curve >> 8 ||
			text.p[BLANKS + 2] != (curves[i].curve & 0xff))
			continue;
		return text.p[BLANKS + 3] == curves[i].length &&
		       text.n == BLANKS + 4 + (size_t)curves[i].length &&
		       (!curves[i].point || text.p[BLANKS + 4] == 4);
	}
	return false;
}

enum tls_text
tls_text_kind(struct bytes text)
{
	return is_verify(text)     ? TLS_TEXT_VERIFY
	       : is_exchange(text) ? TLS_TEXT_EXCHANGE
				   : TLS_TEXT_NONE;
}

static const struct scheme {
	uint16_t scheme;
	uint16_t digest;
	bool rsa, pss;
	enum tls_key_type verify_key; /* of TLS 1.3, where the curve belongs to the scheme */
	bool in_verify;
} schemes[] = {
	{ 0x0403, 256, false, false, TLS_KEY_P256, true },
	{ 0x0503, 384, false, false, TLS_KEY_P384, true },
	{ 0x0804, 256, true, true, TLS_KEY_RSA, true },
	{ 0x0805, 384, true, true, TLS_KEY_RSA, true },
	{ 0x0806, 512, true, true, TLS_KEY_RSA, true },
	{ 0x0401, 256, true, false, TLS_KEY_RSA, false },
	{ 0x0501, 384, true, false, TLS_KEY_RSA, false },
	{ 0x0601, 512, true, false, TLS_KEY_RSA, false },
};

static const struct scheme *
find_scheme(uint16_t scheme)
{
	for (size_t i = 0; i < NITEMS(schemes); i++)
		if (schemes[i].scheme == scheme)
			return &schemes[i];
	return NULL;
}

unsigned
tls_scheme_digest(uint16_t scheme, bool *pss)
{
	const struct scheme *s = find_scheme(scheme);

	*pss = s != NULL && s->pss;
	return s == NULL ? 0 : s->digest;
}

bool
tls_text_allowed(enum tls_key_type key, uint16_t scheme, struct bytes text)
{
	const struct scheme *s = find_scheme(scheme);

	if (s == NULL || s->rsa != (key == TLS_KEY_RSA))
		return false;
	switch (tls_text_kind(text)) {
	case TLS_TEXT_VERIFY:
		return s->in_verify && s->verify_key == key;
	case TLS_TEXT_EXCHANGE:
		return true;
	default:
		return false;
	}
}
