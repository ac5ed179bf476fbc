/* SPDX-License-Identifier: ISC */
/* tests/unit/local-delivery/test_folder.h - a folder of its own for a test, removed after it. */
#ifndef RELAIS_TEST_FOLDER_H
#define RELAIS_TEST_FOLDER_H

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "check.h"

struct test_folder {
	char path[64];
	int fd;
};

static inline struct test_folder *
test_folder_new(void)
{
	struct test_folder *f = xcalloc(1, sizeof(*f));

	snprintf(f->path, sizeof(f->path), "/tmp/relais-test-XXXXXX");
	if (mkdtemp(f->path) == NULL ||
		(f->fd = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
		abort();
	return f;
}

static inline int
test_folder_remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	UNUSED(st), UNUSED(type), UNUSED(ftw);
	return remove(path);
}

static inline void
test_folder_free(struct test_folder **f)
{
	close((*f)->fd);
	nftw((*f)->path, test_folder_remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(*f);
	*f = NULL;
}

/* Entries of a directory below it, -1 if there is none. */
static inline int
test_folder_count(const struct test_folder *f, const char *path)
{
	int fd = openat(f->fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), n = 0;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (dir == NULL)
		return -1;
	while ((e = readdir(dir)) != NULL)
		n += e->d_name[0] != '.';
	closedir(dir);
	return n;
}

#endif
