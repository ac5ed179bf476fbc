/* SPDX-License-Identifier: ISC */
/* cli/table_files.c - text tables on disk, see the header. */
#include "table_files_private.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "err.h"
#include "make_path.h"
#include "map_build.h"
#include "sys.h"

#define TEXT_MAX ((uint64_t)2 << 30)

/* Passwords are for one user's eyes: a text that others can read is not taken. */
static bool
is_private(const char *path, const struct stat *st)
{
	if ((st->st_mode & 077) == 0)
		return true;
	fprintf(stderr, "%s: others than its owner can read it (mode %04o); use chmod 600\n", path,
		(unsigned)st->st_mode & 07777);
	return false;
}

bool
table_file_read(const char *path, bool secret, struct buf *text)
{
	int fd = sys_openat(AT_FDCWD, path, O_RDONLY, 0);
	struct stat st;
	ssize_t n = -1;

	if (fd < 0 && errno == ENOENT)
		return true;
	if (fd >= 0 && fstat(fd, &st) == 0) {
		if (secret && !is_private(path, &st)) {
			close(fd);
			return false;
		}
		if ((uint64_t)st.st_size > TEXT_MAX) {
			fprintf(stderr, "%s: larger than 2 GiB\n", path);
			close(fd);
			return false;
		}
		n = sys_read_full(fd, buf_room(text, (size_t)st.st_size), (size_t)st.st_size);
		if (n > 0)
			buf_added(text, (size_t)n);
	}
	if (n < 0)
		cli_say_errno(path);
	if (fd >= 0)
		close(fd);
	return n >= 0;
}

bool
table_file_report(const struct table_file *f)
{
	const struct table *t = &f->table;

	for (size_t i = 0; i < t->nerrors && i < TABLE_ERRORS_MAX; i++)
		fprintf(stderr, "%s:%u: %s\n", f->path, t->errors[i].line, t->errors[i].text);
	if (t->nerrors > TABLE_ERRORS_MAX)
		fprintf(stderr, "%s: and %zu errors more\n", f->path,
			t->nerrors - TABLE_ERRORS_MAX);
	return t->nerrors == 0;
}

/* An alias domain must lead to a domain that is none. */
static void
check_alias_domains(struct cli *cli, struct table_file *f)
{
	struct table *t = &f->table;

	for (size_t i = 0; i < t->count; i++) {
		struct domain_record d, target;
		struct bytes value;
		const char *why;

		if (domain_record_parse(&t->arena, t->entries[i].value, &d, &why) < 0 ||
			d.class != DOMAIN_ALIAS)
			continue;
		if (table_file_find(f, d.target, &value)
				? domain_record_parse(&t->arena, value, &target, &why) < 0 ||
					  target.class == DOMAIN_ALIAS
				: !table_files_is_local(cli, f, d.target))
			table_error(t, t->entries[i].line,
				"\"alias\" needs a domain that is local or relay in this table");
	}
}

void
table_file_analyse(struct cli *cli, struct table_file *f, struct bytes text)
{
	table_parse(&f->table, text);
	table_check(&f->table, f->kind);
	table_sort(&f->table);
	if (f->kind == TABLE_DOMAINS && f->table.nerrors == 0)
		check_alias_domains(cli, f);
}

bool
table_file_load(struct cli *cli, enum table_kind kind, struct table_file *f)
{
	const struct common_conf *common;

	*f = (struct table_file){ .kind = kind, .text = BUF_INIT, .table = TABLE_INIT };
	if (!cli_load(cli))
		return false;
	common = cli_common(cli);
	snprintf(f->path, sizeof(f->path), "%s/%s", common->tables, table_kind_name(kind));
	snprintf(f->db_path, sizeof(f->db_path), "%s/directory/%s.db", common->state,
		table_kind_name(kind));
	if (!table_file_read(f->path, kind == TABLE_RELAY_CREDENTIALS, &f->text))
		return false;
	table_file_analyse(cli, f, buf_bytes(&f->text));
	return table_file_report(f);
}

void
table_file_free(struct table_file *f)
{
	table_free(&f->table);
	buf_free(&f->text);
}

bool
table_file_find(const struct table_file *f, struct bytes key, struct bytes *value)
{
	size_t low = 0, high = f->table.count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int r = bytes_compare(key, f->table.entries[mid].key);

		if (r == 0) {
			*value = f->table.entries[mid].value;
			return true;
		}
		if (r < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return false;
}

bool
table_files_lock(struct cli *cli)
{
	int fd;

	if (cli->tables_locked)
		return true;
	if (!cli_load(cli))
		return false;
	fd = open(cli_common(cli)->tables, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || flock(fd, LOCK_EX) < 0) {
		cli_say_errno(cli_common(cli)->tables);
		if (errno == ENOENT)
			fputs("it is the folder of the tables (option tables): mkdir it, or "
			      "\"relais setup\" does\n",
				stderr);
		if (fd >= 0)
			close(fd);
		return false;
	}
	cli->tables_locked = true;
	return true; /* released when the process ends */
}

/* ---- compiling ---- */

/* The folder of compiled tables; as master makes it if it comes first. */
static bool
make_state_folder(struct cli *cli)
{
	const struct common_conf *common = cli_common(cli);
	const struct passwd *pw;
	char path[1200];
	int r;

	snprintf(path, sizeof(path), "%s/directory", common->state);
	if ((r = make_path(common->state)) < 0) {
		cli_say_err(common->state, r);
		return false;
	}
	if (mkdir(path, 0700) < 0) {
		if (errno == EEXIST)
			return true;
		cli_say_errno(path);
		return false;
	}
	if (geteuid() == 0 && (pw = getpwnam(common->directory_user)) != NULL &&
		chown(path, pw->pw_uid, pw->pw_gid) < 0)
		cli_say_errno(path);
	return true;
}

bool
table_file_compile(struct cli *cli, const struct table_file *f)
{
	int r;

	if (!make_state_folder(cli))
		return false;
	r = map_build(f->db_path, &f->table);
	if (r < 0)
		cli_say_err(f->db_path, r);
	return r == ERR_OK;
}

static bool
all_compiled(struct cli *cli)
{
	char path[1200];
	bool yes = true;

	for (int kind = 0; kind < TABLE_KINDS; kind++) {
		snprintf(path, sizeof(path), "%s/directory/%s.db", cli_common(cli)->state,
			table_kind_name((enum table_kind)kind));
		yes &= access(path, F_OK) == 0;
	}
	return yes;
}

bool
table_file_store(struct cli *cli, struct table_file *f, struct bytes text)
{
	int r;

	table_free(&f->table);
	table_file_analyse(cli, f, text);
	if (!table_file_report(f))
		return false;
	r = map_replace_file(f->path, text,
		f->kind == TABLE_ACCOUNTS || f->kind == TABLE_RELAY_CREDENTIALS ? 0600 : 0644);
	if (r < 0) {
		cli_say_err(f->path, r);
		return false;
	}
	/* directory needs all tables, the empty ones too */
	return table_file_compile(cli, f) && (all_compiled(cli) || table_files_build(cli, true));
}

struct same_key {
	enum table_kind kind;
	struct bytes key;
};

static bool
is_same_key(void *arg, struct bytes written)
{
	const struct same_key *same = arg;
	struct arena a = ARENA_INIT;
	struct bytes folded;
	const char *why;
	bool yes = table_key_fold(same->kind, &a, written, &folded, &why) == ERR_OK &&
		   bytes_equal(folded, same->key);

	arena_reset(&a);
	return yes;
}

bool
table_file_edit(struct cli *cli, struct table_file *f, struct bytes key, struct bytes written,
	const struct bytes *value)
{
	struct same_key same = { f->kind, key };
	struct buf text = BUF_INIT;
	bool ok;

	table_edit(&text, buf_bytes(&f->text), written, value, is_same_key, &same);
	ok = table_file_store(cli, f, buf_bytes(&text));
	buf_free(&f->text);
	f->text = text; /* the entries point into it */
	return ok;
}

bool
table_files_build_one(struct cli *cli, enum table_kind kind)
{
	struct table_file f;
	bool ok = table_file_load(cli, kind, &f) && table_file_compile(cli, &f);

	if (ok)
		printf("%s: %zu entries\n", f.path, f.table.count);
	table_file_free(&f);
	return ok;
}

/* ---- all of them ---- */

static bool
load_all(struct cli *cli, struct table_file files[TABLE_SYSTEM_USERS])
{
	bool ok = true;

	for (int kind = 0; kind < TABLE_SYSTEM_USERS; kind++)
		ok &= table_file_load(cli, (enum table_kind)kind, &files[kind]);
	return ok;
}

bool
table_files_check(struct cli *cli)
{
	struct table_file files[TABLE_SYSTEM_USERS];
	bool ok = load_all(cli, files);

	for (int kind = 0; kind < TABLE_SYSTEM_USERS; kind++)
		table_file_free(&files[kind]);
	if (ok) {
		ok = system_tables_aliases(cli, &files[0]);
		table_file_free(&files[0]);
	}
	return ok;
}

bool
table_files_build(struct cli *cli, bool quiet)
{
	struct table_file files[TABLE_SYSTEM_USERS];
	bool ok = load_all(cli, files);

	for (int kind = 0; kind < TABLE_SYSTEM_USERS; kind++) {
		if (ok)
			ok = table_file_compile(cli, &files[kind]);
		if (ok && !quiet)
			printf("%s: %zu entries\n", files[kind].path, files[kind].table.count);
	}
	ok = ok && system_tables_users(cli, &files[TABLE_DOMAINS]) &&
	     table_files_build_aliases(cli, quiet);
	for (int kind = 0; kind < TABLE_SYSTEM_USERS; kind++)
		table_file_free(&files[kind]);
	return ok;
}

bool
table_files_is_local(struct cli *cli, const struct table_file *domains, struct bytes domain)
{
	const struct conf_list *list = &cli_common(cli)->domain;
	struct arena a = ARENA_INIT;
	struct domain_record d;
	struct bytes value, folded;
	const char *why;
	bool yes = false;

	if (table_file_find(domains, domain, &value))
		yes = domain_record_parse(&a, value, &d, &why) == ERR_OK && d.class == DOMAIN_LOCAL;
	else
		for (size_t i = 0; i < list->n && !yes; i++)
			yes = mail_domain_fold(&a, bytes_from_str(list->v[i]), &folded) == ERR_OK &&
			      bytes_equal(folded, domain);
	arena_reset(&a);
	return yes;
}
