/* SPDX-License-Identifier: ISC */
/*
 * lib/map/map_build.c - new file, flush, rename, flush the folder.
 *
 * Runs in:  the operator's command.
 * Trusts:   the folder is the administrator's.
 */
#include "map_build.h"

#include <db.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "err.h"
#include "sys.h"

#define BUILD_CACHE (32 * 1024 * 1024)
#define PAGE_SIZE   4096

/* Where a file is being made: the folder, the name it will have and the one it has now. */
struct making {
	int dirfd;
	const char *name;
	char *dir, *temporary, *temporary_path;
};

static int
making_begin(struct making *m, const char *path)
{
	const char *slash = strrchr(path, '/');
	struct buf b = BUF_INIT;

	m->name = slash == NULL ? path : slash + 1;
	if (slash == NULL)
		buf_put_str(&b, ".");
	else if (slash == path)
		buf_put_str(&b, "/");
	else
		buf_put(&b, path, (size_t)(slash - path));
	m->dir = xstrdup(buf_str(&b));
	buf_clear(&b);
	buf_printf(&b, ".%s.new.%ld", m->name, (long)getpid());
	m->temporary = xstrdup(buf_str(&b));
	buf_clear(&b);
	buf_printf(&b, "%s/%s", m->dir, m->temporary);
	m->temporary_path = xstrdup(buf_str(&b));
	buf_free(&b);
	m->dirfd = sys_openat(AT_FDCWD, m->dir, O_RDONLY | O_DIRECTORY, 0);
	return m->dirfd < 0 ? m->dirfd : ERR_OK;
}

/* Flush and rename if r is good so far; else remove. Gives back what making_begin() took. */
static int
making_end(struct making *m, int fd, int r)
{
	bool renamed = false;

	if (r == ERR_OK && (r = sys_fsync(fd)) == ERR_OK &&
		(r = sys_renameat(m->dirfd, m->temporary, m->dirfd, m->name)) == ERR_OK) {
		renamed = true;
		r = sys_fsync(m->dirfd);
	}
	if (fd >= 0)
		close(fd);
	if (!renamed && m->dirfd >= 0)
		(void)unlinkat(m->dirfd, m->temporary, 0);
	if (m->dirfd >= 0)
		close(m->dirfd);
	free(m->dir);
	free(m->temporary);
	free(m->temporary_path);
	return r;
}

static int
put_entries(DB *db, const struct table *t)
{
	uint8_t key[TABLE_KEY_MAX];

	for (size_t i = 0; i < t->count; i++) {
		const struct table_entry *e = &t->entries[i];
		struct buf value = BUF_INIT;
		DBT k = { 0 }, v = { 0 };
		int r;

		ASSERT(e->key.n <= sizeof(key));
		if (e->key.n > 0)
			memcpy(key, e->key.p, e->key.n);
		k.data = key;
		k.size = (u_int32_t)e->key.n;
		buf_put_bytes(&value, e->value); /* Berkeley DB wants it writable */
		v.data = value.data;
		v.size = (u_int32_t)value.len;
		r = db->put(db, NULL, &k, &v, 0);
		buf_free(&value);
		if (r != 0)
			return r > 0 ? err_from_errno(r) : ERR_IO;
	}
	return ERR_OK;
}

static int
write_btree(const char *path, const struct table *t)
{
	DB *db;
	int r, closed;

	if (db_create(&db, NULL, 0) != 0)
		return ERR_RESOURCE;
	db->set_errfile(db, NULL);
	db->set_errcall(db, NULL);
	if ((r = db->set_cachesize(db, 0, BUILD_CACHE, 1)) == 0 &&
		(r = db->set_pagesize(db, PAGE_SIZE)) == 0)
		r = db->open(db, NULL, path, NULL, DB_BTREE, DB_CREATE | DB_EXCL, 0600);
	r = r != 0 ? (r > 0 ? err_from_errno(r) : ERR_IO) : put_entries(db, t);
	closed = db->close(db, 0); /* writes out what is in the cache */
	if (r == ERR_OK && closed != 0)
		r = closed > 0 ? err_from_errno(closed) : ERR_IO;
	return r;
}

/* Root makes files for the daemon's group; anyone else's are his own. */
static int
give_to_group(const struct making *m, int fd)
{
	struct stat dir;

	if (fstat(m->dirfd, &dir) < 0 ||
		(geteuid() == 0 && fchown(fd, (uid_t)-1, dir.st_gid) < 0) || fchmod(fd, 0640) < 0)
		return err_from_errno(errno);
	return ERR_OK;
}

int
map_build(const char *path, const struct table *t)
{
	struct making m;
	int fd = -1, r;

	ASSERT(t->nerrors == 0);
	r = making_begin(&m, path);
	if (r == ERR_OK) {
		(void)unlinkat(m.dirfd, m.temporary, 0); /* of a process that had our pid */
		r = write_btree(m.temporary_path, t);
	}
	if (r == ERR_OK) {
		fd = sys_openat(m.dirfd, m.temporary, O_RDWR | O_NOFOLLOW, 0);
		r = fd < 0 ? fd : give_to_group(&m, fd);
	}
	return making_end(&m, fd, r);
}

int
map_replace_file(const char *path, struct bytes text, unsigned mode)
{
	struct making m;
	struct stat old;
	int fd = -1, r;

	r = making_begin(&m, path);
	if (r == ERR_OK) {
		(void)unlinkat(m.dirfd, m.temporary, 0);
		fd = sys_openat(
			m.dirfd, m.temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
		r = fd < 0 ? fd : ERR_OK;
	}
	if (r == ERR_OK && fstatat(m.dirfd, m.name, &old, 0) == 0) {
		if ((geteuid() == 0 && fchown(fd, old.st_uid, old.st_gid) < 0) ||
			fchmod(fd, old.st_mode & 07777) < 0)
			r = err_from_errno(errno);
	}
	if (r == ERR_OK) /* who may not read the old one never reads the new one */
		r = sys_write_all(fd, text);
	return making_end(&m, fd, r);
}
