/* SPDX-License-Identifier: ISC */
/*
 * lib/store/deliver.c - local delivery: many messages, no flush, each exactly once.
 *
 * Runs in:  local-delivery (relais-mail, mail root), system-delivery's children (the user).
 * Trusts:   the queue for content and unique names; nothing on the disk.
 *
 * The file is written into tmp/ without the lock; under it the UID is taken, the record goes to the
 * log, the texts to the cache, and the file gets its name. Everything waits for the caller's
 * syncfs; until then the queue has the message.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "account.h"
#include "deliverer.h"
#include "err.h"
#include "maildir_name.h"
#include "sys.h"

#define IN_MEMORY (1 << 20) /* larger messages are mapped, not read */

/* One message on its way. */
struct item {
	const struct store_delivery *d;
	struct store_delivered *out;
	int pid;
	struct bytes text; /* the whole, in memory or mapped */
	void *map;
	size_t map_size;
	struct buf key, name, cached;
	uint32_t lf;
	bool in_tmp;
};

/* ---- one message -------------------------------------------------------------------------- */

static bool
unique_is_ok(struct bytes u)
{
	for (size_t i = 0; i < u.n; i++)
		if (!ascii_is_alpha(u.p[i]) && !ascii_is_digit(u.p[i]) && u.p[i] != '_' &&
			u.p[i] != '-')
			return false;
	return u.n > 0 && u.n <= 80;
}

/* Prefix and content in one run of memory. */
static int
gather(struct item *it)
{
	const struct store_delivery *d = it->d;
	struct bytes content = d->content;
	uint8_t *p;
	size_t size;

	size = d->prefix.n + (content.p != NULL ? content.n : (size_t)d->content_length);
	if (size > INT32_MAX)
		return ERR_LIMIT;
	/* large ones in pages of their own, which go back at once */
	if (size >= IN_MEMORY) {
		p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (p == MAP_FAILED)
			return ERR_RESOURCE;
		it->map = p;
		it->map_size = size;
	} else {
		p = it->map = xmalloc(size + 1);
	}
	if (d->prefix.n > 0)
		memcpy(p, d->prefix.p, d->prefix.n);
	if (content.p != NULL) {
		memcpy(p + d->prefix.n, content.p, content.n);
	} else if (d->content_length > 0) {
		ssize_t n = sys_pread_full(d->content_fd, p + d->prefix.n,
			(size_t)d->content_length, d->content_offset);

		if (n < 0)
			return (int)n;
		if ((uint64_t)n != d->content_length)
			return ERR_CORRUPT; /* the queue's own file is shorter than it said */
	}
	it->text = bytes_make(p, size);
	return ERR_OK;
}

static void
item_free(struct item *it)
{
	if (it->map_size > 0)
		munmap(it->map, it->map_size);
	else
		free(it->map);
	buf_free(&it->key);
	buf_free(&it->name);
	buf_free(&it->cached);
}

/* The texts for the cache; the UID is filled in when it is known. */
static void
make_texts(struct store_deliverer *d, struct item *it)
{
	struct store_cached c;

	if ((it->lf = count_bare_lf(it->text, 0)) > 0)
		return; /* is turned into CRLF when read: made then */
	cache_make(it->text, &d->arena, &d->texts, &c);
	cache_record_encode(&it->cached, 0, it->text.n, &c);
	arena_reset(&d->arena);
}

static void
tmp_path(struct item *it, char out[FOLDER_PATH_SIZE])
{
	/* another process at the same job (a time-out at the queue) writes another file */
	snprintf(out, FOLDER_PATH_SIZE, "tmp/%s.%d", buf_str(&it->key), it->pid);
}

static int
write_tmp(struct folder *f, struct item *it)
{
	char path[FOLDER_PATH_SIZE];
	int fd, r;

	tmp_path(it, path);
	fd = sys_openat(
		f->dirfd, path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, FOLDER_FILE_MODE);
	if (fd < 0)
		return fd;
	it->in_tmp = true;
	r = sys_write_all(fd, it->text);
	if (close(fd) < 0 && r == ERR_OK)
		r = ERR_IO;
	return r;
}

/* Everything that needs no lock. */
static int
prepare(struct store_deliverer *d, struct folder *f, struct item *it)
{
	int r;

	if (!unique_is_ok(it->d->unique) || it->d->arrival < 0)
		return ERR_SYNTAX;
	buf_printf(&it->key, "%lld.%.*s.%s", (long long)it->d->arrival, (int)it->d->unique.n,
		(const char *)it->d->unique.p, d->host);
	if ((r = gather(it)) < 0 || (r = write_tmp(f, it)) < 0)
		return r;
	make_texts(d, it);
	return ERR_OK;
}

static const struct index_record *
record_of(const struct folder *f, struct bytes key)
{
	for (size_t i = state_total(&f->state); i > 0; i--) {
		const struct index_record *rec = state_record(&f->state, i - 1);

		if ((rec->state & INDEX_GONE) == 0 && bytes_equal(state_key(&f->state, rec), key))
			return rec;
	}
	return NULL;
}

/* Does the file end with this very message? After a power cut it may have its name and not,
 * or not all of, its content. The fields in front may differ (another version wrote them). */
static bool
is_whole(int fd, struct bytes content)
{
	uint8_t part[16384];
	struct stat st;
	uint64_t at;

	if (fstat(fd, &st) != 0 || (uint64_t)st.st_size < content.n)
		return false;
	at = (uint64_t)st.st_size - content.n;
	while (content.n > 0) {
		size_t want = content.n < sizeof(part) ? content.n : sizeof(part);
		ssize_t n = sys_pread_full(fd, part, want, at);

		if (n != (ssize_t)want || memcmp(part, content.p, want) != 0)
			return false;
		content = bytes_skip(content, want);
		at += want;
	}
	return true;
}

/* A torn file goes, and its UID with it: a whole message never gets the UID of a torn one. */
static int
drop_torn(struct folder *f, uint32_t uid, const char *path)
{
	size_t began;
	int r = sys_unlinkat(f->dirfd, path, 0);

	if (r < 0 && r != ERR_NOT_FOUND)
		return r;
	began = folder_record(f, LOG_EXPUNGE);
	buf_put_u32(&f->pending, uid);
	folder_record_end(f, began);
	return folder_commit(f, false);
}

/* Torn files are in no index (lib/store/merge.c): what an earlier try left in new/ goes. */
static void
drop_strays(struct folder *f, struct bytes key)
{
	struct maildir_name name;
	struct dirent *e;
	DIR *dir;
	int r, fd = sys_openat(f->dirfd, "new", O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);

	if (fd < 0)
		return;
	if ((dir = fdopendir(fd)) == NULL) {
		close(fd);
		return;
	}
	while ((e = readdir(dir)) != NULL) {
		if (maildir_name_parse(bytes_from_str(e->d_name), &name) < 0 ||
			!bytes_equal(name.key, key))
			continue;
		r = sys_unlinkat(fd, e->d_name, 0);
		UNUSED(r); /* then it is a second, torn message in an hour: not a lost one */
	}
	closedir(dir);
}

/* Has an earlier try done it? Under the lock. */
static int
find_earlier(struct slot *s, struct item *it, bool *found)
{
	struct folder *f = s->f;
	const struct index_record *rec;
	char path[FOLDER_PATH_SIZE];
	int fd = -1, r;

	*found = false;
	if (!s->checked) {
		/* after a power cut there may be files that no index knows */
		if ((r = folder_merge(f, MERGE_ALL)) < 0)
			return r;
		s->checked = true;
	}
	for (int merged = 0; fd < 0; merged++) {
		if ((rec = record_of(f, buf_bytes(&it->key))) == NULL) {
			drop_strays(f, buf_bytes(&it->key));
			return ERR_OK;
		}
		it->out->uid = rec->uid;
		folder_path(f, rec, path);
		fd = sys_openat(f->dirfd, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
		if (fd < 0 && (fd != ERR_NOT_FOUND || merged > 0))
			return fd == ERR_NOT_FOUND ? ERR_BUSY : fd;
		/* renamed by somebody, or its writer died before it had a name */
		if (fd < 0 && (r = folder_merge(f, MERGE_ALL)) < 0)
			return r;
	}
	*found = is_whole(fd, bytes_skip(it->text, it->d->prefix.n));
	close(fd);
	return *found ? ERR_OK : drop_torn(f, it->out->uid, path);
}

/* Take a UID, write the texts, put the record. */
static int
put_record(struct folder *f, struct item *it)
{
	struct index_record rec = { .flags = (uint8_t)(it->d->flags & STORE_FLAGS_ALL),
		.state = INDEX_IN_NEW,
		.date = it->d->arrival,
		.size = it->text.n,
		.lf = it->lf };
	int r;

	rec.uid = folder_reserve(f, 1, &r);
	if (r < 0)
		return r;
	/* several pending ones: the state's uidnext moves when they are committed */
	buf_printf(&it->name, "%s,S=%zu,U=%u", buf_str(&it->key), it->text.n, rec.uid);
	if (it->name.len > 255)
		return ERR_LIMIT;
	if (rec.flags != 0)
		rec.state |= INDEX_NAME_STALE;
	if (it->cached.len > 0)
		cache_record_set_uid(&it->cached, rec.uid);
	cache_put(f, buf_bytes(&it->cached), &rec.cache_off, &rec.cache_len);
	folder_put_append(f, rec, buf_bytes(&it->name), it->key.len);
	it->out->uid = rec.uid;
	it->out->octets = it->text.n;
	return ERR_OK;
}

static int
give_name(struct folder *f, struct item *it)
{
	char from[FOLDER_PATH_SIZE], to[FOLDER_PATH_SIZE];
	size_t began;
	int r, back;

	tmp_path(it, from);
	snprintf(to, sizeof(to), "new/%s", buf_str(&it->name));
	if ((r = sys_renameat(f->dirfd, from, f->dirfd, to)) == ERR_OK) {
		it->in_tmp = false;
		return ERR_OK;
	}
	began = folder_record(f, LOG_EXPUNGE);
	buf_put_u32(&f->pending, it->out->uid);
	folder_record_end(f, began);
	back = folder_commit(f, false);
	UNUSED(back); /* if not now, the next merge sees that there is no file */
	return r;
}

static int
place(struct slot *s, struct item *it)
{
	int r;

	if (it->d->repeated) {
		bool found;

		if ((r = find_earlier(s, it, &found)) < 0)
			return r;
		it->out->was_there = found;
		it->out->octets = it->text.n;
		if (found)
			return ERR_OK;
	}
	if ((r = put_record(s->f, it)) < 0 || (r = folder_commit(s->f, false)) < 0) {
		folder_forget(s->f);
		return r;
	}
	return give_name(s->f, it);
}

/* ---- batches ------------------------------------------------------------------------------ */

static bool
same_folder(const struct store_delivery *a, const struct store_delivery *b)
{
	return strcmp(a->home, b->home) == 0 && bytes_equal(a->folder, b->folder);
}

static void
clean_up(struct folder *f, struct item *it)
{
	char path[FOLDER_PATH_SIZE];

	if (it->in_tmp) {
		tmp_path(it, path);
		if (sys_unlinkat(f->dirfd, path, 0) == ERR_OK)
			it->in_tmp = false; /* else rubbish in tmp/, which is looked after */
	}
	item_free(it);
}

/* n messages for one folder, n > 0. */
static void
deliver_group(struct store_deliverer *d, const struct store_delivery *v, size_t n,
	struct store_delivered *out)
{
	struct item *items = xcalloc(n, sizeof(*items));
	struct slot *s;
	int r = deliverer_folder(d, v, &s);

	for (size_t i = 0; i < n; i++) {
		out[i] = (struct store_delivered){ .result = r };
		items[i] = (struct item){ .d = &v[i], .out = &out[i], .pid = d->pid };
		if (r == ERR_OK)
			out[i].result = prepare(d, s->f, &items[i]);
	}
	if (r == ERR_OK && (r = folder_lock(s->f)) == ERR_OK) {
		for (size_t i = 0; i < n; i++)
			if (out[i].result == ERR_OK)
				out[i].result = place(s, &items[i]);
		if (folder_wants_fold(s->f) && folder_fold(s->f) < 0)
			s->used = 0; /* it goes on as it is */
		folder_unlock(s->f);
	} else if (r < 0) {
		for (size_t i = 0; i < n; i++)
			if (out[i].result == ERR_OK)
				out[i].result = r;
	}
	for (size_t i = 0; i < n; i++)
		if (items[i].key.len > 0)
			clean_up(s->f, &items[i]);
		else
			item_free(&items[i]);
	/* the folder was deleted while we held it: not held any more, so it is looked for anew */
	if (r == ERR_NOT_FOUND)
		for (unsigned i = 0; i < d->n; i++)
			if (&d->slots[i] == s)
				deliverer_close(d, i);
	free(items);
}

#define GROUP_MAX        64
#define GROUP_OCTETS_MAX (8 << 20)

void
store_deliver_many(struct store_deliverer *d, const struct store_delivery *v, size_t n,
	struct store_delivered *out)
{
	size_t i = 0;

	while (i < n) {
		uint64_t octets = 0;
		size_t k = i;

		do {
			octets += v[k].content.p != NULL ? v[k].content.n : v[k].content_length;
			k++;
		} while (k < n && k - i < GROUP_MAX && octets < GROUP_OCTETS_MAX &&
			 same_folder(&v[i], &v[k]) && v[k].create_folder == v[i].create_folder);
		deliver_group(d, v + i, k - i, out + i);
		i = k;
	}
	d->batch++;
}

int
store_deliver(struct store_deliverer *d, const struct store_delivery *delivery,
	struct store_delivered *out)
{
	deliver_group(d, delivery, 1, out);
	d->batch++;
	return out->result;
}
