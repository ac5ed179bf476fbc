/* SPDX-License-Identifier: ISC */
/* lib/store/change.c - flags, keywords and expunging, for many messages at once. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "account.h"
#include "err.h"
#include "sys.h"

#define BATCH 10000 /* entries in one log record */

unsigned
store_keyword_count(const struct store_view *v)
{
	return v->f->state.n_keywords;
}

const char *
store_keyword_name(const struct store_view *v, unsigned bit)
{
	ASSERT(bit < v->f->state.n_keywords);
	return v->f->state.keywords[bit];
}

/* RFC 3501 atom: what can stand in a flag list. */
static bool
is_keyword(struct bytes name)
{
	if (name.n == 0 || name.n > STORE_KEYWORD_MAX || name.p[0] == '\\')
		return false;
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] <= ' ' || name.p[i] > '~' || strchr("(){%*\"\\]", name.p[i]) != NULL)
			return false;
	return true;
}

static int
make_keyword(struct folder *f, struct bytes name, unsigned *bit)
{
	size_t began;
	int r;

	if ((*bit = state_keyword(&f->state, name)) < STORE_KEYWORDS_MAX)
		return ERR_OK;
	if (f->state.n_keywords == STORE_KEYWORDS_MAX)
		return ERR_LIMIT;
	*bit = f->state.n_keywords;
	began = folder_record(f, LOG_KEYWORD);
	buf_put_bytes(&f->pending, name);
	folder_record_end(f, began);
	if ((r = folder_commit(f, false)) == ERR_OK)
		keywords_save(f);
	return r;
}

int
store_keyword_bit(struct store_view *v, struct bytes name, bool create, unsigned *bit)
{
	int r;

	if (!is_keyword(name))
		return ERR_SYNTAX;
	if ((*bit = state_keyword(&v->f->state, name)) < STORE_KEYWORDS_MAX)
		return ERR_OK;
	if (!create)
		return ERR_NOT_FOUND;
	if (v->read_only)
		return ERR_DENIED;
	if ((r = folder_lock(v->f)) < 0)
		return r;
	r = make_keyword(v->f, name, bit);
	folder_unlock(v->f);
	return r;
}

int
folder_map_keywords(struct folder *f, const struct bytes *names, size_t n, uint64_t *bits)
{
	unsigned bit;
	int r;

	*bits = 0;
	for (size_t i = 0; i < n; i++) {
		if (!is_keyword(names[i]))
			continue;
		r = make_keyword(f, names[i], &bit);
		if (r == ERR_OK)
			*bits |= (uint64_t)1 << bit;
		else if (r != ERR_LIMIT)
			return r;
	}
	return ERR_OK;
}

/* ---- flags -------------------------------------------------------------------------------- */

/* The new values; false if they are the old ones. */
static bool
changed(const struct index_record *r, const struct store_flags_change *c, unsigned *flags,
	uint64_t *keywords)
{
	*flags = r->flags;
	*keywords = r->keywords;
	switch (c->how) {
	case STORE_REPLACE:
		*flags = c->flags;
		*keywords = c->keywords;
		break;
	case STORE_ADD:
		*flags |= c->flags;
		*keywords |= c->keywords;
		break;
	case STORE_REMOVE:
		*flags &= ~c->flags;
		*keywords &= ~c->keywords;
		break;
	}
	*flags &= STORE_FLAGS_ALL;
	return *flags != r->flags || *keywords != r->keywords;
}

/* Each UID by itself; returns how many entries were put. */
static size_t
put_changes(struct folder *f, const uint32_t *uids, size_t n,
	const struct store_flags_change *change, uint32_t *skipped, size_t *n_skipped)
{
	size_t began = 0, entries = 0;

	for (size_t i = 0; i < n; i++) {
		const struct index_record *r = state_find(&f->state, uids[i], 0);
		unsigned flags;
		uint64_t keywords;

		if (r == NULL)
			continue;
		if (change->unchanged_since != 0 && r->modseq > change->unchanged_since) {
			if (skipped != NULL)
				skipped[(*n_skipped)++] = uids[i];
			continue;
		}
		if (!changed(r, change, &flags, &keywords))
			continue;
		if (entries++ % BATCH == 0) {
			if (entries > 1)
				folder_record_end(f, began);
			began = folder_record(f, LOG_FLAGS);
		}
		buf_put_u32(&f->pending, r->uid);
		buf_put_u32(&f->pending, flags);
		buf_put_u64(&f->pending, keywords);
	}
	if (entries > 0)
		folder_record_end(f, began);
	return entries;
}

static void
add_own(struct store_view *v, uint64_t modseq)
{
	if (v->n_own == v->cap_own) {
		v->cap_own = v->cap_own == 0 ? 8 : v->cap_own * 2;
		v->own = xrealloc(v->own, v->cap_own * sizeof(*v->own));
	}
	v->own[v->n_own++] = modseq;
}

int
store_change_flags(struct store_view *v, const uint32_t *uids, size_t n,
	const struct store_flags_change *change, uint32_t *skipped, size_t *n_skipped)
{
	size_t skip = 0;
	int r;

	if (n_skipped != NULL)
		*n_skipped = 0;
	if (v->read_only)
		return ERR_DENIED;
	if ((r = folder_lock(v->f)) < 0)
		return r;
	if (put_changes(v->f, uids, n, change, skipped, &skip) > 0) {
		uint64_t modseq = v->f->modseq;

		if ((r = folder_commit(v->f, true)) == ERR_OK)
			add_own(v, modseq);
	}
	if (r == ERR_OK && folder_wants_fold(v->f))
		r = folder_fold(v->f);
	folder_unlock(v->f);
	if (n_skipped != NULL)
		*n_skipped = skip;
	return r;
}

/* ---- expunge ------------------------------------------------------------------------------ */

int
folder_sync_directories(struct folder *f, enum merge_scope scope)
{
	static const char *const names[] = { "new", "cur" };
	int r = ERR_OK;

	for (size_t i = 0; i < NITEMS(names) && r == ERR_OK; i++)
		if (((unsigned)scope & 1U << i) != 0)
			r = sys_sync_folder(f->dirfd, names[i]);
	return r;
}

struct expunge {
	struct folder *f;
	struct store_usage removed;
	uint32_t *uids; /* whose files are gone by our hand */
	size_t n;
	unsigned scope; /* directories changed */
	bool merged;
};

/* Remove one file. One that is not where it should be was renamed, or removed, by others. */
static int
remove_file(struct expunge *x, uint32_t uid)
{
	char path[FOLDER_PATH_SIZE];
	const struct index_record *r = state_find(&x->f->state, uid, 0);
	int result;

	if (r == NULL)
		return ERR_OK;
	folder_path(x->f, r, path);
	result = sys_unlinkat(x->f->dirfd, path, 0);
	if (result == ERR_OK) {
		x->uids[x->n++] = uid;
		x->scope |= (r->state & INDEX_IN_NEW) != 0 ? MERGE_NEW : 2U;
		x->removed.octets -= (int64_t)r->size;
		x->removed.messages--;
		return ERR_OK;
	}
	if (result != ERR_NOT_FOUND)
		return result;
	/* the merge expunges what is gone; it also takes up those that we have removed */
	if ((result = folder_merge(x->f, MERGE_ALL)) < 0)
		return result;
	if ((r = state_find(&x->f->state, uid, 0)) == NULL)
		return ERR_OK;
	folder_path(x->f, r, path);
	result = sys_unlinkat(x->f->dirfd, path, 0);
	if (result == ERR_OK) {
		x->uids[x->n++] = uid;
		x->scope = MERGE_ALL;
		x->removed.octets -= (int64_t)r->size;
		x->removed.messages--;
	}
	return result == ERR_NOT_FOUND ? ERR_OK : result;
}

/* Files first, then the log: a file that came back after a power cut is still in the index. */
static int
log_expunged(struct expunge *x)
{
	size_t began = 0, entries = 0;
	int r = x->scope == 0 ? ERR_OK : folder_sync_directories(x->f, (enum merge_scope)x->scope);

	for (size_t i = 0; i < x->n; i++) {
		if (state_find(&x->f->state, x->uids[i], 0) == NULL)
			continue;
		if (entries++ % BATCH == 0) {
			if (entries > 1)
				folder_record_end(x->f, began);
			began = folder_record(x->f, LOG_EXPUNGE);
		}
		buf_put_u32(&x->f->pending, x->uids[i]);
	}
	if (entries > 0) {
		int logged;

		folder_record_end(x->f, began);
		logged = folder_commit(x->f, true);
		if (r == ERR_OK)
			r = logged;
	}
	return r;
}

static int
expunge_locked(struct store_view *v, const uint32_t *uids, size_t n, bool only_deleted)
{
	struct expunge x = { .f = v->f };
	int r = ERR_OK, logged;

	x.uids = xmalloc((n + 1) * sizeof(*x.uids));
	for (size_t i = 0; i < n && r == ERR_OK; i++) {
		const struct index_record *rec = state_find(&v->f->state, uids[i], 0);

		if (rec != NULL && (!only_deleted || (rec->flags & STORE_DELETED) != 0))
			r = remove_file(&x, uids[i]);
	}
	logged = log_expunged(&x);
	v->account->delta.octets += x.removed.octets;
	v->account->delta.messages += x.removed.messages;
	free(x.uids);
	return r == ERR_OK ? logged : r;
}

int
store_expunge(struct store_view *v, const uint32_t *uids, size_t n, bool only_deleted)
{
	int r;

	if (v->read_only)
		return ERR_DENIED;
	if ((r = folder_lock(v->f)) < 0)
		return r;
	if (uids == NULL) /* what the session has been told of */
		r = expunge_locked(v, v->uids, v->n, only_deleted);
	else
		r = expunge_locked(v, uids, n, only_deleted);
	if (r == ERR_OK && folder_wants_fold(v->f))
		r = folder_fold(v->f);
	folder_unlock(v->f);
	return r;
}
