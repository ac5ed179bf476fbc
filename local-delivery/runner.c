/* SPDX-License-Identifier: ISC */
/*
 * local-delivery/runner.c - the process behind "|command" and "/file" of aliases: it forks for
 * each job, so one that hangs keeps nobody else waiting.
 *
 * Runs in:  the runner: user command_user, no capability, no_new_privs; it sees files as that
 *           user does.
 * Trusts:   system-delivery; not the message, which reaches the command as its input and
 *           through the environment only after a filter.
 * Sources:  aliases(5), sysexits(3), mbox(5); RFC 4155 (the From line).
 */
#include "runner.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "jail.h"
#include "log.h"
#include "runner_private.h"
#include "sys.h"

#define CHUNK      65536
#define PACKET_MAX (64 * 1024)

/* ---- the message --------------------------------------------------------------------------- */

static bool
begins_from(const uint8_t *p, size_t n)
{
	return n >= 5 && memcmp(p, "From ", 5) == 0;
}

/* Lines of in, CRLF as LF, "From " as ">From " if asked for. */
static void
put_lines(struct buf *out, struct bytes in, bool escape, bool *at_begin)
{
	for (size_t i = 0; i < in.n; i++) {
		if (*at_begin && escape && begins_from(in.p + i, in.n - i))
			buf_put_u8(out, '>');
		*at_begin = in.p[i] == '\n';
		if (in.p[i] != '\r' || i + 1 >= in.n || in.p[i + 1] != '\n')
			buf_put_u8(out, in.p[i]);
	}
}

static void
put_head(struct buf *out, const struct delivery_job *job)
{
	time_t now = (time_t)(job->arrival_us / 1000000);
	bool at_begin = true;
	char date[40];
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(date, sizeof(date), "%a %b %e %H:%M:%S %Y", &tm);
	buf_put_str(out, "From ");
	buf_put_bytes(
		out, job->reverse_path.n > 0 ? job->reverse_path : BYTES_LITERAL("MAILER-DAEMON"));
	buf_printf(out, " %s\nReturn-Path: <", date);
	buf_put_bytes(out, job->reverse_path);
	buf_put_str(out, ">\nX-Original-To: ");
	buf_put_bytes(out, job->original_path);
	buf_put_str(out, "\nDelivered-To: ");
	buf_put_bytes(out, job->forward_path);
	buf_put_u8(out, '\n');
	put_lines(out, job->prefix, false, &at_begin);
}

int
runner_write_message(
	const struct delivery_job *job, int content_fd, bool escape, runner_put_fn *put, void *arg)
{
	struct buf out = BUF_INIT;
	uint8_t *chunk = xmalloc(CHUNK + 8);
	uint64_t at = 0;
	size_t kept = 0; /* octets of the last chunk that belong to what follows */
	bool at_begin = true;
	int r;

	put_head(&out, job);
	r = put(arg, buf_bytes(&out));
	while (r == ERR_OK && at < job->content.size) {
		size_t want = job->content.size - at < CHUNK ? (size_t)(job->content.size - at)
							     : CHUNK,
		       use;
		ssize_t n =
			sys_pread_full(content_fd, chunk + kept, want, job->content.offset + at);

		if (n != (ssize_t)want) {
			r = n < 0 ? (int)n : ERR_IO;
			break;
		}
		at += want;
		want += kept;
		/* a CR or the beginning of "From " at the end waits for what comes next */
		kept = at < job->content.size ? (want > 5 ? 5 : want) : 0;
		use = want - kept;
		buf_clear(&out);
		/* put_lines may look beyond use: the octets are there */
		for (size_t i = 0; i < use; i++) {
			if (at_begin && escape && begins_from(chunk + i, want - i))
				buf_put_u8(&out, '>');
			at_begin = chunk[i] == '\n';
			if (chunk[i] != '\r' || i + 1 >= want || chunk[i + 1] != '\n')
				buf_put_u8(&out, chunk[i]);
		}
		memmove(chunk, chunk + use, kept);
		r = put(arg, buf_bytes(&out));
	}
	if (r == ERR_OK && escape) /* mbox: an empty line behind each message */
		r = put(arg, at_begin ? BYTES_LITERAL("\n") : BYTES_LITERAL("\n\n"));
	buf_free(&out);
	free(chunk);
	return r;
}

/* ---- files --------------------------------------------------------------------------------- */

static int
put_file(void *arg, struct bytes part)
{
	return sys_write_all(*(const int *)arg, part);
}

static void
fail(struct runner_outcome *o, enum delivery_status status, const char *code, const char *what,
	const char *why)
{
	o->status = status;
	snprintf(o->code, sizeof(o->code), "%s", code);
	snprintf(o->text, sizeof(o->text), "cannot append to %s: %s", what, why);
}

void
runner_append(const struct delivery_job *job, int content_fd, struct runner_outcome *o)
{
	char path[DELIVERY_ACCOUNT_MAX + 1];
	struct stat st = { 0 };
	int fd, r;

	bytes_to_str(job->account, path, sizeof(path));
	fd = open(path,
		O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
		0600);
	if (fd < 0 || fstat(fd, &st) < 0 ||
		(!S_ISREG(st.st_mode) && strcmp(path, "/dev/null") != 0)) {
		fail(o, DELIVERY_PERMANENT, "5.2.0", path,
			fd < 0 || st.st_mode == 0 ? strerror(errno) : "not a regular file");
		if (fd >= 0)
			close(fd);
		return;
	}
	if (flock(fd, LOCK_EX) < 0 || fstat(fd, &st) < 0)
		r = err_from_errno(errno);
	else
		r = runner_write_message(job, content_fd, true, put_file, &fd);
	if (r == ERR_OK && S_ISREG(st.st_mode))
		r = sys_fsync(fd);
	if (r == ERR_OK) {
		o->status = DELIVERY_WRITTEN;
		snprintf(o->code, sizeof(o->code), "2.0.0");
		snprintf(o->text, sizeof(o->text), "delivered to file: %s", path);
	} else {
		if (S_ISREG(st.st_mode) && ftruncate(fd, st.st_size) < 0)
			log_error("%s: half a message stays in it: %m", path);
		fail(o, DELIVERY_TEMPORARY, "4.3.0", path, err_text(r));
	}
	close(fd);
}

/* ---- the process ---------------------------------------------------------------------------- */

static void
do_job(const struct runner_spec *spec, const struct delivery_job *job, int content_fd,
	struct runner_outcome *o)
{
	if (job->account.n < 2 || bytes_find(job->account, 0) != BYTES_NOT_FOUND)
		fail(o, DELIVERY_PERMANENT, "5.3.5", "it", "no file's name");
	else if (job->flags & DELIVERY_COMMAND)
		runner_command(spec, job, content_fd, o);
	else
		runner_append(job, content_fd, o);
}

static void
one_job(const struct runner_spec *spec, int socket, const struct delivery_job *job, int content_fd)
{
	struct runner_outcome o = { .status = DELIVERY_TEMPORARY, .code = "4.3.0" };
	struct buf answer = BUF_INIT;

	signal(SIGCHLD, SIG_DFL);
	do_job(spec, job, content_fd, &o);
	delivery_result_encode(&answer, &(struct delivery_result){ .job_id = job->job_id,
						.status = o.status,
						.code = bytes_from_str(o.code),
						.text = bytes_from_str(o.text) });
	(void)!send(socket, buf_bytes(&answer).p, answer.len, MSG_NOSIGNAL);
	log_flush();
	_exit(0);
}

/* One packet and its descriptor; its length, 0 at the end. */
static ssize_t
receive(int socket, uint8_t *packet, int *fd)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec io = { packet, PACKET_MAX };
	struct msghdr m = { .msg_iov = &io,
		.msg_iovlen = 1,
		.msg_control = control.room,
		.msg_controllen = sizeof(control.room) };
	struct cmsghdr *c;
	ssize_t n;

	*fd = -1;
	do
		n = recvmsg(socket, &m, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	c = n > 0 ? CMSG_FIRSTHDR(&m) : NULL;
	if (c != NULL && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
		memcpy(fd, CMSG_DATA(c), sizeof(*fd));
	return n;
}

static int
become(const struct runner_spec *spec)
{
	int r = ERR_OK;

	if (spec->uid != UINT32_MAX) {
		r = jail_set_ids(spec->uid, spec->gid);
		if (r == ERR_OK)
			r = jail_drop_capabilities(false);
	}
	if (r == ERR_OK && (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || chdir("/") != 0 ||
				   prctl(PR_SET_PDEATHSIG, SIGTERM) != 0))
		r = err_from_errno(errno);
	return r;
}

static _Noreturn void
live(const struct runner_spec *spec, int socket)
{
	uint8_t *packet = xmalloc(PACKET_MAX);
	int keep[2] = { LOG_FD, socket }, fd;
	ssize_t n;

	log_after_fork();
	jail_close_others(keep, 2);
	signal(SIGCHLD, SIG_IGN); /* nobody waits: they say themselves how it went */
	if (become(spec) < 0) {
		log_error("commands: cannot become %s: %m", spec->user);
		log_flush();
		_exit(1);
	}
	while ((n = receive(socket, packet, &fd)) > 0) {
		struct ipc_reader in = ipc_reader(bytes_make(packet, (size_t)n));
		struct delivery_job job;

		/* who asks has a time-out: a job that is not begun is tried again */
		if (fd >= 0 && delivery_job_fd_decode(&in, &job) == ERR_OK && fork() == 0)
			one_job(spec, socket, &job, fd);
		if (fd >= 0)
			close(fd);
	}
	_exit(0);
}

int
runner_start(const struct runner_spec *spec, int *fd)
{
	int pair[2], pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_from_errno(errno);
	log_flush();
	pid = (int)fork();
	if (pid == 0)
		live(spec, pair[1]);
	close(pair[1]);
	if (pid < 0) {
		close(pair[0]);
		return ERR_RESOURCE;
	}
	if (fcntl(pair[0], F_SETFL, O_NONBLOCK) < 0) {
		close(pair[0]);
		return ERR_RESOURCE;
	}
	*fd = pair[0];
	return ERR_OK;
}
