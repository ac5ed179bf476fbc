/* SPDX-License-Identifier: ISC */
/* cli/connect.c - from the command to master, and through master to a service. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli.h"
#include "err.h"

#define ANSWER_MS 60000

void
cli_read(struct cli *cli)
{
	if (cli->values_made)
		return;
	conf_init(&cli->conf);
	cli->values_made = true;
	(void)conf_load(&cli->conf, cli->conf_path);
	for (size_t i = 0; i < cli->noverrides; i++)
		(void)conf_override(&cli->conf, cli->overrides[i]);
	cli->loaded = cli->conf.first == NULL;
}

/* The file itself may be what is missing. */
static void
say_how_to_get_one(const char *path)
{
	if (access(path, R_OK) == 0)
		return;
	if (errno == ENOENT)
		fputs("\"relais setup\" writes one; --config FILE names another\n", stderr);
	else
		cli_say_cure(err_from_errno(errno));
}

bool
cli_load(struct cli *cli)
{
	if (cli->loaded)
		return true;
	cli_read(cli);
	for (const struct conf_error *e = cli->conf.first; e != NULL; e = e->next) {
		if (e->line > 0)
			fprintf(stderr, "%s:%u: %s\n", e->file, e->line, e->text);
		else
			fprintf(stderr, "%s: %s\n", e->file, e->text);
	}
	if (!cli->loaded)
		say_how_to_get_one(cli->conf_path);
	return cli->loaded;
}

const struct common_conf *
cli_common(struct cli *cli)
{
	return conf_values(&cli->conf, "");
}

/* -1 with errno; the socket's path in sun. */
static int
connect_control(struct cli *cli, struct sockaddr_un *sun)
{
	int fd, n, saved;

	*sun = (struct sockaddr_un){ .sun_family = AF_UNIX };
	n = snprintf(sun->sun_path, sizeof(sun->sun_path), "%s/control", cli_common(cli)->run);
	if (n < 0 || (size_t)n >= sizeof(sun->sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)sun, sizeof(*sun)) == 0)
		return fd;
	saved = errno;
	if (fd >= 0)
		close(fd);
	errno = saved;
	return -1;
}

bool
cli_is_running(struct cli *cli)
{
	struct sockaddr_un sun;
	int fd = connect_control(cli, &sun);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

int
cli_connect_master(struct cli *cli)
{
	struct sockaddr_un sun;
	int fd;

	if (!cli_load(cli))
		return -1;
	fd = connect_control(cli, &sun);
	if (fd >= 0)
		return fd;
	if (errno == ENOENT || errno == ECONNREFUSED)
		fprintf(stderr,
			"relais is not running (nothing answers at %s)\n"
			"start it: systemctl start relais, or relais-master --config %s\n",
			sun.sun_path, cli->conf_path);
	else
		cli_say_errno(sun.sun_path);
	return -1;
}

int
cli_ask(struct cli *cli, int fd, uint16_t type, struct bytes body, struct ipc_frame *answer)
{
	int r = ipc_blocking_send(fd, type, 1, false, body, NULL, 0);

	if (r == ERR_OK)
		r = ipc_blocking_receive(fd, &cli->packet, answer, ANSWER_MS);
	if (r == ERR_OK && !answer->is_reply)
		r = ERR_SYNTAX;
	if (r == ERR_PEER)
		fprintf(stderr, "refused: only root, or the user who runs relais, may ask: try it "
				"with sudo\n");
	else if (r < 0)
		fprintf(stderr, "no answer: %s\n", err_text(r));
	return r;
}

int
cli_connect(struct cli *cli, enum service service)
{
	const struct control_introduce ask = { .service = service, .instance = CONTROL_ANY };
	int fd = cli_connect_master(cli), r;
	struct buf body = BUF_INIT;
	struct ipc_frame answer = { 0 };
	struct ipc_reader in;
	struct control_peer peer = { .err = ERR_PEER };

	if (fd < 0)
		return -1;
	control_introduce_encode(&body, &ask);
	r = cli_ask(cli, fd, CONTROL_INTRODUCE, buf_bytes(&body), &answer);
	buf_free(&body);
	close(fd);
	if (r < 0)
		return -1;
	in = ipc_reader(answer.body);
	if (answer.type == CONTROL_INTRODUCED && control_peer_decode(&in, &peer) == ERR_OK &&
		peer.err == ERR_OK && answer.nfds == 1)
		return answer.fds[0];
	for (unsigned i = 0; i < answer.nfds; i++)
		close(answer.fds[i]);
	if (peer.err == ERR_UNSUPPORTED) {
		fprintf(stderr,
			"%s runs in another version, which this command does not understand: run "
			"\"relais upgrade\"\n",
			service_name(service));
		return -1;
	}
	fprintf(stderr,
		"%s: %s\n\"relais status\" tells whether it runs, the log (option log) why not\n",
		service_name(service), err_text(peer.err));
	return -1;
}

int
cli_usage(const char *usage, const char *wrong)
{
	fprintf(stderr, "%s\n", wrong != NULL ? wrong : "these words do not go together");
	fprintf(stderr, "Usage: %s\n", usage);
	return CLI_USAGE;
}
