/* SPDX-License-Identifier: ISC */
/*
 * cli/manual.c - relais manual: a man page from its source in docs/man. Lines of the source that
 * say so become what the rows say:
 *
 *	@SYNOPSIS COMMAND@	the forms of a command (commands.h), in mdoc(7)
 *	@OPTIONS [SECTION]@	the options of a section of relais.conf, or of all
 *	@COUNTERS PREFIX...@	the metrics whose names begin so (metric_rows.h)
 *
 * Runs in:  relais, when the suite is built.
 */
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "err.h"
#include "metric_rows.h"
#include "usage.h"

const char manual_usage[] = "relais manual FILE";

/* A form as macros and their words, a line each. */
static void
put_form(struct buf *out, struct bytes form)
{
	static const char *const macros[] = {
		[USAGE_OPEN] = ".Oo",
		[USAGE_CLOSE] = ".Oc",
		[USAGE_OR] = "|",
		[USAGE_MORE] = "\\&...",
		[USAGE_OPTION] = ".Fl",
		[USAGE_LITERAL] = ".Cm",
		[USAGE_NAME] = ".Ar",
	};
	struct usage_token t = { 0 };

	(void)usage_next_token(&form, &t);
	buf_put_str(out, ".Nm relais\n");
	while (usage_next_token(&form, &t)) {
		buf_put_str(out, macros[t.kind]);
		if (t.kind == USAGE_OPTION || t.kind == USAGE_LITERAL || t.kind == USAGE_NAME) {
			struct bytes word = bytes_skip(t.text, t.kind == USAGE_OPTION);

			buf_put_u8(out, ' ');
			buf_put_bytes(out, word);
		}
		buf_put_u8(out, '\n');
	}
}

/* "relais user forward ...", where "user forward" has forms of its own */
static bool
is_of_part(const struct command *c, struct bytes form)
{
	const struct command *part;

	for (size_t i = 0; (part = command_at(i)) != NULL; i++)
		if (part != c && part->group == GROUP_PART &&
			bytes_starts_with(
				bytes_skip(form, strlen("relais ")), bytes_from_str(part->name)))
			return true;
	return false;
}

static bool
put_synopsis(struct buf *out, struct bytes name)
{
	const struct command *c;
	struct bytes rest, form;
	char text[100];

	c = command_named(bytes_to_str(name, text, sizeof(text)));
	if (c == NULL)
		return false;
	rest = bytes_from_str(c->usage);
	while (usage_next_form(&rest, &form))
		if (c->group == GROUP_PART || !is_of_part(c, form))
			put_form(out, form);
	return true;
}

static bool
put_counters(struct buf *out, struct bytes prefixes)
{
	size_t before;

	buf_put_str(out, ".Bl -tag -width Ds -compact\n");
	before = out->len;
	while (prefixes.n > 0) {
		struct bytes prefix = bytes_cut(&prefixes, ' ');

		for (size_t i = 0; i < nmetric_rows; i++)
			if (bytes_starts_with(bytes_from_str(metric_rows[i].name), prefix))
				buf_printf(out, ".It Va %s\n%s\n", metric_rows[i].name,
					metric_rows[i].help);
	}
	buf_put_str(out, ".El\n");
	return out->len > before + strlen(".El\n");
}

static bool
put_line(struct buf *out, struct bytes line)
{
	struct bytes word;

	if (line.n < 2 || line.p[0] != '@' || line.p[line.n - 1] != '@') {
		buf_put_bytes(out, line);
		buf_put_u8(out, '\n');
		return true;
	}
	line = bytes_make(line.p + 1, line.n - 2);
	word = bytes_cut(&line, ' ');
	if (bytes_is(word, "OPTIONS"))
		return conf_write_manual(out, line);
	if (bytes_is(word, "COUNTERS"))
		return put_counters(out, line);
	return bytes_is(word, "SYNOPSIS") && put_synopsis(out, line);
}

int
cmd_manual(struct cli *cli, int argc, char *argv[])
{
	struct buf out = BUF_INIT;
	char line[2048];
	unsigned number = 0;
	bool ok = true;
	FILE *in;

	(void)cli;
	(void)argc; /* 2: usage_check() saw to it */
	in = fopen(argv[1], "re");
	if (in == NULL) {
		perror(argv[1]);
		return CLI_FAILED;
	}
	while (ok && fgets(line, sizeof(line), in) != NULL) {
		line[strcspn(line, "\n")] = 0;
		ok = put_line(&out, bytes_from_str(line));
		number++;
	}
	fclose(in);
	if (!ok)
		fprintf(stderr, "%s:%u: no such command, section or counter\n", argv[1], number);
	else
		fwrite(buf_str(&out), 1, out.len, stdout);
	buf_free(&out);
	return ok ? CLI_OK : CLI_FAILED;
}
