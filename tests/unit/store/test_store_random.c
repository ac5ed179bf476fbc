/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/store/test_store_random.c - two processes and a foreign program at work in one
 * mailbox, killed at random, the index deleted or spoilt at random, against a model.
 *
 * Every message has a serial number; serial % 3 says who may change it: worker 0, worker 1, or
 * the foreign program, which knows only files. What each has done, and what it was told,
 * is kept in shared memory. The rules:
 *   - a UID never stands for two messages, and a message never gets a second UID;
 *   - what was confirmed is there, once, whole, until its owner removes it;
 *   - flags are those its owner set last;
 *   - what was begun when the process was killed is done or not done; a delivery tried again
 *     is done once.
 *
 * RELAIS_SEED sets the seed (printed), RELAIS_ROUNDS the number of rounds.
 *
 * RELAIS_CUT names an unused folder for power cuts (root only): an ext4 in a file there is mounted,
 * cut off without its journal at a random moment of each round, and mounted again. Then a delivery
 * counts when a syncfs() came back, and a UID when a session was told of it.
 */
#include "mailbox.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "err.h"

#define SERIALS 4000
#define UIDS    200000
#define OWNERS  3
#define FOREIGN 2

enum state {
	NONE,
	TRYING,
	APPENDING,
	DELIVERED, /* but not synced: a power cut may take it away */
	THERE,
	REMOVING,
	REMOVED
};

struct message {
	_Atomic int state;
	_Atomic unsigned flags;
	_Atomic int flags_known; /* 0: a change was under way, or the log was lost */
	_Atomic unsigned uid;
};

static struct shared {
	struct message m[SERIALS];
	_Atomic unsigned uid_serial[UIDS];
	_Atomic unsigned next[OWNERS];
	_Atomic unsigned uidvalidity;
	_Atomic int cut;        /* the file system is being cut off: errors are no news */
	_Atomic int flags_lost; /* in this round: the log was taken away */
	_Atomic unsigned operations[8];
} * shared;

static uint64_t random_state;
static const char *role = "parent";
static bool with_cuts, is_child;

static unsigned
rnd(unsigned n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (unsigned)(random_state >> 16) % n;
}

#define CHECK(cond, ...)                                                                           \
	do {                                                                                       \
		bool ok = (cond);                                                                  \
                                                                                                   \
		if (is_child && atomic_load(&shared->cut))                                         \
			_exit(0); /* what comes back now was not promised before */                \
		if (!ok) {                                                                         \
			fprintf(stderr, "%s: %s:%d: %s: ", role, __FILE__, __LINE__, #cond);       \
			fprintf(stderr, __VA_ARGS__);                                              \
			fputc('\n', stderr);                                                       \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

static unsigned
new_serial(unsigned owner)
{
	unsigned i = atomic_fetch_add(&shared->next[owner], 1);

	return i * OWNERS + owner + OWNERS; /* not 0 */
}

static int
content(unsigned serial, char out[400])
{
	return snprintf(out, 400, "From: a@example.org\r\nSubject: s%u.\r\n\r\n%0*u\r\nend %u\r\n",
		serial, (int)(serial % 97) + 1, serial, serial);
}

/* What anybody learns of a UID must agree with what everybody learnt before. */
static void
learn(unsigned uid, unsigned serial)
{
	unsigned before = 0, uid_before = 0;

	CHECK(uid > 0 && uid < UIDS, "uid %u of %u", uid, serial);
	CHECK(serial > 0 && serial < SERIALS, "serial %u", serial);
	if (!atomic_compare_exchange_strong(&shared->uid_serial[uid], &before, serial))
		CHECK(before == serial, "uid %u is %u and %u", uid, before, serial);
	if (!atomic_compare_exchange_strong(&shared->m[serial].uid, &uid_before, uid))
		CHECK(uid_before == uid, "message %u has uid %u and %u", serial, uid_before, uid);
}

/* ---- a worker: one session, and a deliverer ------------------------------------------------ */

static void
deliver(struct mailbox *m, unsigned serial, bool repeated)
{
	struct store_delivered out;
	char text[400], unique[32];
	struct store_delivery d = { .home = "a", .arrival = 1700000000, .repeated = repeated };

	snprintf(unique, sizeof(unique), "s%u_0", serial);
	d.unique = bytes_from_str(unique);
	d.content = bytes_make(text, (size_t)content(serial, text));
	atomic_store(&shared->m[serial].state, TRYING);
	CHECK(store_deliver(m->deliverer, &d, &out) == ERR_OK, "%s", err_text(out.result));
	if (!with_cuts)
		learn(out.uid, serial);
	atomic_store(&shared->m[serial].flags, 0);
	atomic_store(&shared->m[serial].flags_known, 1);
	atomic_store(&shared->m[serial].state, with_cuts ? DELIVERED : THERE);
}

/* What qmgr asks for before it forgets messages. */
static void
sync_deliveries(struct mailbox *m, unsigned owner)
{
	unsigned serials[64], n = 0;

	for (unsigned i = owner + OWNERS; i < SERIALS && n < NITEMS(serials); i += OWNERS)
		if (atomic_load(&shared->m[i].state) == DELIVERED)
			serials[n++] = i;
	CHECK(syncfs(m->rootfd) == 0, "syncfs");
	while (n > 0)
		atomic_store(&shared->m[serials[--n]].state, THERE);
}

static void
append(struct mailbox *m, unsigned serial)
{
	struct store_new n = { .flags = rnd(32) };
	struct store_placed placed;
	struct store_append *a;
	char text[400];
	int r, len = content(serial, text), cut = (int)rnd((unsigned)len);

	r = store_append_begin(m->account, BYTES_LITERAL("INBOX"), &a);
	CHECK(r == ERR_OK, "%s", err_text(r));
	r = store_append_write(a, bytes_make(text, (size_t)cut));
	CHECK(r == ERR_OK, "%s", err_text(r));
	r = store_append_write(a, bytes_make(text + cut, (size_t)(len - cut)));
	CHECK(r == ERR_OK, "%s", err_text(r));
	atomic_store(&shared->m[serial].flags, n.flags);
	atomic_store(&shared->m[serial].flags_known, 1);
	atomic_store(&shared->m[serial].state, APPENDING);
	r = store_append_commit(&a, &n, &placed);
	CHECK(r == ERR_OK, "%s", err_text(r));
	learn(placed.uid, serial);
	atomic_store(&shared->m[serial].state, THERE);
}

/* The serial of a message, from its text, which must be whole. */
static unsigned
read_serial(struct store_view *v, uint32_t seq)
{
	struct store_content c;
	char expected[400];
	unsigned serial = 0;
	size_t at;
	int r = store_content_open(v, seq, &c), n;

	if (r == ERR_NOT_FOUND)
		return 0;
	CHECK(r == ERR_OK, "%s", err_text(r));
	at = bytes_search(c.text, BYTES_LITERAL("Subject: s"));
	CHECK(at != BYTES_NOT_FOUND, "no subject in %zu octets", c.text.n);
	for (at += 10; at < c.text.n && ascii_is_digit(c.text.p[at]); at++)
		serial = serial * 10 + c.text.p[at] - '0';
	n = content(serial, expected);
	CHECK((size_t)n == c.text.n && memcmp(expected, c.text.p, c.text.n) == 0,
		"torn: message %u has %zu octets", serial, c.text.n);
	store_content_close(&c);
	return serial;
}

static void
look_at(struct store_view *v, uint32_t seq)
{
	uint32_t uid = store_uid(v, seq);
	unsigned serial = read_serial(v, seq);
	struct store_cached c;
	char subject[32];

	if (serial == 0)
		return;
	learn(uid, serial);
	if (store_cached(v, seq, &c) == ERR_OK) {
		snprintf(subject, sizeof(subject), "\"s%u.\"", serial);
		CHECK(bytes_search(c.envelope, bytes_from_str(subject)) != BYTES_NOT_FOUND,
			"cache of %u says %.*s", serial, (int)c.envelope.n,
			(const char *)c.envelope.p);
	}
}

static uint32_t
my_message(struct store_view *v, unsigned owner, unsigned *serial)
{
	for (int i = 0; i < 20 && store_count(v) > 0; i++) {
		uint32_t uid = store_uid(v, rnd(store_count(v)) + 1);

		if (uid >= UIDS)
			continue;
		*serial = atomic_load(&shared->uid_serial[uid]);
		if (*serial != 0 && *serial % OWNERS == owner &&
			atomic_load(&shared->m[*serial].state) == THERE)
			return uid;
	}
	return 0;
}

static void
change_flags(struct store_view *v, unsigned owner)
{
	struct store_flags_change c = { (enum store_flags_how)rnd(3), rnd(32), 0, 0 };
	unsigned serial, flags;
	uint32_t uid = my_message(v, owner, &serial), seq;
	int r;

	if (uid == 0)
		return;
	flags = atomic_load(&shared->m[serial].flags);
	if (c.how == STORE_REPLACE)
		flags = c.flags;
	else if (c.how == STORE_ADD)
		flags |= c.flags;
	else
		flags &= ~c.flags;
	if (atomic_load(&shared->m[serial].flags_known) == 0 && c.how != STORE_REPLACE)
		return;
	atomic_store(&shared->m[serial].flags_known, 0);
	r = store_change_flags(v, &uid, 1, &c, NULL, NULL);
	CHECK(r == ERR_OK, "%s", err_text(r));
	seq = store_seq_of_uid(v, uid);
	CHECK(seq != 0, "uid %u", uid);
	CHECK(atomic_load(&shared->flags_lost) || mailbox_flags(v, seq) == flags,
		"message %u: %x, not %x", serial, mailbox_flags(v, seq), flags);
	atomic_store(&shared->m[serial].flags, flags);
	atomic_store(&shared->m[serial].flags_known, 1);
}

static void
expunge(struct store_view *v, unsigned owner)
{
	unsigned serial;
	uint32_t uid = my_message(v, owner, &serial);
	int r;

	if (uid == 0)
		return;
	atomic_store(&shared->m[serial].state, REMOVING);
	r = store_expunge(v, &uid, 1, false);
	CHECK(r == ERR_OK, "%s", err_text(r));
	atomic_store(&shared->m[serial].state, REMOVED);
}

/* Numbers as a client counts them from what it is told. */
static void
refresh(struct store_view *v)
{
	static uint32_t mirror[UIDS];
	struct store_changes c;
	uint32_t n = store_count(v);
	int r;

	for (uint32_t i = 0; i < n; i++)
		mirror[i] = store_uid(v, i + 1);
	r = store_refresh(v, rnd(2) == 0 ? STORE_HOLD_EXPUNGED : 0, &c);
	CHECK(r == ERR_OK, "%s", err_text(r));
	for (size_t i = 0; i < c.n_expunged; i++) {
		CHECK(c.expunged[i] >= 1 && c.expunged[i] <= n, "%u of %u", c.expunged[i], n);
		CHECK(mirror[c.expunged[i] - 1] == c.expunged_uids[i], "expunged uids");
		memmove(&mirror[c.expunged[i] - 1], &mirror[c.expunged[i]],
			(n - c.expunged[i]) * sizeof(*mirror));
		n--;
	}
	CHECK(c.first_new == n + 1 && c.exists >= n, "first %u exists %u", c.first_new, c.exists);
	CHECK(c.exists == store_count(v), "exists");
	for (uint32_t i = 0; i < n; i++)
		CHECK(store_uid(v, i + 1) == mirror[i], "numbers moved");
	for (uint32_t i = 1; i < c.exists; i++)
		CHECK(store_uid(v, i) < store_uid(v, i + 1), "order of UIDs");
	for (size_t i = 0; i < c.n_changed; i++)
		CHECK(c.changed[i] >= 1 && c.changed[i] <= n, "changed");
	for (uint32_t i = c.first_new; i <= c.exists; i++)
		look_at(v, i);
}

static struct store_view *
select_inbox(struct mailbox *m)
{
	struct store_view *v;
	int r = store_open(
		m->account, BYTES_LITERAL("INBOX"), rnd(8) == 0 ? STORE_READ_ONLY : 0, &v);

	CHECK(r == ERR_OK, "%s", err_text(r));
	return v;
}

static void
work(struct mailbox *m, unsigned owner, unsigned operations)
{
	struct store_view *v = select_inbox(m);

	while (operations-- > 0) {
		unsigned what = rnd(16);

		if (what < 4 && shared->next[owner] < SERIALS / OWNERS - 8)
			deliver(m, new_serial(owner), rnd(4) == 0);
		else if (what < 6 && shared->next[owner] < SERIALS / OWNERS - 8)
			append(m, new_serial(owner));
		else if (what < 9 && !store_view_read_only(v))
			change_flags(v, owner);
		else if (what < 11 && !store_view_read_only(v))
			expunge(v, owner);
		else if (what < 14)
			refresh(v);
		else if (with_cuts && what == 14)
			sync_deliveries(m, owner);
		else if (what == 14 && store_count(v) > 0)
			look_at(v, rnd(store_count(v)) + 1);
		else {
			store_close(&v);
			v = select_inbox(m);
		}
		atomic_fetch_add(&shared->operations[owner], 1);
	}
	store_close(&v);
}

/* ---- the foreign program -------------------------------------------------------------------- */

static void
foreign_add(struct mailbox *m)
{
	unsigned serial = new_serial(FOREIGN), flags = rnd(32);
	char text[400], from[64], to[64];
	bool cur = rnd(2) == 0;

	content(serial, text);
	snprintf(from, sizeof(from), "tmp/1700000001.s%u_f.elsewhere", serial);
	if (cur)
		snprintf(to, sizeof(to), "cur/1700000001.s%u_f.elsewhere:2,%s%s%s%s%s", serial,
			flags & STORE_DRAFT ? "D" : "", flags & STORE_FLAGGED ? "F" : "",
			flags & STORE_ANSWERED ? "R" : "", flags & STORE_SEEN ? "S" : "",
			flags & STORE_DELETED ? "T" : "");
	else
		snprintf(to, sizeof(to), "new/1700000001.s%u_f.elsewhere", serial);
	mailbox_put_file(m, from, text);
	atomic_store(&shared->m[serial].flags, cur ? flags : 0);
	atomic_store(&shared->m[serial].flags_known, 1);
	atomic_store(&shared->m[serial].state, TRYING);
	mailbox_rename(m, from, to);
	atomic_store(&shared->m[serial].state, THERE);
}

/* One file of the foreign program's messages: its path below the account. */
static bool
foreign_pick(struct mailbox *m, char path[300], unsigned *serial)
{
	const char *where = rnd(3) == 0 ? "new" : "cur", *at;
	char whole[128], names[64][256];
	struct dirent *e;
	DIR *dir;
	unsigned n = 0;

	snprintf(whole, sizeof(whole), "%s/a/%s", m->path, where);
	if ((dir = opendir(whole)) == NULL)
		return false;
	while (n < NITEMS(names) && (e = readdir(dir)) != NULL)
		if (strstr(e->d_name, "_f.elsewhere") != NULL)
			snprintf(names[n++], sizeof(names[0]), "%s", e->d_name);
	closedir(dir);
	if (n == 0)
		return false;
	n = rnd(n);
	at = strstr(names[n], ".s");
	*serial = (unsigned)strtoul(at + 2, NULL, 10);
	snprintf(path, 300, "%s/%s", where, names[n]);
	return atomic_load(&shared->m[*serial].state) == THERE;
}

static void
foreign_flags(struct mailbox *m)
{
	unsigned serial, flags = rnd(32);
	char from[300], to[320], a[512], b[512], *info;

	if (!foreign_pick(m, from, &serial))
		return;
	snprintf(to, sizeof(to), "cur/%s", from + 4);
	if ((info = strstr(to, ":2,")) != NULL)
		*info = 0;
	snprintf(to + strlen(to), 12, ":2,%s%s%s%s%s", flags & STORE_DRAFT ? "D" : "",
		flags & STORE_FLAGGED ? "F" : "", flags & STORE_ANSWERED ? "R" : "",
		flags & STORE_SEEN ? "S" : "", flags & STORE_DELETED ? "T" : "");
	snprintf(a, sizeof(a), "%s/a/%s", m->path, from);
	snprintf(b, sizeof(b), "%s/a/%s", m->path, to);
	atomic_store(&shared->m[serial].flags_known, 0);
	if (rename(a, b) == 0) /* else somebody renamed it first */
		atomic_store(&shared->m[serial].flags, flags);
	atomic_store(&shared->m[serial].flags_known, 1);
}

static void
foreign_remove(struct mailbox *m)
{
	unsigned serial;
	char path[300], whole[512];

	if (!foreign_pick(m, path, &serial))
		return;
	snprintf(whole, sizeof(whole), "%s/a/%s", m->path, path);
	atomic_store(&shared->m[serial].state, REMOVING);
	atomic_store(&shared->m[serial].state, unlink(whole) == 0 ? REMOVED : THERE);
}

static void
meddle(struct mailbox *m, unsigned operations)
{
	while (operations-- > 0) {
		unsigned what = rnd(4);

		if (what == 0 && shared->next[FOREIGN] < SERIALS / OWNERS - 8)
			foreign_add(m);
		else if (what < 3)
			foreign_flags(m);
		else
			foreign_remove(m);
		atomic_fetch_add(&shared->operations[FOREIGN], 1);
		usleep(rnd(2000));
	}
}

/* ---- rounds --------------------------------------------------------------------------------- */

static pid_t
start(struct mailbox *m, unsigned owner, unsigned operations)
{
	static const char *const names[] = { "worker 0", "worker 1", "foreign" };
	uint64_t seed = random_state * 31 + owner + 1;
	pid_t pid = fork();

	CHECK(pid >= 0, "fork");
	if (pid != 0)
		return pid;
	role = names[owner];
	is_child = true;
	random_state = seed;
	rnd(2);
	if (owner == FOREIGN) {
		meddle(m, operations);
	} else {
		mailbox_reopen(m);
		work(m, owner, operations);
	}
	_exit(0);
}

/* What a killed worker has left half done is decided: deliveries are tried again. */
static void
decide(struct mailbox *m)
{
	for (unsigned serial = 1; serial < SERIALS; serial++) {
		struct message *x = &shared->m[serial];

		if (atomic_load(&x->state) == REMOVING || atomic_load(&x->state) == APPENDING)
			atomic_store(&x->state, NONE); /* either way */
		if (atomic_load(&x->state) != TRYING && atomic_load(&x->state) != DELIVERED)
			continue;
		if (with_cuts) /* its file may be lost: then it is another message now */
			atomic_store(&x->uid, 0);
		deliver(m, serial, true);
	}
	if (with_cuts)
		for (unsigned owner = 0; owner < OWNERS; owner++)
			sync_deliveries(m, owner);
}

/* Everything the model knows, against the mailbox. */
static void
verify(struct mailbox *m)
{
	static unsigned char seen[SERIALS];
	struct store_view *v;
	struct store_status st;
	unsigned first = 0;

	memset(seen, 0, sizeof(seen));
	v = mailbox_open(m, "INBOX");
	store_view_status(v, &st);
	if (!atomic_compare_exchange_strong(&shared->uidvalidity, &first, st.uidvalidity))
		CHECK(first == st.uidvalidity, "UIDVALIDITY %u, then %u", first, st.uidvalidity);
	for (uint32_t seq = 1; seq <= store_count(v); seq++) {
		unsigned serial = read_serial(v, seq);
		struct message *x = &shared->m[serial];

		CHECK(serial != 0, "message %u has no file", store_uid(v, seq));
		look_at(v, seq);
		CHECK(seen[serial] == 0, "message %u twice", serial);
		seen[serial] = 1;
		CHECK(atomic_load(&x->state) != REMOVED, "message %u came back", serial);
		if (atomic_load(&x->flags_known) != 0)
			CHECK(mailbox_flags(v, seq) == atomic_load(&x->flags),
				"message %u (uid %u, state %d): flags %x, not %x", serial,
				store_uid(v, seq), atomic_load(&x->state), mailbox_flags(v, seq),
				atomic_load(&x->flags));
	}
	for (unsigned serial = 1; serial < SERIALS; serial++)
		CHECK(seen[serial] || atomic_load(&shared->m[serial].state) != THERE,
			"message %u (uid %u) is lost", serial, atomic_load(&shared->m[serial].uid));
	store_close(&v);
}

/* The log, or the whole index, is lost or spoilt. Flags it alone had may be gone. */
static void
spoil(struct mailbox *m)
{
	static const char *const files[] = { "relais.log", "relais.index", "relais.cache" };
	unsigned which = rnd(NITEMS(files));
	char path[128];
	struct stat st;
	uint8_t octet;
	int fd;

	snprintf(path, sizeof(path), "%s/a/%s", m->path, files[which]);
	if (which != 2)
		for (unsigned serial = 1; serial < SERIALS; serial++)
			atomic_store(&shared->m[serial].flags_known, 0);
	switch (rnd(3)) {
	case 0:
		unlink(path);
		break;
	case 1:
		if (truncate(path, rnd(3000)) < 0)
			break;
		break;
	default:
		if ((fd = open(path, O_RDWR)) < 0 || fstat(fd, &st) < 0 || st.st_size == 0)
			break;
		for (unsigned i = rnd(8) + 1; i > 0; i--) {
			off_t at = (off_t)rnd((unsigned)st.st_size);

			if (pread(fd, &octet, 1, at) == 1) {
				octet ^= (uint8_t)(rnd(255) + 1);
				CHECK(pwrite(fd, &octet, 1, at) == 1, "pwrite");
			}
		}
		close(fd);
	}
}

static void
wait_for(pid_t pid, bool killed)
{
	int status;

	CHECK(waitpid(pid, &status, 0) == pid, "waitpid");
	CHECK((WIFEXITED(status) && WEXITSTATUS(status) == 0) ||
			(killed && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL),
		"a process ended with %x", (unsigned)status);
}

static void
play_round(struct mailbox *m, unsigned operations)
{
	pid_t pids[OWNERS];
	bool kill_one = rnd(3) != 0;
	unsigned victim = rnd(2);
	char path[128];

	for (unsigned i = 0; i < OWNERS; i++)
		pids[i] = start(m, i, operations);
	if (rnd(8) == 0) { /* the log goes away under their hands */
		usleep(rnd(20000));
		snprintf(path, sizeof(path), "%s/a/relais.log", m->path);
		atomic_store(&shared->flags_lost, 1);
		unlink(path);
	}
	if (kill_one) {
		usleep(rnd(60000));
		kill(pids[victim], SIGKILL);
	}
	for (unsigned i = 0; i < OWNERS; i++)
		wait_for(pids[i], kill_one && i == victim);
	if (atomic_exchange(&shared->flags_lost, 0))
		for (unsigned serial = 1; serial < SERIALS; serial++)
			atomic_store(&shared->m[serial].flags_known, 0);
	mailbox_reopen(m);
	decide(m);
	verify(m);
	if (rnd(3) == 0) {
		spoil(m);
		mailbox_reopen(m);
		verify(m);
	}
}

static unsigned
number_from(const char *name, unsigned otherwise)
{
	const char *s = getenv(name);

	return s == NULL ? otherwise : (unsigned)strtoul(s, NULL, 10);
}

static void
begin(void)
{
	unsigned seed = number_from("RELAIS_SEED", (unsigned)clock_wall_us());

	printf("RELAIS_SEED=%u\n", seed);
	fflush(stdout);
	random_state = (uint64_t)seed * 0x9e3779b97f4a7c15U + 1;
	shared = mmap(
		NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(shared != MAP_FAILED);
}

static void
finish(struct mailbox *m)
{
	printf("operations: %u and %u by workers, %u by the foreign program\n",
		shared->operations[0], shared->operations[1], shared->operations[2]);
	mailbox_remove(m);
	munmap(shared, sizeof(*shared));
}

static void
rounds(void **arg)
{
	unsigned n = number_from("RELAIS_ROUNDS", 12);
	struct mailbox m;

	begin();
	mailbox_make(&m);
	for (unsigned i = 0; i < n; i++)
		play_round(&m, 60);
	finish(&m);
}

/* ---- power cuts ----------------------------------------------------------------------------- */

static void
shell(const char *format, const char *folder)
{
	char command[400];

	snprintf(command, sizeof(command), "cd '%s' && %s", folder, format);
	CHECK(system(command) == 0, "%s", command);
}

static void
play_cut(struct mailbox *m, const char *folder)
{
	const uint32_t without_journal = 2;
	pid_t pids[FOREIGN];
	int fd;

	for (unsigned i = 0; i < FOREIGN; i++)
		pids[i] = start(m, i, 100000);
	usleep(rnd(600000) + 1000);
	fd = open(m->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	atomic_store(&shared->cut, 1);
	if (ioctl(fd, _IOR('X', 125, uint32_t), &without_journal) < 0)
		abort(); /* FS_IOC_SHUTDOWN */
	close(fd);
	for (unsigned i = 0; i < FOREIGN; i++) {
		kill(pids[i], SIGKILL);
		wait_for(pids[i], true);
	}
	mailbox_shut(m);
	shell("umount mnt && mount -o loop image mnt", folder);
	atomic_store(&shared->cut, 0);
	mailbox_reopen(m);
	decide(m);
	verify(m);
}

static void
cuts(void **arg)
{
	const char *folder = getenv("RELAIS_CUT");
	unsigned n = number_from("RELAIS_ROUNDS", 6);
	struct mailbox m;
	char mounted[200];

	if (folder == NULL || geteuid() != 0)
		skip();
	begin();
	with_cuts = true;
	snprintf(mounted, sizeof(mounted), "%s/mnt", folder);
	shell("truncate -s 300M image && mkfs.ext4 -q -F image && mkdir -p mnt && "
	      "mount -o loop image mnt",
		folder);
	setenv("TMPDIR", mounted, 1);
	mailbox_make(&m);
	for (unsigned i = 0; i < n; i++)
		play_cut(&m, folder);
	finish(&m);
	shell("umount mnt && rm -f image && rmdir mnt", folder);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(rounds), cmocka_unit_test(cuts) };

	return cmocka_run_group_tests_name("store/random", tests, NULL, NULL);
}
