/* SPDX-License-Identifier: ISC */
/* lib/store/list.c - the folders of an account, and its subscriptions. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "account.h"
#include "err.h"
#include "folder_name.h"
#include "sys.h"

#define SUBSCRIPTIONS     "subscriptions"
#define SUBSCRIPTIONS_MAX (1 << 20)
#define FOLDERS_MAX       100000

struct list {
	struct arena *a;
	struct store_folder *v;
	size_t n, cap;
};

static void
add(struct list *l, struct bytes name, unsigned attrs)
{
	if (l->n == l->cap) {
		l->cap = l->cap == 0 ? 16 : l->cap * 2;
		l->v = xrealloc(l->v, l->cap * sizeof(*l->v));
	}
	l->v[l->n++] = (struct store_folder){ arena_bytes(l->a, name), attrs };
}

static bool
is_inbox(const struct store_folder *f)
{
	return bytes_is(f->name, "INBOX");
}

static int
order(const void *a, const void *b)
{
	const struct store_folder *x = a, *y = b;

	if (is_inbox(x) != is_inbox(y))
		return is_inbox(x) ? -1 : 1;
	return bytes_compare(x->name, y->name);
}

static struct store_folder *
find(struct list *l, size_t n, struct bytes name)
{
	struct store_folder key = { name, 0 };

	return n == 0 ? NULL : bsearch(&key, l->v, n, sizeof(*l->v), order);
}

/* A directory ".A.B" that a name of ours leads to, with a cur/ in it. */
static bool
is_folder(int rootfd, const char *dir, struct buf *name)
{
	struct buf again = BUF_INIT, cur = BUF_INIT;
	struct stat st;
	bool ok;

	ok = folder_name_from_dir(name, bytes_from_str(dir)) == ERR_OK &&
	     folder_name_to_dir(&again, buf_bytes(name)) == ERR_OK &&
	     bytes_is(buf_bytes(&again), dir);
	if (ok) {
		buf_printf(&cur, "%s/cur", dir);
		ok = fstatat(rootfd, buf_str(&cur), &st, 0) == 0 && S_ISDIR(st.st_mode);
	}
	buf_free(&again);
	buf_free(&cur);
	return ok;
}

static int
read_folders(struct store_account *account, struct list *l)
{
	struct buf name = BUF_INIT;
	struct dirent *e;
	DIR *dir;
	int fd = sys_openat(account->rootfd, ".", O_RDONLY | O_DIRECTORY, 0);

	if (fd < 0)
		return fd;
	if ((dir = fdopendir(fd)) == NULL) {
		close(fd);
		return ERR_RESOURCE;
	}
	while (l->n < FOLDERS_MAX && (e = readdir(dir)) != NULL) {
		buf_clear(&name);
		if (e->d_name[0] == '.' && is_folder(account->rootfd, e->d_name, &name))
			add(l, buf_bytes(&name), folder_name_special_use(buf_bytes(&name)));
	}
	closedir(dir);
	buf_free(&name);
	return ERR_OK;
}

/* Parents: those that exist get HAS_CHILDREN, others are listed without being selectable. */
static void
add_parents(struct list *l)
{
	size_t n = l->n, before;

	for (size_t i = 0; i < n; i++) {
		struct bytes parent = l->v[i].name;
		size_t at;

		while ((at = bytes_find_last(parent, STORE_DELIMITER)) != BYTES_NOT_FOUND) {
			struct store_folder *f;

			parent = bytes_head(parent, at);
			if ((f = find(l, n, parent)) != NULL)
				f->attrs |= STORE_HAS_CHILDREN;
			else
				add(l, parent, STORE_NOSELECT | STORE_HAS_CHILDREN);
		}
	}
	qsort(l->v, l->n, sizeof(*l->v), order);
	before = l->n;
	l->n = 0;
	for (size_t i = 0; i < before; i++) /* a parent that several children named */
		if (l->n == 0 || !bytes_equal(l->v[l->n - 1].name, l->v[i].name))
			l->v[l->n++] = l->v[i];
}

/* ---- subscriptions: Dovecot's file, "V\t2\n\n" and a line per folder, levels between tabs ------
 */

static struct bytes
read_subscriptions(struct store_account *account, struct arena *a)
{
	struct bytes text = BYTES_NONE;
	struct stat st;
	ssize_t n;
	int fd = sys_openat(account->rootfd, SUBSCRIPTIONS, O_RDONLY | O_NOFOLLOW, 0);

	if (fd < 0)
		return text;
	if (fstat(fd, &st) == 0 && st.st_size > 0 && st.st_size < SUBSCRIPTIONS_MAX) {
		uint8_t *p = arena_alloc(a, (size_t)st.st_size);

		n = sys_pread_full(fd, p, (size_t)st.st_size, 0);
		text = bytes_make(p, n < 0 ? 0 : (size_t)n);
	}
	close(fd);
	return text;
}

/* The next name; the older form of the file has '.' between levels. */
static bool
next_subscription(struct bytes *rest, bool older, struct arena *a, struct bytes *name)
{
	while (rest->n > 0) {
		struct bytes line = bytes_cut(rest, '\n');
		uint8_t *p;

		if (line.n == 0)
			continue;
		p = arena_alloc(a, line.n);
		for (size_t i = 0; i < line.n; i++)
			p[i] = line.p[i] == (older ? '.' : '\t') ? STORE_DELIMITER : line.p[i];
		*name = folder_name_trim(bytes_make(p, line.n));
		if (folder_name_is_inbox(*name))
			*name = BYTES_LITERAL("INBOX");
		if (store_name_check(*name) == ERR_OK)
			return true;
	}
	return false;
}

static bool
is_older(struct bytes *text)
{
	static const struct bytes head = BYTES_LITERAL("V\t2\n\n");

	if (!bytes_starts_with(*text, head))
		return true;
	*text = bytes_skip(*text, head.n);
	return false;
}

static void
add_subscriptions(struct store_account *account, struct list *l)
{
	struct bytes rest = read_subscriptions(account, l->a), name;
	bool older = is_older(&rest);
	size_t n = l->n;

	while (next_subscription(&rest, older, l->a, &name)) {
		struct store_folder *f = find(l, n, name);

		if (f != NULL)
			f->attrs |= STORE_SUBSCRIBED;
		else
			add(l, name, STORE_SUBSCRIBED | STORE_NONEXISTENT);
	}
	qsort(l->v, l->n, sizeof(*l->v), order);
}

int
store_list(struct store_account *account, struct arena *a, struct store_folder **out, size_t *n)
{
	struct list l = { .a = a };
	int r;

	*out = NULL;
	*n = 0;
	add(&l, BYTES_LITERAL("INBOX"), 0);
	if ((r = read_folders(account, &l)) == ERR_OK) {
		qsort(l.v, l.n, sizeof(*l.v), order);
		add_parents(&l);
		add_subscriptions(account, &l);
		*out = arena_alloc(a, l.n * sizeof(*l.v));
		memcpy(*out, l.v, l.n * sizeof(*l.v));
		*n = l.n;
	}
	free(l.v);
	return r;
}

static void
put_subscription(struct buf *out, struct bytes name)
{
	for (size_t i = 0; i < name.n; i++)
		buf_put_u8(out, name.p[i] == STORE_DELIMITER ? '\t' : name.p[i]);
	buf_put_u8(out, '\n');
}

static int
write_subscriptions(struct store_account *account, struct bytes text)
{
	int fd, r;

	fd = sys_openat(account->rootfd, SUBSCRIPTIONS ".tmp",
		O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, FOLDER_FILE_MODE);
	if (fd < 0)
		return fd;
	r = sys_write_all(fd, text);
	if (r == ERR_OK)
		r = sys_fdatasync(fd);
	close(fd);
	if (r == ERR_OK)
		r = sys_renameat(
			account->rootfd, SUBSCRIPTIONS ".tmp", account->rootfd, SUBSCRIPTIONS);
	return r == ERR_OK ? sys_fsync(account->rootfd) : r;
}

int
account_subscribe(struct store_account *account, struct bytes name, bool on, bool wait)
{
	struct arena a = ARENA_INIT;
	struct buf out = BUF_INIT;
	struct bytes rest, other;
	bool older;
	int fd, r;

	name = folder_name_trim(name);
	if ((r = store_name_check(name)) < 0)
		return r;
	if (folder_name_is_inbox(name))
		name = BYTES_LITERAL("INBOX");
	fd = sys_openat(account->rootfd, SUBSCRIPTIONS ".lock", O_RDWR | O_CREAT | O_NOFOLLOW,
		FOLDER_FILE_MODE);
	if (fd < 0)
		return fd;
	while (flock(fd, wait ? LOCK_EX : LOCK_EX | LOCK_NB) < 0)
		if (errno != EINTR) {
			close(fd);
			return wait ? ERR_IO : ERR_BUSY;
		}
	rest = read_subscriptions(account, &a);
	older = is_older(&rest);
	buf_put_str(&out, "V\t2\n\n");
	while (next_subscription(&rest, older, &a, &other))
		if (!bytes_equal(other, name))
			put_subscription(&out, other);
	if (on)
		put_subscription(&out, name);
	r = out.len > SUBSCRIPTIONS_MAX ? ERR_LIMIT : write_subscriptions(account, buf_bytes(&out));
	close(fd);
	buf_free(&out);
	arena_reset(&a);
	return r;
}

int
store_folder_subscribe(struct store_account *account, struct bytes name, bool on)
{
	return account_subscribe(account, name, on, true);
}
