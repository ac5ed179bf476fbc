/* SPDX-License-Identifier: ISC */
/* lib/base/sys.c - system calls, whole or not at all, that a test can make fail. */
#include "sys.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "err.h"

#ifdef RELAIS_FAULTS
/* The one global of the base: what a test asked for. Not in releases. */
static struct {
	unsigned countdown; /* 0: nothing asked */
	unsigned times;     /* that fail, from then on */
	int errnum;
} faults[SYS_CALLS];

static bool
fault(enum sys_call call)
{
	if (faults[call].countdown == 0)
		return false;
	if (faults[call].countdown > 1) {
		faults[call].countdown--;
		return false;
	}
	if (faults[call].times != UINT_MAX && --faults[call].times == 0)
		faults[call].countdown = 0;
	errno = faults[call].errnum;
	return true;
}

int
sys_fault(enum sys_call call, unsigned nth, int errnum, bool forever)
{
	faults[call].countdown = nth;
	faults[call].errnum = errnum;
	faults[call].times = forever ? UINT_MAX : 1;
	return ERR_OK;
}

void
sys_fault_clear(void)
{
	memset(faults, 0, sizeof(faults));
}

static const char *const call_names[SYS_CALLS] = { "open", "read", "write", "fdatasync", "fsync",
	"syncfs", "rename", "link", "unlink", "mkdir", "truncate", "allocate", "memfd", "sendmsg" };

static int
errnum_named(const char *name)
{
	static const struct {
		const char *name;
		int errnum;
	} rows[] = { { "EIO", EIO }, { "ENOSPC", ENOSPC }, { "EDQUOT", EDQUOT },
		{ "EMFILE", EMFILE }, { "ENOMEM", ENOMEM }, { "EACCES", EACCES } };

	for (size_t i = 0; i < NITEMS(rows); i++)
		if (strcmp(rows[i].name, name) == 0)
			return rows[i].errnum;
	return EIO;
}

/* "[process/]call:first[+|-last]:ERRNO" */
static void
take_plan(struct bytes plan, const char *process)
{
	char call[16], errname[16], text[80];
	unsigned first, last;
	struct bytes rest = plan, name = bytes_cut(&rest, '/');

	if (name.n == plan.n)
		rest = plan;
	else if (!bytes_equal(name, bytes_from_str(process)))
		return;
	bytes_to_str(rest, text, sizeof(text));
	if (sscanf(text, "%15[a-z]:%u-%u:%15[A-Z]", call, &first, &last, errname) != 4) {
		last = UINT_MAX;
		if (sscanf(text, "%15[a-z]:%u+:%15[A-Z]", call, &first, errname) != 3) {
			if (sscanf(text, "%15[a-z]:%u:%15[A-Z]", call, &first, errname) != 3)
				return;
			last = first;
		}
	}
	for (int i = 0; i < SYS_CALLS && last >= first; i++)
		if (strcmp(call_names[i], call) == 0) {
			sys_fault((enum sys_call)i, first, errnum_named(errname), true);
			if (last != UINT_MAX)
				faults[i].times = last - first + 1;
		}
}

void
sys_fault_from_environment(const char *process)
{
	const char *plans = getenv("RELAIS_FAULT");
	struct bytes rest = plans == NULL ? BYTES_NONE : bytes_from_str(plans);

	while (rest.n > 0)
		take_plan(bytes_cut(&rest, ','), process);
}
#else
#define fault(call) false

int
sys_fault(enum sys_call call, unsigned nth, int errnum, bool forever)
{
	UNUSED(call), UNUSED(nth), UNUSED(errnum), UNUSED(forever);
	return ERR_UNSUPPORTED;
}

void
sys_fault_clear(void)
{
}

void
sys_fault_from_environment(const char *process)
{
	UNUSED(process);
}
#endif

/* 0 or more is success; else the err for errno */
static int
result(long r)
{
	return r >= 0 ? (int)r : err_from_errno(errno);
}

int
sys_openat(int dirfd, const char *path, int flags, mode_t mode)
{
	int fd;

	if (fault(SYS_OPEN))
		return err_from_errno(errno);
	do {
		fd = openat(dirfd, path, flags | O_CLOEXEC, mode);
	} while (fd < 0 && errno == EINTR);
	return result(fd);
}

int
sys_open_beneath(int dirfd, const char *path, int flags, mode_t mode)
{
	struct open_how how = { .flags = (unsigned)(flags | O_CLOEXEC),
		.mode = flags & O_CREAT ? mode : 0,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS };
	long fd;

	if (fault(SYS_OPEN))
		return err_from_errno(errno);
	do {
		/* EAGAIN: somebody renamed a directory on the way */
		fd = syscall(SYS_openat2, dirfd, path, &how, sizeof(how));
	} while (fd < 0 && (errno == EINTR || errno == EAGAIN));
	if (fd < 0 && (errno == ELOOP || errno == EXDEV))
		return ERR_DENIED;
	return result(fd);
}

static int
write_all(int fd, struct bytes b, int64_t offset)
{
	if (fault(SYS_WRITE))
		return err_from_errno(errno);
	while (b.n > 0) {
		ssize_t n = offset < 0 ? write(fd, b.p, b.n) : pwrite(fd, b.p, b.n, offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n == 0 ? ERR_IO : err_from_errno(errno);
		b = bytes_skip(b, (size_t)n);
		if (offset >= 0)
			offset += n;
	}
	return ERR_OK;
}

int
sys_write_all(int fd, struct bytes b)
{
	return write_all(fd, b, -1);
}

int
sys_pwrite_all(int fd, struct bytes b, uint64_t offset)
{
	return write_all(fd, b, (int64_t)offset);
}

static ssize_t
read_full(int fd, void *p, size_t n, int64_t offset)
{
	size_t done = 0;

	if (fault(SYS_READ))
		return err_from_errno(errno);
	while (done < n) {
		uint8_t *at = (uint8_t *)p + done;
		ssize_t got = offset < 0 ? read(fd, at, n - done)
					 : pread(fd, at, n - done, offset + (int64_t)done);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_from_errno(errno);
		if (got == 0)
			break;
		done += (size_t)got;
	}
	return (ssize_t)done;
}

ssize_t
sys_read_full(int fd, void *p, size_t n)
{
	return read_full(fd, p, n, -1);
}

ssize_t
sys_pread_full(int fd, void *p, size_t n, uint64_t offset)
{
	return read_full(fd, p, n, (int64_t)offset);
}

/* A failed flush is never repeated: the kernel has dropped the pages. */
int
sys_fdatasync(int fd)
{
	return fault(SYS_FDATASYNC) ? err_from_errno(errno) : result(fdatasync(fd));
}

int
sys_fsync(int fd)
{
	return fault(SYS_FSYNC) ? err_from_errno(errno) : result(fsync(fd));
}

int
sys_sync_folder(int at, const char *name)
{
	int fd = sys_openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0), r;

	if (fd < 0)
		return fd;
	r = sys_fsync(fd);
	close(fd);
	return r;
}

int
sys_syncfs(int fd)
{
	return fault(SYS_SYNCFS) ? err_from_errno(errno) : result(syncfs(fd));
}

int
sys_renameat(int from_dirfd, const char *from, int to_dirfd, const char *to)
{
	return fault(SYS_RENAME) ? err_from_errno(errno)
				 : result(renameat(from_dirfd, from, to_dirfd, to));
}

int
sys_renameat_new(int from_dirfd, const char *from, int to_dirfd, const char *to)
{
	return fault(SYS_RENAME)
		       ? err_from_errno(errno)
		       : result(renameat2(from_dirfd, from, to_dirfd, to, RENAME_NOREPLACE));
}

int
sys_linkat(int from_dirfd, const char *from, int to_dirfd, const char *to)
{
	return fault(SYS_LINK) ? err_from_errno(errno)
			       : result(linkat(from_dirfd, from, to_dirfd, to, 0));
}

int
sys_unlinkat(int dirfd, const char *path, int flags)
{
	return fault(SYS_UNLINK) ? err_from_errno(errno) : result(unlinkat(dirfd, path, flags));
}

int
sys_mkdirat(int dirfd, const char *path, mode_t mode)
{
	return fault(SYS_MKDIR) ? err_from_errno(errno) : result(mkdirat(dirfd, path, mode));
}

int
sys_ftruncate(int fd, uint64_t size)
{
	return fault(SYS_TRUNCATE) ? err_from_errno(errno) : result(ftruncate(fd, (off_t)size));
}

int
sys_fallocate(int fd, uint64_t size)
{
	return fault(SYS_ALLOCATE) ? err_from_errno(errno)
				   : result(fallocate(fd, 0, 0, (off_t)size));
}

int
sys_memfd(const char *name)
{
	return fault(SYS_MEMFD) ? err_from_errno(errno)
				: result(memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
}
