/* SPDX-License-Identifier: ISC */
/* lib/store/account.c - an account: its directory, locks, names for new files, quota. */
#include "account.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "err.h"
#include "folder_name.h"
#include "random.h"
#include "sys.h"

#define ACCOUNT_FILE  "relais.account" /* the last UIDVALIDITY given out, in decimal */
#define MAILDROP_FILE "relais.pop3"    /* its lock is the maildrop's */

void
account_set_host(char out[STORE_HOST_MAX + 1], const char *hostname)
{
	size_t n = 0;

	if (hostname == NULL || hostname[0] == 0)
		hostname = "localhost";
	for (; hostname[n] != 0 && n < STORE_HOST_MAX; n++) {
		char c = hostname[n];

		out[n] = c == '/' || c == ':' || c == ',' || c <= ' ' || c > '~' ? '_' : c;
	}
	out[n] = 0;
}

int
store_account_open(int root_dirfd, const struct store_options *options, struct store_account **out)
{
	struct store_account *a = xcalloc(1, sizeof(*a));
	int r;

	a->maildrop_fd = -1;
	account_set_host(a->host, options->hostname);
	a->rootfd = sys_openat(root_dirfd, ".", O_RDONLY | O_DIRECTORY, 0);
	r = a->rootfd < 0 ? a->rootfd : folder_make_maildir(a->rootfd);
	if (r < 0)
		store_account_close(&a);
	*out = a;
	return r;
}

void
store_account_close(struct store_account **account)
{
	struct store_account *a = *account;

	if (a == NULL)
		return;
	store_maildrop_unlock(a);
	if (a->rootfd >= 0)
		close(a->rootfd);
	free(a);
	*account = NULL;
}

void
account_new_key(struct store_account *account, int64_t seconds, struct buf *out)
{
	uint64_t now = clock_wall_us();
	uint32_t chance;

	/* several processes of one pid (namespaces) and many messages in one microsecond */
	random_fill(&chance, sizeof(chance));
	buf_printf(out, "%lld.M%06uP%dQ%uR%08x.%s",
		(long long)(seconds > 0 ? seconds : (int64_t)(now / 1000000)),
		(unsigned)(now % 1000000), (int)getpid(), account->names_made++, chance,
		account->host);
}

int
account_open_folder(struct store_account *account, struct bytes name, struct folder **out)
{
	struct buf dir = BUF_INIT;
	int fd, r;

	*out = NULL;
	if ((r = folder_name_to_dir(&dir, name)) < 0) {
		buf_free(&dir);
		return r == ERR_LIMIT ? ERR_NOT_FOUND : r;
	}
	fd = sys_openat(account->rootfd, buf_str(&dir), O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	buf_free(&dir);
	return fd < 0 ? fd : folder_open(fd, out);
}

/* A UIDVALIDITY later than any other of this account: a folder that is deleted and made again,
 * or renamed, is never taken for the old one (RFC 3501 sec. 2.3.1.1). */
static int
new_uidvalidity(int rootfd, uint32_t *out)
{
	uint64_t now = clock_wall_us() / 1000000, last = 0;
	char text[24];
	ssize_t n;
	int fd, r;

	fd = sys_openat(rootfd, ACCOUNT_FILE, O_RDWR | O_CREAT | O_NOFOLLOW, FOLDER_FILE_MODE);
	if (fd < 0)
		return fd;
	while (flock(fd, LOCK_EX) < 0 && errno == EINTR)
		;
	n = sys_pread_full(fd, text, sizeof(text), 0);
	if (n > 0 && text[n - 1] == '\n')
		n--;
	if (n > 0 && bytes_to_u64(bytes_make(text, (size_t)n), UINT32_MAX - 1, &last) < 0)
		last = 0;
	*out = (uint32_t)(last >= now ? last + 1 : now);
	n = snprintf(text, sizeof(text), "%u\n", *out);
	r = sys_pwrite_all(fd, bytes_make(text, (size_t)n), 0);
	close(fd);
	return r;
}

static int
make_folder_in(int rootfd, int dirfd, bool durable)
{
	uint32_t validity, before, bound;
	int fd, r;

	if ((r = folder_make_maildir(dirfd)) < 0 || (r = new_uidvalidity(rootfd, &validity)) < 0 ||
		(r = uidfile_raise(dirfd, UIDFILE_WAIT_US, 0, &validity, &before, &bound)) < 0)
		return r;
	/* the mark of a Maildir++ folder */
	fd = sys_openat(dirfd, "maildirfolder", O_WRONLY | O_CREAT | O_NOFOLLOW, FOLDER_FILE_MODE);
	if (fd < 0)
		return fd;
	close(fd);
	if (!durable)
		return ERR_OK;
	if ((r = uidfile_sync(dirfd)) < 0 || (r = sys_fsync(dirfd)) < 0)
		return r;
	return sys_fsync(rootfd);
}

int
account_make_folder(int rootfd, const char *dir, bool durable)
{
	struct buf cur = BUF_INIT;
	struct stat st;
	int fd, r;

	r = sys_mkdirat(rootfd, dir, FOLDER_MODE);
	if (r == ERR_EXISTS) {
		/* one that was left half made is finished */
		buf_printf(&cur, "%s/cur", dir);
		r = fstatat(rootfd, buf_str(&cur), &st, 0) < 0 ? ERR_OK : ERR_EXISTS;
		buf_free(&cur);
	}
	if (r < 0)
		return r;
	fd = sys_openat(rootfd, dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	if (fd < 0)
		return fd;
	r = make_folder_in(rootfd, fd, durable);
	close(fd);
	return r;
}

/* ---- POP3's lock -------------------------------------------------------------------------- */

int
store_maildrop_lock(struct store_account *account)
{
	int fd;

	ASSERT(account->maildrop_fd < 0);
	fd = sys_openat(
		account->rootfd, MAILDROP_FILE, O_RDWR | O_CREAT | O_NOFOLLOW, FOLDER_FILE_MODE);
	if (fd < 0)
		return fd;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		close(fd);
		return ERR_BUSY;
	}
	account->maildrop_fd = fd;
	return ERR_OK;
}

void
store_maildrop_unlock(struct store_account *account)
{
	if (account->maildrop_fd >= 0)
		close(account->maildrop_fd);
	account->maildrop_fd = -1;
}

/* ---- quota -------------------------------------------------------------------------------- */

struct store_usage
store_take_delta(struct store_account *account)
{
	struct store_usage delta = account->delta;

	account->delta = (struct store_usage){ 0 };
	return delta;
}

int
store_recount(struct store_account *account, struct store_usage *out)
{
	struct arena a = ARENA_INIT;
	struct store_folder *folders;
	size_t n;
	int r;

	*out = (struct store_usage){ 0 };
	r = store_list(account, &a, &folders, &n);
	for (size_t i = 0; i < n && r == ERR_OK; i++) {
		struct store_status st;

		if ((folders[i].attrs & (STORE_NOSELECT | STORE_NONEXISTENT)) != 0)
			continue;
		r = store_status(account, folders[i].name, &st);
		if (r == ERR_NOT_FOUND) { /* deleted meanwhile */
			r = ERR_OK;
			continue;
		}
		out->octets += (int64_t)st.octets;
		out->messages += st.messages;
	}
	arena_reset(&a);
	return r;
}
