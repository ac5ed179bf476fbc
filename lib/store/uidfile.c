/* SPDX-License-Identifier: ISC */
/*
 * lib/store/uidfile.c - .uidvalidity: two lines, the folder's UIDVALIDITY and the highest UID
 * that was given out (mbsync's native scheme). We keep the second ahead of the truth by a
 * block, so that it is written once per block, and mbsync's own UIDs start above ours.
 *
 * The lock is a POSIX write lock on the whole file, as mbsync takes it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "err.h"
#include "folder.h"
#include "sys.h"

#define UIDFILE_NAME ".uidvalidity"

static int
lock_file(int fd, uint64_t patience_us)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	uint64_t began = clock_mono_us();

	while (fcntl(fd, F_OFD_SETLK, &lock) < 0) {
		if (errno != EAGAIN && errno != EACCES && errno != EINTR)
			return err_from_errno(errno);
		if (clock_mono_us() - began >= patience_us)
			return ERR_BUSY;
		nanosleep(&(struct timespec){ .tv_nsec = 2000000 }, NULL);
	}
	return ERR_OK;
}

/* "123\n456\n". ERR_CORRUPT: something else */
static int
parse(struct bytes text, uint32_t *uidvalidity, uint32_t *bound)
{
	uint64_t validity, uid;

	if (bytes_to_u64(bytes_cut(&text, '\n'), UINT32_MAX, &validity) < 0 || validity == 0 ||
		bytes_to_u64(bytes_cut(&text, '\n'), UINT32_MAX, &uid) < 0)
		return ERR_CORRUPT;
	*uidvalidity = (uint32_t)validity;
	*bound = (uint32_t)uid;
	return ERR_OK;
}

/* One write, and the file only gets longer: there is no moment with half a number in it
 * but for a power cut, and then the names of the files and the index know. */
static int
write_file(int fd, uint32_t uidvalidity, uint32_t bound, size_t size_before)
{
	char text[32];
	int n = snprintf(text, sizeof(text), "%u\n%u\n", uidvalidity, bound);
	int r = sys_pwrite_all(fd, bytes_make(text, (size_t)n), 0);

	if (r == ERR_OK && size_before > (size_t)n)
		r = sys_ftruncate(fd, (uint64_t)n);
	return r;
}

static int
raise_locked(int fd, uint32_t raise, uint32_t *uidvalidity, uint32_t *before, uint32_t *bound)
{
	uint8_t text[64];
	uint32_t validity = 0;
	ssize_t n = sys_pread_full(fd, text, sizeof(text), 0);

	if (n < 0)
		return (int)n;
	*before = 0;
	if (parse(bytes_make(text, (size_t)n), &validity, before) == ERR_OK)
		*uidvalidity = validity;
	else if (*uidvalidity == 0)
		*uidvalidity = (uint32_t)(clock_wall_us() / 1000000);
	*bound = *before > raise ? *before : raise;
	if (validity != 0 && *bound == *before)
		return ERR_OK;
	return write_file(fd, *uidvalidity, *bound, (size_t)n);
}

/* Only to know: mbsync keeps its lock for seconds, but writes both numbers at once. */
static int
read_file(int fd, uint32_t *uidvalidity, uint32_t *bound)
{
	uint8_t text[64];
	ssize_t n = sys_pread_full(fd, text, sizeof(text), 0);

	return n < 0 ? (int)n : parse(bytes_make(text, (size_t)n), uidvalidity, bound);
}

int
uidfile_raise(int dirfd, uint64_t patience_us, uint32_t raise, uint32_t *uidvalidity,
	uint32_t *bound_before, uint32_t *bound)
{
	int fd = sys_openat(
		dirfd, UIDFILE_NAME, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, FOLDER_FILE_MODE);
	int r;

	if (fd < 0)
		return fd;
	if (raise == 0 && read_file(fd, uidvalidity, bound_before) == ERR_OK) {
		*bound = *bound_before;
		close(fd);
		return ERR_OK;
	}
	if ((r = lock_file(fd, patience_us)) == ERR_OK)
		r = raise_locked(fd, raise, uidvalidity, bound_before, bound);
	close(fd);
	return r;
}

int
uidfile_sync(int dirfd)
{
	int fd = sys_openat(dirfd, UIDFILE_NAME, O_RDWR | O_NOFOLLOW | O_NONBLOCK, 0);
	int r;

	if (fd < 0)
		return fd == ERR_NOT_FOUND ? ERR_OK : fd;
	r = sys_fsync(fd);
	close(fd);
	return r;
}
