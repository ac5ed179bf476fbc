/* SPDX-License-Identifier: ISC */
/*
 * lib/store/view.c - what one session has been told of a folder: the UIDs by sequence number.
 *
 * The folder's state runs ahead with every look at the log; the view follows only in
 * store_refresh(), by comparing: messages it has and the state has not were expunged, those
 * with a later modseq were changed, those with a higher UID are new.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "account.h"
#include "err.h"
#include "sys.h"

static void
add_uid(struct store_view *v, uint32_t uid)
{
	if (v->n == v->cap) {
		v->cap = v->cap == 0 ? 64 : v->cap * 2;
		v->uids = xrealloc(v->uids, v->cap * sizeof(*v->uids));
	}
	v->uids[v->n++] = uid;
}

static uint32_t
highest_told(const struct store_view *v)
{
	return v->n == 0 ? 0 : v->uids[v->n - 1];
}

/* Messages above the highest told one join the view. */
static void
take_new(struct store_view *v)
{
	const struct state *s = &v->f->state;

	if (v->n == 0 && state_count(s) > 0) {
		v->cap = state_count(s);
		v->uids = xrealloc(v->uids, v->cap * sizeof(*v->uids));
	}
	for (size_t i = state_lower_bound(s, highest_told(v) + 1); i < state_total(s); i++)
		if ((state_record(s, i)->state & INDEX_GONE) == 0)
			add_uid(v, state_record(s, i)->uid);
}

/* \Recent is for the first session that is told of a message (RFC 3501 sec. 2.3.2). */
static void
add_recent(struct store_view *v, uint32_t from, uint32_t to)
{
	if (from > to)
		return;
	if (v->n_recent > 0 && v->recent[v->n_recent - 1].to + 1 >= from) {
		v->recent[v->n_recent - 1].to = to;
		return;
	}
	v->recent = xrealloc(v->recent, (v->n_recent + 1) * sizeof(*v->recent));
	v->recent[v->n_recent++] = (struct uid_range){ from, to };
}

static bool
is_recent(const struct store_view *v, uint32_t uid)
{
	if (v->read_only)
		return uid >= v->f->state.header.recent_uid;
	for (size_t i = v->n_recent; i > 0; i--)
		if (uid >= v->recent[i - 1].from)
			return uid <= v->recent[i - 1].to;
	return false;
}

static int
claim_recent(struct store_view *v)
{
	struct folder *f = v->f;
	size_t began;
	int r;

	if (v->read_only || f->state.header.recent_uid >= f->state.header.uidnext)
		return ERR_OK;
	if ((r = folder_lock(f)) < 0)
		return r;
	if (f->state.header.recent_uid < f->state.header.uidnext) {
		uint32_t from = f->state.header.recent_uid, to = f->state.header.uidnext - 1;

		began = folder_record(f, LOG_RECENT);
		buf_put_u32(&f->pending, to + 1);
		folder_record_end(f, began);
		if ((r = folder_commit(f, false)) == ERR_OK)
			add_recent(v, from, to);
	}
	folder_unlock(f);
	return r;
}

/* The state as it is now, safe to be told. */
static int
bring_up(struct store_view *v)
{
	uint32_t validity = v->f->state.header.uidvalidity;
	int r;

	if ((r = folder_check(v->f)) < 0)
		return r;
	if (validity != 0 && validity != v->f->state.header.uidvalidity)
		return ERR_NOT_FOUND; /* another folder, as far as numbers go */
	return folder_settle(v->f);
}

int
store_open(
	struct store_account *account, struct bytes name, unsigned flags, struct store_view **out)
{
	struct store_view *v = xcalloc(1, sizeof(*v));
	int r;

	v->account = account;
	v->newfd = v->curfd = -1;
	v->read_only = (flags & STORE_READ_ONLY) != 0;
	if ((r = account_open_folder(account, name, &v->f)) < 0 || (r = bring_up(v)) < 0 ||
		(r = claim_recent(v)) < 0) {
		folder_close(&v->f);
		store_close(&v);
		*out = NULL;
		return r;
	}
	take_new(v);
	v->told_modseq = v->f->state.header.highestmodseq;
	v->told_keywords = v->f->state.n_keywords;
	*out = v;
	return ERR_OK;
}

void
store_close(struct store_view **view)
{
	struct store_view *v = *view;

	if (v == NULL)
		return;
	if (v->f != NULL)
		folder_rest(v->f);
	folder_close(&v->f);
	if (v->newfd >= 0)
		close(v->newfd);
	if (v->curfd >= 0)
		close(v->curfd);
	free(v->uids);
	free(v->own);
	free(v->recent);
	buf_free(&v->expunged);
	buf_free(&v->expunged_uids);
	buf_free(&v->changed);
	buf_free(&v->scratch);
	arena_reset(&v->arena);
	free(v);
	*view = NULL;
}

/* ---- reading ------------------------------------------------------------------------------ */

uint32_t
store_count(const struct store_view *v)
{
	return (uint32_t)v->n;
}

uint32_t
store_uid(const struct store_view *v, uint32_t seq)
{
	ASSERT(seq >= 1 && seq <= v->n);
	return v->uids[seq - 1];
}

uint32_t
store_seq_from_uid(const struct store_view *v, uint32_t uid)
{
	size_t lo = 0, hi = v->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (v->uids[mid] < uid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return (uint32_t)lo + 1;
}

uint32_t
store_seq_of_uid(const struct store_view *v, uint32_t uid)
{
	uint32_t seq = store_seq_from_uid(v, uid);

	return seq <= v->n && v->uids[seq - 1] == uid ? seq : 0;
}

bool
store_view_read_only(const struct store_view *v)
{
	return v->read_only;
}

/* The size of a foreign message is known once it was read. */
static void
learn_size(struct store_view *v, uint32_t seq)
{
	struct store_cached c;

	if (store_cached(v, seq, &c) < 0)
		return; /* gone: no matter */
}

void
store_message(struct store_view *v, uint32_t seq, struct store_message *out)
{
	uint32_t uid = store_uid(v, seq);
	const struct index_record *r = state_find(&v->f->state, uid, seq - 1);

	*out = (struct store_message){ .uid = uid, .expunged = r == NULL };
	if (r != NULL && (r->state & INDEX_SIZE_UNKNOWN) != 0) {
		learn_size(v, seq);
		r = state_find(&v->f->state, uid, seq - 1);
		out->expunged = r == NULL;
	}
	if (r == NULL)
		return;
	out->flags = r->flags;
	out->keywords = r->keywords;
	out->internal_date = r->date;
	out->size = r->size + r->lf;
	out->modseq = r->modseq;
	out->recent = is_recent(v, uid);
}

static void
count_record(struct store_status *st, const struct index_record *r, uint32_t recent_uid)
{
	st->messages++;
	st->octets += r->size;
	st->unseen += (r->flags & STORE_SEEN) == 0;
	st->deleted += (r->flags & STORE_DELETED) != 0;
	st->recent += r->uid >= recent_uid;
}

static void
fill_status(const struct state *s, struct store_status *st)
{
	*st = (struct store_status){ .uidnext = s->header.uidnext,
		.uidvalidity = s->header.uidvalidity,
		.highestmodseq = s->header.highestmodseq };
	for (size_t i = 0; i < state_total(s); i++)
		if ((state_record(s, i)->state & INDEX_GONE) == 0)
			count_record(st, state_record(s, i), s->header.recent_uid);
}

int
store_status(struct store_account *account, struct bytes name, struct store_status *out)
{
	struct folder *f;
	int r;

	*out = (struct store_status){ 0 };
	if ((r = account_open_folder(account, name, &f)) < 0)
		return r;
	if ((r = folder_check(f)) == ERR_OK && (r = folder_settle(f)) == ERR_OK)
		fill_status(&f->state, out);
	folder_close(&f);
	return r;
}

void
store_view_status(struct store_view *v, struct store_status *out)
{
	const struct state *s = &v->f->state;
	uint32_t told = highest_told(v);

	*out = (struct store_status){ .messages = (uint32_t)v->n,
		/* not beyond what was made durable and told */
		.uidnext = v->f->settled_uidnext > told ? v->f->settled_uidnext : told + 1,
		.uidvalidity = s->header.uidvalidity,
		.highestmodseq = v->told_modseq };
	for (size_t i = 0; i < v->n; i++) {
		const struct index_record *r = state_find(s, v->uids[i], i);

		if (r == NULL)
			continue;
		out->octets += r->size;
		out->deleted += (r->flags & STORE_DELETED) != 0;
		out->recent += is_recent(v, r->uid);
		if ((r->flags & STORE_SEEN) == 0) {
			out->unseen++;
			if (out->first_unseen == 0)
				out->first_unseen = (uint32_t)i + 1;
		}
	}
}

char *
store_uidl(const struct store_view *v, uint32_t seq, char out[STORE_UIDL_SIZE])
{
	/* Dovecot's default form, so that a Maildir taken over from it is not fetched anew */
	snprintf(out, STORE_UIDL_SIZE, "%08x%08x", store_uid(v, seq),
		v->f->state.header.uidvalidity);
	return out;
}

void
store_watch_dirs(const struct store_view *view, int out[STORE_WATCH_DIRS])
{
	/* the descriptors are the view's own; opening them changes nothing a caller sees */
	struct store_view *v = (struct store_view *)(uintptr_t)view;

	if (v->newfd < 0)
		v->newfd = sys_openat(v->f->dirfd, "new", O_RDONLY | O_DIRECTORY, 0);
	if (v->curfd < 0)
		v->curfd = sys_openat(v->f->dirfd, "cur", O_RDONLY | O_DIRECTORY, 0);
	out[0] = v->f->dirfd;
	out[1] = v->newfd;
	out[2] = v->curfd;
}

/* ---- refresh ------------------------------------------------------------------------------ */

static bool
is_own(const struct store_view *v, uint64_t modseq)
{
	for (size_t i = 0; i < v->n_own; i++)
		if (v->own[i] == modseq)
			return true;
	return false;
}

static void
put_number(struct buf *list, uint32_t n)
{
	buf_put(list, &n, sizeof(n));
}

static const uint32_t *
numbers(const struct buf *list, size_t *n)
{
	*n = list->len / sizeof(uint32_t);
	return (const uint32_t *)(const void *)list->data;
}

/* Take what is gone out of the view. */
static void
drop_expunged(struct store_view *v)
{
	size_t kept = 0;

	for (size_t i = 0; i < v->n; i++) {
		if (state_find(&v->f->state, v->uids[i], i) == NULL) {
			put_number(&v->expunged, (uint32_t)kept + 1); /* those before are gone */
			put_number(&v->expunged_uids, v->uids[i]);
		} else {
			v->uids[kept++] = v->uids[i];
		}
	}
	v->n = kept;
}

static void
list_changed(struct store_view *v)
{
	const struct state *s = &v->f->state;

	if (s->header.highestmodseq == v->told_modseq)
		return;
	for (size_t i = 0; i < v->n; i++) {
		const struct index_record *r = state_find(s, v->uids[i], i);

		if (r != NULL && r->modseq > v->told_modseq && !is_own(v, r->modseq))
			put_number(&v->changed, (uint32_t)i + 1);
	}
	v->told_modseq = s->header.highestmodseq;
	v->n_own = 0;
}

static uint32_t
count_recent(const struct store_view *v)
{
	uint32_t n = 0;

	if (v->read_only)
		return (uint32_t)v->n + 1 - store_seq_from_uid(v, v->f->state.header.recent_uid);
	for (size_t i = 0; i < v->n_recent; i++)
		n += store_seq_from_uid(v, v->recent[i].to + 1) -
		     store_seq_from_uid(v, v->recent[i].from);
	return n;
}

/* Memory that a quiet session does not keep. */
static void
slim_down(struct store_view *v)
{
	buf_free(&v->expunged);
	buf_free(&v->expunged_uids);
	buf_free(&v->changed);
	buf_free(&v->scratch);
	buf_free(&v->f->window);
}

int
store_refresh(struct store_view *v, unsigned flags, struct store_changes *out)
{
	const struct folder *f = v->f;
	bool hold = (flags & STORE_HOLD_EXPUNGED) != 0;
	int r;

	*out = (struct store_changes){ .exists = (uint32_t)v->n, .first_new = (uint32_t)v->n + 1 };
	slim_down(v);
	if ((r = bring_up(v)) < 0 || (r = claim_recent(v)) < 0)
		return r;
	if (v->seen_generation != f->state.header.generation || v->seen_end != f->log_end ||
		(v->held && !hold)) {
		if (!hold)
			drop_expunged(v);
		list_changed(v);
		out->first_new = (uint32_t)v->n + 1;
		take_new(v);
		v->seen_generation = f->state.header.generation;
		v->seen_end = f->log_end;
		v->held = hold;
	}
	out->expunged = numbers(&v->expunged, &out->n_expunged);
	out->expunged_uids = numbers(&v->expunged_uids, &out->n_expunged);
	out->changed = numbers(&v->changed, &out->n_changed);
	out->exists = (uint32_t)v->n;
	out->recent = count_recent(v);
	out->new_keywords = v->told_keywords != f->state.n_keywords;
	v->told_keywords = f->state.n_keywords;
	return ERR_OK;
}

void
store_view_rest(struct store_view *v)
{
	slim_down(v);
	if (v->f->pending.len == 0)
		buf_free(&v->f->pending);
	arena_reset(&v->arena);
}
