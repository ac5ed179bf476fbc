/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/rsa_der.c - a SubjectPublicKeyInfo of RSA:
 *
 *	SEQUENCE { SEQUENCE { rsaEncryption, NULL }, BIT STRING { SEQUENCE { modulus, exponent } } }
 *
 * Pure. Trusts nothing. Sources: X.690 sec. 8 and 10; RFC 3279 sec. 2.3.1.
 */
#include "rsa_der.h"

#define TAG_INTEGER    0x02
#define TAG_BIT_STRING 0x03
#define TAG_SEQUENCE   0x30

/* The contents of the element at the head, of this tag; its length in the only form of DER. */
static bool
take(struct bytes *rest, uint8_t tag, struct bytes *out)
{
	size_t head = 2, n;

	if (rest->n < 2 || rest->p[0] != tag)
		return false;
	n = rest->p[1];
	if (n == 0x81 || n == 0x82) {
		head = n == 0x81 ? 3 : 4;
		if (rest->n < head)
			return false;
		n = head == 3 ? rest->p[2] : (size_t)rest->p[2] << 8 | rest->p[3];
		if (n < (head == 3 ? 0x80 : 0x100))
			return false;
	} else if (n >= 0x80) {
		return false;
	}
	if (rest->n - head < n)
		return false;
	*out = bytes_make(rest->p + head, n);
	*rest = bytes_skip(*rest, head + n);
	return true;
}

/* Bits of a number above zero; 0: it is none. */
static unsigned
bits_of(struct bytes number)
{
	unsigned bits = 0;

	if (number.n == 0 || number.p[0] >= 0x80)
		return 0;
	if (number.p[0] == 0) {
		number = bytes_skip(number, 1);
		if (number.n == 0 || number.p[0] < 0x80)
			return 0;
	}
	for (unsigned top = number.p[0]; top > 0; top >>= 1)
		bits++;
	return bits + 8 * (unsigned)(number.n - 1);
}

unsigned
rsa_der_bits(struct bytes der)
{
	static const uint8_t rsa_encryption[] = { TAG_SEQUENCE, 13, 0x06, 9, 0x2a, 0x86, 0x48, 0x86,
		0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0 };
	struct bytes info, key, numbers, modulus, exponent;

	if (!take(&der, TAG_SEQUENCE, &info) || der.n > 0 ||
		!bytes_starts_with(info, bytes_make(rsa_encryption, sizeof(rsa_encryption))))
		return 0;
	info = bytes_skip(info, sizeof(rsa_encryption));
	if (!take(&info, TAG_BIT_STRING, &key) || info.n > 0 || key.n == 0 || key.p[0] != 0)
		return 0;
	key = bytes_skip(key, 1); /* how many bits of the last octet are not used */
	if (!take(&key, TAG_SEQUENCE, &numbers) || key.n > 0 ||
		!take(&numbers, TAG_INTEGER, &modulus) || !take(&numbers, TAG_INTEGER, &exponent) ||
		numbers.n > 0 || bits_of(exponent) == 0)
		return 0;
	return bits_of(modulus);
}
