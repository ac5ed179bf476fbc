/* SPDX-License-Identifier: ISC */
/*
 * session/spawned.c - one session process as its spawner sees it: made by the zygote, heard over
 * its own channel, reaped.
 *
 * A record lives until the process is reaped *and* its channel is at its end: what a session
 * said last is still heard.
 *
 * Runs in:  the session spawners.
 * Trusts:   of a session: nothing. Its messages speak of its own account only, because
 *           the channel says which session it is.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log.h"
#include "spawner_private.h"

static void on_watch(struct ipc_call *call, const void *msg);
static void on_unwatch(struct ipc_call *call, const void *msg);

static const struct ipc_route session_routes[] = {
	{ SESSION_QUOTA_ADD, FROM(SERVICE_SESSION), 0, 0, sizeof(struct session_quota_add_msg),
		session_quota_add_decode, on_quota_add },
	{ SESSION_QUOTA_SET, FROM(SERVICE_SESSION), 0, 0, sizeof(struct session_quota_set_msg),
		session_quota_set_decode, on_quota_set },
	{ SESSION_QUOTA_GET, FROM(SERVICE_SESSION), 0, 0, 0, ipc_empty_decode, on_quota_get },
	{ SESSION_WATCH, FROM(SERVICE_SESSION), 0, 1, 0, ipc_empty_decode, on_watch },
	{ SESSION_UNWATCH, FROM(SERVICE_SESSION), 0, 0, 0, ipc_empty_decode, on_unwatch },
};

static void
on_watch(struct ipc_call *call, const void *msg)
{
	struct spawned *c = call->ctx;
	int r = watch_add(c->spawner->watches, &c->watcher, call->fds[0], &c->owner);

	if (r < 0)
		log_warning("%s(%s): directory not watched: %s", c->spawner->spec->name, c->account,
			err_text(r));
}

static void
on_unwatch(struct ipc_call *call, const void *msg)
{
	struct spawned *c = call->ctx;

	watch_forget(c->spawner->watches, &c->watcher);
}

void
spawned_changed(struct watcher *w)
{
	struct spawned *c = (struct spawned *)((char *)w - offsetof(struct spawned, watcher));

	/* one that does not read has been told already */
	if (c->channel == NULL || ipc_backlog(c->channel) > 0)
		return;
	ipc_compose(c->channel);
	ipc_send(c->channel, SESSION_CHANGED, NULL, 0);
}

static void
forget_if_gone(struct spawned *c)
{
	struct spawner *s = c->spawner;

	if (c->pid != 0 || c->channel != NULL)
		return;
	quota_last_words(c);
	TAILQ_REMOVE(&s->sessions, c, link);
	s->count--;
	free(c->account);
	free(c);
	if (s->daemon->draining && s->count == 0)
		daemon_finished(s->daemon);
}

static void
on_close(void *ctx, struct ipc_channel *channel, int err)
{
	struct spawned *c = ctx;

	UNUSED(channel);
	if (err == ERR_SYNTAX)
		log_error("%s(%s): session[%d] sent what it may not", c->spawner->spec->name,
			c->account, (int)c->pid);
	watch_forget(c->spawner->watches, &c->watcher);
	c->channel = NULL;
	forget_if_gone(c);
}

/* ---- birth ---- */

static void
record(struct spawner *s, const struct token_grant *grant, int link_fd, pid_t pid)
{
	struct spawned *c = xcalloc(1, sizeof(*c));

	c->spawner = s;
	LIST_INIT(&c->watcher.entries);
	c->serial = ++s->next_serial;
	c->pid = pid;
	c->owner = (struct watch_identity){ s->daemon->privileged, grant->uid, grant->gid };
	c->quota_octets = grant->quota_octets;
	c->quota_messages = grant->quota_messages;
	c->account = xstrdup(grant->account);
	c->channel = ipc_channel_new(&(struct ipc_channel_spec){ .base = s->daemon->base,
		.fd = link_fd,
		.peer = SERVICE_SESSION,
		.served = true,
		.routes = session_routes,
		.nroutes = NITEMS(session_routes),
		.ctx = c,
		.on_close = on_close });
	TAILQ_INSERT_TAIL(&s->sessions, c, link);
	s->count++;
	s->started++;
}

int
spawned_new(struct spawner *s, const struct token_grant *grant, const struct session_take_msg *take,
	int stream_fd, pid_t *pid)
{
	int ends[2], r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
		return ERR_RESOURCE;
	r = zygote_spawn(&s->zygote, grant, take, stream_fd, ends[1], pid);
	close(ends[1]);
	if (r < 0) {
		log_error("no session made: %s", err_text(r));
		close(ends[0]);
		return r;
	}
	record(s, grant, ends[0], *pid);
	return ERR_OK;
}

/* ---- death ---- */

static void
reaped(struct spawner *s, struct spawned *c, int status)
{
	if (WIFSIGNALED(status)) {
		s->crashed++;
		log_error("%s(%s): session[%d] was killed by signal %d%s", s->spec->name,
			c->account, (int)c->pid, WTERMSIG(status),
			WTERMSIG(status) == SIGSYS ? " (asked the kernel for what it may not)"
						   : "");
	} else if (WEXITSTATUS(status) != 0) {
		log_warning("%s(%s): session[%d] ended with status %d", s->spec->name, c->account,
			(int)c->pid, WEXITSTATUS(status));
	}
	c->pid = 0;
	forget_if_gone(c);
}

int
spawned_reap(struct spawner *s)
{
	struct zygote_death death;
	int r;

	while ((r = zygote_read(&s->zygote, &death)) == ERR_OK) {
		struct spawned *c;

		TAILQ_FOREACH (c, &s->sessions, link)
			if (c->pid == death.pid)
				break;
		if (c != NULL)
			reaped(s, c, death.status);
	}
	return r == ERR_TIMEOUT ? ERR_OK : r;
}

void
spawned_end_all(struct spawner *s)
{
	struct spawned *c;

	TAILQ_FOREACH (c, &s->sessions, link) {
		if (c->channel == NULL)
			continue;
		ipc_compose(c->channel);
		ipc_send(c->channel, SESSION_END, NULL, 0);
	}
}

/* A process may be signalled by its own user; root without CAP_KILL is not that. So our
 * effective uid becomes the owner's for the length of one call; the real and the saved one
 * stay 0, so nothing of that user's can signal us meanwhile. */
static void
kill_as_owner(const struct spawned *c)
{
	if (c->owner.change && setresuid((uid_t)-1, c->owner.uid, (uid_t)-1) != 0)
		return;
	(void)kill(c->pid, SIGKILL);
	if (c->owner.change && setresuid((uid_t)-1, 0, (uid_t)-1) != 0)
		abort(); /* neither root nor a user: no state to go on in */
}

void
spawned_kill_all(struct spawner *s)
{
	struct spawned *c;

	TAILQ_FOREACH (c, &s->sessions, link)
		if (c->pid != 0)
			kill_as_owner(c);
}

uint64_t
spawned_of_account(const struct spawner *s, const char *account)
{
	const struct spawned *c;
	uint64_t n = 0;

	TAILQ_FOREACH (c, &s->sessions, link)
		n += c->pid != 0 && strcmp(c->account, account) == 0;
	return n;
}
