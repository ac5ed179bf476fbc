/* SPDX-License-Identifier: ISC */
/*
 * cli/complete.c - relais complete WORD...: how the last of these words of a command line can end,
 * a line each. conf/completion/relais asks it. From the usage texts, and for some names from the
 * tables and the queue; what cannot be read offers nothing.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "queue.h"
#include "table_files.h"
#include "usage.h"

#define NAMES_MAX   16
#define IDS_OFFERED 200

const char complete_usage[] = "relais complete WORD...";

struct completion {
	struct cli *cli;
	const struct command *c;
	int argc; /* of the command's words, the last one to be completed */
	char **argv;
	struct bytes start; /* that one */
};

static void
offer(const struct completion *x, struct bytes word)
{
	if (bytes_starts_with(word, x->start))
		printf("%.*s\n", (int)word.n, (const char *)word.p);
}

static void
offer_each(const struct completion *x, struct bytes alternatives)
{
	while (alternatives.n > 0)
		offer(x, bytes_cut(&alternatives, '|'));
}

/* ---- names that stand for something there is ---- */

static void
offer_keys(const struct completion *x, enum table_kind kind)
{
	struct table_file f;

	if (table_file_load(x->cli, kind, &f))
		for (size_t i = 0; i < f.table.count; i++)
			offer(x, f.table.entries[i].key);
	table_file_free(&f);
}

static void
offer_domains(const struct completion *x)
{
	const struct conf_list *configured = &cli_common(x->cli)->domain;

	for (size_t i = 0; i < configured->n; i++)
		offer(x, bytes_from_str(configured->v[i]));
	offer_keys(x, TABLE_DOMAINS);
}

static void
offer_accounts(const struct completion *x)
{
	offer_keys(x, TABLE_ACCOUNTS);
}

static bool
offer_id(void *ctx, const struct queue_list_entry *e, const struct queue_list_rcpt *r)
{
	char id[QUEUE_ID_TEXT_SIZE];

	if (!e->continued)
		offer(ctx, bytes_from_str(queue_id_text(e->queue_id, id)));
	return true;
}

static void
offer_ids(const struct completion *x)
{
	struct completion copy = *x;
	struct queue_walk w = {
		.max_rcpts = 1, .limit = IDS_OFFERED, .show = offer_id, .ctx = &copy
	};
	int fd = cli_is_running(x->cli) ? cli_connect(x->cli, SERVICE_QMGR) : -1;

	if (fd >= 0 && queue_walk(x->cli, fd, &w) == ERR_OK)
		fflush(stdout);
	if (fd >= 0)
		close(fd);
}

static void
offer_tables(const struct completion *x)
{
	for (int kind = 0; kind < TABLE_KINDS; kind++)
		offer(x, bytes_from_str(table_kind_name((enum table_kind)kind)));
}

static void
offer_sections(const struct completion *x)
{
	for (size_t i = 1; i < conf_section_count(); i++)
		offer(x, bytes_from_str(conf_section_at(i)->name));
}

static void
offer_services(const struct completion *x)
{
	for (int s = 0; s < SERVICE_COUNT; s++)
		if (service_name((enum service)s) != NULL)
			offer(x, bytes_from_str(service_name((enum service)s)));
}

static const struct source {
	const char *name; /* in a usage text */
	void (*offer)(const struct completion *x);
} sources[] = {
	{ "ADDRESS", offer_accounts },
	{ "LOGIN", offer_accounts },
	{ "DOMAIN", offer_domains },
	{ "ID", offer_ids },
	{ "TABLE", offer_tables },
	{ "SECTION", offer_sections },
	{ "SERVICE", offer_services },
};

static void
offer_name(const struct completion *x, struct bytes names)
{
	while (names.n > 0) {
		struct bytes name = bytes_cut(&names, '|');

		if (name.p[0] >= 'a' && name.p[0] <= 'z')
			offer(x, name);
		for (size_t i = 0; i < NITEMS(sources); i++)
			if (bytes_is(name, sources[i].name))
				sources[i].offer(x);
	}
}

/* ---- where in a form ---- */

static void
offer_options(const struct completion *x, struct bytes form)
{
	struct bytes text;

	for (size_t i = 0; (text = usage_options_text(x->c, form, i)).n > 0; i++) {
		struct usage_token t = { 0 };

		while (usage_next_token(&text, &t)) {
			t.text.n -= strchr(",.:;)", t.text.p[t.text.n - 1]) != NULL;
			if (t.kind == USAGE_OPTION)
				offer(x, t.text);
		}
	}
}

/* How many of the words from first on are no options; *value: the last is this option's value. */
static size_t
count_words(const struct completion *x, struct bytes form, int first, struct bytes *value)
{
	size_t n = 0;

	*value = BYTES_NONE;
	for (int i = first; i < x->argc - 1; i++) {
		*value = BYTES_NONE;
		if (x->argv[i][0] != '-')
			n++;
		else if (usage_form_option(x->c, form, bytes_from_str(x->argv[i]), value) &&
			 value->n > 0 && ++i < x->argc - 1)
			*value = BYTES_NONE;
	}
	return n;
}

static void
offer_rest(const struct completion *x, struct bytes form, struct bytes rest, int first)
{
	struct usage_token t = { 0 };
	struct bytes names[NAMES_MAX], value;
	bool more = false;
	size_t n = 0, at = count_words(x, form, first, &value);

	if (value.n > 0) {
		offer_name(x, value);
		return;
	}
	if (x->start.n > 0 && x->start.p[0] == '-') {
		offer_options(x, form);
		return;
	}
	while (usage_next_token(&rest, &t)) {
		if ((t.kind == USAGE_NAME || t.kind == USAGE_LITERAL) && !t.is_value &&
			n < NAMES_MAX)
			names[n++] = t.text;
		more |= t.kind == USAGE_MORE;
	}
	if (at < n)
		offer_name(x, names[at]);
	else if (more && n > 0)
		offer_name(x, names[n - 1]);
}

static void
complete_form(const struct completion *x, struct bytes form)
{
	struct bytes rest = form, here;
	struct usage_token t = { 0 };
	bool optional = false;
	int n = 0;

	(void)usage_next_token(&rest, &t); /* "relais" */
	for (here = rest; usage_next_token(&rest, &t); here = rest) {
		if (t.kind == USAGE_OPEN || t.kind == USAGE_CLOSE) {
			optional = t.kind == USAGE_OPEN;
		} else if (t.kind != USAGE_LITERAL) {
			break;
		} else if (n == x->argc - 1) {
			offer_each(x, t.text);
			if (!optional)
				return;
		} else if (usage_is_one_of(t.text, x->argv[n])) {
			n++;
		} else if (!optional) {
			return;
		}
	}
	offer_rest(x, form, here, n);
}

static void
complete_command(struct completion *x)
{
	struct bytes rest = bytes_from_str(x->c->usage), form;

	while (usage_next_form(&rest, &form))
		complete_form(x, form);
}

/* The commands, and what may stand before them. */
static void
offer_commands(const struct completion *x)
{
	const struct command *c;

	for (size_t i = 0; (c = command_at(i)) != NULL; i++)
		if (c->group < COMMAND_GROUPS)
			offer(x, bytes_from_str(c->name));
	offer_each(x, BYTES_LITERAL("help|--config|--option|--version|--help"));
}

int
cmd_complete(struct cli *cli, int argc, char *argv[])
{
	struct completion x = { .cli = cli };
	int i = 1;

	for (; i + 2 < argc && argv[i][0] == '-'; i += 2)
		if (strcmp(argv[i], "--config") == 0 || strcmp(argv[i], "-c") == 0)
			cli->conf_path = argv[i + 1];
	if (i >= argc)
		return CLI_USAGE;
	if (strcmp(argv[i], "help") == 0 && i + 1 < argc)
		i++;
	x.argc = argc - i;
	x.argv = argv + i;
	x.start = bytes_from_str(argv[argc - 1]);
	if (x.argc == 1) {
		offer_commands(&x);
		return CLI_OK;
	}
	x.c = command_of_words(x.argc > 2 ? 2 : 1, x.argv);
	if (x.c == NULL || (x.c->flags & COMMAND_OWN_WORDS) != 0)
		return CLI_OK;
	(void)cli_load(cli);
	complete_command(&x);
	return CLI_OK;
}
