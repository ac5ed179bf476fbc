/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/rsa_public.c - public RSA keys in DER.
 *
 * Runs in:  mailauth-verify.
 * Trusts:   nothing.
 */
#include "rsa_public.h"

#define EXPONENT_OCTETS_MAX 8 /* three are usual */

enum {
	DER_INTEGER = 0x02,
	DER_BIT_STRING = 0x03,
	DER_SEQUENCE = 0x30
};

/* AlgorithmIdentifier: rsaEncryption (1.2.840.113549.1.1.1) with NULL parameters */
static const uint8_t algorithm[] = { DER_SEQUENCE, 13, 0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d,
	0x01, 0x01, 0x01, 0x05, 0 };

/* Cut the value of the element at the front of *rest, which must have that tag. */
static bool
cut(struct bytes *rest, uint8_t tag, struct bytes *value)
{
	size_t at = 2, n, octets;

	if (rest->n < 2 || rest->p[0] != tag)
		return false;
	n = rest->p[1];
	if (n >= 0x80) {
		octets = n & 0x7f;
		if (octets == 0 || octets > 3 || rest->n < 2 + octets)
			return false;
		for (n = 0; at < 2 + octets; at++)
			n = n << 8 | rest->p[at];
	}
	if (n > rest->n - at)
		return false;
	*value = bytes_head(bytes_skip(*rest, at), n);
	*rest = bytes_skip(*rest, at + n);
	return true;
}

/* The value of an INTEGER above zero, without zeros in front. */
static bool
cut_number(struct bytes *rest, struct bytes *value)
{
	if (!cut(rest, DER_INTEGER, value) || value->n == 0 || value->p[0] >= 0x80)
		return false;
	while (value->n > 0 && value->p[0] == 0)
		*value = bytes_skip(*value, 1);
	return value->n > 0;
}

/* RFC 8017 sec. 3.1: odd, and 3 at least: with 1 everybody could sign. A long one makes each
 * verification as dear as a signature. */
static bool
is_exponent(struct bytes e)
{
	return e.n <= EXPONENT_OCTETS_MAX && (e.p[e.n - 1] & 1) == 1 && (e.n > 1 || e.p[0] > 1);
}

int
rsa_public_read(struct bytes der, struct rsa_public *out)
{
	struct bytes known = bytes_make(algorithm, sizeof(algorithm)), info, key, text;

	if (!cut(&der, DER_SEQUENCE, &info))
		return ERR_SYNTAX;
	key = info;
	if (bytes_starts_with(info, known)) {
		info = bytes_skip(info, known.n);
		if (!cut(&info, DER_BIT_STRING, &text) || text.n == 0 || text.p[0] != 0)
			return ERR_SYNTAX;
		text = bytes_skip(text, 1);
		if (!cut(&text, DER_SEQUENCE, &key))
			return ERR_SYNTAX;
	}
	if (!cut_number(&key, &out->modulus) || !cut_number(&key, &out->exponent) ||
		!is_exponent(out->exponent))
		return ERR_SYNTAX;
	out->bits = (unsigned)out->modulus.n * 8;
	for (uint8_t top = out->modulus.p[0]; top < 0x80; top = (uint8_t)(top << 1))
		out->bits--;
	return ERR_OK;
}
