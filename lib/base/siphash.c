/* SPDX-License-Identifier: ISC */
/* lib/base/siphash.c - SipHash-2-4 (Aumasson and Bernstein, 2012). */
#include "siphash.h"

#include "buf.h"

struct state {
	uint64_t a, b, c, d;
};

static uint64_t
rotl(uint64_t x, int n)
{
	return x << n | x >> (64 - n);
}

static void
rounds(struct state *s, int n)
{
	while (n-- > 0) {
		s->a += s->b;
		s->c += s->d;
		s->b = rotl(s->b, 13) ^ s->a;
		s->d = rotl(s->d, 16) ^ s->c;
		s->a = rotl(s->a, 32);
		s->c += s->b;
		s->a += s->d;
		s->b = rotl(s->b, 17) ^ s->c;
		s->d = rotl(s->d, 21) ^ s->a;
		s->c = rotl(s->c, 32);
	}
}

uint64_t
siphash(const struct siphash_key *key, struct bytes in)
{
	struct state s = { key->k[0] ^ 0x736f6d6570736575U, key->k[1] ^ 0x646f72616e646f6dU,
		key->k[0] ^ 0x6c7967656e657261U, key->k[1] ^ 0x7465646279746573U };
	uint64_t last = (uint64_t)in.n << 56;

	for (; in.n >= 8; in = bytes_skip(in, 8)) {
		uint64_t m = get_u64(in.p);

		s.d ^= m;
		rounds(&s, 2);
		s.a ^= m;
	}
	for (size_t i = 0; i < in.n; i++)
		last |= (uint64_t)in.p[i] << (8 * i);
	s.d ^= last;
	rounds(&s, 2);
	s.a ^= last;
	s.c ^= 0xff;
	rounds(&s, 4);
	return s.a ^ s.b ^ s.c ^ s.d;
}
