/* SPDX-License-Identifier: ISC */
/* lib/base/random.h - randomness from the kernel; never fails (the process ends instead). */
#ifndef RELAIS_RANDOM_H
#define RELAIS_RANDOM_H

#include <stddef.h>
#include <stdint.h>

void random_fill(void *p, size_t n);
uint64_t random_u64(void);

#endif
