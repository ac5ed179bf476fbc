/* SPDX-License-Identifier: ISC */
/* cli/forward.c - relais user forward: forward= and keep= of an account's line. */
#include <stdio.h>
#include <string.h>

#include "err.h"
#include "printed.h"
#include "table_files.h"

const char user_forward_usage[] =
	"relais user forward ADDRESS [--json]            where its mail goes\n"
	"       relais user forward ADDRESS [--keep] TARGET...  send it on\n"
	"       relais user forward ADDRESS --off               no more\n"
	"\n"
	"--keep: a copy stays in the mailbox; without it none does.";

/* The line without the words of a forward. */
static void
put_rest(struct buf *out, struct bytes line)
{
	for (line = bytes_trim(line); line.n > 0; line = bytes_trim(line)) {
		struct bytes word = bytes_cut(&line, ' ');

		if (bytes_starts_with(word, BYTES_LITERAL("forward=")) ||
			bytes_starts_with(word, BYTES_LITERAL("keep=")))
			continue;
		if (out->len > 0)
			buf_put_u8(out, ' ');
		buf_put_bytes(out, word);
	}
}

static bool
put_targets(struct arena *a, struct buf *out, char *targets[], int n, bool keep)
{
	struct mail_address folded;

	for (int i = 0; i < n; i++) {
		if (mail_address_fold(a, bytes_from_str(targets[i]), &folded) < 0 ||
			folded.domain.n == 0 || strpbrk(targets[i], ", \t") != NULL) {
			fprintf(stderr, "%s: not an address (local-part@domain)\n", targets[i]);
			return false;
		}
		buf_printf(out, "%s%s", i == 0 ? " forward=" : ",", targets[i]);
	}
	if (keep)
		buf_put_str(out, " keep=yes");
	return true;
}

static void
show_json(const struct account_record *r)
{
	json_t *targets = json_array(), *o;
	struct bytes rest = r->forward;

	while (rest.n > 0)
		json_array_append_new(targets, json_text(bytes_cut(&rest, ',')));
	o = json_pack("{s:o,s:b}", "forward", targets, "keep", r->keep);
	json_print(o);
	json_decref(o);
}

static int
show(struct bytes line, bool json)
{
	struct account_record r;
	const char *why;

	if (account_record_parse(line, &r, &why) < 0) {
		fprintf(stderr, "%s\n", why);
		return CLI_FAILED;
	}
	if (json)
		show_json(&r);
	else if (r.forward.n == 0)
		puts("no forward");
	else
		printf("%.*s%s\n", (int)r.forward.n, (const char *)r.forward.p,
			r.keep ? " (a copy stays)" : "");
	return CLI_OK;
}

int
cmd_user_forward(struct cli *cli, int argc, char *argv[])
{
	struct table_file f = { .text = BUF_INIT, .table = TABLE_INIT };
	struct arena a = ARENA_INIT;
	struct mail_address address;
	struct buf line = BUF_INIT;
	struct bytes old, value;
	bool keep = argc > 2 && strcmp(argv[2], "--keep") == 0, ok;
	bool off = argc == 3 && strcmp(argv[2], "--off") == 0;
	bool json = argc == 3 && strcmp(argv[2], "--json") == 0;
	int first = keep ? 3 : 2, status = CLI_FAILED;

	if (argc < 2 || (keep && argc == 3) ||
		(!off && !json && argc > first && argv[first][0] == '-'))
		return cli_usage(user_forward_usage, NULL);
	ok = table_files_lock(cli) && table_file_load(cli, TABLE_ACCOUNTS, &f);
	if (ok && (mail_address_fold(&a, bytes_from_str(argv[1]), &address) < 0 ||
			  !table_file_find(&f, address.key, &old))) {
		fprintf(stderr, "%s: no such account\n", argv[1]);
		ok = false;
	}
	if (ok && (argc == 2 || json)) {
		status = show(old, json);
	} else if (ok) {
		put_rest(&line, old);
		if (off || put_targets(&a, &line, argv + first, argc - first, keep)) {
			value = buf_bytes(&line);
			if (table_file_edit(cli, &f, address.key, address.text, &value))
				status = CLI_OK;
		}
	}
	table_file_free(&f);
	buf_free(&line);
	arena_reset(&a);
	return status;
}
