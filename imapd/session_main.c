/* SPDX-License-Identifier: ISC */
/*
 * imapd/session_main.c - the session process: moves octets between the client and the session, and
 * news from the spawner to it.
 *
 * There is one of these processes for each client, so it keeps no memory it does not need:
 * after a second of silence all buffers are given back.
 *
 * Runs in:  imap session; the mailbox's uid, chroot to the mailbox, no network but the one stream.
 * Trusts:   nothing from the client; the spawner's notices after decoding.
 * Sources:  RFC 3501 sec. 5.4 (autologout); RFC 2177.
 */
#include <errno.h>
#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "err.h"
#include "imap_core.h"
#include "imap_session.h"
#include "imapd_conf.h"
#include "log.h"

#define READ_SIZE        16384
#define IDLE_TIMEOUT_MS  (30U * 60 * 1000)
#define WRITE_TIMEOUT_MS (5U * 60 * 1000) /* a client that takes no answer */
#define REST_MS          1000             /* silence after which memory is given back */
#define NEWS_GAP_MS      50               /* least time between two looks at a busy folder */
#define POLL_FOLDER_MS   500              /* an idle client's folder that cannot be watched */

/* A look soon after IDLE began: what changed before the spawner's watch was in place. */
static const unsigned look_again_ms[] = { 250, 1000 };

struct server {
	const struct session_start *start;
	struct session_link link;
	struct imap_session *session;
	struct buf in; /* read and not used */
	uint64_t in_octets, out_octets;
	uint64_t active_at; /* when the client last sent something, or took something */
	uint64_t idle_timeout_ms;

	bool watching;     /* the client idles in a folder */
	bool watch_failed; /* look every POLL_FOLDER_MS instead */
	uint64_t watch_began;
	unsigned looks; /* of look_again_ms, done */
	bool news;      /* the folder changed */
	uint64_t looked_at;

	bool rested;
	const char *reason; /* why it ended, for the log */
};

/* -- what the session asks for --------------------------------------------------------------------
 */

static void
host_watch(void *ctx, const int *dirfds, size_t n)
{
	struct server *sv = ctx;

	sv->watching = true;
	sv->looks = 0;
	sv->watch_began = sv->looked_at = clock_mono_ms();
	sv->watch_failed = sv->link.fd < 0 || session_link_watch(&sv->link, dirfds, n) < 0;
}

static void
host_unwatch(void *ctx)
{
	struct server *sv = ctx;

	sv->watching = sv->news = false;
	if (!sv->watch_failed && session_link_unwatch(&sv->link) < 0)
		sv->watch_failed = true;
}

static int
host_quota_get(void *ctx, struct session_quota_msg *out)
{
	struct server *sv = ctx;

	return sv->link.fd < 0 ? ERR_PEER : session_link_quota_get(&sv->link, out);
}

static void
host_quota_add(void *ctx, int64_t octets, int64_t messages)
{
	struct server *sv = ctx;

	if (sv->link.fd >= 0 && session_link_quota_add(&sv->link, octets, messages) < 0)
		log_warning("imap(%s)<%s>: quota use was not reported", sv->start->account,
			sv->start->session_id);
}

static void
host_note(void *ctx, const char *line)
{
	struct server *sv = ctx;

	log_info("imap(%s)<%s>: %s", sv->start->account, sv->start->session_id, line);
}

/* -- octets
 * ---------------------------------------------------------------------------------------- */

/* false: the client is gone */
static bool
write_out(struct server *sv)
{
	struct buf *out = &sv->session->out;

	while (out->len > 0) {
		struct bytes b = buf_bytes(out);
		ssize_t n = write(sv->start->stream_fd, b.p, b.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN;
		buf_consume(out, (size_t)n);
		sv->out_octets += (uint64_t)n;
		sv->active_at = clock_mono_ms();
	}
	return true;
}

/*
 * Clients send a message and the line end behind it in two writes; the second waits (Nagle) for the
 * ACK of the first, which the kernel would delay by 40 ms.
 */
static void
ack_at_once(const struct server *sv)
{
	int on = 1;

	if (sv->session->doing == IMAP_DOING_APPEND)
		(void)setsockopt(sv->start->stream_fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof(on));
}

/* false: the client is gone */
static bool
read_in(struct server *sv)
{
	ssize_t n = read(sv->start->stream_fd, buf_room(&sv->in, READ_SIZE), READ_SIZE);

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		return false;
	if (n > 0) {
		buf_added(&sv->in, (size_t)n);
		sv->in_octets += (uint64_t)n;
		sv->active_at = clock_mono_ms();
		ack_at_once(sv);
	}
	return true;
}

static void
work(struct server *sv)
{
	struct bytes in = buf_bytes(&sv->in);

	imap_session_work(sv->session, &in);
	buf_consume(&sv->in, sv->in.len - in.n);
}

/* -- time
 * -------------------------------------------------------------------------------------------- */

/* When the folder is to be looked at next without (further) notice; UINT64_MAX: not at all. */
static uint64_t
next_look(const struct server *sv)
{
	if (!sv->watching)
		return UINT64_MAX;
	if (sv->news)
		return sv->looked_at + NEWS_GAP_MS;
	if (sv->watch_failed)
		return sv->looked_at + POLL_FOLDER_MS;
	if (sv->looks < NITEMS(look_again_ms))
		return sv->watch_began + look_again_ms[sv->looks];
	return UINT64_MAX;
}

static void
look(struct server *sv, uint64_t now)
{
	if (now < next_look(sv))
		return;
	if (!sv->news && !sv->watch_failed)
		sv->looks++;
	sv->news = sv->rested = false;
	sv->looked_at = now;
	imap_session_changed(sv->session);
}

static void
check_timeout(struct server *sv, uint64_t now)
{
	if (sv->session->out.len > 0 && now - sv->active_at > WRITE_TIMEOUT_MS) {
		sv->reason = "Disconnected: the client takes no answers";
		buf_clear(&sv->session->out);
		imap_session_bye(sv->session, "Timeout");
		buf_clear(&sv->session->out);
	} else if (now - sv->active_at > sv->idle_timeout_ms) {
		sv->reason = "Disconnected for inactivity";
		imap_session_bye(sv->session, "Disconnected for inactivity");
	}
}

static int
wait_ms(const struct server *sv, uint64_t now)
{
	uint64_t until = sv->active_at + sv->idle_timeout_ms + 1;
	uint64_t at = next_look(sv);

	if (sv->session->out.len > 0 && sv->active_at + WRITE_TIMEOUT_MS + 1 < until)
		until = sv->active_at + WRITE_TIMEOUT_MS + 1;
	if (at < until)
		until = at;
	if (!sv->rested && now + REST_MS < until)
		until = now + REST_MS;
	return until > now ? (int)(until - now) : 0;
}

static void
rest(struct server *sv)
{
	imap_session_rest(sv->session);
	if (sv->in.len == 0)
		buf_free(&sv->in);
	malloc_trim(0);
	sv->rested = true;
}

/* -- the loop
 * ---------------------------------------------------------------------------------------- */

static void
read_link(struct server *sv)
{
	unsigned events;

	if (session_link_read(&sv->link, &events) < 0)
		events |= SESSION_EVENT_END;
	if ((events & SESSION_EVENT_CHANGED) != 0)
		sv->news = sv->watching;
	if ((events & SESSION_EVENT_END) != 0) {
		sv->reason = "Disconnected: Shutting down";
		imap_session_bye(sv->session, "[UNAVAILABLE] Server shutting down");
	}
}

/* Wait for what can go on, and take it. false: the client is gone. */
static bool
turn(struct server *sv)
{
	bool wants_in = sv->session->out.len == 0 && !imap_session_busy(sv->session);
	struct pollfd fds[2] = {
		{ .fd = sv->start->stream_fd,
			.events = (short)((sv->session->out.len > 0 ? POLLOUT : 0) |
					  (wants_in ? POLLIN : 0)) },
		{ .fd = sv->link.fd, .events = POLLIN },
	};
	bool go_on = imap_session_busy(sv->session) && sv->session->out.len < IMAP_OUT_MARK;
	uint64_t now = clock_mono_ms();
	int n;

	log_flush();
	n = poll(fds, 2, go_on ? 0 : wait_ms(sv, now));
	if (n < 0 && errno != EINTR)
		return false;
	if (n > 0)
		sv->rested = false;
	if (n > 0 && fds[1].revents != 0)
		read_link(sv);
	if (n > 0 && (fds[0].revents & (POLLIN | POLLHUP | POLLERR)) != 0 && wants_in &&
		!read_in(sv))
		return false;
	now = clock_mono_ms(); /* after read_in(): never before active_at */
	check_timeout(sv, now);
	if (n == 0 && !go_on && !sv->rested)
		rest(sv);
	look(sv, now);
	return true;
}

static void
serve(struct server *sv)
{
	while (work(sv), write_out(sv)) {
		if (imap_session_over(sv->session) && sv->session->out.len == 0)
			break;
		if (!turn(sv))
			break;
	}
	if (sv->reason == NULL)
		sv->reason = sv->session->client_left         ? "Disconnected: Logged out"
			     : imap_session_over(sv->session) ? "Disconnected: Ended by the server"
							      : "Disconnected: Connection closed";
}

static int
open_session(struct server *sv, struct store_account **account, struct charsets *charsets)
{
	const struct session_start *start = sv->start;
	const struct store_options options = { .hostname = start->hostname };
	const struct imap_host host = {
		.ctx = sv,
		.watch = host_watch,
		.unwatch = host_unwatch,
		.quota_get = host_quota_get,
		.quota_add = host_quota_add,
		.note = host_note,
	};
	const struct imapd_conf *conf = start->conf;
	const struct imap_limits limits = {
		.message_octets = conf != NULL ? conf->message_size_limit : 0,
		.quota = start->quota_octets > 0 || start->quota_messages > 0,
	};
	int r = store_account_open(start->root_fd, &options, account);

	if (r < 0)
		return r;
	sv->session = imap_session_new(*account, charsets, &host, &limits);
	buf_put_bytes(&sv->session->out, start->first_reply);
	buf_put_bytes(&sv->in, start->input);
	sv->in_octets = start->input.n;
	return ERR_OK;
}

/* The mailbox cannot be opened: say so instead of the tagged OK. */
static void
refuse(struct server *sv, int err)
{
	static const char bye[] = "* BYE [UNAVAILABLE] The mailbox cannot be opened\r\n";

	log_error("imap(%s)<%s>: mailbox cannot be opened: %s", sv->start->account,
		sv->start->session_id, err_text(err));
	if (write(sv->start->stream_fd, bye, sizeof(bye) - 1) < 0)
		log_debug("imap(%s): the client has gone", sv->start->account);
}

int
imap_session_run(const struct session_start *start)
{
	const struct imapd_conf *conf = start->conf;
	struct server sv = { .start = start, .link = start->link, .active_at = clock_mono_ms() };
	struct store_account *account = NULL;
	struct charsets *charsets = start->charsets;
	int r;

	sv.idle_timeout_ms = conf != NULL ? conf->idle_timeout : IDLE_TIMEOUT_MS;
	if ((r = open_session(&sv, &account, charsets)) < 0) {
		refuse(&sv, r);
		log_flush();
		return 1;
	}
	serve(&sv);
	log_info("imap(%s)<%s>: %s in=%llu out=%llu", start->account, start->session_id, sv.reason,
		(unsigned long long)sv.in_octets, (unsigned long long)sv.out_octets);
	imap_session_free(&sv.session);
	store_account_close(&account);
	buf_free(&sv.in);
	log_flush();
	return 0;
}
