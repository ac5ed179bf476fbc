/* SPDX-License-Identifier: ISC */
/*
 * lib/daemon/jail.c - losing privileges, in one fixed order.
 *
 * Sources: credentials(7), capabilities(7), landlock(7), seccomp(2).
 */
#include "jail.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdlib.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* What a spawner keeps: enough to become a mailbox's user inside its mailbox. */
static const cap_value_t spawner_caps[] = { CAP_SETUID, CAP_SETGID, CAP_SYS_CHROOT };

static int
enter_root(const struct jail *j)
{
	if (chroot(j->root) != 0 || chdir("/") != 0)
		return err_from_errno(errno);
	return ERR_OK;
}

static int
set_limit(int resource, rlim_t value)
{
	const struct rlimit limit = { value, value };

	return setrlimit((__rlimit_resource_t)resource, &limit) == 0 ? ERR_OK
								     : err_from_errno(errno);
}

/* As many as the row says, or as many as root may have here (in a container). */
static int
set_files_limit(rlim_t value)
{
	struct rlimit have;

	if (set_limit(RLIMIT_NOFILE, value) == ERR_OK)
		return ERR_OK;
	if (getrlimit(RLIMIT_NOFILE, &have) != 0)
		return err_from_errno(errno);
	return set_limit(RLIMIT_NOFILE, have.rlim_max < value ? have.rlim_max : value);
}

static int
set_limits(const struct jail *j)
{
	int r = set_limit(RLIMIT_CORE, 0);

	if (r == ERR_OK && j->files_limit != 0)
		r = set_files_limit(j->files_limit);
#ifndef RELAIS_SANITIZE /* AddressSanitizer's shadow would count */
	if (r == ERR_OK && j->memory_limit != 0)
		r = set_limit(RLIMIT_DATA, j->memory_limit);
#endif
	if (r == ERR_OK && (j->sandbox & (SANDBOX_FORK | SANDBOX_THREADS)) == 0 &&
		j->uid != UINT32_MAX && j->uid != 0)
		r = set_limit(RLIMIT_NPROC, 0);
	return r;
}

static int
compare_ints(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

void
jail_close_others(int *keep, size_t n)
{
	unsigned from = 3;

	qsort(keep, n, sizeof(*keep), compare_ints);
	for (size_t i = 0; i < n; i++) {
		unsigned fd = (unsigned)keep[i];

		if (keep[i] < 0 || fd < from)
			continue;
		if (fd > from)
			(void)close_range(from, fd - 1, 0);
		from = fd + 1;
	}
	(void)close_range(from, ~0u, 0);
}

int
jail_set_ids(uint32_t uid, uint32_t gid)
{
	if (uid == 0 || gid == 0) {
		errno = EPERM;
		return ERR_DENIED;
	}
	if (setgroups(0, NULL) != 0 || setresgid(gid, gid, gid) != 0 ||
		setresuid(uid, uid, uid) != 0)
		return err_from_errno(errno);
	return ERR_OK;
}

static int
drop_bounding_set(bool keep_setuid)
{
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap) >= 0; cap++) {
		bool keep = false;

		for (size_t i = 0; keep_setuid && i < NITEMS(spawner_caps); i++)
			keep |= spawner_caps[i] == cap;
		if (!keep && prctl(PR_CAPBSET_READ, cap) == 1 && prctl(PR_CAPBSET_DROP, cap) != 0)
			return err_from_errno(errno);
	}
	return ERR_OK;
}

int
jail_drop_capabilities(bool keep_setuid)
{
	cap_t caps = cap_init(); /* empty sets */
	int r = ERR_OK;

	if (caps == NULL)
		return ERR_RESOURCE;
	if (keep_setuid) {
		cap_set_flag(caps, CAP_PERMITTED, NITEMS(spawner_caps), spawner_caps, CAP_SET);
		cap_set_flag(caps, CAP_EFFECTIVE, NITEMS(spawner_caps), spawner_caps, CAP_SET);
	}
	if (cap_set_proc(caps) != 0)
		r = err_from_errno(errno);
	cap_free(caps);
	return r;
}

/* Ids and capabilities of a process that master started as root. */
static int
drop_ids(const struct jail *j)
{
	bool spawner = (j->sandbox & SANDBOX_SETUID) != 0;
	int r = drop_bounding_set(spawner);

	if (r == ERR_OK && !(spawner && j->uid == 0))
		r = jail_set_ids(j->uid, j->gid);
	else if (r == ERR_OK && setgroups(0, NULL) != 0)
		r = err_from_errno(errno);
	return r == ERR_OK ? jail_drop_capabilities(spawner) : r;
}

int
jail_enter(const struct jail *j, const char **what)
{
	bool privileged = j->uid != UINT32_MAX;
	int root_fd = j->root_fd, r;

	*what = "chroot";
	r = privileged && j->root != NULL ? enter_root(j) : ERR_OK;
	if (r == ERR_OK && privileged && root_fd >= 0) {
		/* the same folder, seen from inside */
		int inside = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

		r = inside < 0 || dup3(inside, root_fd, O_CLOEXEC) < 0 ? err_from_errno(errno)
								       : ERR_OK;
		if (inside >= 0)
			close(inside);
	}
	if (r == ERR_OK) {
		*what = "resource limits";
		r = set_limits(j);
	}
	if (r == ERR_OK && privileged) {
		*what = "user and group";
		r = drop_ids(j);
	}
	if (r == ERR_OK) {
		*what = "no_new_privs";
		r = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? ERR_OK : err_from_errno(errno);
	}
	if (r == ERR_OK) {
		*what = "Landlock";
		r = jail_landlock(j->sandbox, root_fd);
	}
	if (r == ERR_OK) {
		*what = "not dumpable";
		r = prctl(PR_SET_DUMPABLE, 0) == 0 ? ERR_OK : err_from_errno(errno);
	}
	if (r == ERR_OK) {
		*what = "seccomp";
		r = jail_seccomp(j->sandbox);
	}
	return r;
}
