/* SPDX-License-Identifier: ISC */
/* cli/ban.c - relais ban list|add|del: addresses that no door lets in, and guarded logins. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "err.h"
#include "ledger_msg.h"
#include "mail_address.h"
#include "pages.h"

const char ban_usage[] =
	"relais ban [list] [--json]\n"
	"       relais ban add ADDRESS|NETWORK|LOGIN [--time TIME] [--reason TEXT]\n"
	"       relais ban del ADDRESS|NETWORK|LOGIN...\n"
	"\n"
	"An address (192.0.2.7, 2001:db8::1) or network (192.0.2.0/24) is turned away at\n"
	"every door. A login (user@example.org) can then be used only from networks it\n"
	"was used from before. TIME is like 90s, 10m, 2h, 7d; without it the ban has no\n"
	"end.";

struct words {
	uint64_t time;
};

static const struct opt_row time_rows[] = { OPT_TIME(
	words, time, "1s", OPT_SECOND, 3650 * OPT_DAY, "length of the ban") };
static const struct conf_section time_section = { "ban", "ban", sizeof(struct words), time_rows,
	NITEMS(time_rows) };

/* A block, or else a login in its folded form. */
static bool
parse_subject(struct arena *a, const char *word, struct ledger_subject *s)
{
	struct mail_address folded;

	*s = (struct ledger_subject){ .login = BYTES_NONE };
	if (ip_block_parse(bytes_from_str(word), &s->block) == ERR_OK)
		return true;
	if (strchr(word, '@') != NULL &&
		mail_address_fold(a, bytes_from_str(word), &folded) == ERR_OK &&
		folded.key.n <= LEDGER_ACCOUNT_MAX) {
		s->login = folded.key;
		return true;
	}
	fprintf(stderr, "%s: neither an address, nor a network, nor a login\n", word);
	return false;
}

static bool
done(struct cli *cli, int fd, uint16_t type, const struct buf *body, const char *word)
{
	struct ledger_done m = { ERR_SYNTAX };
	struct ipc_frame frame;
	struct ipc_reader in;

	if (cli_ask(cli, fd, type, buf_bytes(body), &frame) < 0)
		return false;
	in = ipc_reader(frame.body);
	if (ledger_done_decode(&in, &m) < 0)
		m.err = ERR_SYNTAX;
	if (m.err == ERR_NOT_FOUND)
		fprintf(stderr, "%s: is not banned\n", word);
	else if (m.err < 0)
		fprintf(stderr, "%s: %s\n", word, err_text(m.err));
	return m.err == ERR_OK;
}

/* ---- list ---- */

static void
show(json_t *out, const struct ledger_ban_row *r)
{
	char block[IP_BLOCK_TEXT] = "", until[CLI_TIME_TEXT];
	bool is_block = r->subject.block.family != 0;
	struct bytes subject = r->subject.login;

	if (is_block)
		subject = bytes_from_str(ip_block_text(&r->subject.block, block));
	if (out == NULL) {
		print_safely(subject); /* a login is what strangers said */
		printf("%*s until %-19s %6llu failures  %s",
			subject.n < 40 ? 40 - (int)subject.n : 0, "",
			cli_time_text(r->until, until), (unsigned long long)r->failures,
			r->by_operator ? "by the operator: " : "");
		print_safely(r->reason);
		if (r->times > 1)
			printf(" (time %lu)", (unsigned long)r->times);
		putchar('\n');
		return;
	}
	json_array_append_new(
		out, json_pack("{s:s,s:s%,s:I,s:o,s:I,s:I,s:b,s:s%}", "kind",
			     is_block ? "address" : "login", "subject", subject.p, subject.n,
			     "since_s", (json_int_t)r->since, "until_s",
			     r->until == 0 ? json_null() : json_integer((json_int_t)r->until),
			     "failures", (json_int_t)r->failures, "times", (json_int_t)r->times,
			     "by_operator", r->by_operator, "reason",
			     r->reason.n == 0 ? "" : (const char *)r->reason.p, r->reason.n));
}

static void
ask_page(struct buf *body, struct bytes after)
{
	ledger_ban_list_encode(body, &(struct ledger_ban_list){ after });
}

static int
show_page(struct ipc_reader *in, json_t *out, struct buf *after)
{
	struct ledger_ban_list_answer *answer = xcalloc(1, sizeof(*answer));
	int r = ledger_ban_list_answer_decode(in, answer);

	if (r == ERR_OK) {
		r = (int)answer->count;
		for (uint32_t i = 0; i < answer->count; i++)
			show(out, &answer->rows[i]);
		if (r > 0)
			buf_put_bytes(after, answer->rows[r - 1].cursor);
	}
	free(answer);
	return r;
}

static const struct cli_pages pages = { LEDGER_BAN_LIST, ask_page, show_page };

/* ---- add, del ---- */

static int
add(struct cli *cli, int fd, int argc, char *argv[])
{
	struct arena a = ARENA_INIT;
	struct words *words = conf_defaults(&time_section, &a);
	struct ledger_ban_add m = { .reason = BYTES_LITERAL("by hand") };
	struct buf body = BUF_INIT;
	const char *why = NULL;
	int status = CLI_OK;

	for (int i = 1; i < argc && status == CLI_OK; i += 2) {
		if (i + 1 < argc && strcmp(argv[i], "--reason") == 0)
			m.reason = bytes_head(bytes_from_str(argv[i + 1]), LEDGER_REASON_MAX);
		else if (i + 1 < argc && strcmp(argv[i], "--time") == 0 &&
			 conf_set(&time_section, words, BYTES_LITERAL("time"),
				 bytes_from_str(argv[i + 1]), &a, &why) == ERR_OK)
			m.seconds = words->time / 1000;
		else
			status = cli_usage(ban_usage, why);
	}
	if (status == CLI_OK && !parse_subject(&a, argv[0], &m.subject))
		status = CLI_USAGE;
	if (status == CLI_OK) {
		ledger_ban_add_encode(&body, &m);
		status = done(cli, fd, LEDGER_BAN_ADD, &body, argv[0]) ? CLI_OK : CLI_FAILED;
	}
	buf_free(&body);
	arena_reset(&a);
	return status;
}

static int
del(struct cli *cli, int fd, int argc, char *argv[])
{
	int status = CLI_OK;

	for (int i = 0; i < argc; i++) {
		struct arena a = ARENA_INIT;
		struct ledger_ban_del m;
		struct buf body = BUF_INIT;

		if (!parse_subject(&a, argv[i], &m.subject))
			status = CLI_USAGE;
		else {
			ledger_ban_del_encode(&body, &m);
			if (!done(cli, fd, LEDGER_BAN_DEL, &body, argv[i]))
				status = CLI_FAILED;
		}
		buf_free(&body);
		arena_reset(&a);
	}
	return status;
}

int
cmd_ban(struct cli *cli, int argc, char *argv[])
{
	const struct cli_verb v = cli_verb(argc, argv);
	const bool lists = strcmp(v.verb, "list") == 0 && v.argc == 0;
	const bool adds = strcmp(v.verb, "add") == 0, deletes = strcmp(v.verb, "del") == 0;
	int fd, status;

	if (!lists && !((adds || deletes) && v.argc >= 1 && !v.json))
		return cli_usage(ban_usage, NULL);
	fd = cli_connect(cli, SERVICE_LEDGER);
	if (fd < 0)
		return CLI_DOWN;
	if (adds)
		status = add(cli, fd, v.argc, v.argv);
	else if (deletes)
		status = del(cli, fd, v.argc, v.argv);
	else
		status = cli_pages(cli, fd, &pages, v.json);
	close(fd);
	return status;
}
