/* SPDX-License-Identifier: ISC */
/*
 * lib/store/cache.c - ENVELOPE, BODY, BODYSTRUCTURE and the common header fields of each
 * message, made at delivery while it is in memory. Read in windows, never mapped.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "err.h"
#include "folder.h"
#include "imap_text.h"
#include "mime.h"
#include "sys.h"

#define WINDOW     (64 * 1024)
#define COMPACT_AT (256 * 1024) /* octets of expunged messages */
#define FIELD(name)                                                                                \
	{                                                                                          \
		(const uint8_t *)(name), sizeof(name) - 1                                          \
	}

/* What mail readers ask for to show a list. */
static const struct bytes field_names[] = { FIELD("Date"), FIELD("From"), FIELD("Sender"),
	FIELD("Reply-To"), FIELD("To"), FIELD("Cc"), FIELD("Bcc"), FIELD("Subject"),
	FIELD("Message-ID"), FIELD("In-Reply-To"), FIELD("References"), FIELD("Content-Type"),
	FIELD("MIME-Version"), FIELD("Content-Transfer-Encoding"), FIELD("List-ID"),
	FIELD("List-Post"), FIELD("Priority"), FIELD("X-Priority"), FIELD("Importance"),
	FIELD("Disposition-Notification-To"), FIELD("X-Spam-Status"), FIELD("X-Spam-Flag"),
	FIELD("Delivered-To") };

bool
store_fields_cached(const struct bytes *names, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		bool found = false;

		for (size_t k = 0; k < NITEMS(field_names) && !found; k++)
			found = bytes_equal_nocase(names[i], field_names[k]);
		if (!found)
			return false;
	}
	return true;
}

void
cache_make(struct bytes message, struct arena *a, struct buf *scratch, struct store_cached *out)
{
	struct mime_part *root = mime_parse(a, message);
	struct bytes header = mime_header(message, root), all;
	size_t at[4];

	buf_clear(scratch);
	imap_put_envelope(scratch, header);
	at[0] = scratch->len;
	imap_put_body(scratch, message, root, false);
	at[1] = scratch->len;
	imap_put_body(scratch, message, root, true);
	at[2] = scratch->len;
	imap_put_header_fields(scratch, header, field_names, NITEMS(field_names), false);
	at[3] = scratch->len;
	all = buf_bytes(scratch);
	*out = (struct store_cached){ .envelope = bytes_head(all, at[0]),
		.body = bytes_head(bytes_skip(all, at[0]), at[1] - at[0]),
		.bodystructure = bytes_head(bytes_skip(all, at[1]), at[2] - at[1]),
		.fields = bytes_head(bytes_skip(all, at[2]), at[3] - at[2]),
		.header_octets = (uint32_t)header.n };
}

void
cache_drop(struct folder *f)
{
	if (f->cache_fd >= 0)
		close(f->cache_fd);
	f->cache_fd = -1;
	f->cache_checked = false;
	buf_free(&f->window);
}

static int
open_cache(struct folder *f, const char *name, int flags)
{
	uint8_t head[CACHE_HEADER_SIZE];
	uint32_t validity;
	ssize_t n;

	f->cache_fd = sys_openat(
		f->dirfd, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | flags, FOLDER_FILE_MODE);
	if (f->cache_fd < 0)
		return f->cache_fd;
	n = sys_pread_full(f->cache_fd, head, sizeof(head), 0);
	f->cache_checked = n >= 0 &&
			   cache_header_decode(bytes_make(head, (size_t)n), &validity) == ERR_OK &&
			   validity == f->state.header.uidvalidity;
	return ERR_OK;
}

/* Under the lock: a cache that can be written to. */
static int
need_cache(struct folder *f)
{
	uint8_t head[CACHE_HEADER_SIZE];
	int r;

	if (f->cache_fd < 0 && (r = open_cache(f, CACHE_FILE_NAME, O_CREAT)) < 0)
		return r;
	if (f->cache_checked)
		return ERR_OK;
	/* new, or nothing in it can be right */
	buf_clear(&f->window);
	cache_header_encode(head, f->state.header.uidvalidity);
	if ((r = sys_ftruncate(f->cache_fd, 0)) < 0 ||
		(r = sys_pwrite_all(f->cache_fd, bytes_make(head, sizeof(head)), 0)) < 0)
		return r;
	f->cache_checked = true;
	return ERR_OK;
}

void
cache_put(struct folder *f, struct bytes record, uint64_t *off, uint32_t *len)
{
	struct stat st;

	*off = CACHE_HEADER_SIZE;
	*len = 0;
	if (record.n == 0 || need_cache(f) < 0 || fstat(f->cache_fd, &st) < 0)
		return;
	if (f->state.cache_end > CACHE_HEADER_SIZE)
		*off = f->state.cache_end;
	if (*off > (uint64_t)st.st_size) /* never a hole: its records are lost, or never were */
		*off = (uint64_t)st.st_size;
	if (sys_pwrite_all(f->cache_fd, record, *off) < 0)
		return;
	*len = (uint32_t)record.n;
	f->state.cache_end = *off + record.n; /* also before its record is committed */
}

/* The octets of a record, from the window or by a read that begins with it. */
static struct bytes
window_at(struct folder *f, uint64_t off, uint32_t len)
{
	size_t want = len > WINDOW ? len : WINDOW;
	ssize_t n;

	if (f->window.len > 0 && off >= f->window_off && off + len <= f->window_off + f->window.len)
		return bytes_head(
			bytes_skip(buf_bytes(&f->window), (size_t)(off - f->window_off)), len);
	buf_clear(&f->window);
	n = sys_pread_full(f->cache_fd, buf_room(&f->window, want), want, off);
	if (n < (ssize_t)len)
		return BYTES_NONE;
	buf_added(&f->window, (size_t)n);
	f->window_off = off;
	return bytes_head(buf_bytes(&f->window), len);
}

int
cache_get(struct folder *f, const struct index_record *r, struct store_cached *out)
{
	struct bytes record;

	if (r->cache_len < CACHE_RECORD_HEADER || r->cache_len > CACHE_RECORD_MAX ||
		r->cache_off > INT64_MAX / 2)
		return ERR_NOT_FOUND;
	if (f->cache_fd < 0 && open_cache(f, CACHE_FILE_NAME, 0) < 0)
		return ERR_NOT_FOUND;
	record = window_at(f, r->cache_off, r->cache_len);
	if (cache_record_decode(record, r->uid, r->size, out) == ERR_OK)
		return ERR_OK;
	buf_clear(&f->window); /* it may have been written since */
	record = window_at(f, r->cache_off, r->cache_len);
	return cache_record_decode(record, r->uid, r->size, out) == ERR_OK ? ERR_OK : ERR_NOT_FOUND;
}

/* Copy one record to the end of the new file; not copied ones are made anew when asked for. */
static void
move_record(struct folder *f, struct index_record *r, int to, uint64_t *end)
{
	struct store_cached c;

	if (cache_get(f, r, &c) == ERR_OK &&
		sys_pwrite_all(to, window_at(f, r->cache_off, r->cache_len), *end) == ERR_OK) {
		r->cache_off = *end;
		*end += r->cache_len;
	} else {
		r->cache_off = 0;
		r->cache_len = 0;
	}
}

void
cache_compact(struct folder *f)
{
	uint8_t head[CACHE_HEADER_SIZE];
	uint64_t living = CACHE_HEADER_SIZE, end = CACHE_HEADER_SIZE;
	int to;

	if (f->foreign) /* its owner's records may take long to read: his own sessions do it */
		return;
	for (size_t i = 0; i < state_total(&f->state); i++)
		if ((state_record(&f->state, i)->state & INDEX_GONE) == 0)
			living += state_record(&f->state, i)->cache_len;
	if (f->state.cache_end < living + COMPACT_AT || f->state.cache_end < 2 * living)
		return;
	to = sys_openat(f->dirfd, CACHE_FILE_NAME ".tmp", O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW,
		FOLDER_FILE_MODE);
	if (to < 0)
		return;
	cache_header_encode(head, f->state.header.uidvalidity);
	if (sys_pwrite_all(to, bytes_make(head, sizeof(head)), 0) == ERR_OK) {
		for (size_t i = 0; i < state_total(&f->state); i++) {
			struct index_record *r = state_record(&f->state, i);

			if ((r->state & INDEX_GONE) == 0 && r->cache_len > 0)
				move_record(f, r, to, &end);
		}
		/* if the name stays with the old file, the new places in it do not check,
		 * and the records are made again */
		if (sys_renameat(f->dirfd, CACHE_FILE_NAME ".tmp", f->dirfd, CACHE_FILE_NAME) ==
			ERR_OK)
			f->state.cache_end = end;
	}
	close(to);
	cache_drop(f);
}
