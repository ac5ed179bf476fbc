/* SPDX-License-Identifier: ISC */
/*
 * master/listeners.c - listening sockets: one for each port and worker (SO_REUSEPORT).
 *
 * Master keeps them open as long as the configuration names them: a worker that dies loses
 * no waiting connection, and a reload closes no port.
 */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common_conf.h"
#include "log.h"
#include "master.h"

#define BACKLOG        4096
#define PROBE_TRIES    50
#define PROBE_PAUSE_MS 100

/* "ADDRESS:PORT", "[ADDRESS]:PORT", "*:PORT" into host and port. */
static int
split_address(const char *text, char host[256], char port[16])
{
	struct bytes b = bytes_from_str(text);
	size_t colon = bytes_find_last(b, ':');
	struct bytes h = bytes_head(b, colon);

	if (colon == BYTES_NOT_FOUND || b.n - colon - 1 == 0 || b.n - colon - 1 >= 16)
		return ERR_SYNTAX;
	if (h.n >= 2 && h.p[0] == '[' && h.p[h.n - 1] == ']')
		h = bytes_make(h.p + 1, h.n - 2);
	if (h.n == 0 || h.n >= 256)
		return ERR_SYNTAX;
	bytes_to_str(h, host, 256);
	bytes_to_str(bytes_skip(b, colon + 1), port, 16);
	return ERR_OK;
}

/* shared: beside other sockets of ours on the same port; else nobody may be there yet */
static int
bind_socket(const struct addrinfo *ai, bool both_families, bool shared)
{
	const int one = 1, six_only = !both_families;
	int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (shared)
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
	if (ai->ai_family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &six_only, sizeof(six_only));
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0) {
		int saved = errno;

		close(fd);
		errno = saved;
		return -1;
	}
	return fd;
}

/* A bound socket or -1 with the reason in why. */
static int
open_socket(const char *address, bool shared, const char **why)
{
	const struct addrinfo hints = { .ai_flags = AI_PASSIVE | AI_NUMERICHOST,
		.ai_socktype = SOCK_STREAM };
	char host[256], port[16];
	bool any;
	struct addrinfo *list;
	int fd = -1, r;

	if (split_address(address, host, port) < 0) {
		*why = "is not ADDRESS:PORT, [ADDRESS]:PORT or *:PORT";
		return -1;
	}
	any = strcmp(host, "*") == 0;
	r = getaddrinfo(any ? "::" : host, port, &hints, &list);
	if (r != 0) {
		*why = gai_strerror(r);
		return -1;
	}
	fd = bind_socket(list, any, shared);
	freeaddrinfo(list);
	if (fd < 0 && any && getaddrinfo("0.0.0.0", port, &hints, &list) == 0) {
		/* no IPv6 here */
		fd = bind_socket(list, false, shared);
		freeaddrinfo(list);
	}
	*why = strerror(errno);
	return fd;
}

/*
 * Is the port free? SO_REUSEPORT would let us sit beside another suite of the same user and
 * share its connections unnoticed, so the first socket of a port tries without it. At the
 * start the children of a master that was killed may still be leaving: they get some time.
 */
static int
probe(const char *address, bool patient, const char **why)
{
	const struct timespec pause = { 0, PROBE_PAUSE_MS * 1000000L };
	int fd = -1;

	for (int i = 0; i < (patient ? PROBE_TRIES : 1); i++) {
		if (i > 0)
			nanosleep(&pause, NULL);
		fd = open_socket(address, false, why);
		if (fd >= 0 || errno != EADDRINUSE)
			break;
	}
	if (fd < 0)
		return ERR_RESOURCE;
	close(fd);
	return ERR_OK;
}

static struct listener *
find(struct master *m, enum service s, unsigned instance, const char *address)
{
	struct listener *l;

	TAILQ_FOREACH (l, &m->listeners, link) {
		if (l->service == s && l->instance == instance && strcmp(l->address, address) == 0)
			return l;
	}
	return NULL;
}

static int
want_listener(
	struct master *m, const struct service_row *row, unsigned instance, const char *address)
{
	struct listener *l = find(m, row->service, instance, address);
	const char *why = NULL;

	if (l == NULL) {
		/* one wait is enough for all: with an error there will be no start */
		bool patient = !m->ready && m->conf.first == NULL;
		int fd = -1;

		if (instance > 0 || probe(address, patient, &why) == ERR_OK)
			fd = open_socket(address, true, &why);
		if (fd < 0) {
			conf_add_error(
				&m->conf, "listen", 0, "%s: %s %s", row->section, address, why);
			return ERR_RESOURCE;
		}
		l = xcalloc(1, sizeof(*l));
		l->service = row->service;
		l->instance = instance;
		l->address = xstrdup(address);
		l->fd = fd;
		TAILQ_INSERT_TAIL(&m->listeners, l, link);
	}
	l->wanted = true;
	return ERR_OK;
}

static const struct conf_list *
listen_option(const struct master *m, const struct service_row *row)
{
	const struct conf_section *s = conf_section_named(bytes_from_str(row->section));

	for (size_t i = 0; i < s->nrows; i++)
		if (strcmp(s->rows[i].name, "listen") == 0)
			return (const struct conf_list *)((const uint8_t *)conf_values(
								  &m->conf, row->section) +
							  s->rows[i].offset);
	ASSERT(false); /* a door has a listen option */
	return NULL;
}

int
listeners_open(struct master *m)
{
	struct listener *l;
	int r = ERR_OK;

	TAILQ_FOREACH (l, &m->listeners, link) {
		l->wanted = false;
	}
	for (size_t i = 0; i < nservices; i++) {
		const struct service_row *row = &services[i];
		const struct conf_list *list;
		unsigned n;

		if (row->door == NULL)
			continue;
		list = listen_option(m, row);
		n = service_instances(row, &m->conf, m->cores);
		for (size_t j = 0; j < list->n; j++) {
			int ok = ERR_OK;

			for (unsigned k = 0; k < n && ok == ERR_OK; k++)
				ok = want_listener(m, row, k, list->v[j]);
			if (ok < 0)
				r = ok; /* go on: all errors at once */
		}
	}
	return r;
}

void
listeners_close(struct master *m, bool unwanted_only)
{
	struct listener *l = TAILQ_FIRST(&m->listeners), *next;

	for (; l != NULL; l = next) {
		next = TAILQ_NEXT(l, link);
		if (unwanted_only && l->wanted)
			continue;
		TAILQ_REMOVE(&m->listeners, l, link);
		close(l->fd);
		free((void *)(uintptr_t)l->address);
		free(l);
	}
}
