/* SPDX-License-Identifier: ISC */
/* lib/store/folders.c - CREATE, DELETE, RENAME. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "account.h"
#include "clock.h"
#include "err.h"
#include "folder_name.h"
#include "random.h"
#include "sys.h"

#define DEPTH_MAX 8 /* of what is removed: a Maildir has two levels */

int
store_folder_exists(struct store_account *account, struct bytes name)
{
	struct buf dir = BUF_INIT;
	struct stat st;
	int r = folder_name_to_dir(&dir, name);

	if (r == ERR_OK) {
		buf_put_str(&dir, "/cur");
		r = fstatat(account->rootfd, buf_str(&dir), &st, AT_SYMLINK_NOFOLLOW) == 0
			    ? ERR_OK
			    : err_from_errno(errno);
	}
	buf_free(&dir);
	return r;
}

int
store_folder_create(struct store_account *account, struct bytes name)
{
	struct buf dir = BUF_INIT;
	int r;

	if ((r = folder_name_to_dir(&dir, name)) < 0) {
		buf_free(&dir);
		return r;
	}
	r = bytes_is(buf_bytes(&dir), ".")
		    ? ERR_EXISTS
		    : account_make_folder(account->rootfd, buf_str(&dir), true);
	buf_free(&dir);
	return r;
}

/* ---- delete ------------------------------------------------------------------------------- */

static int remove_tree(int parent, const char *name, int depth);

static int
remove_entries(int dirfd, int depth)
{
	struct dirent *e;
	int r = ERR_OK, copy = sys_openat(dirfd, ".", O_RDONLY | O_DIRECTORY, 0);
	DIR *dir;

	if (copy < 0)
		return copy;
	if ((dir = fdopendir(copy)) == NULL) {
		close(copy);
		return ERR_RESOURCE;
	}
	while (r == ERR_OK && (e = readdir(dir)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		r = sys_unlinkat(dirfd, e->d_name, 0);
		if (r < 0 && errno == EISDIR)
			r = remove_tree(dirfd, e->d_name, depth + 1);
		if (r == ERR_NOT_FOUND)
			r = ERR_OK;
	}
	closedir(dir);
	return r;
}

static int
remove_tree(int parent, const char *name, int depth)
{
	int fd, r = ERR_OK;

	if (depth > DEPTH_MAX)
		return ERR_LIMIT;
	fd = sys_openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	if (fd < 0)
		return fd;
	/* whoever waits for this lock finds the folder gone when it gets it */
	if (depth == 0)
		while (flock(fd, LOCK_EX) < 0 && errno == EINTR)
			;
	for (int again = 0; again < 4; again++) {
		if ((r = remove_entries(fd, depth)) < 0)
			break;
		r = sys_unlinkat(parent, name, AT_REMOVEDIR);
		if (r == ERR_OK || errno != ENOTEMPTY)
			break;
	}
	close(fd);
	return r;
}

int
store_folder_delete(struct store_account *account, struct bytes name)
{
	struct buf dir = BUF_INIT;
	struct store_status st = { 0 };
	char gone[64];
	int r;

	if ((r = folder_name_to_dir(&dir, name)) < 0) {
		buf_free(&dir);
		return r;
	}
	if (bytes_is(buf_bytes(&dir), ".")) {
		r = ERR_DENIED;
		goto out;
	}
	if ((r = store_folder_exists(account, name)) < 0)
		goto out;
	if (store_status(account, name, &st) < 0)
		st = (struct store_status){ 0 };
	snprintf(gone, sizeof(gone), "relais.gone.%016llx", (unsigned long long)random_u64());
	r = sys_renameat_new(account->rootfd, buf_str(&dir), account->rootfd, gone);
	if (r < 0 || (r = sys_fsync(account->rootfd)) < 0)
		goto out;
	account->delta.octets -= (int64_t)st.octets;
	account->delta.messages -= st.messages;
	/* The folder is deleted; what cannot be removed now is only rubbish. */
	if (remove_tree(account->rootfd, gone, 0) < 0)
		r = ERR_OK;
out:
	buf_free(&dir);
	return r;
}

/* ---- rename ------------------------------------------------------------------------------- */

/* The messages of INBOX move to a new folder (RFC 3501 sec. 6.3.5). */
static int
rename_inbox(struct store_account *account, struct bytes to)
{
	struct arena a = ARENA_INIT;
	struct store_copied copied;
	struct store_view *view;
	uint32_t *uids;
	uint32_t n;
	int r;

	if ((r = store_folder_create(account, to)) < 0)
		return r;
	if ((r = store_open(account, BYTES_LITERAL("INBOX"), 0, &view)) < 0)
		return r;
	n = store_count(view);
	uids = arena_alloc(&a, (n + 1) * sizeof(*uids));
	for (uint32_t i = 0; i < n; i++)
		uids[i] = store_uid(view, i + 1);
	r = n == 0 ? ERR_OK : store_copy(view, uids, n, to, true, &a, &copied);
	store_close(&view);
	arena_reset(&a);
	return r;
}

static int
rename_directory(struct store_account *account, struct bytes from, struct bytes to)
{
	struct buf a = BUF_INIT, b = BUF_INIT;
	int r;

	if ((r = folder_name_to_dir(&a, from)) == ERR_OK &&
		(r = folder_name_to_dir(&b, to)) == ERR_OK)
		r = sys_renameat_new(account->rootfd, buf_str(&a), account->rootfd, buf_str(&b));
	buf_free(&a);
	buf_free(&b);
	return r;
}

/* Is name "parent" itself or below it? below: what follows the parent, with its '/' */
static bool
is_below(struct bytes name, struct bytes parent, struct bytes *below)
{
	*below = bytes_skip(name, parent.n);
	return bytes_starts_with(name, parent) && (below->n == 0 || below->p[0] == STORE_DELIMITER);
}

/* Can everything below from be named below to? */
static int
check_targets(const struct store_folder *v, size_t n, struct bytes from, struct bytes to)
{
	struct bytes below, clash;
	bool found = false;

	for (size_t i = 0; i < n; i++) {
		if ((v[i].attrs & (STORE_NOSELECT | STORE_NONEXISTENT)) != 0)
			continue;
		if (is_below(v[i].name, from, &below)) {
			found = true;
			if (to.n + below.n > STORE_NAME_MAX)
				return ERR_LIMIT;
		} else if (is_below(v[i].name, to, &clash) && clash.n == 0) {
			return ERR_EXISTS;
		}
	}
	return found ? ERR_OK : ERR_NOT_FOUND;
}

int
store_folder_rename(struct store_account *account, struct bytes from, struct bytes to)
{
	struct arena a = ARENA_INIT;
	struct store_folder *v;
	struct bytes below;
	size_t n;
	int r;

	from = folder_name_trim(from);
	to = folder_name_trim(to);
	if ((r = store_name_check(from)) < 0 || (r = store_name_check(to)) < 0)
		return r;
	if (folder_name_is_inbox(to))
		return ERR_EXISTS;
	if (folder_name_is_inbox(from))
		return rename_inbox(account, to);
	if (is_below(to, from, &below))
		return below.n == 0 ? ERR_EXISTS : ERR_DENIED; /* into itself */
	if ((r = store_list(account, &a, &v, &n)) < 0 || (r = check_targets(v, n, from, to)) < 0)
		goto out;
	for (size_t i = 0; i < n && r == ERR_OK; i++) {
		if ((v[i].attrs & (STORE_NOSELECT | STORE_NONEXISTENT)) == 0 &&
			is_below(v[i].name, from, &below)) {
			struct bytes name = bytes_make(
				arena_printf(&a, "%.*s%.*s", (int)to.n, (const char *)to.p,
					(int)below.n, (const char *)below.p),
				to.n + below.n);

			r = rename_directory(account, v[i].name, name);
		}
	}
	if (r == ERR_OK)
		r = sys_fsync(account->rootfd);
out:
	arena_reset(&a);
	return r;
}
