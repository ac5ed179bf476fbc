/* SPDX-License-Identifier: ISC */
/* lib/store/fold.c - a new snapshot in place of the old one and its log. */
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "err.h"
#include "folder.h"
#include "sys.h"

#define FOLD_AT_REST (64 * 1024)  /* or by whoever has the time */
#define FOLD_AT      (256 * 1024) /* a log this long is folded by whoever writes to it */

bool
folder_may_fold(const struct folder *f)
{
	return f->log_end > FOLD_AT_REST && f->log_end > f->state.map_size / 4;
}

bool
folder_wants_fold(const struct folder *f)
{
	return f->log_end > FOLD_AT && f->log_end > f->state.map_size / 4;
}

int
folder_write_snapshot(struct folder *f, uint64_t generation)
{
	struct buf out = BUF_INIT;
	int fd, r;

	fd = sys_openat(f->dirfd, INDEX_FILE_NAME ".tmp", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW,
		FOLDER_FILE_MODE);
	if (fd < 0)
		return fd;
	state_encode(&f->state, generation, &out);
	r = sys_write_all(fd, buf_bytes(&out));
	if (r == ERR_OK)
		r = sys_fdatasync(fd);
	close(fd);
	buf_free(&out);
	return r;
}

int
folder_install(struct folder *f, uint64_t generation)
{
	int r;

	if ((r = sys_renameat(f->dirfd, INDEX_FILE_NAME ".tmp", f->dirfd, INDEX_FILE_NAME)) < 0 ||
		(r = sys_fsync(f->dirfd)) < 0)
		return r;
	f->state.header.generation = generation;
	r = folder_replace_log(f);
	if (r < 0)
		f->log_end = 0; /* the next to lock it finishes this */
	return r;
}

int
folder_fold(struct folder *f)
{
	uint64_t next = f->state.header.generation + 1;
	size_t began;
	int r;

	ASSERT(f->lock_depth > 0 && f->pending.len == 0);
	if (f->log_end == 0)
		return ERR_IO;
	folder_read_hints(f);
	cache_compact(f);
	folder_sweep_tmp(f, time(NULL));
	if ((r = folder_write_snapshot(f, next)) < 0)
		return r;
	/* Who holds the old log learns from this that a snapshot may have replaced it. If we
	 * fail from here on, the next to take the lock looks which it is. */
	began = folder_record(f, LOG_FOLD);
	buf_put_u64(&f->pending, next);
	folder_record_end(f, began);
	if ((r = folder_commit(f, false)) < 0)
		return r;
	if ((r = folder_install(f, next)) < 0)
		return r;
	return folder_reload(f);
}
