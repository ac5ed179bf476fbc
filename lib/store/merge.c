/* SPDX-License-Identifier: ISC */
/*
 * lib/store/merge.c - what foreign programs did to the files, taken up into the index.
 *
 * A file is known by its key (the part of the name that no renaming changes) and its UID. A
 * changed name means changed flags: the letters that came or went are applied to what the index
 * says, so that flags not yet in the name are kept. A file nobody knows is a new message; one
 * that is in neither directory in two scans has been removed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "account.h"
#include "err.h"
#include "scan.h"
#include "sys.h"

#define SCANS_MAX 30
#define BATCH     4096 /* records of one kind in one log record */

/* The file of a record: by its whole name, or else by key, the same UID preferred. */
static struct disk_file *
find_file(struct scan *s, const struct state *st, const struct index_record *r)
{
	struct bytes name = state_name(st, r), key = state_key(st, r);
	struct disk_file *found = NULL;

	for (struct disk_file *d = *scan_bucket(s, key); d != NULL; d = d->next) {
		if (d->taken || !bytes_equal(d->parsed.key, key))
			continue;
		if (bytes_equal(d->name, name) && d->in_new == ((r->state & INDEX_IN_NEW) != 0))
			return d;
		if (d->parsed.uid != 0 && d->parsed.uid != r->uid)
			continue; /* the same key with another UID: a copy, made by others */
		if (found == NULL || d->parsed.uid == r->uid)
			found = d;
	}
	return found;
}

static void
put_flags(struct folder *f, const struct index_record *r, unsigned flags, uint64_t keywords)
{
	size_t began = folder_record(f, LOG_FLAGS);

	buf_put_u32(&f->pending, r->uid);
	buf_put_u32(&f->pending, flags);
	buf_put_u64(&f->pending, keywords);
	folder_record_end(f, began);
}

/* The file has another name or place than the index says. */
static void
take_up_name(struct folder *f, const struct index_record *r, const struct disk_file *d)
{
	struct maildir_name old;
	uint64_t keywords = r->keywords, before, after;
	unsigned flags = r->flags;
	struct log_name e = { .uid = r->uid, .name = d->name };
	size_t began;

	if (maildir_name_parse(state_name(&f->state, r), &old) < 0)
		old.letters = 0;
	flags |= maildir_flags(d->parsed.letters & ~old.letters);
	flags &= ~maildir_flags(old.letters & ~d->parsed.letters);
	before = state_letter_keywords(&f->state, old.letters);
	after = state_letter_keywords(&f->state, d->parsed.letters);
	keywords = (keywords | (after & ~before)) & ~(before & ~after);
	if (flags != r->flags || keywords != r->keywords)
		put_flags(f, r, flags, keywords);
	e.key_len = (uint16_t)d->parsed.key.n;
	e.state = d->in_new ? INDEX_IN_NEW : 0;
	if (state_letters(&f->state, flags, keywords) !=
		(d->parsed.letters & state_known_letters(&f->state)))
		e.state |= INDEX_NAME_STALE;
	began = folder_record(f, LOG_NAMES);
	log_name_put(&f->pending, &e);
	folder_record_end(f, began);
}

/*
 * Match records and files. Positions of records without a file go to missing (room for all).
 * With write: names that changed are taken up, missing ones are expunged.
 */
static size_t
match(struct folder *f, struct scan *s, enum merge_scope scope, bool write)
{
	size_t missing = 0, began = 0, in_batch = 0;

	for (size_t i = 0; i < s->n; i++)
		s->files[i].taken = false;
	for (size_t i = 0; i < state_total(&f->state); i++) {
		struct index_record *r = state_record(&f->state, i);
		struct disk_file *d;

		if ((r->state & INDEX_GONE) != 0 ||
			(scope == MERGE_NEW && (r->state & INDEX_IN_NEW) == 0))
			continue;
		if ((d = find_file(s, &f->state, r)) == NULL) {
			missing++;
			if (!write)
				continue;
			if (in_batch++ % BATCH == 0) {
				if (in_batch > 1)
					folder_record_end(f, began);
				began = folder_record(f, LOG_EXPUNGE);
			}
			buf_put_u32(&f->pending, r->uid);
			continue;
		}
		d->taken = true;
		d->record = i;
		if (!write || (bytes_equal(d->name, state_name(&f->state, r)) &&
				      d->in_new == ((r->state & INDEX_IN_NEW) != 0)))
			continue;
		if (in_batch > 0) { /* records are not nested */
			folder_record_end(f, began);
			in_batch = 0;
		}
		take_up_name(f, r, d);
	}
	if (in_batch > 0)
		folder_record_end(f, began);
	return missing;
}

/* ---- new messages ------------------------------------------------------------------------ */

/* Those with a UID first, by it; then by name, which begins with the time. */
static int
order_files(const void *a, const void *b)
{
	const struct disk_file *const *x = a, *const *y = b;
	uint32_t u = (*x)->parsed.uid, v = (*y)->parsed.uid;

	if (u != v)
		return u != 0 && (v == 0 || u < v) ? -1 : 1;
	return bytes_compare((*x)->name, (*y)->name);
}

static void
put_new(struct folder *f, const struct disk_file *d, struct bytes name, uint32_t uid,
	const struct stat *st)
{
	struct index_record r = { .uid = uid,
		.flags = (uint8_t)maildir_flags(d->parsed.letters),
		.state = (uint8_t)(INDEX_SIZE_UNKNOWN | (d->in_new ? INDEX_IN_NEW : 0)),
		.name_len = (uint16_t)name.n,
		.key_len = (uint16_t)d->parsed.key.n,
		.keywords = state_letter_keywords(&f->state, d->parsed.letters),
		.date = st->st_mtim.tv_sec,
		.size = (uint64_t)st->st_size };
	size_t began = folder_record(f, LOG_APPEND);

	index_record_swap(&r);
	buf_put(&f->pending, &r, sizeof(r));
	buf_put_bytes(&f->pending, name);
	folder_record_end(f, began);
}

/* Give a file its UID: the name gets ",U=". returns: ERR_OK; ERR_NOT_FOUND: it went away */
static int
adopt(struct folder *f, struct scan *s, struct disk_file *d, uint32_t uid)
{
	char from[FOLDER_PATH_SIZE], to[FOLDER_PATH_SIZE];
	struct buf name = BUF_INIT;
	struct stat st;
	int r = ERR_OK;

	if (!scan_stat_or_find(f, s, d, &st))
		return ERR_NOT_FOUND;
	if (file_is_torn(&st, d->parsed.size)) {
		s->unsure = true; /* look again when the queue has seen to it */
		return ERR_NOT_FOUND;
	}
	if (d->parsed.uid == uid) {
		put_new(f, d, d->name, uid, &st);
		return ERR_OK;
	}
	maildir_base_with_uid(&name, d->parsed.base, uid);
	buf_put_bytes(&name, bytes_skip(d->name, d->parsed.base.n));
	if (!scan_path(from, d->in_new, d->name) || !scan_path(to, d->in_new, buf_bytes(&name)))
		r = ERR_NOT_FOUND; /* there is no name we could give it: not ours */
	else
		r = sys_renameat_new(f->dirfd, from, f->dirfd, to);
	s->unsure = true;
	if (r == ERR_OK)
		put_new(f, d, buf_bytes(&name), uid, &st);
	buf_free(&name);
	return r;
}

/*
 * A file whose key and UID a record has already: when a file is renamed while its directory is
 * read, both names may be seen. Two files of one name (a copy made by others) have two inodes.
 * returns: true if it is no other message
 */
static bool
is_second_name(struct folder *f, struct scan *s, struct disk_file *d)
{
	for (struct disk_file *t = *scan_bucket(s, d->parsed.key); t != NULL; t = t->next) {
		struct stat a, b;

		if (!t->taken || !bytes_equal(t->parsed.key, d->parsed.key) ||
			(t->parsed.uid != d->parsed.uid && d->parsed.uid != 0))
			continue;
		if (!scan_stat(f, d, &a)) {
			s->unsure = true;
			return true;
		}
		if (scan_stat(f, t, &b) && a.st_ino != b.st_ino)
			continue;
		s->unsure = true;
		take_up_name(f, state_record(&f->state, t->record), d);
		return true;
	}
	return false;
}

/* Records were lost, and UIDs up to the floor may have been seen: go on above it. */
static int
jump_uids(struct folder *f)
{
	size_t began;

	if (f->state.header.uidnext > f->uid_floor)
		return ERR_OK;
	began = folder_record(f, LOG_UIDNEXT);
	buf_put_u32(&f->pending, f->uid_floor + 1);
	buf_put_u32(&f->pending, f->state.header.reserved);
	folder_record_end(f, began);
	return folder_commit(f, false);
}

/* A UID in a name counts if it was given out by the same rules: above all we know, and not
 * above the bound in .uidvalidity (unless that, too, is lost). */
static uint32_t
choose_uid(struct folder *f, const struct disk_file *d, uint32_t highest, uint32_t bound, int *r)
{
	uint32_t next = f->state.header.uidnext > highest ? f->state.header.uidnext : highest + 1;

	*r = ERR_OK;
	if (d->parsed.uid >= next && (d->parsed.uid <= bound || f->rebuilding) &&
		d->parsed.uid < UINT32_MAX - 2 * UID_BLOCK)
		return d->parsed.uid;
	/* what is pending moves uidnext only when committed */
	if ((*r = folder_commit(f, false)) < 0)
		return 0;
	if ((*r = jump_uids(f)) < 0)
		return 0;
	return folder_reserve(f, 1, r);
}

/* Somebody's P in a name is the keyword $Forwarded here. */
static int
need_forwarded(struct folder *f, const struct scan *s)
{
	size_t began;

	if (f->state.forwarded_bit < STORE_KEYWORDS_MAX ||
		f->state.n_keywords == STORE_KEYWORDS_MAX)
		return ERR_OK;
	for (size_t i = 0; i < s->n; i++) {
		if ((s->files[i].parsed.letters & MAILDIR_LETTER('P')) == 0)
			continue;
		began = folder_record(f, LOG_KEYWORD);
		buf_put_str(&f->pending, "$Forwarded");
		folder_record_end(f, began);
		return folder_commit(f, false);
	}
	return ERR_OK;
}

/* Two names of one file, both seen while it was renamed, stand next to each other. */
static bool
is_same_file(struct folder *f, const struct disk_file *adopted, const struct disk_file *d)
{
	struct stat a, b;

	if (adopted->parsed.uid != d->parsed.uid ||
		!bytes_equal(adopted->parsed.key, d->parsed.key))
		return false;
	return !scan_stat(f, d, &a) || (scan_stat(f, adopted, &b) && a.st_ino == b.st_ino);
}

static int
take_up_new(struct folder *f, struct scan *s)
{
	struct disk_file **fresh = xcalloc(s->n + 1, sizeof(struct disk_file *));
	uint32_t uid, highest = 0, before, bound = 0, validity = f->state.header.uidvalidity;
	size_t n = 0;
	int r = ERR_OK;

	for (size_t i = 0; i < s->n; i++)
		if (!s->files[i].taken && !is_second_name(f, s, &s->files[i]))
			fresh[n++] = &s->files[i];
	if (n > 0)
		r = folder_raise_uids(f, 0, &validity, &before, &bound);
	qsort(fresh, n, sizeof(struct disk_file *), order_files);
	for (size_t i = 0; i < n && r == ERR_OK; i++) {
		if (i > 0 && is_same_file(f, fresh[i - 1], fresh[i]))
			continue;
		uid = choose_uid(f, fresh[i], highest, bound, &r);
		if (r < 0)
			break;
		r = adopt(f, s, fresh[i], uid);
		if (r == ERR_OK)
			highest = uid;
		else if (r == ERR_NOT_FOUND || r == ERR_EXISTS || r == ERR_DENIED)
			r = ERR_OK; /* the next scan sees what became of it */
		else
			break;
		if (f->pending.len > LOG_RECORD_MAX)
			r = folder_commit(f, false);
	}
	free(fresh);
	if (r == ERR_OK)
		r = folder_commit(f, false);
	else
		folder_forget(f);
	return r;
}

/* A rebuilt index has no \Recent of its own: what is still in new/ is. */
static int
settle_recent(struct folder *f)
{
	uint32_t recent = f->state.header.uidnext;
	size_t began;

	if (state_total(&f->state) == 0)
		return ERR_OK;
	for (size_t i = state_total(&f->state); i > 0; i--)
		if ((state_record(&f->state, i - 1)->state & INDEX_IN_NEW) != 0)
			recent = state_record(&f->state, i - 1)->uid;
	began = folder_record(f, LOG_RECENT);
	buf_put_u32(&f->pending, recent);
	folder_record_end(f, began);
	return folder_commit(f, false);
}

/* A UID above the bound in .uidvalidity: raise it, or mbsync would take it for a mistake. */
static int
raise_bound(struct folder *f)
{
	const struct index_header *h = &f->state.header;
	uint32_t validity = h->uidvalidity, before, bound;
	size_t began;
	int r;

	if (h->uidnext <= h->reserved + 1)
		return ERR_OK;
	r = folder_raise_uids(f, h->uidnext - 1 + UID_BLOCK, &validity, &before, &bound);
	if (r < 0)
		return r;
	began = folder_record(f, LOG_UIDNEXT);
	buf_put_u32(&f->pending,
		before > h->reserved && before >= h->uidnext ? before + 1 : h->uidnext);
	buf_put_u32(&f->pending, bound);
	folder_record_end(f, began);
	return folder_commit(f, false);
}

/*
 * A file that is renamed while its directory is read may be missed. So only a quiet scan
 * tells that one is gone, or is enough to begin an index with; if it is never quiet, the
 * last of many has to do.
 */
static int
merge_scan(struct folder *f, struct scan *s, enum merge_scope *scope)
{
	size_t missing, taken = 0;
	int r;

	if ((r = scan_read(f, s, *scope)) < 0)
		return r;
	missing = match(f, s, *scope, false);
	for (size_t i = 0; i < s->n; i++)
		taken += s->files[i].taken;
	/* all there; and in new/ only what is known there, so nothing has moved */
	if (missing == 0 && (*scope == MERGE_ALL || taken == s->n) && f->uid_floor == 0 &&
		!f->rebuilding)
		return ERR_OK;
	*scope = MERGE_ALL;
	for (unsigned i = 0; i < SCANS_MAX; i++) {
		scan_free(s);
		if ((r = scan_read(f, s, *scope)) < 0 || scan_was_quiet(f, s))
			return r;
		if (!f->rebuilding && f->uid_floor == 0 && match(f, s, *scope, false) == 0)
			return ERR_OK;
		nanosleep(&(struct timespec){ .tv_nsec = 100000L * i }, NULL);
	}
	return ERR_OK;
}

/* mbsync begins anew, with another UIDVALIDITY, when it finds UIDs doubled. */
static bool
validity_changed(struct folder *f)
{
	uint32_t validity = f->state.header.uidvalidity, before, bound;

	return folder_raise_uids(f, 0, &validity, &before, &bound) == ERR_OK &&
	       validity != f->state.header.uidvalidity;
}

/* Each write wakes all who watch the folder, us too: only what is new is written. */
static int
note_times(struct folder *f, const struct scan *s)
{
	if (f->hints.new_mtime_ns == s->new_ns && f->hints.cur_mtime_ns == s->cur_ns)
		return ERR_OK;
	f->hints.new_mtime_ns = s->new_ns;
	f->hints.cur_mtime_ns = s->cur_ns;
	f->hints.end = (uint32_t)f->log_end;
	return folder_write_hints(f);
}

int
folder_merge(struct folder *f, enum merge_scope scope)
{
	struct scan s = { 0 };
	int r;

	ASSERT(f->lock_depth > 0);
	if (!f->rebuilding && scope == MERGE_ALL && validity_changed(f))
		return folder_rebuild(f);
	if ((r = merge_scan(f, &s, &scope)) < 0 || (r = need_forwarded(f, &s)) < 0)
		goto out;
	match(f, &s, scope, true);
	if ((r = folder_commit(f, false)) < 0 || (r = take_up_new(f, &s)) < 0)
		goto out;
	if ((r = jump_uids(f)) < 0 || (f->rebuilding && (r = settle_recent(f)) < 0))
		goto out;
	if ((r = raise_bound(f)) < 0)
		goto out;
	if (!s.unsure)
		r = note_times(f, &s);
out:
	scan_free(&s);
	if (r < 0)
		folder_forget(f);
	return r;
}
