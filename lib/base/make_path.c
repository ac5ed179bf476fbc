/* SPDX-License-Identifier: ISC */
/* lib/base/make_path.c - a folder and those above it. */
#include "make_path.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define PATH_OCTETS_MAX 1024

int
make_path(const char *path)
{
	char part[PATH_OCTETS_MAX];
	size_t n = strlen(path);

	if (n == 0 || n >= sizeof(part))
		return ERR_LIMIT;
	for (size_t i = 1; i <= n; i++) {
		if (path[i] != '/' && path[i] != 0)
			continue;
		memcpy(part, path, i);
		part[i] = 0;
		if (mkdir(part, 0755) != 0 && errno != EEXIST)
			return err_from_errno(errno);
	}
	return ERR_OK;
}
