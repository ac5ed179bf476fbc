/* SPDX-License-Identifier: ISC */
/* lib/store/names.c - where a message's file is, also after others renamed it. */
#include <fcntl.h>
#include <stdio.h>

#include "err.h"
#include "folder.h"
#include "sys.h"

void
folder_path(const struct folder *f, const struct index_record *r, char out[FOLDER_PATH_SIZE])
{
	struct bytes name = bytes_head(state_name(&f->state, r), 255);

	snprintf(out, FOLDER_PATH_SIZE, "%s/%.*s", (r->state & INDEX_IN_NEW) != 0 ? "new" : "cur",
		(int)name.n, (const char *)name.p);
}

static int
try_open(struct folder *f, uint32_t uid)
{
	char path[FOLDER_PATH_SIZE];
	struct index_record *r = state_find(&f->state, uid, 0);

	if (r == NULL)
		return ERR_NOT_FOUND;
	folder_path(f, r, path);
	return sys_openat(f->dirfd, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
}

int
folder_open_message(struct folder *f, uint32_t uid)
{
	int fd = try_open(f, uid), r;

	if (fd != ERR_NOT_FOUND || state_find(&f->state, uid, 0) == NULL)
		return fd;
	/* A deliverer between record and rename is over when we have the lock; then
	 * somebody renamed or removed it: compare. */
	if ((r = folder_lock(f)) < 0)
		return r;
	fd = try_open(f, uid);
	if (fd == ERR_NOT_FOUND && folder_merge(f, MERGE_ALL) == ERR_OK)
		fd = try_open(f, uid);
	folder_unlock(f);
	return fd;
}
