/* SPDX-License-Identifier: ISC */
/*
 * qmgr/files.c - message files on disk.
 *
 * Runs in:  qmgr, in its threads too; user relais-queue, root: the queue.
 * Trusts:   nothing it reads back; a lent file may have been written by a broken door.
 */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crc32c.h"
#include "err.h"
#include "queue_id.h"
#include "sys.h"

#define CHUNK      (UINT64_C(256) << 10)
#define FIRST_READ 8192
#define EVENTS_MAX (UINT64_C(1) << 30) /* compact.c keeps them far below */
#define NAME_SIZE  (QUEUE_FILE_NAME_MAX + 8)

/* ---- folders ---- */

static int
open_folder(int at, const char *name)
{
	int r = sys_mkdirat(at, name, 0700);

	if (r < 0 && r != ERR_EXISTS)
		return r;
	return sys_openat(at, name, O_RDONLY | O_DIRECTORY, 0);
}

int
folders_open(struct folders *f, int root_fd)
{
	char name[4];
	int r;

	*f = (struct folders){ -1, -1, -1, -1, -1 };
	if ((r = f->root = sys_openat(root_fd, ".", O_RDONLY | O_DIRECTORY, 0)) < 0 ||
		(r = f->journal = open_folder(f->root, "journal")) < 0 ||
		(r = f->message = open_folder(f->root, "message")) < 0 ||
		(r = f->corrupt = open_folder(f->root, "corrupt")) < 0 ||
		(r = f->lent = open_folder(f->root, "lent")) < 0)
		return r;
	for (unsigned i = 0; i < FILES_FOLDERS; i++) {
		snprintf(name, sizeof(name), "%02x", i & 0xff);
		r = sys_mkdirat(f->message, name, 0700);
		if (r < 0 && r != ERR_EXISTS)
			return r;
	}
	if ((r = sys_fsync(f->message)) < 0)
		return r;
	return sys_fsync(f->root);
}

void
folders_close(struct folders *f)
{
	const int fds[] = { f->root, f->journal, f->message, f->corrupt, f->lent };

	for (size_t i = 0; i < NITEMS(fds); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	*f = (struct folders){ -1, -1, -1, -1, -1 };
}

/* ---- making ---- */

/* Copy the content behind what is there, taking its CRC along. */
static int
copy_content(int fd, uint64_t at, const struct file_source *s, uint32_t *crc)
{
	uint8_t *chunk;
	int r = ERR_OK;

	if (s->content_fd < 0) {
		*crc = crc32c(*crc, s->content);
		return sys_pwrite_all(fd, s->content, at);
	}
	chunk = xmalloc(CHUNK);
	for (uint64_t done = 0; r == ERR_OK && done < s->content_size;) {
		uint64_t n = s->content_size - done < CHUNK ? s->content_size - done : CHUNK;
		ssize_t got =
			sys_pread_full(s->content_fd, chunk, (size_t)n, s->content_offset + done);

		if (got < 0) {
			r = (int)got;
			break;
		}
		if ((uint64_t)got < n) {
			r = ERR_CORRUPT; /* shorter than was said */
			break;
		}
		*crc = crc32c(*crc, bytes_make(chunk, (size_t)got));
		r = sys_pwrite_all(fd, bytes_make(chunk, (size_t)got), at + done);
		done += (uint64_t)got;
	}
	free(chunk);
	return r;
}

static uint64_t
content_size(const struct file_source *s)
{
	return s->content_fd < 0 ? s->content.n : s->content_size;
}

/* Header, envelope, prefix, content, events, one behind the other. */
static int
write_all(int fd, const struct file_source *s)
{
	struct queue_file head = {
		.queue_id = s->queue_id,
		.envelope_offset = QUEUE_FILE_HEADER,
		.envelope_size = s->envelope.n,
		.envelope_crc = crc32c(0, s->envelope),
		.content_offset = QUEUE_FILE_HEADER + s->envelope.n,
		.content_size = s->prefix.n + content_size(s),
		.prefix_size = (uint32_t)s->prefix.n,
		.content_crc = crc32c(0, s->prefix),
	};
	struct buf front = BUF_INIT;
	int r;

	head.events_offset = head.content_offset + head.content_size;
	r = copy_content(fd, head.content_offset + s->prefix.n, s, &head.content_crc);
	if (r == ERR_OK) {
		queue_file_encode(&head, buf_room(&front, QUEUE_FILE_HEADER));
		buf_added(&front, QUEUE_FILE_HEADER);
		buf_put_bytes(&front, s->envelope);
		buf_put_bytes(&front, s->prefix);
		r = sys_pwrite_all(fd, buf_bytes(&front), 0);
	}
	if (r == ERR_OK && s->events.n > 0)
		r = sys_pwrite_all(fd, s->events, head.events_offset);
	buf_free(&front);
	return r;
}

static void
try_unlink(int dirfd, const char *name)
{
	int r = sys_unlinkat(dirfd, name, 0);

	UNUSED(r); /* what stays is met again at the next start */
}

int
file_write(const struct folders *f, const struct file_source *s)
{
	char name[QUEUE_FILE_NAME_MAX];
	int fd, r, saved;

	queue_file_name(s->queue_id, name);
	fd = sys_openat(f->message, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0)
		return fd;
	r = write_all(fd, s);
	saved = errno;
	close(fd);
	if (r < 0)
		try_unlink(f->message, name);
	errno = saved;
	return r;
}

int
file_sync_folder(const struct folders *f, const char *name)
{
	const char folder[3] = { name[0], name[1], 0 };

	return sys_sync_folder(f->message, folder);
}

int
file_store(const struct folders *f, const struct file_source *s)
{
	char name[QUEUE_FILE_NAME_MAX], temporary[NAME_SIZE];
	int fd, r, saved;

	queue_file_name(s->queue_id, name);
	snprintf(temporary, sizeof(temporary), "%s.new", name);
	fd = sys_openat(f->message, temporary, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0)
		return fd;
	if ((r = write_all(fd, s)) == ERR_OK && (r = sys_fsync(fd)) == ERR_OK &&
		(r = sys_renameat_new(f->message, temporary, f->message, name)) == ERR_OK &&
		(r = file_sync_folder(f, name)) < 0)
		try_unlink(f->message, name);
	saved = errno;
	close(fd);
	if (r < 0)
		try_unlink(f->message, temporary);
	errno = saved;
	return r;
}

int
file_compact(const struct folders *f, uint64_t queue_id, uint64_t events_offset,
	struct bytes events, uint64_t *end)
{
	struct file_source old = { .content_size = events_offset };
	char name[QUEUE_FILE_NAME_MAX], temporary[NAME_SIZE];
	uint32_t crc = 0;
	int fd, r, saved;

	if ((old.content_fd = file_open(f, queue_id)) < 0)
		return old.content_fd;
	queue_file_name(queue_id, name);
	snprintf(temporary, sizeof(temporary), "%s.new", name);
	fd = sys_openat(f->message, temporary, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0) {
		close(old.content_fd);
		return fd;
	}
	if ((r = copy_content(fd, 0, &old, &crc)) == ERR_OK &&
		(r = sys_pwrite_all(fd, events, events_offset)) == ERR_OK &&
		(r = sys_fsync(fd)) == ERR_OK)
		r = sys_renameat(f->message, temporary, f->message, name);
	saved = errno;
	close(old.content_fd);
	close(fd);
	if (r < 0)
		try_unlink(f->message, temporary);
	*end = events_offset + events.n;
	errno = saved;
	return r;
}

int
file_crc(int fd, uint64_t at, uint64_t size, uint32_t *crc)
{
	uint8_t *chunk = xmalloc(CHUNK);
	int r = ERR_OK;

	while (r == ERR_OK && size > 0) {
		ssize_t got = sys_pread_full(fd, chunk, size < CHUNK ? (size_t)size : CHUNK, at);

		if (got <= 0) {
			r = got < 0 ? (int)got : ERR_CORRUPT;
			break;
		}
		*crc = crc32c(*crc, bytes_make(chunk, (size_t)got));
		at += (uint64_t)got;
		size -= (uint64_t)got;
	}
	free(chunk);
	return r;
}

/* ---- reading ---- */

/* size octets at an offset: from what was read already, or from the file. */
static int
read_part(int fd, struct bytes have, uint64_t offset, uint64_t size, struct buf *out)
{
	ssize_t got;

	buf_clear(out);
	if (offset + size <= have.n) {
		buf_put(out, have.p + offset, (size_t)size);
		return ERR_OK;
	}
	got = sys_pread_full(fd, buf_room(out, (size_t)size + 1), (size_t)size, offset);
	if (got < 0)
		return (int)got;
	buf_added(out, (size_t)got);
	return (uint64_t)got == size ? ERR_OK : ERR_CORRUPT;
}

static int
apply_events(struct file_loaded *l, struct bytes events)
{
	struct arena a = ARENA_INIT;
	struct queue_record record;
	struct queue_event e;
	int used, r = ERR_OK;

	l->events_end = l->head.events_offset;
	while (r == ERR_OK && (used = queue_record_parse(events, &record)) > 0) {
		r = record.type == QUEUE_RECORD_EVENT ? queue_event_parse(record.body, &a, &e)
						      : ERR_SYNTAX;
		if (r == ERR_OK && e.queue_id != l->head.queue_id)
			r = ERR_SYNTAX;
		if (r == ERR_OK)
			r = queue_state_apply(&l->state, &e, 0);
		if (record.seq > l->state.last_seq)
			l->state.last_seq = record.seq;
		l->events_end += (uint64_t)used;
		events = bytes_skip(events, (size_t)used);
		arena_reset(&a);
	}
	l->torn = r == ERR_OK && events.n > 0;
	return r == ERR_OK ? ERR_OK : ERR_CORRUPT;
}

static int
load_from(int fd, uint64_t queue_id, struct file_loaded *l)
{
	uint8_t first[FIRST_READ];
	struct buf part = BUF_INIT;
	struct bytes have;
	struct stat st;
	ssize_t got;
	int r;

	if (fstat(fd, &st) != 0)
		return ERR_IO;
	if ((got = sys_pread_full(fd, first, sizeof(first), 0)) < 0)
		return (int)got;
	have = bytes_make(first, (size_t)got);
	if ((r = queue_file_decode(have, (uint64_t)st.st_size, &l->head)) < 0)
		return r;
	if (l->head.queue_id != queue_id ||
		(uint64_t)st.st_size - l->head.events_offset > EVENTS_MAX)
		return ERR_CORRUPT;
	r = read_part(fd, have, l->head.envelope_offset, l->head.envelope_size, &part);
	if (r == ERR_OK && crc32c(0, buf_bytes(&part)) != l->head.envelope_crc)
		r = ERR_CORRUPT;
	if (r == ERR_OK) {
		r = queue_state_init(&l->state, buf_bytes(&part));
		if (r == ERR_OK && l->state.envelope.queue_id != queue_id)
			r = ERR_CORRUPT;
		else if (r == ERR_SYNTAX || r == ERR_LIMIT)
			r = ERR_CORRUPT;
	}
	if (r == ERR_OK)
		r = read_part(fd, have, l->head.events_offset,
			(uint64_t)st.st_size - l->head.events_offset, &part);
	if (r == ERR_OK)
		r = apply_events(l, buf_bytes(&part));
	buf_free(&part);
	return r;
}

int
file_load(const struct folders *f, uint64_t queue_id, struct file_loaded *l)
{
	int fd = file_open(f, queue_id), r;

	memset(l, 0, sizeof(*l));
	if (fd < 0)
		return fd;
	r = load_from(fd, queue_id, l);
	close(fd);
	if (r < 0)
		queue_state_free(&l->state);
	return r;
}

int
file_append(const struct folders *f, uint64_t queue_id, uint64_t *end, struct bytes records)
{
	char name[QUEUE_FILE_NAME_MAX];
	int fd = sys_openat(f->message, queue_file_name(queue_id, name), O_WRONLY, 0), r;

	if (fd < 0)
		return fd;
	r = sys_pwrite_all(fd, records, *end);
	close(fd);
	if (r == ERR_OK)
		*end += records.n;
	return r;
}

int
file_open(const struct folders *f, uint64_t queue_id)
{
	char name[QUEUE_FILE_NAME_MAX];

	return sys_openat(f->message, queue_file_name(queue_id, name), O_RDONLY | O_NOFOLLOW, 0);
}

int
file_remove(const struct folders *f, uint64_t queue_id)
{
	char name[QUEUE_FILE_NAME_MAX];

	return sys_unlinkat(f->message, queue_file_name(queue_id, name), 0);
}

int
file_check_content(const struct folders *f, const struct queue_file *head)
{
	int fd = file_open(f, head->queue_id), r;
	uint32_t crc = 0;

	if (fd < 0)
		return fd;
	r = file_crc(fd, head->content_offset, head->content_size, &crc);
	close(fd);
	if (r == ERR_OK && crc != head->content_crc)
		return ERR_CORRUPT;
	return r;
}
