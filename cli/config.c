/* SPDX-License-Identifier: ISC */
/* cli/config.c - relais config check|show|defaults|manual. */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "err.h"
#include "route_records.h"

const char config_usage[] =
	"relais config check     say every error of the configuration\n"
	"       relais config show      print every option with its value\n"
	"       relais config defaults  print a file with every option's default";

static int
print(struct buf *text)
{
	fwrite(text->data, 1, text->len, stdout);
	buf_free(text);
	return CLI_OK;
}

static bool
check_smarthost(struct cli *cli)
{
	struct bytes smarthost = bytes_from_str(cli_common(cli)->smarthost), next_hop;
	struct arena a = ARENA_INIT;
	const char *why;
	bool ok = smarthost.n == 0 ||
		  transport_record_parse(&a, smarthost, &next_hop, &why) == ERR_OK;

	if (!ok)
		printf("%s: smarthost: %s\n", cli->conf_path, why);
	arena_reset(&a);
	return ok;
}

int
cmd_config(struct cli *cli, int argc, char *argv[])
{
	struct buf text = BUF_INIT;

	if (argc != 2)
		return cli_usage(config_usage, NULL);
	if (strcmp(argv[1], "defaults") == 0) {
		conf_write_shipped_file(&text);
		return print(&text);
	}
	if (!cli_load(cli))
		return CLI_FAILED;
	if (strcmp(argv[1], "check") == 0) {
		unsigned bad = cert_check_configured(cli);

		if (!check_smarthost(cli))
			return CLI_FAILED;

		if (bad > 0) {
			printf("%s: %u certificate%s of no use\n", cli->conf_path, bad,
				bad == 1 ? "" : "s");
			return CLI_FAILED;
		}
		printf("%s: no errors\n", cli->conf_path);
		return CLI_OK;
	}
	if (strcmp(argv[1], "show") != 0)
		return cli_usage(config_usage, "relais config: check, show or defaults");
	conf_show(&text, &cli->conf);
	return print(&text);
}
