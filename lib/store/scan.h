/* SPDX-License-Identifier: ISC */
/* lib/store/scan.h - inside lib/store: the files of a folder as the directories have them. */
#ifndef RELAIS_STORE_SCAN_H
#define RELAIS_STORE_SCAN_H

#include <sys/stat.h>

#include "folder.h"
#include "maildir_name.h"
#include "siphash.h"

struct disk_file {
	struct bytes name; /* in the arena */
	struct maildir_name parsed;
	struct disk_file *next; /* with the same hash */
	size_t record;          /* position of the record that took it */
	bool in_new, taken;
};

struct scan {
	struct arena arena;
	struct disk_file *files;
	size_t n, cap;
	struct disk_file **buckets;
	size_t n_buckets; /* a power of two */
	struct siphash_key key;
	int64_t new_ns, cur_ns;
	bool unsure; /* something changed under us: compare again next time */
};

/* Read the directories of the scope, and sort the files by key. Ends with scan_free(). */
MUST_USE int scan_read(struct folder *f, struct scan *s, enum merge_scope scope);
void scan_free(struct scan *s);

/* Did nobody touch the directories while they were read? Then nothing was missed. */
bool scan_was_quiet(struct folder *f, const struct scan *s);

/* The files whose keys have this key's hash. */
struct disk_file **scan_bucket(struct scan *s, struct bytes key);

/* "new/NAME" or "cur/NAME"; false if the name is too long */
bool scan_path(char out[FOLDER_PATH_SIZE], bool in_new, struct bytes name);

/* Is it there, by this name? Or by another, which it has got since the scan (d is changed)? */
bool scan_stat(struct folder *f, const struct disk_file *d, struct stat *st);
bool scan_stat_or_find(struct folder *f, struct scan *s, struct disk_file *d, struct stat *st);

#endif
