/* SPDX-License-Identifier: ISC */
/* lib/base/random.c - randomness from the kernel. */
#include "random.h"

#include <errno.h>
#include <sys/random.h>

#include "check.h"

void
random_fill(void *p, size_t n)
{
	uint8_t *at = p;

	while (n > 0) {
		ssize_t got = getrandom(at, n, 0);

		if (got < 0 && errno == EINTR)
			continue;
		ASSERT(got > 0);
		at += got;
		n -= (size_t)got;
	}
}

uint64_t
random_u64(void)
{
	uint64_t v;

	random_fill(&v, sizeof(v));
	return v;
}
