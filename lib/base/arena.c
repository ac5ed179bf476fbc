/* SPDX-License-Identifier: ISC */
/* lib/base/arena.c - bump allocation in blocks that double up to 64 KiB. */
#include "arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define ALIGNMENT   16
#define BLOCK_FIRST 512
#define BLOCK_MAX   65536

struct arena_block {
	struct arena_block *next;
	size_t cap, used;
	_Alignas(ALIGNMENT) uint8_t data[];
};

static struct arena_block *
new_block(struct arena *a, size_t n)
{
	size_t cap = a->head == NULL ? BLOCK_FIRST : a->head->cap * 2;
	struct arena_block *b;

	if (cap > BLOCK_MAX)
		cap = BLOCK_MAX;
	if (cap < n)
		cap = n;
	b = xmalloc(sizeof(*b) + cap);
	b->cap = cap;
	b->used = 0;
	b->next = a->head;
	a->head = b;
	return b;
}

void *
arena_alloc(struct arena *a, size_t n)
{
	struct arena_block *b = a->head;
	void *p;

	ASSERT(n < SIZE_MAX / 4);
	n = (n + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
	if (b == NULL || b->cap - b->used < n)
		b = new_block(a, n);
	p = b->data + b->used;
	b->used += n;
	a->used += n;
	return p;
}

void *
arena_zalloc(struct arena *a, size_t n)
{
	return memset(arena_alloc(a, n), 0, n);
}

struct bytes
arena_bytes(struct arena *a, struct bytes b)
{
	return bytes_make(arena_str(a, b), b.n);
}

char *
arena_str(struct arena *a, struct bytes b)
{
	char *s = arena_alloc(a, b.n + 1);

	if (b.n > 0)
		memcpy(s, b.p, b.n);
	s[b.n] = 0;
	return s;
}

char *
arena_printf(struct arena *a, const char *format, ...)
{
	va_list ap;
	char *s;
	int n;

	va_start(ap, format);
	n = vsnprintf(NULL, 0, format, ap);
	va_end(ap);
	ASSERT(n >= 0);
	s = arena_alloc(a, (size_t)n + 1);
	va_start(ap, format);
	vsnprintf(s, (size_t)n + 1, format, ap);
	va_end(ap);
	return s;
}

void
arena_reset(struct arena *a)
{
	while (a->head != NULL) {
		struct arena_block *b = a->head;

		a->head = b->next;
		free(b);
	}
	a->used = 0;
}
