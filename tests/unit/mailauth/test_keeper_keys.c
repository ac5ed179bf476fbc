/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/mailauth/test_keeper_keys.c - DKIM keys in order and on disk: what was written is
 * read, what is damaged is told of and left alone, and a write that fails leaves what there was.
 */
#include "../base/cases.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dkim_key.h"
#include "err.h"
#include "keeper_keys.h"
#include "sys.h"

static struct keeper_key *
make(const char *domain, const char *selector, enum dkim_key_type type, enum dkim_key_state state,
	uint64_t since_s)
{
	struct keeper_key *key =
		keeper_key_new(bytes_from_str(domain), bytes_from_str(selector), type);

	key->life.state = state;
	key->life.created_s = 7;
	key->life.since_s = since_s;
	return key;
}

/* With a real key in it. */
static struct keeper_key *
make_real(const char *domain, const char *selector, enum dkim_key_state state)
{
	struct keeper_key *key = make(domain, selector, DKIM_KEY_ED25519, state, 9);
	struct dkim_key *secret;

	assert_int_equal(dkim_key_generate(DKIM_KEY_ED25519, &key->pem), ERR_OK);
	assert_int_equal(dkim_key_read(buf_bytes(&key->pem), &secret), ERR_OK);
	dkim_key_record(secret, &key->record);
	dkim_key_free(&secret);
	return key;
}

/* ---- the set ---- */

static void
order(void **arg)
{
	static const char *const domains[] = { "b.example", "a.example", "c.example",
		"aa.example" };
	struct keeper_keys keys = { NULL, 0, 0 };
	struct dkim_key_set set;

	UNUSED(arg);
	for (size_t i = 0; i < NITEMS(domains); i++) {
		keeper_keys_insert(&keys, make(domains[i], "r2", DKIM_KEY_RSA, DKIM_PENDING, 2));
		keeper_keys_insert(&keys, make(domains[i], "r1", DKIM_KEY_RSA, DKIM_ACTIVE, 1));
	}
	for (size_t i = 1; i < keys.n; i++) {
		const int r = strcmp(keys.v[i - 1]->domain, keys.v[i]->domain);

		assert_true(r < 0 ||
			    (r == 0 && strcmp(keys.v[i - 1]->selector, keys.v[i]->selector) < 0));
	}
	set = keeper_keys_set(&keys, BYTES_LITERAL("a.example"));
	assert_true(bytes_is(set.keys[DKIM_KEY_RSA].selector, "r1"));
	assert_int_equal(set.keys[DKIM_KEY_ED25519].selector.n, 0);
	assert_non_null(keeper_keys_in_state(
		&keys, BYTES_LITERAL("a.example"), DKIM_KEY_RSA, KEEPER_WAITING, NULL));
	assert_null(keeper_keys_in_state(
		&keys, BYTES_LITERAL("a.example"), DKIM_KEY_ED25519, KEEPER_WAITING, NULL));
	assert_null(keeper_keys_find(&keys, BYTES_LITERAL("a.exampl"), BYTES_LITERAL("r1")));
	keeper_keys_remove(
		&keys, keeper_keys_find(&keys, BYTES_LITERAL("a.example"), BYTES_LITERAL("r1")));
	assert_null(keeper_keys_find(&keys, BYTES_LITERAL("a.example"), BYTES_LITERAL("r1")));
	assert_int_equal(keys.n, 7);
	keeper_keys_free(&keys);
}

/* The newest in its state, and the one before it. */
static void
newest(void **arg)
{
	const struct bytes d = BYTES_LITERAL("a.example");
	struct keeper_keys keys = { NULL, 0, 0 };
	struct keeper_key *key;

	UNUSED(arg);
	keeper_keys_insert(&keys, make("a.example", "r1", DKIM_KEY_RSA, DKIM_ACTIVE, 5));
	keeper_keys_insert(&keys, make("a.example", "r2", DKIM_KEY_RSA, DKIM_ACTIVE, 9));
	keeper_keys_insert(&keys, make("a.example", "r3", DKIM_KEY_RSA, DKIM_ACTIVE, 7));
	key = keeper_keys_in_state(&keys, d, DKIM_KEY_RSA, KEEPER_SIGNS, NULL);
	assert_string_equal(key->selector, "r2");
	key = keeper_keys_in_state(&keys, d, DKIM_KEY_RSA, KEEPER_SIGNS, key);
	assert_string_equal(key->selector, "r3");
	keeper_keys_free(&keys);
}

/* An older key whose record comes back does not replace a newer one. */
static void
replaced(void **arg)
{
	struct keeper_keys keys = { NULL, 0, 0 };
	struct keeper_key *old = make("a.example", "r1", DKIM_KEY_RSA, DKIM_PUBLISHED, 5),
			  *new = make("a.example", "r2", DKIM_KEY_RSA, DKIM_ACTIVE, 4);

	UNUSED(arg);
	new->life.created_s = 20;
	keeper_keys_insert(&keys, old);
	keeper_keys_insert(&keys, new);
	keeper_keys_insert(&keys, make("a.example", "e1", DKIM_KEY_ED25519, DKIM_PUBLISHED, 5));
	assert_true(keeper_keys_is_replaced(&keys, old, 30));
	assert_false(keeper_keys_is_replaced(&keys, new, 30));
	assert_false(keeper_keys_is_replaced(&keys, old, 19)); /* made in the future */
	assert_false(keeper_keys_is_replaced(&keys,
		keeper_keys_find(&keys, BYTES_LITERAL("a.example"), BYTES_LITERAL("e1")), 30));
	new->life.state = DKIM_PENDING;
	assert_false(keeper_keys_is_replaced(&keys, old, 30));
	keeper_keys_free(&keys);
}

#define IN_2026 1795000000

static const struct base_row {
	const char *label, *selectors[4], *base;
} base_rows[] = {
	{ "the first", { NULL }, "2026a" },
	{ "the next", { "r2026a" }, "2026b" },
	{ "of either type", { "r2026a", "e2026b" }, "2026c" },
	{ "another year's", { "r2025k" }, "2026a" },
	{ "names of their own", { "mail", "r2026", "r2026_", "r20261" }, "2026a" },
	{ "after z", { "r2026z" }, "2026aa" },
	{ "after az", { "r2026az" }, "2026ba" },
	{ "after zz", { "r2026zz" }, "2026aaa" },
};

static void
run_base(void **arg)
{
	const struct base_row *t = *arg;
	struct keeper_keys keys = { NULL, 0, 0 };
	char base[KEEPER_BASE_SIZE];

	keeper_keys_insert(&keys, make("b.example", "r2026x", DKIM_KEY_RSA, DKIM_GONE, 1));
	for (size_t i = 0; i < NITEMS(t->selectors) && t->selectors[i] != NULL; i++)
		keeper_keys_insert(
			&keys, make("a.example", t->selectors[i], DKIM_KEY_RSA, DKIM_GONE, 1));
	keeper_keys_base(&keys, BYTES_LITERAL("a.example"), IN_2026, 0, base);
	assert_string_equal(base, t->base);
	keeper_keys_base(&keys, BYTES_LITERAL("a.example"), IN_2026, 1, base);
	assert_string_not_equal(base, t->base);
	keeper_keys_free(&keys);
}

/* ---- names ---- */

static const struct name_row {
	const char *label, *domain, *selector;
	bool domain_ok, selector_ok;
} name_rows[] = {
	{ "plain", "example.org", "r2026a", true, true },
	{ "A-label", "xn--mnchen-3ya.example", "e2026b", true, true },
	{ "selector of two labels", "example.org", "a.b", true, true },
	{ "capitals", "Example.org", "R2026a", false, false },
	{ "one label", "localhost", "r", false, true },
	{ "nothing", "", "", false, false },
	{ "a path", "../../etc", "../x", false, false },
	{ "a slash", "a/b.example", "r/e", false, false },
	{ "dots", "a..example", ".", false, false },
	{ "a dot at the end", "example.org.", "r.", false, false },
	{ "hyphens", "-a.example", "-r", false, false },
	{ "underscores", "_a.example", "_r", false, false },
	{ "blanks", "a b.example", "r e", false, false },
};

static void
run_name(void **arg)
{
	const struct name_row *t = *arg;

	assert_int_equal(keeper_domain_ok(bytes_from_str(t->domain)), t->domain_ok);
	assert_int_equal(
		keeper_selector_ok(BYTES_LITERAL("example.org"), bytes_from_str(t->selector)),
		t->selector_ok);
}

static void
long_names(void **arg)
{
	char domain[DKIM_DOMAIN_MAX + 1];

	UNUSED(arg);
	memset(domain, 'a', sizeof(domain));
	for (size_t i = 49; i < sizeof(domain); i += 50)
		domain[i] = '.';
	assert_true(keeper_domain_ok(bytes_make(domain, 230)));
	assert_true(keeper_selector_ok(bytes_make(domain, 230), BYTES_LITERAL("r2026aaaaaa")));
	assert_false(keeper_selector_ok(bytes_make(domain, 230), BYTES_LITERAL("r2026aaaaaab")));
}

/* ---- files ---- */

static void
text_there_and_back(void **arg)
{
	UNUSED(arg);
	for (unsigned state = 0; state < DKIM_KEY_STATES; state++) {
		struct keeper_key *key = make_real(
					  "example.org", "e2026a", (enum dkim_key_state)state),
				  *again;
		struct buf text = BUF_INIT;

		keeper_file_write(key, &text);
		assert_int_equal(keeper_file_parse(buf_bytes(&text), &again), ERR_OK);
		assert_string_equal(again->domain, "example.org");
		assert_string_equal(again->selector, "e2026a");
		assert_int_equal(again->life.state, state);
		assert_int_equal(again->life.created_s, 7);
		assert_int_equal(again->life.since_s, 9);
		if (state == DKIM_GONE)
			assert_int_equal(again->pem.len, 0);
		else
			assert_true(bytes_equal(buf_bytes(&again->pem), buf_bytes(&key->pem)));
		assert_true(bytes_equal(buf_bytes(&again->record), buf_bytes(&key->record)));
		keeper_key_free(&again);
		/* torn anywhere, it is no key */
		for (size_t n = 0; n < text.len; n++)
			assert_int_equal(keeper_file_parse(bytes_head(buf_bytes(&text), n), &again),
				ERR_SYNTAX);
		keeper_key_free(&key);
		buf_free(&text);
	}
}

struct folder {
	char path[64];
	int fd;
	size_t found, bad;
	struct keeper_key *last;
};

static void
on_found(void *arg, struct keeper_key *key)
{
	struct folder *f = arg;

	f->found++;
	keeper_key_free(&f->last);
	f->last = key;
}

static void
on_bad(void *arg, const char *name, int err)
{
	struct folder *f = arg;

	UNUSED(name);
	assert_true(err < 0);
	f->bad++;
}

static void
open_folder(struct folder *f)
{
	*f = (struct folder){ .path = "/tmp/relais-keeper-XXXXXX" };
	assert_non_null(mkdtemp(f->path));
	f->fd = open(f->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(f->fd >= 0);
}

static void
read_folder(struct folder *f)
{
	f->found = f->bad = 0;
	assert_int_equal(keeper_files_read(f->fd, on_found, on_bad, f), ERR_OK);
}

static void
close_folder(struct folder *f)
{
	char command[128];

	keeper_key_free(&f->last);
	close(f->fd);
	snprintf(command, sizeof(command), "rm -rf %s", f->path);
	assert_int_equal(system(command), 0);
}

static void
on_disk(void **arg)
{
	struct keeper_key *key = make_real("example.org", "e2026a", DKIM_PENDING);
	struct folder f;
	struct stat st;
	int fd;

	UNUSED(arg);
	open_folder(&f);
	assert_int_equal(keeper_file_save(f.fd, key), ERR_OK);
	assert_int_equal(fstatat(f.fd, "e2026a._domainkey.example.org", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	key->life.state = DKIM_ACTIVE;
	assert_int_equal(keeper_file_save(f.fd, key), ERR_OK);
	/* what is none of ours: a copy under another name, nonsense, the rest of a dead writer */
	assert_int_equal(linkat(f.fd, "e2026a._domainkey.example.org", f.fd, "copy", 0), 0);
	fd = openat(f.fd, "nonsense", O_CREAT | O_WRONLY, 0600);
	assert_int_equal(write(fd, "relais", 6), 6);
	close(fd);
	close(openat(f.fd, ".new", O_CREAT | O_WRONLY, 0600));
	read_folder(&f);
	assert_int_equal(f.found, 1);
	assert_int_equal(f.bad, 2);
	assert_int_equal(f.last->life.state, DKIM_ACTIVE);
	assert_int_equal(keeper_file_remove(f.fd, key), ERR_OK);
	assert_int_equal(keeper_file_remove(f.fd, key), ERR_OK); /* there is nothing to remove */
	read_folder(&f);
	assert_int_equal(f.found, 0);
	assert_int_equal(f.bad, 2); /* left alone */
	keeper_key_free(&key);
	close_folder(&f);
}

static size_t
size_of(const struct folder *f, const char *name)
{
	struct stat st;

	return fstatat(f->fd, name, &st, 0) < 0 ? 0 : (size_t)st.st_size;
}

/* A new key never takes the place of a file, whether that reads or not. */
static void
new_ones(void **arg)
{
	static const char name[] = "e2026a._domainkey.example.org";
	struct keeper_key *key = make_real("example.org", "e2026a", DKIM_PENDING);
	struct folder f;
	int fd;

	UNUSED(arg);
	open_folder(&f);
	fd = openat(f.fd, name, O_CREAT | O_WRONLY, 0600);
	assert_int_equal(write(fd, "damaged", 7), 7);
	close(fd);
	if (sys_fault(SYS_WRITE, 1, ENOSPC, false) != ERR_UNSUPPORTED) {
		assert_int_equal(keeper_file_create(f.fd, key), ERR_EXISTS);
		sys_fault_clear();
	}
	assert_int_equal(keeper_file_create(f.fd, key), ERR_EXISTS);
	assert_int_equal(size_of(&f, name), 7);
	assert_int_equal(unlinkat(f.fd, name, 0), 0);
	if (sys_fault(SYS_FSYNC, 2, EIO, false) != ERR_UNSUPPORTED) { /* of the folder */
		assert_int_equal(keeper_file_create(f.fd, key), ERR_IO);
		sys_fault_clear();
		assert_int_equal(size_of(&f, name), 0);
	}
	assert_int_equal(keeper_file_create(f.fd, key), ERR_OK);
	assert_true(size_of(&f, name) > 7);
	assert_int_equal(keeper_file_create(f.fd, key), ERR_EXISTS);
	keeper_key_free(&key);
	close_folder(&f);
}

/* Whatever fails, there is the old state or the new one, whole. */
static void
every_step_fails(void **arg)
{
	static const struct {
		enum sys_call call;
		unsigned nth;
		bool may_be_new;
	} steps[] = { { SYS_OPEN, 1, false }, { SYS_WRITE, 1, false }, { SYS_FSYNC, 1, false },
		{ SYS_RENAME, 1, false }, { SYS_OPEN, 2, true }, { SYS_FSYNC, 2, true } };
	struct keeper_key *key = make_real("example.org", "e2026a", DKIM_PENDING);
	struct folder f;

	UNUSED(arg);
	open_folder(&f);
	for (size_t i = 0; i < NITEMS(steps); i++) {
		key->life.state = DKIM_PENDING;
		assert_int_equal(keeper_file_save(f.fd, key), ERR_OK);
		if (sys_fault(steps[i].call, steps[i].nth, EIO, false) == ERR_UNSUPPORTED)
			break; /* a release */
		key->life.state = DKIM_ACTIVE;
		assert_int_equal(keeper_file_save(f.fd, key), ERR_IO);
		sys_fault_clear();
		read_folder(&f);
		assert_int_equal(f.found, 1);
		assert_int_equal(f.bad, 0);
		assert_int_equal(
			f.last->life.state, steps[i].may_be_new ? DKIM_ACTIVE : DKIM_PENDING);
	}
	keeper_key_free(&key);
	close_folder(&f);
}

int
main(void)
{
	const struct CMUnitTest others[] = { cmocka_unit_test(order), cmocka_unit_test(newest),
		cmocka_unit_test(long_names), cmocka_unit_test(text_there_and_back),
		cmocka_unit_test(on_disk), cmocka_unit_test(new_ones), cmocka_unit_test(replaced),
		cmocka_unit_test(every_step_fails) };
	TABLE_TESTS(bases, base_rows, run_base);
	TABLE_TESTS(names, name_rows, run_name);

	return cmocka_run_group_tests_name("mailauth/keeper_keys", others, NULL, NULL) +
	       cmocka_run_group_tests_name("mailauth/keeper_keys base", bases, NULL, NULL) +
	       cmocka_run_group_tests_name("mailauth/keeper_keys name", names, NULL, NULL);
}
