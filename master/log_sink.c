/* SPDX-License-Identifier: ISC */
/*
 * master/log_sink.c - where all lines go: opened at the start, and anew when a file was moved away
 * (logrotate) or syslogd has another socket.
 *
 * Runs in:  master, as root. Children cannot open it: they are given the descriptor.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common_conf.h"
#include "log.h"
#include "master.h"

static int
connect_syslog(void)
{
	const struct sockaddr_un sun = { .sun_family = AF_UNIX, .sun_path = "/dev/log" };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && connect(fd, (const struct sockaddr *)&sun, sizeof(sun)) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* A descriptor, or -1 with errno. */
static int
open_sink(const char *name)
{
	if (strcmp(name, "stderr") == 0)
		return fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 5);
	if (strcmp(name, "syslog") == 0)
		return connect_syslog();
	return open(name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
}

int
log_sink_open(struct master *m)
{
	const struct common_conf *common = conf_values(&m->conf, "");

	m->log_fd = open_sink(common->log);
	if (m->log_fd < 0) {
		fprintf(stderr, "relais-master: log %s: %s\n", common->log, strerror(errno));
		return ERR_IO;
	}
	log_open(m->log_fd, "master", common->hostname, LOG_LEVEL_INFO);
	return ERR_OK;
}

static void
give(struct child *c, int log_fd)
{
	int fd;

	if (c->control == NULL || c->pid <= 0)
		return;
	fd = fcntl(log_fd, F_DUPFD_CLOEXEC, 0);
	if (fd < 0) {
		log_error("%s[%u] goes on with the old log: %m", service_name(c->row->service),
			c->instance);
		return;
	}
	ipc_compose(c->control);
	ipc_send(c->control, CONTROL_LOG, &fd, 1);
	ipc_flush(c->control);
}

int
log_sink_reopen(struct master *m, struct buf *text)
{
	const struct common_conf *common = conf_values(&m->conf, "");
	struct child *c;
	int fd = open_sink(common->log);

	if (fd < 0) {
		log_error("log %s: %m", common->log);
		buf_printf(text, "%s cannot be opened (%s); the old log goes on\n", common->log,
			strerror(errno));
		return ERR_IO;
	}
	log_replace(fd); /* m->log_fd is still its number */
	TAILQ_FOREACH (c, &m->children, link)
		give(c, m->log_fd);
	buf_printf(text, "%s is opened anew\n", common->log);
	return ERR_OK;
}
