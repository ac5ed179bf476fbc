/* SPDX-License-Identifier: ISC */
/*
 * local-delivery/child.c - a process that becomes one system user, locked into that user's
 * mailbox, delivers, says how it went, and ends.
 *
 * The order: groups, gid, file-system uid; chroot to the mailbox; uid; no capabilities;
 * no_new_privs, not dumpable, Landlock, seccomp; no descriptors but its own. Only then the
 * mailbox is read or written. The results come back in a pipe that holds all of them.
 *
 * Runs in:  system-delivery (child_start, child_finish); the rest in the child: the user's
 *           uid, root: the one mailbox, files below it.
 * Trusts:   the parent trusts its child with nothing but that user's mail.
 */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "home.h"
#include "jail.h"
#include "log.h"
#include "sys.h"

/* ---- in the child --------------------------------------------------------------------------- */

/* Groups, gid and the file-system uid first: from here on every look at the disk is the
 * user's, so a home that is not his does not open. */
static int
enter_home(const struct child_spec *spec, const struct delivery_job *job)
{
	int home_fd, r = ERR_OK;

	if (spec->privileged) {
		if (job->uid == 0 || job->gid == 0)
			return ERR_DENIED;
		if (setgroups(0, NULL) != 0 || setresgid(job->gid, job->gid, job->gid) != 0)
			return err_from_errno(errno);
		(void)setfsuid(job->uid); /* has no error: without it the home would not open */
	}
	home_fd = home_open(spec->root_fd, job->home, false);
	if (home_fd < 0)
		return home_fd;
	if (fchdir(home_fd) != 0 || (spec->privileged && chroot(".") != 0))
		r = err_from_errno(errno);
	if (r == ERR_OK && spec->privileged)
		r = jail_set_ids(job->uid, job->gid);
	if (r == ERR_OK && spec->privileged)
		r = jail_drop_capabilities(false);
	if (r == ERR_OK)
		return home_fd;
	close(home_fd);
	return r;
}

/* Into the mailbox and its jail; a descriptor of the mailbox. */
static int
enter(const struct child_spec *spec, const struct delivery_job *job)
{
	int home_fd = enter_home(spec, job), r;

	if (home_fd < 0)
		return home_fd;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_DUMPABLE, 0) != 0)
		return err_from_errno(errno);
	if ((r = jail_landlock(SANDBOX_FILES, home_fd)) < 0 ||
		(r = jail_seccomp_load(spec->filter)) < 0)
		return r;
	return home_fd;
}

/* The parent's channels, and other users' mail, are not this user's. */
static void
keep_own(const struct delivery_item *items, size_t n, int root_fd, int results)
{
	int keep[DELIVERY_BATCH_MAX + 3] = { LOG_FD, root_fd, results };
	size_t m = 3;

	for (size_t i = 0; i < n; i++)
		keep[m++] = items[i].content_fd;
	jail_close_others(keep, m);
}

static void
tell(int fd, const struct delivery_item *items, size_t n)
{
	struct child_result all[DELIVERY_BATCH_MAX];

	for (size_t i = 0; i < n; i++)
		all[i] = (struct child_result){ .item = (uint32_t)i,
			.why = items[i].outcome.why,
			.octets = items[i].outcome.octets };
	(void)!write(fd, all, n * sizeof(all[0])); /* less than PIPE_BUF: whole */
}

static _Noreturn void
live(const struct child_spec *spec, struct delivery_item *items, size_t n, int results)
{
	struct deliverer d = { .is_home = true, .conf = spec->conf };
	const struct store_deliverer_options options = { .hostname = spec->hostname };
	int r;

	log_after_fork();
	signal(SIGALRM, SIG_DFL);
	alarm(spec->timeout_seconds); /* the parent has not the right to kill us later */
	d.root_fd = r = enter(spec, &items[0].job);
	keep_own(items, n, d.root_fd, results);
	if (r >= 0)
		r = store_deliverer_new(d.root_fd, &options, &d.store);
	for (size_t i = 0; r < 0 && i < n; i++)
		items[i].outcome = delivery_outcome_for(r);
	if (r >= 0) {
		deliver_batch(&d, items, n);
		store_deliverer_free(&d.store);
	}
	tell(results, items, n);
	log_flush();
	_exit(0);
}

/* ---- in the parent -------------------------------------------------------------------------- */

int
child_start(
	const struct child_spec *spec, struct delivery_item *items, size_t n, struct child *child)
{
	int pipes[2], r;

	ASSERT(n > 0 && n <= DELIVERY_BATCH_MAX);
	if (pipe2(pipes, O_CLOEXEC) != 0)
		return err_from_errno(errno);
	log_flush();
	child->pid = (int)fork();
	if (child->pid == 0)
		live(spec, items, n, pipes[1]);
	r = child->pid < 0 ? err_from_errno(errno) : ERR_OK;
	close(pipes[1]);
	child->results = pipes[0];
	if (r < 0) {
		close(pipes[0]);
		return r;
	}
	child->pid_fd = (int)syscall(SYS_pidfd_open, child->pid, 0);
	ASSERT(child->pid_fd >= 0); /* descriptors are counted before */
	return ERR_OK;
}

/* What the child says is checked: it may be somebody else's by now. */
static void
take_results(int fd, struct delivery_item *items, size_t n)
{
	struct child_result all[DELIVERY_BATCH_MAX];
	ssize_t got = sys_read_full(fd, all, n * sizeof(all[0]));

	for (size_t i = 0; got > 0 && i < (size_t)got / sizeof(all[0]); i++) {
		struct delivery_item *item;
		uint64_t most;

		if (all[i].item >= n)
			continue;
		item = &items[all[i].item];
		most = 2 * (item->job.content.size + item->job.prefix.n) + 4096;
		item->outcome = delivery_outcome_for(all[i].why);
		if (item->outcome.status == DELIVERY_WRITTEN)
			item->outcome.octets = all[i].octets < most ? all[i].octets : most;
	}
}

bool
child_finish(struct child *child, struct delivery_item *items, size_t n)
{
	int status = 0;

	for (size_t i = 0; i < n; i++)
		items[i].outcome = delivery_outcome_for(ERR_PEER);
	take_results(child->results, items, n);
	while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
		;
	close(child->results);
	close(child->pid_fd);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
