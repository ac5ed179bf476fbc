/* SPDX-License-Identifier: ISC */
/* lib/store/content.c - the octets of a message, and what the cache has of it. */
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "account.h"
#include "clock.h"
#include "err.h"
#include "rfc5322.h"
#include "sys.h"

#define MAP_FROM    (256 * 1024) /* smaller files are read */
#define TORN_FOR_S  3600
#define CONTENT_MAX ((size_t)1 << 31)

uint32_t
count_bare_lf(struct bytes text, uint8_t before)
{
	const uint8_t *p = text.p, *end = text.p + text.n;
	uint32_t n = 0;

	while (p < end && (p = memchr(p, '\n', (size_t)(end - p))) != NULL) {
		n += (p == text.p ? before : p[-1]) != '\r';
		p++;
	}
	return n;
}

bool
file_is_torn(const struct stat *st, uint64_t written)
{
	return (uint64_t)st->st_size < written &&
	       st->st_ctim.tv_sec + TORN_FOR_S > (int64_t)(clock_wall_us() / 1000000);
}

static int
read_file(int fd, uint64_t written, struct store_content *out)
{
	struct stat st;
	size_t size;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return ERR_IO;
	if (file_is_torn(&st, written))
		return ERR_NOT_FOUND;
	if ((uint64_t)st.st_size > CONTENT_MAX)
		return ERR_LIMIT;
	size = (size_t)st.st_size;
	if (size >= MAP_FROM) {
		out->map = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (out->map == MAP_FAILED) {
			out->map = NULL;
			return ERR_RESOURCE;
		}
		out->map_size = size;
		out->text = bytes_make(out->map, size);
	} else {
		ssize_t n;

		out->copy = xmalloc(size + 1);
		n = sys_pread_full(fd, out->copy, size, 0);
		if (n < 0)
			return (int)n;
		out->text = bytes_make(out->copy, (size_t)n);
	}
	return ERR_OK;
}

/* Bare LFs become CRLF: a message that another program put there. */
static void
put_crlf(struct store_content *c, uint32_t lf)
{
	uint8_t *to = xmalloc(c->text.n + lf + 1), *start = to, before = 0;
	struct bytes text = c->text;

	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '\n' && before != '\r')
			*to++ = '\r';
		*to++ = before = text.p[i];
	}
	store_content_close(c);
	c->copy = start;
	c->text = bytes_make(start, (size_t)(to - start));
}

int
store_content_open(struct store_view *v, uint32_t seq, struct store_content *out)
{
	uint32_t uid = store_uid(v, seq), lf;
	const struct index_record *rec;
	int fd, r;

	*out = (struct store_content){ 0 };
	if ((fd = folder_open_message(v->f, uid)) < 0)
		return fd;
	rec = state_find(&v->f->state, uid, seq - 1);
	r = read_file(fd, rec == NULL ? 0 : rec->size, out);
	close(fd);
	if (r < 0) {
		store_content_close(out);
		return r;
	}
	if (rec != NULL && (rec->state & INDEX_SIZE_UNKNOWN) == 0 && rec->lf == 0)
		return ERR_OK;
	if ((lf = count_bare_lf(out->text, 0)) > 0)
		put_crlf(out, lf);
	return ERR_OK;
}

void
store_content_close(struct store_content *c)
{
	if (c->map != NULL)
		munmap(c->map, c->map_size);
	free(c->copy);
	*c = (struct store_content){ 0 };
}

/* Write down what was learnt of a message. Failing is no harm: it is learnt again. */
static void
remember(struct store_view *v, uint32_t uid, const struct store_cached *c, uint64_t size_crlf)
{
	struct folder *f = v->f;
	struct buf record = BUF_INIT;
	struct index_record *r;
	uint64_t off;
	uint32_t len;
	size_t began;

	if (folder_lock(f) < 0)
		return;
	if ((r = state_find(&f->state, uid, 0)) != NULL && size_crlf >= r->size) {
		uint32_t lf = (uint32_t)(size_crlf - r->size);

		cache_record_encode(&record, uid, r->size, c);
		cache_put(f, buf_bytes(&record), &off, &len);
		began = folder_record(f, LOG_CACHED);
		/* no flag changed: nobody has to be told */
		set_u64(f->pending.data + f->pending.start + began + 8,
			f->state.header.highestmodseq);
		buf_put_u32(&f->pending, uid);
		buf_put_u32(&f->pending, lf);
		buf_put_u32(&f->pending, len);
		buf_put_u32(&f->pending, 0);
		buf_put_u64(&f->pending, off);
		folder_record_end(f, began);
		if (folder_commit(f, false) < 0)
			folder_forget(f);
	}
	folder_unlock(f);
	buf_free(&record);
}

int
store_cached(struct store_view *v, uint32_t seq, struct store_cached *out)
{
	uint32_t uid = store_uid(v, seq);
	const struct index_record *rec = state_find(&v->f->state, uid, seq - 1);
	struct store_content content;
	int r;

	if (rec != NULL && (rec->state & INDEX_SIZE_UNKNOWN) == 0 &&
		cache_get(v->f, rec, out) == ERR_OK)
		return ERR_OK;
	if ((r = store_content_open(v, seq, &content)) < 0)
		return r;
	arena_reset(&v->arena);
	cache_make(content.text, &v->arena, &v->scratch, out);
	remember(v, uid, out, content.text.n);
	store_content_close(&content);
	arena_reset(&v->arena);
	return ERR_OK;
}
