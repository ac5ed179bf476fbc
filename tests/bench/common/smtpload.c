/* SPDX-License-Identifier: ISC */
/*
 * tests/bench/common/smtpload.c - an SMTP load on one thread: so many sessions at once, each
 * message on its own connection (or, with -r, all of a session's on one), recipients taken
 * in turn from a list. Waits for every reply, as most clients do.
 *
 *	smtpload -p PORT -s SESSIONS -m MESSAGES -l OCTETS -t FILE [-c FILE] [-r] [-a ADDRESS]
 *
 * The first FILE holds one address a line; that of -c the content instead of one that is made up,
 *with CR LF and dots stuffed. Prints one line of JSON; exit status 1 if a message was not accepted.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum step {
	GREETING,
	EHLO,
	MAIL,
	RCPT,
	DATA,
	CONTENT,
	QUIT
};

struct session {
	int fd;
	enum step step;
	unsigned long number; /* of its message */
	size_t in_len;
	char in[2048];
	const char *out; /* what is still to be sent */
	size_t out_len;
	char line[512];
};

static struct {
	struct sockaddr_in addr;
	unsigned sessions;
	unsigned long messages, started, accepted, failed, open;
	size_t octets;
	int reuse, epoll;
	char **rcpts;
	size_t n_rcpts;
	const char *content_path; /* NULL: it is made up */
	char *content;
	size_t content_len;
} load;

static void
die(const char *what)
{
	fprintf(stderr, "smtpload: %s: %s\n", what, strerror(errno));
	exit(2);
}

/* A header and lines of 78 octets, dot-stuffing not needed, then the end of data. */
static void
make_content(void)
{
	static const char header[] =
		"From: Load <load@client.example>\r\nTo: reader@example.test\r\n"
		"Subject: a message of the usual size\r\n"
		"Date: Sat, 21 Nov 2026 22:04:57 +0000\r\n"
		"Message-ID: <load.1@client.example>\r\n\r\n";
	size_t n = sizeof(header) - 1;

	load.content = malloc(load.octets + sizeof(header) + 128);
	if (load.content == NULL)
		die("memory");
	memcpy(load.content, header, n);
	while (n + 80 <= load.octets) {
		memset(load.content + n, 'a' + (int)(n / 80 % 26), 78);
		memcpy(load.content + n + 78, "\r\n", 2);
		n += 80;
	}
	memcpy(load.content + n, ".\r\n", 3);
	load.content_len = n + 3;
}

static void
read_content(void)
{
	FILE *f = fopen(load.content_path, "r");
	long size = -1;

	if (f == NULL || fseek(f, 0, SEEK_END) != 0 || (size = ftell(f)) < 0)
		die(load.content_path);
	rewind(f);
	load.content = malloc((size_t)size + 3);
	if (load.content == NULL || fread(load.content, 1, (size_t)size, f) != (size_t)size)
		die(load.content_path);
	fclose(f);
	memcpy(load.content + size, ".\r\n", 3);
	load.content_len = (size_t)size + 3;
}

static void
read_rcpts(const char *path)
{
	FILE *f = fopen(path, "r");
	char line[512];

	if (f == NULL)
		die(path);
	while (fgets(line, sizeof(line), f) != NULL) {
		line[strcspn(line, "\r\n")] = 0;
		if (line[0] == 0)
			continue;
		load.rcpts = realloc(load.rcpts, (load.n_rcpts + 1) * sizeof(char *));
		if (load.rcpts == NULL || (load.rcpts[load.n_rcpts++] = strdup(line)) == NULL)
			die("memory");
	}
	fclose(f);
	if (load.n_rcpts == 0)
		die("no recipients");
}

static void
watch(struct session *s, int op, uint32_t events)
{
	struct epoll_event e = { .events = events, .data = { .ptr = s } };

	if (epoll_ctl(load.epoll, op, s->fd, &e) != 0)
		die("epoll");
}

static void
begin(struct session *s)
{
	int one = 1;

	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s->fd < 0)
		die("socket");
	setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(s->fd, (struct sockaddr *)&load.addr, sizeof(load.addr)) != 0 &&
		errno != EINPROGRESS)
		die("connect");
	s->step = GREETING;
	s->in_len = s->out_len = 0;
	load.open++;
	s->number = load.started++;
	watch(s, EPOLL_CTL_ADD, EPOLLIN);
}

static void
end(struct session *s)
{
	close(s->fd);
	s->fd = -1;
	load.open--;
	if (load.started < load.messages)
		begin(s);
}

static void
flush(struct session *s)
{
	ssize_t n = send(s->fd, s->out, s->out_len, MSG_NOSIGNAL);

	if (n < 0 && errno != EAGAIN) {
		load.failed++;
		end(s);
		return;
	}
	if (n > 0) {
		s->out += n;
		s->out_len -= (size_t)n;
	}
	watch(s, EPOLL_CTL_MOD, s->out_len > 0 ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

static void
say(struct session *s, enum step next)
{
	static const char *const words[] = { "", "EHLO client.example\r\n",
		"MAIL FROM:<sender@client.example>\r\n", "", "DATA\r\n", "", "QUIT\r\n" };
	ssize_t n;

	s->step = next;
	s->out = words[next];
	s->out_len = strlen(s->out);
	if (next == RCPT) {
		s->out_len = (size_t)snprintf(s->line, sizeof(s->line), "RCPT TO:<%s>\r\n",
			load.rcpts[s->number % load.n_rcpts]);
		s->out = s->line;
	} else if (next == CONTENT) {
		s->out = load.content;
		s->out_len = load.content_len;
	}
	n = send(s->fd, s->out, s->out_len, MSG_NOSIGNAL);
	if (n == (ssize_t)s->out_len) {
		s->out_len = 0;
		return;
	}
	if (n > 0) {
		s->out += n;
		s->out_len -= (size_t)n;
	}
	flush(s);
}

/* A whole reply came. */
static void
on_reply(struct session *s, int code)
{
	static const int want[] = { 220, 250, 250, 250, 354, 250, 221 };

	if (s->step == QUIT) {
		end(s);
		return;
	}
	if (code != want[s->step]) {
		if (load.failed == 0) /* one tells enough */
			fprintf(stderr, "smtpload: step %d: reply %d\n", (int)s->step, code);
		load.failed++;
		end(s);
		return;
	}
	if (s->step == CONTENT) {
		load.accepted++;
		if (load.reuse && load.started < load.messages) {
			s->number = load.started++;
			say(s, MAIL);
		} else {
			say(s, QUIT);
		}
		return;
	}
	say(s, (enum step)(s->step + 1));
}

static void
on_readable(struct session *s)
{
	ssize_t n = recv(s->fd, s->in + s->in_len, sizeof(s->in) - 1 - s->in_len, 0);
	char *line, *nl;

	if (n <= 0) {
		if (n < 0 && errno == EAGAIN)
			return;
		if (s->step != QUIT)
			load.failed++;
		end(s);
		return;
	}
	s->in_len += (size_t)n;
	s->in[s->in_len] = 0;
	for (line = s->in; (nl = strchr(line, '\n')) != NULL; line = nl + 1) {
		if (nl - line >= 4 && line[3] == ' ') { /* the last line of a reply */
			int code = (int)strtol(line, NULL, 10);

			s->in_len = 0;
			on_reply(s, code);
			return;
		}
	}
	s->in_len = (size_t)(s->in + s->in_len - line);
	memmove(s->in, line, s->in_len);
}

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void
options(int argc, char *argv[])
{
	const char *address = "127.0.0.1", *rcpts = NULL;
	int c, port = 25;

	load.sessions = 1;
	load.messages = 1;
	load.octets = 4096;
	while ((c = getopt(argc, argv, "a:c:p:s:m:l:t:r")) != -1) {
		switch (c) {
		case 'a':
			address = optarg;
			break;
		case 'c':
			load.content_path = optarg;
			break;
		case 'p':
			port = (int)strtol(optarg, NULL, 10);
			break;
		case 's':
			load.sessions = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'm':
			load.messages = strtoul(optarg, NULL, 10);
			break;
		case 'l':
			load.octets = strtoul(optarg, NULL, 10);
			break;
		case 't':
			rcpts = optarg;
			break;
		case 'r':
			load.reuse = 1;
			break;
		default:
			exit(2);
		}
	}
	if (rcpts == NULL || load.sessions == 0 || load.octets < 512)
		die("usage: smtpload -p PORT -s SESSIONS -m MESSAGES -l OCTETS -t FILE [-c FILE] "
		    "[-r] [-a ADDRESS]");
	read_rcpts(rcpts);
	load.addr.sin_family = AF_INET;
	load.addr.sin_port = htons((uint16_t)port);
	if (inet_pton(AF_INET, address, &load.addr.sin_addr) != 1)
		die(address);
}

int
main(int argc, char *argv[])
{
	struct session *all;
	struct epoll_event events[64];
	double start;

	options(argc, argv);
	if (load.content_path != NULL)
		read_content();
	else
		make_content();
	load.epoll = epoll_create1(EPOLL_CLOEXEC);
	all = calloc(load.sessions, sizeof(*all));
	if (load.epoll < 0 || all == NULL)
		die("start");
	start = now();
	for (unsigned i = 0; i < load.sessions && load.started < load.messages; i++)
		begin(&all[i]);
	while (load.open > 0) {
		int n = epoll_wait(load.epoll, events, 64, 60000);

		if (n == 0) {
			errno = ETIMEDOUT;
			die("no reply for a minute");
		}
		for (int i = 0; i < n; i++) {
			struct session *s = events[i].data.ptr;

			if (s->fd >= 0 && (events[i].events & EPOLLOUT) != 0 && s->out_len > 0)
				flush(s);
			if (s->fd >= 0 && (events[i].events & ~(uint32_t)EPOLLOUT) != 0)
				on_readable(s);
		}
	}
	printf("{\"accepted\": %lu, \"failed\": %lu, \"seconds\": %.6f}\n", load.accepted,
		load.failed, now() - start);
	return load.accepted == load.messages ? 0 : 1;
}
