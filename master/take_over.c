/* SPDX-License-Identifier: ISC */
/*
 * master/take_over.c - what is left to the next master, and taken by it: handover.h as a memory
 * file.
 *
 * Both are the same process: the pid, the children, the descriptors stay what they are when the
 * program changes. So a descriptor is handed over as its number, left open over the exec.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common_conf.h"
#include "log.h"
#include "master.h"
#include "version.h"

_Static_assert(HANDOVER_SECRET == CONTROL_SECRET_SIZE, "it is handed over");

/* ---- giving ---- */

static void
set_keep_open(int fd, bool keep)
{
	if (fd >= 0)
		(void)fcntl(fd, F_SETFD, keep ? 0 : FD_CLOEXEC);
}

void
handover_keep_open(struct master *m, bool keep)
{
	struct child *c;
	struct listener *l;

	set_keep_open(m->log_fd, keep);
	set_keep_open(m->control_fd, keep);
	TAILQ_FOREACH (c, &m->children, link) {
		if (c->control != NULL)
			set_keep_open(c->control_fd, keep);
	}
	TAILQ_FOREACH (l, &m->listeners, link) {
		set_keep_open(l->fd, keep);
	}
}

static void
put_child(struct handover *h, const struct child *c)
{
	struct handover_child *to = handover_add_child(h);

	to->service = bytes_from_str(service_name(c->row->service));
	to->instance = c->instance;
	to->state = bytes_from_str(child_state_name(c->state));
	to->version = bytes_from_str(c->version == NULL ? "" : c->version);
	to->generation = c->generation;
	to->wire = c->wire;
	to->restarts = c->restarts;
	to->failures = c->failures;
	to->trial = c->trial;
	to->leaving = c->leaving;
	to->handed = c->handed;
	to->end_status = (uint32_t)c->end_status;
	to->pid = c->pid > 0 ? (uint64_t)c->pid : 0;
	to->started_ms = c->started_ms;
	to->started_wall_us = c->started_wall_us;
	to->ended_ms = c->ended_ms;
	to->fd = c->control != NULL ? c->control_fd : -1;
}

static void
put_listener(struct handover *h, const struct listener *l)
{
	struct handover_listener *to = handover_add_listener(h);

	to->service = bytes_from_str(service_name(l->service));
	to->instance = l->instance;
	to->label = bytes_from_str(l->label);
	to->address = bytes_from_str(l->address);
	to->fd = l->fd;
}

int
handover_write(struct master *m)
{
	struct handover h = { .births = m->births,
		.generation = m->generation,
		.ready = m->ready,
		.started_ms = m->started_ms,
		.started_wall_us = m->started_wall_us,
		.version = bytes_from_str(relais_version()),
		.log = m->log_fd,
		.control = m->control_fd,
		.arena = ARENA_INIT };
	struct buf text = BUF_SECRET;
	struct child *c;
	struct listener *l;
	int fd = memfd_create("handover", MFD_CLOEXEC);

	memcpy(h.secret, m->secret, sizeof(h.secret));
	TAILQ_FOREACH (c, &m->children, link) {
		if (c->state != CHILD_ABSENT)
			put_child(&h, c);
	}
	TAILQ_FOREACH (l, &m->listeners, link) {
		put_listener(&h, l);
	}
	handover_encode(&text, &h);
	if (fd >= 0 && write(fd, text.data, text.len) != (ssize_t)text.len) {
		close(fd);
		fd = -1;
	}
	buf_free(&text);
	handover_free(&h);
	return fd;
}

/* ---- taking ---- */

int
handover_read(int fd, struct handover *h, const char **why)
{
	struct buf text = BUF_SECRET;
	struct stat st;
	int r = ERR_IO;

	*h = (struct handover){ .arena = ARENA_INIT };
	if (fstat(fd, &st) == 0 && st.st_size > 0 && st.st_size <= HANDOVER_MAX) {
		const size_t n = (size_t)st.st_size;

		if (pread(fd, buf_room(&text, n), n, 0) == (ssize_t)n) {
			buf_added(&text, n);
			r = handover_decode(buf_bytes(&text), h);
		}
	}
	buf_free(&text);
	*why = r == ERR_UNSUPPORTED
		       ? "these two versions cannot take over from each other: stop the "
			 "suite and start it anew"
	       : r < 0 ? "what the running master leaves cannot be read"
		       : NULL;
	return r;
}

static const struct service_row *
row_named(struct bytes name)
{
	for (size_t i = 0; i < nservices; i++)
		if (bytes_is(name, service_name(services[i].service)))
			return &services[i];
	return NULL;
}

/* An open descriptor that no program after us inherits. */
static bool
is_open(int fd)
{
	return fd > STDERR_FILENO && fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
}

static const char *
label_named(const struct service_row *row, struct bytes label)
{
	for (size_t i = 0; i < SERVICE_DOORS_MAX && row->doors[i].label != NULL; i++)
		if (bytes_is(label, row->doors[i].label))
			return row->doors[i].label;
	return NULL;
}

static void
take_listener(struct master *m, const struct handover_listener *from)
{
	const struct service_row *row = row_named(from->service);
	const char *label = row == NULL ? NULL : label_named(row, from->label);

	if (!is_open(from->fd))
		return;
	if (label == NULL) /* we do not have this door */
		close(from->fd);
	else
		listener_adopt(m, row->service, from->instance, label, from->address, from->fd);
}

/* A service that we do not have ends when its control socket does. */
static void
take_child(struct master *m, const struct handover_child *from)
{
	const struct service_row *row = row_named(from->service);

	if (from->fd >= 0 && !is_open(from->fd))
		return;
	if (row == NULL && from->fd >= 0)
		close(from->fd);
	if (row != NULL)
		(void)child_adopt(m, row, from);
}

int
take_over(struct master *m)
{
	const struct common_conf *common = conf_values(&m->conf, "");
	struct handover h;
	const char *why;
	int r = handover_read(m->take_over_fd, &h, &why);

	close(m->take_over_fd);
	if (r == ERR_OK && (!is_open(h.log) || !is_open(h.control))) {
		why = "its descriptors are not there";
		r = ERR_IO;
	}
	if (r < 0) {
		fprintf(stderr, "relais-master: no taking over: %s\n", why);
		handover_free(&h);
		return r;
	}
	m->log_fd = h.log;
	log_open(m->log_fd, "master", common->hostname, LOG_LEVEL_INFO);
	m->births = h.births;
	m->generation = h.generation + 1;
	m->ready = h.ready != 0;
	m->started_ms = h.started_ms;
	m->started_wall_us = h.started_wall_us;
	memcpy(m->secret, h.secret, sizeof(m->secret));
	control_listen(m, h.control);
	for (size_t i = 0; i < h.nlisteners; i++)
		take_listener(m, &h.listeners[i]);
	for (size_t i = 0; i < h.nchildren; i++)
		take_child(m, &h.children[i]);
	log_info("version %s takes over from %.*s", relais_version(), (int)h.version.n,
		(const char *)h.version.p);
	handover_free(&h);
	return ERR_OK;
}
