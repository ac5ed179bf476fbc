/* SPDX-License-Identifier: ISC */
/*
 * lib/store/append.c - APPEND: a message that comes in pieces, durable before OK.
 *
 * A small message stays in memory until it is complete, a large one goes to tmp/ at once. Order at
 * the end: file synced, log record, rename, directory and log synced.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "account.h"
#include "clock.h"
#include "err.h"
#include "maildir_name.h"
#include "sys.h"

#define IN_MEMORY (1 << 20)

struct store_append {
	struct store_account *account;
	struct folder *f;
	int fd; /* tmp file, or -1 */
	struct buf key, text;
	uint64_t size;
	uint32_t lf;
	uint8_t last; /* octet before the next piece */
	int failed;   /* the first error: commit returns it */
};

int
store_append_begin(struct store_account *account, struct bytes folder, struct store_append **out)
{
	struct store_append *a = xcalloc(1, sizeof(*a));
	int r;

	a->account = account;
	a->fd = -1;
	if ((r = account_open_folder(account, folder, &a->f)) < 0)
		store_append_abort(&a);
	else
		account_new_key(account, 0, &a->key);
	*out = a;
	return r;
}

static void
tmp_path(struct store_append *a, char out[FOLDER_PATH_SIZE])
{
	snprintf(out, FOLDER_PATH_SIZE, "tmp/%s", buf_str(&a->key));
}

/* What is in memory goes to the file. */
static int
spill(struct store_append *a)
{
	char path[FOLDER_PATH_SIZE];
	int r;

	if (a->fd < 0) {
		tmp_path(a, path);
		a->fd = sys_openat(a->f->dirfd, path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW,
			FOLDER_FILE_MODE);
		if (a->fd < 0)
			return a->fd;
	}
	if ((r = sys_write_all(a->fd, buf_bytes(&a->text))) < 0)
		return r;
	return ERR_OK;
}

int
store_append_write(struct store_append *a, struct bytes piece)
{
	if (a->failed < 0)
		return a->failed;
	if (piece.n == 0)
		return ERR_OK;
	a->lf += count_bare_lf(piece, a->last);
	a->last = piece.p[piece.n - 1];
	a->size += piece.n;
	buf_put_bytes(&a->text, piece);
	if (a->size > IN_MEMORY) {
		a->failed = spill(a);
		buf_clear(&a->text);
	}
	return a->failed;
}

void
store_append_abort(struct store_append **append)
{
	struct store_append *a = *append;
	char path[FOLDER_PATH_SIZE];

	if (a == NULL)
		return;
	if (a->fd >= 0) {
		tmp_path(a, path);
		if (sys_unlinkat(a->f->dirfd, path, 0) < 0)
			a->failed = ERR_IO; /* left in tmp/: rubbish that a later fold removes */
		close(a->fd);
	}
	folder_close(&a->f);
	buf_free(&a->key);
	buf_free(&a->text);
	free(a);
	*append = NULL;
}

/* ---- the log record ----------------------------------------------------------------------- */

void
folder_put_append(struct folder *f, struct index_record record, struct bytes name, size_t key_len)
{
	size_t began = folder_record(f, LOG_APPEND);

	record.name_len = (uint16_t)name.n;
	record.key_len = (uint16_t)key_len;
	record.state &= INDEX_ON_DISK;
	index_record_swap(&record);
	buf_put(&f->pending, &record, sizeof(record));
	buf_put_bytes(&f->pending, name);
	folder_record_end(f, began);
}

/* Parse it while it is at hand: in memory, or the file mapped (it is ours alone yet). */
static void
make_cached(struct store_append *a, uint32_t uid, struct buf *record)
{
	struct arena arena = ARENA_INIT;
	struct buf scratch = BUF_INIT;
	struct store_cached c;
	struct bytes text = buf_bytes(&a->text);
	void *map = NULL;

	if (a->lf > 0)
		return; /* made when it is read, from what is sent then */
	if (text.n != a->size) {
		map = mmap(NULL, (size_t)a->size, PROT_READ, MAP_PRIVATE, a->fd, 0);
		if (map == MAP_FAILED)
			return;
		text = bytes_make(map, (size_t)a->size);
	}
	cache_make(text, &arena, &scratch, &c);
	cache_record_encode(record, uid, a->size, &c);
	if (map != NULL)
		munmap(map, (size_t)a->size);
	buf_free(&scratch);
	arena_reset(&arena);
}

/* Named and logged; if the last step fails the record is taken back. */
static int
place(struct store_append *a, struct index_record rec, struct bytes name)
{
	struct folder *f = a->f;
	char from[FOLDER_PATH_SIZE], to[FOLDER_PATH_SIZE];
	size_t began;
	int r, back;

	folder_put_append(f, rec, name, a->key.len);
	if ((r = folder_commit(f, false)) < 0)
		return r;
	tmp_path(a, from);
	snprintf(to, sizeof(to), "%s/%.*s", (rec.state & INDEX_IN_NEW) != 0 ? "new" : "cur",
		(int)name.n, (const char *)name.p);
	r = sys_renameat_new(f->dirfd, from, f->dirfd, to);
	if (r == ERR_OK) {
		close(a->fd);
		a->fd = -1;
		r = folder_sync_directories(f, (rec.state & INDEX_IN_NEW) != 0 ? MERGE_NEW : 2);
		if (r == ERR_OK && (r = folder_sync_log(f)) == ERR_OK)
			return ERR_OK;
		back = sys_unlinkat(f->dirfd, to, 0);
		if (back < 0 && back != ERR_NOT_FOUND)
			return r; /* it stays, though unconfirmed */
	}
	began = folder_record(f, LOG_EXPUNGE);
	buf_put_u32(&f->pending, rec.uid);
	folder_record_end(f, began);
	back = folder_commit(f, false);
	UNUSED(back); /* if not now, the next merge sees that there is no file */
	return r;
}

static int
commit_locked(struct store_append *a, const struct store_new *n, struct store_placed *placed)
{
	struct index_record rec = { .flags = (uint8_t)(n->flags & STORE_FLAGS_ALL),
		.date = n->internal_date,
		.size = a->size,
		.lf = a->lf };
	struct buf name = BUF_INIT, cached = BUF_INIT;
	uint64_t letters;
	int r;

	if ((r = folder_map_keywords(a->f, n->keywords, n->n_keywords, &rec.keywords)) < 0)
		return r;
	rec.uid = folder_reserve(a->f, 1, &r);
	if (r < 0)
		return r;
	letters = state_letters(&a->f->state, rec.flags, rec.keywords);
	buf_printf(&name, "%s,S=%llu,U=%u", buf_str(&a->key), (unsigned long long)a->size, rec.uid);
	if (rec.flags == 0 && rec.keywords == 0) {
		rec.state = INDEX_IN_NEW;
	} else {
		struct bytes base = buf_bytes(&name);
		struct buf full = BUF_INIT;

		maildir_name_put(&full, base, letters);
		buf_free(&name);
		name = full;
	}
	make_cached(a, rec.uid, &cached);
	cache_put(a->f, buf_bytes(&cached), &rec.cache_off, &rec.cache_len);
	r = name.len > MAILDIR_NAME_MAX ? ERR_LIMIT : place(a, rec, buf_bytes(&name));
	placed->uid = rec.uid;
	placed->uidvalidity = a->f->state.header.uidvalidity;
	buf_free(&name);
	buf_free(&cached);
	return r;
}

static int
finish_file(struct store_append *a, int64_t date)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_sec = date } };
	int r;

	if (a->failed < 0)
		return a->failed;
	if (a->fd < 0 && (r = spill(a)) < 0)
		return r;
	/* INTERNALDATE outlives the index as the file's time */
	if (futimens(a->fd, times) < 0)
		return ERR_IO;
	return sys_fsync(a->fd);
}

int
store_append_commit(struct store_append **append, const struct store_new *attributes,
	struct store_placed *placed)
{
	struct store_append *a = *append;
	struct store_new n = *attributes;
	int r;

	*placed = (struct store_placed){ 0 };
	if (n.internal_date == 0)
		n.internal_date = (int64_t)(clock_wall_us() / 1000000);
	if ((r = finish_file(a, n.internal_date)) == ERR_OK && (r = folder_lock(a->f)) == ERR_OK) {
		r = commit_locked(a, &n, placed);
		folder_unlock(a->f);
	}
	if (r == ERR_OK) {
		a->account->delta.octets += (int64_t)a->size;
		a->account->delta.messages++;
	}
	store_append_abort(append);
	return r;
}
