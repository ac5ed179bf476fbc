/* SPDX-License-Identifier: ISC */
/* tests/unit/session/test_watch.c - directories watched for several sessions at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "watch.h"

static const struct watch_identity as_we_are = { false, 0, 0 };

struct client {
	struct watcher watcher;
	unsigned told;
};

struct fixture {
	struct event_base *base;
	struct watch_set *set;
	char folder[64];
	int dir[2];
	struct client clients[3];
};

static void
changed(struct watcher *w)
{
	((struct client *)w)->told++;
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	char path[80];

	f->base = event_base_new();
	f->set = watch_set_new(f->base, inotify_init1(IN_NONBLOCK | IN_CLOEXEC), changed);
	snprintf(f->folder, sizeof(f->folder), "/tmp/relais-watch-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%d", f->folder, i);
		assert_int_equal(mkdir(path, 0700), 0);
		f->dir[i] = open(path, O_RDONLY | O_DIRECTORY);
	}
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	char command[100];

	for (int i = 0; i < 3; i++)
		watch_forget(f->set, &f->clients[i].watcher);
	assert_int_equal(watch_directories(f->set), 0);
	watch_set_free(&f->set);
	event_base_free(f->base);
	for (int i = 0; i < 2; i++)
		close(f->dir[i]);
	snprintf(command, sizeof(command), "rm -rf %s", f->folder);
	assert_int_equal(system(command), 0);
	free(f);
	return 0;
}

static void
touch(struct fixture *f, int dir, const char *name)
{
	int fd = openat(f->dir[dir], name, O_CREAT | O_WRONLY, 0600);

	assert_true(fd >= 0);
	close(fd);
}

/* Let notices come in and be gathered. */
static void
turn(struct fixture *f)
{
	for (int i = 0; i < 4; i++) {
		event_base_loop(f->base, EVLOOP_NONBLOCK);
		usleep(WATCH_GATHER_MS * 1000 / 2);
	}
	event_base_loop(f->base, EVLOOP_NONBLOCK);
}

static void
add(struct fixture *f, int client, int dir)
{
	assert_int_equal(
		watch_add(f->set, &f->clients[client].watcher, f->dir[dir], &as_we_are), ERR_OK);
}

static void
test_shared(void **state)
{
	struct fixture *f = *state;

	add(f, 0, 0);
	add(f, 1, 0);
	add(f, 1, 0); /* again: nothing new */
	add(f, 2, 1);
	assert_int_equal(watch_directories(f->set), 2);
	touch(f, 0, "a");
	touch(f, 0, "b");
	turn(f);
	assert_int_equal(f->clients[0].told, 1); /* both in one notice */
	assert_int_equal(f->clients[1].told, 1);
	assert_int_equal(f->clients[2].told, 0);
	watch_forget(f->set, &f->clients[0].watcher);
	touch(f, 0, "c");
	turn(f);
	assert_int_equal(f->clients[0].told, 1);
	assert_int_equal(f->clients[1].told, 2);
}

static void
test_forgotten_while_due(void **state)
{
	struct fixture *f = *state;

	add(f, 0, 0);
	touch(f, 0, "a");
	event_base_loop(f->base, EVLOOP_NONBLOCK);
	watch_forget(f->set, &f->clients[0].watcher);
	turn(f);
	assert_int_equal(f->clients[0].told, 0);
}

static void
test_deleted_folder(void **state)
{
	struct fixture *f = *state;
	char path[80];

	add(f, 0, 1);
	snprintf(path, sizeof(path), "%s/1", f->folder);
	assert_int_equal(rmdir(path), 0);
	close(f->dir[1]);
	f->dir[1] = -1;
	turn(f);
	assert_int_equal(f->clients[0].told, 1);
	assert_int_equal(watch_directories(f->set), 0);
	assert_int_equal(f->clients[0].watcher.count, 0);
}

static void
test_limits(void **state)
{
	struct fixture *f = *state;
	char name[16];
	int fd = open("/dev/null", O_RDONLY), n = 0, r = ERR_OK;

	assert_int_equal(watch_add(f->set, &f->clients[0].watcher, fd, &as_we_are), ERR_DENIED);
	close(fd);
	while (r == ERR_OK && n < 100) {
		snprintf(name, sizeof(name), "d%d", n++);
		assert_int_equal(mkdirat(f->dir[0], name, 0700), 0);
		fd = openat(f->dir[0], name, O_RDONLY | O_DIRECTORY);
		r = watch_add(f->set, &f->clients[0].watcher, fd, &as_we_are);
		close(fd);
	}
	assert_int_equal(r, ERR_LIMIT);
	assert_int_equal(n, WATCHES_A_SESSION_MAX + 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_shared, setup, teardown),
		cmocka_unit_test_setup_teardown(test_forgotten_while_due, setup, teardown),
		cmocka_unit_test_setup_teardown(test_deleted_folder, setup, teardown),
		cmocka_unit_test_setup_teardown(test_limits, setup, teardown),
	};

	return cmocka_run_group_tests_name("session/watch", tests, NULL, NULL);
}
