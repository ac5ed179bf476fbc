/* SPDX-License-Identifier: ISC */
/* lib/store/dovecot_uidlist.c - Dovecot's UIDs become ours, see the header. */
#include "dovecot_uidlist.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "err.h"
#include "folder.h"
#include "maildir_name.h"
#include "sys.h"

#define LIST_MAX ((off_t)1 << 30)
#define UID_MAX  (UINT32_MAX - 2 * UID_BLOCK) /* as scan.c takes them */

/* ---- the list ---- */

static int
number(struct bytes word, uint32_t *out)
{
	uint64_t n;

	if (bytes_to_u64(word, UID_MAX, &n) < 0 || n == 0)
		return ERR_SYNTAX;
	*out = (uint32_t)n;
	return ERR_OK;
}

/* "V1275660208 N25022 G3085..." in any order. */
static int
read_fields(struct dovecot_uidlist *l, struct bytes line)
{
	while (line.n > 0) {
		struct bytes word = bytes_cut(&line, ' ');
		uint32_t *to = word.n == 0        ? NULL
			       : word.p[0] == 'V' ? &l->uidvalidity
			       : word.p[0] == 'N' ? &l->uidnext
						  : NULL;

		if (to != NULL && number(bytes_skip(word, 1), to) < 0)
			return ERR_SYNTAX;
	}
	return l->uidvalidity == 0 || l->uidnext == 0 ? ERR_SYNTAX : ERR_OK;
}

int
dovecot_uidlist_open(struct dovecot_uidlist *l, struct bytes text)
{
	struct bytes line = bytes_cut(&text, '\n'), version = bytes_cut(&line, ' ');

	*l = (struct dovecot_uidlist){ .rest = text, .old = bytes_is(version, "1") };
	if (bytes_is(version, "3"))
		return read_fields(l, line);
	if (!l->old)
		return ERR_UNSUPPORTED;
	if (number(bytes_cut(&line, ' '), &l->uidvalidity) < 0)
		return ERR_SYNTAX;
	return number(line, &l->uidnext);
}

int
dovecot_uidlist_next(struct dovecot_uidlist *l, uint32_t *uid, struct bytes *name)
{
	struct bytes line;

	if (l->rest.n == 0)
		return 0;
	line = bytes_cut(&l->rest, '\n');
	if (number(bytes_cut(&line, ' '), uid) < 0 || *uid <= l->last || *uid >= l->uidnext)
		return ERR_SYNTAX;
	l->last = *uid;
	if (!l->old) { /* fields, then ":" and the name */
		while (line.n > 0 && line.p[0] != ':')
			(void)bytes_cut(&line, ' ');
		if (line.n == 0)
			return ERR_SYNTAX;
		line = bytes_skip(line, 1);
	}
	*name = line;
	return line.n > 0 ? 1 : ERR_SYNTAX;
}

/* ---- the files ---- */

struct known {
	struct bytes key;
	uint32_t uid;
};

struct takeover {
	struct buf text;
	struct known *known; /* sorted by key */
	size_t n, cap, taken, others;
};

static int
by_key(const void *a, const void *b)
{
	return bytes_compare(((const struct known *)a)->key, ((const struct known *)b)->key);
}

static int
read_list(int dirfd, struct takeover *t)
{
	int fd = sys_openat(dirfd, DOVECOT_UIDLIST, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
	struct stat st;
	ssize_t n = ERR_LIMIT;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= LIST_MAX)
		n = sys_read_full(fd, buf_room(&t->text, (size_t)st.st_size), (size_t)st.st_size);
	if (n > 0)
		buf_added(&t->text, (size_t)n);
	close(fd);
	return n < 0 ? (int)n : ERR_OK;
}

/* The whole list is read before a file is renamed. */
static int
learn(struct takeover *t, struct dovecot_uidlist *l)
{
	struct maildir_name name;
	struct bytes written;
	uint32_t uid;
	int r = dovecot_uidlist_open(l, buf_bytes(&t->text));

	while (r >= 0 && (r = dovecot_uidlist_next(l, &uid, &written)) > 0) {
		if (maildir_name_parse(written, &name) < 0)
			continue;
		if (t->n == t->cap) {
			t->cap = t->cap == 0 ? 256 : t->cap * 2;
			t->known = xrealloc(t->known, t->cap * sizeof(*t->known));
		}
		t->known[t->n++] = (struct known){ name.key, uid };
	}
	if (r == ERR_OK && t->n > 0)
		qsort(t->known, t->n, sizeof(*t->known), by_key);
	return r;
}

/* "KEY,S=1:2,S" becomes "KEY,S=1,U=17:2,S"; one that has it already stays. */
static int
rename_file(int fd, const char *file, const struct maildir_name *name, uint32_t uid)
{
	struct buf to = BUF_INIT;
	size_t base = name->base.n;
	int r = ERR_OK;

	maildir_base_with_uid(&to, name->base, uid);
	buf_put_str(&to, file + base);
	if (to.len > MAILDIR_NAME_MAX)
		r = ERR_LIMIT;
	else if (name->uid != uid)
		r = sys_renameat_new(fd, file, fd, buf_str(&to));
	buf_free(&to);
	return r;
}

static int
take_file(struct takeover *t, int fd, const char *file)
{
	struct maildir_name name;
	struct known *k, wanted;

	if (maildir_name_parse(bytes_from_str(file), &name) < 0)
		return ERR_OK;
	wanted.key = name.key;
	k = t->n == 0 ? NULL : bsearch(&wanted, t->known, t->n, sizeof(*t->known), by_key);
	if (k == NULL)
		t->others++;
	else
		t->taken++;
	return k == NULL ? ERR_OK : rename_file(fd, file, &name, k->uid);
}

/* Names first, then the renames: readdir may show a renamed file again. */
static int
take_files(struct takeover *t, int dirfd, const char *folder)
{
	int fd = sys_openat(dirfd, folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0), r = ERR_OK;
	struct dirent **names = NULL;
	int n;

	if (fd < 0)
		return fd == ERR_NOT_FOUND ? ERR_OK : fd;
	n = scandirat(fd, ".", &names, NULL, NULL);
	if (n < 0)
		r = err_from_errno(errno);
	for (int i = 0; i < n; i++) {
		if (r == ERR_OK)
			r = take_file(t, fd, names[i]->d_name);
		free(names[i]);
	}
	free(names);
	if (r == ERR_OK)
		r = sys_fsync(fd);
	close(fd);
	return r;
}

/* An empty one is of a takeover that got no further: a full disk, a crash. */
static bool
has_uidfile(int dirfd)
{
	struct stat st;

	return fstatat(dirfd, ".uidvalidity", &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       (!S_ISREG(st.st_mode) || st.st_size > 0);
}

/* The owner is the folder's, for the session has to write it; then it says something. */
static int
make_uidfile(int dirfd, uint32_t uidvalidity, uint32_t bound)
{
	uint32_t before, now;
	struct stat st;
	int fd = sys_openat(dirfd, ".uidvalidity", O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK,
		FOLDER_FILE_MODE);
	int r;

	if (fd < 0)
		return fd;
	if (fstat(dirfd, &st) < 0 || fchown(fd, st.st_uid, st.st_gid) < 0)
		r = err_from_errno(errno);
	else
		r = uidfile_raise(dirfd, 0, bound, &uidvalidity, &before, &now);
	if (r == ERR_OK && (r = sys_fsync(fd)) == ERR_OK)
		r = sys_fsync(dirfd);
	close(fd);
	return r;
}

int
dovecot_uidlist_take_over(int dirfd, size_t *taken, size_t *others)
{
	struct takeover t = { .text = BUF_INIT };
	struct dovecot_uidlist l = { 0 };
	int r = ERR_EXISTS;

	if (!has_uidfile(dirfd))
		r = read_list(dirfd, &t);
	if (r == ERR_OK)
		r = learn(&t, &l);
	if (r == ERR_OK)
		r = take_files(&t, dirfd, "cur");
	if (r == ERR_OK)
		r = take_files(&t, dirfd, "new");
	if (r == ERR_OK)
		r = make_uidfile(dirfd, l.uidvalidity, l.uidnext - 1);
	*taken = t.taken;
	*others = t.others;
	free(t.known);
	buf_free(&t.text);
	return r;
}
