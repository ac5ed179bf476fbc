/* SPDX-License-Identifier: ISC */
/*
 * lib/base/sys.h - the system calls on the way of a message, retried on EINTR, whole or
 * not at all, and able to fail on demand.
 *
 * All return < 0 as enum err (errno is left as the kernel set it, for the log). In builds
 * with RELAIS_FAULTS a test says which call fails, by sys_fault() or by the environment
 * (RELAIS_FAULT="fdatasync:3:EIO", several with ','; the 3rd call fails, "3+" means it and
 * all after it, "3-9" the 3rd to the 9th; "qmgr/fdatasync:..." in that process only), so that
 * every error path is walked.
 */
#ifndef RELAIS_SYS_H
#define RELAIS_SYS_H

#include <sys/types.h>

#include "bytes.h"

enum sys_call {
	SYS_OPEN,
	SYS_READ,
	SYS_WRITE,
	SYS_FDATASYNC,
	SYS_FSYNC,
	SYS_SYNCFS,
	SYS_RENAME,
	SYS_LINK,
	SYS_UNLINK,
	SYS_MKDIR,
	SYS_TRUNCATE,
	SYS_ALLOCATE,
	SYS_MEMFD,
	SYS_SENDMSG,
	SYS_CALLS
};

/* Make the nth (from 1) coming call of that kind fail with errnum; forever: all later ones
 * too. Without RELAIS_FAULTS this does nothing and returns ERR_UNSUPPORTED. */
int sys_fault(enum sys_call call, unsigned nth, int errnum, bool forever);
void sys_fault_clear(void);

/* Read RELAIS_FAULT from the environment: calls are counted from here. */
void sys_fault_from_environment(const char *process);

MUST_USE int sys_openat(int dirfd, const char *path, int flags, mode_t mode); /* O_CLOEXEC added */
/* The same for a path that must stay below dirfd and meet no symbolic link on its way:
 * ERR_DENIED if it would not. O_CREAT makes only the last part. */
MUST_USE int sys_open_beneath(int dirfd, const char *path, int flags, mode_t mode);
MUST_USE int sys_write_all(int fd, struct bytes b);
MUST_USE int sys_pwrite_all(int fd, struct bytes b, uint64_t offset);
/* Octets read, fewer than n only at the end of the file; < 0 on error. */
MUST_USE ssize_t sys_read_full(int fd, void *p, size_t n);
MUST_USE ssize_t sys_pread_full(int fd, void *p, size_t n, uint64_t offset);
MUST_USE int sys_fdatasync(int fd);
MUST_USE int sys_fsync(int fd);
MUST_USE int sys_sync_folder(int at, const char *name); /* what is in it, not the files */
MUST_USE int sys_syncfs(int fd);
MUST_USE int sys_renameat(int from_dirfd, const char *from, int to_dirfd, const char *to);
/* Never replaces (RENAME_NOREPLACE): ERR_EXISTS. */
MUST_USE int sys_renameat_new(int from_dirfd, const char *from, int to_dirfd, const char *to);
/* A second name for a file. ERR_EXISTS */
MUST_USE int sys_linkat(int from_dirfd, const char *from, int to_dirfd, const char *to);
MUST_USE int sys_unlinkat(int dirfd, const char *path, int flags);
MUST_USE int sys_mkdirat(int dirfd, const char *path, mode_t mode);
MUST_USE int sys_ftruncate(int fd, uint64_t size);
MUST_USE int sys_fallocate(int fd, uint64_t size);
MUST_USE int sys_memfd(const char *name); /* sealable, close-on-exec */

#endif
