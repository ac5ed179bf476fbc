/* SPDX-License-Identifier: ISC */
/*
 * cli/sendmail/sendmail_smtp.c - a message to submission's socket, by SMTP.
 *
 * Content goes by BDAT: its octets are counted, so no line of it can be anything else.
 * Sources:  RFC 5321, RFC 3030; RFC 3461 (NOTIFY, RET, ENVID).
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "err.h"
#include "rfc5321.h"
#include "sendmail.h"

#define REPLY_MAX       65536
#define REPLY_TIMEOUT_S 300

int
sendmail_socket(const char *run)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	const struct timeval patience = { REPLY_TIMEOUT_S, 0 };
	int fd, n = snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/sendmail", run);

	if (n < 0 || (size_t)n >= sizeof(sun.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (connect(fd, (const struct sockaddr *)&sun, sizeof(sun)) != 0) {
		int saved = errno;

		close(fd);
		errno = saved;
		return -1;
	}
	return fd;
}

static bool
write_all(int fd, struct bytes b)
{
	while (b.n > 0) {
		ssize_t n = send(fd, b.p, b.n, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		b = bytes_skip(b, (size_t)n);
	}
	return true;
}

/* One line of a reply without its line end, or an empty one at the end of the stream. */
static bool
read_line(struct sendmail_link *l, struct bytes *line, size_t *used)
{
	for (;;) {
		size_t lf = bytes_find(buf_bytes(&l->in), '\n');
		ssize_t n;

		if (lf != BYTES_NOT_FOUND) {
			*line = bytes_trim(bytes_head(buf_bytes(&l->in), lf));
			*used = lf + 1;
			return true;
		}
		if (l->in.len > REPLY_MAX)
			return false;
		n = recv(l->fd, buf_room(&l->in, 4096), 4096, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		buf_added(&l->in, (size_t)n);
	}
}

/* A whole reply: its code; 0 if the connection broke. The texts are in l->reply. */
static int
read_reply(struct sendmail_link *l)
{
	uint64_t code = 0;
	bool more = true;

	buf_clear(&l->reply);
	while (more) {
		struct bytes line;
		size_t used;

		if (!read_line(l, &line, &used) || line.n < 3 ||
			bytes_to_u64(bytes_head(line, 3), 599, &code) < 0 ||
			l->reply.len > REPLY_MAX)
			return 0;
		more = line.n > 3 && line.p[3] == '-';
		buf_put_bytes(&l->reply, bytes_skip(line, 4));
		if (more)
			buf_put_u8(&l->reply, '\n');
		buf_consume(&l->in, used);
	}
	return (int)code;
}

static int
command(struct sendmail_link *l, struct buf *line)
{
	bool sent;

	buf_put_str(line, "\r\n");
	sent = write_all(l->fd, buf_bytes(line));
	buf_free(line);
	return sent ? read_reply(l) : 0;
}

/* What sysexits.h has for a reply. */
static int
exit_of(int code, struct bytes text)
{
	if (code / 100 == 2)
		return EX_OK;
	if (code == 0 || code / 100 == 4)
		return EX_TEMPFAIL;
	if (bytes_starts_with(text, BYTES_LITERAL("5.1.1")))
		return EX_NOUSER;
	if (bytes_starts_with(text, BYTES_LITERAL("5.1.2")))
		return EX_NOHOST;
	if (bytes_starts_with(text, BYTES_LITERAL("5.7.")))
		return EX_NOPERM;
	if (bytes_starts_with(text, BYTES_LITERAL("5.6.")) || code == 501)
		return EX_DATAERR;
	return EX_UNAVAILABLE;
}

static int
failed(struct sendmail_link *l, int code, struct bytes about)
{
	struct bytes text = buf_bytes(&l->reply);

	fprintf(stderr, "sendmail: %.*s%s", (int)about.n, (const char *)about.p,
		about.n > 0 ? ": " : "");
	if (code == 0)
		fprintf(stderr, "the mail system broke the connection\n");
	else
		fprintf(stderr, "%d %.*s\n", code, (int)text.n, (const char *)text.p);
	return exit_of(code, text);
}

static void
read_extensions(struct sendmail_link *l)
{
	struct bytes rest = buf_bytes(&l->reply);

	while (rest.n > 0) {
		struct bytes line = bytes_cut(&rest, '\n');
		struct bytes word = bytes_cut(&line, ' ');

		if (bytes_is_nocase(word, "SIZE"))
			UNUSED(bytes_to_u64(line, UINT64_MAX, &l->size_limit) < 0);
		else if (bytes_is(word, "XLOGIN"))
			buf_put_bytes(&l->self, line);
	}
}

int
sendmail_connect(struct sendmail_link *l, const char *run)
{
	struct buf line = BUF_INIT;
	int code;

	*l = (struct sendmail_link){ .fd = sendmail_socket(run) };
	if (l->fd < 0) {
		fprintf(stderr, "sendmail: the mail system is not running (%s/sendmail: %s)\n", run,
			strerror(errno));
		return EX_TEMPFAIL;
	}
	code = read_reply(l);
	if (code == 220) {
		buf_put_str(&line, "EHLO localhost");
		code = command(l, &line);
	}
	if (code != 250)
		return failed(l, code, BYTES_NONE);
	read_extensions(l);
	return EX_OK;
}

static int
say_mail(struct sendmail_link *l, const struct sendmail_args *a, struct bytes sender,
	const struct sendmail_message *m)
{
	struct buf line = BUF_INIT;

	buf_put_str(&line, "MAIL FROM:<");
	buf_put_bytes(&line, sender);
	buf_printf(&line, "> SIZE=%zu", m->text.len);
	if (m->eight_bit)
		buf_put_str(&line, " BODY=8BITMIME");
	if (m->utf8)
		buf_put_str(&line, " SMTPUTF8");
	if (a->ret != NULL)
		buf_printf(&line, " RET=%s", a->ret);
	if (a->envid != NULL) {
		buf_put_str(&line, " ENVID=");
		rfc3461_xtext_encode(&line, bytes_from_str(a->envid));
	}
	return command(l, &line);
}

static int
say_recipients(struct sendmail_link *l, const struct sendmail_args *a,
	const struct sendmail_message *m, size_t *taken)
{
	int worst = EX_OK;

	*taken = 0;
	for (size_t i = 0; i < m->n_to; i++) {
		struct buf line = BUF_INIT;
		int code, r;

		buf_put_str(&line, "RCPT TO:<");
		buf_put_bytes(&line, m->to[i]);
		buf_put_str(&line, ">");
		if (a->notify != NULL)
			buf_printf(&line, " NOTIFY=%s", a->notify);
		code = command(l, &line);
		if (code / 100 == 2) {
			(*taken)++;
			continue;
		}
		r = failed(l, code, m->to[i]);
		if (code == 0)
			return r;
		/* what a retry can't mend counts more */
		if (worst == EX_OK || worst == EX_TEMPFAIL)
			worst = r;
	}
	return worst;
}

int
sendmail_send(struct sendmail_link *l, const struct sendmail_args *a, struct bytes sender,
	const struct sendmail_message *m)
{
	struct buf chunk = BUF_INIT;
	size_t taken;
	int code, worst;

	if (l->size_limit != 0 && m->text.len > l->size_limit) {
		fprintf(stderr, "sendmail: the message is larger than %llu octets\n",
			(unsigned long long)l->size_limit);
		return EX_DATAERR;
	}
	if ((code = say_mail(l, a, sender, m)) != 250)
		return failed(l, code, sender);
	worst = say_recipients(l, a, m, &taken);
	if (taken == 0)
		return worst;
	buf_printf(&chunk, "BDAT %zu LAST\r\n", m->text.len);
	buf_put_bytes(&chunk, buf_bytes(&m->text));
	code = write_all(l->fd, buf_bytes(&chunk)) ? read_reply(l) : 0;
	buf_free(&chunk);
	return code == 250 ? worst : failed(l, code, BYTES_NONE);
}

void
sendmail_close(struct sendmail_link *l)
{
	struct buf line = BUF_INIT;

	if (l->fd >= 0) {
		buf_put_str(&line, "QUIT");
		(void)command(l, &line);
		close(l->fd);
	}
	buf_free(&l->in);
	buf_free(&l->reply);
	buf_free(&l->self);
}

/* Octets that there are from one to the other: false at the end. */
static bool
pass_on(int from, int to, bool to_socket)
{
	uint8_t octets[16384];
	ssize_t n = read(from, octets, sizeof(octets));
	struct bytes b;

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return true;
	if (n <= 0)
		return false;
	b = bytes_make(octets, (size_t)n);
	if (to_socket)
		return write_all(to, b);
	while (b.n > 0) {
		n = write(to, b.p, b.n);
		if (n < 0 && errno != EINTR)
			return false;
		b = bytes_skip(b, n > 0 ? (size_t)n : 0);
	}
	return true;
}

int
sendmail_relay(int fd)
{
	struct pollfd fds[2] = { { STDIN_FILENO, POLLIN, 0 }, { fd, POLLIN, 0 } };

	while (fds[1].fd >= 0) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return EX_OSERR;
		if (fds[0].revents != 0 && !pass_on(STDIN_FILENO, fd, true)) {
			shutdown(fd, SHUT_WR);
			fds[0].fd = -1;
		}
		if (fds[1].revents != 0 && !pass_on(fd, STDOUT_FILENO, false))
			fds[1].fd = -1;
	}
	close(fd);
	return EX_OK;
}
