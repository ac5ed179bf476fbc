/* SPDX-License-Identifier: ISC */
/* cli/system_tables.c - tables that are made of the system's own files: its users, its aliases. */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "aliases.h"
#include "directory_conf.h"
#include "err.h"
#include "local_delivery_conf.h"
#include "mailbox.h"
#include "sys.h"
#include "table_files_private.h"

/* ---- the system's users ---- */

static bool
has_login_shell(const struct passwd *pw)
{
	const char *shell;
	bool found = false;

	setusershell();
	while (!found && (shell = getusershell()) != NULL)
		found = strcmp(shell, pw->pw_shell) == 0;
	endusershell();
	return found;
}

static void
list_system_users(struct cli *cli, struct buf *text)
{
	const struct directory_conf *conf = conf_values(&cli->conf, "directory");
	const struct passwd *pw;

	setpwent();
	while ((pw = getpwent()) != NULL)
		if (pw->pw_uid >= conf->system_uid_first && pw->pw_uid <= conf->system_uid_last &&
			pw->pw_gid != 0 && (!conf->system_user_shells || has_login_shell(pw)))
			buf_printf(text, "%s %u %u\n", pw->pw_name, (unsigned)pw->pw_uid,
				(unsigned)pw->pw_gid);
	endpwent();
}

static bool
has_system_users(const struct table_file *domains)
{
	struct arena a = ARENA_INIT;
	struct domain_record d;
	const char *why;
	bool yes = false;

	for (size_t i = 0; i < domains->table.count && !yes; i++)
		yes = domain_record_parse(&a, domains->table.entries[i].value, &d, &why) ==
			      ERR_OK &&
		      d.system_users;
	arena_reset(&a);
	return yes;
}

static bool
make_system_mailboxes(struct cli *cli, const struct table_file *users)
{
	bool ok = true;

	for (size_t i = 0; i < users->table.count; i++) {
		struct system_user_record r;
		struct buf home = BUF_INIT;
		const char *why;

		if (system_user_record_parse(users->table.entries[i].value, &r, &why) < 0)
			continue;
		mail_address_home(
			&home, users->table.entries[i].key, BYTES_LITERAL(SYSTEM_USERS_DOMAIN));
		ok &= mailbox_make(cli, buf_str(&home), r.uid, r.gid);
		buf_free(&home);
	}
	return ok;
}

bool
system_tables_users(struct cli *cli, const struct table_file *domains)
{
	struct table_file f = { .kind = TABLE_SYSTEM_USERS, .text = BUF_INIT, .table = TABLE_INIT };
	bool ok;

	snprintf(f.path, sizeof(f.path), "(users of the system)");
	snprintf(f.db_path, sizeof(f.db_path), "%s/directory/%s.db", cli_common(cli)->state,
		table_kind_name(f.kind));
	if (has_system_users(domains))
		list_system_users(cli, &f.text);
	table_file_analyse(cli, &f, buf_bytes(&f.text));
	ok = table_file_report(&f) && table_file_compile(cli, &f) &&
	     (geteuid() != 0 || make_system_mailboxes(cli, &f));
	table_file_free(&f);
	return ok;
}

/* ---- the system's aliases ---- */

/* Whose files may stand behind :include:. */
struct include_rule {
	const struct directory_conf *conf;
	uid_t alias_owner;
};

static bool
may_own(const struct include_rule *rule, uid_t uid)
{
	if (uid == rule->alias_owner)
		return true;
	for (size_t i = 0; i < rule->conf->include_owners.n; i++) {
		const struct passwd *pw = getpwnam(rule->conf->include_owners.v[i]);

		if (pw != NULL && pw->pw_uid == uid)
			return true;
	}
	return false;
}

/* We may be root, who reads everything: so the file must be its owner's to give. */
static int
read_included(void *arg, const char *path, struct buf *out, const char **why)
{
	const struct include_rule *rule = arg;
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;
	ssize_t n;

	*why = strerror(errno);
	if (fd < 0)
		return ERR_IO;
	*why = NULL;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		*why = "not a regular file";
	else if (!may_own(rule, st.st_uid))
		*why = "belongs to a user who is not named in directory.include_owners";
	else if ((st.st_mode & 0002) != 0)
		*why = "everybody may write to it";
	else if ((uint64_t)st.st_size > rule->conf->include_size_limit)
		*why = "larger than directory.include_size_limit";
	if (*why == NULL) {
		n = sys_read_full(fd, buf_room(out, (size_t)st.st_size), (size_t)st.st_size);
		if (n < 0)
			*why = strerror(errno);
		else
			buf_added(out, (size_t)n);
	}
	close(fd);
	return *why == NULL ? ERR_OK : ERR_DENIED;
}

/* Where commands are not enabled the mail to them will be returned: said here already. */
static void
warn_of_commands(struct cli *cli, const struct table_file *f)
{
	const struct local_delivery_conf *conf = conf_values(&cli->conf, "local_delivery");

	if (conf->commands)
		return;
	for (size_t i = 0; i < f->table.count; i++) {
		struct arena a = ARENA_INIT;
		struct bytes rest = f->table.entries[i].value, target, what;

		while (alias_next_target(&rest, &target) > 0)
			if (alias_program(&a, target, &what))
				fprintf(stderr,
					"%s:%u: warning: %.*s: local_delivery.commands is not on, "
					"mail to it will be returned\n",
					f->path, f->table.entries[i].line, (int)what.n,
					(const char *)what.p);
		arena_reset(&a);
	}
}

bool
system_tables_parse_aliases(struct cli *cli, struct table_file *f)
{
	struct include_rule rule = { .conf = conf_values(&cli->conf, "directory") };
	struct aliases_files files = { read_included, &rule };
	const char *path = rule.conf->alias_file;
	struct stat st;

	*f = (struct table_file){
		.kind = TABLE_SYSTEM_ALIASES, .text = BUF_INIT, .table = TABLE_INIT
	};
	snprintf(f->path, sizeof(f->path), "%s", path);
	snprintf(f->db_path, sizeof(f->db_path), "%s/directory/%s.db", cli_common(cli)->state,
		table_kind_name(f->kind));
	if (*path != 0) {
		if (stat(path, &st) == 0)
			rule.alias_owner = st.st_uid;
		if (!table_file_read(path, false, &f->text))
			return false;
	}
	aliases_parse(&f->table, buf_bytes(&f->text), &files);
	table_check(&f->table, f->kind);
	table_sort(&f->table);
	return true;
}

bool
system_tables_aliases(struct cli *cli, struct table_file *f)
{
	if (!system_tables_parse_aliases(cli, f) || !table_file_report(f))
		return false;
	warn_of_commands(cli, f);
	return true;
}

bool
table_files_build_aliases(struct cli *cli, bool quiet)
{
	struct table_file f;
	bool ok = cli_load(cli);

	if (!ok)
		return false;
	ok = system_tables_aliases(cli, &f) && table_file_compile(cli, &f);
	if (ok && !quiet && f.path[0] != 0)
		printf("%s: %zu aliases\n", f.path, f.table.count);
	table_file_free(&f);
	return ok;
}
