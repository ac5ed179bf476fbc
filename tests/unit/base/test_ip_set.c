/* SPDX-License-Identifier: ISC */
/* tests/unit/base/test_ip_set.c - the set of blocks against a plain array, at random. */
#include "cases.h"

#include <stdlib.h>
#include <string.h>

#include "ip_set.h"

#define BLOCKS 300
#define STEPS  60000

static struct ip_block
random_block(void)
{
	static const uint8_t widths[] = { 8, 16, 24, 32 };
	struct ip_block b = { .family = 4, .prefix = 32 };

	for (unsigned i = 0; i < 4; i++)
		b.addr[i] = (uint8_t)(rand() % 4);    /* NOLINT: few values, many meetings */
	return ip_block_widen(b, widths[rand() % 4]); /* NOLINT */
}

struct plain {
	struct ip_block block;
	uint64_t value;
	bool there;
};

static struct plain *
plain_find(struct plain *all, const struct ip_block *b)
{
	for (size_t i = 0; i < BLOCKS; i++)
		if (all[i].there && ip_block_equal(&all[i].block, b))
			return &all[i];
	return NULL;
}

static void
compare_holding(const struct ip_set *s, const struct plain *all, const struct ip_block *b)
{
	const struct ip_set_entry *e;
	unsigned cursor = 0;
	size_t n = 0, expected = 0;

	while ((e = ip_set_holding(s, b, &cursor)) != NULL) {
		assert_true(ip_block_contains(&e->block, b));
		n++;
	}
	for (size_t i = 0; i < BLOCKS; i++)
		expected += all[i].there && ip_block_contains(&all[i].block, b);
	assert_int_equal(n, expected);
}

static void
at_random(void **arg)
{
	struct plain *all = xcalloc(BLOCKS, sizeof(*all));
	struct ip_set *s = ip_set_new();
	size_t count = 0;

	srand(7); /* NOLINT */
	for (uint64_t step = 0; step < STEPS; step++) {
		struct ip_block b = random_block();
		struct plain *p = plain_find(all, &b);
		const struct ip_set_entry *e = ip_set_get(s, &b);

		assert_int_equal(e != NULL, p != NULL);
		if (p != NULL)
			assert_true(e->value == p->value);
		if (rand() % 2 == 0) { /* NOLINT */
			assert_int_equal(ip_set_del(s, &b), p != NULL);
			if (p != NULL)
				p->there = false;
			count -= p != NULL;
		} else {
			for (size_t i = 0; p == NULL && count < BLOCKS && i < BLOCKS; i++)
				if (!all[i].there) {
					p = &all[i];
					*p = (struct plain){ b, 0, true };
					count++;
				}
			if (p != NULL) {
				p->value = step;
				ip_set_put(s, &b, step);
			}
		}
		assert_int_equal(ip_set_count(s), count);
		if (step % 16 == 0)
			compare_holding(s, all, &b);
	}
	ip_set_clear(s);
	assert_int_equal(ip_set_count(s), 0);
	ip_set_free(&s);
	assert_null(s);
	free(all);
}

static void
widest_first(void **arg)
{
	static const char *const texts[] = { "2001:db8::1", "2001:db8::/64", "2001:db8::/32" };
	struct ip_set *s = ip_set_new();
	struct ip_block b, four;
	unsigned cursor = 0;

	for (size_t i = 0; i < NITEMS(texts); i++) {
		assert_int_equal(ip_block_parse(bytes_from_str(texts[i]), &b), 0);
		ip_set_put(s, &b, i);
	}
	assert_int_equal(ip_block_parse(BYTES_LITERAL("2001:db8::1"), &b), 0);
	for (uint64_t i = NITEMS(texts); i > 0; i--)
		assert_true(ip_set_holding(s, &b, &cursor)->value == i - 1);
	assert_null(ip_set_holding(s, &b, &cursor));
	cursor = 0;
	assert_int_equal(ip_block_parse(BYTES_LITERAL("32.1.13.184"), &four), 0);
	assert_null(ip_set_holding(s, &four, &cursor));
	ip_set_free(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(at_random),
		cmocka_unit_test(widest_first) };

	return cmocka_run_group_tests_name("base/ip_set", tests, NULL, NULL);
}
