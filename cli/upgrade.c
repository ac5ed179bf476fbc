/* SPDX-License-Identifier: ISC */
/*
 * cli/upgrade.c - relais upgrade: the newly installed programs take over; told step by step.
 *
 * Master changes its program meanwhile. Connections to it end then, its socket does not: so we ask
 * anew until the story has come to its end.
 */
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"

#define ASK_EVERY_MS 100
#define SILENCE_MAX  100 /* times: ten seconds without an answer */
#define ANSWER_MS    5000

const char upgrade_usage[] =
	"relais upgrade [--yes-really]\n\n"
	"Has the newly installed programs take over: nothing is refused and no session\n"
	"ends. First it is checked that they can; if not, nothing changes. Returns when\n"
	"all new processes serve. An older version is taken up in the same way.\n"
	"A changed configuration is taken up, too. --yes-really: also a change that opens\n"
	"a relay or drops TLS.";

/* Master's story; false: no answer this time. */
static bool
ask(struct cli *cli, struct control_text *m)
{
	struct ipc_frame answer;
	int fd = cli_is_running(cli) ? cli_connect_master(cli) : -1, r;

	if (fd < 0)
		return false;
	cli->packet.used = cli->packet.data.len = 0;
	r = ipc_blocking_send(fd, CONTROL_UPGRADE_STATE, 1, false, BYTES_NONE, NULL, 0);
	if (r == ERR_OK)
		r = ipc_blocking_receive(fd, &cli->packet, &answer, ANSWER_MS);
	close(fd);
	if (r == ERR_OK) {
		struct ipc_reader in = ipc_reader(answer.body);

		r = answer.type == CONTROL_TEXT ? control_text_decode(&in, m) : ERR_SYNTAX;
	}
	return r == ERR_OK;
}

/* What has not been shown yet. The new master begins a new story. */
static void
show(struct buf *shown, struct bytes text, bool failed)
{
	struct bytes news = text;

	if (bytes_starts_with(text, buf_bytes(shown)))
		news = bytes_skip(text, shown->len);
	fwrite(news.p, 1, news.n, failed ? stderr : stdout);
	fflush(stdout);
	buf_clear(shown);
	buf_put_bytes(shown, text);
}

static int
follow(struct cli *cli, struct buf *shown)
{
	const struct timespec pause = { 0, ASK_EVERY_MS * 1000000L };
	struct control_text m;

	for (unsigned silent = 0; silent < SILENCE_MAX; nanosleep(&pause, NULL)) {
		if (!ask(cli, &m)) {
			silent++;
			continue;
		}
		silent = 0;
		if (m.err == ERR_NOT_FOUND) {
			fputs("master was started anew meanwhile; see \"relais status\" and the "
			      "log\n",
				stderr);
			return CLI_FAILED;
		}
		show(shown, m.text, m.err < 0 && m.err != ERR_BUSY);
		if (m.err != ERR_BUSY)
			return m.err < 0 ? CLI_FAILED : CLI_OK;
	}
	fputs("master does not answer; see \"relais status\" and the log\n", stderr);
	return CLI_FAILED;
}

int
cmd_upgrade(struct cli *cli, int argc, char *argv[])
{
	struct buf shown = BUF_INIT, body = BUF_INIT;
	struct control_text m = { 0 };
	int status;

	cli_put_yes_really(&body, argc, argv);
	status = cli_ask_master(cli, CONTROL_UPGRADE, buf_bytes(&body), &m);
	buf_free(&body);
	if (status != CLI_OK)
		return status;
	show(&shown, m.text, m.err < 0);
	status = m.err == ERR_DENIED ? CLI_DANGEROUS : m.err < 0 ? CLI_FAILED : follow(cli, &shown);
	buf_free(&shown);
	return status;
}
