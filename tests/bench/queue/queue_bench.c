/* SPDX-License-Identifier: ISC */
/*
 * tests/bench/queue/queue_bench.c - how fast the journal takes messages: so many commits to
 * one flush, 4 KiB each, ten seconds' worth at most. Prints a line of JSON for each number.
 *
 *	queue_bench FOLDER [SECONDS]	(on the file system that is to be measured)
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "err.h"
#include "journal.h"

#define SEGMENT  (UINT64_C(64) << 20)
#define SEGMENTS 4
#define OCTETS   4096

static void
die(const char *what, int err)
{
	fprintf(stderr, "queue_bench: %s: %s\n", what, err_text(err));
	exit(1);
}

static uint64_t
cpu_us(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (uint64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000 +
	       (uint64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static void
flush(struct journal *j)
{
	struct journal_batch *b = journal_take(j);
	int r = b == NULL ? ERR_OK : journal_batch_write(b);

	if (r < 0)
		die("flush", r);
	if (b != NULL)
		journal_flushed(j);
	while (journal_release(j)) {
	}
}

static void
append(struct journal *j, uint64_t id, const uint8_t *content)
{
	struct queue_message m = { .queue_id = id, .envelope = BYTES_LITERAL("an envelope") };
	struct journal_place place;
	struct buf *out;
	int r;

	while ((r = journal_begin(j, QUEUE_RECORD_MESSAGE, OCTETS + 64, &out, &place)) < 0) {
		if (r != ERR_NO_SPACE && r != ERR_BUSY)
			die("append", r);
		flush(j);
	}
	queue_message_put_head(out, &m);
	buf_put(out, content, OCTETS);
	journal_end(j, QUEUE_RECORD_MESSAGE);
	journal_need(j, place.segment);
	journal_done(j, place.segment); /* delivered at once, as most are */
}

static void
measure(struct journal *j, unsigned together, uint64_t seconds, const uint8_t *content)
{
	const uint64_t cpu = cpu_us(), start = clock_mono_us(), end = start + seconds * 1000000;
	uint64_t n = 0, flushes = 0, took;

	while (clock_mono_us() < end) {
		for (unsigned i = 0; i < together; i++)
			append(j, ++n, content);
		flush(j);
		flushes++;
	}
	took = clock_mono_us() - start;
	printf("{\"commits_to_a_flush\": %u, \"commits_per_s\": %.0f, \"flushes_per_s\": %.0f, "
	       "\"cpu_us_per_commit\": %.1f}\n",
		together, (double)n * 1e6 / (double)took, (double)flushes * 1e6 / (double)took,
		(double)(cpu_us() - cpu) / (double)n);
	fflush(stdout);
}

int
main(int argc, char *argv[])
{
	static const unsigned together[] = { 1, 10, 64 };
	const uint64_t seconds = argc > 2 ? (uint64_t)atol(argv[2]) : 3;
	uint8_t *content = xmalloc(OCTETS);
	struct journal *j = xcalloc(1, sizeof(*j));
	int fd, r;

	if (argc < 2) {
		fprintf(stderr, "Usage: queue_bench FOLDER [SECONDS]\n");
		return 2;
	}
	memset(content, 'x', OCTETS);
	mkdir(argv[1], 0700);
	fd = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		die(argv[1], ERR_NOT_FOUND);
	if ((r = journal_open(j, fd, SEGMENT, SEGMENTS)) < 0)
		die("open", r);
	journal_reset(j);
	while (journal_may_grow(j)) {
		const uint64_t number = j->next_number;
		int segment = journal_make_segment(fd, number, SEGMENT);

		if (segment < 0)
			die("a segment", segment);
		journal_add_segment(j, number, segment);
	}
	for (size_t i = 0; i < NITEMS(together); i++)
		measure(j, together[i], seconds, content);
	journal_close(j);
	close(fd);
	free(j);
	free(content);
	return 0;
}
