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
};

static void
note(void *arg, enum password_result result)
{
	struct result *r = arg;

	r->calls++;
	r->last = result;
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

/* One check, waited for. */
static enum password_result
check(struct passwords *p, const char *account, const char *hash, struct bytes password)
{
	struct result r = { 0, PASSWORD_LATER };
	enum password_result now = passwords_check(
		p, bytes_from_str(account), bytes_from_str(hash), password, note, &r);

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
	struct result r = { 0, PASSWORD_LATER };

	UNUSED(arg);
	assert_int_equal(check(p, "joe@x", hash, BYTES_LITERAL("secret")), PASSWORD_RIGHT);
	/* at once, without a thread */
	assert_int_equal(passwords_check(p, BYTES_LITERAL("joe@x"), bytes_from_str(hash),
				 BYTES_LITERAL("secret"), note, &r),
		PASSWORD_RIGHT);
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
	struct result r = { 0, PASSWORD_LATER };
	unsigned pending = 0, later = 0;

	UNUSED(arg);
	for (int i = 0; i < 50; i++) {
		enum password_result now = passwords_check(p, BYTES_LITERAL("joe@x"),
			bytes_from_str(hash), BYTES_LITERAL("secret"), note, &r);

		pending += now == PASSWORD_PENDING;
		later += now == PASSWORD_LATER;
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
	struct result r = { 0, PASSWORD_LATER };

	UNUSED(arg);
	for (int i = 0; i < 50; i++)
		assert_int_equal(passwords_check(p, BYTES_LITERAL("joe@x"), bytes_from_str(hash),
					 BYTES_LITERAL("secret"), note, &r),
			PASSWORD_PENDING);
	passwords_free(&p);
	assert_int_equal(r.calls, 0);
	free(data);
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
	};

	return cmocka_run_group_tests_name("directory/passwords", tests, NULL, NULL);
}
