/* SPDX-License-Identifier: ISC */
/* lib/base/err.c - the words for errors, and what errno means to us. */
#include "err.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "log.h"

static const struct {
	int err;
	const char *text;
} texts[] = {
	{ ERR_OK, "no error" },
	{ ERR_SYNTAX, "syntax error" },
	{ ERR_LIMIT, "limit exceeded" },
	{ ERR_NOT_FOUND, "not found" },
	{ ERR_EXISTS, "exists already" },
	{ ERR_DENIED, "permission denied" },
	{ ERR_CORRUPT, "stored data is damaged" },
	{ ERR_UNSUPPORTED, "not supported" },
	{ ERR_QUOTA, "quota exceeded" },
	{ ERR_IO, "input/output error" },
	{ ERR_NO_SPACE, "no space left" },
	{ ERR_BUSY, "busy" },
	{ ERR_PEER, "service not available" },
	{ ERR_TIMEOUT, "timed out" },
	{ ERR_RESOURCE, "out of resources" },
};

const char *
err_text(int err)
{
	for (size_t i = 0; i < NITEMS(texts); i++)
		if (texts[i].err == err)
			return texts[i].text;
	return "unknown error";
}

bool
err_is_temporary(int err)
{
	return err <= ERR_IO;
}

int
err_from_errno(int errnum)
{
	switch (errnum) {
	case ENOENT:
	case ENOTDIR:
		return ERR_NOT_FOUND;
	case EEXIST:
		return ERR_EXISTS;
	case EACCES:
	case EPERM:
	case EROFS:
		return ERR_DENIED;
	case ENOSPC:
	case EDQUOT:
		return ERR_NO_SPACE;
	case EAGAIN:
	case EBUSY:
		return ERR_BUSY;
	case EMFILE:
	case ENFILE:
	case ENOMEM:
	case ENOBUFS:
		return ERR_RESOURCE;
	case EPIPE:
	case ECONNRESET:
	case ECONNREFUSED:
	case ENOTCONN:
		return ERR_PEER;
	case ETIMEDOUT:
		return ERR_TIMEOUT;
	default:
		return ERR_IO;
	}
}

_Noreturn void
assert_failed(const char *cond, const char *file, int line)
{
	fprintf(stderr, "relais: panic: %s:%d: %s\n", file, line, cond);
	log_last_words();
	abort();
}

static _Noreturn void
out_of_memory(void)
{
	static const char text[] = "relais: panic: out of memory\n";

	(void)!fwrite(text, 1, sizeof(text) - 1, stderr);
	abort();
}

void *
xmalloc(size_t n)
{
	void *p = malloc(n ? n : 1);

	if (p == NULL)
		out_of_memory();
	return p;
}

void *
xcalloc(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size ? size : 1);

	if (p == NULL)
		out_of_memory();
	return p;
}

void *
xrealloc(void *old, size_t n)
{
	void *p = realloc(old, n ? n : 1);

	if (p == NULL)
		out_of_memory();
	return p;
}

char *
xstrdup(const char *s)
{
	size_t n = strlen(s) + 1;

	return memcpy(xmalloc(n), s, n);
}
