/* SPDX-License-Identifier: ISC */
/*
 * lib/daemon/landlock.c - file access below one folder, or none; as much as the kernel knows.
 *
 * Debian 12's own kernel has ABI 2; later ones add truncation, TCP and scopes. A kernel
 * without Landlock leaves chroot, ids and seccomp to stand alone.
 */
#include <errno.h>
#include <linux/landlock.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "jail.h"

/* The structure as of ABI 6; older kernels take its beginning. Named here because Debian 12's
 * headers are older than the kernels we meet. */
struct ruleset {
	uint64_t access_fs, access_net, scoped;
};

#define FS_EXECUTE    (1ULL << 0)
#define FS_WRITE_FILE (1ULL << 1)
#define FS_READ_FILE  (1ULL << 2)
#define FS_READ_DIR   (1ULL << 3)
#define FS_V1         ((1ULL << 13) - 1)
#define FS_REFER      (1ULL << 13)
#define FS_TRUNCATE   (1ULL << 14)
#define FS_IOCTL_DEV  (1ULL << 15)
#define FS_MAKE_CHAR  (1ULL << 6)
#define FS_MAKE_SOCK  (1ULL << 9)
#define FS_MAKE_FIFO  (1ULL << 10)
#define FS_MAKE_BLOCK (1ULL << 11)
#define FS_MAKE_SYM   (1ULL << 12)
#define NET_TCP       3ULL /* bind and connect */
#define SCOPE_ALL     3ULL /* abstract UNIX sockets and signals */

static uint64_t
access_known(int abi)
{
	uint64_t access = FS_V1;

	if (abi >= 2)
		access |= FS_REFER;
	if (abi >= 3)
		access |= FS_TRUNCATE;
	if (abi >= 5)
		access |= FS_IOCTL_DEV;
	return access;
}

/* What the role may do below its root. */
static uint64_t
access_allowed(uint32_t sandbox)
{
	if (sandbox & SANDBOX_FILES)
		return ~(FS_EXECUTE | FS_MAKE_CHAR | FS_MAKE_SOCK | FS_MAKE_FIFO | FS_MAKE_BLOCK |
			 FS_MAKE_SYM | FS_IOCTL_DEV);
	if (sandbox & SANDBOX_READ)
		return FS_READ_FILE | FS_READ_DIR;
	return 0;
}

int
jail_landlock(uint32_t sandbox, int root_fd)
{
	struct ruleset rules = { 0 };
	size_t size = sizeof(uint64_t);
	int abi = (int)syscall(
		    SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION),
	    fd, r = ERR_OK;
	uint64_t allowed;

	if (abi < 1)
		return ERR_OK; /* not in this kernel */
	rules.access_fs = access_known(abi);
	if (abi >= 4) {
		rules.access_net = sandbox & (SANDBOX_CONNECT | SANDBOX_CALL) ? 0 : NET_TCP;
		size = 2 * sizeof(uint64_t);
	}
	if (abi >= 6) {
		rules.scoped = SCOPE_ALL;
		size = 3 * sizeof(uint64_t);
	}
	fd = (int)syscall(SYS_landlock_create_ruleset, &rules, size, 0);
	if (fd < 0)
		return err_from_errno(errno);
	allowed = access_allowed(sandbox) & rules.access_fs;
	if (allowed != 0 && root_fd >= 0) {
		struct landlock_path_beneath_attr beneath = { .allowed_access = allowed,
			.parent_fd = root_fd };

		if (syscall(SYS_landlock_add_rule, fd, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) !=
			0)
			r = err_from_errno(errno);
	}
	if (r == ERR_OK && syscall(SYS_landlock_restrict_self, fd, 0) != 0)
		r = err_from_errno(errno);
	close(fd);
	return r;
}
