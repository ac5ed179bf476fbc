/* SPDX-License-Identifier: ISC */
/*
 * lib/store/scan.c - the files in new/ and cur/, by key.
 *
 * Before it is read a directory gets a time of ours. If it still has that after the scan and
 * whenever somebody looks later, nothing was changed: no tick of the kernel's clock is
 * coarse enough to hide a change (lib/store/folder.c compares the times).
 */
#include "scan.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "err.h"
#include "random.h"
#include "sys.h"

void
scan_free(struct scan *s)
{
	arena_reset(&s->arena);
	free(s->files);
	free(s->buckets);
	*s = (struct scan){ 0 };
}

static void
add_file(struct scan *s, struct bytes name, bool in_new)
{
	struct disk_file *d;

	if (s->n == s->cap) {
		s->cap = s->cap == 0 ? 64 : s->cap * 2;
		s->files = xrealloc(s->files, s->cap * sizeof(*s->files));
	}
	d = &s->files[s->n];
	*d = (struct disk_file){ .name = arena_bytes(&s->arena, name), .in_new = in_new };
	if (maildir_name_parse(d->name, &d->parsed) == ERR_OK)
		s->n++;
}

/*
 * The time of ours: the clock's, exact, so equal to no tick before and to none to come.
 * returns: what the directory has now if that is it (or it to the microsecond), else 0
 */
static int64_t
stamp(int fd)
{
	struct timespec t[2];
	struct stat st;

	clock_gettime(CLOCK_REALTIME, &t[1]);
	t[0] = (struct timespec){ .tv_nsec = UTIME_OMIT };
	if (futimens(fd, t) < 0 || fstat(fd, &st) < 0 || st.st_mtim.tv_sec != t[1].tv_sec)
		return 0;
	if (st.st_mtim.tv_nsec != t[1].tv_nsec && st.st_mtim.tv_nsec != t[1].tv_nsec / 1000 * 1000)
		return 0;
	return (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
}

static int
scan_directory(struct folder *f, struct scan *s, const char *name, bool in_new)
{
	struct dirent *e;
	DIR *dir;
	int fd = sys_openat(f->dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);

	if (fd < 0)
		return fd;
	if ((dir = fdopendir(fd)) == NULL) {
		close(fd);
		return ERR_RESOURCE;
	}
	*(in_new ? &s->new_ns : &s->cur_ns) = stamp(fd);
	while (s->n < INDEX_MESSAGES_MAX && (e = readdir(dir)) != NULL)
		if (e->d_name[0] != '.' && e->d_type != DT_DIR)
			add_file(s, bytes_from_str(e->d_name), in_new);
	closedir(dir);
	return ERR_OK;
}

struct disk_file **
scan_bucket(struct scan *s, struct bytes key)
{
	return &s->buckets[siphash(&s->key, key) & (s->n_buckets - 1)];
}

/* Read the directories of the scope, and sort the files by key. */
int
scan_read(struct folder *f, struct scan *s, enum merge_scope scope)
{
	int r;

	*s = (struct scan){ .cur_ns = f->hints.cur_mtime_ns };
	if ((r = scan_directory(f, s, "new", true)) < 0)
		return r;
	if (scope == MERGE_ALL && (r = scan_directory(f, s, "cur", false)) < 0)
		return r;
	random_fill(&s->key, sizeof(s->key));
	for (s->n_buckets = 16; s->n_buckets < s->n; s->n_buckets *= 2)
		;
	s->buckets = xcalloc(s->n_buckets, sizeof(*s->buckets));
	for (size_t i = 0; i < s->n; i++) {
		struct disk_file **b = scan_bucket(s, s->files[i].parsed.key);

		s->files[i].next = *b;
		*b = &s->files[i];
	}
	return ERR_OK;
}

bool
scan_path(char out[FOLDER_PATH_SIZE], bool in_new, struct bytes name)
{
	if (name.n > MAILDIR_NAME_MAX)
		return false;
	snprintf(out, FOLDER_PATH_SIZE, "%s/%.*s", in_new ? "new" : "cur", (int)name.n,
		(const char *)name.p);
	return true;
}

bool
scan_stat(struct folder *f, const struct disk_file *d, struct stat *st)
{
	char path[FOLDER_PATH_SIZE];

	return scan_path(path, d->in_new, d->name) &&
	       fstatat(f->dirfd, path, st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st->st_mode);
}

/* Where did a file go that was there a moment ago? One look into a directory. */
static bool
find_key(struct folder *f, struct scan *s, struct disk_file *d, const char *name, bool in_new)
{
	struct maildir_name parsed;
	struct dirent *e;
	bool found = false;
	DIR *dir;
	int fd = sys_openat(f->dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);

	if (fd < 0)
		return false;
	if ((dir = fdopendir(fd)) == NULL) {
		close(fd);
		return false;
	}
	while (!found && (e = readdir(dir)) != NULL) {
		struct bytes b = bytes_from_str(e->d_name);

		if (maildir_name_parse(b, &parsed) < 0 || !bytes_equal(parsed.key, d->parsed.key) ||
			parsed.uid != d->parsed.uid)
			continue;
		d->name = arena_bytes(&s->arena, b);
		d->in_new = in_new;
		found = maildir_name_parse(d->name, &d->parsed) == ERR_OK;
	}
	closedir(dir);
	return found;
}

/* Its place in the order of UIDs is now: it cannot wait for the next scan. */
bool
scan_stat_or_find(struct folder *f, struct scan *s, struct disk_file *d, struct stat *st)
{
	for (int i = 0; i < 10; i++) {
		if (scan_stat(f, d, st))
			return true;
		s->unsure = true;
		if (!find_key(f, s, d, "new", true) && !find_key(f, s, d, "cur", false))
			return false;
	}
	return false;
}

/* Did nobody touch the directories while they were read? Then nothing was missed. */
bool
scan_was_quiet(struct folder *f, const struct scan *s)
{
	int64_t new_ns, cur_ns;

	folder_mtimes(f, &new_ns, &cur_ns);
	return s->new_ns == new_ns && s->cur_ns == cur_ns;
}
