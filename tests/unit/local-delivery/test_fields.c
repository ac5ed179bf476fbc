/* SPDX-License-Identifier: ISC */
/* tests/unit/local-delivery/test_fields.c - fields in front, loops, folders for details. */
#include "cases.h"

#include "delivery.h"

static const struct fields {
	const char *label, *reverse_path;
	bool delivered_to;
	const char *prefix, *want;
} fields[] = {
	{ "all", "a@b.test", true, "Received: x\r\n",
		"Return-Path: <a@b.test>\r\nDelivered-To: u@d.test\r\nReceived: x\r\n" },
	{ "null reverse-path", "", true, "", "Return-Path: <>\r\nDelivered-To: u@d.test\r\n" },
	{ "without Delivered-To", "a@b.test", false, "R: x\r\n",
		"Return-Path: <a@b.test>\r\nR: x\r\n" },
	{ "quoted local-part", "\"a b\"@c.test", false, "", "Return-Path: <\"a b\"@c.test>\r\n" },
};

static void
run_fields(void **arg)
{
	const struct fields *t = *arg;
	struct arena a = ARENA_INIT;
	struct delivery_job job = { .account = BYTES_LITERAL("u@d.test"),
		.reverse_path = bytes_from_str(t->reverse_path),
		.prefix = bytes_from_str(t->prefix) };

	assert_true(bytes_is(delivery_fields(&job, t->delivered_to, &a), t->want));
	arena_reset(&a);
}

static const struct loop {
	const char *label, *header;
	bool loops;
} loops[] = {
	{ "no header at all", "", false },
	{ "nothing of the kind", "From: a\r\nTo: u@d.test\r\n\r\n", false },
	{ "there", "From: a\r\nDelivered-To: u@d.test\r\n\r\nbody", true },
	{ "first line", "Delivered-To: u@d.test\r\n\r\n", true },
	{ "other case", "DELIVERED-TO:U@D.Test\r\n\r\n", true },
	{ "blanks", "Delivered-To:\t u@d.test \r\n\r\n", true },
	{ "somebody else's", "Delivered-To: v@d.test\r\n\r\n", false },
	{ "longer address", "Delivered-To: u@d.test.example\r\n\r\n", false },
	{ "second of two", "Delivered-To: v@d.test\r\nDelivered-To: u@d.test\r\n\r\n", true },
	{ "in the body", "From: a\r\n\r\nDelivered-To: u@d.test\r\n", false },
	{ "in a continuation line", "X: a\r\n Delivered-To: u@d.test\r\n\r\n", false },
	{ "header cut in the middle", "From: a\r\nDelivered-To: u@d.test", true },
	{ "header cut in the name", "From: a\r\nDeliver", false },
	{ "bare LF", "From: a\nDelivered-To: u@d.test\n\n", true },
	{ "bare LF, body", "From: a\n\nDelivered-To: u@d.test\n", false },
};

static void
run_loop(void **arg)
{
	const struct loop *t = *arg;

	assert_int_equal(
		delivery_loops(bytes_from_str(t->header), BYTES_LITERAL("u@d.test")), t->loops);
}

static const struct folder {
	const char *label, *detail, *folder;
} folders[] = {
	{ "none", "", NULL },
	{ "plain", "lists", "lists" },
	{ "with a dot", "lists.relais", "lists.relais" },
	{ "level", "Lists/relais", "Lists/relais" },
	{ "UTF-8", "Entw\xc3\xbcrfe", "Entw&APw-rfe" },
	{ "ampersand", "a&b", "a&-b" },
	{ "not UTF-8", "a\xff", NULL },
	{ "up and away", "../other", NULL },
	{ "empty level", "a//b", NULL },
	{ "slash first", "/etc", NULL },
};

static void
run_folder(void **arg)
{
	const struct folder *t = *arg;
	struct arena a = ARENA_INIT;
	struct bytes got = delivery_folder(bytes_from_str(t->detail), &a);

	if (t->folder == NULL)
		assert_int_equal(got.n, 0);
	else
		assert_true(bytes_is(got, t->folder));
	arena_reset(&a);
}

int
main(void)
{
	TABLE_TESTS(field_tests, fields, run_fields);
	TABLE_TESTS(loop_tests, loops, run_loop);
	TABLE_TESTS(folder_tests, folders, run_folder);

	return cmocka_run_group_tests_name("local-delivery/fields", field_tests, NULL, NULL) +
	       cmocka_run_group_tests_name("local-delivery/loops", loop_tests, NULL, NULL) +
	       cmocka_run_group_tests_name("local-delivery/folders", folder_tests, NULL, NULL);
}
