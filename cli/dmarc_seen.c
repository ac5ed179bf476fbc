/* SPDX-License-Identifier: ISC */
/*
 * cli/dmarc_seen.c - relais dmarc seen: sums the reports in a mailbox.
 *
 * Anybody can send a report, so they are read in a child that is locked into that one Maildir,
 * reading only, as its owner; what it prints passes through us, printable octets only.
 *
 * Trusts:   nothing that the child says.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "dmarc.h"
#include "dmarc_record.h"
#include "dmarc_sum.h"
#include "dns_msg.h"
#include "jail.h"
#include "mail_address.h"
#include "mailauth_conf.h"
#include "sys.h"

#define MEMORY_MAX ((uint64_t)2 << 30)
#define DAY_S      86400
#define NOBODY     65534

struct asked {
	struct bytes domain;
	const char *mailbox; /* NULL: the one of the domain's record */
	const char *authserv_id;
	uint64_t since_s;
	bool json;
};

/* ---- in the child ---- */

static void
sum_file(struct dmarc_sum *s, int dirfd, const char *name, struct buf *room)
{
	int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	ssize_t n;

	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 &&
		(uint64_t)st.st_size <= DMARC_READ_MESSAGE_MAX) {
		buf_clear(room);
		n = sys_pread_full(fd, buf_room(room, (size_t)st.st_size), (size_t)st.st_size, 0);
		if (n > 0) {
			buf_added(room, (size_t)n);
			dmarc_sum_message(s, buf_bytes(room));
		}
	}
	close(fd);
}

static void
sum_directory(struct dmarc_sum *s, int folder, const char *name)
{
	int fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct buf room = BUF_INIT;
	const struct dirent *e;

	while (dir != NULL && (e = readdir(dir)) != NULL)
		if (e->d_name[0] != '.')
			sum_file(s, fd, e->d_name, &room);
	buf_free(&room);
	if (dir != NULL)
		closedir(dir);
	else if (fd >= 0)
		close(fd);
}

static void
sum_folder(struct dmarc_sum *s, int folder)
{
	sum_directory(s, folder, "cur");
	sum_directory(s, folder, "new");
}

/* INBOX and all folders. */
static bool
sum_maildir(struct dmarc_sum *s)
{
	DIR *dir = opendir(".");
	const struct dirent *e;

	if (dir == NULL)
		return false;
	sum_folder(s, AT_FDCWD);
	while ((e = readdir(dir)) != NULL) {
		int fd;

		if (e->d_name[0] != '.' || strcmp(e->d_name, ".") == 0 ||
			strcmp(e->d_name, "..") == 0)
			continue;
		fd = open(e->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		if (fd >= 0) {
			sum_folder(s, fd);
			close(fd);
		}
	}
	closedir(dir);
	return true;
}

/* As the Maildir's owner, in it, with nothing else. */
static bool
enter(const char *path)
{
	struct jail jail = { .root_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC),
		.uid = UINT32_MAX,
		.gid = UINT32_MAX,
		.sandbox = SANDBOX_READ,
		.files_limit = 64,
		.memory_limit = MEMORY_MAX };
	const char *what = "open";
	struct stat st;
	int keep[3] = { CONTROL_FD, LOG_FD, jail.root_fd };

	if (jail.root_fd < 0 || fstat(jail.root_fd, &st) != 0 || fchdir(jail.root_fd) != 0) {
		cli_say_errno(path);
		return false;
	}
	/* to the filter these two are a daemon's channel and log, and no folders to be read */
	for (int fd = CONTROL_FD; fd <= LOG_FD; fd++)
		if (fd != jail.root_fd && dup2(jail.root_fd, fd) < 0)
			return false;
	jail_close_others(keep, NITEMS(keep));
	if (geteuid() == 0) { /* never root's user or group */
		jail.root = path;
		jail.uid = st.st_uid != 0 ? st.st_uid : NOBODY;
		jail.gid = st.st_gid != 0 ? st.st_gid : NOBODY;
	}
	if (jail_enter(&jail, &what) == ERR_OK)
		return true;
	fprintf(stderr, "%s: %s: %s\n", path, what, strerror(errno));
	return false;
}

static _Noreturn void
live(const struct asked *q, const char *path, int out)
{
	struct dmarc_sum *s = dmarc_sum_new(q->domain, q->since_s, q->authserv_id);

	if (dup2(out, STDOUT_FILENO) < 0 || !enter(path))
		_exit(CLI_FAILED);
	if (!sum_maildir(s))
		_exit(CLI_FAILED);
	if (q->json)
		dmarc_sum_print_json(s, stdout);
	else
		dmarc_sum_print(s, stdout);
	fflush(stdout);
	_exit(CLI_OK);
}

/* ---- in the parent ---- */

static void
pass_on(int fd)
{
	char room[8192];
	ssize_t n;

	while ((n = read(fd, room, sizeof(room))) > 0 || (n < 0 && errno == EINTR))
		for (ssize_t i = 0; i < n; i++)
			putchar(room[i] == '\n' || (room[i] >= ' ' && room[i] <= '~') ? room[i]
										      : '?');
}

static int
run_child(const struct asked *q, const char *path)
{
	int pipes[2], status;
	pid_t pid;

	if (pipe2(pipes, O_CLOEXEC) != 0) {
		perror("pipe");
		return CLI_FAILED;
	}
	fflush(stdout);
	pid = fork();
	if (pid == 0)
		live(q, path, pipes[1]);
	close(pipes[1]);
	if (pid > 0)
		pass_on(pipes[0]);
	close(pipes[0]);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return CLI_FAILED;
	if (WIFSIGNALED(status))
		fprintf(stderr, "reading the reports failed: %s\n", strsignal(WTERMSIG(status)));
	return WIFEXITED(status) ? WEXITSTATUS(status) : CLI_FAILED;
}

/* The first mail address of the domain's own record, put to mailbox. */
static bool
ask_record(struct cli *cli, struct bytes domain, struct buf *mailbox)
{
	struct buf body = BUF_INIT, name = BUF_INIT, text = BUF_INIT;
	struct dns_answer *answer = xcalloc(1, sizeof(*answer));
	struct dmarc_record record;
	struct ipc_frame frame;
	int fd = cli_connect(cli, SERVICE_RESOLVER), r = ERR_PEER;

	buf_printf(&name, "_dmarc.%.*s", (int)domain.n, (const char *)domain.p);
	dns_query_encode(&body, &(struct dns_query){ DNS_TYPE_TXT, buf_bytes(&name), 0 });
	if (fd >= 0 && cli_ask(cli, fd, DNS_QUERY, buf_bytes(&body), &frame) == ERR_OK) {
		struct ipc_reader in = ipc_reader(frame.body);

		r = dns_answer_decode(&in, answer);
	}
	if (fd >= 0)
		close(fd);
	for (uint32_t i = 0; r == ERR_OK && i < answer->count && mailbox->len == 0; i++) {
		buf_clear(&text);
		if (dns_txt_read(answer->rdata[i], &text) == ERR_OK &&
			dmarc_record_parse(buf_bytes(&text), &record) == ERR_OK && record.rua.n > 0)
			(void)!dmarc_mailto(record.rua.uri[0], mailbox);
	}
	free(answer);
	buf_free(&body);
	buf_free(&name);
	buf_free(&text);
	if (mailbox->len == 0)
		fprintf(stderr,
			"no address for reports in the record of %.*s; name the mailbox by "
			"--mailbox\n",
			(int)domain.n, (const char *)domain.p);
	return mailbox->len > 0;
}

static int
sum_mailbox(struct cli *cli, const struct asked *q)
{
	struct buf mailbox = BUF_INIT, path = BUF_INIT;
	struct arena a = ARENA_INIT;
	struct mail_address address;
	int status = CLI_FAILED;

	if (q->mailbox != NULL)
		buf_put_str(&mailbox, q->mailbox);
	if (q->mailbox != NULL || ask_record(cli, q->domain, &mailbox)) {
		if (mail_address_fold(&a, buf_bytes(&mailbox), &address) < 0 ||
			address.domain.n == 0) {
			fprintf(stderr, "%s: not an address\n", buf_str(&mailbox));
		} else {
			buf_printf(&path, "%s/", cli_common(cli)->mail_root);
			mail_address_home(&path, address.local, address.domain);
			status = run_child(q, buf_str(&path));
		}
	}
	arena_reset(&a);
	buf_free(&mailbox);
	buf_free(&path);
	return status;
}

int
dmarc_seen(struct cli *cli, int argc, char *argv[])
{
	static const char usage[] =
		"relais dmarc seen DOMAIN [--mailbox ADDRESS] [--since DAYS] [--json]";
	static const struct option options[] = { { "mailbox", required_argument, NULL, 'm' },
		{ "since", required_argument, NULL, 's' }, { "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 } };
	const struct mailauth_conf *mailauth;
	struct asked q = { 0 };
	uint64_t days = 0;
	int c;

	optind = 0; /* argv[0] is the first word: the domain may stand anywhere */
	while ((c = getopt_long(argc + 1, argv - 1, "", options, NULL)) != -1) {
		if (c == 'm')
			q.mailbox = optarg;
		else if (c == 'j')
			q.json = true;
		else if (c != 's' || bytes_to_u64(bytes_from_str(optarg), 36500, &days) < 0)
			return cli_usage(usage, NULL);
	}
	argv--;
	argc++;
	if (optind != argc - 1)
		return cli_usage(usage, NULL);
	q.domain = bytes_from_str(argv[optind]);
	if (days > 0)
		q.since_s = (uint64_t)time(NULL) - days * DAY_S;
	if (!cli_load(cli))
		return CLI_FAILED;
	mailauth = conf_values(&cli->conf, "mailauth");
	q.authserv_id =
		mailauth->authserv_id[0] != 0 ? mailauth->authserv_id : cli_common(cli)->hostname;
	return sum_mailbox(cli, &q);
}
