/* SPDX-License-Identifier: ISC */
/*
 * tests/bench/guess/guessload.c - wrong logins at a steady rate, whatever the server does: a
 * connection each, from many addresses of 127.0.0.0/8, by AUTH PLAIN on the submission door.
 *
 *	guessload -p PORT -r RATE -s SECONDS [-a ADDRESSES] [-u LOGIN]
 *
 * ADDRESSES: how many the attacker has (1: 127.66.0.1 alone; 0: a fresh one for each attempt).
 * Without -u each attempt is at another login. Prints one line of JSON.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define OPEN_MAX 60000

enum step {
	GREETING,
	CAPABILITIES,
	ANSWER
};

struct client {
	int fd;
	enum step step;
	unsigned number;
};

struct attack {
	struct sockaddr_in to;
	unsigned rate, seconds, addresses;
	const char *login;
	int epoll;
	unsigned open;
	unsigned long started, wrong, banned, refused, broken, skipped;
};

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void
end(struct attack *a, struct client *c)
{
	const struct linger hard = { 1, 0 }; /* no TIME_WAIT: ports are needed again */

	(void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	close(c->fd);
	free(c);
	a->open--;
}

static void
start(struct attack *a)
{
	struct sockaddr_in from = { .sin_family = AF_INET };
	unsigned n = (unsigned)a->started, which = a->addresses == 0 ? n : n % a->addresses;
	struct client *c = calloc(1, sizeof(*c));
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = c };
	const int on = 1;

	a->started++;
	if (c == NULL || a->open >= OPEN_MAX) {
		a->skipped++;
		free(c);
		return;
	}
	c->number = n;
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	/* 16 million addresses from 127.66.0.1 on, wide apart so that they are many networks */
	from.sin_addr.s_addr = htonl(0x7f000000u | ((0x420001u + which * 257u * 3u) & 0xffffffu));
	(void)setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	a->open++;
	if (bind(c->fd, (struct sockaddr *)&from, sizeof(from)) != 0 ||
		(connect(c->fd, (struct sockaddr *)&a->to, sizeof(a->to)) != 0 &&
			errno != EINPROGRESS) ||
		epoll_ctl(a->epoll, EPOLL_CTL_ADD, c->fd, &ev) != 0) {
		a->broken++;
		end(a, c);
	}
} /* NOLINT: epoll has c */

static void
send_auth(struct attack *a, const struct client *c)
{
	unsigned char plain[256], text[400];
	char line[512];
	int n;

	if (a->login == NULL)
		n = snprintf((char *)plain, sizeof(plain), "%cguess%u@example.test%cwrong%u", 0,
			c->number, 0, c->number);
	else
		n = snprintf(
			(char *)plain, sizeof(plain), "%c%s%cwrong%u", 0, a->login, 0, c->number);
	EVP_EncodeBlock(text, plain, n);
	n = snprintf(line, sizeof(line), "AUTH PLAIN %s\r\n", text);
	if (send(c->fd, line, (size_t)n, MSG_NOSIGNAL) < 0)
		return; /* the next read shows it */
}

static void
on_readable(struct attack *a, struct client *c)
{
	static const char hello[] = "EHLO guess.example\r\n";
	char in[2048];
	ssize_t n = recv(c->fd, in, sizeof(in) - 1, 0);

	if (n <= 0) {
		a->broken++;
		end(a, c);
		return;
	}
	in[n] = 0;
	if (strncmp(in, "421", 3) == 0 || strncmp(in, "454", 3) == 0) {
		a->banned++;
		end(a, c);
	} else if (c->step == GREETING && strncmp(in, "220", 3) == 0) {
		c->step = CAPABILITIES;
		if (send(c->fd, hello, sizeof(hello) - 1, MSG_NOSIGNAL) < 0)
			a->refused++;
	} else if (c->step == CAPABILITIES) {
		if (strstr(in, "\n250 ") == NULL && strncmp(in, "250 ", 4) != 0)
			return; /* more of it */
		c->step = ANSWER;
		send_auth(a, c);
	} else {
		a->wrong += strncmp(in, "535", 3) == 0;
		a->refused += strncmp(in, "535", 3) != 0;
		end(a, c);
	}
}

static void
turn(struct attack *a, int wait_ms)
{
	struct epoll_event events[256];
	int n = epoll_wait(a->epoll, events, 256, wait_ms);

	for (int i = 0; i < n; i++)
		on_readable(a, events[i].data.ptr);
}

int
main(int argc, char *argv[])
{
	struct attack a = { .to.sin_family = AF_INET, .rate = 1000, .seconds = 5 };
	struct rlimit files = { OPEN_MAX + 100, OPEN_MAX + 100 };
	double begin;
	int opt;

	while ((opt = getopt(argc, argv, "p:r:s:a:u:")) != -1) {
		if (opt == 'p')
			a.to.sin_port = htons((uint16_t)strtoul(optarg, NULL, 10));
		else if (opt == 'r')
			a.rate = (unsigned)strtoul(optarg, NULL, 10);
		else if (opt == 's')
			a.seconds = (unsigned)strtoul(optarg, NULL, 10);
		else if (opt == 'a')
			a.addresses = (unsigned)strtoul(optarg, NULL, 10);
		else if (opt == 'u')
			a.login = optarg;
		else
			return 2;
	}
	(void)setrlimit(RLIMIT_NOFILE, &files);
	a.to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	a.epoll = epoll_create1(EPOLL_CLOEXEC);
	begin = now();
	while (now() - begin < a.seconds) {
		while ((double)a.started < (now() - begin) * a.rate)
			start(&a);
		turn(&a, 1);
	}
	printf("{\"started\": %lu, \"wrong\": %lu, \"banned\": %lu, \"refused\": %lu, "
	       "\"broken\": %lu, \"skipped\": %lu, \"open\": %u}\n",
		a.started, a.wrong, a.banned, a.refused, a.broken, a.skipped, a.open);
	return 0;
}
