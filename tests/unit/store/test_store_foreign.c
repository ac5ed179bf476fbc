/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/store/test_store_foreign.c - what a mailbox' owner may do to its index while
 * somebody delivers: the deliverer has other people's mail too, and lives on.
 */
#include "mailbox.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "crc32c.h"
#include "err.h"
#include "folder.h"

static int
open_inbox(const struct mailbox *m)
{
	int fd = openat(m->rootfd, "a", O_RDONLY | O_DIRECTORY);

	assert_true(fd >= 0);
	return fd;
}

static void
fold(const struct mailbox *m)
{
	struct folder *f;

	assert_int_equal(folder_open(open_inbox(m), &f), ERR_OK);
	assert_int_equal(folder_lock(f), ERR_OK);
	assert_int_equal(folder_fold(f), ERR_OK);
	folder_unlock(f);
	folder_close(&f);
}

static int
open_index(const struct mailbox *m)
{
	int fd = openat(m->rootfd, "a/relais.index", O_RDWR);

	assert_true(fd >= 0);
	return fd;
}

static void
test_index_cut(void **state)
{
	const struct store_delivery again = { .home = "a",
		.unique = BYTES_LITERAL("4"),
		.arrival = 1700000000,
		.repeated = true,
		.content = BYTES_LITERAL("Subject: four\r\n\r\n") };
	struct store_delivered done;
	struct mailbox m;
	uint32_t uid;
	int fd;

	UNUSED(state);
	mailbox_make(&m);
	uid = mailbox_deliver(&m, "1", "one");
	fold(&m);
	mailbox_shut(&m);
	mailbox_reopen(&m);
	assert_int_equal(mailbox_deliver(&m, "2", "two"), uid + 1); /* the folder stays open */
	fd = open_index(&m);
	assert_int_equal(ftruncate(fd, 0), 0);
	close(fd);
	assert_int_equal(mailbox_deliver(&m, "3", "three"), uid + 2);
	assert_int_equal(store_deliver(m.deliverer, &again, &done), ERR_OK); /* searches it */
	assert_int_equal(done.uid, uid + 3);
	mailbox_remove(&m);
}

/* A change of the file after it was checked is not seen. */
static void
test_index_changed(void **state)
{
	struct folder *f;
	struct mailbox m;
	uint8_t garbage[4096];
	uint32_t uid;
	int fd;

	UNUSED(state);
	memset(garbage, 0xff, sizeof(garbage));
	mailbox_make(&m);
	uid = mailbox_deliver(&m, "1", "one");
	fold(&m);
	assert_int_equal(folder_open_foreign(open_inbox(&m), true, &f), ERR_OK);
	fd = open_index(&m);
	assert_int_equal(pwrite(fd, garbage, sizeof(garbage), 0), sizeof(garbage));
	close(fd);
	assert_int_equal(state_total(&f->state), 1);
	assert_int_equal(state_record(&f->state, 0)->uid, uid);
	assert_true(state_key(&f->state, state_record(&f->state, 0)).n < 300);
	folder_close(&f);
	mailbox_remove(&m);
}

static void
deliver_again(struct mailbox *m, const char *unique)
{
	const struct store_delivery again = { .home = "a",
		.unique = bytes_from_str(unique),
		.arrival = 1700000000,
		.repeated = true,
		.content = BYTES_LITERAL("Subject: again\r\n\r\n") };
	struct store_delivered done;

	assert_int_equal(store_deliver(m->deliverer, &again, &done), ERR_OK);
}

/* The record of a message whose name is a path: by an APPEND, or by NAMES for one that is there. */
static void
put_path(const struct mailbox *m, const char *key, const char *path, uint32_t rename_uid)
{
	struct index_record r = { .key_len = (uint16_t)strlen(key), .size = 1 };
	struct buf log = BUF_INIT;
	struct folder *f;
	size_t began;

	assert_int_equal(folder_open(open_inbox(m), &f), ERR_OK);
	r.uid = f->state.header.uidnext;
	began = log_record_begin(&log, rename_uid == 0 ? LOG_APPEND : LOG_NAMES, 1000);
	if (rename_uid == 0) {
		index_record_swap(&r);
		buf_put(&log, &r, sizeof(r));
		buf_put_str(&log, path);
	} else {
		log_name_put(&log, &(struct log_name){ .uid = rename_uid,
					   .key_len = (uint16_t)strlen(key),
					   .name = bytes_from_str(path) });
	}
	log_record_end(&log, began, f->state.header.generation);
	assert_int_equal(pwrite(f->log_fd, log.data, log.len, (off_t)f->log_end), log.len);
	folder_close(&f);
	buf_free(&log);
}

/* A repeated delivery looks for its file by the index, and removes it if it is torn. */
static void
a_path_leads_nowhere(bool by_names)
{
	static const char key[] = "1700000000.4.mx.example.org";
	char path[128], folder[64];
	struct mailbox m;
	uint32_t uid;

	mailbox_make(&m);
	assert_int_equal(mkdirat(m.rootfd, "b", 0700), 0);
	assert_int_equal(mkdirat(m.rootfd, "b/cur", 0700), 0);
	assert_int_equal(close(openat(m.rootfd, "b/cur/his", O_WRONLY | O_CREAT, 0600)), 0);
	uid = mailbox_deliver(&m, "1", "one");
	deliver_again(&m, "3"); /* directories and index have been compared: not done again */
	snprintf(folder, sizeof(folder), "a/cur/%s", key);
	assert_int_equal(mkdirat(m.rootfd, folder, 0700), 0);
	snprintf(path, sizeof(path), "%s/../../../b/cur/his", key);
	put_path(&m, key, path, by_names ? uid : 0);
	deliver_again(&m, "4");
	assert_int_equal(faccessat(m.rootfd, "b/cur/his", F_OK, 0), 0);
	assert_int_equal(unlinkat(m.rootfd, "b/cur/his", 0), 0);
	assert_int_equal(unlinkat(m.rootfd, "b/cur", AT_REMOVEDIR), 0);
	assert_int_equal(unlinkat(m.rootfd, "b", AT_REMOVEDIR), 0);
	assert_int_equal(unlinkat(m.rootfd, folder, AT_REMOVEDIR), 0);
	mailbox_remove(&m);
}

static void
test_a_path_in_an_append(void **state)
{
	UNUSED(state);
	a_path_leads_nowhere(false);
}

static void
test_a_path_in_names(void **state)
{
	UNUSED(state);
	a_path_leads_nowhere(true);
}

/* An owner who never lets go of the lock costs the others a second, not each delivery half
 * a minute. */
static void
test_a_lock_is_kept(void **state)
{
	const struct store_delivery d = { .home = "a",
		.unique = BYTES_LITERAL("5"),
		.arrival = 1700000000,
		.content = BYTES_LITERAL("Subject: five\r\n\r\n") };
	struct store_delivered done;
	uint64_t began = clock_mono_ms();
	struct mailbox m;
	int fd;

	UNUSED(state);
	mailbox_make(&m);
	mailbox_deliver(&m, "1", "one");
	fd = open_inbox(&m);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	for (int i = 0; i < 20; i++)
		assert_int_equal(store_deliver(m.deliverer, &d, &done), ERR_BUSY);
	assert_in_range(clock_mono_ms() - began, 500, 5000);
	close(fd);
	assert_int_equal(store_deliver(m.deliverer, &d, &done), ERR_OK);
	mailbox_remove(&m);
}

static void
deliver_busy(struct mailbox *m, unsigned times)
{
	const struct store_delivery d = { .home = "a",
		.unique = BYTES_LITERAL("6"),
		.arrival = 1700000000,
		.content = BYTES_LITERAL("Subject: six\r\n\r\n") };
	uint64_t began = clock_mono_ms();
	struct store_delivered done;

	for (unsigned i = 0; i < times; i++)
		assert_int_equal(store_deliver(m->deliverer, &d, &done), ERR_BUSY);
	assert_true(clock_mono_ms() - began < 3000);
}

/* The same when the folder must be opened each time, because its index is spoilt. */
static void
test_a_lock_is_kept_at_opening(void **state)
{
	struct mailbox m;
	int fd;

	UNUSED(state);
	mailbox_make(&m);
	mailbox_deliver(&m, "1", "one");
	mailbox_shut(&m);
	mailbox_reopen(&m);
	assert_int_equal(unlinkat(m.rootfd, "a/relais.log", 0), 0);
	fd = open_inbox(&m);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	deliver_busy(&m, 20);
	close(fd);
	mailbox_remove(&m);
}

/* The lock of .uidvalidity, which every process of the owner may take and keep. */
static void
test_uidvalidity_is_locked(void **state)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	struct mailbox m;
	char unique[8];
	int fd;

	UNUSED(state);
	mailbox_make(&m);
	for (unsigned i = 0; i <= UID_BLOCK; i++) { /* as many UIDs as are reserved */
		snprintf(unique, sizeof(unique), "u%u", i);
		mailbox_deliver(&m, unique, "one");
	}
	fd = openat(m.rootfd, "a/.uidvalidity", O_RDWR);
	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_OFD_SETLK, &lock), 0);
	for (unsigned i = 0; i < UID_BLOCK; i++) {
		const struct store_delivery d = { .home = "a",
			.unique = bytes_from_str(unique),
			.arrival = 1700000001 + i,
			.content = BYTES_LITERAL("Subject: more\r\n\r\n") };
		struct store_delivered done;

		if (store_deliver(m.deliverer, &d, &done) == ERR_BUSY)
			break;
	}
	deliver_busy(&m, 20);
	close(fd);
	mailbox_deliver(&m, "7", "seven");
	mailbox_remove(&m);
}

/* Files that claim to be huge: taken for spoilt before any memory is, and made anew. */
static void
a_huge_file(const char *name)
{
	struct mailbox m;
	uint32_t uid;
	uint64_t began;
	int fd;

	mailbox_make(&m);
	uid = mailbox_deliver(&m, "1", "one");
	fold(&m);
	mailbox_shut(&m);
	mailbox_reopen(&m);
	fd = openat(m.rootfd, name, O_RDWR);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)1 << 40), 0);
	close(fd);
	began = clock_mono_ms();
	assert_in_range(mailbox_deliver(&m, "2", "two"), uid + 1, uid + 2 * UID_BLOCK + 2);
	assert_true(clock_mono_ms() - began < 2000);
	mailbox_remove(&m);
}

static void
test_huge_index(void **state)
{
	UNUSED(state);
	a_huge_file("a/relais.index");
}

static void
test_huge_log(void **state)
{
	UNUSED(state);
	a_huge_file("a/relais.log");
}

static void
test_huge_cache(void **state)
{
	UNUSED(state);
	a_huge_file("a/relais.cache");
}

/* A header that is right in itself, and says that there are ten million messages. */
static void
test_index_of_holes(void **state)
{
	struct index_header h = { .generation = 5, .uidvalidity = 1, .uidnext = UINT32_MAX };
	struct buf out = BUF_INIT;
	struct mailbox m;
	uint8_t *p;
	int fd;

	UNUSED(state);
	mailbox_make(&m);
	mailbox_deliver(&m, "1", "one");
	fold(&m);
	mailbox_shut(&m);
	mailbox_reopen(&m);
	index_encode(&out, &h, BYTES_NONE, BYTES_NONE, BYTES_NONE);
	p = out.data + out.start;
	set_u32(p + 44, 5000000);
	set_u32(p + 124, crc32c(0, bytes_make(p, 124)));
	fd = open_index(&m);
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(pwrite(fd, p, INDEX_HEADER_SIZE, 0), INDEX_HEADER_SIZE);
	assert_int_equal(ftruncate(fd, INDEX_HEADER_SIZE + 5000000 * (off_t)INDEX_RECORD_SIZE), 0);
	close(fd);
	buf_free(&out);
	mailbox_deliver(&m, "2", "two");
	mailbox_remove(&m);
}

/* A pipe in the place of a file would stop who opens it, for ever. */
static void
test_pipes(void **state)
{
	static const char *const names[] = { "a/relais.index", "a/relais.log", "a/relais.cache",
		"a/dovecot-keywords" };
	struct mailbox m;

	UNUSED(state);
	for (size_t i = 0; i < NITEMS(names); i++) {
		mailbox_make(&m);
		mailbox_deliver(&m, "1", "one");
		fold(&m);
		mailbox_shut(&m);
		mailbox_reopen(&m);
		(void)unlinkat(m.rootfd, names[i], 0);
		assert_int_equal(mkfifoat(m.rootfd, names[i], 0600), 0);
		mailbox_deliver(&m, "2", "two");
		mailbox_remove(&m);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_a_lock_is_kept_at_opening),
		cmocka_unit_test(test_uidvalidity_is_locked), cmocka_unit_test(test_huge_index),
		cmocka_unit_test(test_huge_log), cmocka_unit_test(test_huge_cache),
		cmocka_unit_test(test_index_of_holes), cmocka_unit_test(test_pipes),
		cmocka_unit_test(test_index_cut), cmocka_unit_test(test_index_changed),
		cmocka_unit_test(test_a_path_in_an_append), cmocka_unit_test(test_a_path_in_names),
		cmocka_unit_test(test_a_lock_is_kept) };

	return cmocka_run_group_tests_name("store/foreign", tests, NULL, NULL);
}
