/* SPDX-License-Identifier: ISC */
/*
 * master/notify.c - what the service manager is told, in its own way (sd_notify(3)), if there is
 * one.
 *
 * Our pid stays the same over an upgrade, so it need not be told of it.
 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "clock.h"
#include "master.h"
#include "version.h"

void
notify_send(const char *text)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	size_t n = path == NULL ? 0 : strlen(path);
	int fd;

	if (n < 2 || n >= sizeof(sun.sun_path))
		return;
	memcpy(sun.sun_path, path, n);
	if (sun.sun_path[0] == '@')
		sun.sun_path[0] = 0;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	(void)sendto(fd, text, strlen(text), MSG_NOSIGNAL, (const struct sockaddr *)&sun,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + n));
	close(fd);
}

void
notify_ready(const struct master *m)
{
	char text[256];
	unsigned n = 0;
	struct child *c;

	TAILQ_FOREACH (c, &m->children, link) {
		n += c->state == CHILD_READY;
	}
	snprintf(text, sizeof(text), "READY=1\nSTATUS=relais %s: %u processes serve",
		relais_version(), n);
	notify_send(text);
}

void
notify_reloading(void)
{
	char text[128];

	snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%llu\nSTATUS=takes up a change",
		(unsigned long long)clock_mono_us());
	notify_send(text);
}

static void
on_watchdog(evutil_socket_t fd, short what, void *arg)
{
	notify_send("WATCHDOG=1");
}

/* That our loop turns is the answer; the children are watchdog.c's matter. */
void
notify_watchdog_start(struct master *m)
{
	const char *text = getenv("WATCHDOG_USEC");
	struct event *timer;
	uint64_t us;

	if (text == NULL || bytes_to_u64(bytes_from_str(text), 3600u * 1000000u, &us) < 0 || us < 2)
		return;
	timer = event_new(m->base, -1, EV_PERSIST, on_watchdog, m);
	ASSERT(timer != NULL);
	event_add(timer,
		&(struct timeval){ (time_t)(us / 2 / 1000000), (suseconds_t)(us / 2 % 1000000) });
	notify_send("WATCHDOG=1");
}
