/* SPDX-License-Identifier: ISC */
/* lib/base/crc32c.c - CRC-32C, by SSE 4.2 where there is one, else by a table. */
#include "crc32c.h"

#ifdef __x86_64__
#include <nmmintrin.h>

__attribute__((target("sse4.2"))) static uint32_t
crc_hardware(uint32_t crc, const uint8_t *p, size_t n)
{
	uint64_t c = crc;

	for (; n >= 8; p += 8, n -= 8) {
		uint64_t v;

		memcpy(&v, p, 8);
		c = _mm_crc32_u64(c, v);
	}
	for (; n > 0; p++, n--)
		c = _mm_crc32_u8((uint32_t)c, *p);
	return (uint32_t)c;
}
#endif

/* One nibble at a time: 16 rows that can be checked by eye, for CPUs without the instruction. */
static const uint32_t nibble[16] = { 0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc,
	0x5125dad3, 0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
	0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75 };

uint32_t
crc32c_by_table(uint32_t crc, struct bytes b)
{
	crc = ~crc;
	for (size_t i = 0; i < b.n; i++) {
		crc ^= b.p[i];
		crc = crc >> 4 ^ nibble[crc & 15];
		crc = crc >> 4 ^ nibble[crc & 15];
	}
	return ~crc;
}

uint32_t
crc32c(uint32_t crc, struct bytes b)
{
	if (b.n == 0)
		return crc;
#ifdef __x86_64__
	if (__builtin_cpu_supports("sse4.2"))
		return ~crc_hardware(~crc, b.p, b.n);
#endif
	return crc32c_by_table(crc, b);
}
