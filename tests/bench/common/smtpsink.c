/* SPDX-License-Identifier: ISC */
/*
 * tests/bench/common/smtpsink.c - takes mail by SMTP and forgets it, on one thread, for any
 * number of connections. Counts in a file that others map, so that nobody need ask.
 *
 *	smtpsink -p PORT -f FILE [-n PORTS] [-a ADDRESS] [-d MS] [-c]
 *
 * Listens on PORT and the PORTS - 1 after it. -d: so long before the reply to a message. -c:
 * offers CHUNKING. FILE holds four u64 in the machine's order: messages, connections, octets of
 * content, most connections at once. Ends by a signal.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define IN_MAX  65536
#define OUT_MAX 4096

struct counts {
	uint64_t messages, connections, octets, most;
};

enum state {
	COMMANDS,
	CONTENT, /* until a line of one dot */
	CHUNK    /* so many octets more */
};

struct peer {
	int fd; /* of a listening socket too */
	bool listens;
	enum state state;
	bool last;     /* this chunk ends the message */
	unsigned tail; /* how much of CR LF . CR LF the content ends with */
	uint64_t chunk_left;
	int64_t reply_at; /* milliseconds; 0: no reply waits */
	struct peer *next;
	size_t out_len;
	char line[1024];
	size_t line_len;
	char out[OUT_MAX];
};

static struct {
	struct counts *counts;
	uint64_t open;
	int epoll;
	int64_t delay_ms;
	bool chunking;
	struct peer *waiting, **waiting_end; /* for the time of their reply; first first */
} sink = { .waiting_end = &sink.waiting };

static void
die(const char *what)
{
	fprintf(stderr, "smtpsink: %s: %s\n", what, strerror(errno));
	exit(2);
}

static int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void
watch(struct peer *p, int op)
{
	struct epoll_event e = { .events = EPOLLIN, .data = { .ptr = p } };

	if (epoll_ctl(sink.epoll, op, p->fd, &e) != 0)
		die("epoll");
}

static void
put(struct peer *p, const char *text)
{
	const size_t n = strlen(text);

	if (p->out_len + n > OUT_MAX)
		return; /* nobody sends so many commands at once */
	memcpy(p->out + p->out_len, text, n);
	p->out_len += n;
}

/* Small replies to a client that reads them: what the socket does not take is lost. */
static void
flush(struct peer *p)
{
	if (p->out_len > 0 && send(p->fd, p->out, p->out_len, MSG_NOSIGNAL) < 0)
		p->out_len = 0;
	p->out_len = 0;
}

static void
took_message(struct peer *p)
{
	p->state = COMMANDS;
	sink.counts->messages++;
	if (sink.delay_ms == 0) {
		put(p, "250 2.0.0 Ok: taken\r\n");
		return;
	}
	p->reply_at = now_ms() + sink.delay_ms;
	p->next = NULL;
	*sink.waiting_end = p;
	sink.waiting_end = &p->next;
}

/* Does the line begin with that word? */
static bool
verb(const char *line, const char *word)
{
	return strncasecmp(line, word, strlen(word)) == 0;
}

static void
on_bdat(struct peer *p, const char *line)
{
	char *rest;

	p->chunk_left = strtoull(line + 4, &rest, 10);
	p->last = strcasestr(rest, "LAST") != NULL;
	p->state = CHUNK;
}

/* One command; false: the connection is over. */
static bool
on_command(struct peer *p, const char *line)
{
	if (verb(line, "EHLO")) {
		put(p, "250-sink.test\r\n250-PIPELINING\r\n250-SIZE 100000000\r\n"
		       "250-8BITMIME\r\n250-DSN\r\n250-SMTPUTF8\r\n");
		put(p, sink.chunking ? "250-CHUNKING\r\n" : "");
		put(p, "250 ENHANCEDSTATUSCODES\r\n");
	} else if (verb(line, "DATA")) {
		put(p, "354 go on\r\n");
		p->state = CONTENT;
		p->tail = 2; /* a dot may stand in the first line */
	} else if (verb(line, "BDAT")) {
		on_bdat(p, line);
	} else if (verb(line, "QUIT")) {
		put(p, "221 2.0.0 bye\r\n");
		flush(p);
		return false;
	} else {
		put(p, "250 2.0.0 Ok\r\n");
	}
	return true;
}

/* Octets of content; how many of them belonged to it. */
static size_t
on_content(struct peer *p, const char *in, size_t n)
{
	static const char end[] = "\r\n.\r\n";
	size_t i;

	for (i = 0; i < n && p->tail < 5; i++) {
		const char *cr;

		if (p->tail == 0) {
			cr = memchr(in + i, '\r', n - i);
			if (cr == NULL) {
				i = n;
				break;
			}
			i = (size_t)(cr - in);
			p->tail = 1;
		} else if (in[i] == end[p->tail]) {
			p->tail++;
		} else {
			p->tail = in[i] == '\r' ? 1 : 0;
		}
	}
	sink.counts->octets += i;
	if (p->tail == 5)
		took_message(p);
	return i;
}

static size_t
on_chunk(struct peer *p, size_t n)
{
	const size_t used = n < p->chunk_left ? n : (size_t)p->chunk_left;

	p->chunk_left -= used;
	sink.counts->octets += used;
	if (p->chunk_left > 0)
		return used;
	p->state = COMMANDS;
	if (p->last)
		took_message(p);
	else
		put(p, "250 2.0.0 go on\r\n");
	return used;
}

/* Octets of a command line; false: over. */
static bool
on_line_octets(struct peer *p, const char *in, size_t n, size_t *used)
{
	const char *nl = memchr(in, '\n', n);
	const size_t take = nl == NULL ? n : (size_t)(nl - in) + 1;

	*used = take;
	if (p->line_len + take >= sizeof(p->line))
		return false;
	memcpy(p->line + p->line_len, in, take);
	p->line_len += take;
	if (nl == NULL)
		return true;
	p->line[p->line_len] = 0;
	p->line_len = 0;
	return on_command(p, p->line);
}

static bool
on_octets(struct peer *p, const char *in, size_t n)
{
	while (n > 0 || (p->state == CHUNK && p->chunk_left == 0)) {
		size_t used = 0;

		if (p->state == CONTENT)
			used = on_content(p, in, n);
		else if (p->state == CHUNK)
			used = on_chunk(p, n);
		else if (!on_line_octets(p, in, n, &used))
			return false;
		in += used;
		n -= used;
	}
	return true;
}

static void
end(struct peer *p)
{
	close(p->fd);
	p->fd = -1;
	sink.open--;
	if (p->reply_at == 0)
		free(p); /* else when its turn comes */
}

static void
on_readable(struct peer *p)
{
	static char in[IN_MAX];
	const ssize_t n = recv(p->fd, in, sizeof(in), 0);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0 || !on_octets(p, in, (size_t)n)) {
		end(p);
		return;
	}
	flush(p);
}

static void
on_connection(struct peer *listening)
{
	int fd, one = 1;

	while ((fd = accept4(listening->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct peer *p = calloc(1, sizeof(*p));

		if (p == NULL)
			die("memory");
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		p->fd = fd;
		watch(p, EPOLL_CTL_ADD);
		sink.counts->connections++;
		if (++sink.open > sink.counts->most)
			sink.counts->most = sink.open;
		put(p, "220 sink.test ESMTP\r\n");
		flush(p);
	}
}

/* Replies whose time has come; milliseconds until the next, -1: none. */
static int
late_replies(void)
{
	const int64_t now = now_ms();
	struct peer *p;

	while ((p = sink.waiting) != NULL && p->reply_at <= now) {
		sink.waiting = p->next;
		if (sink.waiting == NULL)
			sink.waiting_end = &sink.waiting;
		p->reply_at = 0;
		if (p->fd < 0) {
			free(p);
			continue;
		}
		put(p, "250 2.0.0 Ok: taken\r\n");
		flush(p);
	}
	return p == NULL ? -1 : (int)(p->reply_at - now);
}

static void
listen_on(const char *address, int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	struct peer *p = calloc(1, sizeof(*p));
	int one = 1;

	if (p == NULL || inet_pton(AF_INET, address, &a.sin_addr) != 1)
		die(address);
	p->listens = true;
	p->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (p->fd < 0)
		die("socket");
	setsockopt(p->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(p->fd, (struct sockaddr *)&a, sizeof(a)) != 0 || listen(p->fd, 4096) != 0)
		die("bind");
	watch(p, EPOLL_CTL_ADD);
}

static void
map_counts(const char *path)
{
	const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0 || ftruncate(fd, sizeof(struct counts)) != 0)
		die(path);
	sink.counts = mmap(NULL, sizeof(struct counts), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (sink.counts == MAP_FAILED)
		die(path);
	memset(sink.counts, 0, sizeof(*sink.counts));
	close(fd);
}

static void
options(int argc, char *argv[])
{
	const char *address = "127.0.0.1", *file = NULL;
	int c, port = 0, ports = 1;

	while ((c = getopt(argc, argv, "a:p:n:f:d:c")) != -1) {
		switch (c) {
		case 'a':
			address = optarg;
			break;
		case 'p':
			port = (int)strtol(optarg, NULL, 10);
			break;
		case 'n':
			ports = (int)strtol(optarg, NULL, 10);
			break;
		case 'f':
			file = optarg;
			break;
		case 'd':
			sink.delay_ms = strtol(optarg, NULL, 10);
			break;
		case 'c':
			sink.chunking = true;
			break;
		default:
			exit(2);
		}
	}
	if (port == 0 || file == NULL) {
		fprintf(stderr, "usage: smtpsink -p PORT -f FILE [-n PORTS] [-a ADDRESS] [-d MS] "
				"[-c]\n");
		exit(2);
	}
	map_counts(file);
	for (int i = 0; i < ports; i++)
		listen_on(address, port + i);
}

int
main(int argc, char *argv[])
{
	struct rlimit files = { 65536, 65536 };
	struct epoll_event events[256];

	setrlimit(RLIMIT_NOFILE, &files);
	sink.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (sink.epoll < 0)
		die("epoll");
	options(argc, argv);
	for (;;) {
		const int n = epoll_wait(sink.epoll, events, 256, late_replies());

		for (int i = 0; i < n; i++) {
			struct peer *p = events[i].data.ptr;

			if (p->listens)
				on_connection(p);
			else
				on_readable(p);
		}
	}
}
