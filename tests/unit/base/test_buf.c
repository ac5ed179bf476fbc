/* SPDX-License-Identifier: ISC */
/* tests/unit/base/test_buf.c - growing, consuming, and a random walk against a plain array. */
#include "cases.h"

#include <stdlib.h>

#include "buf.h"

static void
empty_buffer(void **arg)
{
	struct buf b = BUF_INIT;

	UNUSED(arg);
	assert_int_equal(buf_bytes(&b).n, 0);
	buf_put(&b, NULL, 0);
	buf_consume(&b, 0);
	buf_clear(&b);
	buf_shrink(&b);
	assert_string_equal(buf_str(&b), "");
	buf_free(&b);
	buf_free(&b);
	assert_null(b.data);
}

static void
puts_and_prints(void **arg)
{
	struct buf b = BUF_INIT;
	char longer[400];

	UNUSED(arg);
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = 0;
	buf_put_str(&b, "a");
	buf_put_u8(&b, 'b');
	buf_printf(&b, "%d", 42);
	assert_string_equal(buf_str(&b), "ab42");
	buf_printf(&b, "%s", longer); /* longer than the first guess */
	assert_int_equal(b.len, 4 + sizeof(longer) - 1);
	buf_truncate(&b, 3);
	assert_string_equal(buf_str(&b), "ab4");
	buf_free(&b);
}

static void
integers_are_little_endian(void **arg)
{
	static const uint8_t want[] = { 0x34, 0x12, 0x78, 0x56, 0x34, 0xf2, 8, 7, 6, 5, 4, 3, 2,
		0x81 };
	struct buf b = BUF_INIT;
	uint8_t room[8];

	UNUSED(arg);
	buf_put_u16(&b, 0x1234);
	buf_put_u32(&b, 0xf2345678);
	buf_put_u64(&b, 0x8102030405060708);
	assert_int_equal(b.len, sizeof(want));
	assert_memory_equal(b.data, want, sizeof(want));
	assert_int_equal(get_u16(want), 0x1234);
	assert_int_equal(get_u32(want + 2), 0xf2345678);
	assert_int_equal(get_u64(want + 6), 0x8102030405060708);
	set_u16(room, 0x1234);
	assert_memory_equal(room, want, 2);
	set_u32(room, 0xf2345678);
	assert_memory_equal(room, want + 2, 4);
	set_u64(room, 0x8102030405060708);
	assert_memory_equal(room, want + 6, 8);
	buf_free(&b);
}

static void
consumed_room_is_used_again(void **arg)
{
	struct buf b = BUF_INIT;
	uint8_t block[200] = { 0 };

	UNUSED(arg);
	for (int i = 0; i < 1000; i++) {
		buf_put(&b, block, sizeof(block));
		buf_consume(&b, sizeof(block));
	}
	assert_true(b.cap <= 512);
	buf_put(&b, block, sizeof(block));
	buf_consume(&b, 150);
	buf_shrink(&b);
	assert_int_equal(b.cap, 50);
	assert_int_equal(b.len, 50);
	buf_free(&b);
}

/* Whatever is put, consumed, cut or shrunk, the content is what a plain array says. */
static void
random_walk(void **arg)
{
	static uint8_t model[1 << 16];
	size_t len = 0;
	struct buf b = BUF_INIT;
	unsigned seed = 20261121;

	UNUSED(arg);
	for (int step = 0; step < 20000; step++) {
		size_t n = (size_t)rand_r(&seed) % 300;

		switch (rand_r(&seed) % 6) {
		case 0:
		case 1:
		case 2:
			if (len + n > sizeof(model))
				break;
			for (size_t i = 0; i < n; i++)
				model[len + i] = (uint8_t)rand_r(&seed);
			buf_put(&b, model + len, n);
			len += n;
			break;
		case 3:
		case 4:
			n = n > len ? len : n;
			memmove(model, model + n, len - n);
			len -= n;
			buf_consume(&b, n);
			break;
		default:
			if (n % 2 == 0) {
				buf_shrink(&b);
			} else {
				len -= n > len ? len : n;
				buf_truncate(&b, len);
			}
		}
		assert_int_equal(b.len, len);
		assert_true(bytes_equal(buf_bytes(&b), bytes_make(model, len)));
	}
	buf_free(&b);
}

/* Of what a secret buffer held nothing stays where it lay. */
static void
secrets_are_wiped(void **state)
{
	static const uint8_t zeros[32];
	struct buf b = BUF_SECRET;

	UNUSED(state);
	buf_put_str(&b, "a password, and more");
	buf_consume(&b, 5);
	assert_memory_equal(b.data, zeros, 5);
	buf_truncate(&b, 5);
	assert_memory_equal(b.data + 10, zeros, 10);
	assert_true(bytes_is(buf_bytes(&b), "sword"));
	buf_shrink(&b);
	assert_true(bytes_is(buf_bytes(&b), "sword"));
	for (int i = 0; i < 1000; i++)
		buf_put_str(&b, "sword");
	assert_int_equal(b.len, 5005);
	buf_clear(&b);
	assert_memory_equal(b.data, zeros, sizeof(zeros));
	buf_free(&b);
	assert_true(b.secret && b.data == NULL);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_buffer),
		cmocka_unit_test(puts_and_prints),
		cmocka_unit_test(integers_are_little_endian),
		cmocka_unit_test(consumed_room_is_used_again),
		cmocka_unit_test(random_walk),
		cmocka_unit_test(secrets_are_wiped),
	};

	return cmocka_run_group_tests_name("base/buf", tests, NULL, NULL);
}
