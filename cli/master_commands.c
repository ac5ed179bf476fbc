/* SPDX-License-Identifier: ISC */
/* cli/master_commands.c - reload, stop and log: what master itself does. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

const char reload_usage[] =
	"relais reload [--yes-really]\n"
	"\n"
	"Takes up a changed configuration, and says what has changed: new processes serve\n"
	"with it, the old ones end when their sessions do. With an error in it nothing\n"
	"changes. --yes-really: also take a change that opens a relay or drops TLS.";
const char stop_usage[] = "relais stop\n\n"
			  "Stops the suite: what is under way is finished, or stays in the queue.";
const char log_usage[] =
	"relais log reopen\n\n"
	"After the log's file was moved away: all lines from now on go into a new one\n"
	"of its name. For logrotate. Sessions that there are keep the old one.";

int
cli_ask_master(struct cli *cli, uint16_t type, struct bytes body, struct control_text *m)
{
	int fd = cli_connect_master(cli), r;
	struct ipc_frame answer;
	struct ipc_reader in;

	if (fd < 0)
		return CLI_DOWN;
	r = cli_ask(cli, fd, type, body, &answer);
	close(fd);
	if (r < 0)
		return CLI_DOWN;
	in = ipc_reader(answer.body);
	if (answer.type != CONTROL_TEXT || control_text_decode(&in, m) < 0) {
		fprintf(stderr, "master answered something odd\n");
		return CLI_FAILED;
	}
	return CLI_OK;
}

void
cli_put_yes_really(struct buf *body, int argc, char *argv[])
{
	if (argc > 1 && strcmp(argv[1], "--yes-really") == 0)
		control_reload_encode(body, &(struct control_reload){ .yes_really = 1 });
}

static int
simple(struct cli *cli, uint16_t type, struct bytes body)
{
	struct control_text m = { 0 };
	int r;

	r = cli_ask_master(cli, type, body, &m);
	if (r != CLI_OK)
		return r;
	fwrite(m.text.p, 1, m.text.n, m.err < 0 ? stderr : stdout);
	return m.err < 0 ? CLI_FAILED : CLI_OK;
}

int
cmd_reload(struct cli *cli, int argc, char *argv[])
{
	struct buf body = BUF_INIT;
	int status;

	cli_put_yes_really(&body, argc, argv);
	status = simple(cli, CONTROL_RELOAD, buf_bytes(&body));
	buf_free(&body);
	return status;
}

int
cmd_stop(struct cli *cli, int argc, char *argv[])
{
	(void)argc;
	(void)argv;
	return simple(cli, CONTROL_STOP, BYTES_NONE);
}

int
cmd_log(struct cli *cli, int argc, char *argv[])
{
	(void)argc;
	(void)argv; /* "reopen": usage_check() saw to it */
	return simple(cli, CONTROL_REOPEN_LOG, BYTES_NONE);
}
