/* SPDX-License-Identifier: ISC */
/*
 * qmgr/content.c - the content of a message: held in memory until it is delivered, or read
 * back from the journal or its file.
 *
 * Few octets (CONTENT_INLINE_MAX) are plain memory and travel inside messages; more stay in the
 * memfd in which the door gave them, and travel as a descriptor.
 *
 * Runs in:  qmgr; user relais-queue, root: the queue.
 * Trusts:   what its decoders let through.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "err.h"
#include "log.h"
#include "qmgr.h"
#include "sys.h"

bool
content_is_held(const struct message *m)
{
	return m->octets != NULL || m->memfd >= 0;
}

struct bytes
content_held(const struct message *m)
{
	return m->octets == NULL ? BYTES_NONE : bytes_make(m->octets, (size_t)m->held_size);
}

void
content_hold(struct qmgr *q, struct message *m, const struct content_source *c, int fd)
{
	ASSERT(!content_is_held(m));
	if (c->in_fd) {
		m->memfd = fd;
		q->n_memfds++;
	} else {
		m->octets = xmalloc(c->octets.n + 1); /* none, too, is held */
		if (c->octets.n > 0)
			memcpy(m->octets, c->octets.p, c->octets.n);
	}
	m->held_size = c->size;
	q->memory += c->size;
}

int
content_show(struct bytes octets, struct content_source *c, int *fd)
{
	int r;

	*c = content_inline(octets);
	*fd = -1;
	if (octets.n <= CONTENT_INLINE_MAX)
		return ERR_OK;
	if ((*fd = sys_memfd("content")) < 0)
		return *fd;
	if ((r = sys_write_all(*fd, octets)) < 0) {
		close(*fd);
		return r;
	}
	if (fcntl(*fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW) != 0)
		log_warning("content in memory cannot be sealed");
	*c = content_in_fd(0, octets.n);
	return ERR_OK;
}

int
content_hold_octets(struct qmgr *q, struct message *m, struct bytes octets)
{
	struct content_source c;
	int fd, r = content_show(octets, &c, &fd);

	if (r == ERR_OK)
		content_hold(q, m, &c, fd);
	return r;
}

void
content_drop(struct qmgr *q, struct message *m)
{
	if (content_is_held(m))
		q->memory -= m->held_size;
	free(m->octets);
	m->octets = NULL;
	if (m->memfd >= 0) {
		close(m->memfd);
		q->n_memfds--;
	}
	if (m->file_fd >= 0)
		close(m->file_fd);
	m->memfd = m->file_fd = -1;
}

/* In the message's file, opened and kept open. */
static int
find_in_file(struct qmgr *q, struct message *m, struct content *out)
{
	int r;

	if ((r = message_header(q, m)) < 0)
		return r;
	if (m->file_fd < 0 && (m->file_fd = r = file_open(&q->folders, m->entry->id)) < 0) {
		m->file_fd = -1;
		return r;
	}
	*out = (struct content){ .source = content_in_fd(m->content_offset, m->content_size),
		.fd = m->file_fd };
	return ERR_OK;
}

int
content_find(struct qmgr *q, struct message *m, struct content *out)
{
	int r;

	if (!content_is_held(m)) {
		if ((m->entry->flags & ENTRY_IN_FILE) != 0)
			return find_in_file(q, m, out);
		if ((r = message_load_journal(q, m, m->entry, false)) < 0)
			return r;
	}
	*out = (struct content){ .prefix = m->prefix, .fd = m->memfd };
	out->source = m->memfd >= 0 ? content_in_fd(0, m->held_size)
				    : content_inline(bytes_make(m->octets, (size_t)m->held_size));
	return ERR_OK;
}

int
content_read(const struct content *c, uint64_t max, struct buf *out)
{
	const size_t n = (size_t)(c->source.size < max ? c->source.size : max);
	ssize_t got;

	if (!c->source.in_fd) {
		buf_put_bytes(out, bytes_head(c->source.octets, n));
		return ERR_OK;
	}
	got = sys_pread_full(c->fd, buf_room(out, n + 1), n, c->source.offset);
	if (got < 0)
		return (int)got;
	buf_added(out, (size_t)got);
	return (size_t)got == n ? ERR_OK : ERR_CORRUPT; /* shorter than was said */
}
