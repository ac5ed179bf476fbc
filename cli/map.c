/* SPDX-License-Identifier: ISC */
/* cli/map.c - relais map [build|check|query]: the text tables, compiled. */
#include <stdio.h>
#include <string.h>

#include "err.h"
#include "map.h"
#include "table_files.h"

const char map_usage[] =
	"relais map [build]             compile all tables, if all are good\n"
	"       relais map check               only say what is wrong\n"
	"       relais map aliases             compile the system's aliases alone\n"
	"       relais map TABLE               compile that one: transport, tls_policy...\n"
	"       relais map query TABLE KEY     look up in the compiled table";

static int
query(struct cli *cli, const char *table, const char *key)
{
	struct arena arena = ARENA_INIT;
	struct bytes folded, value;
	const char *why = "no such table";
	char path[1200];
	struct map m;
	int kind = 0, r = ERR_NOT_FOUND;

	while (kind < TABLE_KINDS && strcmp(table_kind_name((enum table_kind)kind), table) != 0)
		kind++;
	if (kind == TABLE_KINDS || table_key_fold((enum table_kind)kind, &arena,
					   bytes_from_str(key), &folded, &why) < 0) {
		fprintf(stderr, "%s %s: %s\n", table, key, why);
		arena_reset(&arena);
		return CLI_FAILED;
	}
	snprintf(path, sizeof(path), "%s/directory/%s.db", cli_common(cli)->state, table);
	m = map_open_btree(path);
	r = map_get(&m, &arena, folded, &value);
	if (r == ERR_OK)
		printf("%.*s\n", (int)value.n, (const char *)value.p);
	else
		fprintf(stderr, "%s: %s\n", key, err_text(r));
	map_close(&m);
	arena_reset(&arena);
	return r == ERR_OK ? CLI_OK : CLI_FAILED;
}

int
cmd_map(struct cli *cli, int argc, char *argv[])
{
	const char *verb = argc > 1 ? argv[1] : "build";

	if (!cli_load(cli))
		return CLI_FAILED;
	if (strcmp(verb, "query") == 0 && argc == 4)
		return query(cli, argv[2], argv[3]);
	if (argc > 2)
		return cli_usage(map_usage, NULL);
	if (strcmp(verb, "check") == 0)
		return table_files_check(cli) ? CLI_OK : CLI_FAILED;
	if (strcmp(verb, "build") == 0)
		return table_files_lock(cli) && table_files_build(cli, false) ? CLI_OK : CLI_FAILED;
	if (strcmp(verb, "aliases") == 0) /* newaliases */
		return table_files_lock(cli) && table_files_build_aliases(cli, false) ? CLI_OK
										      : CLI_FAILED;
	for (int kind = TABLE_TRANSPORT; kind < TABLE_SYSTEM_USERS; kind++)
		if (strcmp(verb, table_kind_name((enum table_kind)kind)) == 0)
			return table_files_lock(cli) &&
					       table_files_build_one(cli, (enum table_kind)kind)
				       ? CLI_OK
				       : CLI_FAILED;
	return cli_usage(
		map_usage, "relais map: build, check, query or a table that says how mail leaves");
}
