/* SPDX-License-Identifier: ISC */
/*
 * qmgr/aside.c - what cannot be read is kept in corrupt/, with the reason, for a person to look at.
 *
 * Runs in:  qmgr; user relais-queue, root: the queue.
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "err.h"
#include "files.h"
#include "queue_id.h"
#include "sys.h"

static int
write_new(int dirfd, const char *name, struct bytes octets)
{
	int fd = sys_openat(dirfd, name, O_WRONLY | O_CREAT | O_TRUNC, 0600), r;

	if (fd < 0)
		return fd;
	r = sys_write_all(fd, octets);
	if (r == ERR_OK)
		r = sys_fsync(fd);
	close(fd);
	return r;
}

static int
write_reason(const struct folders *f, const char *name, const char *reason)
{
	char with_suffix[96];

	snprintf(with_suffix, sizeof(with_suffix), "%s.reason", name);
	return write_new(f->corrupt, with_suffix, bytes_from_str(reason));
}

int
file_set_aside(const struct folders *f, uint64_t queue_id, const char *reason)
{
	char name[QUEUE_FILE_NAME_MAX], id[QUEUE_ID_TEXT_SIZE];
	int r = write_reason(f, queue_id_text(queue_id, id), reason);

	if (r < 0)
		return r;
	r = sys_renameat(f->message, queue_file_name(queue_id, name), f->corrupt, id);
	return r < 0 ? r : sys_fsync(f->corrupt);
}

int
octets_set_aside(const struct folders *f, const char *name, struct bytes octets, const char *reason)
{
	int r = write_reason(f, name, reason);

	if (r < 0 || (r = write_new(f->corrupt, name, octets)) < 0)
		return r;
	return sys_fsync(f->corrupt);
}
