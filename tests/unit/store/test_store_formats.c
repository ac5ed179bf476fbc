/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/store/test_store_formats.c - snapshot, log and cache as octets: what is written is
 * read back, what is spoilt is refused, wherever it is spoilt.
 */
#include "mailbox.h"

#include <stdlib.h>

#include "cache_file.h"
#include "crc32c.h"
#include "err.h"
#include "state.h"

static void
put_record(struct state *s, struct buf *log, uint32_t uid, const char *name)
{
	struct index_record r = { .uid = uid,
		.flags = STORE_SEEN,
		.name_len = (uint16_t)strlen(name),
		.key_len = 3,
		.keywords = 5,
		.date = -1,
		.size = 1 + ((uint64_t)1 << 33),
		.lf = 7 };
	size_t began = log_record_begin(log, LOG_APPEND, 9);

	index_record_swap(&r);
	buf_put(log, &r, sizeof(r));
	buf_put_str(log, name);
	log_record_end(log, began, s->header.generation);
}

static int
apply_all(struct state *s, struct bytes log, size_t *used)
{
	struct log_record rec;
	long n;
	int r = ERR_OK;

	*used = 0;
	while ((n = log_record_decode(s->header.generation, log, &rec)) > 0 && r == ERR_OK) {
		r = state_apply(s, &rec);
		log = bytes_skip(log, (size_t)n);
		*used += (size_t)n;
	}
	return n < 0 ? (int)n : r;
}

static void
make_state(struct state *s, struct buf *log)
{
	size_t used, began;

	state_init(s, 4, 77);
	began = log_record_begin(log, LOG_KEYWORD, 2);
	buf_put_str(log, "$Junk");
	log_record_end(log, began, 4);
	put_record(s, log, 1, "1.a,U=1:2,S");
	put_record(s, log, 5, "1.b,U=5:2,S");
	put_record(s, log, 9, "1.c,U=9");
	began = log_record_begin(log, LOG_EXPUNGE, 10);
	buf_put_u32(log, 5);
	log_record_end(log, began, 4);
	assert_int_equal(apply_all(s, buf_bytes(log), &used), ERR_OK);
	assert_int_equal(used, log->len);
	assert_int_equal(state_count(s), 2);
}

static void
snapshot(void **arg)
{
	struct state s;
	struct buf log = BUF_INIT, out = BUF_INIT;
	struct index_view v;
	struct index_record r;

	make_state(&s, &log);
	state_encode(&s, 5, &out);
	assert_int_equal(index_decode(buf_bytes(&out), &v), ERR_OK);
	assert_int_equal(v.header.generation, 5);
	assert_int_equal(v.header.uidvalidity, 77);
	assert_int_equal(v.header.uidnext, 10);
	assert_int_equal(v.header.highestmodseq, 10);
	assert_int_equal(v.header.count, 2);
	memcpy(&r, v.records.p + INDEX_RECORD_SIZE, sizeof(r));
	index_record_swap(&r);
	assert_int_equal(r.uid, 9);
	assert_int_equal(r.size, 1 + ((uint64_t)1 << 33));
	assert_int_equal(r.date, -1);
	assert_int_equal(r.name_len, 7);
	/* the layout in docs/mailbox.md */
	assert_memory_equal(out.data, "RELAISIX", 8);
	assert_int_equal(get_u32(out.data + 28), 10);
	assert_int_equal(out.len, 128 + 2 * 64 + 6 + 11 + 7);
	/* every octet is guarded */
	for (size_t i = 0; i < out.len; i++) {
		out.data[i] ^= 0x20;
		assert_true(index_decode(buf_bytes(&out), &v) < 0);
		out.data[i] ^= 0x20;
	}
	for (size_t n = 0; n < out.len; n++)
		assert_true(index_decode(bytes_make(out.data, n), &v) < 0);
	buf_put_u8(&out, 0);
	assert_int_equal(index_decode(buf_bytes(&out), &v), ERR_CORRUPT);
	state_free(&s);
	buf_free(&log);
	buf_free(&out);
}

/* Right checksums around wrong values. */
static void
set_and_seal(struct buf *b, size_t at, uint32_t value)
{
	set_u32(b->data + at, value);
	set_u32(b->data + 120, crc32c(0, bytes_skip(buf_bytes(b), 128)));
	set_u32(b->data + 124, crc32c(0, bytes_make(b->data, 124)));
}

static const struct lie {
	const char *label;
	size_t at;
	uint32_t value;
	int result;
} lies[] = {
	{ "a later version", 8, 2, ERR_UNSUPPORTED },
	{ "more records than there are", 44, 3, ERR_CORRUPT },
	{ "very many records", 44, 0xffffffff, ERR_CORRUPT },
	{ "no UIDVALIDITY", 24, 0, ERR_CORRUPT },
	{ "UIDNEXT below a UID", 28, 9, ERR_CORRUPT },
	{ "keywords beyond the end", 48, 0xffffff00, ERR_CORRUPT },
	{ "first UID 0", 128, 0, ERR_CORRUPT },
	{ "UIDs not ascending", 128, 9, ERR_CORRUPT },
	{ "a name beyond the heap", 128 + 44, 1000, ERR_CORRUPT },
	{ "no name", 128 + 4, 1, ERR_CORRUPT },
	{ "a key longer than the name", 128 + 48, 200, ERR_CORRUPT },
	{ "a name that leads elsewhere", 262, 0x2c612f31, ERR_CORRUPT },
	{ "a NUL in a name", 262, 0x2c610031, ERR_CORRUPT },
	{ "a hidden name", 262, 0x2c612e2e, ERR_CORRUPT },
	{ "a keyword that runs over", 128 + 128, 0x4a240dff, ERR_CORRUPT },
};

static void
run_lie(void **arg)
{
	const struct lie *t = *arg;
	struct state s;
	struct buf log = BUF_INIT, out = BUF_INIT;
	struct index_view v;

	make_state(&s, &log);
	state_encode(&s, 5, &out);
	set_and_seal(&out, t->at, t->value);
	assert_int_equal(index_decode(buf_bytes(&out), &v), t->result);
	state_free(&s);
	buf_free(&log);
	buf_free(&out);
}

static void
log_is_cut_at_first_wrong(void **arg)
{
	struct state s;
	struct buf log = BUF_INIT;

	make_state(&s, &log);
	state_free(&s);
	for (size_t i = 0; i < log.len; i++) {
		size_t used;

		state_init(&s, 4, 77);
		log.data[i] ^= 0x81;
		apply_all(&s, buf_bytes(&log), &used);
		assert_true(used <= i); /* nothing from the spoilt octet on */
		log.data[i] ^= 0x81;
		state_free(&s);
		state_init(&s, 4, 77);
		assert_true(apply_all(&s, bytes_make(log.data, i), &used) <= 0);
		assert_true(used <= i);
		state_free(&s);
	}
	/* what another generation left in the block */
	state_init(&s, 5, 77);
	assert_int_equal(
		log_record_decode(5, buf_bytes(&log), &(struct log_record){ 0 }), ERR_CORRUPT);
	state_free(&s);
	buf_free(&log);
}

static const struct bad_record {
	const char *label;
	enum log_type type;
	size_t body;
} bad_records[] = {
	{ "unknown type", 99, 8 },
	{ "type 0", 0, 8 },
	{ "short APPEND", LOG_APPEND, 63 },
	{ "APPEND without a name", LOG_APPEND, 64 },
	{ "short RECENT", LOG_RECENT, 3 },
	{ "short UIDNEXT", LOG_UIDNEXT, 7 },
	{ "short FOLD", LOG_FOLD, 7 },
	{ "short CACHED", LOG_CACHED, 23 },
	{ "empty KEYWORD", LOG_KEYWORD, 0 },
	{ "long KEYWORD", LOG_KEYWORD, 101 },
};

static void
run_bad_record(void **arg)
{
	const struct bad_record *t = *arg;
	uint8_t zeros[128] = { 0 };
	struct log_record rec = { t->type, 1, { zeros, t->body } };
	struct state s;

	state_init(&s, 1, 1);
	assert_int_equal(state_apply(&s, &rec), ERR_CORRUPT);
	assert_int_equal(s.header.highestmodseq, 1);
	assert_int_equal(state_total(&s), 0);
	state_free(&s);
}

static void
hints(void **arg)
{
	struct log_hints h = { 1000, 256, 17, -4, 900 }, back;
	uint8_t raw[LOG_HINTS_SIZE];

	log_hints_encode(raw, &h);
	log_hints_decode(bytes_make(raw, sizeof(raw)), &back);
	assert_memory_equal(&h.new_mtime_ns, &back.new_mtime_ns, 8);
	assert_int_equal(back.synced, 1000);
	assert_int_equal(back.end, 900);
	for (size_t i = 0; i < sizeof(raw); i++) {
		raw[i] ^= 1;
		log_hints_decode(bytes_make(raw, sizeof(raw)), &back);
		assert_int_equal(back.end, 0);
		assert_int_equal(back.new_mtime_ns, 0);
		raw[i] ^= 1;
	}
}

static void
cache(void **arg)
{
	const struct store_cached c = { BYTES_LITERAL("(env)"), BYTES_LITERAL("(b)"),
		BYTES_LITERAL(""), BYTES_LITERAL("Subject: x\r\n\r\n"), 400 };
	struct store_cached back;
	struct buf out = BUF_INIT;

	assert_true(cache_record_encode(&out, 0, 123, &c));
	cache_record_set_uid(&out, 7);
	assert_int_equal(cache_record_decode(buf_bytes(&out), 7, 123, &back), ERR_OK);
	assert_true(bytes_equal(back.envelope, c.envelope));
	assert_true(bytes_equal(back.fields, c.fields));
	assert_int_equal(back.header_octets, 400);
	assert_int_equal(cache_record_decode(buf_bytes(&out), 8, 123, &back), ERR_CORRUPT);
	assert_int_equal(cache_record_decode(buf_bytes(&out), 7, 124, &back), ERR_CORRUPT);
	for (size_t i = 0; i < out.len; i++) {
		out.data[i] ^= 4;
		/* the four octets of padding are guarded as well */
		assert_int_equal(cache_record_decode(buf_bytes(&out), 7, 123, &back), ERR_CORRUPT);
		out.data[i] ^= 4;
		assert_int_equal(
			cache_record_decode(bytes_make(out.data, i), 7, 123, &back), ERR_CORRUPT);
	}
	buf_free(&out);
}

int
main(void)
{
	struct CMUnitTest tests[NITEMS(lies) + NITEMS(bad_records) + 4];
	size_t n = 0;

	tests[n++] = (struct CMUnitTest)cmocka_unit_test(snapshot);
	for (size_t i = 0; i < NITEMS(lies); i++)
		tests[n++] = (struct CMUnitTest){ lies[i].label, run_lie, NULL, NULL,
			(void *)(uintptr_t)&lies[i] };
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(log_is_cut_at_first_wrong);
	for (size_t i = 0; i < NITEMS(bad_records); i++)
		tests[n++] = (struct CMUnitTest){ bad_records[i].label, run_bad_record, NULL, NULL,
			(void *)(uintptr_t)&bad_records[i] };
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(hints);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(cache);
	return cmocka_run_group_tests_name("store/formats", tests, NULL, NULL);
}
