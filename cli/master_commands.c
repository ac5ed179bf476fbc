/* SPDX-License-Identifier: ISC */
/* cli/master_commands.c - status, reload, stop: what master itself answers. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

/* Ask master; its text in *text (borrowed until the next question). */
static int
ask_master(struct cli *cli, uint16_t type, struct control_text *m)
{
	int fd = cli_connect_master(cli), r;
	struct ipc_frame answer;
	struct ipc_reader in;

	if (fd < 0)
		return CLI_DOWN;
	r = cli_ask(cli, fd, type, BYTES_NONE, &answer);
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

static int
simple(struct cli *cli, int argc, char *argv[], uint16_t type, const char *usage)
{
	struct control_text m = { 0 };
	int r;

	if (argc != 1)
		return cli_usage(usage, NULL);
	r = ask_master(cli, type, &m);
	if (r != CLI_OK)
		return r;
	fwrite(m.text.p, 1, m.text.n, m.err < 0 ? stderr : stdout);
	return m.err < 0 ? CLI_FAILED : CLI_OK;
}

int
cmd_reload(struct cli *cli, int argc, char *argv[])
{
	return simple(cli, argc, argv, CONTROL_RELOAD, "relais reload");
}

int
cmd_stop(struct cli *cli, int argc, char *argv[])
{
	return simple(cli, argc, argv, CONTROL_STOP, "relais stop");
}

/* A line of master's status: words separated by one blank. */
#define WORDS_MAX 8

static size_t
split_words(struct bytes line, struct bytes words[WORDS_MAX])
{
	size_t n = 0;

	while (line.n > 0 && n < WORDS_MAX)
		words[n++] = bytes_cut(&line, ' ');
	return n;
}

static json_t *
json_word(struct bytes w)
{
	uint64_t v;

	if (bytes_to_u64(w, INT64_MAX, &v) == ERR_OK)
		return json_integer((json_int_t)v);
	return json_stringn((const char *)w.p, w.n);
}

static void
add_json(json_t *root, struct bytes words[], size_t n)
{
	static const char *const service_keys[] = { NULL, "service", "instance", "state", "pid",
		"uptime_s", "restarts" };
	static const char *const stat_keys[] = { NULL, "service", "instance", "name", "value" };
	bool service = bytes_is(words[0], "service");
	const char *const *keys = service ? service_keys : stat_keys;
	size_t nkeys = service ? NITEMS(service_keys) : NITEMS(stat_keys);
	json_t *row;

	if (bytes_is(words[0], "master") && n == 3) {
		json_object_set_new(root, "master_pid", json_word(words[1]));
		json_object_set_new(root, "state", json_word(words[2]));
		return;
	}
	row = json_object();
	for (size_t i = 1; i < n && i < nkeys; i++)
		json_object_set_new(row, keys[i], json_word(words[i]));
	json_array_append_new(json_object_get(root, service ? "services" : "counters"), row);
}

static int
print_json(struct bytes text)
{
	json_t *root = json_object();

	json_object_set_new(root, "services", json_array());
	json_object_set_new(root, "counters", json_array());
	while (text.n > 0) {
		struct bytes words[WORDS_MAX];
		size_t n = split_words(bytes_cut(&text, '\n'), words);

		if (n > 0)
			add_json(root, words, n);
	}
	json_dumpf(root, stdout, JSON_INDENT(1));
	putchar('\n');
	json_decref(root);
	return CLI_OK;
}

static void
print_line(struct bytes words[], size_t n)
{
	char w[WORDS_MAX][128];

	for (size_t i = 0; i < n; i++)
		bytes_to_str(words[i], w[i], sizeof(w[i]));
	if (strcmp(w[0], "master") == 0 && n == 3)
		printf("relais is %s (master pid %s)\n\n%-16s %-3s %-9s %8s %10s %9s\n", w[2], w[1],
			"SERVICE", "NO", "STATE", "PID", "UPTIME", "RESTARTS");
	else if (strcmp(w[0], "service") == 0 && n == 7)
		printf("%-16s %-3s %-9s %8s %9ss %9s\n", w[1], w[2], w[3], w[4], w[5], w[6]);
	else if (strcmp(w[0], "stat") == 0 && n >= 5)
		printf("%-16s %-3s %s %s\n", w[1], w[2], w[3], w[4]);
}

static void
print_kind(struct bytes text, bool counters)
{
	while (text.n > 0) {
		struct bytes words[WORDS_MAX];
		size_t n = split_words(bytes_cut(&text, '\n'), words);

		if (n > 0 && bytes_is(words[0], "stat") == counters)
			print_line(words, n);
	}
}

int
cmd_status(struct cli *cli, int argc, char *argv[])
{
	bool json = argc == 2 && strcmp(argv[1], "--json") == 0;
	struct control_text m = { 0 };
	int r;

	if (argc > 2 || (argc == 2 && !json))
		return cli_usage("relais status [--json]", NULL);
	r = ask_master(cli, CONTROL_STATUS, &m);
	if (r != CLI_OK)
		return r;
	if (json)
		return print_json(m.text);
	print_kind(m.text, false);
	putchar('\n');
	print_kind(m.text, true);
	return CLI_OK;
}
