/* SPDX-License-Identifier: ISC */
/*
 * lib/map/map_btree.c - maps as Berkeley DB btree files, read-only, without an environment.
 *
 * Berkeley DB maps the file into memory whole, so all readers share the page cache. The file
 * is never changed in place (map_build.c), so the mapping cannot change under us.
 *
 * Runs in:  directory (jailed to the folder of the compiled tables), the operator's command.
 * Trusts:   the file: only the administrator can write it.
 */
#include <db.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "err.h"
#include "map.h"

#define MMAP_MAX    ((size_t)16 << 30)
#define CACHE_BYTES (256 * 1024) /* only what isn't mapped needs it */

struct btree {
	char *path;
	DB *db; /* NULL: not there yet */
	dev_t dev;
	ino_t ino;
	struct timespec mtime;
};

static int
open_file(const char *path, DB **out)
{
	DB *db;

	if (db_create(&db, NULL, 0) != 0)
		return ERR_RESOURCE;
	db->set_errfile(db, NULL);
	db->set_errcall(db, NULL);
	if (db->set_cachesize(db, 0, CACHE_BYTES, 1) != 0 ||
		db->get_env(db)->set_mp_mmapsize(db->get_env(db), MMAP_MAX) != 0 ||
		db->open(db, NULL, path, NULL, DB_BTREE, DB_RDONLY, 0) != 0) {
		db->close(db, 0);
		return ERR_IO;
	}
	*out = db;
	return ERR_OK;
}

static int
btree_refresh(void *self)
{
	struct btree *b = self;
	struct stat st;
	DB *db;
	int r;

	if (stat(b->path, &st) < 0)
		return b->db == NULL ? 0 : ERR_IO;
	if (b->db != NULL && st.st_ino == b->ino && st.st_dev == b->dev &&
		st.st_mtim.tv_sec == b->mtime.tv_sec && st.st_mtim.tv_nsec == b->mtime.tv_nsec)
		return 0;
	/* If it is replaced once more before the open, the next refresh sees another inode. */
	if ((r = open_file(b->path, &db)) < 0)
		return r;
	if (b->db != NULL)
		b->db->close(b->db, 0);
	b->db = db;
	b->dev = st.st_dev;
	b->ino = st.st_ino;
	b->mtime = st.st_mtim;
	return 1;
}

static int
btree_get(void *self, struct arena *a, struct bytes key, struct bytes *value)
{
	struct btree *b = self;
	uint8_t small[TABLE_KEY_MAX];
	DBT k = { 0 }, v = { 0 };
	int r;

	if (b->db == NULL)
		return ERR_IO;
	if (key.n > TABLE_KEY_MAX)
		return ERR_NOT_FOUND;
	k.data = small; /* Berkeley DB wants it writable */
	k.size = (u_int32_t)key.n;
	if (key.n > 0)
		memcpy(small, key.p, key.n);
	/* The octets returned are good until the next call: copied at once. */
	r = b->db->get(b->db, NULL, &k, &v, 0);
	if (r == DB_NOTFOUND)
		return ERR_NOT_FOUND;
	if (r != 0)
		return ERR_IO;
	*value = arena_bytes(a, bytes_make(v.data, v.size));
	return ERR_OK;
}

static void
btree_close(void *self)
{
	struct btree *b = self;

	if (b->db != NULL)
		b->db->close(b->db, 0);
	free(b->path);
	free(b);
}

static const struct map_driver btree_driver = { btree_get, btree_refresh, btree_close };

struct map
map_open_btree(const char *path)
{
	struct btree *b = xcalloc(1, sizeof(*b));

	b->path = xstrdup(path);
	/* if it can't be opened now, get() says so and a later refresh tries again */
	(void)btree_refresh(b);
	return (struct map){ &btree_driver, b };
}
