/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/proto/test_mime.c - the structure of messages, right and broken; sections of IMAP.
 */
#include <stdlib.h>

#include "cases.h"
#include "err.h"
#include "buf.h"
#include "mime.h"

/* --- structure: "subtype'body'" for a leaf, "subtype[...]" for a multipart, "rfc822{...}" --- */

#define MULTI(b) "Content-Type: multipart/mixed; boundary=" b "\r\n\r\n"

static const struct row {
	const char *label, *in, *out;
} rows[] = {
	{ "plain", "Subject: x\r\n\r\nbody\r\n", "plain'body\r\n'" },
	{ "empty message", "", "plain''" },
	{ "header only", "Subject: x\r\n", "plain''" },
	{ "bare LF", "Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b\n\ntwo\n--b--\n",
		"mixed[plain'one'plain'two']" },
	{ "two parts", MULTI("b") "pre\r\n--b\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--b--\r\nepi\r\n",
		"mixed[plain'one'plain'two']" },
	{ "types", MULTI("b") "--b\r\nContent-Type: text/html\r\n\r\none\r\n--b--",
		"mixed[html'one']" },
	{ "blank behind boundary", MULTI("b") "--b \t\r\n\r\none\r\n--b-- \r\n",
		"mixed[plain'one']" },
	{ "quoted boundary", MULTI("\"b c\"") "--b c\r\n\r\none\r\n--b c--\r\n",
		"mixed[plain'one']" },
	{ "boundary in an RFC 2231 form",
		"Content-Type: multipart/mixed; boundary*0=b; boundary*1=c"
		"\r\n\r\n--bc\r\n\r\none\r\n--bc--",
		"mixed[plain'one']" },
	{ "boundary in the extended form",
		"Content-Type: multipart/mixed; boundary*=us-ascii''b%20c"
		"\r\n\r\n--b c\r\n\r\none\r\n--b c--",
		"mixed[plain'one']" },
	{ "no closing boundary", MULTI("b") "--b\r\n\r\none\r\n", "mixed[plain'one\r\n']" },
	{ "no parts", MULTI("b") "only text\r\n", "mixed[]" },
	{ "closed at once", MULTI("b") "--b--\r\n--b\r\n\r\nx", "mixed[]" },
	{ "no boundary parameter", "Content-Type: multipart/mixed\r\n\r\n--\r\n\r\nx", "mixed[]" },
	{ "empty boundary", MULTI("\"\"") "--\r\n\r\nx\r\n----\r\n", "mixed[]" },
	{ "empty parts", MULTI("b") "--b\r\n--b\r\n\r\n--b\r\n\r\n\r\n--b--",
		"mixed[plain''plain''plain'']" },
	{ "header without body", MULTI("b") "--b\r\nContent-Type: text/html\r\n--b--",
		"mixed[html'']" },
	{ "nested, nothing behind the inner boundary",
		MULTI("o") "--o\r\n" MULTI("i") "--i\r\n--o--", "mixed[mixed[plain'']]" },
	{ "ends in a header", MULTI("b") "--b\r\nContent-Type: text/html", "mixed[html'']" },
	{ "nested",
		MULTI("o") "--o\r\n" MULTI(
			"i") "--i\r\n\r\none\r\n--i--\r\nepi\r\n--o\r\n\r\ntwo\r\n--o--",
		"mixed[mixed[plain'one']plain'two']" },
	{ "nested, inner unclosed",
		MULTI("o") "--o\r\n" MULTI("i") "--i\r\n\r\none\r\n--o\r\n\r\ntwo\r\n--o--",
		"mixed[mixed[plain'one']plain'two']" },
	{ "nested, the same boundary",
		MULTI("b") "--b\r\n" MULTI(
			"b") "--b\r\n\r\none\r\n--b--\r\n--b\r\n\r\ntwo\r\n--b--",
		"mixed[mixed[plain'one']plain'two']" },
	{ "inner begins with outer",
		MULTI("b") "--b\r\n" MULTI(
			"bc") "--bc\r\n\r\none\r\n--bc--\r\n--b\r\n\r\ntwo\r\n--b--",
		"mixed[mixed[plain'one']plain'two']" },
	{ "outer begins with inner",
		MULTI("bc") "--bc\r\n" MULTI(
			"b") "--b\r\n\r\none\r\n--b--\r\n--bc\r\n\r\ntwo\r\n--bc--",
		"mixed[mixed[plain'one']plain'two']" },
	{ "dashes are text", MULTI("b") "--b\r\n\r\n-- \r\nme\r\n--\r\n--c\r\n--b--",
		"mixed[plain'-- \r\nme\r\n--\r\n--c']" },
	{ "message", "Content-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\nin\r\n",
		"rfc822{plain'in\r\n'}" },
	{ "message in multipart",
		MULTI("b") "--b\r\nContent-Type: message/rfc822\r\n\r\nA: b\r\n\r\nin\r\n--b--",
		"mixed[rfc822{plain'in'}]" },
	{ "message cut in its header",
		MULTI("b") "--b\r\nContent-Type: message/rfc822\r\n\r\nA: b\r\n--b--",
		"mixed[rfc822{plain''}]" },
	{ "multipart in message",
		"Content-Type: message/rfc822\r\n\r\n" MULTI("b") "--b\r\n\r\none\r\n--b--",
		"rfc822{mixed[plain'one']}" },
	{ "digest",
		"Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\nA: b\r\n\r\none\r\n"
		"--b\r\nContent-Type: text/plain\r\n\r\ntwo\r\n--b--",
		"digest[rfc822{plain'one'}plain'two']" },
	{ "type without subtype", "Content-Type: text\r\n\r\nx", "plain'x'" },
	{ "no type", "Content-Type: ;charset=x\r\n\r\nx", "plain'x'" },
	{ "comments in the type", "Content-Type: (a) text (b) / (c) html (d); charset=x\r\n\r\nx",
		"html'x'" },
	{ "the first type counts", "Content-Type: text/html\r\nContent-Type: text/css\r\n\r\nx",
		"html'x'" },
	{ "missing semicolon",
		"Content-Type: multipart/mixed boundary=b\r\n\r\n--b\r\n\r\none\r\n--b--",
		"mixed[plain'one']" },
};

static void
put_tree(struct buf *out, struct bytes message, const struct mime_part *p)
{
	static const char open[] = { '\'', '[', '{' }, close[] = { '\'', ']', '}' };

	buf_put_bytes(out, p->subtype);
	buf_put_u8(out, (uint8_t)open[p->kind]);
	if (p->kind == MIME_LEAF)
		buf_put_bytes(out, mime_body(message, p));
	for (const struct mime_part *c = p->child; c != NULL; c = c->next)
		put_tree(out, message, c);
	buf_put_u8(out, (uint8_t)close[p->kind]);
}

static size_t
count_lf(struct bytes b)
{
	size_t n = 0;

	for (size_t i = 0; i < b.n; i++)
		n += b.p[i] == '\n';
	return n;
}

/* What holds for every tree: parts lie within each other, in order, and lines are counted. */
static void
check_tree(struct bytes message, const struct mime_part *p)
{
	size_t at = p->body_at;

	assert_int_equal(p->body_at, p->header_at + p->header_len);
	assert_true(p->body_at + p->body_len <= message.n);
	assert_int_equal(p->header_lines, count_lf(mime_header(message, p)));
	assert_int_equal(p->body_lines, count_lf(mime_body(message, p)));
	for (const struct mime_part *c = p->child; c != NULL; c = c->next) {
		assert_ptr_equal(c->parent, p);
		assert_true(c->header_at >= at);
		at = c->body_at + c->body_len;
		check_tree(message, c);
	}
	assert_true(at <= p->body_at + p->body_len || p->kind == MIME_MULTIPART);
}

static void
run_row(void **arg)
{
	const struct row *t = *arg;
	struct arena a = ARENA_INIT;
	struct bytes in = bytes_from_str(t->in);
	struct mime_part *root = mime_parse(&a, in);
	struct buf out = BUF_INIT;

	put_tree(&out, in, root);
	assert_string_equal(buf_str(&out), t->out);
	check_tree(in, root);
	/* every beginning of it is a message, too */
	for (size_t n = 0; n < in.n; n++) {
		struct bytes head = bytes_head(in, n);

		arena_reset(&a);
		check_tree(head, mime_parse(&a, head));
	}
	buf_free(&out);
	arena_reset(&a);
}

/* --- parameters ------------------------------------------------------------------- */

static const struct row params[] = {
	{ "param: none", "text/plain", "text/plain" },
	{ "param: token", "text/plain; charset=utf-8", "text/plain|charset=utf-8" },
	{ "param: blanks", " text/plain ; charset = utf-8 ; x = y ",
		"text/plain|charset=utf-8|x=y" },
	{ "param: quoted", "a/b; n=\"x \\\"y\\\" ; z\"", "a/b|n=x \"y\" ; z" },
	{ "param: folded in quotes", "a/b; n=\"x\r\n y\"", "a/b|n=x y" },
	{ "param: empty quotes", "a/b; n=\"\"", "a/b|n=" },
	{ "param: comment", "a/b; n=x (c); m=y", "a/b|n=x|m=y" },
	{ "param: blanks in a token", "a/b; n=my file.txt; m=y", "a/b|n=my file.txt|m=y" },
	{ "param: semicolons", ";; a/b", "" },
	{ "param: doubled semicolons", "a/b;;n=x;", "a/b|n=x" },
	{ "param: without value", "a/b; n; m=y; =z; o=", "a/b|m=y|o=" },
	{ "param: no semicolon", "a/b n=x m=y", "a/b|n=x|m=y" },
	{ "param: unclosed quote", "a/b; n=\"x; m=y", "a/b|n=x|m=y" },
	{ "param: continuation", "a/b; n*0=x; n*1=y; n*2=\"z w\"", "a/b|n=xyz w" },
	{ "param: continuation, any order", "a/b; n*1=y; m=1; n*0=x", "a/b|m=1|n=xy" },
	{ "param: continuation with a gap", "a/b; n*0=x; n*2=z", "a/b|n=x|n*2=z" },
	{ "param: no first piece", "a/b; n*1=y", "a/b|n*1=y" },
	{ "param: extended", "a/b; n*=utf-8''%c3%a4", "a/b|n*=utf-8''%c3%a4" },
	{ "param: extended pieces", "a/b; n*0*=utf-8''%c3; n*1*=%a4; n*2=\" x\"",
		"a/b|n*=utf-8''%c3%a4%20x" },
	{ "param: 8 bit", "a/b; n=\"\xc3\xa4\"", "a/b|n=\xc3\xa4" },
};

static void
run_params(void **arg)
{
	const struct row *t = *arg;
	struct arena a = ARENA_INIT;
	struct mime_param *list;
	struct bytes value;
	struct buf out = BUF_INIT;

	assert_int_equal(mime_parse_value(&a, bytes_from_str(t->in), &value, &list),
		t->out[0] == 0 ? ERR_SYNTAX : ERR_OK);
	buf_put_bytes(&out, value);
	for (; list != NULL; list = list->next) {
		buf_put_u8(&out, '|');
		buf_put_bytes(&out, list->name);
		buf_put_u8(&out, '=');
		buf_put_bytes(&out, list->value);
	}
	assert_string_equal(buf_str(&out), t->out);
	buf_free(&out);
	arena_reset(&a);
}

static void
test_param_decoded(void **state)
{
	struct arena a = ARENA_INIT;
	struct mime_param *list;
	struct bytes value, charset;

	assert_int_equal(mime_parse_value(&a,
				 BYTES_LITERAL("attachment; filename*=ISO-8859-1'de'%E4b%zz; x=y"),
				 &value, &list),
		ERR_OK);
	assert_true(bytes_is(mime_param_decoded(&a, list, "filename", &charset), "\xe4"
										 "b%zz"));
	assert_true(bytes_is(charset, "ISO-8859-1"));
	assert_true(bytes_is(mime_param_decoded(&a, list, "x", &charset), "y"));
	assert_int_equal(charset.n, 0);
	assert_null(mime_param_decoded(&a, list, "z", &charset).p);
	arena_reset(&a);
}

/* --- sections, by the example of RFC 3501 sec. 6.4.5 ------------------------------ */

static const char example[] =
	"Subject: root\r\nContent-Type: multipart/mixed; boundary=a\r\n\r\n"
	"--a\r\n\r\none\r\n"
	"--a\r\nContent-Type: application/octet-stream\r\n\r\ntwo\r\n"
	"--a\r\nContent-Type: message/rfc822\r\n\r\n"
	"Subject: three\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
	"--b\r\n\r\nthree.one\r\n"
	"--b\r\nContent-Type: application/octet-stream\r\n\r\nthree.two\r\n--b--\r\n"
	"--a\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n"
	"--c\r\nContent-Type: image/gif\r\n\r\nfour.one\r\n"
	"--c\r\nContent-Type: message/rfc822\r\n\r\n"
	"Subject: four.two\r\n\r\nflat\r\n"
	"--c--\r\n"
	"--a--\r\n";

static const struct section_row {
	const char *label;
	uint32_t path[4];
	size_t npath;
	enum mime_section what;
	const char *out; /* NULL: no such thing; a '*' at the end: it begins so */
} sections[] = {
	{ "section: []", { 0 }, 0, MIME_SECTION_ALL, "Subject: root*" },
	{ "section: HEADER", { 0 }, 0, MIME_SECTION_HEADER,
		"Subject: root\r\nContent-Type: multipart/mixed; boundary=a\r\n\r\n" },
	{ "section: TEXT", { 0 }, 0, MIME_SECTION_TEXT, "--a\r\n\r\none*" },
	{ "section: MIME alone", { 0 }, 0, MIME_SECTION_MIME, NULL },
	{ "section: 1", { 1 }, 1, MIME_SECTION_ALL, "one" },
	{ "section: 1.MIME", { 1 }, 1, MIME_SECTION_MIME, "\r\n" },
	{ "section: 1.HEADER", { 1 }, 1, MIME_SECTION_HEADER, NULL },
	{ "section: 1.1", { 1, 1 }, 2, MIME_SECTION_ALL, NULL },
	{ "section: 2", { 2 }, 1, MIME_SECTION_ALL, "two" },
	{ "section: 3", { 3 }, 1, MIME_SECTION_ALL, "Subject: three\r\n*" },
	{ "section: 3.MIME", { 3 }, 1, MIME_SECTION_MIME, "Content-Type: message/rfc822\r\n\r\n" },
	{ "section: 3.HEADER", { 3 }, 1, MIME_SECTION_HEADER,
		"Subject: three\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" },
	{ "section: 3.TEXT", { 3 }, 1, MIME_SECTION_TEXT, "--b\r\n\r\nthree.one*" },
	{ "section: 3.1", { 3, 1 }, 2, MIME_SECTION_ALL, "three.one" },
	{ "section: 3.2", { 3, 2 }, 2, MIME_SECTION_ALL, "three.two" },
	{ "section: 3.3", { 3, 3 }, 2, MIME_SECTION_ALL, NULL },
	{ "section: 4", { 4 }, 1, MIME_SECTION_ALL, "--c\r\nContent-Type: image/gif*" },
	{ "section: 4.1.MIME", { 4, 1 }, 2, MIME_SECTION_MIME, "Content-Type: image/gif\r\n\r\n" },
	{ "section: 4.2", { 4, 2 }, 2, MIME_SECTION_ALL, "Subject: four.two\r\n\r\nflat" },
	{ "section: 4.2.HEADER", { 4, 2 }, 2, MIME_SECTION_HEADER, "Subject: four.two\r\n\r\n" },
	{ "section: 4.2.TEXT", { 4, 2 }, 2, MIME_SECTION_TEXT, "flat" },
	{ "section: 4.2.1", { 4, 2, 1 }, 3, MIME_SECTION_ALL, "flat" },
	{ "section: 4.2.1.MIME", { 4, 2, 1 }, 3, MIME_SECTION_MIME, "Subject: four.two\r\n\r\n" },
	{ "section: 4.2.2", { 4, 2, 2 }, 3, MIME_SECTION_ALL, NULL },
	{ "section: 4.2.1.1", { 4, 2, 1, 1 }, 4, MIME_SECTION_ALL, NULL },
	{ "section: 5", { 5 }, 1, MIME_SECTION_ALL, NULL },
	{ "section: 0", { 0 }, 1, MIME_SECTION_ALL, NULL },
};

static void
run_section(void **arg)
{
	const struct section_row *t = *arg;
	struct arena a = ARENA_INIT;
	struct bytes in = bytes_from_str(example), got, want;
	struct mime_part *root = mime_parse(&a, in);
	struct mime_range range;
	int r = mime_section_range(root, t->path, t->npath, t->what, &range);

	assert_int_equal(r, t->out == NULL ? ERR_NOT_FOUND : ERR_OK);
	if (t->out != NULL) {
		want = bytes_from_str(t->out);
		got = mime_range_bytes(in, range);
		if (want.p[want.n - 1] == '*') {
			want.n--;
			got = bytes_head(got, want.n);
		}
		assert_true(bytes_equal(got, want));
	}
	arena_reset(&a);
}

static void
test_flat_sections(void **state)
{
	struct arena a = ARENA_INIT;
	struct bytes in = BYTES_LITERAL("A: b\r\n\r\nbody");
	struct mime_part *root = mime_parse(&a, in);
	uint32_t one[] = { 1, 1 };
	struct mime_range range;

	assert_int_equal(mime_section_range(root, one, 1, MIME_SECTION_ALL, &range), ERR_OK);
	assert_true(bytes_is(mime_range_bytes(in, range), "body"));
	assert_int_equal(mime_section_range(root, one, 1, MIME_SECTION_MIME, &range), ERR_OK);
	assert_true(bytes_is(mime_range_bytes(in, range), "A: b\r\n\r\n"));
	assert_int_equal(mime_section_range(root, one, 2, MIME_SECTION_ALL, &range), ERR_NOT_FOUND);
	arena_reset(&a);
}

/* --- limits ----------------------------------------------------------------------- */

static void
test_depth(void **state)
{
	struct arena a = ARENA_INIT;
	struct buf in = BUF_INIT;
	const struct mime_part *p;
	size_t depth = 0;

	for (int i = 0; i < 3000; i++)
		buf_printf(&in, "%sContent-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n",
			"", i, i);
	for (int i = 0; i < 3000; i++)
		buf_put_str(&in, "Content-Type: message/rfc822\r\n\r\n");
	for (p = mime_parse(&a, buf_bytes(&in)); p->child != NULL; p = p->child)
		depth++;
	assert_int_equal(depth, MIME_DEPTH_MAX);
	buf_clear(&in);
	for (int i = 0; i < 3000; i++)
		buf_put_str(&in, "Content-Type: message/rfc822\r\n\r\n");
	depth = 0;
	for (p = mime_parse(&a, buf_bytes(&in)); p->child != NULL; p = p->child)
		depth++;
	assert_int_equal(depth, MIME_DEPTH_MAX);
	buf_free(&in);
	arena_reset(&a);
}

static void
test_parts(void **state)
{
	struct arena a = ARENA_INIT;
	struct buf in = BUF_INIT;
	const struct mime_part *root;
	size_t parts = 0;

	buf_put_str(&in, MULTI("b"));
	for (int i = 0; i < 50000; i++)
		buf_put_str(&in, "--b\r\n\r\nx\r\n");
	root = mime_parse(&a, buf_bytes(&in));
	for (const struct mime_part *p = root->child; p != NULL; p = p->next)
		parts++;
	assert_int_equal(parts, MIME_PARTS_MAX - 1);
	assert_int_equal(root->body_at + root->body_len, in.len);
	buf_free(&in);
	arena_reset(&a);
}

int
main(void)
{
	struct CMUnitTest tests[150];
	size_t n = 0;

	ADD_ROWS(tests, n, rows, run_row);
	ADD_ROWS(tests, n, params, run_params);
	ADD_ROWS(tests, n, sections, run_section);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_param_decoded);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_flat_sections);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_depth);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_parts);
	return _cmocka_run_group_tests("proto/mime", tests, n, NULL, NULL);
}
