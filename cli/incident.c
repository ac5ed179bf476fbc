/* SPDX-License-Identifier: ISC */
/* cli/incident.c - relais incident list|release|purge: accounts that may not send any more. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "err.h"
#include "ledger_msg.h"
#include "mail_address.h"
#include "pages.h"
#include "queue.h"

const char incident_usage[] =
	"relais incident [list] [--json]\n"
	"       relais incident release LOGIN [--json]\n"
	"       relais incident purge LOGIN [--json]\n"
	"\n"
	"Accounts that may send nothing more, as they sent too much.\n"
	"release: it may send again, its held mail goes out; purge: the same, but its\n"
	"mail in the queue is deleted.";

/* ---- list ---- */

static void
show(json_t *out, const struct ledger_incident_row *r)
{
	char since[CLI_TIME_TEXT];

	if (out != NULL) {
		json_array_append_new(
			out, json_pack("{s:s%,s:I,s:b,s:I,s:I,s:I,s:I,s:s%}", "login", r->login.p,
				     r->login.n, "since_s", (json_int_t)r->since, "told", r->told,
				     "messages", (json_int_t)r->messages, "recipients",
				     (json_int_t)r->recipients, "new_recipients",
				     (json_int_t)r->new_recipients, "refused",
				     (json_int_t)r->refused, "reason",
				     r->text.n == 0 ? "" : (const char *)r->text.p, r->text.n));
		return;
	}
	printf("%-32.*s since %s: %.*s; %llu messages, %llu recipients (%llu new) in the day "
	       "before, %llu messages refused since\n",
		(int)r->login.n, (const char *)r->login.p, cli_time_text(r->since, since),
		(int)r->text.n, (const char *)r->text.p, (unsigned long long)r->messages,
		(unsigned long long)r->recipients, (unsigned long long)r->new_recipients,
		(unsigned long long)r->refused);
}

static void
ask_page(struct buf *body, struct bytes after)
{
	ledger_incident_list_encode(body, &(struct ledger_incident_list){ after });
}

static int
show_page(struct ipc_reader *in, json_t *out, struct buf *after)
{
	struct ledger_incident_list_answer *answer = xcalloc(1, sizeof(*answer));
	int r = ledger_incident_list_answer_decode(in, answer);

	if (r == ERR_OK) {
		r = (int)answer->count;
		for (uint32_t i = 0; i < answer->count; i++)
			show(out, &answer->rows[i]);
		if (r > 0)
			buf_put_bytes(after, answer->rows[r - 1].login);
	}
	free(answer);
	return r;
}

static const struct cli_pages pages = { LEDGER_INCIDENT_LIST, ask_page, show_page };

/* ---- the end of one ---- */

/* What the login has in the queue goes out, or away. */
static bool
order_queue(struct cli *cli, struct bytes login, bool purge, uint64_t *n)
{
	const struct queue_order ask = { .verb = purge ? QUEUE_ORDER_DELETE : QUEUE_ORDER_RELEASE,
		.filter.login = login };
	struct queue_order_answer a;
	int fd = cli_connect(cli, SERVICE_QMGR), r;

	if (fd < 0)
		return false;
	r = queue_order_all(cli, fd, &ask, &a);
	close(fd);
	if (r < 0)
		return false;
	*n = a.n;
	if (a.err < 0 && a.err != ERR_NOT_FOUND)
		fprintf(stderr, "queue: %s\n", err_text(a.err));
	return a.err == ERR_OK || a.err == ERR_NOT_FOUND;
}

static int
end_at_ledger(struct cli *cli, int fd, struct bytes login, bool only_ask)
{
	const struct ledger_incident_end m = { login, only_ask };
	struct ledger_done done = { ERR_SYNTAX };
	struct buf body = BUF_INIT;
	struct ipc_frame frame;
	struct ipc_reader in;
	int r;

	ledger_incident_end_encode(&body, &m);
	r = cli_ask(cli, fd, LEDGER_INCIDENT_END, buf_bytes(&body), &frame);
	buf_free(&body);
	if (r < 0)
		return r;
	in = ipc_reader(frame.body);
	return ledger_done_decode(&in, &done) < 0 ? ERR_SYNTAX : done.err;
}

static void
print_end(struct bytes login, uint64_t n)
{
	json_t *out = json_pack("{s:s%,s:I}", "login", login.p, login.n, "messages", (json_int_t)n);

	json_print(out);
	json_decref(out);
}

/*
 * Mail to be deleted goes first, while nothing new can come. Held mail is released after
 * the account is free: qmgr would hold it again. A release that stopped half-way can be repeated.
 */
static int
end(struct cli *cli, int fd, const char *word, bool purge, bool json)
{
	struct arena a = ARENA_INIT;
	struct mail_address folded;
	uint64_t n = 0;
	bool ok;
	int r;

	if (mail_address_fold(&a, bytes_from_str(word), &folded) < 0) {
		fprintf(stderr, "%s: not a login\n", word);
		arena_reset(&a);
		return CLI_USAGE;
	}
	r = end_at_ledger(cli, fd, folded.key, true);
	ok = r == ERR_OK && (!purge || order_queue(cli, folded.key, true, &n));
	if (ok)
		ok = (r = end_at_ledger(cli, fd, folded.key, false)) == ERR_OK;
	if (r == ERR_NOT_FOUND)
		fprintf(stderr, "%s: no incident\n", word);
	else if (r < 0)
		fprintf(stderr, "%s: %s\n", word, err_text(r));
	if (!purge && (ok || r == ERR_NOT_FOUND) && !order_queue(cli, folded.key, false, &n))
		ok = false;
	if (ok && json)
		print_end(folded.key, n);
	else if (ok)
		printf("%llu message%s %s\n", (unsigned long long)n, n == 1 ? "" : "s",
			purge ? "deleted" : "released");
	arena_reset(&a);
	return ok ? CLI_OK : CLI_FAILED;
}

int
cmd_incident(struct cli *cli, int argc, char *argv[])
{
	const struct cli_verb v = cli_verb(argc, argv);
	const bool lists = strcmp(v.verb, "list") == 0 && v.argc == 0;
	const bool purges = strcmp(v.verb, "purge") == 0;
	const bool ends = purges || strcmp(v.verb, "release") == 0;
	int fd, status;

	if (!lists && !(ends && v.argc == 1))
		return cli_usage(incident_usage, NULL);
	fd = cli_connect(cli, SERVICE_LEDGER);
	if (fd < 0)
		return CLI_DOWN;
	if (ends)
		status = end(cli, fd, v.argv[0], purges, v.json);
	else
		status = cli_pages(cli, fd, &pages, v.json);
	close(fd);
	return status;
}
