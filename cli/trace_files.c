/* SPDX-License-Identifier: ISC */
/*
 * cli/trace_files.c - see the header. A megabyte of memory, however long the log is.
 *
 * Runs in:  relais.
 */
#include "trace_files.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "cli.h"
#include "err.h"

#define CHUNK (1u << 20)

static int
by_age(const void *a, const void *b)
{
	const struct log_file *p = a, *q = b;

	if (p->mtime_s != q->mtime_s)
		return p->mtime_s < q->mtime_s ? -1 : 1;
	return -strcmp(p->path, q->path); /* log.2 is older than log.1, and that than log */
}

static bool
ends_with(const char *s, const char *end)
{
	const size_t n = strlen(s), m = strlen(end);

	return n >= m && strcmp(s + n - m, end) == 0;
}

/* What logrotate makes: ".1", ".2.gz", "-20261122", "-20261122.gz". */
static bool
is_rotated(const char *tail)
{
	size_t digits = 0;

	if (*tail != '.' && *tail != '-')
		return false;
	for (tail++; ascii_is_digit((uint8_t)*tail) || *tail == '-'; tail++)
		digits++;
	return digits > 0 && (*tail == '\0' || strcmp(tail, ".gz") == 0);
}

static void
add(struct log_files *out, const char *path, uint64_t since_s)
{
	struct stat st;

	if (stat(path, &st) != 0) {
		cli_say_errno(path);
		return;
	}
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_mtime < since_s)
		return;
	out->files = xrealloc(out->files, (out->n + 1) * sizeof(*out->files));
	out->files[out->n].path = xmalloc(strlen(path) + 1);
	memcpy(out->files[out->n].path, path, strlen(path) + 1);
	out->files[out->n++].mtime_s = (uint64_t)st.st_mtime;
}

void
log_files_find(struct log_files *out, const char *path, uint64_t since_s)
{
	char pattern[1200];
	glob_t found;

	memset(out, 0, sizeof(*out));
	add(out, path, since_s);
	snprintf(pattern, sizeof(pattern), "%s[.-]*", path);
	if (glob(pattern, 0, NULL, &found) == 0) {
		for (size_t i = 0; i < found.gl_pathc; i++)
			if (is_rotated(found.gl_pathv[i] + strlen(path)))
				add(out, found.gl_pathv[i], since_s);
		globfree(&found);
	}
	if (out->n > 1)
		qsort(out->files, out->n, sizeof(*out->files), by_age);
}

void
log_files_free(struct log_files *f)
{
	for (size_t i = 0; i < f->n; i++)
		free(f->files[i].path);
	free(f->files);
	memset(f, 0, sizeof(*f));
}

/* ---- reading ---- */

struct source {
	int fd;
	gzFile gz; /* NULL: fd as it is */
};

static bool
source_open(struct source *s, const char *path)
{
	s->gz = NULL;
	s->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (s->fd >= 0 && ends_with(path, ".gz") && (s->gz = gzdopen(s->fd, "rb")) == NULL)
		errno = ENOMEM;
	else if (s->fd >= 0)
		return true;
	cli_say_errno(path);
	if (s->fd >= 0)
		close(s->fd);
	return false;
}

static ssize_t
source_read(struct source *s, uint8_t *out, size_t n)
{
	return s->gz != NULL ? gzread(s->gz, out, (unsigned)n) : read(s->fd, out, n);
}

static void
source_close(struct source *s)
{
	if (s->gz != NULL)
		gzclose(s->gz);
	else
		close(s->fd);
}

bool
log_file_read(const struct log_file *f, log_line_fn *each, void *ctx)
{
	uint8_t *chunk = xmalloc(CHUNK);
	struct source s;
	size_t kept = 0;
	ssize_t n = 0;

	if (!source_open(&s, f->path)) {
		free(chunk);
		return false;
	}
	while ((n = source_read(&s, chunk + kept, CHUNK - kept)) > 0) {
		struct bytes rest = bytes_make(chunk, kept + (size_t)n);
		size_t lf;

		while ((lf = bytes_find(rest, '\n')) != BYTES_NOT_FOUND) {
			each(ctx, f, bytes_head(rest, lf));
			rest = bytes_skip(rest, lf + 1);
		}
		if (rest.n == CHUNK) { /* no line of ours */
			each(ctx, f, rest);
			rest.n = 0;
		}
		memmove(chunk, rest.p, rest.n);
		kept = rest.n;
	}
	if (kept > 0)
		each(ctx, f, bytes_make(chunk, kept));
	if (n < 0)
		fprintf(stderr, "%s: cannot be read to its end\n", f->path);
	source_close(&s);
	free(chunk);
	return n >= 0;
}
