/* SPDX-License-Identifier: ISC */
/* tests/fuzz/fuzz_cert_pair.c - a file with certificates and a key, whatever is in it; and the
 * same octets as a chain at a door. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "cert_pair.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[64], problem[CERT_PROBLEM_MAX];
	struct cert_pair *pair;
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	ASSERT(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (cert_pair_load(path, path, &pair, problem) == ERR_OK) {
		ASSERT(pair->nnames > 0 && pair->chain.len <= CERT_CHAIN_MAX);
		(void)cert_pair_worry(pair, time(NULL), 14, problem);
		cert_pair_free(&pair);
	} else {
		ASSERT(pair == NULL && problem[0] != 0);
	}
	close(fd);
	return 0;
}
