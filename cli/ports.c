/* SPDX-License-Identifier: ISC */
/*
 * cli/ports.c - ports that the doors want, see the header.
 *
 * Who has a port: its socket's inode stands in /proc/net/tcp, and among some process' descriptors
 * in /proc/PID/fd.
 *
 * Runs in:  relais.
 */
#include "ports.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "listen.h"

/* ---- may we have it? ---- */

static int
bind_one(const char *host, const char *port)
{
	const struct addrinfo hints = { .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV,
		.ai_socktype = SOCK_STREAM };
	const int one = 1;
	struct addrinfo *list;
	int fd, saved;

	if (getaddrinfo(host, port, &hints, &list) != 0)
		return EINVAL;
	fd = socket(list->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	saved = fd < 0 || bind(fd, list->ai_addr, list->ai_addrlen) != 0 || listen(fd, 1) != 0
			? errno
			: 0;
	if (fd >= 0)
		close(fd);
	freeaddrinfo(list);
	return saved;
}

/* 0, or the errno of it. port: set to the number, if there is one. */
static int
try_address(const char *address, unsigned *port)
{
	struct listen_address a;
	int e;

	*port = 0;
	if (listen_parse(bytes_from_str(address), &a) < 0)
		return EINVAL;
	*port = (unsigned)strtoul(a.port, NULL, 10);
	if (strcmp(a.host, "*") != 0)
		return bind_one(a.host, a.port);
	e = bind_one("::", a.port); /* both families, as master does it */
	return e == 0 || e == EADDRINUSE || e == EACCES ? e : bind_one("0.0.0.0", a.port);
}

/* ---- who has it? ---- */

#define SOCKETS_MAX 64

/* Sockets that listen at the port, as /proc/PID/fd has them: "socket:[12345]". */
struct owners {
	unsigned long port;
	char sockets[SOCKETS_MAX][40];
	size_t n;
};

/* Words of a line in /proc/net/tcp. */
enum tcp_word {
	TCP_LOCAL = 1, /* "00000000:0019" */
	TCP_STATE = 3, /* "0A": LISTEN */
	TCP_INODE = 9,
	TCP_WORDS
};

static void
take_line(struct owners *o, char *line)
{
	const char *words[TCP_WORDS], *colon;
	char *rest = line;
	size_t n = 0;

	while (n < TCP_WORDS && (words[n] = strtok_r(n == 0 ? line : NULL, " \n", &rest)) != NULL)
		n++;
	if (n < TCP_WORDS || strcmp(words[TCP_STATE], "0A") != 0 || o->n == SOCKETS_MAX)
		return;
	colon = strrchr(words[TCP_LOCAL], ':');
	if (colon != NULL && strtoul(colon + 1, NULL, 16) == o->port)
		snprintf(o->sockets[o->n++], sizeof(o->sockets[0]), "socket:[%.20s]",
			words[TCP_INODE]);
}

static void
find_sockets(const char *path, struct owners *o)
{
	FILE *f = fopen(path, "re");
	char line[512];

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		take_line(o, line);
	if (f != NULL)
		fclose(f);
}

static bool
has_one(const char *pid, const struct owners *o)
{
	char path[300], target[64];
	DIR *fds;
	struct dirent *d;
	bool yes = false;

	snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	fds = opendir(path);
	while (fds != NULL && !yes && (d = readdir(fds)) != NULL) {
		ssize_t n = readlinkat(dirfd(fds), d->d_name, target, sizeof(target) - 1);

		target[n > 0 ? n : 0] = 0;
		for (size_t i = 0; i < o->n && !yes; i++)
			yes = strcmp(o->sockets[i], target) == 0;
	}
	if (fds != NULL)
		closedir(fds);
	return yes;
}

static void
put_name(const char *pid, char name[64])
{
	char path[300];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%s/comm", pid);
	f = fopen(path, "re");
	if (f == NULL || fgets(name, 64, f) == NULL)
		name[0] = 0;
	name[strcspn(name, "\n")] = 0;
	if (f != NULL)
		fclose(f);
}

/* The least pid of those who have it: children of a server have it too. 0: not known. */
static pid_t
find_owner(unsigned port, char name[64])
{
	struct owners o = { .port = port };
	DIR *all = opendir("/proc");
	struct dirent *d;
	long least = 0;

	name[0] = 0;
	find_sockets("/proc/net/tcp", &o);
	find_sockets("/proc/net/tcp6", &o);
	while (all != NULL && o.n > 0 && (d = readdir(all)) != NULL) {
		long pid = isdigit((unsigned char)d->d_name[0]) ? strtol(d->d_name, NULL, 10) : 0;

		if (pid <= 0 || (least > 0 && pid > least) || !has_one(d->d_name, &o))
			continue;
		least = pid;
		put_name(d->d_name, name);
	}
	if (all != NULL)
		closedir(all);
	return (pid_t)least;
}

unsigned
ports_check(const struct conf *c, port_trouble_fn *tell, void *arg)
{
	unsigned n = 0, port;

	for (size_t i = 0; i < nlisten_options; i++) {
		const struct conf_list *list = conf_option_value(c, listen_options[i]);

		for (size_t j = 0; j < list->n; j++) {
			char program[64] = "";
			int e = try_address(list->v[j], &port);
			pid_t pid = e == EADDRINUSE ? find_owner(port, program) : 0;

			if (e == 0)
				continue;
			tell(arg, &(struct port_trouble){ listen_options[i], list->v[j],
					  strerror(e), program, pid });
			n++;
		}
	}
	return n;
}
