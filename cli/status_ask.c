/* SPDX-License-Identifier: ISC */
/* cli/status_ask.c - what master tells now, and what it told a minute ago. */
#include <stdio.h>
#include <unistd.h>

#include "clock.h"
#include "long_text.h"
#include "metrics_msg.h"
#include "status.h"

static int
take_text(struct snapshot *s, struct bytes inline_text, const struct ipc_frame *f)
{
	int r = long_text_take(inline_text, f->nfds > 0 ? f->fds[0] : -1, &s->text);

	for (unsigned i = 0; i < f->nfds; i++)
		close(f->fds[i]);
	if (r == ERR_OK && !status_parse(buf_bytes(&s->text), &s->status))
		r = ERR_SYNTAX;
	return r;
}

int
snapshot_take(struct cli *cli, int fd, struct snapshot *s)
{
	struct ipc_frame frame = { 0 };
	struct ipc_reader in;
	struct control_text m;

	*s = (struct snapshot){ .text = BUF_INIT };
	if (cli_ask(cli, fd, CONTROL_STATUS, BYTES_NONE, &frame) < 0)
		return CLI_DOWN;
	s->taken_ms = clock_mono_ms();
	in = ipc_reader(frame.body);
	if (frame.type != CONTROL_TEXT || control_text_decode(&in, &m) < 0 || m.err < 0 ||
		take_text(s, m.text, &frame) < 0) {
		fprintf(stderr, "the answer cannot be read: is this command of another version?\n");
		return CLI_FAILED;
	}
	return CLI_OK;
}

static bool
metrics_runs(const struct status *s)
{
	for (size_t i = 0; i < s->n_processes; i++)
		if (bytes_is(s->processes[i].service, "metrics") &&
			bytes_is(s->processes[i].state, "ready"))
			return true;
	return false;
}

bool
snapshot_before(struct cli *cli, const struct snapshot *now, struct snapshot *s)
{
	struct metrics_before_answer a;
	struct ipc_frame frame = { 0 };
	struct ipc_reader in;
	bool ok = false;
	int fd;

	*s = (struct snapshot){ .text = BUF_INIT };
	if (!metrics_runs(&now->status) || (fd = cli_connect(cli, SERVICE_METRICS)) < 0)
		return false;
	if (cli_ask(cli, fd, METRICS_BEFORE, BYTES_NONE, &frame) == ERR_OK) {
		in = ipc_reader(frame.body);
		ok = frame.type == METRICS_BEFORE_ANSWER &&
		     metrics_before_answer_decode(&in, &a) == ERR_OK && a.age_ms > 0 &&
		     take_text(s, a.text, &frame) == ERR_OK;
		if (ok)
			s->taken_ms = clock_mono_ms() - a.age_ms;
	}
	close(fd);
	return ok;
}

void
snapshot_free(struct snapshot *s)
{
	status_free(&s->status);
	buf_free(&s->text);
}
