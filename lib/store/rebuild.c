/* SPDX-License-Identifier: ISC */
/*
 * lib/store/rebuild.c - the index anew: from the snapshot if that is whole, else from the
 * files, whose names carry the UIDs. Flags that were only in the log are saved if it
 * can be read.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "err.h"
#include "folder.h"
#include "sys.h"

/* What is left of the old index. */
struct rests {
	struct log_header log;
	uint8_t *log_octets;
	size_t log_size;
	bool has_log, has_snapshot, nothing; /* nothing: neither file is there */
};

static void
read_log(struct folder *f, struct rests *o)
{
	struct stat st;
	ssize_t n;
	int fd = sys_openat(f->dirfd, LOG_FILE_NAME, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
	off_t size;

	o->nothing = fd == ERR_NOT_FOUND;
	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size >= LOG_HEADER_SIZE) {
		/* no record lies behind a hole */
		if ((size = lseek(fd, 0, SEEK_HOLE)) < 0)
			size = st.st_size;
		if ((uint64_t)size > folder_log_limit(f))
			size = (off_t)folder_log_limit(f);
		o->log_octets = xmalloc((size_t)size + 1);
		n = sys_pread_full(fd, o->log_octets, (size_t)size, 0);
		o->log_size = n < 0 ? 0 : (size_t)n;
		o->has_log = log_header_decode(bytes_make(o->log_octets, o->log_size), &o->log) ==
			     ERR_OK;
	}
	close(fd);
}

static void
read_snapshot(struct folder *f, struct rests *o)
{
	int r = folder_load_snapshot(f);

	if (r != ERR_NOT_FOUND)
		o->nothing = false;
	o->has_snapshot = r == ERR_OK;
}

/* The flags in the log of a snapshot that is lost, for messages found again by their UID. The
 * bits of keywords mean nothing without the snapshot. */
static void
save_flags(struct folder *f, const struct rests *o)
{
	struct bytes in = bytes_skip(bytes_make(o->log_octets, o->log_size), LOG_HEADER_SIZE);
	struct log_record rec;
	long used;

	while ((used = log_record_decode(o->log.generation, in, &rec)) > 0) {
		struct bytes b = rec.type == LOG_FLAGS ? rec.body : BYTES_NONE;

		for (; b.n >= 16; b = bytes_skip(b, 16)) {
			struct index_record *r = state_find(&f->state, get_u32(b.p), 0);

			if (r == NULL)
				continue;
			r->flags = b.p[4] & STORE_FLAGS_ALL;
			r->state |= INDEX_NAME_STALE;
		}
		in = bytes_skip(in, (size_t)used);
	}
}

static void
apply_log(struct folder *f, const struct rests *o)
{
	struct bytes in = bytes_skip(bytes_make(o->log_octets, o->log_size), LOG_HEADER_SIZE);
	struct log_record rec;
	long used;

	while ((used = log_record_decode(o->log.generation, in, &rec)) > 0) {
		if (state_apply(&f->state, &rec) < 0)
			return;
		in = bytes_skip(in, (size_t)used);
	}
}

/* A snapshot of what f->state is now, and a log that continues it. */
static int
install(struct folder *f, uint64_t generation)
{
	int r;

	if ((r = folder_write_snapshot(f, generation)) < 0)
		return r;
	return folder_install(f, generation);
}

/* Only files are left: an index of nothing that nobody can load yet, filled by the merge. */
static int
from_files(struct folder *f, const struct rests *o, uint64_t generation, uint32_t validity,
	uint32_t bound)
{
	int r;

	r = sys_unlinkat(f->dirfd, INDEX_FILE_NAME, 0);
	if (r < 0 && r != ERR_NOT_FOUND)
		return r;
	state_init(&f->state, generation, validity);
	f->rebuilding = true;
	f->state.header.reserved = bound;
	/* never below what was told before; changes are far fewer than 65536 a second */
	f->state.header.highestmodseq = (clock_wall_us() / 1000000) << 16;
	f->hints = (struct log_hints){ 0 };
	if ((r = folder_start_log(f)) < 0)
		return r;
	keywords_load(f);
	if ((r = folder_commit(f, false)) < 0 || (r = folder_merge(f, MERGE_ALL)) < 0)
		return r;
	if (o->has_log)
		save_flags(f, o);
	return install(f, generation + 1);
}

/*
 * The snapshot is whole, the log is not, or does not fit: go on from what both still say. That is
 * written down first, marked, so that it cannot be lost nor be taken for all there is.
 */
static int
from_snapshot(struct folder *f, const struct rests *o, uint64_t generation)
{
	int r;

	if (o->has_log && o->log.generation == f->state.header.generation)
		apply_log(f, o);
	f->state.header.incomplete = 1;
	f->hints = (struct log_hints){ 0 };
	if ((r = install(f, generation)) < 0 || (r = folder_merge(f, MERGE_ALL)) < 0)
		return r;
	f->state.header.incomplete = 0;
	return install(f, generation + 1);
}

/* Nothing of ours is here: a new folder, or a Maildir made by others. */
static int
from_nothing(struct folder *f, uint32_t validity, uint32_t bound)
{
	size_t began;
	int r;

	state_init(&f->state, 1, validity);
	f->rebuilding = true;
	f->hints = (struct log_hints){ 0 };
	if ((r = folder_start_log(f)) < 0)
		return r;
	began = folder_record(f, LOG_UIDNEXT);
	buf_put_u32(&f->pending, 1);
	buf_put_u32(&f->pending, bound);
	folder_record_end(f, began);
	keywords_load(f);
	if ((r = folder_commit(f, false)) < 0)
		return r;
	return folder_merge(f, MERGE_ALL);
}

static int
rebuild(struct folder *f, struct rests *o)
{
	uint32_t validity = 0, before, bound;
	uint64_t generation;
	int r;

	if ((r = folder_make_maildir(f->dirfd)) < 0)
		return r;
	read_log(f, o);
	read_snapshot(f, o);
	if (o->has_snapshot)
		validity = f->state.header.uidvalidity;
	else if (o->has_log)
		validity = o->log.uidvalidity;
	if ((r = folder_raise_uids(f, UID_BLOCK, &validity, &before, &bound)) < 0)
		return r;
	f->uid_floor = before;
	if (o->nothing && before == 0)
		return from_nothing(f, validity, bound);
	generation = o->has_log ? o->log.generation : 0;
	if (o->has_snapshot && f->state.header.generation > generation)
		generation = f->state.header.generation;
	if (generation == 0)
		generation = clock_wall_us();
	if (o->has_snapshot && f->state.header.uidvalidity == validity)
		return from_snapshot(f, o, generation + 2);
	state_free(&f->state);
	return from_files(f, o, generation + 2, validity, bound);
}

int
folder_rebuild(struct folder *f)
{
	struct rests o = { 0 };
	int r;

	ASSERT(f->lock_depth > 0);
	folder_forget(f);
	state_free(&f->state);
	r = rebuild(f, &o);
	f->uid_floor = 0;
	f->rebuilding = false;
	free(o.log_octets);
	if (r < 0)
		f->log_end = 0;
	return r;
}
