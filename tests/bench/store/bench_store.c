/* SPDX-License-Identifier: ISC */
/*
 * tests/bench/store/bench_store.c - what the mailbox costs: deliveries, opening a folder, its
 *flags.
 *
 *	bench_store DIRECTORY [messages [mailboxes [batch]]]
 *
 * Prints a line per measurement: count, microseconds of wall clock and of CPU for one.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "err.h"
#include "store.h"

#define BATCH_MAX 64

struct meter {
	uint64_t wall, cpu;
};

static uint64_t
cpu_us(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (uint64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000 +
	       (uint64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static struct meter
begin(void)
{
	return (struct meter){ clock_mono_us(), cpu_us() };
}

static void
end(struct meter m, const char *what, unsigned n)
{
	double wall = (double)(clock_mono_us() - m.wall), cpu = (double)(cpu_us() - m.cpu);

	printf("%-34s %7u  %9.2f us  %9.2f us CPU  %9.0f/s\n", what, n, wall / n, cpu / n,
		n / wall * 1e6);
	fflush(stdout);
}

static void
check(int r, const char *what)
{
	if (r == ERR_OK)
		return;
	fprintf(stderr, "%s: %s\n", what, err_text(r));
	exit(1);
}

static struct bytes
make_message(size_t size)
{
	struct buf b = BUF_INIT;

	buf_put_str(&b, "Received: from mail.example.net (mail.example.net [192.0.2.7])\r\n"
			"\tby mx.example.org with ESMTP id 4c1Qy75Xz9z3 for <joe@example.org>;\r\n"
			"\tSat, 21 Nov 2026 22:04:57 +0000\r\n"
			"From: Alice Example <alice@example.net>\r\nTo: Joe <joe@example.org>\r\n"
			"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= and a subject of usual length\r\n"
			"Date: Sat, 21 Nov 2026 22:04:57 +0000\r\n"
			"Message-ID: <20261121220457.12345@example.net>\r\nMIME-Version: 1.0\r\n"
			"Content-Type: text/plain; charset=utf-8\r\n\r\n");
	while (b.len < size)
		buf_put_str(&b, "A line of the body, about as long as lines of a body are.\r\n");
	return buf_bytes(&b);
}

static void
deliver(int root, struct bytes content, unsigned n, unsigned mailboxes, unsigned batch)
{
	const struct store_deliverer_options options = { .hostname = "mx.example.org" };
	struct store_delivery jobs[BATCH_MAX];
	struct store_delivered done[BATCH_MAX];
	char homes[BATCH_MAX][40], uniques[BATCH_MAX][40];
	struct store_deliverer *d;
	struct meter m;

	check(store_deliverer_new(root, &options, &d), "deliverer");
	m = begin();
	for (unsigned i = 0; i < n; i += batch) {
		for (unsigned k = 0; k < batch; k++) {
			snprintf(homes[k], sizeof(homes[k]), "example.org/user%u",
				i / batch % mailboxes);
			snprintf(uniques[k], sizeof(uniques[k]), "4c1Qy7%06uz_0", i + k);
			jobs[k] = (struct store_delivery){ .home = homes[k],
				.unique = bytes_from_str(uniques[k]),
				.arrival = 1795298697,
				.prefix = BYTES_LITERAL("Return-Path: <alice@example.net>\r\n"),
				.content = content };
		}
		store_deliver_many(d, jobs, batch, done);
		for (unsigned k = 0; k < batch; k++)
			check(done[k].result, "deliver");
	}
	end(m, "deliver", n);
	store_deliverer_free(&d);
	m = begin();
	check(syncfs(root) == 0 ? ERR_OK : ERR_IO, "syncfs");
	end(m, "syncfs", 1);
}

static void
read_all(struct store_view *v)
{
	struct meter m = begin();
	uint32_t n = store_count(v), seen = 0;
	struct store_message msg;
	struct store_cached c;
	struct store_content text;

	for (uint32_t i = 1; i <= n; i++) {
		store_message(v, i, &msg);
		seen += msg.flags & STORE_SEEN;
	}
	end(m, "flags of a message", n);
	m = begin();
	for (uint32_t i = 1; i <= n; i++)
		check(store_cached(v, i, &c), "cached");
	end(m, "envelope of a message", n);
	m = begin();
	for (uint32_t i = 1; i <= n; i++) {
		check(store_content_open(v, i, &text), "content");
		store_content_close(&text);
	}
	end(m, "content of a message", n);
	if (seen > n)
		printf("%u\n", seen);
}

static void
session(int root, const char *home)
{
	const struct store_options options = { .hostname = "mx.example.org" };
	const struct store_flags_change seen = { STORE_ADD, STORE_SEEN, 0, 0 };
	struct store_account *a;
	struct store_view *v;
	struct store_changes c;
	struct store_status st;
	uint32_t uid;
	struct meter m;
	int fd = openat(root, home, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	check(store_account_open(fd, &options, &a), "account");
	close(fd);
	m = begin();
	check(store_open(a, BYTES_LITERAL("INBOX"), 0, &v), "open");
	end(m, "first open (compares directories)", 1);
	read_all(v);
	m = begin();
	for (int i = 0; i < 100; i++)
		check(store_refresh(v, 0, &c), "refresh");
	end(m, "refresh, nothing new", 100);
	m = begin();
	for (uint32_t i = 1; i <= 20 && i <= store_count(v); i++) {
		uid = store_uid(v, i);
		check(store_change_flags(v, &uid, 1, &seen, NULL, NULL), "flags");
	}
	end(m, "flag of one message, durable", 20);
	m = begin();
	store_close(&v);
	end(m, "first close (renames from new/)", 1);
	m = begin();
	for (int i = 0; i < 20; i++) {
		check(store_open(a, BYTES_LITERAL("INBOX"), 0, &v), "open");
		store_close(&v);
	}
	end(m, "open and close", 20);
	m = begin();
	for (int i = 0; i < 20; i++)
		check(store_status(a, BYTES_LITERAL("INBOX"), &st), "status");
	end(m, "status", 20);
	store_account_close(&a);
}

int
main(int argc, char *argv[])
{
	unsigned n = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 10000;
	unsigned mailboxes = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 1;
	unsigned batch = argc > 4 ? (unsigned)strtoul(argv[4], NULL, 10) : 1;
	struct bytes message = make_message(4096);
	int root;

	if (argc < 2 || (root = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0) {
		fprintf(stderr, "usage: bench_store DIRECTORY [messages [mailboxes [batch]]]\n");
		return 2;
	}
	if (batch < 1 || batch > BATCH_MAX || mailboxes < 1)
		return 2;
	n = n / batch * batch;
	printf("%s: %u messages of %zu octets, %u mailboxes, %u at once\n", argv[1], n, message.n,
		mailboxes, batch);
	deliver(root, message, n, mailboxes, batch);
	session(root, "example.org/user0");
	return 0;
}
