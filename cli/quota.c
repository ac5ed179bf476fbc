/* SPDX-License-Identifier: ISC */
/* cli/quota.c - relais quota list|show|recount: what ledger knows, and counting it anew. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "err.h"
#include "ledger_msg.h"
#include "printed.h"
#include "table_files.h"

const char quota_usage[] =
	"relais quota [list] [--json]            use of all accounts\n"
	"       relais quota show ADDRESS [--json]      of one\n"
	"       relais quota recount ADDRESS | --all    count the files, tell the ledger";

static void
show(json_t *out, const struct ledger_use *u)
{
	if (out == NULL) {
		printf("%-40.*s %15llu octets %9llu messages", (int)u->account.n,
			(const char *)u->account.p, (unsigned long long)u->octets,
			(unsigned long long)u->messages);
		if (u->limit_octets > 0)
			printf(" %3.0f%% of %llu",
				100.0 * (double)u->octets / (double)u->limit_octets,
				(unsigned long long)u->limit_octets);
		putchar('\n');
		return;
	}
	json_array_append_new(
		out, json_pack("{s:s%,s:I,s:I,s:I,s:I}", "account", u->account.p, u->account.n,
			     "octets", (json_int_t)u->octets, "messages", (json_int_t)u->messages,
			     "limit_octets", (json_int_t)u->limit_octets, "limit_messages",
			     (json_int_t)u->limit_messages));
}

static int
list(struct cli *cli, int fd, json_t *out)
{
	static struct ledger_list_answer answer;
	struct buf after = BUF_INIT, body = BUF_INIT;
	struct ipc_frame frame;
	int r;

	do {
		struct ledger_list ask = { buf_bytes(&after) };
		struct ipc_reader in;

		buf_clear(&body);
		ledger_list_encode(&body, &ask);
		r = cli_ask(cli, fd, LEDGER_LIST, buf_bytes(&body), &frame);
		if (r < 0)
			break;
		in = ipc_reader(frame.body);
		r = ledger_list_answer_decode(&in, &answer);
		for (uint32_t i = 0; r == ERR_OK && i < answer.count; i++)
			show(out, &answer.rows[i]);
		if (r == ERR_OK && answer.count > 0) {
			buf_clear(&after);
			buf_put_bytes(&after, answer.rows[answer.count - 1].account);
		}
	} while (r == ERR_OK && answer.count > 0);
	buf_free(&after);
	buf_free(&body);
	return r == ERR_OK ? CLI_OK : CLI_FAILED;
}

static int
show_one(struct cli *cli, int fd, const char *address, bool json)
{
	struct arena arena = ARENA_INIT;
	struct buf body = BUF_INIT;
	struct mail_address folded;
	struct ledger_get get;
	struct ledger_use use;
	struct ipc_frame frame;
	struct ipc_reader in;
	json_t *out = json ? json_array() : NULL;
	int status = CLI_FAILED;

	if (mail_address_fold(&arena, bytes_from_str(address), &folded) < 0) {
		fprintf(stderr, "%s: not an address\n", address);
	} else {
		get.account = folded.key;
		ledger_get_encode(&body, &get);
		if (cli_ask(cli, fd, LEDGER_GET, buf_bytes(&body), &frame) == ERR_OK) {
			in = ipc_reader(frame.body);
			if (ledger_use_decode(&in, &use) == ERR_OK) {
				show(out, &use);
				if (json)
					json_print(json_array_get(out, 0));
				status = CLI_OK;
			}
		}
	}
	json_decref(out);
	buf_free(&body);
	arena_reset(&arena);
	return status;
}

/* ---- counting ---- */

/* The messages of one folder: the regular files of its cur and new. */
static bool
count_folder(int maildir, const char *part, struct ledger_set *sum)
{
	int fd = openat(maildir, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;
	struct stat st;

	if (dir == NULL) {
		if (fd >= 0)
			close(fd);
		return errno == ENOENT;
	}
	while ((e = readdir(dir)) != NULL)
		if (e->d_name[0] != '.' &&
			fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
			S_ISREG(st.st_mode)) {
			sum->octets += (uint64_t)st.st_size;
			sum->messages++;
		}
	closedir(dir);
	return true;
}

/* A Maildir++: the folder itself (INBOX) and every ".folder" in it. */
static bool
count_mailbox(const char *path, struct ledger_set *sum)
{
	DIR *dir = opendir(path);
	const struct dirent *e;
	bool ok = dir != NULL;

	if (dir == NULL) {
		if (errno == ENOENT)
			return true; /* nothing came yet */
		cli_say_errno(path);
		return false;
	}
	ok = count_folder(dirfd(dir), "cur", sum) && count_folder(dirfd(dir), "new", sum);
	while (ok && (e = readdir(dir)) != NULL) {
		int fd;

		if (e->d_name[0] != '.' || strcmp(e->d_name, ".") == 0 ||
			strcmp(e->d_name, "..") == 0)
			continue;
		fd = openat(dirfd(dir), e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0)
			continue;
		ok = count_folder(fd, "cur", sum) && count_folder(fd, "new", sum);
		close(fd);
	}
	closedir(dir);
	return ok;
}

/* Count below the mail root and tell the ledger; sum has the account and its limits. */
static bool
recount_home(struct cli *cli, int fd, struct bytes home, struct ledger_set *sum)
{
	struct buf body = BUF_INIT, path = BUF_INIT;
	struct ipc_frame frame;
	bool ok;

	buf_printf(&path, "%s/", cli_common(cli)->mail_root);
	buf_put_bytes(&path, home);
	ok = count_mailbox(buf_str(&path), sum);
	if (ok) {
		ledger_set_encode(&body, sum);
		ok = cli_ask(cli, fd, LEDGER_SET, buf_bytes(&body), &frame) == ERR_OK;
	}
	buf_free(&path);
	buf_free(&body);
	return ok;
}

static bool
recount_account(struct cli *cli, int fd, const struct table_entry *e)
{
	struct ledger_set sum = { .account = e->key };
	size_t at = bytes_find_last(e->key, '@');
	struct account_record r;
	struct buf home = BUF_INIT;
	const char *why;
	bool ok = account_record_parse(e->value, &r, &why) == ERR_OK;

	if (ok) {
		if (r.home.n > 0)
			buf_put_bytes(&home, r.home);
		else
			mail_address_home(
				&home, bytes_head(e->key, at), bytes_skip(e->key, at + 1));
		sum.limit_octets = r.has_quota ? r.quota_octets : LEDGER_LIMIT_UNKNOWN;
		sum.limit_messages = r.quota_messages;
		ok = recount_home(cli, fd, buf_bytes(&home), &sum);
	}
	buf_free(&home);
	return ok;
}

/* The mailboxes of users of the system: all there are, or the one of this key. */
static bool
recount_system_users(struct cli *cli, int fd, const struct bytes *only, unsigned *n)
{
	struct buf path = BUF_INIT, home = BUF_INIT, key = BUF_INIT;
	const struct dirent *e;
	bool ok = true;
	DIR *dir;

	buf_printf(&path, "%s/%s", cli_common(cli)->mail_root, SYSTEM_USERS_DOMAIN);
	dir = opendir(buf_str(&path));
	while (ok && dir != NULL && (e = readdir(dir)) != NULL) {
		struct ledger_set sum = { .limit_octets = LEDGER_LIMIT_UNKNOWN,
			.limit_messages = LEDGER_LIMIT_UNKNOWN };

		buf_clear(&home);
		buf_clear(&key);
		buf_printf(&home, "%s/%s", SYSTEM_USERS_DOMAIN, e->d_name);
		buf_printf(&key, "%s@%s", e->d_name, SYSTEM_USERS_DOMAIN);
		sum.account = buf_bytes(&key);
		if (e->d_name[0] == '.' || strchr(e->d_name, '%') != NULL ||
			(only != NULL && !bytes_equal(*only, sum.account)))
			continue;
		ok = recount_home(cli, fd, buf_bytes(&home), &sum);
		*n += 1;
	}
	if (dir != NULL)
		closedir(dir);
	buf_free(&path);
	buf_free(&home);
	buf_free(&key);
	return ok;
}

static int
recount(struct cli *cli, int fd, const char *which)
{
	bool all = strcmp(which, "--all") == 0, ok;
	struct table_file accounts;
	struct mail_address one = { .key = BYTES_NONE };
	unsigned n = 0;

	ok = table_file_load(cli, TABLE_ACCOUNTS, &accounts);
	if (ok && !all &&
		mail_address_fold(&accounts.table.arena, bytes_from_str(which), &one) < 0) {
		fprintf(stderr, "%s: not an address\n", which);
		ok = false;
	}
	for (size_t i = 0; ok && i < accounts.table.count; i++) {
		const struct table_entry *e = &accounts.table.entries[i];

		if (!all && !bytes_equal(e->key, one.key))
			continue;
		ok = recount_account(cli, fd, e);
		n++;
	}
	if (ok && (all || n == 0))
		ok = recount_system_users(cli, fd, all ? NULL : &one.key, &n);
	if (ok && n == 0 && !all) {
		fprintf(stderr, "%s: no such account\n", which);
		ok = false;
	}
	table_file_free(&accounts);
	return ok ? CLI_OK : CLI_FAILED;
}

void
quota_forget(struct cli *cli, struct bytes account)
{
	const struct ledger_set gone = { .account = account, .forget = true };
	struct buf body = BUF_INIT;
	struct ipc_frame frame;
	int fd = cli_is_running(cli) ? cli_connect(cli, SERVICE_LEDGER) : -1;

	if (fd < 0)
		return;
	ledger_set_encode(&body, &gone);
	(void)cli_ask(cli, fd, LEDGER_SET, buf_bytes(&body), &frame);
	buf_free(&body);
	close(fd);
}

int
cmd_quota(struct cli *cli, int argc, char *argv[])
{
	const char *verb = argc > 1 && argv[1][0] != '-' ? argv[1] : "list";
	bool json = strcmp(argv[argc - 1], "--json") == 0;
	json_t *out = NULL;
	int fd, status;

	if (!(strcmp(verb, "list") == 0 && argc <= 3) &&
		!(strcmp(verb, "show") == 0 && argc == 3 + json) &&
		!(strcmp(verb, "recount") == 0 && argc == 3))
		return cli_usage(quota_usage, NULL);
	fd = cli_connect(cli, SERVICE_LEDGER);
	if (fd < 0)
		return CLI_DOWN;
	if (verb[0] == 's')
		status = show_one(cli, fd, argv[2], json);
	else if (verb[0] == 'r')
		status = recount(cli, fd, argv[2]);
	else {
		out = json ? json_array() : NULL;
		status = list(cli, fd, out);
		if (out != NULL && status == CLI_OK)
			json_print(out);
		json_decref(out);
	}
	close(fd);
	return status;
}
