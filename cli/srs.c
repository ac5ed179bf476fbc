/* SPDX-License-Identifier: ISC */
/* cli/srs.c - relais srs rotate: a new secret for the addresses of forwarded mail (srs.h). */
#include <stdio.h>

#include "cli.h"
#include "err.h"
#include "srs_file.h"

const char srs_usage[] = "relais srs rotate\n"
			 "\n"
			 "Makes a new secret; addresses made with the seven before it stay good.";

int
cmd_srs(struct cli *cli, int argc, char *argv[])
{
	char path[1200];
	int r;

	(void)argc;
	(void)argv; /* "rotate": usage_check() saw to it */
	if (!cli_load(cli))
		return CLI_FAILED;
	snprintf(path, sizeof(path), "%s/directory/" SRS_FILE_NAME, cli_common(cli)->state);
	r = srs_file_rotate(path);
	if (r == ERR_NOT_FOUND) {
		fprintf(stderr, "%s: is not there yet: directory makes it when the suite starts\n",
			path);
		return CLI_FAILED;
	}
	if (r < 0) {
		cli_say_err(path, r);
		return CLI_FAILED;
	}
	return CLI_OK;
}
