/* SPDX-License-Identifier: ISC */
/*
 * qmgr/adopt.c - files that doors write into, and how one becomes a message.
 *
 * The door has the only descriptor open for writing until its COMMIT brings it here. That a
 * door which was taken over keeps a copy of it, or a mapping, cannot be seen; but the kernel
 * grants a read lease (fcntl(2), F_SETLEASE) only on a file that nobody has open for writing,
 * and nobody else can open one here by its name. So: close what came, ask for the lease, and
 * only then take the CRC. Where it is refused the content is copied, and what the door
 * keeps is an orphan.
 *
 * Runs in:  qmgr, in its threads too; user relais-queue, root: the queue.
 * Trusts:   nothing that a door did to the file.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "crc32c.h"
#include "err.h"
#include "files.h"
#include "sys.h"

#define NAME_SIZE     24
#define LEASE_TRIES   20 /* the channel of an honest door closes its copy in a moment */
#define LEASE_WAIT_NS 1000000

static const char *
lent_name(uint64_t number, char out[NAME_SIZE])
{
	snprintf(out, NAME_SIZE, "%llu", (unsigned long long)number);
	return out;
}

int
file_lend(const struct folders *f, uint64_t number)
{
	char name[NAME_SIZE];

	return sys_openat(f->lent, lent_name(number, name), O_RDWR | O_CREAT | O_EXCL, 0600);
}

int
file_lent_read(const struct folders *f, uint64_t number)
{
	char name[NAME_SIZE];

	return sys_openat(f->lent, lent_name(number, name), O_RDONLY, 0);
}

void
file_unlend(const struct folders *f, uint64_t number)
{
	char name[NAME_SIZE];
	int r = sys_unlinkat(f->lent, lent_name(number, name), 0);

	UNUSED(r); /* what stays goes at the next start */
}

/* ERR_OK: nobody can write to it. ERR_BUSY: somebody can. ERR_UNSUPPORTED: who knows. */
static int
ask_lease(int fd)
{
	if (fcntl(fd, F_SETLEASE, F_RDLCK) == 0) {
		(void)fcntl(fd, F_SETLEASE, F_UNLCK);
		return ERR_OK;
	}
	return errno == EAGAIN ? ERR_BUSY : ERR_UNSUPPORTED;
}

bool
file_lent_is_idle(const struct folders *f, uint64_t number)
{
	char name[NAME_SIZE];
	int fd = sys_openat(f->lent, lent_name(number, name), O_RDONLY | O_NOFOLLOW, 0), r;

	if (fd < 0)
		return fd == ERR_NOT_FOUND;
	r = ask_lease(fd);
	close(fd);
	return r == ERR_OK;
}

/* A door of before an upgrade is in the middle of a message. */
static void
sort_lent(const struct folders *f, const char *name,
	void (*kept)(void *arg, uint64_t number, int fd), void *arg)
{
	uint64_t number = 0;
	int fd = -1, r;

	if (bytes_to_u64(bytes_from_str(name), UINT64_MAX, &number) == ERR_OK)
		fd = sys_openat(f->lent, name, O_RDONLY | O_NOFOLLOW, 0);
	if (fd >= 0 && ask_lease(fd) == ERR_BUSY) {
		kept(arg, number, fd);
	} else {
		r = sys_unlinkat(f->lent, name, 0);
		UNUSED(r);
	}
	if (fd >= 0)
		close(fd);
}

void
files_lent_before(
	const struct folders *f, void (*kept)(void *arg, uint64_t number, int fd), void *arg)
{
	int fd = sys_openat(f->lent, ".", O_RDONLY | O_DIRECTORY, 0);
	struct dirent *d;
	DIR *dir;

	if (fd < 0)
		return;
	dir = fdopendir(fd);
	ASSERT(dir != NULL);
	while ((d = readdir(dir)) != NULL)
		if (d->d_name[0] != '.')
			sort_lent(f, d->d_name, kept, arg);
	closedir(dir);
}

static int
wait_for_lease(int fd)
{
	const struct timespec moment = { 0, LEASE_WAIT_NS };
	int r;

	for (unsigned i = 0; (r = ask_lease(fd)) == ERR_BUSY && i < LEASE_TRIES; i++)
		nanosleep(&moment, NULL);
	return r;
}

/* Complete a lent file around its content. */
static int
complete_lent(int fd, const struct file_source *s)
{
	struct queue_file head = {
		.queue_id = s->queue_id,
		.envelope_offset = QUEUE_FILE_HEADER,
		.envelope_size = s->envelope.n,
		.envelope_crc = crc32c(0, s->envelope),
		.content_offset = QUEUE_FILE_LENT_OFFSET - s->prefix.n,
		.content_size = s->prefix.n + s->content_size,
		.prefix_size = (uint32_t)s->prefix.n,
		.content_crc = crc32c(0, s->prefix),
	};
	uint8_t header[QUEUE_FILE_HEADER];
	int r;

	head.events_offset = head.content_offset + head.content_size;
	if (head.envelope_offset + head.envelope_size > head.content_offset) {
		head.envelope_offset = head.events_offset;
		head.events_offset += head.envelope_size;
	}
	if ((r = file_crc(fd, QUEUE_FILE_LENT_OFFSET, s->content_size, &head.content_crc)) < 0)
		return r;
	queue_file_encode(&head, header);
	if ((r = sys_ftruncate(fd, QUEUE_FILE_LENT_OFFSET + s->content_size)) < 0 ||
		(r = sys_pwrite_all(fd, bytes_make(header, sizeof(header)), 0)) < 0 ||
		(r = sys_pwrite_all(fd, s->envelope, head.envelope_offset)) < 0 ||
		(r = sys_pwrite_all(fd, s->prefix, head.content_offset)) < 0)
		return r;
	return sys_fsync(fd);
}

/* Nobody else can write to it: the file itself becomes the message. */
static int
take(const struct folders *f, struct file_source *s, const char *lent)
{
	char name[QUEUE_FILE_NAME_MAX];
	int fd = sys_openat(f->lent, lent, O_RDWR | O_NOFOLLOW, 0), r;

	if (fd < 0)
		return fd;
	r = complete_lent(fd, s);
	close(fd);
	if (r < 0)
		return r;
	queue_file_name(s->queue_id, name);
	r = sys_renameat_new(f->lent, lent, f->message, name);
	if (r == ERR_OK && (r = file_sync_folder(f, name)) < 0) {
		int gone = sys_unlinkat(f->message, name, 0);

		UNUSED(gone);
	}
	return r;
}

/* The file that the descriptor stands for is the one that was lent under this name. */
static bool
is_same(int fd, int came)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && fstat(came, &b) == 0 && S_ISREG(a.st_mode) &&
	       a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

int
file_adopt(const struct folders *f, struct file_source *s, uint64_t number, enum file_adoption *how)
{
	char lent[NAME_SIZE];
	int fd = sys_openat(f->lent, lent_name(number, lent), O_RDONLY | O_NOFOLLOW, 0), r;
	const bool same = fd >= 0 && is_same(fd, s->content_fd);

	close(s->content_fd);
	s->content_fd = fd;
	*how = FILE_TAKEN;
	if (fd < 0)
		return fd;
	if (!same || s->content_offset != QUEUE_FILE_LENT_OFFSET ||
		s->prefix.n > QUEUE_FILE_LENT_OFFSET - QUEUE_FILE_HEADER) {
		r = ERR_DENIED;
	} else if ((r = wait_for_lease(fd)) < 0) {
		*how = r == ERR_BUSY ? FILE_COPIED_OPEN : FILE_COPIED_LEASE;
		r = file_store(f, s);
	} else if ((r = take(f, s, lent)) < 0 && r != ERR_EXISTS && r != ERR_CORRUPT) {
		*how = FILE_COPIED_NAME;
		r = file_store(f, s);
	}
	close(fd);
	s->content_fd = -1;
	if (r < 0 || *how != FILE_TAKEN)
		file_unlend(f, number);
	return r;
}
