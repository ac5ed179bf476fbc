/* SPDX-License-Identifier: ISC */
/* tests/unit/local-delivery/delivery_bench.h - a mail root and jobs to deliver into it. */
#ifndef RELAIS_DELIVERY_BENCH_H
#define RELAIS_DELIVERY_BENCH_H

#include "cases.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "delivery.h"
#include "err.h"
#include "home.h"
#include "sys.h"
#include "test_folder.h"

#define CONTENT "From: a@example.org\r\nSubject: hello\r\n\r\nbody\r\n"
#define PREFIX  "Received: by mx.example.test; Sat, 21 Nov 2026 22:04:57 +0000\r\n"

struct bench {
	struct test_folder *folder;
	int root_fd;
	struct local_delivery_conf conf;
	struct deliverer d;
};

static inline struct bench
bench_start(void)
{
	struct bench b = { .folder = test_folder_new(),
		.conf = { .delivered_to = true, .detail_folder = true, .quota_grace = 10 } };

	umask(0077);
	ASSERT(mkdirat(b.folder->fd, "mail", 0711) == 0 &&
		fchmodat(b.folder->fd, "mail", 0711, 0) == 0);
	b.root_fd = openat(b.folder->fd, "mail", O_PATH | O_DIRECTORY | O_CLOEXEC);
	ASSERT(b.root_fd >= 0);
	return b;
}

/* The deliverer; b must not move afterwards. */
static inline int
bench_open(struct bench *b)
{
	const struct store_deliverer_options options = { .hostname = "mx.example.test" };

	b->d.root_fd = b->root_fd;
	b->d.conf = &b->conf;
	if (b->d.quota == NULL)
		b->d.quota = quota_new();
	return store_deliverer_new(b->root_fd, &options, &b->d.store);
}

static inline void
bench_end(struct bench *b)
{
	sys_fault_clear();
	store_deliverer_free(&b->d.store);
	quota_free(&b->d.quota);
	close(b->root_fd);
	test_folder_free(&b->folder);
}

static inline int
content_fd(struct bytes content)
{
	int fd = memfd_create("content", MFD_CLOEXEC);

	ASSERT(fd >= 0 && write(fd, content.p, content.n) == (ssize_t)content.n);
	return fd;
}

/* content_fd is made here and closed by bench_deliver(). */
static inline struct delivery_item
bench_item(struct bytes content)
{
	return (struct delivery_item){ .content_fd = content_fd(content),
		.job = { .job_id = 1,
			.queue_id = 0x123456789abcdef,
			.arrival_us = 1795298697000000,
			.flags = DELIVERY_FIRST_TRY,
			.account = BYTES_LITERAL("u@d.test"),
			.home = BYTES_LITERAL("d.test/u"),
			.reverse_path = BYTES_LITERAL("a@example.org"),
			.original_path = BYTES_LITERAL("u@d.test"),
			.forward_path = BYTES_LITERAL("u@d.test"),
			.prefix = BYTES_LITERAL(PREFIX),
			.content = content_in_fd(0, content.n) } };
}

static inline void
bench_deliver(struct bench *b, struct delivery_item *items, size_t n)
{
	deliver_batch(&b->d, items, n);
	for (size_t i = 0; i < n; i++)
		close(items[i].content_fd);
}

/* Files in new/ and cur/ of a Maildir below the mail root. */
static inline int
bench_count(const struct bench *b, const char *maildir)
{
	char path[256];
	int n;

	snprintf(path, sizeof(path), "mail/%s/new", maildir);
	n = test_folder_count(b->folder, path);
	snprintf(path, sizeof(path), "mail/%s/cur", maildir);
	return (n < 0 ? 0 : n) +
	       (test_folder_count(b->folder, path) > 0 ? test_folder_count(b->folder, path) : 0);
}

/* Messages of a folder as the index has them. */
static inline uint32_t
bench_indexed(const struct bench *b, const char *home, const char *folder)
{
	const struct store_options options = { .hostname = "mx.example.test" };
	struct store_account *account = NULL;
	struct store_status status = { 0 };
	int fd = openat(b->root_fd, home, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return 0;
	if (store_account_open(fd, &options, &account) == ERR_OK)
		(void)!store_status(account, bytes_from_str(folder), &status);
	store_account_close(&account);
	close(fd);
	return status.messages;
}

/* The one file of a Maildir's new/, whole; freed by the caller. */
static inline struct buf
bench_file(const struct bench *b, const char *maildir)
{
	char path[512];
	struct buf out = BUF_INIT;
	struct dirent *e;
	DIR *dir;
	int fd;

	snprintf(path, sizeof(path), "%s/mail/%s/new", b->folder->path, maildir);
	dir = opendir(path);
	ASSERT(dir != NULL);
	while ((e = readdir(dir)) != NULL) {
		ssize_t n;

		if (e->d_name[0] == '.')
			continue;
		fd = openat(dirfd(dir), e->d_name, O_RDONLY | O_CLOEXEC);
		ASSERT(fd >= 0);
		while ((n = read(fd, buf_room(&out, 65536), 65536)) > 0)
			buf_added(&out, (size_t)n);
		close(fd);
	}
	closedir(dir);
	return out;
}

#endif
