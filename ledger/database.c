/* SPDX-License-Identifier: ISC */
/*
 * ledger/database.c - the environment, see the header.
 *
 * Runs in:  ledger.
 */
#include "database.h"

#include <db.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "err.h"
#include "sys.h"

#define LOG_MAX      (8 * 1024 * 1024) /* a log file; let go at the next checkpoint */
#define LOG_BUFFER   (1024 * 1024)
#define VALUE_FORMAT 1
#define FORMAT_SIZE  4
#define LOCK_NAME    "lock"

static const char *const names[TABLES] = {
	[TABLE_QUOTA] = "quota.db",
	[TABLE_BANS] = "bans.db",
	[TABLE_KNOWN] = "known.db",
	[TABLE_LAST_USE] = "last_use.db",
	[TABLE_SENT] = "sent.db",
	[TABLE_RECIPIENTS] = "recipients.db",
	[TABLE_INCIDENTS] = "incidents.db",
	[TABLE_KEYS] = "keys.db",
	[TABLE_DMARC_DAYS] = "dmarc_days.db",
	[TABLE_DMARC_ROWS] = "dmarc_rows.db",
};

struct database {
	DB_ENV *env;
	DB *tables[TABLES];
	int lock_fd;
	bool dirty; /* something was committed since the last checkpoint */
	int panic;  /* errno value that ended the environment, or 0 */
	void (*complain)(const char *text);
};

/* Berkeley DB's own codes are below zero, errno values above. */
static int
err_from_db(int r)
{
	if (r == 0)
		return ERR_OK;
	if (r == DB_NOTFOUND)
		return ERR_NOT_FOUND;
	if (r < 0 || r == EINVAL)
		return ERR_CORRUPT;
	return err_from_errno(r);
}

/* ---- opening ---- */

/* The environment gives up; info is the errno value or Berkeley DB's own code behind it. */
static void
on_event(DB_ENV *env, u_int32_t event, void *info)
{
	struct database *s = env->app_private;

	if (event == DB_EVENT_PANIC && info != NULL && s->panic == 0)
		s->panic = *(const int *)info;
}

/*
 * A full disk or a failing call is no damage: the files are right as they are, and may not be
 * set aside. After a panic every call says "run recovery", whatever the cause was.
 */
static int
cause(const struct database *s, int err)
{
	static const int innocent[] = { ENOSPC, EDQUOT, EIO, ENOMEM, EMFILE, ENFILE, EACCES, EPERM,
		EROFS, EFBIG };

	for (size_t i = 0; err == ERR_CORRUPT && i < NITEMS(innocent); i++)
		if (s->panic == innocent[i])
			return err_from_errno(s->panic);
	return err;
}

static void
complain(const DB_ENV *env, const char *prefix, const char *text)
{
	const struct database *s = env->app_private;

	UNUSED(prefix);
	if (s != NULL && s->complain != NULL)
		s->complain(text);
}

static int
open_environment(struct database *s, const struct database_options *o)
{
	const uint32_t flags =
		DB_CREATE | DB_PRIVATE | DB_RECOVER | DB_INIT_TXN | DB_INIT_LOG | DB_INIT_MPOOL;
	DB_ENV *env;
	int r;

	if ((r = db_env_create(&env, 0)) != 0)
		return err_from_db(r);
	s->env = env;
	env->app_private = s;
	env->set_errcall(env, complain);
	if ((r = env->set_event_notify(env, on_event)) != 0)
		return err_from_db(r);
	/* else it looks for /tmp, which a jail hasn't; relative to the folder */
	if ((r = env->set_tmp_dir(env, ".")) != 0 ||
		(r = env->set_cachesize(env, 0, (uint32_t)o->cache_octets, 1)) != 0 ||
		(r = env->set_lg_max(env, LOG_MAX)) != 0 ||
		(r = env->set_lg_bsize(env, LOG_BUFFER)) != 0 ||
		(r = env->set_flags(env, DB_TXN_WRITE_NOSYNC, 1)) != 0 ||
		(r = env->log_set_config(env, DB_LOG_AUTO_REMOVE, 1)) != 0)
		return err_from_db(r);
	return err_from_db(env->open(env, o->folder, flags, 0600));
}

static int
open_tables(struct database *s)
{
	int r = 0;

	for (size_t i = 0; i < TABLES && r == 0; i++) {
		if ((r = db_create(&s->tables[i], s->env, 0)) != 0)
			break;
		if ((r = s->tables[i]->set_flags(s->tables[i], DB_CHKSUM)) != 0)
			break;
		r = s->tables[i]->open(s->tables[i], NULL, names[i], NULL, DB_BTREE,
			DB_CREATE | DB_AUTO_COMMIT, 0600);
	}
	return err_from_db(r);
}

static void
close_all(struct database *s)
{
	for (size_t i = 0; i < TABLES; i++) {
		if (s->tables[i] != NULL)
			s->tables[i]->close(s->tables[i], 0);
		s->tables[i] = NULL;
	}
	if (s->env != NULL)
		s->env->close(s->env, 0);
	s->env = NULL;
}

static int
ignore_row(void *arg, struct bytes key, struct bytes value)
{
	UNUSED(arg), UNUSED(key), UNUSED(value);
	return ERR_OK;
}

/* Open and look at every page, so that damage shows now and not in the middle of work. */
static int
open_and_check(struct database *s, const struct database_options *o)
{
	int r = open_environment(s, o);

	if (r == ERR_OK)
		r = open_tables(s);
	for (size_t i = 0; i < TABLES && r >= 0; i++)
		r = database_walk(
			s, (enum database_table)i, BYTES_NONE, UINT32_MAX, ignore_row, NULL);
	return r < 0 ? cause(s, r) : ERR_OK;
}

static bool
is_ours(const char *name)
{
	for (size_t i = 0; i < TABLES; i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return strncmp(name, "log.", 4) == 0 || strncmp(name, "__db", 4) == 0;
}

/* Move what belongs to the environment into "corrupt.N", the first N that is free. */
static int
set_aside(const char *folder)
{
	int dirfd = sys_openat(AT_FDCWD, folder, O_RDONLY | O_DIRECTORY, 0);
	char name[32], to[320];
	struct dirent *e;
	DIR *dir;
	int r = ERR_EXISTS;

	if (dirfd < 0)
		return dirfd;
	for (unsigned n = 1; n < 1000 && r == ERR_EXISTS; n++) {
		snprintf(name, sizeof(name), "corrupt.%u", n);
		r = sys_mkdirat(dirfd, name, 0700);
	}
	dir = r == ERR_OK ? opendir(folder) : NULL;
	while (dir != NULL && r == ERR_OK && (e = readdir(dir)) != NULL) {
		if (!is_ours(e->d_name))
			continue;
		snprintf(to, sizeof(to), "%s/%s", name, e->d_name);
		r = sys_renameat(dirfd, e->d_name, dirfd, to);
	}
	if (dir != NULL)
		closedir(dir);
	close(dirfd);
	return r;
}

static int
take_lock(struct database *s, const char *folder, unsigned wait_ms)
{
	char path[1100];

	snprintf(path, sizeof(path), "%s/%s", folder, LOCK_NAME);
	s->lock_fd = sys_openat(AT_FDCWD, path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
	if (s->lock_fd < 0)
		return s->lock_fd;
	for (unsigned waited = 0; waited <= wait_ms; waited += 50) {
		struct timespec pause = { 0, 50L * 1000 * 1000 };

		if (flock(s->lock_fd, LOCK_EX | LOCK_NB) == 0)
			return ERR_OK;
		if (errno != EWOULDBLOCK && errno != EINTR)
			return err_from_errno(errno);
		nanosleep(&pause, NULL);
	}
	return ERR_BUSY;
}

int
database_open(const struct database_options *o, struct database **out, bool *anew)
{
	struct database *s = xcalloc(1, sizeof(*s));
	int r;

	*anew = false;
	s->complain = o->complain;
	r = take_lock(s, o->folder, o->owner_wait_ms);
	if (r == ERR_OK)
		r = open_and_check(s, o);
	if (r == ERR_CORRUPT || r == ERR_NOT_FOUND) { /* not found: a log or the file itself */
		close_all(s);
		s->panic = 0;
		*anew = true;
		r = set_aside(o->folder);
		if (r == ERR_OK)
			r = open_and_check(s, o);
	}
	if (r < 0) {
		close_all(s);
		if (s->lock_fd >= 0)
			close(s->lock_fd);
		free(s);
		return r;
	}
	*out = s;
	return ERR_OK;
}

void
database_close(struct database **sp)
{
	struct database *s = *sp;

	*sp = NULL;
	if (s == NULL)
		return;
	s->dirty = true;
	if (database_checkpoint(s) < 0 && s->complain != NULL)
		s->complain("the last checkpoint failed; recovery will do its work");
	close_all(s);
	close(s->lock_fd);
	free(s);
}

/* ---- reading and writing ---- */

static DB_TXN *
of(struct database_txn *txn)
{
	return (DB_TXN *)txn;
}

int
database_begin(struct database *s, struct database_txn **txn)
{
	DB_TXN *t = NULL;
	int r = err_from_db(s->env->txn_begin(s->env, NULL, &t, 0));

	*txn = (struct database_txn *)t;
	return r;
}

int
database_commit(struct database *s, struct database_txn *txn)
{
	s->dirty = true;
	return err_from_db(of(txn)->commit(of(txn), 0));
}

int
database_abort(struct database *s, struct database_txn *txn, int err)
{
	UNUSED(s);
	/* a failed abort leaves an environment that must be recovered */
	return of(txn)->abort(of(txn)) != 0 ? ERR_CORRUPT : err;
}

static int
set_key(DBT *k, uint8_t room[DATABASE_KEY_MAX], struct bytes key)
{
	if (key.n == 0 || key.n > DATABASE_KEY_MAX)
		return ERR_LIMIT;
	memcpy(room, key.p, key.n);
	k->data = room;
	k->size = (u_int32_t)key.n;
	return ERR_OK;
}

/* The value without its format. */
static int
value_of(const DBT *v, struct bytes *out)
{
	const uint8_t *p = v->data;

	if (v->size < FORMAT_SIZE || get_u32(p) != VALUE_FORMAT)
		return ERR_CORRUPT;
	*out = bytes_make(p + FORMAT_SIZE, v->size - FORMAT_SIZE);
	return ERR_OK;
}

int
database_get(struct database *s, struct database_txn *txn, enum database_table t, struct bytes key,
	struct buf *value)
{
	uint8_t room[DATABASE_KEY_MAX];
	DBT k = { 0 }, v = { 0 };
	struct bytes found;
	int r = set_key(&k, room, key);

	buf_clear(value);
	if (r < 0)
		return r;
	r = s->tables[t]->get(s->tables[t], of(txn), &k, &v, 0);
	if (r != 0)
		return err_from_db(r);
	if ((r = value_of(&v, &found)) == ERR_OK)
		buf_put_bytes(value, found);
	return r;
}

int
database_put(struct database *s, struct database_txn *txn, enum database_table t, struct bytes key,
	struct bytes value)
{
	uint8_t room[DATABASE_KEY_MAX];
	DBT k = { 0 }, v = { 0 };
	struct buf b = BUF_INIT;
	int r = set_key(&k, room, key);

	if (r < 0)
		return r;
	buf_put_u32(&b, VALUE_FORMAT);
	buf_put_bytes(&b, value);
	v.data = b.data;
	v.size = (u_int32_t)b.len;
	r = err_from_db(
		s->tables[t]->put(s->tables[t], of(txn), &k, &v, txn == NULL ? DB_AUTO_COMMIT : 0));
	if (txn == NULL)
		s->dirty = true;
	buf_free(&b);
	return r;
}

int
database_del(struct database *s, struct database_txn *txn, enum database_table t, struct bytes key)
{
	uint8_t room[DATABASE_KEY_MAX];
	DBT k = { 0 };
	int r = set_key(&k, room, key);

	if (r < 0)
		return r;
	r = err_from_db(
		s->tables[t]->del(s->tables[t], of(txn), &k, txn == NULL ? DB_AUTO_COMMIT : 0));
	if (txn == NULL)
		s->dirty = true;
	return r;
}

/* The first row behind after. */
static int
seek(DBC *cursor, struct bytes after, uint8_t room[DATABASE_KEY_MAX], DBT *k, DBT *v)
{
	int r;

	if (after.n == 0)
		return cursor->get(cursor, k, v, DB_FIRST);
	(void)set_key(k, room, after);
	r = cursor->get(cursor, k, v, DB_SET_RANGE);
	if (r == 0 && bytes_equal(bytes_make(k->data, k->size), after))
		r = cursor->get(cursor, k, v, DB_NEXT);
	return r;
}

int
database_walk(struct database *s, enum database_table t, struct bytes after, unsigned max,
	database_row_fn *row, void *arg)
{
	uint8_t room[DATABASE_KEY_MAX];
	DBT k = { 0 }, v = { 0 };
	struct bytes value;
	unsigned n = 0;
	DBC *cursor;
	int r, stop = ERR_OK;

	if (after.n > sizeof(room))
		return ERR_LIMIT;
	if ((r = s->tables[t]->cursor(s->tables[t], NULL, &cursor, 0)) != 0)
		return err_from_db(r);
	r = seek(cursor, after, room, &k, &v);
	for (; r == 0 && n < max; n++) {
		if ((stop = value_of(&v, &value)) < 0 ||
			(stop = row(arg, bytes_make(k.data, k.size), value)) < 0)
			break;
		r = cursor->get(cursor, &k, &v, DB_NEXT);
	}
	cursor->close(cursor);
	if (stop < 0)
		return stop;
	if (r != 0 && r != DB_NOTFOUND)
		return err_from_db(r);
	return n > INT32_MAX ? INT32_MAX : (int)n;
}

int
database_checkpoint(struct database *s)
{
	int r;

	if (!s->dirty)
		return ERR_OK;
	r = err_from_db(s->env->txn_checkpoint(s->env, 0, 0, 0));
	if (r == ERR_OK)
		s->dirty = false;
	return r;
}
