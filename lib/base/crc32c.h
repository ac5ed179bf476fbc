/* SPDX-License-Identifier: ISC */
/* lib/base/crc32c.h - the Castagnoli CRC (RFC 3720 app. B.4) that guards our disk formats. */
#ifndef RELAIS_CRC32C_H
#define RELAIS_CRC32C_H

#include "bytes.h"

/* Start with crc = 0; feed the result back to go on. By the CPU's instruction if it has one. */
uint32_t crc32c(uint32_t crc, struct bytes b);

/* The same without the instruction: what other CPUs run, always there for tests. */
uint32_t crc32c_by_table(uint32_t crc, struct bytes b);

#endif
