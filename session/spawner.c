/* SPDX-License-Identifier: ISC */
/*
 * session/spawner.c - tokens from directory, streams from the login halves.
 *
 * Runs in:  imap-spawner, pop3-spawner: root with SETUID, SETGID and SYS_CHROOT only, chroot to
 *           the mail root. It never reads a client's octet: those lie in the frame and go to
 *           the session.
 * Trusts:   directory (which account, which home); a login half only as far as its token.
 */
#include "spawner.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "charset.h"
#include "child.h"
#include "clock.h"
#include "jail.h"
#include "log.h"
#include "spawner_private.h"

#define END_GRACE_S 5 /* from "please end" to the kill */

static void on_start(struct ipc_call *call, const void *msg);
static void on_take(struct ipc_call *call, const void *msg);

const struct ipc_route spawner_routes[SPAWNER_ROUTES] = {
	{ SESSION_START, FROM(SERVICE_DIRECTORY), 0, 0, sizeof(struct session_start_msg),
		session_start_decode, on_start },
	{ SESSION_TAKE, FROM(SERVICE_IMAP_LOGIN) | FROM(SERVICE_POP3_LOGIN), 0, 1,
		sizeof(struct session_take_msg), session_take_decode, on_take },
};

static struct spawner *
spawner_of(struct ipc_call *call)
{
	return ((struct daemon *)call->ctx)->ctx;
}

static void
on_start(struct ipc_call *call, const void *msg)
{
	const struct session_start_msg *m = msg;
	struct spawner *s = spawner_of(call);
	struct session_started_msg answer = { .status = ERR_OK };

	if (m->protocol != s->spec->protocol || m->uid == 0 || m->gid == 0) {
		log_error("directory asks for a session of %s: uid %" PRIu32 ", protocol %" PRIu32,
			m->uid == 0 || m->gid == 0 ? "root" : "another protocol", m->uid,
			m->protocol);
		answer.status = ERR_DENIED;
	} else if (s->daemon->draining) {
		answer.status = ERR_BUSY;
	} else {
		answer.status = token_put(s->tokens, m, clock_mono_ms());
	}
	session_started_encode(ipc_compose(call->channel), &answer);
	ipc_reply(call->channel, call->id, SESSION_STARTED, NULL, 0);
}

/* Take note of sessions that ended. Without a zygote there is nothing left that this process can
 * do: master starts another; the sessions say BYE when their link closes. */
static void
hear_deaths(struct spawner *s)
{
	if (spawned_reap(s) == ERR_OK)
		return;
	log_error("the zygote is gone");
	log_flush();
	_exit(1);
}

static void
on_deaths(evutil_socket_t fd, short what, void *arg)
{
	hear_deaths(arg);
}

static int
take(struct spawner *s, struct ipc_call *call, const struct session_take_msg *m, pid_t *pid)
{
	struct spawner_limits limits = s->spec->limits(s->daemon->conf);
	struct token_grant grant;
	int r = token_take(s->tokens, m->token, clock_mono_ms(), &grant);

	if (r < 0)
		return ERR_DENIED;
	if (s->daemon->draining || s->count >= limits.sessions)
		return ERR_BUSY;
	if (spawned_of_account(s, grant.account) >= limits.sessions_per_account)
		return ERR_LIMIT;
	return spawned_new(s, &grant, m, call->fds[0], pid); /* the fd stays the channel's */
}

static void
on_take(struct ipc_call *call, const void *msg)
{
	struct spawner *s = spawner_of(call);
	pid_t pid = 0;
	int r = take(s, call, msg, &pid);

	if (r < 0)
		s->refused++;
	if (r == ERR_DENIED)
		log_warning("%s[%u] showed a token that is unknown, used or too old",
			service_name(ipc_peer(call->channel)), ipc_peer_instance(call->channel));
	session_taken_encode(ipc_compose(call->channel),
		&(struct session_taken_msg){ .status = r, .pid = (uint32_t)pid });
	ipc_reply(call->channel, call->id, SESSION_TAKEN, NULL, 0);
	hear_deaths(s); /* some may have been told while the pid was waited for */
}

/* ---- the daemon's life ---- */

int
spawner_start(struct daemon *d, const struct spawner_spec *spec)
{
	struct spawner *s = xcalloc(1, sizeof(*s));
	int r;

	s->daemon = d;
	s->spec = spec;
	s->charsets = spec->charsets ? charsets_open() : NULL;
	TAILQ_INIT(&s->sessions);
	d->ctx = s;
	s->tokens = token_table_new();
	s->inotify_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (s->tokens == NULL || s->inotify_fd < 0) {
		log_error("cannot start: %m");
		return ERR_RESOURCE;
	}
	r = jail_seccomp_prepare(SESSION_SANDBOX, &s->filter);
	if (r < 0)
		log_error("seccomp filter of sessions: %m");
	return r;
}

static void
on_drain_timer(evutil_socket_t fd, short what, void *arg)
{
	const struct timeval again = { END_GRACE_S, 0 };
	struct spawner *s = arg;

	log_warning("%" PRIu64 " sessions did not end in time", s->count);
	spawned_kill_all(s);
	event_add(s->drain_timer, &again);
}

int
spawner_run(struct daemon *d)
{
	struct spawner *s = d->ctx;
	const struct zygote_spec zygote = { .name = s->spec->name,
		.run = s->spec->run,
		.daemon = d,
		.filter = buf_bytes(&s->filter),
		.charsets = s->charsets };
	int r = zygote_begin(&s->zygote, &zygote);

	if (r < 0) {
		log_error("no zygote: %m");
		return r;
	}
	s->watches = watch_set_new(d->base, s->inotify_fd, spawned_changed);
	s->ledger = daemon_link(d, SERVICE_LEDGER, CONTROL_ANY, NULL, 0);
	s->deaths = event_new(d->base, s->zygote.fd, EV_READ | EV_PERSIST, on_deaths, s);
	s->drain_timer = event_new(d->base, -1, 0, on_drain_timer, s);
	ASSERT(s->deaths != NULL && s->drain_timer != NULL);
	event_add(s->deaths, NULL);
	return ERR_OK;
}

/* At an upgrade sessions go on with the spawner that made them. */
bool
spawner_is_busy(const struct daemon *d)
{
	return ((const struct spawner *)d->ctx)->count > 0;
}

void
spawner_drain(struct daemon *d)
{
	const struct timeval grace = { END_GRACE_S, 0 };
	struct spawner *s = d->ctx;

	if (s->count == 0) {
		daemon_finished(d);
		return;
	}
	spawned_end_all(s);
	event_add(s->drain_timer, &grace);
}

void
spawner_reload(struct daemon *d)
{
	struct spawner *s = d->ctx;

	/* limits are asked for at each session; the sessions' options lie with the zygote */
	if (zygote_configure(&s->zygote, d->spec->section, d->conf) < 0)
		log_error("new options not taken up");
}

void
spawner_log_replaced(struct daemon *d)
{
	struct spawner *s = d->ctx;

	if (zygote_replace_log(&s->zygote) < 0)
		log_error("sessions go on with the old log");
}

void
spawner_stats(struct daemon *d, struct buf *out)
{
	const struct spawner *s = d->ctx;

	buf_printf(out,
		"relais_sessions %" PRIu64 "\nrelais_sessions_started_total %" PRIu64
		"\nrelais_sessions_refused_total %" PRIu64
		"\nrelais_sessions_crashed_total %" PRIu64
		"\nrelais_session_tokens_open %u\nrelais_watched_directories %u\n",
		s->count, s->started, s->refused, s->crashed,
		token_count(s->tokens, clock_mono_ms()), watch_directories(s->watches));
}
