/* SPDX-License-Identifier: ISC */
/*
 * pop3d/pop3_session.c - a POP3 session's life: stream, spawner's link, time-outs.
 *
 * Blocking store, non-blocking stream: output is made in pieces and only while little of it
 * waits (back-pressure), input is read only when nothing waits to be sent.
 *
 * Runs in:  pop3 sessions, the mailbox's uid, chroot to the mailbox.
 * Trusts:   nothing from the client.
 */
#include "pop3_session.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "pop3d_conf.h"
#include "transaction.h"

#define READ_SIZE    4096
#define LOCK_WAIT_MS 2000 /* a session that just ended may hold the maildrop for a moment */
#define LOCK_STEP_MS 50

struct session {
	const struct session_start *start;
	struct session_link link;
	struct pop3_transaction transaction;
	struct buf in, out;
	uint64_t deadline_ms; /* of the client's next sign of life */
	uint64_t idle_ms;
	bool gone;       /* the client closed, or can't be written to */
	const char *why; /* it ended, for the log */
};

static void
end(struct session *s, const char *why)
{
	if (s->why == NULL)
		s->why = why;
	s->gone = true;
}

static void
touch(struct session *s)
{
	s->deadline_ms = clock_mono_ms() + s->idle_ms;
}

static void
write_some(struct session *s)
{
	while (s->out.len > 0) {
		struct bytes b = buf_bytes(&s->out);
		ssize_t n = write(s->start->stream_fd, b.p, b.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			end(s, "Connection closed");
			return;
		}
		buf_consume(&s->out, (size_t)n);
		touch(s);
	}
	buf_shrink(&s->out);
}

static void
read_some(struct session *s)
{
	ssize_t n = read(s->start->stream_fd, buf_room(&s->in, READ_SIZE), READ_SIZE);

	if (n > 0) {
		buf_added(&s->in, (size_t)n);
		touch(s);
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		end(s, "Connection closed");
	}
	if (s->in.len == 0)
		buf_shrink(&s->in);
}

/* Let the machine work on what is there, until enough output waits or it needs input. */
static void
work(struct session *s)
{
	struct pop3_transaction *t = &s->transaction;
	bool progress = true;

	write_some(s);
	while (progress && !s->gone && s->out.len < POP3_PIECE) {
		size_t used = 0;

		progress = pop3_is_sending(t);
		if (progress)
			pop3_send_more(t, &s->out);
		else
			used = pop3_input(t, buf_bytes(&s->in), &s->out);
		progress = progress || used > 0;
		buf_consume(&s->in, used);
		write_some(s);
	}
	if (s->in.len == 0)
		buf_shrink(&s->in);
}

static void
on_link(struct session *s)
{
	unsigned events = 0;

	if (session_link_read(&s->link, &events) < 0 || (events & SESSION_EVENT_END))
		end(s, "Server shutting down");
}

static void
wait_for_events(struct session *s)
{
	uint64_t now = clock_mono_ms();
	struct pollfd p[2] = {
		{ .fd = s->start->stream_fd, .events = s->out.len > 0 ? POLLOUT : POLLIN },
		{ .fd = s->link.fd, .events = POLLIN },
	};
	int r;

	if (now >= s->deadline_ms) {
		end(s, "Inactivity");
		return;
	}
	r = poll(p, NITEMS(p), (int)(s->deadline_ms - now) + 1);
	if (r < 0)
		return; /* EINTR: a signal has its own word in the loop */
	if (p[1].revents != 0)
		on_link(s);
	if (p[0].revents != 0 && !s->gone && s->out.len == 0)
		read_some(s);
}

static void
serve(struct session *s)
{
	buf_put_bytes(&s->in, s->start->input);
	touch(s);
	while (!s->gone) {
		work(s);
		if (s->transaction.over && s->out.len == 0)
			end(s, s->transaction.quit ? "Logged out" : "Too many errors");
		if (!s->gone)
			wait_for_events(s);
	}
}

/* Not into the maildrop: say why, in the answer to PASS (RFC 2449 sec. 8.1.2, RFC 3206). */
static void
refuse(struct session *s, int err)
{
	s->out = BUF_INIT;
	if (err == ERR_BUSY)
		buf_put_str(&s->out,
			"-ERR [IN-USE] The maildrop is in use by another POP3 session.\r\n");
	else
		buf_printf(&s->out, "-ERR [SYS/%s] The maildrop can't be opened.\r\n",
			err_is_temporary(err) ? "TEMP" : "PERM");
	write_some(s);
	log_warning("pop3(%s): maildrop not opened: %s, session=<%s>", s->start->account,
		err_text(err), s->start->session_id);
}

static int
open_maildrop(const struct session_start *start, struct maildrop *drop)
{
	const struct timespec step = { 0, LOCK_STEP_MS * 1000000L };
	uint64_t until = clock_mono_ms() + LOCK_WAIT_MS;
	int r;

	while ((r = maildrop_open(start->root_fd, start->hostname, drop)) == ERR_BUSY &&
		clock_mono_ms() < until)
		(void)nanosleep(&step, NULL);
	return r;
}

static void
finish(struct session *s)
{
	struct pop3_transaction *t = &s->transaction;

	if (maildrop_save_seen(t->drop) < 0) /* no QUIT came */
		log_warning("pop3(%s): messages not marked as seen", s->start->account);
	if ((t->change.octets != 0 || t->change.messages != 0) &&
		session_link_quota_add(&s->link, t->change.octets, t->change.messages) < 0)
		log_warning("pop3(%s): quota use not reported", s->start->account);
	log_info("pop3(%s): Disconnected: %s top=%u/%" PRIu64 ", retr=%u/%" PRIu64
		 ", del=%u/%" PRIu32 ", size=%" PRIu64 ", session=<%s>",
		s->start->account, s->why, t->top, t->top_octets, t->retr, t->retr_octets,
		t->removed, t->drop->count, t->drop->octets, s->start->session_id);
}

int
pop3_session_run(const struct session_start *start)
{
	const struct pop3d_conf *conf = start->conf;
	struct session s = { .start = start, .link = start->link, .idle_ms = conf->idle_timeout };
	struct maildrop drop;
	int r = open_maildrop(start, &drop);

	if (r < 0) {
		refuse(&s, r);
		buf_free(&s.out);
		return 0;
	}
	pop3_transaction_init(&s.transaction, &drop);
	s.transaction.mechanisms = start->mechanisms;
	buf_put_bytes(&s.out, start->first_reply);
	buf_put_str(&s.out, "+OK Logged in.\r\n");
	serve(&s);
	finish(&s);
	pop3_transaction_cleanup(&s.transaction);
	maildrop_close(&drop);
	buf_free(&s.in);
	buf_free(&s.out);
	return 0;
}
