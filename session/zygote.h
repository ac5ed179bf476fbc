/* SPDX-License-Identifier: ISC */
/*
 * session/zygote.h - the parent of the sessions: a fork of the spawner from before it did
 * anything, which does nothing but fork.
 *
 * A session begins with its parent's memory. The spawner's grows and is full of other people's
 * names and unread octets; the zygote's stays as small and empty as on the first day, so that
 * a session costs little, and finds nothing.
 */
#ifndef RELAIS_ZYGOTE_H
#define RELAIS_ZYGOTE_H

#include <sys/types.h>

#include "daemon.h"
#include "session_link.h"
#include "token.h"

struct zygote_spec {
	const char *name; /* of the sessions in the log */
	session_run_fn *run;
	struct daemon *daemon;
	struct bytes filter; /* the sessions' seccomp program */
	struct charsets *charsets;
};

struct zygote {
	int fd; /* readable: zygote_read() */
	pid_t pid;
	struct ipc_packet packet;
	struct zygote_death *deaths; /* told while an answer was waited for */
	size_t n_deaths;
};

struct zygote_death {
	pid_t pid;
	int status; /* as of waitpid() */
};

/* Fork it; in the jail, before anything else is done. */
MUST_USE int zygote_begin(struct zygote *z, const struct zygote_spec *spec);

/* Have a session made, and wait for its pid. Descriptors stay the caller's. */
MUST_USE int zygote_spawn(struct zygote *z, const struct token_grant *grant,
	const struct session_take_msg *take, int stream_fd, int link_fd, pid_t *pid);

/* LOG_FD is another file now: for later sessions too. */
MUST_USE int zygote_replace_log(struct zygote *z);

/* New options for later sessions. */
MUST_USE int zygote_configure(
	struct zygote *z, const struct conf_section *section, const void *values);

/* The next session that ended. ERR_TIMEOUT: none now; ERR_PEER: the zygote is gone. Never waits. */
MUST_USE int zygote_read(struct zygote *z, struct zygote_death *out);

/* Close its socket: it ends; sessions go on. */
void zygote_end(struct zygote *z);

#endif
