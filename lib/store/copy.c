/* SPDX-License-Identifier: ISC */
/*
 * lib/store/copy.c - COPY and MOVE by hard links: all or nothing, durable before OK.
 *
 * Records first, then links (as for any new message), under the target's lock alone: two
 * folders are never locked at once. A MOVE then expunges at the source; a crash between leaves
 * both, never none.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "account.h"
#include "err.h"
#include "maildir_name.h"
#include "sys.h"

struct item {
	uint32_t from, to;
	struct bytes name; /* at the target, in the arena */
	struct index_record rec;
	bool linked;
};

#define TRIES 5 /* while others rename what is being copied */

struct copy {
	struct store_view *v;
	struct folder *target;
	struct arena a;
	struct item *items;
	size_t n;
	uint64_t keyword_map[STORE_KEYWORDS_MAX]; /* source bit to target's bits */
};

/* UIDs that still live, in ascending order, each once. */
static void
choose(struct copy *c, const uint32_t *uids, size_t n)
{
	c->items = arena_zalloc(&c->a, (n + 1) * sizeof(*c->items));
	for (size_t i = 0; i < n; i++) {
		const struct index_record *r = state_find(&c->v->f->state, uids[i], 0);
		size_t at = c->n;

		if (r == NULL)
			continue;
		while (at > 0 && c->items[at - 1].from > uids[i])
			at--;
		if (at > 0 && c->items[at - 1].from == uids[i])
			continue;
		memmove(&c->items[at + 1], &c->items[at], (c->n - at) * sizeof(*c->items));
		c->items[at] = (struct item){ .from = uids[i], .rec = *r };
		c->n++;
	}
}

/* Files delivered a moment ago may not be on the disk yet. */
static int
sync_sources(struct copy *c)
{
	int fd, r;

	if (c->n > 2)
		return sys_syncfs(c->v->f->dirfd);
	for (size_t i = 0; i < c->n; i++) {
		fd = folder_open_message(c->v->f, c->items[i].from);
		if (fd == ERR_NOT_FOUND)
			continue;
		if (fd < 0)
			return fd;
		r = sys_fsync(fd);
		close(fd);
		if (r < 0)
			return r;
	}
	return ERR_OK;
}

static int
map_keywords(struct copy *c)
{
	const struct state *s = &c->v->f->state;
	uint64_t used = 0;
	int r;

	for (size_t i = 0; i < c->n; i++)
		used |= c->items[i].rec.keywords;
	for (unsigned bit = 0; bit < s->n_keywords; bit++) {
		struct bytes name = bytes_from_str(s->keywords[bit]);

		if ((used >> bit & 1) != 0 &&
			(r = folder_map_keywords(c->target, &name, 1, &c->keyword_map[bit])) < 0)
			return r;
	}
	return ERR_OK;
}

static void
name_item(struct copy *c, struct item *it, uint64_t cache_keywords)
{
	struct buf base = BUF_INIT, name = BUF_INIT;
	size_t key_len;
	uint64_t letters = state_letters(&c->target->state, it->rec.flags, cache_keywords);

	account_new_key(c->v->account, 0, &base);
	key_len = base.len;
	buf_printf(&base, ",S=%llu,U=%u", (unsigned long long)it->rec.size, it->to);
	maildir_name_put(&name, buf_bytes(&base), letters);
	it->name = arena_bytes(&c->a, buf_bytes(&name));
	it->rec.key_len = (uint16_t)key_len;
	buf_free(&base);
	buf_free(&name);
}

/* The cached texts go along. */
static void
copy_cached(struct copy *c, struct item *it)
{
	struct buf record = BUF_INIT;
	struct store_cached cached;

	if (cache_get(c->v->f, &it->rec, &cached) == ERR_OK)
		cache_record_encode(&record, it->to, it->rec.size, &cached);
	cache_put(c->target, buf_bytes(&record), &it->rec.cache_off, &it->rec.cache_len);
	buf_free(&record);
}

static int
put_records(struct copy *c)
{
	uint32_t uid;
	int r;

	if ((r = map_keywords(c)) < 0)
		return r;
	uid = folder_reserve(c->target, (uint32_t)c->n, &r);
	if (r < 0 || (r = folder_commit(c->target, false)) < 0)
		return r;
	for (size_t i = 0; i < c->n; i++) {
		struct item *it = &c->items[i];
		uint64_t keywords = 0;

		it->to = uid + (uint32_t)i;
		for (unsigned bit = 0; bit < STORE_KEYWORDS_MAX; bit++)
			if ((it->rec.keywords >> bit & 1) != 0)
				keywords |= c->keyword_map[bit];
		name_item(c, it, keywords);
		copy_cached(c, it);
		it->rec.uid = it->to;
		it->rec.keywords = keywords;
		it->rec.state &= INDEX_SIZE_UNKNOWN;
		folder_put_append(c->target, it->rec, it->name, it->rec.key_len);
	}
	return folder_commit(c->target, false);
}

static void
target_path(const struct item *it, char out[FOLDER_PATH_SIZE])
{
	snprintf(out, FOLDER_PATH_SIZE, "cur/%.*s", (int)it->name.n, (const char *)it->name.p);
}

/* Under the target's lock the source is only looked at as far as no lock of it is needed. */
static int
link_item(struct copy *c, struct item *it)
{
	char from[FOLDER_PATH_SIZE], to[FOLDER_PATH_SIZE];
	const struct index_record *r = state_find(&c->v->f->state, it->from, 0);
	int result;

	if (r == NULL)
		return ERR_NOT_FOUND;
	folder_path(c->v->f, r, from);
	target_path(it, to);
	result = sys_linkat(c->v->f->dirfd, from, c->target->dirfd, to);
	it->linked = result == ERR_OK;
	return result;
}

/* All of it failed: no links, no records. */
static void
take_back(struct copy *c)
{
	char path[FOLDER_PATH_SIZE];
	size_t began = 0, n = 0;
	int r = ERR_OK;

	for (size_t i = 0; i < c->n; i++) {
		struct item *it = &c->items[i];

		if (it->to == 0 || state_find(&c->target->state, it->to, 0) == NULL)
			continue;
		if (it->linked) {
			target_path(it, path);
			if (sys_unlinkat(c->target->dirfd, path, 0) < 0)
				continue; /* it stays: more than was promised, not less */
			it->linked = false;
		}
		if (n++ == 0)
			began = folder_record(c->target, LOG_EXPUNGE);
		buf_put_u32(&c->target->pending, it->to);
	}
	if (n > 0) {
		folder_record_end(c->target, began);
		r = folder_commit(c->target, false);
	}
	UNUSED(r); /* what could not be written now the next merge finds by itself */
}

/* returns: ERR_NOT_FOUND if a source was not where it should be */
static int
copy_locked(struct copy *c)
{
	int r;

	if ((r = put_records(c)) < 0) {
		folder_forget(c->target);
		take_back(c);
		return r;
	}
	for (size_t i = 0; i < c->n && r == ERR_OK; i++)
		r = link_item(c, &c->items[i]);
	if (r == ERR_OK) {
		r = folder_sync_directories(c->target, (enum merge_scope)2);
		if (r == ERR_OK)
			r = folder_sync_log(c->target);
	}
	if (r < 0)
		take_back(c);
	return r;
}

/* One try with the names as they are known now. */
static int
copy_once(struct copy *c, const uint32_t *uids, size_t n)
{
	int r;

	c->n = 0;
	choose(c, uids, n);
	if (c->n == 0)
		return ERR_OK;
	if ((r = sync_sources(c)) < 0 || (r = folder_lock(c->target)) < 0)
		return r;
	r = copy_locked(c);
	folder_unlock(c->target);
	return r;
}

/* Look where the sources went. Not under the target's lock. */
static int
look_again(struct folder *f)
{
	int r = folder_lock(f);

	if (r < 0)
		return r;
	r = folder_merge(f, MERGE_ALL);
	folder_unlock(f);
	return r;
}

static void
report(struct copy *c, struct arena *a, struct store_copied *out)
{
	out->uidvalidity = c->target->state.header.uidvalidity;
	out->from_uids = arena_alloc(a, (c->n + 1) * sizeof(uint32_t));
	out->to_uids = arena_alloc(a, (c->n + 1) * sizeof(uint32_t));
	for (size_t i = 0; i < c->n; i++) {
		if (!c->items[i].linked)
			continue;
		out->from_uids[out->n] = c->items[i].from;
		out->to_uids[out->n++] = c->items[i].to;
		c->v->account->delta.octets += (int64_t)c->items[i].rec.size;
		c->v->account->delta.messages++;
	}
}

int
store_copy(struct store_view *v, const uint32_t *uids, size_t n, struct bytes folder, bool move,
	struct arena *a, struct store_copied *out)
{
	struct copy c = { .v = v };
	int r;

	*out = (struct store_copied){ 0 };
	if (move && v->read_only)
		return ERR_DENIED;
	if ((r = account_open_folder(v->account, folder, &c.target)) < 0)
		return r;
	r = folder_check(v->f);
	for (int i = 0; i < TRIES && r == ERR_OK; i++) {
		r = copy_once(&c, uids, n);
		if (r != ERR_NOT_FOUND)
			break;
		/* the last word is that something was renamed each time */
		r = i == TRIES - 1 ? ERR_BUSY : look_again(v->f);
	}
	if (r < 0)
		goto out;
	report(&c, a, out);
	if (move)
		r = store_expunge(v, out->from_uids, out->n, false);
out:
	folder_close(&c.target);
	arena_reset(&c.a);
	return r;
}
