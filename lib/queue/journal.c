/* SPDX-License-Identifier: ISC */
/*
 * lib/queue/journal.c - the journal's ring of segments: append, flush, release.
 *
 * A segment's header, 64 octets: "RELAISQJ", u32 version, u32 CRC32C of octets 16 to 63, u64
 * number of the file, u64 sequence number of its first record, zeros. It is written with
 * the first records, so beginning a segment costs no flush of its own.
 *
 * Runs in:  qmgr. Trusts: its own memory; what is on disk is checked when read.
 */
#include "journal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crc32c.h"
#include "err.h"
#include "journal_private.h"
#include "sys.h"

#define VERSION      1
#define CRC_FROM     16
#define ZEROS        (UINT64_C(1) << 20)
#define RESERVE      4096 /* at the end of each segment, for what is not a MESSAGE */
#define NAME_MAX_LEN 32

static const char magic[8] = "RELAISQJ";

void
journal_header_encode(uint64_t number, uint64_t first_seq, uint8_t out[JOURNAL_HEADER])
{
	memset(out, 0, JOURNAL_HEADER);
	memcpy(out, magic, sizeof(magic));
	set_u32(out + 8, VERSION);
	set_u64(out + 16, number);
	set_u64(out + 24, first_seq);
	set_u32(out + 12, crc32c(0, bytes_make(out + CRC_FROM, JOURNAL_HEADER - CRC_FROM)));
}

int
journal_header_decode(struct bytes in, uint64_t number, uint64_t *first_seq)
{
	bool blank = true;

	if (in.n < JOURNAL_HEADER)
		return ERR_CORRUPT;
	for (size_t i = 0; i < JOURNAL_HEADER; i++)
		blank = blank && in.p[i] == 0;
	if (blank)
		return ERR_NOT_FOUND;
	if (memcmp(in.p, magic, sizeof(magic)) != 0 ||
		get_u32(in.p + 12) !=
			crc32c(0, bytes_make(in.p + CRC_FROM, JOURNAL_HEADER - CRC_FROM)) ||
		get_u64(in.p + 16) != number)
		return ERR_CORRUPT;
	if (get_u32(in.p + 8) != VERSION)
		return ERR_UNSUPPORTED;
	*first_seq = get_u64(in.p + 24);
	return ERR_OK;
}

static void
segment_name(uint64_t number, char out[NAME_MAX_LEN])
{
	snprintf(out, NAME_MAX_LEN, "%08llu.seg", (unsigned long long)number);
}

/* ---- making and finding segments ---- */

/* A file that stays is met again, and does no harm, at the next start. */
static void
try_unlink(int dirfd, const char *name)
{
	int r = sys_unlinkat(dirfd, name, 0);

	UNUSED(r);
}

static int
fill_with_zeros(int fd, uint64_t size)
{
	uint8_t *zeros = xcalloc(1, ZEROS);
	int r = sys_fallocate(fd, size);

	/* allocation alone is not enough: the first write would change metadata */
	for (uint64_t at = 0; r == ERR_OK && at < size; at += ZEROS)
		r = sys_pwrite_all(
			fd, bytes_make(zeros, (size_t)(size - at < ZEROS ? size - at : ZEROS)), at);
	free(zeros);
	return r == ERR_OK ? sys_fsync(fd) : r;
}

int
journal_make_segment(int dirfd, uint64_t number, uint64_t size)
{
	char name[NAME_MAX_LEN], temporary[NAME_MAX_LEN + 4];
	int fd, r;

	segment_name(number, name);
	snprintf(temporary, sizeof(temporary), "%s.new", name);
	fd = sys_openat(dirfd, temporary, O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (fd < 0)
		return fd;
	if ((r = fill_with_zeros(fd, size)) < 0 ||
		(r = sys_renameat(dirfd, temporary, dirfd, name)) < 0 ||
		(r = sys_fsync(dirfd)) < 0) {
		const int saved = errno;

		close(fd);
		try_unlink(dirfd, temporary);
		errno = saved;
		return r;
	}
	return fd;
}

static int
unused_slot(const struct journal *j)
{
	for (unsigned i = 0; i < JOURNAL_SEGMENTS_MAX; i++)
		if (j->segments[i].state == SEGMENT_UNUSED)
			return (int)i;
	return -1;
}

void
journal_add_segment(struct journal *j, uint64_t number, int fd)
{
	const int slot = unused_slot(j);

	ASSERT(slot >= 0);
	j->segments[slot] =
		(struct journal_segment){ .state = SEGMENT_FREE, .fd = fd, .number = number };
	j->n_segments++;
	if ((unsigned)slot >= j->slots)
		j->slots = (unsigned)slot + 1;
	if (number >= j->next_number)
		j->next_number = number + 1;
}

static int
open_segment(struct journal *j, const char *name, uint64_t number)
{
	struct stat st;
	int fd;

	if (unused_slot(j) < 0)
		return ERR_LIMIT;
	fd = sys_openat(j->dirfd, name, O_RDWR, 0);
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) != 0 || (uint64_t)st.st_size < JOURNAL_SEGMENT_MIN) {
		close(fd); /* never in use: segments get their name when they are whole */
		return sys_unlinkat(j->dirfd, name, 0);
	}
	journal_add_segment(j, number, fd);
	return ERR_OK;
}

int
journal_open(struct journal *j, int dirfd, uint64_t segment_size, unsigned max_segments)
{
	struct dirent *e;
	int r = ERR_OK, fd;
	DIR *dir;

	memset(j, 0, sizeof(*j));
	j->dirfd = dirfd;
	j->segment_size = segment_size & ~(uint64_t)7;
	j->max_segments = max_segments;
	j->next_seq = j->next_number = 1;
	j->current = -1;
	j->filling = &j->batches[0];
	fd = sys_openat(dirfd, ".", O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0)
		return fd;
	dir = fdopendir(fd);
	ASSERT(dir != NULL);
	while (r == ERR_OK && (e = readdir(dir)) != NULL) {
		struct bytes name = bytes_from_str(e->d_name);
		uint64_t number;

		if (name.n > 8 && bytes_is(bytes_skip(name, name.n - 8), ".seg.new"))
			r = sys_unlinkat(dirfd, e->d_name, 0); /* a start that was cut short */
		else if (bytes_to_u64(bytes_cut(&name, '.'), UINT64_MAX / 2, &number) == ERR_OK &&
			 bytes_is(name, "seg"))
			r = open_segment(j, e->d_name, number);
	}
	closedir(dir);
	if (r < 0)
		journal_close(j);
	return r;
}

void
journal_close(struct journal *j)
{
	for (unsigned i = 0; i < j->slots; i++)
		if (j->segments[i].state != SEGMENT_UNUSED)
			close(j->segments[i].fd);
	for (unsigned i = 0; i < NITEMS(j->batches); i++) {
		for (unsigned w = 0; w < JOURNAL_BATCH_WRITES; w++)
			buf_free(&j->batches[i].writes[w].data);
		buf_free(&j->batches[i].done);
	}
	memset(j, 0, sizeof(*j));
}

void
journal_reset(struct journal *j)
{
	for (unsigned i = 0; i < j->slots; i++) {
		struct journal_segment *s = &j->segments[i];
		struct stat st;

		if (s->state == SEGMENT_UNUSED)
			continue;
		s->state = SEGMENT_FREE;
		s->live = 0;
		/* of another size: the configuration changed */
		if (fstat(s->fd, &st) != 0 || (uint64_t)st.st_size != j->segment_size) {
			char name[NAME_MAX_LEN];

			segment_name(s->number, name);
			close(s->fd);
			try_unlink(j->dirfd, name);
			s->state = SEGMENT_UNUSED;
			j->n_segments--;
		}
	}
	j->current = -1;
	j->flushed_seq = j->next_seq - 1;
}

unsigned
journal_free_segments(const struct journal *j)
{
	unsigned n = 0;

	for (unsigned i = 0; i < j->slots; i++)
		n += j->segments[i].state == SEGMENT_FREE;
	return n;
}

bool
journal_may_grow(const struct journal *j)
{
	unsigned bad = 0;

	/* those closed after a failed flush are replaced, or nothing could ever tell of the
	 * end of what is in them, and they would be needed for ever */
	for (unsigned i = 0; i < j->slots; i++)
		bad += j->segments[i].state == SEGMENT_BAD;
	return j->n_segments - bad < j->max_segments && j->n_segments < 2 * j->max_segments &&
	       j->n_segments < JOURNAL_SEGMENTS_MAX;
}

bool
journal_is_stuck(const struct journal *j)
{
	const bool appending = j->current >= 0 && j->segments[j->current].state == SEGMENT_CURRENT;

	return !appending && journal_free_segments(j) == 0 && !journal_may_grow(j) &&
	       j->n_segments < JOURNAL_SEGMENTS_MAX;
}

/* ---- appending ---- */

bool
journal_fits(const struct journal *j, uint64_t body)
{
	return body <= QUEUE_RECORD_BODY_MAX / 2 && queue_record_size(body) <= j->segment_size / 8;
}

static int
oldest_free(const struct journal *j)
{
	int best = -1;

	for (unsigned i = 0; i < j->slots; i++) {
		const struct journal_segment *s = &j->segments[i];

		if (s->state == SEGMENT_FREE &&
			(best < 0 || s->first_seq < j->segments[best].first_seq))
			best = (int)i;
	}
	return best;
}

/* Where the batch's next octets go: behind the last write if it is the same segment. */
static int
open_write(struct journal *j)
{
	struct journal_batch *b = j->filling;
	struct journal_segment *s = &j->segments[j->current];
	struct journal_write *w;

	if (b->n > 0 && b->writes[b->n - 1].segment == j->current)
		return ERR_OK;
	if (b->n == JOURNAL_BATCH_WRITES)
		return ERR_BUSY;
	w = &b->writes[b->n++];
	w->fd = s->fd;
	w->segment = (uint16_t)j->current;
	w->offset = s->end;
	buf_clear(&w->data);
	return ERR_OK;
}

static int
begin_segment(struct journal *j, bool message)
{
	const int slot = oldest_free(j);
	struct journal_segment *s;
	uint8_t header[JOURNAL_HEADER];

	if (slot < 0 || (message && journal_free_segments(j) < 2))
		return ERR_NO_SPACE;
	if (j->filling->n == JOURNAL_BATCH_WRITES)
		return ERR_BUSY;
	if (j->current >= 0 && j->segments[j->current].state == SEGMENT_CURRENT)
		j->segments[j->current].state = SEGMENT_FULL;
	j->current = slot;
	s = &j->segments[slot];
	s->state = SEGMENT_CURRENT;
	s->first_seq = j->next_seq;
	s->end = 0;
	s->live = 0;
	s->files_dirty = false;
	journal_header_encode(s->number, s->first_seq, header);
	if (open_write(j) < 0)
		return ERR_BUSY;
	buf_put(&j->filling->writes[j->filling->n - 1].data, header, sizeof(header));
	s->end = JOURNAL_HEADER;
	return ERR_OK;
}

int
journal_begin(struct journal *j, enum queue_record_type type, uint64_t body, struct buf **out,
	struct journal_place *place)
{
	const bool message = type == QUEUE_RECORD_MESSAGE;
	const uint64_t size = queue_record_size(body);
	const uint64_t reserve = message ? RESERVE : 0;
	int r;

	if (body > QUEUE_RECORD_BODY_MAX || size > j->segment_size - JOURNAL_HEADER - RESERVE)
		return ERR_LIMIT;
	if (message && j->filling->octets + size > JOURNAL_BATCH_MAX && j->filling->octets > 0)
		return ERR_BUSY;
	if (j->current < 0 || j->segments[j->current].state != SEGMENT_CURRENT ||
		j->segments[j->current].end + size + reserve > j->segment_size) {
		if ((r = begin_segment(j, message)) < 0)
			return r;
	}
	if ((r = open_write(j)) < 0)
		return r;
	*out = &j->filling->writes[j->filling->n - 1].data;
	j->begun = queue_record_begin(*out);
	place->segment = (uint16_t)j->current;
	place->offset8 = (uint32_t)(j->segments[j->current].end / 8);
	return ERR_OK;
}

uint64_t
journal_end(struct journal *j, enum queue_record_type type)
{
	struct journal_batch *b = j->filling;
	struct buf *out = &b->writes[b->n - 1].data;
	const uint64_t seq = j->next_seq++;

	queue_record_end(out, j->begun, type, seq, j->flushed_seq);
	j->segments[j->current].end += out->len - j->begun;
	ASSERT(j->segments[j->current].end <= j->segment_size);
	b->octets += out->len - j->begun;
	b->last_seq = seq;
	return seq;
}

void
journal_cancel(struct journal *j)
{
	buf_truncate(&j->filling->writes[j->filling->n - 1].data, j->begun);
}

void
journal_need(struct journal *j, uint16_t segment)
{
	j->segments[segment].live++;
}

void
journal_done(struct journal *j, uint16_t segment)
{
	buf_put_u16(&j->filling->done, segment);
}

void
journal_undo(struct journal *j, uint16_t segment)
{
	ASSERT(j->segments[segment].live > 0);
	j->segments[segment].live--;
}

/* ---- flushing ---- */

struct journal_batch *
journal_take(struct journal *j)
{
	struct journal_batch *b = j->filling;

	if (j->flying != NULL || b->octets == 0)
		return NULL;
	j->flying = b;
	j->filling = b == &j->batches[0] ? &j->batches[1] : &j->batches[0];
	return b;
}

int
journal_batch_write(struct journal_batch *b)
{
	int r = ERR_OK;

	for (unsigned i = 0; i < b->n && r == ERR_OK; i++)
		r = sys_pwrite_all(
			b->writes[i].fd, buf_bytes(&b->writes[i].data), b->writes[i].offset);
	for (unsigned i = 0; i < b->n && r == ERR_OK; i++)
		r = sys_fdatasync(b->writes[i].fd);
	return r;
}

static void
batch_clear(struct journal_batch *b)
{
	for (unsigned i = 0; i < b->n; i++) {
		if (b->writes[i].data.cap > JOURNAL_BATCH_MAX / 8)
			buf_free(&b->writes[i].data); /* a rush is over */
		buf_clear(&b->writes[i].data);
	}
	buf_clear(&b->done);
	b->n = 0;
	b->octets = 0;
}

void
journal_flushed(struct journal *j)
{
	struct journal_batch *b = j->flying;
	struct bytes done;

	ASSERT(b != NULL);
	j->flushed_seq = b->last_seq;
	for (done = buf_bytes(&b->done); done.p != NULL && done.n >= 2;
		done = bytes_skip(done, 2)) {
		struct journal_segment *s = &j->segments[get_u16(done.p)];

		ASSERT(s->live > 0);
		s->live--;
	}
	batch_clear(b);
	j->flying = NULL;
	for (unsigned i = 0; i < j->slots; i++)
		if (j->segments[i].state == SEGMENT_RELEASED &&
			j->segments[i].checkpoint_seq <= j->flushed_seq)
			j->segments[i].state = SEGMENT_FREE;
}

static void
each_again(const struct journal_batch *b, void (*again)(void *ctx, const struct queue_record *r),
	void *ctx)
{
	for (unsigned i = 0; i < b->n; i++) {
		struct bytes in = buf_bytes(&b->writes[i].data);
		struct queue_record r;
		int used;

		if (b->writes[i].offset == 0)
			in = bytes_skip(in, JOURNAL_HEADER);
		while ((used = queue_record_parse(in, &r)) > 0) {
			again(ctx, &r);
			in = bytes_skip(in, (size_t)used);
		}
	}
}

void
journal_failed(struct journal *j, void (*again)(void *ctx, const struct queue_record *r), void *ctx)
{
	struct journal_batch *b = j->flying, *later = j->filling;

	ASSERT(b != NULL);
	for (unsigned i = 0; i < b->n; i++)
		j->segments[b->writes[i].segment].state = SEGMENT_BAD;
	for (unsigned i = 0; i < later->n; i++)
		j->segments[later->writes[i].segment].state = SEGMENT_BAD;
	j->current = -1;
	/* a release that was in there did not happen */
	for (unsigned i = 0; i < j->slots; i++)
		if (j->segments[i].state == SEGMENT_RELEASED)
			j->segments[i].state = SEGMENT_FULL;
	each_again(b, again, ctx);
	each_again(later, again, ctx);
	/* what is done is done as soon as the repeated records are durable */
	buf_put_bytes(&b->done, buf_bytes(&later->done));
	buf_clear(&later->done);
	buf_put_bytes(&later->done, buf_bytes(&b->done));
	for (unsigned i = 0; i < later->n; i++)
		buf_clear(&later->writes[i].data);
	later->n = 0;
	later->octets = 0;
	batch_clear(b);
	j->flying = NULL;
}

/* ---- releasing ---- */

int
journal_oldest(const struct journal *j)
{
	int best = -1;

	for (unsigned i = 0; i < j->slots; i++) {
		const struct journal_segment *s = &j->segments[i];

		if ((s->state == SEGMENT_CURRENT || s->state == SEGMENT_FULL ||
			    s->state == SEGMENT_BAD) &&
			(best < 0 || s->first_seq < j->segments[best].first_seq))
			best = (int)i;
	}
	return best;
}

/* "Nothing before this sequence number is of use", so that no scan takes an old segment
 * that is being written anew for a damaged one. */
static int
append_checkpoint(struct journal *j, uint64_t seq)
{
	struct journal_place place;
	struct buf *out;
	int r = journal_begin(j, QUEUE_RECORD_CHECKPOINT, 8, &out, &place);

	if (r == ERR_OK)
		buf_put_u64(out, seq);
	return r;
}

static void
drop_segment(struct journal *j, struct journal_segment *s)
{
	char name[NAME_MAX_LEN];

	segment_name(s->number, name);
	close(s->fd);
	try_unlink(j->dirfd, name);
	*s = (struct journal_segment){ 0 };
	j->n_segments--;
}

bool
journal_release(struct journal *j)
{
	const int slot = journal_oldest(j);
	struct journal_segment *s = slot < 0 ? NULL : &j->segments[slot];
	uint64_t next = UINT64_MAX;

	if (s == NULL || s->state == SEGMENT_CURRENT || s->live > 0 || s->files_dirty)
		return false;
	for (unsigned i = 0; i < j->slots; i++) {
		const struct journal_segment *o = &j->segments[i];

		if (o != s &&
			(o->state == SEGMENT_CURRENT || o->state == SEGMENT_FULL ||
				o->state == SEGMENT_BAD) &&
			o->first_seq < next)
			next = o->first_seq;
	}
	if (next == UINT64_MAX)
		next = j->next_seq;
	if (append_checkpoint(j, next) < 0)
		return false;
	s->checkpoint_seq = journal_end(j, QUEUE_RECORD_CHECKPOINT);
	if (s->state == SEGMENT_BAD) {
		drop_segment(j, s); /* its disk is not to be trusted with more */
		return true;
	}
	s->state = SEGMENT_RELEASED;
	return true;
}

bool
journal_is_releasing(const struct journal *j)
{
	for (unsigned i = 0; i < j->slots; i++)
		if (j->segments[i].state == SEGMENT_RELEASED)
			return true;
	return false;
}

void
journal_drop_hollow(struct journal *j)
{
	for (unsigned i = 0; i < j->slots; i++) {
		struct journal_segment *s = &j->segments[i];

		if (s->state == SEGMENT_BAD && s->live == 0 && s->first_seq > j->flushed_seq)
			drop_segment(j, s);
	}
}

int
journal_fetch(const struct journal *j, struct journal_place place, struct buf *out,
	struct queue_record *r)
{
	const struct journal_segment *s = &j->segments[place.segment];
	const uint64_t at = (uint64_t)place.offset8 * 8;
	uint64_t size;
	uint8_t head[QUEUE_RECORD_HEADER];
	ssize_t n;

	buf_clear(out);
	n = sys_pread_full(s->fd, head, sizeof(head), at);
	if (n < 0)
		return (int)n;
	if (n < QUEUE_RECORD_HEADER || get_u32(head + 8) > QUEUE_RECORD_BODY_MAX)
		return ERR_CORRUPT;
	size = queue_record_size(get_u32(head + 8));
	n = sys_pread_full(s->fd, buf_room(out, (size_t)size), (size_t)size, at);
	if (n < 0)
		return (int)n;
	buf_added(out, (size_t)n);
	return queue_record_parse(buf_bytes(out), r) > 0 ? ERR_OK : ERR_CORRUPT;
}
