/* SPDX-License-Identifier: ISC */
/* cli/dmarc.c - relais dmarc report|send: what was counted for aggregate reports, and sending it
 * now. relais dmarc seen is dmarc_seen.c. */
#include "dmarc.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include "dmarc_report_msg.h"
#include "err.h"
#include "mail_address.h"
#include "pages.h"

const char dmarc_usage[] =
	"relais dmarc [report] [DOMAIN] [--json]\n"
	"       relais dmarc send [--now] [--json]\n"
	"       relais dmarc seen DOMAIN [--mailbox ADDRESS] [--since DAYS] [--json]\n"
	"\n"
	"report: what waits to be sent, by day and domain; with a domain: its rows.\n"
	"send: send the reports of days that are over; --now: of today too.\n"
	"seen: what reports of others say about a domain of ours.";

#define DAY_S   86400u
#define SEND_MS (3600 * 1000)

/* ---- report ---- */

static const char *
day_text(uint32_t day, char out[CLI_TIME_TEXT])
{
	const time_t t = (time_t)day * DAY_S;
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL || strftime(out, CLI_TIME_TEXT, "%Y-%m-%d", &tm) == 0)
		out[0] = 0;
	return out;
}

static void
show_day(json_t *out, const struct dmarc_day *d)
{
	char text[CLI_TIME_TEXT];

	day_text(d->day, text);
	if (out != NULL) {
		json_array_append_new(
			out, json_pack("{s:s,s:I,s:b,s:s%,s:s%,s:I,s:I,s:I}", "day", text, "part",
				     (json_int_t)d->part, "open", d->open, "domain",
				     d->policy_domain.p, d->policy_domain.n, "record",
				     d->record.n == 0 ? "" : (const char *)d->record.p, d->record.n,
				     "messages", (json_int_t)d->messages, "rows",
				     (json_int_t)d->rows, "unlisted", (json_int_t)d->unlisted));
		return;
	}
	printf("%s  %-40.*s %8llu message%s in %u row%s%s\n", text, (int)d->policy_domain.n,
		(const char *)d->policy_domain.p, (unsigned long long)d->messages,
		d->messages == 1 ? " " : "s", d->rows, d->rows == 1 ? "" : "s",
		d->open ? "" : ", waits to be sent");
}

static void
ask_days(struct buf *body, struct bytes after)
{
	dmarc_days_encode(body, &(struct dmarc_days){ after });
}

static int
show_days(struct ipc_reader *in, json_t *out, struct buf *after)
{
	struct dmarc_days_answer *m = xcalloc(1, sizeof(*m));
	int r = dmarc_days_answer_decode(in, m);

	if (r == ERR_OK) {
		r = (int)m->count;
		for (uint32_t i = 0; i < m->count; i++)
			show_day(out, &m->rows[i]);
		if (r > 0)
			buf_put_bytes(after, m->rows[r - 1].cursor);
	}
	free(m);
	return r;
}

static const struct cli_pages days_pages = { DMARC_DAYS, ask_days, show_days };

/* ---- report DOMAIN ---- */

/* A day and part of the domain. */
struct part {
	uint32_t day, part;
};

static json_t *
row_json(const struct part *p, const struct dmarc_row *row, uint64_t messages, const char *source)
{
	char day[CLI_TIME_TEXT];
	json_t *dkim = json_array();

	for (uint32_t i = 0; i < row->dkim_count; i++)
		json_array_append_new(
			dkim, json_pack("{s:s%,s:s%,s:s}", "domain",
				      row->dkim[i].domain.n == 0 ? (const uint8_t *)""
								 : row->dkim[i].domain.p,
				      row->dkim[i].domain.n, "selector",
				      row->dkim[i].selector.n == 0 ? (const uint8_t *)""
								   : row->dkim[i].selector.p,
				      row->dkim[i].selector.n, "result",
				      dmarc_word_name(row->dkim[i].result)));
#define TEXT(b) (b).n == 0 ? (const uint8_t *)"" : (b).p, (b).n
	return json_pack("{s:s,s:s,s:I,s:s,s:b,s:b,s:s,s:s%,s:s%,s:s%,s:s%,s:s,s:o}", "day",
		day_text(p->day, day), "source", source, "messages", (json_int_t)messages,
		"disposition", dmarc_disposition_name(row->disposition), "dkim_aligned",
		row->dkim_aligned, "spf_aligned", row->spf_aligned, "reason",
		dmarc_reason_name(row->reason), "header_from", TEXT(row->header_from),
		"envelope_from", TEXT(row->envelope_from), "envelope_to", TEXT(row->envelope_to),
		"spf_domain", TEXT(row->spf_domain), "spf", dmarc_word_name(row->spf_result),
		"dkim", dkim);
#undef TEXT
}

static void
show_row(json_t *out, const struct part *p, const struct dmarc_row *row, uint64_t messages)
{
	char source[INET6_ADDRSTRLEN] = "", day[CLI_TIME_TEXT];

	inet_ntop(row->family == 4 ? AF_INET : AF_INET6, row->source, source, sizeof(source));
	if (out != NULL) {
		json_array_append_new(out, row_json(p, row, messages, source));
		return;
	}
	printf("%s  %-39s %8llu  %-10s dkim=%s spf=%s from=%.*s envelope=%.*s spf:%s",
		day_text(p->day, day), source, (unsigned long long)messages,
		dmarc_disposition_name(row->disposition), row->dkim_aligned ? "aligned" : "no",
		row->spf_aligned ? "aligned" : "no", (int)row->header_from.n,
		(const char *)row->header_from.p, (int)row->envelope_from.n,
		(const char *)row->envelope_from.p, dmarc_word_name(row->spf_result));
	for (uint32_t i = 0; i < row->dkim_count; i++)
		printf(" dkim:%.*s/%.*s:%s", (int)row->dkim[i].domain.n,
			(const char *)row->dkim[i].domain.p, (int)row->dkim[i].selector.n,
			(const char *)row->dkim[i].selector.p,
			dmarc_word_name(row->dkim[i].result));
	if (row->reason != DMARC_REASON_NONE)
		printf(" %s", dmarc_reason_name(row->reason));
	putchar('\n');
}

/* returns: rows of the page; 0: there are no more; < 0 */
static int
show_rows(struct cli *cli, int fd, const struct part *p, struct bytes domain, json_t *out,
	struct buf *after)
{
	const struct dmarc_rows ask = { p->day, p->part, domain, buf_bytes(after) };
	struct dmarc_rows_answer m;
	struct buf body = BUF_INIT;
	struct ipc_frame frame;
	struct ipc_reader in;
	struct dmarc_row row;
	int r;

	dmarc_rows_encode(&body, &ask);
	r = cli_ask(cli, fd, DMARC_ROWS, buf_bytes(&body), &frame);
	buf_free(&body);
	if (r < 0)
		return r;
	in = ipc_reader(frame.body);
	if ((r = dmarc_rows_answer_decode(&in, &m)) < 0 || m.count == 0)
		return r;
	for (uint32_t i = 0; i < m.count; i++) {
		in = ipc_reader(m.rows[i].row);
		if (dmarc_row_decode(&in, &row) == ERR_OK)
			show_row(out, p, &row, m.rows[i].messages);
	}
	buf_clear(after);
	buf_put_bytes(after, m.rows[m.count - 1].cursor);
	return (int)m.count;
}

/* The parts of one page of days that are of the domain; the cursor moves. < 0: error; 0: the
 * last page */
static int
find_parts(struct cli *cli, int fd, struct bytes domain, struct buf *after, struct part *parts,
	size_t *n)
{
	struct dmarc_days_answer *m = xcalloc(1, sizeof(*m));
	struct buf body = BUF_INIT;
	struct ipc_frame frame;
	struct ipc_reader in;
	int r;

	*n = 0;
	dmarc_days_encode(&body, &(struct dmarc_days){ buf_bytes(after) });
	r = cli_ask(cli, fd, DMARC_DAYS, buf_bytes(&body), &frame);
	buf_free(&body);
	if (r == ERR_OK)
		in = ipc_reader(frame.body);
	if (r == ERR_OK && (r = dmarc_days_answer_decode(&in, m)) == ERR_OK) {
		r = (int)m->count;
		for (uint32_t i = 0; i < m->count; i++)
			if (bytes_equal_nocase(m->rows[i].policy_domain, domain))
				parts[(*n)++] = (struct part){ m->rows[i].day, m->rows[i].part };
		buf_clear(after);
		if (m->count > 0)
			buf_put_bytes(after, m->rows[m->count - 1].cursor);
	}
	free(m);
	return r;
}

static int
report_domain(struct cli *cli, int fd, struct bytes domain, bool json)
{
	struct part parts[DMARC_DAYS_MAX];
	struct buf after = BUF_INIT, row_after = BUF_INIT;
	json_t *out = json ? json_array() : NULL;
	size_t n;
	int r, pages;

	do {
		r = pages = find_parts(cli, fd, domain, &after, parts, &n);
		for (size_t i = 0; i < n && r >= 0; i++) {
			buf_clear(&row_after);
			do
				r = show_rows(cli, fd, &parts[i], domain, out, &row_after);
			while (r > 0);
		}
	} while (r >= 0 && pages > 0);
	if (r >= 0 && json)
		json_print(out);
	json_decref(out);
	buf_free(&after);
	buf_free(&row_after);
	return r < 0 ? CLI_FAILED : CLI_OK;
}

/* As ledger has it. A name with '_' is none to mail, but to DMARC it is: lower case will do. */
static struct bytes
folded(struct arena *a, struct bytes domain)
{
	struct bytes out;

	if (mail_domain_fold(a, domain, &out) < 0 && mail_local_fold(a, domain, &out) < 0)
		return domain;
	return out;
}

static int
report(struct cli *cli, int argc, char *argv[], bool json)
{
	int fd = cli_connect(cli, SERVICE_LEDGER), status;
	struct arena a = ARENA_INIT;

	if (fd < 0)
		return CLI_DOWN;
	status = argc > 0 ? report_domain(cli, fd, folded(&a, bytes_from_str(argv[0])), json)
			  : cli_pages(cli, fd, &days_pages, json);
	arena_reset(&a);
	close(fd);
	return status;
}

/* ---- send ---- */

static int
send_now(struct cli *cli, bool now, bool json)
{
	struct dmarc_send_answer m = { .err = ERR_SYNTAX };
	struct buf body = BUF_INIT;
	struct ipc_frame frame;
	struct ipc_reader in;
	int fd = cli_connect(cli, SERVICE_DMARC_REPORTER), r;

	if (fd < 0)
		return CLI_DOWN;
	dmarc_send_encode(&body, &(struct dmarc_send){ now });
	/* an answer comes when all is sent, which may take longer than cli_ask() waits */
	r = ipc_blocking_send(fd, DMARC_SEND, 1, false, buf_bytes(&body), NULL, 0);
	if (r == ERR_OK)
		r = ipc_blocking_receive(fd, &cli->packet, &frame, SEND_MS);
	buf_free(&body);
	if (r < 0)
		fprintf(stderr, "no answer: %s\n", err_text(r));
	if (r == ERR_OK) {
		in = ipc_reader(frame.body);
		if (dmarc_send_answer_decode(&in, &m) < 0)
			m.err = ERR_SYNTAX;
	}
	close(fd);
	if (r < 0)
		return CLI_FAILED;
	if (m.err < 0) {
		fprintf(stderr, "dmarc: %s\n",
			m.err == ERR_BUSY ? "it is sending already" : err_text(m.err));
		return CLI_FAILED;
	}
	printf(json ? "{\"sent\": %u, \"unwanted\": %u, \"later\": %u}\n"
		    : "%u sent, %u without an address that wants them, %u to be tried again\n",
		m.sent, m.unwanted, m.later);
	return m.later == 0 ? CLI_OK : CLI_FAILED;
}

int
cmd_dmarc(struct cli *cli, int argc, char *argv[])
{
	struct cli_verb v = cli_verb(argc, argv);
	const bool lists = strcmp(v.verb, "list") == 0 || strcmp(v.verb, "report") == 0;
	const bool now = v.argc == 1 && strcmp(v.argv[0], "--now") == 0;

	if (strcmp(v.verb, "seen") == 0 && argc > 2)
		return dmarc_seen(cli, argc - 2, argv + 2);
	if (lists && v.argc <= 1)
		return report(cli, v.argc, v.argv, v.json);
	if (strcmp(v.verb, "send") == 0 && (v.argc == 0 || now))
		return send_now(cli, now, v.json);
	return cli_usage(dmarc_usage, NULL);
}
