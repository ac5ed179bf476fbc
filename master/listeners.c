/* SPDX-License-Identifier: ISC */
/*
 * master/listeners.c - listening sockets: one for each port and worker (SO_REUSEPORT), one for
 * all workers at each path below the run folder.
 *
 * Master keeps them open as long as the configuration names them: a worker that dies loses
 * no waiting connection, and a reload closes no port.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "common_conf.h"
#include "listen.h"
#include "log.h"
#include "master.h"

#define BACKLOG        4096
#define PROBE_TRIES    50
#define PROBE_PAUSE_MS 100

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
	struct listen_address a;
	bool any;
	struct addrinfo *list;
	int fd = -1, r;

	if (listen_parse(bytes_from_str(address), &a) < 0) {
		*why = "is not ADDRESS:PORT, [ADDRESS]:PORT or *:PORT";
		return -1;
	}
	any = strcmp(a.host, "*") == 0;
	r = getaddrinfo(any ? "::" : a.host, a.port, &hints, &list);
	if (r != 0) {
		*why = gai_strerror(r);
		return -1;
	}
	fd = bind_socket(list, any, shared);
	freeaddrinfo(list);
	if (fd < 0 && any && getaddrinfo("0.0.0.0", a.port, &hints, &list) == 0) {
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

/* What a listener is to be, before it is known whether there is one. */
struct wanted {
	const struct service_row *row;
	const struct service_door *door;
	unsigned instance;
	const char *address;
};

/* Who may connect to it, besides root. */
static int
let_in(struct master *m, const struct wanted *w)
{
	const char *const *mode, *const *group;
	const struct group *gr;

	if (w->door->mode == NULL)
		return chmod(w->address, 0666);
	mode = service_option(&m->conf, w->row->section, w->door->mode);
	group = service_option(&m->conf, w->row->section, w->door->group);
	if (**group != 0) {
		errno = ENOENT;
		gr = getgrnam(*group);
		if (gr == NULL || chown(w->address, (uid_t)-1, gr->gr_gid) != 0)
			return -1;
	}
	return chmod(w->address, (mode_t)strtoul(*mode, NULL, 8));
}

/*
 * A socket below the run folder, for programs of this machine's users. The run folder is ours
 * alone (the control socket saw to it), so what has the name there is left from before.
 */
static int
open_unix_socket(struct master *m, const struct wanted *w, const char **why)
{
	const char *path = w->address;
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(sun.sun_path)) {
		*why = "is too long a path for a socket";
		return -1;
	}
	memcpy(sun.sun_path, path, strlen(path) + 1);
	unlink(path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && (bind(fd, (const struct sockaddr *)&sun, sizeof(sun)) != 0 ||
			       let_in(m, w) != 0 || listen(fd, BACKLOG) != 0)) {
		close(fd);
		fd = -1;
	}
	*why = strerror(errno);
	return fd;
}

static struct listener *
find(struct master *m, const struct wanted *w, unsigned instance)
{
	struct listener *l;

	TAILQ_FOREACH (l, &m->listeners, link) {
		if (l->service == w->row->service && l->instance == instance &&
			strcmp(l->label, w->door->label) == 0 &&
			strcmp(l->address, w->address) == 0)
			return l;
	}
	return NULL;
}

static int
open_listener(struct master *m, const struct wanted *w, const char **why)
{
	/* one wait is enough for all: with an error there will be no start */
	bool patient = !m->ready && m->conf.first == NULL;

	if (w->door->kind == DOOR_UNIX && w->instance > 0)
		return fcntl(find(m, w, 0)->fd, F_DUPFD_CLOEXEC, 0);
	if (w->door->kind == DOOR_UNIX)
		return open_unix_socket(m, w, why);
	if (w->instance == 0 && probe(w->address, patient, why) < 0)
		return -1;
	return open_socket(w->address, true, why);
}

static int
want_listener(struct master *m, const struct wanted *w)
{
	struct listener *l = find(m, w, w->instance);

	if (l == NULL) {
		const char *why = "no descriptor is left";
		int fd = open_listener(m, w, &why);

		if (fd < 0) {
			conf_add_error(&m->conf, "listen", 0, "%s: %s %s", w->row->section,
				w->address, why);
			return ERR_RESOURCE;
		}
		l = xcalloc(1, sizeof(*l));
		l->service = w->row->service;
		l->instance = w->instance;
		l->label = w->door->label;
		l->address = xstrdup(w->address);
		l->fd = fd;
		TAILQ_INSERT_TAIL(&m->listeners, l, link);
	}
	l->wanted = true;
	return ERR_OK;
}

void
listener_adopt(struct master *m, enum service s, unsigned instance, const char *label,
	struct bytes address, int fd)
{
	struct listener *l = xcalloc(1, sizeof(*l));
	char *text = xmalloc(address.n + 1);

	l->service = s;
	l->instance = instance;
	l->label = label;
	l->address = bytes_to_str(address, text, address.n + 1);
	l->fd = fd;
	TAILQ_INSERT_TAIL(&m->listeners, l, link);
}

/* One address in each worker. */
static int
want_everywhere(struct master *m, const struct service_row *row, const struct service_door *door,
	const char *address)
{
	unsigned n = service_instances(row, &m->conf, m->cores);
	int r = ERR_OK;

	for (unsigned k = 0; k < n && r == ERR_OK; k++)
		r = want_listener(m, &(struct wanted){ row, door, k, address });
	return r;
}

static int
open_door(struct master *m, const struct service_row *row, const struct service_door *door)
{
	const struct common_conf *common = conf_values(&m->conf, "");
	const void *option = service_option(&m->conf, row->section, door->option);
	const struct conf_list *list = option;
	int r = ERR_OK;

	if (door->kind == DOOR_UNIX) {
		struct buf path = BUF_INIT;

		buf_printf(&path, "%s/%s", common->run, door->label);
		if (*(const bool *)option)
			r = want_everywhere(m, row, door, buf_str(&path));
		buf_free(&path);
		return r;
	}
	for (size_t i = 0; i < list->n; i++) {
		int ok = want_everywhere(m, row, door, list->v[i]);

		if (ok < 0)
			r = ok; /* go on: all errors at once */
	}
	return r;
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
		const struct service_door *door = services[i].doors;

		for (size_t j = 0; j < SERVICE_DOORS_MAX && door[j].label != NULL; j++) {
			int ok = open_door(m, &services[i], &door[j]);

			if (ok < 0)
				r = ok;
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
