/* SPDX-License-Identifier: ISC */
/*
 * lib/base/check.h - invariants, and small words every file uses.
 *
 * ASSERT stays in releases: a broken invariant ends the process (master restarts it,
 * nothing confirmed is lost) rather than letting it go on with a wrong state.
 */
#ifndef RELAIS_CHECK_H
#define RELAIS_CHECK_H

#include <stddef.h>

#define MUST_USE          __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))
#define NITEMS(a)         (sizeof(a) / sizeof((a)[0]))
#define UNUSED(x)         ((void)(x))

#define ASSERT(cond)                                                                               \
	do {                                                                                       \
		if (__builtin_expect(!(cond), 0))                                                  \
			assert_failed(#cond, __FILE__, __LINE__);                                  \
	} while (0)

/* Write the broken invariant to stderr and abort. */
_Noreturn void assert_failed(const char *cond, const char *file, int line);

/* Memory or the end of the process: NULL is never returned. Sizes from outside have a
 * limit before they come here. */
void *xmalloc(size_t n);
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t n);
char *xstrdup(const char *s);

#endif
