/* SPDX-License-Identifier: ISC */
/* lib/ipc/long_text.c - text that may be longer than a frame. Runs in: master, metrics, CLI. */
#include "long_text.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "err.h"

int
long_text_fd(struct bytes text)
{
	int fd = memfd_create("text", MFD_CLOEXEC);

	while (fd >= 0 && text.n > 0) {
		ssize_t n = write(fd, text.p, text.n);

		if (n <= 0) {
			close(fd);
			return -1;
		}
		text = bytes_skip(text, (size_t)n);
	}
	return fd;
}

int
long_text_take(struct bytes inline_text, int fd, struct buf *out)
{
	struct stat st;
	size_t at = 0, size;

	if (fd < 0) {
		buf_put_bytes(out, inline_text);
		return ERR_OK;
	}
	if (fstat(fd, &st) != 0)
		return ERR_IO;
	if (st.st_size < 0 || (uint64_t)st.st_size > LONG_TEXT_MAX)
		return ERR_LIMIT;
	size = (size_t)st.st_size;
	while (at < size) {
		ssize_t n = pread(fd, buf_room(out, size - at), size - at, (off_t)at);

		if (n <= 0)
			return ERR_IO;
		buf_added(out, (size_t)n);
		at += (size_t)n;
	}
	return ERR_OK;
}
