/* SPDX-License-Identifier: ISC */
/*
 * lib/map/srs_file.c - SRS secrets on disk, see the header.
 *
 * Runs in:  master and the operator's command (make, rotate), directory (read).
 * Trusts:   the folder is root's or directory's own.
 */
#include "srs_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "encode.h"
#include "err.h"
#include "random.h"
#include "sys.h"

#define TEXT_MAX 4096

int
srs_file_parse(struct bytes text, struct srs_secrets *out)
{
	*out = (struct srs_secrets){ .n = 0 };
	while (text.n > 0) {
		struct bytes line = bytes_trim(bytes_cut(&text, '\n'));
		struct buf key = BUF_INIT;
		int r;

		if (line.n == 0)
			continue;
		r = hex_decode(&key, line);
		if (r == ERR_OK && (key.len != SRS_SECRET_SIZE || out->n == SRS_SECRETS_MAX))
			r = ERR_SYNTAX;
		if (r == ERR_OK)
			memcpy(out->keys[out->n++], key.data, SRS_SECRET_SIZE);
		if (key.len > 0)
			explicit_bzero(key.data, key.len);
		buf_free(&key);
		if (r < 0)
			return ERR_SYNTAX;
	}
	return ERR_OK;
}

int
srs_file_read(const char *path, struct srs_secrets *out)
{
	uint8_t text[TEXT_MAX];
	int fd = sys_openat(AT_FDCWD, path, O_RDONLY | O_NOFOLLOW, 0), r;
	ssize_t n;

	*out = (struct srs_secrets){ .n = 0 };
	if (fd < 0)
		return fd;
	n = sys_read_full(fd, text, sizeof(text));
	close(fd);
	if (n < 0)
		return (int)n;
	r = (size_t)n == sizeof(text) ? ERR_SYNTAX
				      : srs_file_parse(bytes_make(text, (size_t)n), out);
	explicit_bzero(text, sizeof(text));
	return r;
}

/* Readable by the folder's group as the compiled tables are: root makes what directory reads. */
static int
fill(int fd, int dirfd, const struct srs_secrets *secrets)
{
	struct buf text = BUF_INIT;
	struct stat dir;
	int r = ERR_OK;

	for (size_t i = 0; i < secrets->n; i++) {
		hex_encode(&text, bytes_make(secrets->keys[i], SRS_SECRET_SIZE));
		buf_put_u8(&text, '\n');
	}
	if (fstat(dirfd, &dir) < 0 || (geteuid() == 0 && fchown(fd, (uid_t)-1, dir.st_gid) < 0) ||
		fchmod(fd, 0640) < 0)
		r = err_from_errno(errno);
	if (r == ERR_OK && (r = sys_write_all(fd, buf_bytes(&text))) == ERR_OK)
		r = sys_fsync(fd);
	if (text.len > 0)
		explicit_bzero(text.data, text.len);
	buf_free(&text);
	return r;
}

/* New file, flush, rename, flush the folder. */
static int
replace(const char *path, const struct srs_secrets *secrets)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash == NULL ? path : slash + 1;
	char folder[1100], temporary[64];
	int dirfd, fd, r;

	if (slash == NULL)
		snprintf(folder, sizeof(folder), ".");
	else if ((size_t)(slash - path) >= sizeof(folder))
		return ERR_LIMIT;
	else
		snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path), path);
	snprintf(temporary, sizeof(temporary), ".%.32s.%ld", name, (long)getpid());
	dirfd = sys_openat(AT_FDCWD, folder, O_RDONLY | O_DIRECTORY, 0);
	if (dirfd < 0)
		return dirfd;
	(void)unlinkat(dirfd, temporary, 0); /* of a process that had our pid */
	fd = sys_openat(dirfd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
	r = fd < 0 ? fd : fill(fd, dirfd, secrets);
	if (fd >= 0)
		close(fd);
	if (r == ERR_OK)
		r = sys_renameat(dirfd, temporary, dirfd, name);
	if (r == ERR_OK)
		r = sys_fsync(dirfd);
	else
		(void)unlinkat(dirfd, temporary, 0);
	close(dirfd);
	return r;
}

int
srs_file_rotate(const char *path)
{
	struct srs_secrets old, secrets = { .n = 1 };
	int r = srs_file_read(path, &old);

	if (r < 0 && r != ERR_NOT_FOUND)
		return r;
	random_fill(secrets.keys[0], SRS_SECRET_SIZE);
	for (size_t i = 0; i < old.n && secrets.n < SRS_SECRETS_MAX; i++)
		memcpy(secrets.keys[secrets.n++], old.keys[i], SRS_SECRET_SIZE);
	r = replace(path, &secrets);
	explicit_bzero(&old, sizeof(old));
	explicit_bzero(&secrets, sizeof(secrets));
	return r;
}

int
srs_file_make(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 ? ERR_OK : srs_file_rotate(path);
}
