/* SPDX-License-Identifier: ISC */
/* tests/unit/store/mailbox.c - a mailbox in a temporary directory; see the header. */
#include "mailbox.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "err.h"

static void
open_all(struct mailbox *m)
{
	const struct store_deliverer_options d = { .hostname = "mx.example.org", .max_open = 4 };
	const struct store_options o = { .hostname = "mx.example.org" };
	int fd;

	m->rootfd = open(m->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(m->rootfd >= 0);
	assert_int_equal(store_deliverer_new(m->rootfd, &d, &m->deliverer), ERR_OK);
	fd = openat(m->rootfd, "a", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(store_account_open(fd, &o, &m->account), ERR_OK);
	close(fd);
}

void
mailbox_shut(struct mailbox *m)
{
	store_account_close(&m->account);
	store_deliverer_free(&m->deliverer);
	if (m->rootfd >= 0)
		close(m->rootfd);
	m->rootfd = -1;
}

void
mailbox_make(struct mailbox *m)
{
	const char *tmp = getenv("TMPDIR");
	char account[80];

	if (tmp == NULL && access("/dev/shm", W_OK) == 0)
		tmp = "/dev/shm"; /* what is flushed there costs nothing */

	*m = (struct mailbox){ .rootfd = -1 };
	snprintf(m->path, sizeof(m->path), "%.40s/relais-store-XXXXXX", tmp != NULL ? tmp : "/tmp");
	assert_non_null(mkdtemp(m->path));
	snprintf(account, sizeof(account), "%s/a", m->path);
	assert_int_equal(mkdir(account, 0700), 0);
	open_all(m);
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

void
mailbox_remove(struct mailbox *m)
{
	mailbox_shut(m);
	nftw(m->path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void
mailbox_reopen(struct mailbox *m)
{
	mailbox_shut(m);
	open_all(m);
}

static struct bytes
message(const char *text, char out[512])
{
	int n = snprintf(out, 512,
		"From: a@example.org\r\nTo: b@example.org\r\nSubject: %s\r\n\r\nThe body of "
		"%s.\r\n",
		text, text);

	return bytes_make(out, (size_t)n);
}

uint32_t
mailbox_deliver(struct mailbox *m, const char *unique, const char *text)
{
	char octets[512];
	struct store_delivery d = { .home = "a",
		.unique = bytes_from_str(unique),
		.arrival = 1700000000,
		.prefix = BYTES_LITERAL("Return-Path: <a@example.org>\r\n"),
		.content = message(text, octets) };
	struct store_delivered out;

	assert_int_equal(store_deliver(m->deliverer, &d, &out), ERR_OK);
	return out.uid;
}

uint32_t
mailbox_append(struct mailbox *m, const char *folder, const char *text, unsigned flags)
{
	struct store_new n = { .flags = flags, .internal_date = 1600000000 };
	struct store_placed placed;
	struct store_append *a;
	char octets[512];

	assert_int_equal(store_append_begin(m->account, bytes_from_str(folder), &a), ERR_OK);
	assert_int_equal(store_append_write(a, message(text, octets)), ERR_OK);
	assert_int_equal(store_append_commit(&a, &n, &placed), ERR_OK);
	return placed.uid;
}

struct store_view *
mailbox_open(struct mailbox *m, const char *folder)
{
	struct store_view *v;

	assert_int_equal(store_open(m->account, bytes_from_str(folder), 0, &v), ERR_OK);
	return v;
}

void
mailbox_put_file(struct mailbox *m, const char *path, const char *text)
{
	char whole[400];
	FILE *f;

	snprintf(whole, sizeof(whole), "%s/a/%s", m->path, path);
	f = fopen(whole, "wb");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static DIR *
open_directory(struct mailbox *m, const char *directory)
{
	char whole[400];
	DIR *dir;

	snprintf(whole, sizeof(whole), "%s/a/%s", m->path, directory);
	dir = opendir(whole);
	assert_non_null(dir);
	return dir;
}

int
mailbox_files(struct mailbox *m, const char *directory)
{
	DIR *dir = open_directory(m, directory);
	struct dirent *e;
	int n = 0;

	while ((e = readdir(dir)) != NULL)
		n += e->d_name[0] != '.';
	closedir(dir);
	return n;
}

const char *
mailbox_find(struct mailbox *m, const char *directory, const char *part, char out[256])
{
	DIR *dir = open_directory(m, directory);
	struct dirent *e;

	out[0] = 0;
	while ((e = readdir(dir)) != NULL && out[0] == 0)
		if (e->d_name[0] != '.' && strstr(e->d_name, part) != NULL)
			snprintf(out, 256, "%s", e->d_name);
	closedir(dir);
	return out;
}

void
mailbox_rename(struct mailbox *m, const char *from, const char *to)
{
	char a[700], b[700];

	snprintf(a, sizeof(a), "%s/a/%s", m->path, from);
	snprintf(b, sizeof(b), "%s/a/%s", m->path, to);
	assert_int_equal(rename(a, b), 0);
}

void
mailbox_unlink(struct mailbox *m, const char *path)
{
	char whole[700];

	snprintf(whole, sizeof(whole), "%s/a/%s", m->path, path);
	assert_int_equal(unlink(whole), 0);
}

const char *
mailbox_subject(struct store_view *v, uint32_t seq, char out[64])
{
	struct store_content c;
	struct bytes rest;
	size_t at;

	assert_int_equal(store_content_open(v, seq, &c), ERR_OK);
	at = bytes_search(c.text, BYTES_LITERAL("Subject: "));
	assert_true(at != BYTES_NOT_FOUND);
	rest = bytes_skip(c.text, at + 9);
	bytes_to_str(bytes_cut(&rest, '\r'), out, 64);
	store_content_close(&c);
	return out;
}

unsigned
mailbox_flags(struct store_view *v, uint32_t seq)
{
	struct store_message m;

	store_message(v, seq, &m);
	return m.flags;
}
