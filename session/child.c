/* SPDX-License-Identifier: ISC */
/*
 * session/child.c - from a fork of the zygote to a session in its jail, in one fixed order.
 *
 *	1. no descriptors but the stream, the link, the mail root and the log
 *	2. groups, gid, and the file-system uid: from here on every look at the disk is the
 *	   mailbox owner's, so a home that is not his is not opened, and one that is missing is
 *	   made by him (virtual users: their domain's folder belongs to the same user)
 *	3. the home: below the mail root, no symbolic link on the way; chroot to it
 *	4. uid (all three; never 0), no capability left; limits
 *	5. Landlock: nothing but the home; not dumpable; seccomp: what a session needs
 *
 * no_new_privs is the spawner's already, and set again before Landlock. Not started by root: 2, 3's
 *chroot and 4's ids are left out.
 *
 * Runs in:  a fresh child of the zygote.
 * Trusts:   the grant: directory's word, checked by the decoder.
 */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "home.h"
#include "jail.h"
#include "log.h"

#define SESSION_FILES_MAX  256
#define SESSION_MEMORY_MAX ((rlim_t)512 * 1024 * 1024)

static _Noreturn void
give_up(const struct session_child *c, const char *what)
{
	log_error("%s(%s): no session: %s: %m", c->name, c->grant->account, what);
	log_flush();
	_exit(1);
}

static void
become_owner(const struct session_child *c)
{
	const struct token_grant *g = c->grant;

	if (g->uid == 0 || g->gid == 0) {
		errno = EPERM;
		give_up(c, "root's mailbox");
	}
	if (setgroups(0, NULL) != 0 || setresgid(g->gid, g->gid, g->gid) != 0)
		give_up(c, "group");
	(void)setfsuid(g->uid); /* has no error: without it the home would not open */
}

static void
set_limit(const struct session_child *c, int resource, rlim_t value)
{
	const struct rlimit limit = { value, value };

	if (setrlimit((__rlimit_resource_t)resource, &limit) != 0)
		give_up(c, "resource limits");
}

static void
set_limits(const struct session_child *c)
{
	struct rlimit files;

	set_limit(c, RLIMIT_CORE, 0);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_max > SESSION_FILES_MAX)
		set_limit(c, RLIMIT_NOFILE, SESSION_FILES_MAX);
#ifndef RELAIS_SANITIZE /* AddressSanitizer's shadow would count */
	set_limit(c, RLIMIT_DATA, SESSION_MEMORY_MAX);
#endif
	if (c->privileged)
		set_limit(c, RLIMIT_NPROC, 0);
}

/* Returns the home, which is / from here on (privileged). */
static int
enter_jail(const struct session_child *c)
{
	int home_fd, inside;

	if (c->privileged)
		become_owner(c);
	home_fd = home_open(c->mail_root_fd, bytes_from_str(c->grant->home), true);
	if (home_fd < 0)
		give_up(c, "home");
	if (fchdir(home_fd) != 0)
		give_up(c, "home");
	close(c->mail_root_fd);
	if (c->privileged) {
		if (chroot(".") != 0)
			give_up(c, "chroot");
		if (jail_set_ids(c->grant->uid, c->grant->gid) < 0 ||
			jail_drop_capabilities(false) < 0)
			give_up(c, "user");
	}
	set_limits(c);
	inside = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); /* one that can be synced */
	if (inside < 0)
		give_up(c, "home");
	close(home_fd);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		give_up(c, "no_new_privs");
	if (jail_landlock(SESSION_SANDBOX, inside) < 0)
		give_up(c, "Landlock");
	if (prctl(PR_SET_DUMPABLE, 0) != 0)
		give_up(c, "not dumpable");
	if (jail_seccomp_load(c->filter) < 0)
		give_up(c, "seccomp");
	return inside;
}

/* A NUL-terminated copy of what lies in the zygote's frame. */
static const char *
string(struct bytes b)
{
	char *s = xmalloc(b.n + 1);

	return bytes_to_str(b, s, b.n + 1);
}

void
session_child_main(const struct session_child *c)
{
	int keep[] = { c->stream_fd, c->link_fd, c->log_fd, c->mail_root_fd };
	struct session_start start = { .stream_fd = c->stream_fd,
		.account = c->grant->account,
		.session_id = string(c->take->session_id),
		.client = string(c->take->client),
		.local = string(c->take->local),
		.hostname = c->hostname,
		.quota_octets = c->grant->quota_octets,
		.quota_messages = c->grant->quota_messages,
		.first_reply = c->take->first_reply,
		.mechanisms = c->take->mechanisms,
		.input = c->take->input,
		.charsets = c->charsets,
		.conf = c->conf };
	sigset_t none;
	int status;

	log_after_fork();
	log_rename(c->name);
	prctl(PR_SET_NAME, c->name);
	(void)signal(SIGCHLD, SIG_DFL);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	jail_close_others(keep, NITEMS(keep));
	start.root_fd = enter_jail(c);
	session_link_init(&start.link, c->link_fd);
	status = c->run(&start);
	log_flush();
	_exit(status); /* no exit handlers: those are the zygote's */
}
