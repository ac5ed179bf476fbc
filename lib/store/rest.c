/* SPDX-License-Identifier: ISC */
/*
 * lib/store/rest.c - when a session leaves a folder: flags go into the file names, messages
 * that a session has been told of go from new/ to cur/, a long log is folded.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "account.h"
#include "err.h"
#include "maildir_name.h"
#include "sys.h"

#define BATCH 1000

struct work {
	size_t began, in_batch;
	bool renamed, letters_changed;
};

static bool
needs_rename(const struct state *s, const struct index_record *r)
{
	if ((r->state & INDEX_GONE) != 0)
		return false;
	return (r->state & INDEX_NAME_STALE) != 0 ||
	       ((r->state & INDEX_IN_NEW) != 0 && r->uid < s->header.recent_uid);
}

static void
put_entry(struct folder *f, struct work *w, const struct log_name *e)
{
	if (w->in_batch++ % BATCH == 0) {
		if (w->in_batch > 1)
			folder_record_end(f, w->began);
		w->began = folder_record(f, LOG_NAMES);
	}
	log_name_put(&f->pending, e);
}

/* Rename one file to what its flags are. Those that went away meanwhile are left to a merge. */
static void
rename_one(struct folder *f, struct work *w, struct index_record *r)
{
	struct buf name = BUF_INIT;
	struct maildir_name old;
	char from[FOLDER_PATH_SIZE], to[FOLDER_PATH_SIZE];
	uint64_t known = state_known_letters(&f->state), letters;
	struct log_name e = { .uid = r->uid, .key_len = r->key_len };

	if (maildir_name_parse(state_name(&f->state, r), &old) < 0)
		return;
	letters = state_letters(&f->state, r->flags, r->keywords) | (old.letters & ~known);
	maildir_name_put(&name, old.base, letters);
	folder_path(f, r, from);
	if (name.len <= MAILDIR_NAME_MAX) {
		snprintf(to, sizeof(to), "cur/%s", buf_str(&name));
		if (strcmp(from, to) == 0 ||
			sys_renameat_new(f->dirfd, from, f->dirfd, to) == ERR_OK) {
			e.name = buf_bytes(&name);
			put_entry(f, w, &e);
			w->renamed |= strcmp(from, to) != 0;
			w->letters_changed |= letters != old.letters;
		}
	}
	buf_free(&name);
}

static int
rename_all(struct folder *f)
{
	struct work w = { 0 };
	int r;

	if (f->state.n_keywords > 0)
		keywords_save(f);
	for (size_t i = 0; i < state_total(&f->state); i++)
		if (needs_rename(&f->state, state_record(&f->state, i)))
			rename_one(f, &w, state_record(&f->state, i));
	if (w.in_batch > 0)
		folder_record_end(f, w.began);
	/* An index that says "the name shows it" must not outlive a rename that the power cut
	 * undid: it would take the old name for somebody's change. */
	if (w.letters_changed && (r = folder_sync_directories(f, MERGE_ALL)) < 0)
		return r;
	if ((r = folder_commit(f, false)) < 0)
		return r;
	/* our own renames changed the directories' times: compare, so that others need not */
	return w.renamed ? folder_merge(f, MERGE_ALL) : ERR_OK;
}

void
folder_rest(struct folder *f)
{
	bool work = false;
	int r;

	if (folder_update(f) < 0)
		return;
	for (size_t i = 0; i < state_total(&f->state) && !work; i++)
		work = needs_rename(&f->state, state_record(&f->state, i));
	work |= folder_may_fold(f);
	if (!work || folder_lock(f) < 0)
		return;
	r = rename_all(f);
	if (r == ERR_OK && folder_may_fold(f))
		r = folder_fold(f);
	UNUSED(r); /* what was not done now is done at another rest */
	folder_unlock(f);
}
