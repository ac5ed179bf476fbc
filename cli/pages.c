/* SPDX-License-Identifier: ISC */
/* cli/pages.c - lists that a service gives page by page, see the header. */
#include "pages.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "err.h"

struct cli_verb
cli_verb(int argc, char *argv[])
{
	struct cli_verb v = { .verb = "list", .argc = argc - 1, .argv = argv + 1 };

	if (v.argc > 0 && strcmp(v.argv[v.argc - 1], "--json") == 0) {
		v.json = true;
		v.argc--;
	}
	if (v.argc > 0 && v.argv[0][0] != '-') {
		v.verb = v.argv[0];
		v.argc--;
		v.argv++;
	}
	return v;
}

int
cli_pages(struct cli *cli, int fd, const struct cli_pages *p, bool json)
{
	struct buf after = BUF_INIT, body = BUF_INIT;
	json_t *out = json ? json_array() : NULL;
	struct ipc_frame frame;
	int r;

	do {
		buf_clear(&body);
		p->ask(&body, buf_bytes(&after));
		r = cli_ask(cli, fd, p->type, buf_bytes(&body), &frame);
		if (r == ERR_OK) {
			struct ipc_reader in = ipc_reader(frame.body);

			buf_clear(&after);
			r = p->show(&in, out, &after);
		}
	} while (r > 0);
	buf_free(&after);
	buf_free(&body);
	if (r == ERR_OK && json)
		json_print(out);
	json_decref(out);
	return r == ERR_OK ? CLI_OK : CLI_FAILED;
}

const char *
cli_time_text(uint64_t seconds, char out[CLI_TIME_TEXT])
{
	time_t t = (time_t)seconds;
	struct tm tm;

	if (seconds == 0 || localtime_r(&t, &tm) == NULL ||
		strftime(out, CLI_TIME_TEXT, "%Y-%m-%d %H:%M:%S", &tm) == 0)
		snprintf(out, CLI_TIME_TEXT, "never");
	return out;
}
