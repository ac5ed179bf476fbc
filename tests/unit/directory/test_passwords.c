/* SPDX-License-Identifier: ISC */
/* tests/unit/directory/test_passwords.c - hashing threads: right, wrong, cached, too many. */
#include "../base/cases.h"

#include <crypt.h>
#include <poll.h>
#include <stdlib.h>

#include "passwords.h"

/* A cheap yescrypt hash of a password. */
static const char *
hash_of(const char *password, struct crypt_data *data)
{
	static const char salt[32] = "not a secret, only a test's salt";
	char setting[CRYPT_GENSALT_OUTPUT_SIZE];

	memset(data, 0, sizeof(*data));
	assert_non_null(crypt_gensalt_rn("$y$", 1, salt, sizeof(salt), setting, sizeof(setting)));
	return crypt_rn(password, setting, data, sizeof(*data));
}

struct result {
	unsigned calls;
	enum password_result last;
	struct password_answer answer;
};

static void
note(void *arg, const struct password_answer *answer)
{
	struct result *r = arg;

	r->calls++;
	r->last = answer->result;
	r->answer = *answer;
}

static struct passwords *
make(unsigned threads, unsigned queue, unsigned cache, uint64_t cache_ms)
{
	struct passwords_options o = { threads, queue, cache, cache_ms };
	struct passwords *p = passwords_new(&o);

	assert_non_null(p);
	assert_int_equal(passwords_start(p), 0);
	return p;
}

static void
wait_for(struct passwords *p, const struct result *r, unsigned calls)
{
	struct pollfd pfd = { passwords_fd(p), POLLIN, 0 };

	while (r->calls < calls) {
		assert_int_equal(poll(&pfd, 1, 20000), 1);
		passwords_collect(p);
	}
}

static enum password_result
start(struct passwords *p, const char *account, const char *line, struct bytes password,
	struct result *r)
{
	struct password_question q = { bytes_from_str(account), bytes_from_str(line), password,
		PASSWORD_FIRST };

	*r = (struct result){ .last = PASSWORD_LATER };
	return passwords_check(p, &q, note, r, &r->answer);
}

/* One check, waited for. */
static struct password_answer
check_all(struct passwords *p, const char *line, const char *password)
{
	struct result r;

	if (start(p, "joe@x", line, bytes_from_str(password), &r) == PASSWORD_PENDING)
		wait_for(p, &r, 1);
	return r.answer;
}

static enum password_result
check(struct passwords *p, const char *account, const char *line, struct bytes password)
{
	struct result r;
	enum password_result now = start(p, account, line, password, &r);

	if (now != PASSWORD_PENDING)
		return now;
	wait_for(p, &r, 1);
	assert_int_equal(r.calls, 1);
	return r.last;
}

static void
right_and_wrong(void **arg)
{
	struct crypt_data *data = xcalloc(1, sizeof(*data));
	struct passwords *p = make(2, 100, 0, 0);
	const char *hash = hash_of("secret", data);

	UNUSED(arg);
	assert_int_equal(check(p, "joe@x", hash, BYTES_LITERAL("secret")), PASSWORD_RIGHT);
	assert_int_equal(check(p, "joe@x", hash, BYTES_LITERAL("Secret")), PASSWORD_WRONG);
	assert_int_equal(check(p, "joe@x", hash, BYTES_LITERAL("")), PASSWORD_WRONG);
	assert_int_equal(check(p, "joe@x", hash, BYTES_LITERAL("secret\0x")), PASSWORD_WRONG);
	assert_int_equal(check(p, "joe@x", "", BYTES_LITERAL("secret")), PASSWORD_WRONG);
	assert_int_equal(check(p, "joe@x", "*", BYTES_LITERAL("*")), PASSWORD_WRONG);
	assert_int_equal(check(p, "joe@x", "$9$nonsense", BYTES_LITERAL("a")), PASSWORD_WRONG);
	passwords_free(&p);
	assert_null(p);
	free(data);
}

static void
the_cache_knows_only_the_same_triple(void **arg)
{
	struct crypt_data *one = xcalloc(1, sizeof(*one)), *two = xcalloc(1, sizeof(*two));
	struct passwords *p = make(1, 100, 64, 60000);
	const char *hash = hash_of("secret", one), *other = hash_of("changed", two);
	struct result r;

	UNUSED(arg);
	assert_int_equal(check(p, "joe@x", hash, BYTES_LITERAL("secret")), PASSWORD_RIGHT);
	/* at once, without a thread */
	assert_int_equal(start(p, "joe@x", hash, BYTES_LITERAL("secret"), &r), PASSWORD_RIGHT);
	assert_true(r.answer.cached);
	assert_int_equal(r.answer.protocols, ACCOUNT_PROTOCOLS);
	assert_int_equal(passwords_counters(p).cached, 1);
	assert_int_equal(check(p, "joe@x", hash, BYTES_LITERAL("wrong")), PASSWORD_WRONG);
	assert_int_equal(check(p, "joe@x", hash, BYTES_LITERAL("wrong")), PASSWORD_WRONG);
	assert_int_equal(check(p, "joe@x", other, BYTES_LITERAL("secret")), PASSWORD_WRONG);
	assert_int_equal(passwords_counters(p).cached, 1);
	passwords_free(&p);
	free(one);
	free(two);
}

static void
the_cache_forgets(void **arg)
{
	struct crypt_data *data = xcalloc(1, sizeof(*data));
	struct passwords *p = make(1, 100, 4, 0);
	const char *hash = hash_of("secret", data);

	UNUSED(arg);
	assert_int_equal(check(p, "joe@x", hash, BYTES_LITERAL("secret")), PASSWORD_RIGHT);
	assert_int_equal(check(p, "joe@x", hash, BYTES_LITERAL("secret")), PASSWORD_RIGHT);
	assert_int_equal(passwords_counters(p).cached, 0);
	passwords_free(&p);
	free(data);
}

static void
a_full_queue_refuses(void **arg)
{
	struct crypt_data *data = xcalloc(1, sizeof(*data));
	struct passwords *p = make(2, 20, 0, 0);
	const char *hash = hash_of("secret", data);
	struct result r = { 0 };
	unsigned pending = 0, later = 0;

	UNUSED(arg);
	for (int i = 0; i < 50; i++) {
		struct password_question q = { BYTES_LITERAL("joe@x"), bytes_from_str(hash),
			BYTES_LITERAL("secret"),
			i < 20   ? PASSWORD_LAST
			: i < 30 ? PASSWORD_NORMAL
				 : PASSWORD_FIRST };
		struct password_answer now;
		enum password_result got = passwords_check(p, &q, note, &r, &now);

		/* a half, three quarters, all of it */
		if (got == PASSWORD_PENDING)
			assert_true(i < 10 || (i >= 20 && i < 25) || (i >= 30 && i < 35));
		pending += got == PASSWORD_PENDING;
		later += got == PASSWORD_LATER;
	}
	assert_int_equal(pending, 20);
	assert_int_equal(later, 30);
	wait_for(p, &r, 20);
	assert_int_equal(r.last, PASSWORD_RIGHT);
	assert_int_equal(check(p, "joe@x", hash, BYTES_LITERAL("secret")), PASSWORD_RIGHT);
	passwords_free(&p);
	free(data);
}

static void
freed_with_work_under_way(void **arg)
{
	struct crypt_data *data = xcalloc(1, sizeof(*data));
	struct passwords *p = make(2, 100, 16, 1000);
	const char *hash = hash_of("secret", data);
	struct result r;

	UNUSED(arg);
	for (int i = 0; i < 50; i++)
		assert_int_equal(
			start(p, "joe@x", hash, BYTES_LITERAL("secret"), &r), PASSWORD_PENDING);
	passwords_free(&p);
	assert_int_equal(r.calls, 0);
	free(data);
}

/* Several passwords of one account: which it was, and what it is good for. */
static void
app_passwords(void **arg)
{
	struct passwords *p = make(1, 100, 64, 60000);
	const char *line = "{PLAIN}main app=phone:imap,submission:{PLAIN}phone-secret "
			   "app=old:pop3:{SSHA}x app=both:pop3:{SCRAM-SHA-256}broken "
			   "app=both:imap:{PLAIN}both-secret";
	struct password_answer a;

	UNUSED(arg);
	for (int again = 0; again < 2; again++) { /* the second time from the cache */
		a = check_all(p, line, "phone-secret");
		assert_int_equal(a.result, PASSWORD_RIGHT);
		assert_int_equal(a.cached, again);
		assert_string_equal(a.app, "phone");
		assert_int_equal(a.protocols, ACCOUNT_IMAP | ACCOUNT_SUBMISSION);
		a = check_all(p, line, "both-secret");
		assert_string_equal(a.app, "both");
		assert_int_equal(a.protocols, ACCOUNT_IMAP);
		a = check_all(p, line, "main");
		assert_int_equal(a.result, PASSWORD_RIGHT);
		assert_string_equal(a.app, "");
		assert_int_equal(a.protocols, ACCOUNT_PROTOCOLS);
		assert_int_equal(check_all(p, line, "other").result, PASSWORD_WRONG);
	}
	/* no main password, or one by SCRAM alone */
	a = check_all(p, "* app=x:imap:{PLAIN}y", "y");
	assert_string_equal(a.app, "x");
	assert_int_equal(check_all(p, "* app=x:imap:{PLAIN}y", "*").result, PASSWORD_WRONG);
	line = "{SCRAM-SHA-256}4096,romv8WSAPaZlKXVYa3vYBQ==,w8O/s5OCEaJSBTTqVpvAIKZYX+/"
	       "MQrB5ndEnQ9QVCrE=,Z8+fkESXC6QfkjpKcvqYnsUCkB04v89jKJAHmuZKngw=";
	assert_int_equal(check_all(p, line, "correct horse").result, PASSWORD_RIGHT);
	passwords_free(&p);
}

static void
other_forms_of_a_password(void **arg)
{
	struct passwords *p = make(1, 100, 0, 0);

	UNUSED(arg);
	/* prepared: the roman nine is "IX"; and as it came, for records made without SASLprep */
	assert_int_equal(check_all(p, "{PLAIN}aIX", "a\xe2\x85\xa8").result, PASSWORD_RIGHT);
	assert_int_equal(
		check_all(p, "{PLAIN}a\xe2\x85\xa8", "a\xe2\x85\xa8").result, PASSWORD_RIGHT);
	assert_int_equal(check_all(p, "{PLAIN}a\xff", "a\xff").result, PASSWORD_RIGHT);
	assert_int_equal(check_all(p, "{PLAIN}aIX", "aix").result, PASSWORD_WRONG);
	passwords_free(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(right_and_wrong),
		cmocka_unit_test(the_cache_knows_only_the_same_triple),
		cmocka_unit_test(the_cache_forgets),
		cmocka_unit_test(a_full_queue_refuses),
		cmocka_unit_test(freed_with_work_under_way),
		cmocka_unit_test(app_passwords),
		cmocka_unit_test(other_forms_of_a_password),
	};

	return cmocka_run_group_tests_name("directory/passwords", tests, NULL, NULL);
}
