/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/queue/test_journal.c - the journal on a real file system: the ring, torn
 * tails, stale octets of recycled segments, damage, failing system calls.
 */
#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cases.h"
#include "err.h"
#include "sys.h"

#define SEGMENT (UINT64_C(256) << 10)

struct place {
	char path[64];
	int fd;
	struct journal j;
};

static int
setup(void **state)
{
	struct place *p = xcalloc(1, sizeof(*p));

	snprintf(p->path, sizeof(p->path), "/tmp/relais-test-XXXXXX");
	assert_non_null(mkdtemp(p->path));
	p->fd = open(p->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(journal_open(&p->j, p->fd, SEGMENT, 4), ERR_OK);
	for (unsigned i = 1; i <= 4; i++) {
		int fd = journal_make_segment(p->fd, i, SEGMENT);

		assert_true(fd >= 0);
		journal_add_segment(&p->j, i, fd);
	}
	*state = p;
	return 0;
}

static int
teardown(void **state)
{
	struct place *p = *state;
	char command[128];

	sys_fault_clear();
	journal_close(&p->j);
	close(p->fd);
	snprintf(command, sizeof(command), "rm -rf %s", p->path);
	assert_int_equal(system(command), 0); /* NOLINT: a path of our own making */
	free(p);
	return 0;
}

/* A record whose body is a number and filling. */
static int
append(struct journal *j, enum queue_record_type type, uint64_t number, size_t size,
	struct journal_place *place)
{
	struct buf *out;
	int r = journal_begin(j, type, size, &out, place);

	if (r < 0)
		return r;
	buf_put_u64(out, number);
	for (size_t i = 8; i < size; i++)
		buf_put_u8(out, (uint8_t)(number + i));
	journal_end(j, type);
	return ERR_OK;
}

static int
flush(struct journal *j)
{
	struct journal_batch *b = journal_take(j);
	int r;

	if (b == NULL)
		return ERR_OK;
	r = journal_batch_write(b);
	if (r == ERR_OK)
		journal_flushed(j);
	return r;
}

struct seen {
	uint64_t numbers[4096];
	unsigned n, damages, checkpoints;
};

static int
see(void *ctx, const struct queue_record *r, struct journal_place place)
{
	struct seen *s = ctx;

	if (r->type == QUEUE_RECORD_CHECKPOINT) {
		s->checkpoints++;
		return ERR_OK;
	}
	assert_true(r->body.n >= 8 && s->n < NITEMS(s->numbers));
	s->numbers[s->n++] = get_u64(r->body.p);
	return ERR_OK;
}

static void
see_damage(void *ctx, const struct journal_damage *d)
{
	struct seen *s = ctx;

	s->damages++;
}

/* A restart: what is on the disk. */
static void
read_again(struct place *p, struct seen *s)
{
	const struct journal_scan scan = { s, see, see_damage, NULL };

	memset(s, 0, sizeof(*s));
	journal_close(&p->j);
	assert_int_equal(journal_open(&p->j, p->fd, SEGMENT, 4), ERR_OK);
	assert_int_equal(journal_read(&p->j, &scan), ERR_OK);
}

static void
test_append_and_read(void **state)
{
	struct place *p = *state;
	struct journal_place place;
	struct seen s;

	for (uint64_t i = 1; i <= 300; i++) {
		assert_int_equal(append(&p->j, QUEUE_RECORD_MESSAGE, i, 8 + i * 3, &place), ERR_OK);
		if (i % 7 == 0)
			assert_int_equal(flush(&p->j), ERR_OK);
	}
	assert_int_equal(flush(&p->j), ERR_OK);
	read_again(p, &s);
	assert_int_equal(s.n, 300);
	for (unsigned i = 0; i < s.n; i++)
		assert_int_equal(s.numbers[i], i + 1);
	assert_int_equal(s.damages, 0);
}

static void
test_fetch(void **state)
{
	struct place *p = *state;
	struct journal_place places[10];
	struct buf octets = BUF_INIT;
	struct queue_record r;

	for (uint64_t i = 0; i < 10; i++)
		assert_int_equal(
			append(&p->j, QUEUE_RECORD_MESSAGE, i, 2000 + i, &places[i]), ERR_OK);
	assert_int_equal(flush(&p->j), ERR_OK);
	for (uint64_t i = 0; i < 10; i++) {
		assert_int_equal(journal_fetch(&p->j, places[i], &octets, &r), ERR_OK);
		assert_int_equal(get_u64(r.body.p), i);
		assert_int_equal(r.body.n, 2000 + i);
	}
	places[0].offset8++;
	assert_int_equal(journal_fetch(&p->j, places[0], &octets, &r), ERR_CORRUPT);
	buf_free(&octets);
}

/* Twenty times round the ring: only what is still needed is read back. */
static void
test_ring(void **state)
{
	struct place *p = *state;
	struct journal_place place;
	uint16_t needed[64];
	unsigned kept = 0;
	struct seen s;

	for (uint64_t i = 1; i <= 2000; i++) {
		int r = append(&p->j, QUEUE_RECORD_MESSAGE, i, 10000, &place);

		while (r == ERR_NO_SPACE || r == ERR_BUSY) {
			/* everything older than the last 30 is done */
			assert_int_equal(flush(&p->j), ERR_OK);
			while (journal_release(&p->j))
				assert_int_equal(flush(&p->j), ERR_OK);
			r = append(&p->j, QUEUE_RECORD_MESSAGE, i, 10000, &place);
		}
		assert_int_equal(r, ERR_OK);
		journal_need(&p->j, place.segment);
		if (kept == 30) {
			journal_done(&p->j, needed[0]);
			memmove(needed, needed + 1, sizeof(needed) - sizeof(needed[0]));
			kept--;
		}
		needed[kept++] = place.segment;
		if (i % 5 == 0)
			assert_int_equal(flush(&p->j), ERR_OK);
	}
	assert_int_equal(flush(&p->j), ERR_OK);
	read_again(p, &s);
	assert_int_equal(s.damages, 0);
	assert_true(s.n >= 30 && s.n < 110);
	assert_int_equal(s.numbers[s.n - 1], 2000);
	for (unsigned i = 1; i < s.n; i++)
		assert_int_equal(s.numbers[i], s.numbers[i - 1] + 1);
}

/* Messages may not take the last free segment; events may. */
static void
test_events_always_find_room(void **state)
{
	struct place *p = *state;
	struct journal_place place;
	unsigned n = 0;
	int r;

	while ((r = append(&p->j, QUEUE_RECORD_MESSAGE, 1, 20000, &place)) != ERR_NO_SPACE) {
		if (r == ERR_BUSY)
			assert_int_equal(flush(&p->j), ERR_OK);
		else
			journal_need(&p->j, place.segment);
		assert_true(n++ < 1000);
	}
	assert_int_equal(journal_free_segments(&p->j), 1);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(append(&p->j, QUEUE_RECORD_EVENT, 2, 100, &place), ERR_OK);
	assert_int_equal(flush(&p->j), ERR_OK);
	assert_int_equal(append(&p->j, QUEUE_RECORD_MESSAGE, 1, SEGMENT, &place), ERR_LIMIT);
}

/* The power goes during a flush: of the unflushed part, any octets may have arrived. Every
 * confirmed record is there, no torn one, and this is not called damage. */
static void
test_torn_tail(void **state)
{
	struct place *p = *state;
	struct journal_place place;
	struct seen s;
	uint64_t from, to;
	struct journal_batch *b;
	char name[96];
	uint8_t *whole;
	int fd;

	for (uint64_t i = 1; i <= 20; i++)
		assert_int_equal(append(&p->j, QUEUE_RECORD_MESSAGE, i, 500, &place), ERR_OK);
	assert_int_equal(flush(&p->j), ERR_OK);
	from = p->j.segments[p->j.current].end;
	for (uint64_t i = 21; i <= 25; i++)
		assert_int_equal(append(&p->j, QUEUE_RECORD_MESSAGE, i, 500, &place), ERR_OK);
	b = journal_take(&p->j);
	assert_int_equal(journal_batch_write(b), ERR_OK); /* and no more is heard of it */
	to = p->j.segments[p->j.current].end;
	snprintf(name, sizeof(name), "%s/%08llu.seg", p->path,
		(unsigned long long)p->j.segments[p->j.current].number);
	fd = open(name, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	whole = xmalloc(to - from);
	assert_int_equal(pread(fd, whole, to - from, (off_t)from), (ssize_t)(to - from));
	for (uint64_t hole = from; hole < to; hole += 37) {
		uint8_t zeros[64] = { 0 };
		uint64_t n = to - hole < sizeof(zeros) ? to - hole : sizeof(zeros);

		assert_int_equal(pwrite(fd, zeros, n, (off_t)hole), (ssize_t)n);
		read_again(p, &s);
		assert_true(s.n >= 20 && s.n <= 25);
		for (unsigned i = 0; i < s.n; i++)
			assert_int_equal(s.numbers[i], i + 1);
		assert_int_equal(s.damages, 0);
		assert_int_equal(pwrite(fd, whole, to - from, (off_t)from), (ssize_t)(to - from));
	}
	free(whole);
	close(fd);
}

/* A confirmed record is damaged: the others are found, and it is told. */
static void
test_damage_in_the_middle(void **state)
{
	struct place *p = *state;
	struct journal_place places[31];
	struct seen s;
	char name[96];
	int fd;

	for (uint64_t i = 1; i <= 30; i++) {
		assert_int_equal(append(&p->j, QUEUE_RECORD_MESSAGE, i, 500, &places[i]), ERR_OK);
		assert_int_equal(flush(&p->j), ERR_OK);
	}
	snprintf(name, sizeof(name), "%s/%08llu.seg", p->path,
		(unsigned long long)p->j.segments[p->j.current].number);
	fd = open(name, O_RDWR | O_CLOEXEC);
	assert_int_equal(pwrite(fd, "damage", 6, (off_t)places[10].offset8 * 8 + 100), 6);
	close(fd);
	read_again(p, &s);
	assert_int_equal(s.n, 29);
	assert_int_equal(s.damages, 1);
	assert_int_equal(s.numbers[8], 9);
	assert_int_equal(s.numbers[9], 11);
}

/* A segment begun anew, of which only some octets arrived: what it was before is no news. */
static void
test_stale_octets(void **state)
{
	struct place *p = *state;
	struct journal_place place;
	struct seen s;
	uint64_t i = 1;
	int current = -1, round = 0;

	while (round < 9) {
		int r = append(&p->j, QUEUE_RECORD_MESSAGE, i, 5000, &place);

		if (r < 0) {
			assert_int_equal(flush(&p->j), ERR_OK);
			while (journal_release(&p->j))
				assert_int_equal(flush(&p->j), ERR_OK);
			continue;
		}
		i++;
		if (p->j.current != current) {
			current = p->j.current;
			round++;
		}
		if (i % 3 == 0)
			assert_int_equal(flush(&p->j), ERR_OK);
	}
	/* unflushed records in a recycled segment never arrive */
	read_again(p, &s);
	assert_int_equal(s.damages, 0);
	for (unsigned k = 1; k < s.n; k++)
		assert_int_equal(s.numbers[k], s.numbers[k - 1] + 1);
	assert_true(s.n == 0 || s.numbers[s.n - 1] < i);
}

static void
test_half_made_segment_is_removed(void **state)
{
	struct place *p = *state;
	struct seen s;
	int fd = openat(p->fd, "00000009.seg.new", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_int_equal(write(fd, "x", 1), 1);
	close(fd);
	read_again(p, &s);
	assert_int_equal(faccessat(p->fd, "00000009.seg.new", F_OK, 0), -1);
	assert_int_equal(p->j.n_segments, 4);
}

#ifdef RELAIS_FAULTS
struct repeated {
	uint64_t numbers[64];
	unsigned n;
};

static void
repeat(void *ctx, const struct queue_record *r)
{
	struct repeated *a = ctx;

	a->numbers[a->n++] = get_u64(r->body.p);
}

static void
test_failed_flush_is_final(void **state)
{
	struct place *p = *state;
	struct journal_place place;
	struct repeated again = { .n = 0 };
	struct journal_batch *b;
	int first;

	assert_int_equal(append(&p->j, QUEUE_RECORD_MESSAGE, 1, 100, &place), ERR_OK);
	assert_int_equal(flush(&p->j), ERR_OK);
	first = p->j.current;
	assert_int_equal(append(&p->j, QUEUE_RECORD_EVENT, 2, 100, &place), ERR_OK);
	b = journal_take(&p->j);
	assert_int_equal(append(&p->j, QUEUE_RECORD_EVENT, 3, 100, &place), ERR_OK);
	sys_fault(SYS_FDATASYNC, 1, EIO, false);
	assert_int_equal(journal_batch_write(b), ERR_IO);
	journal_failed(&p->j, repeat, &again);
	assert_int_equal(again.n, 2);
	assert_int_equal(again.numbers[0], 2);
	assert_int_equal(again.numbers[1], 3);
	assert_int_equal(p->j.segments[first].state, SEGMENT_BAD);
	assert_int_equal(append(&p->j, QUEUE_RECORD_EVENT, 4, 100, &place), ERR_OK);
	assert_true(place.segment != first);
	assert_int_equal(flush(&p->j), ERR_OK);
}

/* No flush worked: other segments may be made in the places of the bad ones. */
static void
test_all_segments_bad(void **state)
{
	struct place *p = *state;
	struct journal_place place;
	struct repeated again = { .n = 0 };

	for (uint64_t i = 1; i <= 4; i++) {
		assert_int_equal(journal_may_grow(&p->j), i > 1);
		assert_int_equal(append(&p->j, QUEUE_RECORD_EVENT, i, 100, &place), ERR_OK);
		sys_fault(SYS_FDATASYNC, 1, EIO, false);
		assert_int_equal(journal_batch_write(journal_take(&p->j)), ERR_IO);
		journal_failed(&p->j, repeat, &again);
	}
	assert_int_equal(append(&p->j, QUEUE_RECORD_EVENT, 5, 100, &place), ERR_NO_SPACE);
	assert_true(journal_may_grow(&p->j));
}

/* Making a segment, each system call failing in turn: nothing stays behind. */
static void
test_making_fails(void **state)
{
	struct place *p = *state;
	const enum sys_call calls[] = { SYS_OPEN, SYS_ALLOCATE, SYS_WRITE, SYS_FSYNC, SYS_RENAME };

	for (size_t i = 0; i < NITEMS(calls); i++) {
		sys_fault(calls[i], 1, ENOSPC, false);
		assert_int_equal(journal_make_segment(p->fd, 50, SEGMENT), ERR_NO_SPACE);
		sys_fault_clear();
		assert_int_equal(faccessat(p->fd, "00000050.seg", F_OK, 0), -1);
		assert_int_equal(faccessat(p->fd, "00000050.seg.new", F_OK, 0), -1);
	}
}
#endif

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_append_and_read),
		TEST(test_fetch),
		TEST(test_ring),
		TEST(test_events_always_find_room),
		TEST(test_torn_tail),
		TEST(test_damage_in_the_middle),
		TEST(test_stale_octets),
		TEST(test_half_made_segment_is_removed),
#ifdef RELAIS_FAULTS
		TEST(test_failed_flush_is_final),
		TEST(test_all_segments_bad),
		TEST(test_making_fails),
#endif
	};

	return cmocka_run_group_tests_name("queue/journal", tests, NULL, NULL);
}
