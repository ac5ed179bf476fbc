/* SPDX-License-Identifier: ISC */
/* master/handover.c - what is left to the next master, as lines of text: written and read by rows.
 */
#include "handover.h"

#include <inttypes.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>

#include "encode.h"
#include "err.h"

#define HEADER "relais-handover "

enum kind {
	KIND_U32,
	KIND_U64,
	KIND_FD,
	KIND_TEXT,
	KIND_SECRET, /* HANDOVER_SECRET octets */
};

struct field {
	const char *name;
	enum kind kind;
	size_t offset;
};

#define ROW(type, member, kind)                                                                    \
	{                                                                                          \
#member, kind, offsetof(struct type, member)                                       \
	}
#define CHILD(member, kind)    ROW(handover_child, member, kind)
#define LISTENER(member, kind) ROW(handover_listener, member, kind)
#define MASTER(member, kind)   ROW(handover, member, kind)

static const struct field child_fields[] = { CHILD(service, KIND_TEXT), CHILD(instance, KIND_U32),
	CHILD(state, KIND_TEXT), CHILD(pid, KIND_U64), CHILD(fd, KIND_FD),
	CHILD(generation, KIND_U32), CHILD(version, KIND_TEXT), CHILD(wire, KIND_U32),
	CHILD(restarts, KIND_U32), CHILD(failures, KIND_U32), CHILD(trial, KIND_U32),
	CHILD(leaving, KIND_U32), CHILD(handed, KIND_U32), CHILD(started_ms, KIND_U64),
	CHILD(started_wall_us, KIND_U64), CHILD(ended_ms, KIND_U64), CHILD(end_status, KIND_U32) };

static const struct field listener_fields[] = { LISTENER(service, KIND_TEXT),
	LISTENER(instance, KIND_U32), LISTENER(label, KIND_TEXT), LISTENER(address, KIND_TEXT),
	LISTENER(fd, KIND_FD) };

static const struct field master_fields[] = { MASTER(version, KIND_TEXT), MASTER(births, KIND_U32),
	MASTER(generation, KIND_U32), MASTER(ready, KIND_U32), MASTER(started_ms, KIND_U64),
	MASTER(started_wall_us, KIND_U64), MASTER(log, KIND_FD), MASTER(control, KIND_FD),
	MASTER(secret, KIND_SECRET) };

/* ---- rows of a growing table ---- */

/* Room for one more; capacities are powers of two. */
static void *
add_row(void *rows, size_t *n, size_t size)
{
	if ((*n & (*n - 1)) == 0)
		rows = xrealloc(rows, (*n == 0 ? 1 : *n * 2) * size);
	memset((uint8_t *)rows + *n * size, 0, size);
	++*n;
	return rows;
}

struct handover_child *
handover_add_child(struct handover *h)
{
	h->children = add_row(h->children, &h->nchildren, sizeof(*h->children));
	h->children[h->nchildren - 1].fd = -1;
	return &h->children[h->nchildren - 1];
}

struct handover_listener *
handover_add_listener(struct handover *h)
{
	h->listeners = add_row(h->listeners, &h->nlisteners, sizeof(*h->listeners));
	h->listeners[h->nlisteners - 1].fd = -1;
	return &h->listeners[h->nlisteners - 1];
}

void
handover_free(struct handover *h)
{
	free(h->children);
	free(h->listeners);
	arena_reset(&h->arena);
	explicit_bzero(h->secret, sizeof(h->secret));
}

/* ---- writing ---- */

/* What could end a word or a line goes as %XX. */
static void
put_text(struct buf *out, struct bytes b)
{
	for (size_t i = 0; i < b.n; i++) {
		if (b.p[i] <= ' ' || b.p[i] >= 0x7f || b.p[i] == '%')
			buf_printf(out, "%%%02x", b.p[i]);
		else
			buf_put_u8(out, b.p[i]);
	}
}

static void
put_record(
	struct buf *out, const char *kind, const struct field *fields, size_t n, const void *from)
{
	buf_put_str(out, kind);
	for (size_t i = 0; i < n; i++) {
		const void *at = (const uint8_t *)from + fields[i].offset;

		if (fields[i].kind == KIND_FD && *(const int *)at < 0)
			continue;
		buf_printf(out, " %s=", fields[i].name);
		switch (fields[i].kind) {
		case KIND_U32:
			buf_printf(out, "%" PRIu32, *(const uint32_t *)at);
			break;
		case KIND_U64:
			buf_printf(out, "%" PRIu64, *(const uint64_t *)at);
			break;
		case KIND_FD:
			buf_printf(out, "%d", *(const int *)at);
			break;
		case KIND_TEXT:
			put_text(out, *(const struct bytes *)at);
			break;
		case KIND_SECRET:
			hex_encode(out, bytes_make(at, HANDOVER_SECRET));
			break;
		}
	}
	buf_put_str(out, "\n");
}

void
handover_encode(struct buf *out, const struct handover *h)
{
	buf_printf(out, HEADER "%d\n", HANDOVER_VERSION);
	put_record(out, "master", master_fields, NITEMS(master_fields), h);
	for (size_t i = 0; i < h->nchildren; i++)
		put_record(out, "child", child_fields, NITEMS(child_fields), &h->children[i]);
	for (size_t i = 0; i < h->nlisteners; i++)
		put_record(out, "listener", listener_fields, NITEMS(listener_fields),
			&h->listeners[i]);
	buf_put_str(out, "end\n");
}

/* ---- reading ---- */

static int
get_text(struct handover *h, struct bytes word, struct bytes *to)
{
	struct buf text = BUF_INIT;
	int r = word.n > 3 * HANDOVER_TEXT ? ERR_LIMIT : ERR_OK;

	for (size_t i = 0; r == ERR_OK && i < word.n; i++) {
		if (word.p[i] != '%') {
			buf_put_u8(&text, word.p[i]);
		} else {
			r = hex_decode(&text, bytes_head(bytes_skip(word, i + 1), 2));
			if (r == ERR_OK && word.n - i < 3)
				r = ERR_SYNTAX;
			i += 2;
		}
	}
	if (text.len > HANDOVER_TEXT ||
		memchr(text.data == NULL ? (const uint8_t *)"" : text.data, 0, text.len) != NULL)
		r = ERR_LIMIT;
	if (r == ERR_OK)
		*to = arena_bytes(&h->arena, buf_bytes(&text));
	buf_free(&text);
	return r;
}

static int
get_secret(struct bytes word, uint8_t *to)
{
	struct buf b = BUF_SECRET;
	int r = hex_decode(&b, word);

	if (r == ERR_OK && b.len != HANDOVER_SECRET)
		r = ERR_SYNTAX;
	if (r == ERR_OK)
		memcpy(to, b.data, HANDOVER_SECRET);
	buf_free(&b);
	return r;
}

static int
get_field(struct handover *h, const struct field *f, struct bytes word, void *to)
{
	void *at = (uint8_t *)to + f->offset;
	const uint64_t most = f->kind == KIND_FD    ? INT_MAX
			      : f->kind == KIND_U32 ? UINT32_MAX
						    : UINT64_MAX;
	uint64_t n;

	if (f->kind == KIND_TEXT)
		return get_text(h, word, at);
	if (f->kind == KIND_SECRET)
		return get_secret(word, at);
	if (bytes_to_u64(word, most, &n) < 0)
		return ERR_SYNTAX;
	if (f->kind == KIND_U64)
		*(uint64_t *)at = n;
	else if (f->kind == KIND_U32)
		*(uint32_t *)at = (uint32_t)n;
	else
		*(int *)at = (int)n;
	return ERR_OK;
}

static int
get_record(struct handover *h, struct bytes line, const struct field *fields, size_t n, void *to)
{
	while (line.n > 0) {
		struct bytes word = bytes_cut(&line, ' '), name;
		int r;

		name = bytes_cut(&word, '=');
		for (size_t i = 0; i < n; i++)
			if (bytes_is(name, fields[i].name) &&
				(r = get_field(h, &fields[i], word, to)) < 0)
				return r;
	}
	return ERR_OK;
}

static int
get_line(struct handover *h, struct bytes line)
{
	const struct bytes kind = bytes_cut(&line, ' ');

	if (bytes_is(kind, "master"))
		return get_record(h, line, master_fields, NITEMS(master_fields), h);
	if (bytes_is(kind, "child") && h->nchildren < HANDOVER_ROWS)
		return get_record(
			h, line, child_fields, NITEMS(child_fields), handover_add_child(h));
	if (bytes_is(kind, "listener") && h->nlisteners < HANDOVER_ROWS)
		return get_record(h, line, listener_fields, NITEMS(listener_fields),
			handover_add_listener(h));
	return bytes_is(kind, "child") || bytes_is(kind, "listener") ? ERR_LIMIT : ERR_OK;
}

int
handover_decode(struct bytes text, struct handover *h)
{
	struct bytes line = bytes_cut(&text, '\n');
	uint64_t version;
	int r;

	*h = (struct handover){ .log = -1, .control = -1, .arena = ARENA_INIT };
	if (text.n > HANDOVER_MAX)
		return ERR_LIMIT;
	if (!bytes_starts_with(line, BYTES_LITERAL(HEADER)) ||
		bytes_to_u64(bytes_skip(line, sizeof(HEADER) - 1), UINT32_MAX, &version) < 0)
		return ERR_SYNTAX;
	if (version != HANDOVER_VERSION)
		return ERR_UNSUPPORTED;
	while (text.n > 0) {
		line = bytes_cut(&text, '\n');
		if (bytes_is(line, "end")) /* all of it has come */
			return text.n == 0 ? ERR_OK : ERR_SYNTAX;
		if ((r = get_line(h, line)) < 0)
			return r;
	}
	return ERR_SYNTAX;
}
