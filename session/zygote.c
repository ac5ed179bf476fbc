/* SPDX-License-Identifier: ISC */
/*
 * session/zygote.c - the spawner's side: ask for sessions, hear of their ends.
 *
 * The question is a blocking one: a fork answers within a fraction of a millisecond, and a
 * zygote that does not answer leaves nothing for the spawner to do anyway.
 *
 * Runs in:  the session spawners.
 */
#include "zygote.h"

#include <malloc.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "log.h"
#include "zygote_private.h"

#define ANSWER_MS 10000

int
zygote_begin(struct zygote *z, const struct zygote_spec *spec)
{
	int ends[2];

	*z = (struct zygote){ .fd = -1 };
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
		return ERR_RESOURCE;
	log_flush();
	(void)malloc_trim(0); /* free memory is not inherited */
	z->pid = fork();
	if (z->pid == 0) {
		close(ends[0]);
		zygote_main(ends[1], spec);
	}
	close(ends[1]);
	if (z->pid < 0) {
		close(ends[0]);
		return ERR_RESOURCE;
	}
	z->fd = ends[0];
	return ERR_OK;
}

void
zygote_end(struct zygote *z)
{
	if (z->fd >= 0)
		close(z->fd);
	z->fd = -1;
	buf_free(&z->packet.data);
	free(z->deaths);
	z->deaths = NULL;
	z->n_deaths = 0;
}

static int
decode_death(struct bytes body, struct zygote_death *out)
{
	struct ipc_reader in = ipc_reader(body);

	out->pid = (pid_t)ipc_get_u32(&in);
	out->status = (int)ipc_get_u32(&in);
	return ipc_finish(&in);
}

static int
decode_pid(struct bytes body, pid_t *pid)
{
	struct ipc_reader in = ipc_reader(body);
	int err = (int)ipc_get_u32(&in);

	*pid = (pid_t)ipc_get_u32(&in);
	return ipc_finish(&in) < 0 ? ERR_SYNTAX : err;
}

/* A death told before the answer: kept for zygote_read(). */
static int
keep_death(struct zygote *z, struct bytes body)
{
	struct zygote_death death;
	int r = decode_death(body, &death);

	if (r < 0)
		return r;
	z->deaths = xrealloc(z->deaths, (z->n_deaths + 1) * sizeof(*z->deaths));
	z->deaths[z->n_deaths++] = death;
	return ERR_OK;
}

static int
wait_for_pid(struct zygote *z, pid_t *pid)
{
	for (;;) {
		struct ipc_frame f;
		int r = ipc_blocking_receive(z->fd, &z->packet, &f, ANSWER_MS);

		if (r < 0) {
			zygote_end(z); /* an answer that comes later would be taken for another */
			return ERR_PEER;
		}
		if (f.type == ZYGOTE_PID)
			return decode_pid(f.body, pid);
		if (f.type != ZYGOTE_DEATH || keep_death(z, f.body) < 0)
			return ERR_PEER;
	}
}

int
zygote_spawn(struct zygote *z, const struct token_grant *grant, const struct session_take_msg *take,
	int stream_fd, int link_fd, pid_t *pid)
{
	const struct session_start_msg start = { .uid = grant->uid,
		.gid = grant->gid,
		.quota_octets = grant->quota_octets,
		.quota_messages = grant->quota_messages,
		.account = bytes_from_str(grant->account),
		.home = bytes_from_str(grant->home) };
	const int fds[] = { stream_fd, link_fd };
	struct session_take_msg plain = *take;
	struct buf part = BUF_INIT, body = BUF_INIT;
	int r;

	memset(plain.token, 0, sizeof(plain.token)); /* used up; not for the session's eyes */
	session_start_encode(&part, &start);
	ipc_put_bytes(&body, buf_bytes(&part));
	buf_clear(&part);
	session_take_encode(&part, &plain);
	ipc_put_bytes(&body, buf_bytes(&part));
	r = ipc_blocking_send(z->fd, ZYGOTE_SPAWN, 1, false, buf_bytes(&body), fds, NITEMS(fds));
	buf_free(&part);
	buf_free(&body);
	return r < 0 ? r : wait_for_pid(z, pid);
}

int
zygote_configure(struct zygote *z, const struct conf_section *section, const void *values)
{
	struct buf body = BUF_INIT;
	int r;

	conf_encode(&body, section, values);
	r = ipc_blocking_send(z->fd, ZYGOTE_CONFIGURE, 0, false, buf_bytes(&body), NULL, 0);
	buf_free(&body);
	return r;
}

int
zygote_replace_log(struct zygote *z)
{
	const int fd = LOG_FD;

	return ipc_blocking_send(z->fd, ZYGOTE_LOG, 0, false, BYTES_NONE, &fd, 1);
}

int
zygote_read(struct zygote *z, struct zygote_death *out)
{
	struct ipc_frame f;
	int r;

	if (z->n_deaths > 0) {
		*out = z->deaths[--z->n_deaths];
		return ERR_OK;
	}
	if (z->fd < 0)
		return ERR_PEER;
	r = ipc_blocking_receive(z->fd, &z->packet, &f, 0);
	if (r == ERR_TIMEOUT)
		return r;
	return r < 0 || f.type != ZYGOTE_DEATH || decode_death(f.body, out) < 0 ? ERR_PEER : ERR_OK;
}
