/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/qmgr/test_crash.c - kill -9 at any moment: a child commits and delivers as fast
 * as it can and is killed; another takes up what is on the disk. Every message that was
 * confirmed is delivered in the end, whole, and none twice; of every one that fails its sender is
 * told.
 *
 * RELAIS_SEED repeats a run, RELAIS_ROUNDS makes it longer. With RELAIS_POWER="DEVICE FOLDER"
 * (root; an ext4 that may be lost, mounted there) the queue lies there and the power is cut
 * instead: the file system is shut down without flushing its log, then mounted again.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "fake.h"

#define ROUNDS      12
#define FAILING     9 /* instance in the ids of those that fail */
#define SENDER      "sender@example.net"
#define KILL_US_MAX 150000

#define SHUTDOWN     _IOR('X', 125, uint32_t) /* FS_IOC_SHUTDOWN */
#define NO_LOG_FLUSH 2

static char device[128], mount_point[128]; /* empty: kills only */

static int told = -1; /* a pipe to the parent: ids of confirmed messages */

static void
tell(uint64_t id)
{
	if (write(told, &id, sizeof(id)) != sizeof(id))
		_exit(3);
}

static const char *const rcpts[] = { "user@example.org", "full@example.org x@example.org",
	"all@example.org", "a@example.org b@example.org c@example.org", "lost@example.org" };

/* One that fails: its sender has a login and so is told. */
static void
commit_failing(struct fake *f, struct bytes content)
{
	const unsigned instance = f->ids.instance;

	f->login = SENDER;
	f->ids.instance = FAILING;
	fake_commit(f, "bad@example.org", content);
	f->ids.instance = instance;
	f->login = NULL;
}

/* Runs until it is killed. */
static void
child(struct fake *f, unsigned seed)
{
	struct buf small = BUF_INIT, large = BUF_INIT;
	unsigned n = 0;

	srand(seed);
	while (small.len < 3000)
		buf_printf(&small, "line %zu of a message\r\n", small.len);
	while (large.len < 160000)
		buf_printf(&large, "line %zu of a large message\r\n", large.len);
	f->on_accepted = tell;
	f->turned = seed % 3;
	fake_start(f);
	for (;;) {
		f->full_is_ok = n % 50 > 25;
		for (int i = rand() % 20; i > 0; i--)
			fake_commit(f, rcpts[(unsigned)rand() % NITEMS(rcpts)], buf_bytes(&small));
		if (n % 2 == 0)
			commit_failing(f, buf_bytes(&small));
		if (n++ % 7 == 0)
			fake_commit_lent(f, rcpts[0], buf_bytes(&large));
		fake_turns(f, 2);
	}
}

/* Takes up what is left and delivers all of it. */
static void
drain_all(struct fake *f)
{
	f->full_is_ok = true;
	f->on_accepted = NULL;
	f->asked = f->answers = 0;
	f->repeated = 0;
	f->turned++; /* the alias was changed meanwhile */
	fake_start(f);
	assert_int_equal(f->q->stats.corrupt, 0);
	assert_true(fake_until(f, fake_empty));
	fake_stop(f);
}

/* Is there a delivery of this message, whole? Deliveries are ID.RCPT.ACCOUNT. */
static void
check_confirmed(struct fake *f, const uint64_t *ids, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		static const char *const firsts[] = { "user@example.org", "full@example.org",
			"a@example.org", "lost@example.org" };
		struct buf got = BUF_INIT;
		bool found = false;

		if (ids[i] % (QUEUE_ID_INSTANCE_MAX + 1) == FAILING)
			continue;
		for (size_t k = 0; k < NITEMS(firsts) && !found; k++)
			for (uint32_t rcpt = 0; rcpt < 4 && !found; rcpt++)
				found = fake_delivered(f, ids[i], rcpt, firsts[k], &got) > 0;
		assert_true(found);
		assert_true(got.len > 3000);
		assert_true(bytes_starts_with(buf_bytes(&got), BYTES_LITERAL("Received: ")));
		assert_int_equal(got.data[got.start + got.len - 1], '\n');
		buf_free(&got);
	}
}

/* The sender of each that failed was told, perhaps twice: the report names it. */
static void
check_told(struct fake *f, const uint64_t *ids, size_t n)
{
	struct buf reports = BUF_INIT;

	fake_got(f, SENDER, &reports);
	for (size_t i = 0; i < n; i++) {
		char id[QUEUE_ID_TEXT_SIZE], line[64];

		if (ids[i] % (QUEUE_ID_INSTANCE_MAX + 1) != FAILING)
			continue;
		snprintf(
			line, sizeof(line), "X-Relais-Queue-ID: %s\r\n", queue_id_text(ids[i], id));
		assert_non_null(strstr((const char *)buf_bytes(&reports).p, line));
	}
	buf_free(&reports);
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* No mailbox has a message twice: deliveries are ID.RCPT.ACCOUNT, and an account that is there
 * with two numbers got it as two recipients. */
static void
check_once(struct fake *f)
{
	enum {
		NAME = 96
	};
	char(*names)[NAME] = NULL;
	size_t n = 0, cap = 0;
	struct dirent *e;
	DIR *dir = fdopendir(openat(f->mail_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));

	assert_non_null(dir);
	while ((e = readdir(dir)) != NULL) {
		const char *account = strchr(e->d_name, '.');

		if (account == NULL || account == e->d_name ||
			(account = strchr(account + 1, '.')) == NULL)
			continue;
		if (n == cap) {
			cap = cap == 0 ? 1024 : 2 * cap;
			names = xrealloc(names, cap * sizeof(*names));
		}
		snprintf(names[n++], NAME, "%.*s%s", (int)strcspn(e->d_name, "."), e->d_name,
			account);
	}
	closedir(dir);
	if (n > 1)
		qsort(names, n, sizeof(*names), by_text);
	for (size_t i = 1; i < n; i++)
		assert_string_not_equal(names[i - 1], names[i]);
	free(names);
}

/* What was not flushed is gone; then the disk is there again. */
static void
cut_power(void)
{
	const uint32_t how = NO_LOG_FLUSH;
	int fd = open(mount_point, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(ioctl(fd, SHUTDOWN, &how), 0);
	close(fd);
}

static void
mount_again(void)
{
	for (int i = 0; umount(mount_point) != 0; i++) {
		assert_true(errno == EBUSY && i < 500);
		usleep(10000);
	}
	assert_int_equal(mount(device, mount_point, "ext4", 0, NULL), 0);
}

/* The queue goes to the file system that is going to lose its power. */
static void
put_queue_there(struct fake *f)
{
	char command[512];

	snprintf(command, sizeof(command), "rm -rf %s/q && mkdir %s/q && sync %s", mount_point,
		mount_point, mount_point);
	assert_int_equal(system(command), 0); /* NOLINT: words of the tester's own */
	snprintf(command, sizeof(command), "%s/q", mount_point);
	assert_int_equal(unlinkat(f->root_fd, "queue", AT_REMOVEDIR), 0);
	assert_int_equal(symlinkat(command, f->root_fd, "queue"), 0);
}

static size_t
run_and_kill(struct fake *f, unsigned seed, useconds_t life, uint64_t *ids, size_t max)
{
	int fds[2], status;
	size_t n = 0;
	pid_t pid;

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(fds[0]);
		told = fds[1];
		if (device[0] != 0) { /* what it says of a disk that is gone is of no interest */
			dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), 1);
			dup2(1, 2);
		}
		child(f, seed);
		_exit(0);
	}
	close(fds[1]);
	usleep(life + 60000); /* the start itself takes some */
	if (device[0] != 0)
		cut_power();
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) || device[0] != 0);
	if (device[0] != 0)
		mount_again();
	while (n < max && read(fds[0], &ids[n], sizeof(*ids)) == (ssize_t)sizeof(*ids))
		n++;
	close(fds[0]);
	return n;
}

static void
test_kills(void **state)
{
	const char *seed_text = getenv("RELAIS_SEED"), *rounds_text = getenv("RELAIS_ROUNDS");
	unsigned seed = seed_text != NULL ? (unsigned)atol(seed_text) : (unsigned)clock_wall_us();
	const unsigned rounds = rounds_text != NULL ? (unsigned)atol(rounds_text) : ROUNDS;
	const size_t max = 100000;
	uint64_t *ids = xcalloc(max, sizeof(*ids));
	size_t confirmed = 0, kept;
	struct fake f;

	if (getenv("RELAIS_POWER") != NULL)
		assert_int_equal(
			sscanf(getenv("RELAIS_POWER"), "%127s %127s", device, mount_point), 2);
	log_open(open("/dev/null", O_WRONLY | O_CLOEXEC), "qmgr", "mx", LOG_LEVEL_ERROR);
	printf("seed %u\n", seed);
	for (unsigned i = 0; i < rounds; i++) {
		fake_make(&f);
		f.conf.minimal_backoff = 1000;
		if (device[0] != 0)
			put_queue_there(&f);
		srand(seed + i);
		kept = 0;
		for (int kills = 0; kills < 3; kills++) /* killed again while recovering, too */
			kept += run_and_kill(&f, seed + i + (unsigned)kills,
				(useconds_t)(rand() % KILL_US_MAX), ids + kept, max - kept);
		drain_all(&f);
		check_confirmed(&f, ids, kept);
		check_told(&f, ids, kept);
		check_once(&f);
		confirmed += kept;
		fake_remove(&f);
	}
	printf("%u rounds, %zu confirmed messages, none lost\n", rounds, confirmed);
	assert_true(confirmed > 0);
	free(ids);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_kills) };

	return cmocka_run_group_tests_name("qmgr/crash", tests, NULL, NULL);
}
