/* SPDX-License-Identifier: ISC */
/*
 * lib/store/sweep.c - rubbish in tmp/: files of writers that died before they had a name.
 *
 * Source: the Maildir convention, a file in tmp/ that is older than 36 hours may be removed.
 */
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "folder.h"
#include "sys.h"

#define TMP_AGE_S (36 * 3600)

void
folder_sweep_tmp(struct folder *f, int64_t now)
{
	int fd = sys_openat(f->dirfd, "tmp", O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0), r;
	struct dirent *e;
	struct stat st;
	DIR *dir;

	if (fd < 0)
		return;
	if ((dir = fdopendir(fd)) == NULL) {
		close(fd);
		return;
	}
	while ((e = readdir(dir)) != NULL) {
		if (e->d_name[0] == '.' || fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
			!S_ISREG(st.st_mode) || now - st.st_mtime < TMP_AGE_S ||
			now - st.st_ctime < TMP_AGE_S) /* APPEND gives its file an older time */
			continue;
		r = sys_unlinkat(fd, e->d_name, 0);
		UNUSED(r); /* next time */
	}
	closedir(dir);
}
