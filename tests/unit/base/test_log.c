/* SPDX-License-Identifier: ISC */
/* tests/unit/base/test_log.c - the form of a line, and that nobody outside can forge one. */
#include "cases.h"

#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log.h"

static int
open_log(enum log_level lowest)
{
	int fd = memfd_create("log", MFD_CLOEXEC);

	assert_true(fd >= 0);
	log_open(fd, "smtpd", "mx.example.org", lowest);
	return fd;
}

/* All that was logged; freed by the caller. */
static char *
logged(int fd)
{
	off_t size;
	char *text;

	log_flush();
	size = lseek(fd, 0, SEEK_END);
	assert_true(size >= 0);
	text = calloc(1, (size_t)size + 1);
	assert_non_null(text);
	assert_int_equal(pread(fd, text, (size_t)size, 0), size);
	close(fd);
	return text;
}

static void
assert_matches(const char *text, const char *pattern)
{
	regex_t re;

	assert_int_equal(regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB), 0);
	if (regexec(&re, text, 0, NULL, 0) != 0)
		fail_msg("\"%s\" does not match %s", text, pattern);
	regfree(&re);
}

static const struct row {
	const char *label;
	void (*log)(const char *, ...) PRINTF_LIKE(1, 2);
	const char *text, *pattern;
} rows[] = {
	{ "info", log_info, "to=<a@b>",
		"^[A-Z][a-z][a-z] [ 0-9][0-9] [0-9]{2}:[0-9]{2}:[0-9]{2} mx "
		"relais/smtpd\\[[0-9]+\\]: to=<a@b>\n$" },
	{ "warning", log_warning, "x", "\\]: warning: x\n$" },
	{ "error", log_error, "x", "\\]: error: x\n$" },
	{ "debug is left out", log_debug, "x", "^$" },
	{ "line end", log_info, "a\nNov 21 00:00:00 mx relais/smtpd[1]: forged",
		": a\\?Nov 21 00:00:00 mx relais/smtpd\\[1\\]: forged\n$" },
	{ "carriage return", log_info, "a\rb", ": a\\?b\n$" },
	{ "escape sequence", log_info, "\x1b[2J", ": \\?\\[2J\n$" },
	{ "DEL", log_info, "a\x7f", ": a\\?\n$" },
	{ "tab", log_info, "a\tb", ": a\\?b\n$" },
	{ "percent signs of a peer", log_info, "%s%n", ": %s%n\n$" },
};

static void
run_row(void **arg)
{
	const struct row *t = *arg;
	int fd = open_log(LOG_LEVEL_INFO);
	char *text;

	t->log("%s", t->text);
	text = logged(fd);
	assert_matches(text, t->pattern);
	free(text);
}

static void
long_lines_are_cut_to_one(void **arg)
{
	int fd = open_log(LOG_LEVEL_INFO);
	char *text, big[20000];

	UNUSED(arg);
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = 0;
	log_info("%s", big);
	text = logged(fd);
	assert_true(strlen(text) < 5000);
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
	free(text);
}

static void
lines_gather_until_flushed(void **arg)
{
	int fd = open_log(LOG_LEVEL_INFO);
	char *text;

	UNUSED(arg);
	log_info("first");
	assert_int_equal(lseek(fd, 0, SEEK_END), 0);
	log_warning("second"); /* what matters leaves at once */
	assert_true(lseek(fd, 0, SEEK_END) > 0);
	text = logged(fd);
	assert_true(strstr(text, "first") < strstr(text, "second"));
	free(text);
}

static void
a_child_does_not_repeat_its_parent(void **arg)
{
	int fd = open_log(LOG_LEVEL_INFO), status;
	char *text;
	pid_t pid;

	UNUSED(arg);
	log_info("parent");
	pid = fork();
	if (pid == 0) {
		log_after_fork();
		log_info("child");
		log_flush();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	text = logged(fd);
	assert_non_null(strstr(text, "child"));
	assert_non_null(strstr(text, "parent"));
	assert_null(strstr(strstr(text, "parent") + 1, "parent"));
	free(text);
}

int
main(void)
{
	static const struct CMUnitTest others[] = {
		cmocka_unit_test(long_lines_are_cut_to_one),
		cmocka_unit_test(lines_gather_until_flushed),
		cmocka_unit_test(a_child_does_not_repeat_its_parent),
	};
	TABLE_TESTS(tests, rows, run_row);

	return cmocka_run_group_tests_name("base/log lines", tests, NULL, NULL) +
	       cmocka_run_group_tests_name("base/log", others, NULL, NULL);
}
