/* SPDX-License-Identifier: ISC */
/*
 * session/child.h - from a fork of the zygote to a session in its jail.
 */
#ifndef RELAIS_SESSION_CHILD_H
#define RELAIS_SESSION_CHILD_H

#include "session_link.h"
#include "token.h"

struct session_child {
	const char *name; /* in the log: "imap", "pop3" */
	bool privileged;  /* chroot and ids are real */
	int mail_root_fd; /* O_PATH; below it is the home */
	int stream_fd, link_fd, log_fd;
	struct bytes filter; /* jail_seccomp_prepare() of SESSION_SANDBOX */
	const struct token_grant *grant;
	const struct session_take_msg *take;
	const char *hostname;
	const void *conf;
	struct charsets *charsets;
	session_run_fn *run;
};

/* What a session may do: files of its mailbox, descriptors it was given. */
#define SESSION_SANDBOX SANDBOX_FILES

/* In the child of fork(): the jail, the session, _exit. */
_Noreturn void session_child_main(const struct session_child *c);

#endif
