/* SPDX-License-Identifier: ISC */
/*
 * local-delivery/commands.c - jobs for the runner, and what it says of them.
 *
 * Runs in:  system-delivery.
 * Trusts:   the runner to say how its own jobs ended, nothing else. Is it gone, this process
 *           ends too: master starts both anew, and the jobs are tried again.
 */
#include "commands.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "log.h"
#include "runner.h"
#include "sys.h"

#define GRACE_S 10 /* beyond its own limit */

/* A job the runner has. */
struct sent {
	LIST_ENTRY(sent) link;
	struct commands *c;
	uint64_t number;
	struct intake_job *job;
	struct event *timer;
};

struct commands {
	struct daemon *daemon;
	struct intake *intake;
	const struct local_delivery_conf *conf;
	int fd;
	struct event *readable;
	uint64_t number;
	struct intake_jobs waiting;
	LIST_HEAD(, sent) sent;
	uint64_t n_sent;
};

static void pump(struct commands *c);

int
commands_start(struct daemon *d, struct commands **out)
{
	const struct local_delivery_conf *conf = d->conf;
	struct runner_spec spec = { .uid = UINT32_MAX,
		.gid = UINT32_MAX,
		.path = conf->command_path,
		.timeout_ms = (unsigned)conf->command_timeout,
		.hostname = d->common->hostname,
		.user = conf->command_user,
		.home = "/" };
	const struct passwd *pw;
	struct commands *c;
	int fd, r;

	*out = NULL;
	if (!conf->commands)
		return ERR_OK;
	pw = getpwnam(conf->command_user);
	if (pw == NULL || pw->pw_uid == 0 || pw->pw_gid == 0) {
		log_error("local_delivery.command_user: there is no user \"%s\", or it is root",
			conf->command_user);
		return ERR_NOT_FOUND;
	}
	spec.home = pw->pw_dir;
	if (d->privileged) {
		spec.uid = pw->pw_uid;
		spec.gid = pw->pw_gid;
	}
	if ((r = runner_start(&spec, &fd)) < 0)
		return r;
	c = xcalloc(1, sizeof(*c));
	c->daemon = d;
	c->conf = conf;
	c->fd = fd;
	TAILQ_INIT(&c->waiting);
	LIST_INIT(&c->sent);
	*out = c;
	return ERR_OK;
}

static void
answer(struct commands *c, struct intake_job *j, enum delivery_status status, const char *code,
	const char *text)
{
	const struct delivery_outcome o = { .status = status, .code = code, .text = text };

	intake_answer(c->intake, j, &o);
}

static void
sent_end(struct sent *s)
{
	struct commands *c = s->c;

	LIST_REMOVE(s, link);
	event_free(s->timer);
	free(s);
	c->n_sent--;
	pump(c);
}

static void
on_late(evutil_socket_t fd, short what, void *arg)
{
	struct sent *s = arg;

	UNUSED(fd), UNUSED(what);
	log_error("the runner of commands does not answer");
	answer(s->c, s->job, DELIVERY_TEMPORARY, "4.3.0", "command was lost");
	sent_end(s);
}

/* false: the socket is full, later */
static bool
send_job(struct commands *c, struct intake_job *j)
{
	struct delivery_job job = j->item.job;
	const struct timeval limit = { (time_t)(c->conf->command_timeout / 1000) + GRACE_S, 0 };
	struct buf packet = BUF_INIT;
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .room = { 0 } };
	struct msghdr m = {
		.msg_iovlen = 1, .msg_control = control.room, .msg_controllen = sizeof(control.room)
	};
	struct iovec io;
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);
	struct sent *s;
	ssize_t n;

	job.job_id = ++c->number;
	delivery_job_encode(&packet, &job);
	io = (struct iovec){ packet.data + packet.start, packet.len };
	m.msg_iov = &io;
	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(h), &j->item.content_fd, sizeof(int));
	do
		n = sendmsg(c->fd, &m, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	buf_free(&packet);
	if (n < 0 && errno == EAGAIN)
		return false;
	if (n < 0) {
		answer(c, j, DELIVERY_TEMPORARY, "4.3.0", "command could not be started");
		return true;
	}
	s = xcalloc(1, sizeof(*s));
	s->c = c;
	s->number = job.job_id;
	s->job = j;
	s->timer = event_new(c->daemon->base, -1, 0, on_late, s);
	ASSERT(s->timer != NULL);
	event_add(s->timer, &limit);
	LIST_INSERT_HEAD(&c->sent, s, link);
	c->n_sent++;
	return true;
}

static void
pump(struct commands *c)
{
	struct intake_job *j;

	while (c->n_sent < c->conf->command_children && (j = TAILQ_FIRST(&c->waiting)) != NULL) {
		TAILQ_REMOVE(&c->waiting, j, link);
		if (send_job(c, j))
			continue;
		TAILQ_INSERT_HEAD(&c->waiting, j, link);
		break; /* an answer will come, and then it goes on */
	}
}

static void
on_result(struct commands *c, const struct delivery_result *result)
{
	char code[DELIVERY_CODE_MAX + 1], text[DELIVERY_TEXT_MAX + 1];
	struct sent *s;

	LIST_FOREACH (s, &c->sent, link)
		if (s->number == result->job_id)
			break;
	if (s == NULL)
		return; /* given up already */
	answer(c, s->job, result->status, bytes_to_str(result->code, code, sizeof(code)),
		bytes_to_str(result->text, text, sizeof(text)));
	sent_end(s);
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct commands *c = arg;
	uint8_t packet[DELIVERY_TEXT_MAX + 200];
	ssize_t n;

	UNUSED(what);
	n = recv(fd, packet, sizeof(packet), MSG_DONTWAIT);
	if (n > 0) { /* more of them make it readable again */
		struct ipc_reader in = ipc_reader(bytes_make(packet, (size_t)n));
		struct delivery_result result;

		if (delivery_result_decode(&in, &result) == ERR_OK)
			on_result(c, &result);
		return;
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	log_error("the runner of commands has ended");
	log_flush();
	_exit(1);
}

void
commands_run(struct commands *c, struct intake *in)
{
	if (c == NULL)
		return;
	c->intake = in;
	c->readable = event_new(c->daemon->base, c->fd, EV_READ | EV_PERSIST, on_readable, c);
	ASSERT(c->readable != NULL);
	event_add(c->readable, NULL);
}

/* The runner reads the content from a descriptor, whatever its size. */
static int
content_to_fd(struct delivery_item *item)
{
	const struct content_source *c = &item->job.content;
	int fd, r;

	if (c->in_fd)
		return ERR_OK;
	if ((fd = sys_memfd("content")) < 0)
		return fd;
	if ((r = sys_write_all(fd, c->octets)) < 0) {
		close(fd);
		return r;
	}
	item->content_fd = fd;
	item->job.content = content_in_fd(0, c->size);
	return ERR_OK;
}

bool
commands_take(struct commands *c, struct intake *in, struct intake_job *j)
{
	static const struct delivery_outcome refused = { .status = DELIVERY_PERMANENT,
		.code = "5.7.1",
		.text = "commands and files in aliases are not enabled" };
	int r;

	if ((j->item.job.flags & (DELIVERY_COMMAND | DELIVERY_FILE)) == 0)
		return false;
	if (c == NULL) {
		intake_answer(in, j, &refused);
		return true;
	}
	if ((r = content_to_fd(&j->item)) < 0) {
		const struct delivery_outcome o = delivery_outcome_for(r);

		intake_answer(in, j, &o);
		return true;
	}
	TAILQ_INSERT_TAIL(&c->waiting, j, link);
	pump(c);
	return true;
}

bool
commands_idle(const struct commands *c)
{
	return c == NULL || (TAILQ_EMPTY(&c->waiting) && LIST_EMPTY(&c->sent));
}
