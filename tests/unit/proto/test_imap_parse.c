/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/proto/test_imap_parse.c - the arguments of IMAP's commands, as one line of text each.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "err.h"
#include "imap_parse.h"

typedef int dump_fn(struct imap_parser *p, struct buf *out);

/* -- what was understood, as text -------------------------------------------------------------- */

static void
put_word(struct buf *out, struct bytes b)
{
	buf_printf(out, "<%.*s>", (int)b.n, (const char *)b.p);
}

static void
put_number(struct buf *out, uint32_t n)
{
	if (n == IMAP_STAR)
		buf_put_str(out, "*");
	else
		buf_printf(out, "%u", n);
}

static void
put_set(struct buf *out, const struct imap_set *set)
{
	if (set->saved)
		buf_put_str(out, "$");
	for (size_t i = 0; i < set->count; i++) {
		buf_put_str(out, i > 0 ? "," : "");
		put_number(out, set->ranges[i].first);
		if (set->ranges[i].last != set->ranges[i].first) {
			buf_put_str(out, ":");
			put_number(out, set->ranges[i].last);
		}
	}
}

static int
dump_set(struct imap_parser *p, struct buf *out)
{
	struct imap_set set;
	int r = imap_get_set(p, &set);

	if (r == ERR_OK)
		put_set(out, &set);
	return r < 0 ? r : imap_get_end(p);
}

/* with "*" as 10 */
static int
dump_resolved(struct imap_parser *p, struct buf *out)
{
	struct imap_set set;
	int r = imap_get_set(p, &set);

	if (r < 0)
		return r;
	imap_set_resolve(&set, 10);
	put_set(out, &set);
	for (uint32_t n = 0; n < 30; n++) {
		bool in = false;

		for (size_t i = 0; i < set.count; i++)
			in |= set.ranges[i].first <= n && n <= set.ranges[i].last;
		assert_int_equal(imap_set_has(&set, n), in);
	}
	return ERR_OK;
}

static void
put_flags(struct buf *out, const struct imap_flags *f)
{
	for (unsigned bit = 1; bit <= IMAP_RECENT; bit <<= 1)
		if ((f->system & bit) != 0)
			buf_printf(out, "%s ", imap_flag_name(bit));
	for (size_t i = 0; i < f->keyword_count; i++) {
		put_word(out, f->keywords[i]);
		buf_put_str(out, " ");
	}
}

static int
dump_flags(struct imap_parser *p, struct buf *out)
{
	struct imap_flags f;
	int r = imap_get_flag_list(p, &f);

	if (r == ERR_OK)
		put_flags(out, &f);
	return r < 0 ? r : imap_get_end(p);
}

static int
dump_store(struct imap_parser *p, struct buf *out)
{
	struct imap_store s;
	int r = imap_get_store(p, &s);

	if (r < 0)
		return r;
	buf_printf(out, "%s%s ",
		s.mode == IMAP_STORE_ADD      ? "add"
		: s.mode == IMAP_STORE_REMOVE ? "remove"
					      : "set",
		s.silent ? " silent" : "");
	put_flags(out, &s.flags);
	return ERR_OK;
}

static int
dump_fetch(struct imap_parser *p, struct buf *out)
{
	static const char *const names[] = { "FLAGS", "UID", "INTERNALDATE", "SIZE", "ENVELOPE",
		"BODY", "BODYSTRUCTURE" };
	struct imap_fetch f;
	int r = imap_get_fetch(p, &f);

	if (r < 0)
		return r;
	for (size_t i = 0; i < NITEMS(names); i++)
		if ((f.items & 1U << i) != 0)
			buf_printf(out, "%s ", names[i]);
	for (size_t i = 0; i < f.section_count; i++) {
		const struct imap_section *s = &f.sections[i];

		put_word(out, s->label);
		buf_put_str(out, s->peek ? " peek " : " ");
		if (s->partial)
			buf_printf(out, "%u+%u ", s->offset, s->length);
	}
	return imap_get_end(p);
}

static void
put_key(struct buf *out, const struct imap_search_key *k)
{
	static const char *const names[] = { "all", "flag", "noflag", "new", "keyword", "nokeyword",
		"before", "on", "since", "sentbefore", "senton", "sentsince", "larger", "smaller",
		"header", "body", "text", "seq", "uid", "not", "or", "and" };

	buf_printf(out, "(%s", names[k->op]);
	if (k->op == IMAP_SEARCH_FLAG || k->op == IMAP_SEARCH_NOFLAG)
		buf_printf(out, " %s", imap_flag_name(k->number));
	if (k->op == IMAP_SEARCH_LARGER || k->op == IMAP_SEARCH_SMALLER)
		buf_printf(out, " %u", k->number);
	if (k->op >= IMAP_SEARCH_BEFORE && k->op <= IMAP_SEARCH_SENTSINCE)
		buf_printf(out, " %lld", (long long)k->day);
	if (k->field.p != NULL)
		put_word(out, k->field);
	if (k->text.p != NULL)
		put_word(out, k->text);
	if (k->op == IMAP_SEARCH_SEQUENCE || k->op == IMAP_SEARCH_UID)
		buf_put_str(out, " ");
	put_set(out, &k->set);
	for (k = k->child; k != NULL; k = k->next)
		put_key(out, k);
	buf_put_str(out, ")");
}

static int
dump_search(struct imap_parser *p, struct buf *out)
{
	struct imap_search s;
	int r = imap_get_search(p, &s);

	if (r < 0)
		return r;
	if (s.charset.n > 0)
		put_word(out, s.charset);
	for (const struct imap_search_key *k = s.key->child; k != NULL; k = k->next)
		put_key(out, k);
	return ERR_OK;
}

static int
dump_append(struct imap_parser *p, struct buf *out)
{
	struct imap_append a;
	int r = imap_get_append(p, &a);

	if (r > 0)
		buf_put_str(out, "mailbox");
	if (r != ERR_OK)
		return r;
	put_word(out, a.mailbox);
	buf_put_str(out, " ");
	put_flags(out, &a.flags);
	if (a.has_date)
		buf_printf(out, "@%lld ", (long long)a.date);
	buf_printf(out, "%llu%s", (unsigned long long)a.size, a.sync ? "" : "+");
	return ERR_OK;
}

static int
dump_status(struct imap_parser *p, struct buf *out)
{
	unsigned items;
	int r = imap_get_status_items(p, &items);

	if (r == ERR_OK)
		buf_printf(out, "%u", items);
	return r < 0 ? r : imap_get_end(p);
}

static int
dump_mailbox(struct imap_parser *p, struct buf *out)
{
	struct bytes name;
	int r = imap_get_mailbox(p, &name);

	if (r == ERR_OK)
		put_word(out, name);
	return r < 0 ? r : imap_get_end(p);
}

static int
dump_pattern(struct imap_parser *p, struct buf *out)
{
	struct bytes name;
	int r = imap_get_list_mailbox(p, &name);

	if (r == ERR_OK)
		put_word(out, name);
	return r < 0 ? r : imap_get_end(p);
}

static int
dump_tag(struct imap_parser *p, struct buf *out)
{
	struct bytes tag;
	int r = imap_get_tag(p, &tag);

	if (r == ERR_OK)
		put_word(out, tag);
	return r;
}

static int
dump_id(struct imap_parser *p, struct buf *out)
{
	struct bytes *words;
	size_t n;
	int r = imap_get_id(p, &words, &n);

	for (size_t i = 0; r == ERR_OK && i < n; i++) {
		if (words[i].p == NULL)
			buf_put_str(out, "NIL");
		else
			put_word(out, words[i]);
	}
	return r < 0 ? r : imap_get_end(p);
}

static int
dump_date(struct imap_parser *p, struct buf *out)
{
	int64_t day;
	int r = imap_get_date(p, &day);

	if (r == ERR_OK)
		buf_printf(out, "%lld", (long long)day);
	return r < 0 ? r : imap_get_end(p);
}

static int
dump_time(struct imap_parser *p, struct buf *out)
{
	int64_t t;
	int r = imap_get_date_time(p, &t);

	if (r == ERR_OK)
		buf_printf(out, "%lld", (long long)t);
	return r < 0 ? r : imap_get_end(p);
}

/* -- rows -----------------------------------------------------------------------------------------
 */

static const struct row {
	dump_fn *dump;
	const char *in;
	const char *expected; /* NULL: ERR_SYNTAX */
} rows[] = {
	{ dump_tag, "a001 NOOP", "<a001>" },
	{ dump_tag, "a]b.c NOOP", "<a]b.c>" },
	{ dump_tag, "+ NOOP", NULL },
	{ dump_tag, "* OK", NULL },
	{ dump_tag, " NOOP", NULL },
	{ dump_tag, "", NULL },

	{ dump_set, "1", "1" },
	{ dump_set, "*", "*" },
	{ dump_set, "1:*", "1:*" },
	{ dump_set, "*:4,2,7:5", "*:4,2,7:5" },
	{ dump_set, "4294967295", "4294967294" },
	{ dump_set, "4294967296", NULL },
	{ dump_set, "$", "$" },
	{ dump_set, "0", NULL },
	{ dump_set, "1,", NULL },
	{ dump_set, "1:", NULL },
	{ dump_set, ":1", NULL },
	{ dump_set, "1,,2", NULL },
	{ dump_set, "1:2:3", NULL },
	{ dump_set, "", NULL },
	{ dump_set, "a", NULL },
	{ dump_resolved, "5:3,1,2,9:*", "1,2,3:5,9:10" },
	{ dump_resolved, "12:*", "10:12" },
	{ dump_resolved, "*", "10" },
	{ dump_resolved, "1:3,2:8,8", "1:8" },

	{ dump_flags, "()", "" },
	{ dump_flags, "(\\Seen)", "\\Seen " },
	{ dump_flags, "(\\seen \\DELETED $Forwarded junk JUNK)",
		"\\Deleted \\Seen <$Forwarded> <junk> " },
	{ dump_flags, "(\\Recent)", NULL },
	{ dump_flags, "(\\Nonsense)", NULL },
	{ dump_flags, "(\\)", NULL },
	{ dump_flags, "(a ", NULL },
	{ dump_flags, "(a  b)", NULL },
	{ dump_flags, "a", NULL },

	{ dump_store, "+FLAGS (\\Deleted)", "add \\Deleted " },
	{ dump_store, "-flags.silent x", "remove silent <x> " },
	{ dump_store, "FLAGS ()", "set " },
	{ dump_store, "FLAGS \\Seen \\Draft", "set \\Seen \\Draft " },
	{ dump_store, "FLAGS", NULL },
	{ dump_store, "FLAGS ", NULL },
	{ dump_store, "FLAGS.LOUD (x)", NULL },
	{ dump_store, "FLAGS (x) y", NULL },

	{ dump_fetch, "FLAGS", "FLAGS " },
	{ dump_fetch, "ALL", "FLAGS INTERNALDATE SIZE ENVELOPE " },
	{ dump_fetch, "fast", "FLAGS INTERNALDATE SIZE " },
	{ dump_fetch, "FULL", "FLAGS INTERNALDATE SIZE ENVELOPE BODY " },
	{ dump_fetch, "(ALL)", NULL },
	{ dump_fetch, "(UID BODYSTRUCTURE BODY)", "UID BODY BODYSTRUCTURE " },
	{ dump_fetch, "(FLAGS)", "FLAGS " },
	{ dump_fetch, "()", NULL },
	{ dump_fetch, "(FLAGS UID", NULL },
	{ dump_fetch, "FLAGSX", NULL },
	{ dump_fetch, "FLAGS UID", NULL },
	{ dump_fetch, "RFC822", "<RFC822> " },
	{ dump_fetch, "(RFC822.SIZE RFC822.HEADER RFC822.TEXT)",
		"SIZE <RFC822.HEADER> peek <RFC822.TEXT> " },
	{ dump_fetch, "RFC822.NOTHING", NULL },
	{ dump_fetch, "BODY[]", "<BODY[]> " },
	{ dump_fetch, "body.peek[]", "<BODY[]> peek " },
	{ dump_fetch, "BODY.PEEK", NULL },
	{ dump_fetch, "BODY[]<0.100>", "<BODY[]<0>> 0+100 " },
	{ dump_fetch, "BODY[]<5.0>", NULL },
	{ dump_fetch, "BODY[]<5>", NULL },
	{ dump_fetch, "BODY[1.2.3]", "<BODY[1.2.3]> " },
	{ dump_fetch, "BODY[1.2.MIME]", "<BODY[1.2.MIME]> " },
	{ dump_fetch, "BODY[MIME]", NULL },
	{ dump_fetch, "BODY[1.TEXT]", "<BODY[1.TEXT]> " },
	{ dump_fetch, "BODY[header]", "<BODY[HEADER]> " },
	{ dump_fetch, "BODY[1.]", NULL },
	{ dump_fetch, "BODY[0]", NULL },
	{ dump_fetch, "BODY[.TEXT]", NULL },
	{ dump_fetch, "BODY[1TEXT]", NULL },
	{ dump_fetch, "BODY[TEXT", NULL },
	{ dump_fetch, "BODY[HEADER.FIELDS (From \"To\" {2}\r\nCc)]",
		"<BODY[HEADER.FIELDS (From To Cc)]> " },
	{ dump_fetch, "BODY.PEEK[4.HEADER.FIELDS.NOT (\"a b\")]<1.2>",
		"<BODY[4.HEADER.FIELDS.NOT (\"a b\")]<1>> peek 1+2 " },
	{ dump_fetch, "BODY[HEADER.FIELDS ()]", NULL },
	{ dump_fetch, "BODY[HEADER.FIELDS]", NULL },
	{ dump_fetch, "(BODY[1] BODY[2]<3.4> UID)", "UID <BODY[1]> <BODY[2]<3>> 3+4 " },
	{ dump_fetch, "BODYSTRUCTURES", NULL },

	{ dump_search, "ALL", "(all)" },
	{ dump_search, "unseen DELETED", "(noflag \\Seen)(flag \\Deleted)" },
	{ dump_search, "OLD RECENT NEW", "(noflag \\Recent)(flag \\Recent)(new)" },
	{ dump_search, "CHARSET UTF-8 TEXT x", "<UTF-8>(text<x>)" },
	{ dump_search, "FROM a TO {1}\r\nb SUBJECT \"c d\"",
		"(header<From><a>)(header<To><b>)(header<Subject><c d>)" },
	{ dump_search, "HEADER X-Y \"\"", "(header<X-Y><>)" },
	{ dump_search, "BCC a CC b BODY c", "(header<Bcc><a>)(header<Cc><b>)(body<c>)" },
	{ dump_search, "OR SEEN OR FLAGGED NOT DRAFT",
		"(or(flag \\Seen)(or(flag \\Flagged)(not(flag \\Draft))))" },
	{ dump_search, "(1:3 (UID 5,7)) NOT (SEEN)",
		"(and(seq 1:3)(and(uid 5,7)))(not(and(flag \\Seen)))" },
	{ dump_search, "BEFORE 1-Jan-1970 SINCE \"2-Jan-1970\" ON 31-Dec-1969",
		"(before 0)(since 1)(on -1)" },
	{ dump_search, "SENTBEFORE 1-Feb-1994 SENTON 1-Feb-1994 SENTSINCE 1-Feb-1994",
		"(sentbefore 8797)(senton 8797)(sentsince 8797)" },
	{ dump_search, "LARGER 10 SMALLER 4294967295", "(larger 10)(smaller 4294967295)" },
	{ dump_search, "KEYWORD $Junk UNKEYWORD x", "(keyword<$Junk>)(nokeyword<x>)" },
	{ dump_search, "* $", "(seq *)(seq $)" },
	{ dump_search, "UNANSWERED UNDELETED UNDRAFT UNFLAGGED ANSWERED",
		"(noflag \\Answered)(noflag \\Deleted)(noflag \\Draft)(noflag \\Flagged)"
		"(flag \\Answered)" },
	{ dump_search, "", NULL },
	{ dump_search, "SEEN ", NULL },
	{ dump_search, "()", NULL },
	{ dump_search, "(SEEN", NULL },
	{ dump_search, "SEEN)", NULL },
	{ dump_search, "OR SEEN", NULL },
	{ dump_search, "NOT", NULL },
	{ dump_search, "FROM", NULL },
	{ dump_search, "LARGER x", NULL },
	{ dump_search, "BEFORE yesterday", NULL },
	{ dump_search, "CHARSET UTF-8", NULL },
	{ dump_search, "NONSENSE", NULL },

	{ dump_append, " INBOX {310}", "<INBOX> 310" },
	{ dump_append, " inbox (\\Seen x) {310+}", "<INBOX> \\Seen <x> 310+" },
	{ dump_append, " \"a b\" \"17-Jul-1996 02:44:25 -0700\" {5}", "<a b> @837596665 5" },
	{ dump_append, " a () \" 1-Jan-1970 00:00:00 +0000\" {5}\r\n", "<a> @0 5" },
	{ dump_append, " {5}", "mailbox" },
	{ dump_append, " {5}\r\nINBOX {7}", "<INBOX> 7" },
	{ dump_append, " {5}\r\na {9} {7}", "<a {9}> 7" },
	{ dump_append, " a (\\Recent) {5}", NULL },
	{ dump_append, " a (x {5}", NULL },
	{ dump_append, " a \"yesterday\" {5}", NULL },
	{ dump_append, " a", NULL },
	{ dump_append, "", NULL },

	{ dump_status, "(MESSAGES unseen)", "17" },
	{ dump_status, "(RECENT UIDNEXT UIDVALIDITY)", "14" },
	{ dump_status, "()", NULL },
	{ dump_status, "MESSAGES", NULL },
	{ dump_status, "(NONSENSE)", NULL },

	{ dump_mailbox, "inBOX", "<INBOX>" },
	{ dump_mailbox, "INBOX/x", "<INBOX/x>" },
	{ dump_mailbox, "\"a \\\"b\\\\\"", "<a \"b\\>" },
	{ dump_mailbox, "{3}\r\na b", "<a b>" },
	{ dump_mailbox, "a]b", "<a]b>" },
	{ dump_mailbox, "a%b", NULL },
	{ dump_mailbox, "a*", NULL },
	{ dump_mailbox, "\"a\\nb\"", NULL },
	{ dump_mailbox, "\"a", NULL },
	{ dump_mailbox, "{4}\r\na b", NULL },
	{ dump_mailbox, "{3}a b", NULL },
	{ dump_mailbox, "a b", NULL },
	{ dump_mailbox, "\"\"", "<>" },
	{ dump_pattern, "%/*]", "<%/*]>" },
	{ dump_pattern, "(", NULL },

	{ dump_id, "NIL", "" },
	{ dump_id, "()", "" },
	{ dump_id, "(\"name\" \"x\" \"version\" NIL)", "<name><x><version>NIL" },
	{ dump_id, "(\"name\")", NULL },
	{ dump_id, "(name \"x\")", NULL },

	{ dump_date, "29-Feb-2000", "11016" },
	{ dump_date, "29-Feb-1900", NULL },
	{ dump_date, "31-Apr-2000", NULL },
	{ dump_date, "1-jan-1970", "0" },
	{ dump_date, "01-Jan-1970", "0" },
	{ dump_date, "001-Jan-1970", NULL },
	{ dump_date, "1-Jan-70", NULL },
	{ dump_date, "\"1-Jan-1970", NULL },
	{ dump_time, "\"01-Jan-1970 01:00:00 +0100\"", "0" },
	{ dump_time, "\"1-Jan-1970 01:00:00 +0100\"", NULL },
	{ dump_time, "\"01-Jan-1970 24:00:00 +0100\"", NULL },
	{ dump_time, "\"01-Jan-1970 01:00:00\"", NULL },
};

static void
run_row(void **arg)
{
	const struct row *t = *arg;
	struct arena arena = ARENA_INIT;
	struct bytes in = bytes_from_str(t->in);
	uint8_t *copy = xmalloc(in.n + 1);
	struct buf out = BUF_INIT;
	struct imap_parser p;
	int r;

	/* of its own size, so that reading past it is seen */
	copy = xrealloc(copy, in.n > 0 ? in.n : 1);
	memcpy(copy, in.p, in.n);
	imap_parser_init(&p, bytes_make(copy, in.n), &arena);
	r = t->dump(&p, &out);
	if (t->expected == NULL) {
		assert_int_equal(r, ERR_SYNTAX);
		assert_non_null(p.problem);
	} else {
		assert_true(r >= 0);
		assert_string_equal(buf_str(&out), t->expected);
	}
	buf_free(&out);
	arena_reset(&arena);
	free(copy);
}

/* -- limits
 * ---------------------------------------------------------------------------------------- */

static int
parse_repeated(dump_fn *dump, const char *head, const char *unit, unsigned times, const char *tail)
{
	struct arena arena = ARENA_INIT;
	struct buf in = BUF_INIT, out = BUF_INIT;
	struct imap_parser p;
	int r;

	buf_put_str(&in, head);
	for (unsigned i = 0; i < times; i++)
		buf_put_str(&in, unit);
	buf_put_str(&in, tail);
	imap_parser_init(&p, buf_bytes(&in), &arena);
	r = dump(&p, &out);
	buf_free(&in);
	buf_free(&out);
	arena_reset(&arena);
	return r;
}

static void
test_limits(void **arg)
{
	UNUSED(arg);
	assert_int_equal(parse_repeated(dump_search, "", "NOT ", 60, "SEEN"), ERR_OK);
	assert_int_equal(parse_repeated(dump_search, "", "NOT ", 20000, "SEEN"), ERR_LIMIT);
	assert_int_equal(parse_repeated(dump_search, "", "(", 20000, ""), ERR_LIMIT);
	assert_int_equal(parse_repeated(dump_search, "SEEN", " SEEN", 1000, ""), ERR_OK);
	assert_int_equal(parse_repeated(dump_search, "SEEN", " SEEN", 2000, ""), ERR_LIMIT);
	assert_int_equal(parse_repeated(dump_set, "1", ",3", 60000, ""), ERR_OK);
	assert_int_equal(parse_repeated(dump_set, "1", ",3", 70000, ""), ERR_LIMIT);
	assert_int_equal(parse_repeated(dump_fetch, "(UID", " BODY[1]", 128, ")"), ERR_OK);
	assert_int_equal(parse_repeated(dump_fetch, "(UID", " BODY[1]", 129, ")"), ERR_LIMIT);
	assert_int_equal(parse_repeated(dump_fetch, "BODY[1", ".1", 63, "]"), ERR_OK);
	assert_int_equal(parse_repeated(dump_fetch, "BODY[1", ".1", 64, "]"), ERR_LIMIT);
	assert_int_equal(parse_repeated(dump_mailbox, "", "m", 1001, ""), ERR_LIMIT);
	assert_int_equal(
		parse_repeated(dump_id, "(\"a\" \"b\"", " \"a\" \"b\"", 30, ")"), ERR_LIMIT);
	assert_int_equal(parse_repeated(dump_tag, "", "t", 129, " NOOP"), ERR_LIMIT);
}

static const struct list_row {
	const char *pattern, *name;
	bool matches;
} list_rows[] = {
	{ "*", "a/b", true },
	{ "%", "a/b", false },
	{ "%", "a", true },
	{ "", "", true },
	{ "", "a", false },
	{ "%/%", "a/b", true },
	{ "%/%", "a/b/c", false },
	{ "a*c", "a/b/c", true },
	{ "a%c", "a/b/c", false },
	{ "a*", "a", true },
	{ "a%b%c", "axxbyyc", true },
	{ "*b", "aXbXb", true },
	{ "*%*", "a/b", true },
	{ "INBOX", "INBOX", true },
	{ "INBOX", "INBOX/a", false },
	{ "a/%", "a/", true },
	{ "%b", "a/b", false },
	{ "*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false },
};

static void
test_list(void **arg)
{
	UNUSED(arg);
	for (size_t i = 0; i < NITEMS(list_rows); i++) {
		const struct list_row *t = &list_rows[i];

		if (imap_list_match(bytes_from_str(t->pattern), bytes_from_str(t->name), '/') !=
			t->matches)
			fail_msg("\"%s\" and \"%s\"", t->pattern, t->name);
	}
}

static void
test_put_set(void **arg)
{
	static const uint32_t numbers[] = { 1, 2, 3, 5, 7, 8 };
	struct buf out = BUF_INIT;

	UNUSED(arg);
	imap_put_set(&out, numbers, NITEMS(numbers));
	assert_string_equal(buf_str(&out), "1:3,5,7:8");
	buf_free(&out);
}

int
main(void)
{
	struct CMUnitTest tests[NITEMS(rows) + 3];

	for (size_t i = 0; i < NITEMS(rows); i++)
		tests[i] = (struct CMUnitTest){ rows[i].in, run_row, NULL, NULL,
			(void *)(uintptr_t)&rows[i] };
	tests[NITEMS(rows)] = (struct CMUnitTest)cmocka_unit_test(test_limits);
	tests[NITEMS(rows) + 1] = (struct CMUnitTest)cmocka_unit_test(test_list);
	tests[NITEMS(rows) + 2] = (struct CMUnitTest)cmocka_unit_test(test_put_set);
	return cmocka_run_group_tests_name("proto/imap_parse", tests, NULL, NULL);
}
