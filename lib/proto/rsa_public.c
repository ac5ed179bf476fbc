/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/rsa_public.c - public RSA keys in DER.
 *
 * Runs in:  mailauth-verify.
 * Trusts:   nothing.
 */
#include "rsa_public.h"

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

static void
put(struct buf *out, uint8_t tag, struct bytes a, struct bytes b)
{
	size_t n = a.n + b.n;

	buf_put_u8(out, tag);
	if (n >= 0x100) {
		buf_put_u8(out, 0x82);
		buf_put_u8(out, (uint8_t)(n >> 8));
	} else if (n >= 0x80) {
		buf_put_u8(out, 0x81);
	}
	buf_put_u8(out, (uint8_t)n);
	buf_put_bytes(out, a);
	buf_put_bytes(out, b);
}

/* Bits of the modulus of an RSAPublicKey's content. */
static int
modulus_bits(struct bytes key)
{
	struct bytes n, e;
	int bits;

	if (!cut(&key, DER_INTEGER, &n) || !cut(&key, DER_INTEGER, &e) || e.n == 0)
		return ERR_SYNTAX;
	while (n.n > 0 && n.p[0] == 0)
		n = bytes_skip(n, 1);
	if (n.n == 0 || n.n > 0x4000)
		return ERR_SYNTAX;
	bits = (int)n.n * 8;
	for (uint8_t top = n.p[0]; top < 0x80; top = (uint8_t)(top << 1))
		bits--;
	return bits;
}

int
rsa_public_read(struct bytes der, struct buf *out)
{
	static const uint8_t no_unused_bits[] = { 0 };
	struct bytes known = bytes_make(algorithm, sizeof(algorithm)), info, key, text;
	struct buf bare = BUF_INIT, string = BUF_INIT;
	int bits;

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
	bits = modulus_bits(key);
	if (bits < 0)
		return bits;
	put(&bare, DER_SEQUENCE, key, BYTES_NONE);
	put(&string, DER_BIT_STRING, bytes_make(no_unused_bits, 1), buf_bytes(&bare));
	put(out, DER_SEQUENCE, known, buf_bytes(&string));
	buf_free(&bare);
	buf_free(&string);
	return bits;
}
