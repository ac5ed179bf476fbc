/* SPDX-License-Identifier: ISC */
/*
 * lib/store/folder.c - opening a folder, its lock, reading and writing its log.
 *
 * Trusts: nothing on the disk. What does not check leads to a rebuild under the lock.
 */
#include "folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "err.h"
#include "sys.h"

#define LOCK_WAIT_US    (30 * 1000000ULL)
#define FOREIGN_WAIT_US 1000000ULL /* in each minute: others wait for their mail meanwhile */

/* Of an index: some four million messages. Of a log: a copy of a million messages into a new
 * folder; a deliverer makes the index anew before it reads that much of somebody else's. */
#define INDEX_SIZE_MAX       ((uint64_t)512 << 20)
#define LOG_SIZE_MAX         ((uint64_t)256 << 20)
#define LOG_SIZE_FOREIGN_MAX ((uint64_t)32 << 20)
#define LOG_PIECE            ((size_t)2 * LOG_RECORD_MAX)

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* ---- loading ----------------------------------------------------------------------------- */

static void *
map_snapshot(const struct folder *f, int fd, size_t size)
{
	void *map;

	if (!f->foreign)
		return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (map == MAP_FAILED || sys_pread_full(fd, map, size, 0) == (ssize_t)size)
		return map;
	(void)munmap(map, size);
	return MAP_FAILED;
}

/* Before any memory is taken: is it the size its header says, and does the disk have all of it?
 * Nobody makes it with a hole. */
static int
check_snapshot(const struct folder *f, int fd, uint64_t *size)
{
	uint8_t head[INDEX_HEADER_SIZE];
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size < INDEX_HEADER_SIZE)
		return ERR_CORRUPT;
	*size = (uint64_t)st.st_size;
	if (*size > INDEX_SIZE_MAX ||
		sys_pread_full(fd, head, sizeof(head), 0) != (ssize_t)sizeof(head) ||
		index_size(bytes_make(head, sizeof(head))) != *size)
		return ERR_CORRUPT;
	return lseek(fd, 0, SEEK_HOLE) < st.st_size ? ERR_CORRUPT : ERR_OK;
}

int
folder_load_snapshot(struct folder *f)
{
	uint64_t size;
	void *map;
	int r, fd = sys_openat(f->dirfd, INDEX_FILE_NAME, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);

	if (fd < 0)
		return fd;
	if ((r = check_snapshot(f, fd, &size)) < 0) {
		close(fd);
		return r;
	}
	map = map_snapshot(f, fd, (size_t)size);
	close(fd);
	return map == MAP_FAILED ? ERR_RESOURCE : state_from_map(&f->state, map, (size_t)size);
}

/*
 * Apply records from octets; how far it came is added to *end.
 * returns: ERR_OK; ERR_CORRUPT: a record that checks but cannot be right here
 */
int
folder_apply_records(struct state *s, struct bytes in, uint64_t *end)
{
	struct log_record rec;
	long used;

	while ((used = log_record_decode(s->header.generation, in, &rec)) > 0) {
		if (state_apply(s, &rec) < 0)
			return ERR_CORRUPT;
		in = bytes_skip(in, (size_t)used);
		*end += (uint64_t)used;
	}
	return ERR_OK;
}

uint64_t
folder_log_limit(const struct folder *f)
{
	return f->foreign ? LOG_SIZE_FOREIGN_MAX + f->state.map_size : LOG_SIZE_MAX;
}

/* In pieces that hold any record: what follows the first wrong one is not read. */
static int
read_tail(struct folder *f, uint64_t size)
{
	uint8_t small[4096], *p = small;
	size_t room = sizeof(small);
	uint64_t before;
	int r = ERR_OK;

	if (size > folder_log_limit(f))
		return ERR_CORRUPT;
	if (size - f->log_end > sizeof(small)) {
		room = size - f->log_end < LOG_PIECE ? (size_t)(size - f->log_end) : LOG_PIECE;
		p = xmalloc(room);
	}
	do {
		size_t want = size - f->log_end < room ? (size_t)(size - f->log_end) : room;
		ssize_t got = sys_pread_full(f->log_fd, p, want, f->log_end);

		before = f->log_end;
		r = got < 0 ? (int)got
			    : folder_apply_records(
				      &f->state, bytes_make(p, (size_t)got), &f->log_end);
	} while (r == ERR_OK && f->log_end > before && f->log_end < size);
	if (p != small)
		free(p);
	return r;
}

static int
read_log_header(int log_fd, struct log_header *h, struct log_hints *hints)
{
	uint8_t head[LOG_HEADER_SIZE];
	struct stat st;
	ssize_t got;

	if (fstat(log_fd, &st) == 0 && !S_ISREG(st.st_mode))
		return ERR_CORRUPT;
	got = sys_pread_full(log_fd, head, sizeof(head), 0);
	if (got < 0)
		return (int)got;
	log_hints_decode(bytes_skip(bytes_make(head, (size_t)got), LOG_HINTS_AT), hints);
	return log_header_decode(bytes_make(head, (size_t)got), h);
}

/*
 * Open log and snapshot of one generation.
 * returns: ERR_OK; ERR_BUSY: a fold is under way; ERR_CORRUPT, ERR_NOT_FOUND: to be made
 *          anew; others: no use
 */
static int
load_once(struct folder *f)
{
	struct log_header h;
	struct stat st;
	int r;

	close_fd(&f->log_fd);
	state_free(&f->state);
	f->log_fd = sys_openat(f->dirfd, LOG_FILE_NAME, O_RDWR | O_NOFOLLOW | O_NONBLOCK, 0);
	if (f->log_fd < 0)
		return f->log_fd;
	if ((r = read_log_header(f->log_fd, &h, &f->hints)) < 0)
		return r;
	r = folder_load_snapshot(f);
	if (r == ERR_NOT_FOUND && h.generation == 1)
		state_init(&f->state, 1, h.uidvalidity);
	else if (r == ERR_NOT_FOUND)
		return ERR_CORRUPT;
	else if (r < 0)
		return r;
	if (f->state.header.generation == h.generation + 1)
		return ERR_BUSY;
	if (f->state.header.generation != h.generation ||
		f->state.header.uidvalidity != h.uidvalidity)
		return ERR_CORRUPT;
	if (fstat(f->log_fd, &st) < 0)
		return ERR_IO;
	f->log_end = LOG_HEADER_SIZE;
	if ((uint64_t)st.st_size > f->log_end && (r = read_tail(f, (uint64_t)st.st_size)) < 0)
		return r;
	if (f->state.header.incomplete != 0)
		return ERR_CORRUPT;
	/* it was longer, and told of as durable */
	return f->hints.synced > f->log_end || f->hints.end > f->log_end ? ERR_CORRUPT : ERR_OK;
}

/* A log for the snapshot in f->state, in place of whatever log there is. Locked. */
int
folder_start_log(struct folder *f)
{
	struct log_header h = { f->state.header.generation, f->state.header.uidvalidity };
	uint8_t head[LOG_HEADER_SIZE];
	int fd, r;

	fd = sys_openat(f->dirfd, LOG_FILE_NAME ".tmp", O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW,
		FOLDER_FILE_MODE);
	if (fd < 0)
		return fd;
	f->hints.synced = LOG_HEADER_SIZE;
	f->hints.end = LOG_HEADER_SIZE;
	log_header_encode(head, &h);
	log_hints_encode(head + LOG_HINTS_AT, &f->hints);
	if ((r = sys_pwrite_all(fd, bytes_make(head, sizeof(head)), 0)) < 0 ||
		(r = sys_renameat(f->dirfd, LOG_FILE_NAME ".tmp", f->dirfd, LOG_FILE_NAME)) < 0) {
		close(fd);
		return r;
	}
	close_fd(&f->log_fd);
	f->log_fd = fd;
	f->log_end = LOG_HEADER_SIZE;
	return ERR_OK;
}

/* The same made durable. */
int
folder_replace_log(struct folder *f)
{
	int r;

	if ((r = folder_start_log(f)) < 0 || (r = sys_fdatasync(f->log_fd)) < 0)
		return r;
	return sys_fsync(f->dirfd);
}

/* Load what is there; what cannot be loaded is made anew. Locked. */
int
folder_reload(struct folder *f)
{
	struct stat st;
	int r;

	if (fstat(f->dirfd, &st) < 0 || st.st_nlink == 0)
		return ERR_NOT_FOUND; /* the folder was deleted while we waited */
	r = load_once(f);
	cache_drop(f);
	if (r == ERR_BUSY) {
		/* a fold whose writer died after the snapshot was in place */
		f->hints = (struct log_hints){ 0 };
		return folder_replace_log(f);
	}
	if (r == ERR_CORRUPT || r == ERR_NOT_FOUND || r == ERR_UNSUPPORTED)
		return folder_rebuild(f);
	return r;
}

static int
load(struct folder *f)
{
	int r = load_once(f);

	cache_drop(f);
	if (r == ERR_BUSY || r == ERR_CORRUPT || r == ERR_NOT_FOUND || r == ERR_UNSUPPORTED) {
		struct stat st;

		/* not while somebody is at it; and not if the folder is gone */
		if (fstat(f->dirfd, &st) < 0 || st.st_nlink == 0)
			return ERR_NOT_FOUND;
		f->log_end = 0; /* nothing of this load is trusted */
		if ((r = folder_lock(f)) < 0)
			return r;
		folder_unlock(f);
	}
	return r;
}

/* A mailbox' owner may have put a link in the place of its directories: paths through it
 * would lead to another's. ERR_DENIED */
static int
check_directories(int dirfd)
{
	static const char *const names[] = { "tmp", "new", "cur" };
	struct stat st;

	for (size_t i = 0; i < NITEMS(names); i++)
		if (fstatat(dirfd, names[i], &st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISDIR(st.st_mode))
			return ERR_DENIED;
	return ERR_OK;
}

static int
open_as(int dirfd, bool foreign, bool patient, struct folder **out)
{
	struct folder *f = xcalloc(1, sizeof(*f));
	int r;

	f->foreign = foreign;
	if (!patient) {
		f->minute_us = clock_mono_us();
		f->waited_us = FOREIGN_WAIT_US;
	}
	f->dirfd = dirfd;
	f->log_fd = f->cache_fd = -1;
	state_init(&f->state, 0, 0);
	if ((r = check_directories(dirfd)) < 0 || (r = load(f)) < 0)
		folder_close(&f);
	*out = f;
	return r;
}

int
folder_open(int dirfd, struct folder **out)
{
	return open_as(dirfd, false, true, out);
}

int
folder_open_foreign(int dirfd, bool patient, struct folder **out)
{
	return open_as(dirfd, true, patient, out);
}

void
folder_close(struct folder **fp)
{
	struct folder *f = *fp;

	if (f == NULL)
		return;
	cache_drop(f);
	close_fd(&f->log_fd);
	close_fd(&f->dirfd);
	state_free(&f->state);
	buf_free(&f->pending);
	free(f);
	*fp = NULL;
}

int
folder_make_maildir(int dirfd)
{
	static const char *const names[] = { "tmp", "new", "cur" };

	for (size_t i = 0; i < NITEMS(names); i++) {
		int r = sys_mkdirat(dirfd, names[i], FOLDER_MODE);

		if (r < 0 && r != ERR_EXISTS)
			return r;
	}
	return ERR_OK;
}

/* ---- taking up the log ------------------------------------------------------------------- */

/* Is the log we have the one that counts? 0: yes, and its size; else load again. */
static int
log_is_stale(struct folder *f, uint64_t *size)
{
	struct stat st;

	if (f->log_end == 0 || fstat(f->log_fd, &st) < 0 || st.st_nlink == 0)
		return 1;
	*size = (uint64_t)st.st_size;
	return *size < f->log_end;
}

int
folder_update(struct folder *f)
{
	uint64_t size;
	int r;

	if (log_is_stale(f, &size))
		return load(f);
	if (size == f->log_end)
		return ERR_OK;
	r = read_tail(f, size);
	return r == ERR_CORRUPT ? load(f) : r;
}

/* The generation of the snapshot on disk, 0 if it cannot be told. */
static uint64_t
snapshot_generation(struct folder *f)
{
	uint8_t head[24];
	uint64_t generation = 0;
	int fd = sys_openat(f->dirfd, INDEX_FILE_NAME, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);

	if (fd < 0)
		return 0;
	if (sys_pread_full(fd, head, sizeof(head), 0) == (ssize_t)sizeof(head))
		generation = get_u64(head + 16);
	close(fd);
	return generation;
}

/* Under the lock nobody writes, so what does not check at the end is torn. */
static int
check_tail(struct folder *f)
{
	struct stat st;

	if (fstat(f->log_fd, &st) < 0)
		return ERR_IO;
	return (uint64_t)st.st_size == f->log_end ? ERR_OK : folder_rebuild(f);
}

static int
update_locked(struct folder *f)
{
	uint64_t size;
	int r = ERR_OK;

	if (log_is_stale(f, &size))
		return (r = folder_reload(f)) < 0 ? r : check_tail(f);
	if (size != f->log_end && (r = read_tail(f, size)) < 0 && r != ERR_CORRUPT)
		return r;
	/* a record that cannot be, or a fold that was cut short */
	if (r == ERR_CORRUPT || (f->state.fold != 0 && snapshot_generation(f) == f->state.fold))
		return (r = folder_reload(f)) < 0 ? r : check_tail(f);
	f->state.fold = 0;
	return f->log_end == size ? ERR_OK : check_tail(f);
}

/* How long a lock may be waited for now. Who has no power over the one that holds it, and other
 * work to do, has a second for each folder and minute. */
static uint64_t
patience(struct folder *f, uint64_t own_us, uint64_t now_us)
{
	if (!f->foreign)
		return own_us;
	if (f->minute_us == 0 || now_us - f->minute_us > FOREIGN_MINUTE_US) {
		f->minute_us = now_us;
		f->waited_us = 0;
	}
	return f->waited_us < FOREIGN_WAIT_US ? FOREIGN_WAIT_US - f->waited_us : 0;
}

static int
wait_for_lock(struct folder *f, uint64_t until_us)
{
	long sleep_ns = 50000;

	while (flock(f->dirfd, LOCK_EX | LOCK_NB) < 0) {
		if (errno == EINTR)
			continue;
		if (errno != EWOULDBLOCK)
			return err_from_errno(errno);
		if (clock_mono_us() >= until_us)
			return ERR_BUSY;
		nanosleep(&(struct timespec){ .tv_nsec = sleep_ns }, NULL);
		if (sleep_ns < 4000000)
			sleep_ns *= 2;
	}
	return ERR_OK;
}

static int
take_lock(struct folder *f)
{
	uint64_t began;
	int r;

	if (flock(f->dirfd, LOCK_EX | LOCK_NB) == 0)
		return ERR_OK;
	began = clock_mono_us();
	r = wait_for_lock(f, began + patience(f, LOCK_WAIT_US, began));
	f->waited_us += clock_mono_us() - began;
	return r;
}

int
folder_raise_uids(struct folder *f, uint32_t raise, uint32_t *uidvalidity, uint32_t *bound_before,
	uint32_t *bound)
{
	uint64_t began = clock_mono_us();
	int r = uidfile_raise(f->dirfd, patience(f, UIDFILE_WAIT_US, began), raise, uidvalidity,
		bound_before, bound);

	f->waited_us += clock_mono_us() - began;
	return r;
}

int
folder_lock(struct folder *f)
{
	int r;

	if (f->lock_depth > 0) {
		f->lock_depth++;
		return ERR_OK;
	}
	if ((r = take_lock(f)) < 0)
		return r;
	f->lock_depth = 1;
	if ((r = update_locked(f)) < 0)
		folder_unlock(f);
	return r;
}

void
folder_unlock(struct folder *f)
{
	ASSERT(f->lock_depth > 0);
	if (--f->lock_depth > 0)
		return;
	folder_forget(f);
	flock(f->dirfd, LOCK_UN);
}

/* ---- foreign changes --------------------------------------------------------------------- */

static int64_t
mtime_ns(int dirfd, const char *name)
{
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	return (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
}

void
folder_mtimes(struct folder *f, int64_t *new_ns, int64_t *cur_ns)
{
	*new_ns = mtime_ns(f->dirfd, "new");
	*cur_ns = mtime_ns(f->dirfd, "cur");
}

/* What has to be compared with the index: 0 if nothing changed since it was last compared. */
static int
dirty_scope(struct folder *f)
{
	int64_t new_ns, cur_ns;

	folder_mtimes(f, &new_ns, &cur_ns);
	folder_read_hints(f);
	if (cur_ns != f->hints.cur_mtime_ns || cur_ns == 0)
		return MERGE_ALL;
	return new_ns != f->hints.new_mtime_ns ? MERGE_NEW : 0;
}

int
folder_check(struct folder *f)
{
	int r, scope;

	if ((r = folder_update(f)) < 0)
		return r;
	if (dirty_scope(f) == 0)
		return ERR_OK;
	if ((r = folder_lock(f)) < 0)
		return r;
	scope = dirty_scope(f);
	if (scope != 0)
		r = folder_merge(f, (enum merge_scope)scope);
	folder_unlock(f);
	return r;
}
