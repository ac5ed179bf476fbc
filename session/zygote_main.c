/* SPDX-License-Identifier: ISC */
/*
 * session/zygote_main.c - the zygote: wait for an order, fork, say the pid; reap, say who ended.
 *
 * It keeps nothing of an order: what it was told is wiped before the next one comes.
 *
 * Runs in:  a fork of a session spawner, with its rights: root with SETUID, SETGID, SYS_CHROOT
 *           only, chroot to the mail root.
 * Trusts:   the spawner.
 */
#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "jail.h"
#include "log.h"
#include "sys.h"
#include "zygote_private.h"

#define HEAP_TOP 8192 /* what malloc_trim() leaves at the end, at most */

struct state {
	const struct zygote_spec *spec;
	int fd;
	const void *conf;
	struct arena arena[2]; /* the options' memory: the old one is freed after the new is read */
	unsigned turn;
	struct ipc_packet packet;
};

static void
on_sigchld(int signal_number)
{
	UNUSED(signal_number); /* it only ends ppoll() */
}

/* ---- orders ---- */

static struct token_grant
grant_of(const struct session_start_msg *m)
{
	struct token_grant g = { .uid = m->uid,
		.gid = m->gid,
		.quota_octets = m->quota_octets,
		.quota_messages = m->quota_messages };

	bytes_to_str(m->account, g.account, sizeof(g.account));
	bytes_to_str(m->home, g.home, sizeof(g.home));
	return g;
}

static _Noreturn void
run_child(struct state *s, const struct session_start_msg *start,
	const struct session_take_msg *take, const int fds[2])
{
	const struct token_grant grant = grant_of(start);
	const struct daemon *d = s->spec->daemon;
	const struct session_child child = { .name = s->spec->name,
		.privileged = d->privileged,
		.mail_root_fd = d->root_fd,
		.stream_fd = fds[0],
		.link_fd = fds[1],
		.log_fd = LOG_FD,
		.filter = s->spec->filter,
		.grant = &grant,
		.take = take,
		.hostname = d->common->hostname,
		.conf = s->conf,
		.charsets = s->spec->charsets,
		.run = s->spec->run };

	sys_fault_from_environment(s->spec->name);
	session_child_main(&child);
}

static int
decode_spawn(
	const struct ipc_frame *f, struct session_start_msg *start, struct session_take_msg *take)
{
	struct ipc_reader in = ipc_reader(f->body), part;
	struct bytes first = ipc_get_bytes(&in, IPC_BODY_MAX);
	struct bytes second = ipc_get_bytes(&in, IPC_BODY_MAX);

	if (ipc_finish(&in) < 0 || f->nfds != 2)
		return ERR_SYNTAX;
	part = ipc_reader(first);
	if (session_start_decode(&part, start) < 0)
		return ERR_SYNTAX;
	part = ipc_reader(second);
	return session_take_decode(&part, take);
}

static int
on_spawn(struct state *s, const struct ipc_frame *f)
{
	struct session_start_msg start;
	struct session_take_msg take;
	struct buf body = BUF_INIT;
	pid_t pid;
	int r = decode_spawn(f, &start, &take);

	if (r < 0)
		return r;
	pid = fork();
	if (pid == 0)
		run_child(s, &start, &take, f->fds);
	if (pid < 0)
		log_error("fork: %m");
	buf_put_u32(&body, (uint32_t)(pid < 0 ? ERR_RESOURCE : ERR_OK));
	buf_put_u32(&body, pid < 0 ? 0 : (uint32_t)pid);
	r = ipc_blocking_send(s->fd, ZYGOTE_PID, f->id, true, buf_bytes(&body), NULL, 0);
	buf_free(&body);
	return r;
}

static int
on_configure(struct state *s, const struct ipc_frame *f)
{
	const struct conf_section *section = s->spec->daemon->spec->section;
	struct arena *a = &s->arena[s->turn ^= 1];
	void *values;

	arena_reset(a);
	values = conf_defaults(section, a);
	if (conf_decode(f->body, section, values, a) < 0)
		return ERR_SYNTAX;
	s->conf = values;
	return ERR_OK;
}

/* For sessions to come; those that there are go on in the old file. */
static int
on_log(struct ipc_frame *f)
{
	if (f->nfds != 1)
		return ERR_SYNTAX;
	log_replace(f->fds[0]);
	f->nfds = 0;
	return ERR_OK;
}

static int
on_order(struct state *s)
{
	struct ipc_frame f;
	int r = ipc_blocking_receive(s->fd, &s->packet, &f, 0);

	if (r == ERR_TIMEOUT)
		return ERR_OK;
	if (r == ERR_OK)
		r = f.type == ZYGOTE_SPAWN       ? on_spawn(s, &f)
		    : f.type == ZYGOTE_CONFIGURE ? on_configure(s, &f)
		    : f.type == ZYGOTE_LOG       ? on_log(&f)
						 : ERR_SYNTAX;
	for (unsigned i = 0; r != ERR_PEER && i < f.nfds; i++)
		close(f.fds[i]);
	if (!ipc_packet_pending(&s->packet) && s->packet.data.data != NULL) {
		explicit_bzero(s->packet.data.data, s->packet.data.start + s->packet.data.len);
		buf_free(&s->packet.data);
	}
	return r;
}

/* ---- ends ---- */

static int
reap(struct state *s)
{
	int status, r = ERR_OK;
	pid_t pid;

	while (r == ERR_OK && (pid = waitpid(-1, &status, WNOHANG)) > 0) {
		struct buf body = BUF_INIT;

		buf_put_u32(&body, (uint32_t)pid);
		buf_put_u32(&body, (uint32_t)status);
		r = ipc_blocking_send(s->fd, ZYGOTE_DEATH, 0, false, buf_bytes(&body), NULL, 0);
		buf_free(&body);
	}
	return r;
}

/*
 * What the spawner freed while it prepared lies scattered over its heap. A session that filled
 * those holes would copy the page around each (measured: 50 KiB a session); so they are filled
 * here, once, and sessions allocate behind the heap's end.
 */
static void
fill_holes(void)
{
	const uint8_t *end;

	malloc_trim(0);
	end = sbrk(0);
	for (size_t size = 65536; size >= 24; size -= size > 1024 ? 1024 : 16) {
		for (unsigned i = 0; i < 1000; i++) {
			uint8_t *p = malloc(size);

			if (p >= end - HEAP_TOP || p == NULL) { /* no hole of that size is left */
				free(p);
				break;
			}
		}
	}
}

void
zygote_main(int fd, const struct zygote_spec *spec)
{
	const struct sigaction reaper = { .sa_handler = on_sigchld };
	struct state s = { .spec = spec, .fd = fd, .conf = spec->daemon->conf };
	int keep[] = { fd, LOG_FD, spec->daemon->root_fd };
	sigset_t blocked, none;
	int r = ERR_OK;

	log_after_fork();
	prctl(PR_SET_NAME, "session-zygote");
	jail_close_others(keep, NITEMS(keep));
	sigemptyset(&none);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &blocked, NULL); /* but in ppoll() */
	(void)sigaction(SIGCHLD, &reaper, NULL);
	fill_holes();
	while (r == ERR_OK) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int n = ppoll(&p, 1, NULL, &none);

		r = reap(&s);
		if (r == ERR_OK && n > 0)
			r = on_order(&s);
		log_flush();
	}
	_exit(r == ERR_PEER ? 0 : 1); /* the spawner is gone; sessions learn it by themselves */
}
