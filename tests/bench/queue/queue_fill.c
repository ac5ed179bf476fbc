/* SPDX-License-Identifier: ISC */
/*
 * tests/bench/queue/queue_fill.c - fill a queue with messages that wait, as files: for the
 * measure of a start with a million (tests/bench/queue/waiting), and for whoever wants to see
 * a full queue.
 *
 *	queue_fill QUEUE MESSAGES [SECONDS [DOMAINS]]
 *
 * The next attempt is SECONDS away (3600). With DOMAINS there are so many of them, and senders;
 * the message nine tenths down the queue waits for a reason of its own ("the needle").
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "envelope.h"
#include "err.h"
#include "files.h"
#include "queue_id.h"
#include "queue_record.h"
#include "sys.h"

#define OCTETS 1500 /* of content */

static void
die(const char *what, int err)
{
	fprintf(stderr, "queue_fill: %s: %s\n", what, err_text(err));
	exit(1);
}

static void
put_content(struct buf *out, uint64_t number)
{
	buf_printf(out,
		"From: <sender@example.net>\r\nTo: <user%llu@example.org>\r\n"
		"Subject: waiting %llu\r\n\r\n",
		(unsigned long long)number, (unsigned long long)number);
	while (out->len < OCTETS)
		buf_put_str(out, "A line of text that stands for what people write.\r\n");
}

/* Whose, to whom, why it waits. */
struct who {
	char to[96], from[96], why[128];
};

static void
choose(struct who *who, uint64_t number, uint64_t domains, bool needle)
{
	const unsigned long long n = number, d = domains == 0 ? 0 : number % domains;

	snprintf(who->to, sizeof(who->to), "user%llu@example.org", n);
	snprintf(who->from, sizeof(who->from), "sender@example.net");
	if (domains > 0) {
		snprintf(who->to, sizeof(who->to), "user%llu@d%llu.example.org", n, d);
		snprintf(who->from, sizeof(who->from), "sender@s%llu.example.net", d);
	}
	snprintf(who->why, sizeof(who->why), "connect to mx.example.org: %s",
		needle ? "the needle" : "Connection timed out");
}

/* One message, tried once and deferred. */
static int
make(const struct folders *f, uint64_t id, uint64_t number, uint64_t next_s, const struct who *who)
{
	struct envelope_rcpt rcpt = { .forward_path = bytes_from_str(who->to) };
	const struct envelope e = { .queue_id = id,
		.arrival_us = queue_id_time_us(id),
		.reverse_path = bytes_from_str(who->from),
		.client_address = BYTES_LITERAL("192.0.2.1"),
		.helo = BYTES_LITERAL("client.example.net"),
		.protocol = BYTES_LITERAL("ESMTP"),
		.n_rcpts = 1,
		.rcpts = &rcpt };
	const struct queue_event event = { .queue_id = id,
		.time_us = queue_id_time_us(id),
		.next_s = next_s,
		.kind = QUEUE_EVENT_DEFERRED,
		.code = BYTES_LITERAL("4.4.1"),
		.text = bytes_from_str(who->why) };
	struct buf envelope = BUF_INIT, content = BUF_INIT, events = BUF_INIT;
	size_t begin;
	int r;

	envelope_encode(&envelope, &e);
	put_content(&content, number);
	begin = queue_record_begin(&events);
	queue_event_put(&events, &event);
	queue_record_end(&events, begin, QUEUE_RECORD_EVENT, 1, 0);
	r = file_write(f, &(struct file_source){ .queue_id = id,
				  .envelope = buf_bytes(&envelope),
				  .content = buf_bytes(&content),
				  .events = buf_bytes(&events),
				  .content_fd = -1 });
	buf_free(&envelope);
	buf_free(&content);
	buf_free(&events);
	return r;
}

int
main(int argc, char *argv[])
{
	const uint64_t n = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
	const uint64_t wait_s = argc > 3 ? strtoull(argv[3], NULL, 10) : 3600;
	const uint64_t domains = argc > 4 ? strtoull(argv[4], NULL, 10) : 0;
	const uint64_t now_s = (uint64_t)time(NULL);
	struct queue_id_maker ids = { .instance = 5 };
	struct folders f;
	int root, r;

	if (n == 0) {
		fprintf(stderr, "usage: queue_fill QUEUE MESSAGES [SECONDS [DOMAINS]]\n");
		return 2;
	}
	root = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root < 0 || (r = folders_open(&f, root)) < 0)
		die(argv[1], root < 0 ? ERR_NOT_FOUND : r);
	for (uint64_t i = 0; i < n; i++) { /* as if they had come in the hour before */
		const uint64_t id = queue_id_make(&ids, (now_s - 3600) * 1000000 + i * 3000);
		struct who who;

		choose(&who, i, domains, i == n / 10 * 9);
		if ((r = make(&f, id, i, now_s + wait_s + i % 3600, &who)) < 0)
			die("message file", r);
	}
	if ((r = sys_syncfs(root)) < 0)
		die("syncfs", r);
	return 0;
}
