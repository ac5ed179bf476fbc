/* SPDX-License-Identifier: ISC */
/*
 * lib/daemon/doors.c - listening sockets made by master: accepting, closing.
 *
 * Each process has its own socket of a port (SO_REUSEPORT), so connections are spread evenly
 * and wake one process only; master keeps a copy, so a restart loses no waiting connection.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

#include "clock.h"
#include "daemon_private.h"
#include "log.h"

#define ACCEPTS_A_TURN 64
#define TELL_EVERY_MS  10000

struct door {
	struct door *next;
	struct daemon_private *daemon;
	struct event *readable, *resume;
	const char *label, *address;
	int fd;
	int burst;          /* connections taken at once */
	uint64_t last_turn; /* of the loop, in which some were */
	uint64_t told_ms;   /* of a failing accept(), on the log */
};

/* A dual-stack socket shows IPv4 clients as ::ffff:a.b.c.d; the suite knows them as a.b.c.d. */
static void
unmap_address(struct sockaddr_storage *addr, socklen_t *len)
{
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)addr;
	struct sockaddr_in four = { .sin_family = AF_INET };

	if (addr->ss_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&six->sin6_addr))
		return;
	four.sin_port = six->sin6_port;
	memcpy(&four.sin_addr, six->sin6_addr.s6_addr + 12, 4);
	memset(addr, 0, sizeof(*addr));
	memcpy(addr, &four, sizeof(four));
	*len = sizeof(four);
}

/* A client of these speaks TLS first and would not understand a line. */
static bool
is_implicit_tls(const char *label)
{
	static const char *const labels[] = { "submissions", "imaps", "pop3s" };

	for (size_t i = 0; i < NITEMS(labels); i++)
		if (strcmp(label, labels[i]) == 0)
			return true;
	return false;
}

/* One line and the end, before anything is allocated for it. */
static void
turn_away(const struct door *door, int client)
{
	const char *line = door->daemon->d.spec->banned, *at = strchr(line, '%');
	struct buf reply = BUF_INIT;

	if (!is_implicit_tls(door->label)) {
		if (at != NULL)
			buf_printf(&reply, "%.*s%s%s\r\n", (int)(at - line), line,
				door->daemon->d.common->hostname, at + 1);
		else
			buf_printf(&reply, "%s\r\n", line);
		UNUSED(send(client, reply.data, reply.len, MSG_NOSIGNAL) < 0);
	}
	buf_free(&reply);
	close(client);
}

/* Out of descriptors or memory: leave the clients in the kernel's queue for a while. */
static void
pause_a_while(struct door *door)
{
	const struct timeval wait = { 0, 200000 };
	const uint64_t now = clock_mono_ms();

	if (door->told_ms == 0 || now - door->told_ms > TELL_EVERY_MS) {
		log_warning("accept on %s: %m; clients wait", door->address);
		door->told_ms = now;
	}
	event_del(door->readable);
	event_add(door->resume, &wait);
}

static void
on_resume(evutil_socket_t fd, short what, void *arg)
{
	struct door *door = arg;

	event_add(door->readable, NULL);
}

/* Mostly there is one, and asking whether there is a second would be for nothing. Where they
 * come in turn after turn of the loop they are taken several at once. */
static void
set_burst(struct door *door, uint64_t turn)
{
	if (door->last_turn + 1 < turn)
		door->burst = 1;
	else if (door->burst < ACCEPTS_A_TURN)
		door->burst *= 2;
	door->last_turn = turn;
}

static void
on_connection(evutil_socket_t fd, short what, void *arg)
{
	struct door *door = arg;
	struct daemon_private *p = door->daemon;

	set_burst(door, p->turns);
	for (int i = 0; i < door->burst && !p->d.draining; i++) {
		struct sockaddr_storage addr = { 0 };
		socklen_t len = sizeof(addr);
		int client =
			accept4(fd, (struct sockaddr *)&addr, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (client < 0 && (errno == EINTR || errno == ECONNABORTED))
			continue;
		if (client < 0 && (errno == EAGAIN || errno == EPROTO)) {
			door->burst = 1;
			return;
		}
		if (client < 0) {
			pause_a_while(door);
			return;
		}
		unmap_address(&addr, &len);
		if (p->bans != NULL && bans_has(p->bans, &addr)) {
			turn_away(door, client);
			continue;
		}
		p->d.spec->on_client(
			&p->d, &(struct daemon_client){ client, door->label, &addr, len });
	}
}

void
doors_add(struct daemon_private *p, int fd, struct bytes label, struct bytes address)
{
	static const int on = 1;
	struct door *door = arena_zalloc(&p->arena, sizeof(*door));

	/* what is accepted inherits it: replies are whole when written, nothing is gained by
	 * waiting for more */
	UNUSED(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0);
	door->burst = 1;
	door->daemon = p;
	door->fd = fd;
	door->label = arena_str(&p->arena, label);
	door->address = arena_str(&p->arena, address);
	door->next = p->doors;
	p->doors = door;
}

void
doors_open(struct daemon_private *p)
{
	if (p->doors != NULL && p->d.spec->banned != NULL)
		p->bans = bans_new(&p->d);
	for (struct door *door = p->doors; door != NULL; door = door->next) {
		ASSERT(p->d.spec->on_client != NULL);
		door->readable =
			event_new(p->d.base, door->fd, EV_READ | EV_PERSIST, on_connection, door);
		door->resume = event_new(p->d.base, -1, 0, on_resume, door);
		ASSERT(door->readable != NULL && door->resume != NULL);
		event_add(door->readable, NULL);
	}
}

void
doors_close(struct daemon_private *p)
{
	for (struct door *door = p->doors; door != NULL; door = door->next) {
		if (door->readable != NULL) {
			event_free(door->readable);
			event_free(door->resume);
		}
		close(door->fd);
	}
	p->doors = NULL;
}

void
doors_stats(const struct daemon_private *p, struct buf *out)
{
	if (p->bans != NULL)
		bans_stats(p->bans, out);
}
