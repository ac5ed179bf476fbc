/* SPDX-License-Identifier: ISC */
/*
 * tests/fuzz/fuzz_imap_command.c - the command reader, whole and in pieces, and every parser of
 * arguments over each command it makes.
 */
#include <stdlib.h>

#include "err.h"
#include "imap_parse.h"
#include "imap_reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LIMIT 2048

typedef int parse_fn(struct imap_parser *p);

static int
parse_fetch(struct imap_parser *p)
{
	struct imap_fetch f;

	return imap_get_fetch(p, &f);
}

static int
parse_search(struct imap_parser *p)
{
	struct imap_search s;

	return imap_get_search(p, &s);
}

static int
parse_store(struct imap_parser *p)
{
	struct imap_store s;

	return imap_get_store(p, &s);
}

static int
parse_set(struct imap_parser *p)
{
	struct imap_set set;
	int r = imap_get_set(p, &set);

	if (r < 0)
		return r;
	imap_set_resolve(&set, 1000);
	for (size_t i = 1; i < set.count; i++)
		ASSERT(set.ranges[i - 1].last < set.ranges[i].first);
	for (uint32_t n = 0; n < 20; n++)
		(void)imap_set_has(&set, n);
	return ERR_OK;
}

static int
parse_append(struct imap_parser *p)
{
	struct imap_append a;

	return imap_get_append(p, &a);
}

static int
parse_list(struct imap_parser *p)
{
	struct bytes pattern, name;
	int r;

	if ((r = imap_get_list_mailbox(p, &pattern)) < 0 || (r = imap_get_space(p)) < 0 ||
		(r = imap_get_mailbox(p, &name)) < 0)
		return r;
	(void)imap_list_match(pattern, name, '/');
	return ERR_OK;
}

static int
parse_id(struct imap_parser *p)
{
	struct bytes *words;
	size_t n;

	return imap_get_id(p, &words, &n);
}

static int
parse_status(struct imap_parser *p)
{
	unsigned items;

	return imap_get_status_items(p, &items);
}

static int
parse_dates(struct imap_parser *p)
{
	int64_t t;
	int r = imap_at(p, '"') ? imap_get_date_time(p, &t) : imap_get_date(p, &t);

	ASSERT(r < 0 || (t > -100000000000 && t < 1000000000000));
	return r;
}

static parse_fn *const parsers[] = { parse_fetch, parse_search, parse_store, parse_set,
	parse_append, parse_list, parse_id, parse_status, parse_dates };

static void
parse_all(struct bytes text)
{
	struct arena arena = ARENA_INIT;
	struct imap_parser p;
	struct bytes word;

	imap_parser_init(&p, text, &arena);
	if (imap_get_tag(&p, &word) < 0 || imap_get_space(&p) < 0 || imap_get_atom(&p, &word) < 0 ||
		imap_get_space(&p) < 0) {
		arena_reset(&arena);
		return;
	}
	for (size_t i = 0; i < NITEMS(parsers); i++) {
		struct imap_parser copy = p;
		int r = parsers[i](&copy);

		ASSERT(r >= 0 || copy.problem != NULL);
	}
	arena_reset(&arena);
}

/* What the reader did, as a trace; the commands are parsed on the way. */
static bool
take(struct imap_reader *r, struct bytes *in, struct buf *trace)
{
	enum imap_read event = imap_reader_feed(r, in);

	switch (event) {
	case IMAP_READ_MORE:
		return false;
	case IMAP_READ_LITERAL:
		buf_printf(trace, "L%llu", (unsigned long long)r->literal_size);
		if (r->literal_size % 3 == 1)
			imap_reader_stream(r);
		else if (imap_reader_keep(r) < 0 && r->literal_sync)
			imap_reader_next(r);
		else if (r->state == IMAP_READING_ANSWER)
			imap_reader_discard(r);
		return true;
	case IMAP_READ_DATA:
		buf_put_bytes(trace, r->data);
		return true;
	case IMAP_READ_DATA_END:
		return true;
	case IMAP_READ_COMMAND:
	case IMAP_READ_TOO_LONG:
	case IMAP_READ_TOO_LARGE:
		buf_printf(trace, "C%d", event);
		if (event == IMAP_READ_COMMAND)
			buf_put_bytes(trace, buf_bytes(&r->text));
		parse_all(buf_bytes(&r->text));
		imap_reader_next(r);
		return true;
	}
	return false;
}

static void
run(struct bytes in, size_t step, struct buf *trace)
{
	struct imap_reader r;

	imap_reader_init(&r, LIMIT);
	while (in.n > 0) {
		struct bytes piece = bytes_head(in, step);

		in = bytes_skip(in, piece.n);
		while (take(&r, &piece, trace))
			;
		ASSERT(piece.n == 0 && r.text.len <= LIMIT + 32);
	}
	imap_reader_free(&r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf whole = BUF_INIT, pieces = BUF_INIT;

	run(bytes_make(data, size), size, &whole);
	run(bytes_make(data, size), 1 + size % 5, &pieces);
	ASSERT(bytes_equal(buf_bytes(&whole), buf_bytes(&pieces)));
	buf_free(&whole);
	buf_free(&pieces);
	return 0;
}
