/* SPDX-License-Identifier: ISC */
/*
 * mailauth/keeper_file.c - DKIM keys on disk.
 *
 * Runs in:  dkim-keeper, which owns the folder; mode 0600.
 * Trusts:   the folder is its own; a file that does not read is told of and never touched.
 */
#include "keeper_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dkim_key.h"
#include "dns_rdata.h"
#include "err.h"
#include "sys.h"

#define MAGIC     "relais-dkim-key 1"
#define MIDDLE    "._domainkey."
#define TEMPORARY ".new" /* one writer: one name is enough */

struct keeper_key *
keeper_key_new(struct bytes domain, struct bytes selector, enum dkim_key_type type)
{
	struct keeper_key *key = xcalloc(1, sizeof(*key));

	bytes_to_str(domain, key->domain, sizeof(key->domain));
	bytes_to_str(selector, key->selector, sizeof(key->selector));
	key->type = type;
	key->pem = BUF_SECRET;
	return key;
}

void
keeper_key_free(struct keeper_key **key)
{
	if (*key == NULL)
		return;
	buf_free(&(*key)->record);
	buf_free(&(*key)->pem);
	free(*key);
	*key = NULL;
}

void
keeper_key_name(const struct keeper_key *key, char out[KEEPER_NAME_MAX + 1])
{
	const int n =
		snprintf(out, KEEPER_NAME_MAX + 1, "%s" MIDDLE "%s", key->selector, key->domain);

	ASSERT(n > 0 && n <= KEEPER_NAME_MAX);
}

static bool
is_name(struct bytes b)
{
	if (!dns_name_is_host(b))
		return false;
	for (size_t i = 0; i < b.n; i++)
		if (b.p[i] == '_' || ascii_lower(b.p[i]) != b.p[i])
			return false;
	return true;
}

bool
keeper_domain_ok(struct bytes domain)
{
	return is_name(domain) && bytes_find(domain, '.') != BYTES_NOT_FOUND;
}

bool
keeper_selector_ok(struct bytes domain, struct bytes selector)
{
	return is_name(selector) && selector.n <= DKIM_SELECTOR_MAX &&
	       selector.n + sizeof(MIDDLE) - 1 + domain.n <= KEEPER_NAME_MAX;
}

/* ---- the text ---- */

void
keeper_file_write(const struct keeper_key *key, struct buf *out)
{
	buf_printf(out,
		MAGIC "\n"
		      "domain %s\nselector %s\ntype %s\nstate %s\ncreated %llu\nsince %llu\n"
		      "record ",
		key->domain, key->selector, dkim_key_type_name(key->type),
		dkim_key_state_name(key->life.state), (unsigned long long)key->life.created_s,
		(unsigned long long)key->life.since_s);
	buf_put_bytes(out, buf_bytes(&key->record));
	buf_put_u8(out, '\n');
	if (key->life.state != DKIM_GONE)
		buf_put_bytes(out, buf_bytes(&key->pem));
}

/* What stands behind the name on the next line; none: it is another line. */
static struct bytes
line_of(struct bytes *rest, const char *name)
{
	struct bytes line = bytes_cut(rest, '\n'), word = bytes_cut(&line, ' ');

	return bytes_is(word, name) ? line : BYTES_NONE;
}

static int
state_of(struct bytes word, enum dkim_key_state *out)
{
	for (unsigned i = 0; i < DKIM_KEY_STATES; i++) {
		if (!bytes_is(word, dkim_key_state_name((enum dkim_key_state)i)))
			continue;
		*out = (enum dkim_key_state)i;
		return ERR_OK;
	}
	return ERR_SYNTAX;
}

/* Is there a private key, whole, where there is to be one? Whether it is the record's is seen when
 * that is looked for in DNS: OpenSSL takes half a millisecond to read one. */
static bool
has_pem(struct bytes text)
{
	static const struct bytes begin = BYTES_LITERAL("-----BEGIN PRIVATE KEY-----\n");
	static const struct bytes end = BYTES_LITERAL("-----END PRIVATE KEY-----\n");

	return text.n > begin.n + end.n && bytes_starts_with(text, begin) &&
	       bytes_equal(bytes_skip(text, text.n - end.n), end);
}

int
keeper_file_parse(struct bytes text, struct keeper_key **out)
{
	const bool whole = text.n > 0 && text.p[text.n - 1] == '\n';
	struct bytes magic = bytes_cut(&text, '\n');
	struct bytes domain = line_of(&text, "domain"), selector = line_of(&text, "selector");
	struct bytes type_word = line_of(&text, "type"), state_word = line_of(&text, "state");
	struct bytes created = line_of(&text, "created"), since = line_of(&text, "since");
	struct bytes record = line_of(&text, "record");
	struct keeper_life life = { .state = DKIM_PENDING };
	struct keeper_key *key;
	enum dkim_key_type type;

	if (!whole || !bytes_is(magic, MAGIC) || !keeper_domain_ok(domain) ||
		!keeper_selector_ok(domain, selector) || record.n == 0 ||
		record.n > DKIM_RECORD_MAX || text.n > DKIM_PEM_MAX ||
		dkim_key_type_parse(type_word, &type) < 0 || type >= DKIM_KEY_TYPES ||
		state_of(state_word, &life.state) < 0 ||
		bytes_to_u64(created, INT64_MAX, &life.created_s) < 0 ||
		bytes_to_u64(since, INT64_MAX, &life.since_s) < 0 ||
		(life.state == DKIM_GONE ? text.n > 0 : !has_pem(text)))
		return ERR_SYNTAX;
	key = keeper_key_new(domain, selector, type);
	key->life = life;
	buf_put_bytes(&key->record, record);
	buf_put_bytes(&key->pem, text);
	*out = key;
	return ERR_OK;
}

/* ---- the folder ---- */

int
keeper_file_save(int dirfd, const struct keeper_key *key)
{
	char name[KEEPER_NAME_MAX + 1];
	struct buf text = BUF_SECRET;
	int fd, r;

	keeper_key_name(key, name);
	(void)unlinkat(dirfd, TEMPORARY, 0); /* of one who was killed */
	fd = sys_openat(dirfd, TEMPORARY, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
	if (fd < 0)
		return fd;
	keeper_file_write(key, &text);
	r = sys_write_all(fd, buf_bytes(&text));
	buf_free(&text);
	if (r == ERR_OK)
		r = sys_fsync(fd);
	close(fd);
	if (r == ERR_OK)
		r = sys_renameat(dirfd, TEMPORARY, dirfd, name);
	if (r < 0) {
		(void)unlinkat(dirfd, TEMPORARY, 0);
		return r;
	}
	return sys_sync_folder(dirfd, ".");
}

int
keeper_file_is_free(int dirfd, const struct keeper_key *key)
{
	char name[KEEPER_NAME_MAX + 1];
	struct stat st;

	keeper_key_name(key, name);
	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return ERR_EXISTS;
	return errno == ENOENT ? ERR_OK : err_from_errno(errno);
}

int
keeper_file_create(int dirfd, const struct keeper_key *key)
{
	int r = keeper_file_is_free(dirfd, key);

	if (r < 0)
		return r;
	if ((r = keeper_file_save(dirfd, key)) < 0)
		(void)keeper_file_remove(dirfd, key); /* only ours can be there */
	return r;
}

int
keeper_file_remove(int dirfd, const struct keeper_key *key)
{
	char name[KEEPER_NAME_MAX + 1];
	int r;

	keeper_key_name(key, name);
	r = sys_unlinkat(dirfd, name, 0);
	return r < 0 && r != ERR_NOT_FOUND ? r : sys_sync_folder(dirfd, ".");
}

static int
read_one(int dirfd, const char *name, struct keeper_key **out)
{
	int fd = sys_openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0), r;
	struct buf text = BUF_SECRET;
	char own[KEEPER_NAME_MAX + 1];
	ssize_t n;

	if (fd < 0)
		return fd;
	n = sys_read_full(fd, buf_room(&text, KEEPER_FILE_MAX), KEEPER_FILE_MAX);
	close(fd);
	if (n >= 0)
		buf_added(&text, (size_t)n);
	r = n < 0 ? (int)n : keeper_file_parse(buf_bytes(&text), out);
	buf_free(&text);
	if (r < 0)
		return r;
	keeper_key_name(*out, own);
	if (strcmp(own, name) == 0)
		return ERR_OK;
	keeper_key_free(out); /* a copy, perhaps of an older state */
	return ERR_SYNTAX;
}

int
keeper_files_read(int dirfd, void (*found)(void *arg, struct keeper_key *key),
	void (*bad)(void *arg, const char *name, int err), void *arg)
{
	int fd = sys_openat(dirfd, ".", O_RDONLY | O_DIRECTORY, 0), r;
	const struct dirent *e;
	struct keeper_key *key;
	DIR *dir;

	if (fd < 0)
		return fd;
	if ((dir = fdopendir(fd)) == NULL) {
		close(fd);
		return ERR_IO;
	}
	for (errno = 0; (e = readdir(dir)) != NULL; errno = 0) {
		if (e->d_name[0] == '.')
			continue;
		if ((r = read_one(dirfd, e->d_name, &key)) == ERR_OK)
			found(arg, key);
		else
			bad(arg, e->d_name, r);
	}
	r = errno == 0 ? ERR_OK : err_from_errno(errno);
	closedir(dir);
	return r;
}
