/* SPDX-License-Identifier: ISC */
/* tests/unit/base/test_arena.c - aligned, not overlapping, copies that end in a NUL. */
#include "cases.h"

#include "arena.h"

static void
aligned_and_apart(void **arg)
{
	static const size_t sizes[] = { 1, 0, 15, 16, 17, 500, 70000, 3, 64, 200000, 8 };
	struct arena a = ARENA_INIT;
	uint8_t *p[NITEMS(sizes)];

	UNUSED(arg);
	for (size_t i = 0; i < NITEMS(sizes); i++) {
		p[i] = arena_alloc(&a, sizes[i]);
		assert_int_equal((uintptr_t)p[i] % 16, 0);
		memset(p[i], (int)i, sizes[i]);
	}
	for (size_t i = 0; i < NITEMS(sizes); i++)
		for (size_t k = 0; k < sizes[i]; k++)
			assert_int_equal(p[i][k], i);
	assert_true(a.used >= 1 + 15 + 16 + 17 + 500 + 70000 + 3 + 64 + 200000 + 8);
	arena_reset(&a);
	assert_int_equal(a.used, 0);
	arena_reset(&a);
}

static void
zeroed_even_after_use(void **arg)
{
	struct arena a = ARENA_INIT;

	UNUSED(arg);
	for (int round = 0; round < 3; round++) {
		uint8_t *p = arena_zalloc(&a, 300);

		for (size_t i = 0; i < 300; i++)
			assert_int_equal(p[i], 0);
		memset(p, 0xff, 300);
		arena_reset(&a);
	}
}

static void
copies(void **arg)
{
	struct arena a = ARENA_INIT;
	char source[] = "abc";
	struct bytes b;
	char *s;

	UNUSED(arg);
	b = arena_bytes(&a, bytes_from_str(source));
	s = arena_str(&a, bytes_from_str(source));
	memset(source, 'x', 3);
	assert_true(bytes_is(b, "abc"));
	assert_int_equal(b.p[3], 0);
	assert_string_equal(s, "abc");
	assert_string_equal(arena_str(&a, BYTES_NONE), "");
	assert_string_equal(arena_printf(&a, "%s-%05d", "n", 42), "n-00042");
	arena_reset(&a);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(aligned_and_apart),
		cmocka_unit_test(zeroed_even_after_use),
		cmocka_unit_test(copies),
	};

	return cmocka_run_group_tests_name("base/arena", tests, NULL, NULL);
}
