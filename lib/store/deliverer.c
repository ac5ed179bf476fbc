/* SPDX-License-Identifier: ISC */
/* lib/store/deliverer.c - the folders a deliverer keeps open, and how they are found and made. */
#include "deliverer.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "err.h"
#include "fnv.h"
#include "folder_name.h"
#include "sys.h"

#define OPEN_MAX_DEFAULT 64
#define IDLE_US          (60 * 1000000ULL)
#define DIR_SIZE         1400
#define SNAPSHOTS_MAX    ((size_t)512 << 20)

int
store_deliverer_new(int mail_root_dirfd, const struct store_deliverer_options *options,
	struct store_deliverer **out)
{
	struct store_deliverer *d = xcalloc(1, sizeof(*d));
	int r;

	account_set_host(d->host, options->hostname);
	d->pid = (int)getpid();
	d->max_open = options->max_open == 0 ? OPEN_MAX_DEFAULT : options->max_open;
	d->slots = xcalloc(d->max_open, sizeof(*d->slots));
	d->batch = 1;
	d->rootfd = sys_openat(mail_root_dirfd, ".", O_RDONLY | O_DIRECTORY, 0);
	r = d->rootfd < 0 ? d->rootfd : ERR_OK;
	if (r < 0)
		store_deliverer_free(&d);
	*out = d;
	return r;
}

void
deliverer_close(struct store_deliverer *d, unsigned i)
{
	folder_close(&d->slots[i].f);
	free(d->slots[i].path);
	d->slots[i] = d->slots[--d->n];
}

void
store_deliverer_free(struct store_deliverer **deliverer)
{
	struct store_deliverer *d = *deliverer;

	if (d == NULL)
		return;
	while (d->n > 0)
		deliverer_close(d, 0);
	if (d->rootfd >= 0)
		close(d->rootfd);
	free(d->slots);
	buf_free(&d->text);
	buf_free(&d->texts);
	arena_reset(&d->arena);
	free(d);
	*deliverer = NULL;
}

/* Every directory of a path, made if missing. */
static int
make_path(int rootfd, const char *path)
{
	char part[DIR_SIZE];
	size_t n = strlen(path);

	if (n >= sizeof(part))
		return ERR_LIMIT;
	for (size_t i = 1; i <= n; i++) {
		int r;

		if (path[i] != '/' && path[i] != 0)
			continue;
		memcpy(part, path, i);
		part[i] = 0;
		r = sys_mkdirat(rootfd, part, FOLDER_MODE);
		if (r < 0 && r != ERR_EXISTS)
			return r;
	}
	return ERR_OK;
}

static int
open_home(struct store_deliverer *d, const char *home)
{
	int r, fd = sys_open_beneath(d->rootfd, home, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);

	if (fd != ERR_NOT_FOUND)
		return fd;
	if ((r = make_path(d->rootfd, home)) < 0)
		return r;
	fd = sys_open_beneath(d->rootfd, home, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	if (fd >= 0 && (r = folder_make_maildir(fd)) < 0) {
		close(fd);
		return r;
	}
	return fd;
}

/* A folder that was made for its owner is one that he sees. Nobody waits for his lock: the mail
 * is there anyway. */
static void
subscribe(int homefd, struct bytes folder)
{
	struct store_account account = { .rootfd = homefd };
	int r = account_subscribe(&account, folder, true, false);

	UNUSED(r);
}

/* The directory of a folder of an account. ERR_NOT_FOUND: the account has no such folder */
static int
open_directory(struct store_deliverer *d, const struct store_delivery *job, const char *dir)
{
	int fd, r, homefd = open_home(d, job->home);

	if (homefd < 0 || strcmp(dir, ".") == 0)
		return homefd;
	fd = sys_openat(homefd, dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	if (fd == ERR_NOT_FOUND && job->create_folder) {
		r = account_make_folder(homefd, dir, false);
		if (r == ERR_OK)
			subscribe(homefd, job->folder);
		fd = r < 0 && r != ERR_EXISTS
			     ? r
			     : sys_openat(homefd, dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	}
	close(homefd);
	return fd;
}

/* Is the directory we hold still the one of that path? Others rename and delete folders. */
static bool
is_current(struct store_deliverer *d, const struct slot *s)
{
	struct stat st;

	return fstatat(d->rootfd, s->path, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_ino == s->ino &&
	       st.st_dev == s->dev;
}

static struct slot *
find_slot(struct store_deliverer *d, const char *path)
{
	const uint32_t hash = fnv(FNV_START, bytes_from_str(path));

	for (unsigned i = 0; i < d->n; i++) {
		struct slot *s = &d->slots[i];

		if (s->hash != hash || strcmp(s->path, path) != 0)
			continue;
		if (s->batch == d->batch || is_current(d, s)) {
			s->batch = d->batch;
			return s;
		}
		deliverer_close(d, i);
		break;
	}
	return NULL;
}

static struct slot *
free_slot(struct store_deliverer *d)
{
	unsigned oldest = 0;

	if (d->n == d->max_open) {
		for (unsigned i = 1; i < d->n; i++)
			if (d->slots[i].used < d->slots[oldest].used)
				oldest = i;
		deliverer_close(d, oldest);
	}
	return &d->slots[d->n++];
}

/* Has a folder kept us waiting at its opening within the last minute? */
static bool
was_busy(const struct store_deliverer *d, dev_t dev, ino_t ino)
{
	uint64_t now = clock_mono_us();

	for (unsigned i = 0; i < BUSY_KEPT; i++)
		if (d->busy[i].ino == ino && d->busy[i].dev == dev &&
			now - d->busy[i].at_us < FOREIGN_MINUTE_US)
			return true;
	return false;
}

static void
note_busy(struct store_deliverer *d, dev_t dev, ino_t ino)
{
	if (was_busy(d, dev, ino))
		return;
	d->busy[d->next_busy] = (struct busy_folder){ dev, ino, clock_mono_us() };
	d->next_busy = (d->next_busy + 1) % BUSY_KEPT;
}

/* The copies of all snapshots together: one who has many large folders does not fill the memory. */
static void
limit_memory(struct store_deliverer *d)
{
	size_t sum = 0;

	for (unsigned i = 0; i < d->n; i++)
		sum += d->slots[i].f->state.map_size;
	while (sum > SNAPSHOTS_MAX && d->n > 0) {
		sum -= d->slots[0].f->state.map_size;
		deliverer_close(d, 0);
	}
}

static int
open_slot(struct store_deliverer *d, const struct store_delivery *job, const char *dir,
	struct slot **out)
{
	char path[DIR_SIZE];
	struct folder *f;
	struct stat st;
	int fd, r;

	r = snprintf(path, sizeof(path), "%s/%s", job->home, dir);
	if (r < 0 || (size_t)r >= sizeof(path))
		return ERR_LIMIT;
	if ((*out = find_slot(d, path)) == NULL) {
		fd = open_directory(d, job, dir);
		if (fd < 0)
			return fd;
		if (fstat(fd, &st) < 0) {
			close(fd);
			return ERR_IO;
		}
		r = folder_open_foreign(fd, !was_busy(d, st.st_dev, st.st_ino), &f);
		if (r == ERR_BUSY)
			note_busy(d, st.st_dev, st.st_ino);
		if (r < 0)
			return r;
		limit_memory(d);
		*out = free_slot(d);
		**out = (struct slot){ .path = xstrdup(path),
			.f = f,
			.dev = st.st_dev,
			.ino = st.st_ino,
			.hash = fnv(FNV_START, bytes_from_str(path)),
			.batch = d->batch };
	}
	(*out)->used = clock_mono_us();
	return ERR_OK;
}

/* The folder asked for, or INBOX if there is none of that name. */
int
deliverer_folder(struct store_deliverer *d, const struct store_delivery *job, struct slot **out)
{
	struct buf dir = BUF_INIT;
	int r = ERR_NOT_FOUND;

	if (job->folder.n > 0 && folder_name_to_dir(&dir, job->folder) == ERR_OK)
		r = open_slot(d, job, buf_str(&dir), out);
	buf_free(&dir);
	return r == ERR_NOT_FOUND ? open_slot(d, job, ".", out) : r;
}

bool
store_deliverer_holds(struct store_deliverer *d, const char *home)
{
	char path[DIR_SIZE];
	int n = snprintf(path, sizeof(path), "%s/.", home);

	return n > 0 && (size_t)n < sizeof(path) && find_slot(d, path) != NULL;
}

/* Logs that have grown long make opening dear. */
static bool
fold_one(struct folder *f)
{
	int r;

	if (!folder_may_fold(f) || folder_lock(f) < 0)
		return false;
	r = folder_may_fold(f) ? folder_fold(f) : ERR_OK;
	UNUSED(r); /* it goes on as it is */
	folder_unlock(f);
	return true;
}

void
store_deliverer_rest(struct store_deliverer *d)
{
	uint64_t now = clock_mono_us();
	bool folded = false; /* one at a time: it takes some flushes */

	for (unsigned i = d->n; i > 0; i--) {
		struct slot *s = &d->slots[i - 1];

		folded = folded || fold_one(s->f);
		if (now - s->used > IDLE_US)
			deliverer_close(d, i - 1);
	}
}
