/* SPDX-License-Identifier: ISC */
/* ledger/quota_store.c - the environment, see the header. */
#include "quota_store.h"

#include <db.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "buf.h"
#include "err.h"
#include "sys.h"

#define LOG_MAX      (8 * 1024 * 1024) /* a log file; let go at the next checkpoint */
#define LOG_BUFFER   (1024 * 1024)
#define ACCOUNT_MAX  512
#define VALUE_SIZE   40
#define VALUE_FORMAT 1
#define DB_NAME      "quota.db"
#define LOCK_NAME    "lock"

struct quota_store {
	DB_ENV *env;
	DB *db;
	int lock_fd;
	bool dirty; /* something was committed since the last checkpoint */
	int panic;  /* errno value that ended the environment, or 0 */
	void (*complain)(const char *text);
};

/* ---- values: format u32, reserved u32, four u64 ---- */

static void
value_encode(uint8_t out[VALUE_SIZE], const struct quota_use *u)
{
	set_u32(out, VALUE_FORMAT);
	set_u32(out + 4, 0);
	set_u64(out + 8, u->octets);
	set_u64(out + 16, u->messages);
	set_u64(out + 24, u->limit_octets);
	set_u64(out + 32, u->limit_messages);
}

static int
value_decode(const DBT *v, struct quota_use *u)
{
	const uint8_t *p = v->data;

	if (v->size != VALUE_SIZE || get_u32(p) != VALUE_FORMAT)
		return ERR_CORRUPT;
	u->octets = get_u64(p + 8);
	u->messages = get_u64(p + 16);
	u->limit_octets = get_u64(p + 24);
	u->limit_messages = get_u64(p + 32);
	return ERR_OK;
}

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
	struct quota_store *s = env->app_private;

	if (event == DB_EVENT_PANIC && info != NULL && s->panic == 0)
		s->panic = *(const int *)info;
}

/*
 * A full disk or a failing call is no damage: the files are right as they are, and may not be
 * set aside. After a panic every call says "run recovery", whatever the cause was.
 */
static int
cause(const struct quota_store *s, int err)
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
	const struct quota_store *s = env->app_private;

	UNUSED(prefix);
	if (s != NULL && s->complain != NULL)
		s->complain(text);
}

static int
open_environment(struct quota_store *s, const struct quota_store_options *o)
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
open_database(struct quota_store *s)
{
	int r;

	if ((r = db_create(&s->db, s->env, 0)) != 0)
		return err_from_db(r);
	if ((r = s->db->set_flags(s->db, DB_CHKSUM)) != 0)
		return err_from_db(r);
	return err_from_db(s->db->open(
		s->db, NULL, DB_NAME, NULL, DB_BTREE, DB_CREATE | DB_AUTO_COMMIT, 0600));
}

static void
close_all(struct quota_store *s)
{
	if (s->db != NULL)
		s->db->close(s->db, 0);
	s->db = NULL;
	if (s->env != NULL)
		s->env->close(s->env, 0);
	s->env = NULL;
}

static void
ignore_row(void *arg, struct bytes account, const struct quota_use *use)
{
	UNUSED(arg), UNUSED(account), UNUSED(use);
}

/* Open and look at every page, so that damage shows now and not in the middle of work. */
static int
open_and_check(struct quota_store *s, const struct quota_store_options *o)
{
	int r = open_environment(s, o);

	if (r == ERR_OK)
		r = open_database(s);
	if (r == ERR_OK)
		r = quota_store_list(s, BYTES_NONE, UINT32_MAX, ignore_row, NULL);
	return r < 0 ? cause(s, r) : ERR_OK;
}

static bool
is_ours(const char *name)
{
	return strcmp(name, DB_NAME) == 0 || strncmp(name, "log.", 4) == 0 ||
	       strncmp(name, "__db", 4) == 0;
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
take_lock(struct quota_store *s, const char *folder, unsigned wait_ms)
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
quota_store_open(const struct quota_store_options *o, struct quota_store **out, bool *anew)
{
	struct quota_store *s = xcalloc(1, sizeof(*s));
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
quota_store_close(struct quota_store **sp)
{
	struct quota_store *s = *sp;

	*sp = NULL;
	if (s == NULL)
		return;
	s->dirty = true;
	if (quota_store_checkpoint(s) < 0 && s->complain != NULL)
		s->complain("the last checkpoint failed; recovery will do its work");
	close_all(s);
	close(s->lock_fd);
	free(s);
}

/* ---- reading and writing ---- */

static int
get_in(struct quota_store *s, DB_TXN *txn, struct bytes account, struct quota_use *out)
{
	uint8_t key[ACCOUNT_MAX];
	DBT k = { 0 }, v = { 0 };
	int r;

	*out = (struct quota_use){ 0 };
	if (account.n == 0 || account.n > sizeof(key))
		return ERR_LIMIT;
	memcpy(key, account.p, account.n);
	k.data = key;
	k.size = (u_int32_t)account.n;
	r = s->db->get(s->db, txn, &k, &v, 0);
	if (r == DB_NOTFOUND)
		return ERR_OK;
	return r != 0 ? err_from_db(r) : value_decode(&v, out);
}

int
quota_store_get(struct quota_store *s, struct bytes account, struct quota_use *out)
{
	return get_in(s, NULL, account, out);
}

static int
put_in(struct quota_store *s, DB_TXN *txn, struct bytes account, const struct quota_use *use)
{
	uint8_t key[ACCOUNT_MAX], value[VALUE_SIZE];
	DBT k = { 0 }, v = { 0 };
	int r;

	memcpy(key, account.p, account.n);
	k.data = key;
	k.size = (u_int32_t)account.n;
	if (use == NULL) {
		r = s->db->del(s->db, txn, &k, 0);
		return r == DB_NOTFOUND ? ERR_OK : err_from_db(r);
	}
	value_encode(value, use);
	v.data = value;
	v.size = sizeof(value);
	return err_from_db(s->db->put(s->db, txn, &k, &v, 0));
}

/* use + delta, within zero and the largest number */
static uint64_t
moved(uint64_t use, int64_t delta)
{
	uint64_t d = delta < 0 ? 0 - (uint64_t)delta : (uint64_t)delta;

	if (delta < 0)
		return d > use ? 0 : use - d;
	return d > INT64_MAX - (use > INT64_MAX ? INT64_MAX : use) ? INT64_MAX : use + d;
}

static int
apply(struct quota_store *s, DB_TXN *txn, struct quota_change *c)
{
	struct quota_use u;
	int r = get_in(s, txn, c->account, &u);

	if (r < 0)
		return r;
	c->before = u;
	u.octets = moved(c->set ? 0 : u.octets, c->octets);
	u.messages = moved(c->set ? 0 : u.messages, c->messages);
	if (c->limit_octets != UINT64_MAX)
		u.limit_octets = c->limit_octets;
	if (c->limit_messages != UINT64_MAX)
		u.limit_messages = c->limit_messages;
	if (c->forget)
		u = (struct quota_use){ 0 };
	c->after = u;
	return put_in(s, txn, c->account, c->forget ? NULL : &u);
}

int
quota_store_commit(struct quota_store *s, struct quota_change *changes, size_t n)
{
	DB_TXN *txn;
	int r = err_from_db(s->env->txn_begin(s->env, NULL, &txn, 0));

	if (r < 0)
		return r;
	for (size_t i = 0; i < n && r == ERR_OK; i++)
		r = apply(s, txn, &changes[i]);
	if (r < 0) {
		/* a failed abort leaves an environment that must be recovered */
		return txn->abort(txn) != 0 ? ERR_CORRUPT : r;
	}
	s->dirty = true;
	return err_from_db(txn->commit(txn, 0));
}

int
quota_store_list(
	struct quota_store *s, struct bytes after, unsigned max, quota_row_fn *row, void *arg)
{
	uint8_t key[ACCOUNT_MAX];
	DBT k = { 0 }, v = { 0 };
	struct quota_use use;
	unsigned n = 0;
	DBC *cursor;
	int r;

	if (after.n > sizeof(key))
		return ERR_LIMIT;
	if ((r = s->db->cursor(s->db, NULL, &cursor, 0)) != 0)
		return err_from_db(r);
	if (after.n > 0) {
		memcpy(key, after.p, after.n);
		k.data = key;
		k.size = (u_int32_t)after.n;
		r = cursor->get(cursor, &k, &v, DB_SET_RANGE);
		if (r == 0 && bytes_equal(bytes_make(k.data, k.size), after))
			r = cursor->get(cursor, &k, &v, DB_NEXT);
	} else
		r = cursor->get(cursor, &k, &v, DB_FIRST);
	for (; r == 0 && n < max; n++) {
		if ((r = value_decode(&v, &use)) < 0)
			break;
		row(arg, bytes_make(k.data, k.size), &use);
		r = cursor->get(cursor, &k, &v, DB_NEXT);
	}
	cursor->close(cursor);
	if (r == ERR_CORRUPT || (r != 0 && r != DB_NOTFOUND))
		return r == ERR_CORRUPT ? r : err_from_db(r);
	return n > INT32_MAX ? INT32_MAX : (int)n;
}

int
quota_store_checkpoint(struct quota_store *s)
{
	int r;

	if (!s->dirty)
		return ERR_OK;
	r = err_from_db(s->env->txn_checkpoint(s->env, 0, 0, 0));
	if (r == ERR_OK)
		s->dirty = false;
	return r;
}
