/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/store/test_store_foreign.c - what a mailbox' owner may do to its index while
 * somebody delivers: the deliverer has other people's mail too, and lives on.
 */
#include "mailbox.h"

#include <fcntl.h>
#include <unistd.h>

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
	assert_int_equal(folder_open_foreign(open_inbox(&m), &f), ERR_OK);
	fd = open_index(&m);
	assert_int_equal(pwrite(fd, garbage, sizeof(garbage), 0), sizeof(garbage));
	close(fd);
	assert_int_equal(state_total(&f->state), 1);
	assert_int_equal(state_record(&f->state, 0)->uid, uid);
	assert_true(state_key(&f->state, state_record(&f->state, 0)).n < 300);
	folder_close(&f);
	mailbox_remove(&m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_index_cut),
		cmocka_unit_test(test_index_changed) };

	return cmocka_run_group_tests_name("store/foreign", tests, NULL, NULL);
}
