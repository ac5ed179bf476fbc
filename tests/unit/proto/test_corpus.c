/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/proto/test_corpus.c - every message of tests/data/messages (and of the public test
 * data beside the tree, if it is there) has a sound structure, and every beginning of it too;
 * what IMAP would say of it is balanced and ends no line but in literals.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <ftw.h>

#include "charset.h"
#include "imap_text.h"
#include "mime_decode.h"
#include "rfc5322.h"
#include "search_text.h"

#define MESSAGE_MAX (1 << 20)

static size_t messages;

static void
check_part(struct bytes message, const struct mime_part *p)
{
	size_t at = p->body_at, end = p->body_at + p->body_len;

	assert_int_equal(p->body_at, p->header_at + p->header_len);
	assert_true(end <= message.n);
	assert_true(p->type.n > 0 && p->subtype.n > 0);
	for (const struct mime_part *c = p->child; c != NULL; c = c->next) {
		assert_true(c->header_at >= at && c->body_at + c->body_len <= end);
		at = c->body_at + c->body_len;
		check_part(message, c);
	}
}

/* Parentheses, quoted strings and literals match, and there is nothing else that ends a line. */
static void
check_wire(struct bytes b)
{
	size_t depth = 0;

	for (size_t i = 0; i < b.n; i++) {
		assert_true(b.p[i] != '\r' && b.p[i] != '\n' && b.p[i] < 0x80 && b.p[i] > 0);
		if (b.p[i] == '(') {
			depth++;
		} else if (b.p[i] == ')') {
			assert_true(depth-- > 0);
		} else if (b.p[i] == '"') {
			while (b.p[++i] != '"') {
				assert_true(b.p[i] != '\r' && b.p[i] != '\n' && b.p[i] < 0x80);
				i += b.p[i] == '\\';
			}
		} else if (b.p[i] == '{') {
			size_t n = strtoul((const char *)b.p + i + 1, NULL, 10);

			i += bytes_find(bytes_skip(b, i), '\n') + n;
			assert_true(i < b.n);
		}
		assert_true(depth > 0 || i + 1 == b.n);
	}
	assert_int_equal(depth, 0);
}

static void
check_message(struct bytes in, const struct search_key *key)
{
	struct arena a = ARENA_INIT;
	struct mime_part *root = mime_parse(&a, in);
	struct buf out = BUF_INIT;

	assert_int_equal(root->header_len, rfc5322_header_len(in));
	assert_int_equal(root->header_len + root->body_len, in.n);
	check_part(in, root);
	imap_put_envelope(&out, mime_header(in, root));
	check_wire(bytes_make(buf_str(&out), out.len));
	buf_clear(&out);
	imap_put_body(&out, in, root, true);
	check_wire(bytes_make(buf_str(&out), out.len));
	assert_false(search_text(NULL, in, root, key));
	buf_free(&out);
	arena_reset(&a);
}

static int
check_file(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	static const struct bytes never = BYTES_LITERAL("this stands in no message: qjxzv");
	struct arena a = ARENA_INIT;
	struct buf raw = BUF_INIT, in = BUF_INIT;
	struct search_key key;
	FILE *f;
	size_t n;

	if (type != FTW_F || st->st_size > MESSAGE_MAX || (f = fopen(path, "rb")) == NULL)
		return 0;
	while ((n = fread(buf_room(&raw, 65536), 1, 65536, f)) > 0)
		buf_added(&raw, n);
	fclose(f);
	rfc5322_put_crlf(&in, buf_bytes(&raw));
	assert_int_equal(search_key_make(&a, never, &key), 0);
	check_message(buf_bytes(&raw), &key); /* with whatever line ends it has */
	check_message(buf_bytes(&in), &key);
	for (size_t i = 0; i < 20; i++)
		check_message(bytes_head(buf_bytes(&in), in.len * i / 20 + i), &key);
	messages++;
	buf_free(&raw);
	buf_free(&in);
	arena_reset(&a);
	return 0;
}

static void
test_shipped(void **state)
{
	messages = 0;
	assert_int_equal(nftw("tests/data/messages", check_file, 10, FTW_PHYS), 0);
	assert_true(messages > 20);
}

static void
test_public(void **state)
{
	const char *path = getenv("RELAIS_TESTDATA");
	char messages_path[4096];

	snprintf(messages_path, sizeof(messages_path), "%s/messages",
		path == NULL ? "../shared/testdata" : path);
	messages = 0;
	nftw(messages_path, check_file, 10, FTW_PHYS);
	if (messages == 0)
		skip();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shipped),
		cmocka_unit_test(test_public),
	};

	return cmocka_run_group_tests_name("proto/corpus", tests, NULL, NULL);
}
