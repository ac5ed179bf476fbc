/* SPDX-License-Identifier: ISC */
/* tests/unit/base/test_err.c - every error has words, and knows whether a retry can help. */
#include "cases.h"

#include <errno.h>
#include <string.h>

#include "err.h"

static const struct row {
	const char *label;
	int err;
	bool temporary;
} rows[] = {
	{ "ok", ERR_OK, false },
	{ "syntax", ERR_SYNTAX, false },
	{ "limit", ERR_LIMIT, false },
	{ "not found", ERR_NOT_FOUND, false },
	{ "exists", ERR_EXISTS, false },
	{ "denied", ERR_DENIED, false },
	{ "corrupt", ERR_CORRUPT, false },
	{ "unsupported", ERR_UNSUPPORTED, false },
	{ "quota", ERR_QUOTA, false },
	{ "io", ERR_IO, true },
	{ "no space", ERR_NO_SPACE, true },
	{ "busy", ERR_BUSY, true },
	{ "peer", ERR_PEER, true },
	{ "timeout", ERR_TIMEOUT, true },
	{ "resource", ERR_RESOURCE, true },
};

static void
run_row(void **arg)
{
	const struct row *t = *arg;

	assert_int_equal(err_is_temporary(t->err), t->temporary);
	assert_string_not_equal(err_text(t->err), "unknown error");
}

static const struct from_errno {
	const char *label;
	int errnum, err;
} from_errnos[] = {
	{ "ENOENT", ENOENT, ERR_NOT_FOUND },
	{ "EEXIST", EEXIST, ERR_EXISTS },
	{ "EACCES", EACCES, ERR_DENIED },
	{ "EROFS", EROFS, ERR_DENIED },
	{ "ENOSPC", ENOSPC, ERR_NO_SPACE },
	{ "EDQUOT", EDQUOT, ERR_NO_SPACE },
	{ "EMFILE", EMFILE, ERR_RESOURCE },
	{ "ENFILE", ENFILE, ERR_RESOURCE },
	{ "ENOMEM", ENOMEM, ERR_RESOURCE },
	{ "EAGAIN", EAGAIN, ERR_BUSY },
	{ "EPIPE", EPIPE, ERR_PEER },
	{ "ETIMEDOUT", ETIMEDOUT, ERR_TIMEOUT },
	{ "EIO", EIO, ERR_IO },
	{ "one nobody thought of", 9999, ERR_IO },
};

static void
run_from_errno(void **arg)
{
	const struct from_errno *t = *arg;

	assert_int_equal(err_from_errno(t->errnum), t->err);
}

static void
unknown_errors_have_words(void **arg)
{
	UNUSED(arg);
	assert_string_equal(err_text(-12345), "unknown error");
	assert_false(err_is_temporary(1));
}

int
main(void)
{
	static const struct CMUnitTest others[] = { cmocka_unit_test(unknown_errors_have_words) };
	TABLE_TESTS(tests, rows, run_row);
	TABLE_TESTS(errno_tests, from_errnos, run_from_errno);

	return cmocka_run_group_tests_name("base/err", tests, NULL, NULL) +
	       cmocka_run_group_tests_name("base/err from errno", errno_tests, NULL, NULL) +
	       cmocka_run_group_tests_name("base/err others", others, NULL, NULL);
}
