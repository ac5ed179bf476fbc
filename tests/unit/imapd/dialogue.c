/* SPDX-License-Identifier: ISC */
/* tests/unit/imapd/dialogue.c - runs scripts against IMAP sessions. */
#include "dialogue.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "err.h"

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
	UNUSED(st);
	UNUSED(type);
	UNUSED(where);
	return remove(path);
}

void
mailbox_open(struct mailbox *m)
{
	const struct store_options options = { .hostname = "host.example" };
	int fd;

	snprintf(m->path, sizeof(m->path), "%s/imapdXXXXXX",
		access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	ASSERT(mkdtemp(m->path) != NULL);
	fd = open(m->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ASSERT(fd >= 0);
	for (size_t i = 0; i < NITEMS(m->account); i++)
		ASSERT(store_account_open(fd, &options, &m->account[i]) == ERR_OK);
	close(fd);
}

void
mailbox_close(struct mailbox *m)
{
	for (size_t i = 0; i < NITEMS(m->account); i++)
		store_account_close(&m->account[i]);
	nftw(m->path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* -- one client -----------------------------------------------------------------------------------
 */

struct client {
	struct imap_session *s;
	struct buf got; /* output not yet compared */
	bool watching;
};

static void
on_watch(void *ctx, const int *dirfds, size_t n)
{
	struct client *c = ctx;

	UNUSED(dirfds);
	ASSERT(n == STORE_WATCH_DIRS);
	c->watching = true;
}

static void
on_unwatch(void *ctx)
{
	struct client *c = ctx;

	c->watching = false;
}

static int
on_quota_get(void *ctx, struct session_quota_msg *out)
{
	UNUSED(ctx);
	*out = (struct session_quota_msg){ .used_octets = 1000000, .limit_octets = 1048576 };
	return ERR_OK;
}

static void
collect(struct client *c)
{
	buf_put_bytes(&c->got, buf_bytes(&c->s->out));
	buf_clear(&c->s->out);
}

static void
say(struct client *c, struct bytes text, size_t step)
{
	while (text.n > 0 && !imap_session_over(c->s)) {
		struct bytes piece = bytes_head(text, step > 0 ? step : text.n);
		uint8_t *copy = xmalloc(piece.n);
		struct bytes in = bytes_make(memcpy(copy, piece.p, piece.n), piece.n);

		text = bytes_skip(text, piece.n);
		while (in.n > 0 && !imap_session_over(c->s)) {
			imap_session_work(c->s, &in);
			collect(c);
		}
		free(copy);
		if (step > 0)
			imap_session_rest(c->s);
	}
}

static void
finish_work(struct client *c)
{
	struct bytes none = BYTES_NONE;

	do {
		imap_session_work(c->s, &none);
		collect(c);
	} while (imap_session_busy(c->s));
}

/* -- scripts
 * ---------------------------------------------------------------------------------------- */

static bool
like(struct bytes pattern, struct bytes text)
{
	for (; pattern.n > 0; pattern = bytes_skip(pattern, 1), text = bytes_skip(text, 1)) {
		if (pattern.p[0] == '~') {
			for (size_t n = 0; n <= text.n; n++)
				if (like(bytes_skip(pattern, 1), bytes_skip(text, n)))
					return true;
			return false;
		}
		if (text.n == 0 || text.p[0] != pattern.p[0])
			return false;
	}
	return text.n == 0;
}

static const char *
complain(struct bytes expected, struct bytes got)
{
	static char text[1000];

	snprintf(text, sizeof(text), "expected: %.*s\n     got: %.*s", (int)expected.n,
		(const char *)expected.p, (int)got.n, (const char *)got.p);
	return text;
}

static const char *
expect_line(struct client *c, struct bytes expected)
{
	struct bytes got = buf_bytes(&c->got), line, rest = got;

	line = bytes_cut(&rest, '\n');
	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	if (got.n == 0 || !like(expected, line))
		return complain(expected, line);
	buf_consume(&c->got, got.n - rest.n);
	return NULL;
}

static const char *
expect_nothing(struct client *c)
{
	if (c->got.len == 0)
		return NULL;
	return complain(BYTES_LITERAL("nothing"), buf_bytes(&c->got));
}

/* What is said: CRLF behind it, or (raw) wherever a '$' stands. */
static void
put_said(struct buf *said, struct bytes text, bool raw)
{
	while (raw && text.n > 0) {
		struct bytes part = bytes_cut(&text, '$');

		buf_put_bytes(said, part);
		if (part.p[part.n] == '$')
			buf_put_str(said, "\r\n");
	}
	if (!raw) {
		buf_put_bytes(said, text);
		buf_put_str(said, "\r\n");
	}
}

static const char *
run_line(struct client *c, struct bytes line, size_t step)
{
	const char *problem = NULL;
	struct bytes text = bytes_skip(line, 3);
	struct buf said = BUF_INIT;

	switch (line.p[1]) {
	case '>':
		if (line.n > 2 && line.p[2] == '>')
			text = bytes_skip(line, 4);
		if (line.p[2] == ' ' && (problem = expect_nothing(c)) != NULL)
			break;
		put_said(&said, text, line.n > 2 && line.p[2] == '>');
		say(c, buf_bytes(&said), step);
		finish_work(c);
		break;
	case '<':
		problem = expect_line(c, text);
		break;
	case '!':
		imap_session_changed(c->s);
		finish_work(c);
		break;
	case '.':
		problem = imap_session_over(c->s) ? expect_nothing(c) : "the session goes on";
		break;
	default:
		problem = "bad script";
	}
	buf_free(&said);
	return problem;
}

const char *
dialogue_run(struct mailbox *m, const char *script, size_t step)
{
	struct client clients[2] = { { .s = NULL }, { .s = NULL } };
	struct bytes rest = bytes_from_str(script);
	const char *problem = NULL;

	for (size_t i = 0; i < 2; i++) {
		const struct imap_host host = { .ctx = &clients[i],
			.watch = on_watch,
			.unwatch = on_unwatch,
			.quota_get = on_quota_get };
		const struct imap_limits limits = { .message_octets = 200000, .quota = true };

		clients[i].s = imap_session_new(m->account[i], NULL, &host, &limits);
	}
	while (rest.n > 0 && problem == NULL) {
		struct bytes line = bytes_cut(&rest, '\n');

		if (line.n == 0 || line.p[0] == '#')
			continue;
		ASSERT(line.n >= 2 && (line.p[0] == 'A' || line.p[0] == 'B'));
		problem = run_line(&clients[line.p[0] - 'A'], line, step);
	}
	for (size_t i = 0; i < 2; i++) {
		if (problem == NULL)
			problem = expect_nothing(&clients[i]);
		imap_session_free(&clients[i].s);
		buf_free(&clients[i].got);
	}
	return problem;
}
