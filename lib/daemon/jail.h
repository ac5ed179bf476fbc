/* SPDX-License-Identifier: ISC */
/*
 * lib/daemon/jail.h - one fixed order of losing privileges.
 *
 *	1. chroot to the root folder, chdir to it
 *	2. resource limits: descriptors, memory, no core file; processes, where forking is not
 *allowed
 *	3. supplementary groups, gid, uid (all three ids of each); capabilities but those of
 *	   SANDBOX_SETUID are given up, the bounding set too
 *	4. no_new_privs
 *	5. Landlock: nothing outside the root (or nothing at all); as much as the kernel knows
 *	6. not dumpable
 *	7. seccomp: the calls of the role, nothing else
 *
 * Not started by root: 1 and 3 are left out, the rest holds.
 */
#ifndef RELAIS_JAIL_H
#define RELAIS_JAIL_H

#include "control_msg.h"

struct jail {
	const char *root;      /* becomes /; NULL: leave as it is (we are inside already) */
	int root_fd;           /* O_PATH of it, for Landlock; -1: no file access at all */
	uint32_t uid, gid;     /* UINT32_MAX: stay */
	uint32_t sandbox;      /* SANDBOX_* */
	uint32_t files_limit;  /* 0: leave */
	uint64_t memory_limit; /* 0: none */
};

/* ERR_OK or an error with errno set; what: the step that failed. Never half a jail: the
 * caller exits on error. */
MUST_USE int jail_enter(const struct jail *jail, const char **what);

/* The steps for those who do them one by one (a spawner's child, after its own chroot). */
/* Close all descriptors but 0 to 2 and these (sorted here; negative ones are passed over). */
void jail_close_others(int *keep, size_t n);
MUST_USE int jail_set_ids(uint32_t uid, uint32_t gid); /* never uid or gid 0 */
MUST_USE int jail_drop_capabilities(bool keep_setuid);
MUST_USE int jail_landlock(uint32_t sandbox, int root_fd);
MUST_USE int jail_seccomp(uint32_t sandbox);

/* The same in two steps, for one who forks many of a kind: making the filter costs a
 * millisecond and memory, loading it next to nothing. */
MUST_USE int jail_seccomp_prepare(uint32_t sandbox, struct buf *program);
MUST_USE int jail_seccomp_load(struct bytes program);

#endif
