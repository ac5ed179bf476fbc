/* SPDX-License-Identifier: ISC */
/*
 * cli/postqueue.c - the queue as Postfix' postqueue(1) and mailq(1) show it, octet for octet,
 * for the scripts that read them: -p, -j, -f, -i ID, -s SITE. Exit status 69 (EX_UNAVAILABLE) for
 * every failure, as there.
 *
 * Runs in:  relais, called as postqueue or mailq.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "queue.h"

#define REASON_COLUMN 76

const char mailq_usage[] =
	"relais mailq\n"
	"\n"
	"What waits in the queue, as mailq of other suites shows it: * stands behind the\n"
	"id of a message that is being delivered, ! behind one that is held.";
const char postqueue_usage[] =
	"relais postqueue -p         the queue, as mailq shows it\n"
	"       relais postqueue -j         the same in JSON, a line for each message\n"
	"       relais postqueue -f         try everything now\n"
	"       relais postqueue -i ID      try this message now\n"
	"       relais postqueue -s DOMAIN  try what waits for this domain now\n"
	"\n"
	"-c FILE: another configuration. Exit status: 0, or 69 for every failure.";

struct showing {
	uint64_t n, octets;
	bool json;
	bool first_rcpt;
	struct buf reason; /* of the recipient before: told once */
};

static void
fatal(const char *why)
{
	fprintf(stderr, "postqueue: fatal: %s\n", why);
}

/* ---- -p ---- */

static void
print_head(const struct queue_list_entry *e)
{
	const time_t arrival = (time_t)(e->arrival_us / 1000000);
	char id[QUEUE_ID_TEXT_SIZE], marked[QUEUE_ID_TEXT_SIZE + 1], date[64];
	struct tm tm;

	localtime_r(&arrival, &tm);
	strftime(date, sizeof(date), "%a %b %e %H:%M:%S", &tm);
	snprintf(marked, sizeof(marked), "%s%c", queue_id_text(e->queue_id, id),
		e->state == QUEUE_STATE_ACTIVE ? '*'
		: e->state == QUEUE_STATE_HOLD ? '!'
					       : ' ');
	printf("%-17s %8llu %19s ", marked, (unsigned long long)e->size, date);
	if (e->reverse_path.n == 0)
		printf("MAILER-DAEMON");
	print_safely(e->reverse_path);
	putchar('\n');
}

static void
print_rcpt(struct showing *s, const struct queue_list_rcpt *r)
{
	if (r->reason.n > 0 && !bytes_equal(buf_bytes(&s->reason), r->reason)) {
		const int pad = r->reason.n < REASON_COLUMN ? REASON_COLUMN - (int)r->reason.n : 0;

		printf("%*s(", pad, "");
		print_safely(r->reason);
		printf(")\n");
		buf_clear(&s->reason);
		buf_put_bytes(&s->reason, r->reason);
	}
	printf("%-17s %8s %-19s ", "", "", "");
	print_safely(r->address);
	putchar('\n');
}

static void
show_entry(struct showing *s, const struct queue_list_entry *e, const struct queue_list_rcpt *r)
{
	if (!e->continued) {
		if (s->n == 0)
			printf("----Queue ID----- --Size-- ---Arrival Time---- "
			       "--Sender/Recipient------\n");
		else
			putchar('\n');
		buf_clear(&s->reason);
		print_head(e);
	}
	for (uint32_t i = 0; i < e->n_rcpts; i++)
		print_rcpt(s, &r[i]);
}

/* ---- -j ---- */

static void
print_text(struct bytes b)
{
	json_t *text = json_text(b);

	json_dumpf(text, stdout, JSON_ENCODE_ANY | JSON_COMPACT);
	json_decref(text);
}

static void
show_json(struct showing *s, const struct queue_list_entry *e, const struct queue_list_rcpt *r)
{
	char id[QUEUE_ID_TEXT_SIZE];

	if (!e->continued) {
		if (s->n > 0)
			printf("]}\n");
		printf("{\"queue_name\": \"%s\", \"queue_id\": \"%s\", \"arrival_time\": %llu, "
		       "\"message_size\": %llu, \"forced_expire\": false, \"sender\": ",
			queue_state_name(e->state), /* the same words */
			queue_id_text(e->queue_id, id),
			(unsigned long long)(e->arrival_us / 1000000), (unsigned long long)e->size);
		print_text(
			e->reverse_path.n > 0 ? e->reverse_path : BYTES_LITERAL("MAILER-DAEMON"));
		printf(", \"recipients\": [");
		s->first_rcpt = true;
	}
	for (uint32_t i = 0; i < e->n_rcpts; i++) {
		printf("%s{\"address\": ", s->first_rcpt ? "" : ", ");
		s->first_rcpt = false;
		print_text(r[i].address);
		if (r[i].reason.n > 0) {
			printf(", \"delay_reason\": ");
			print_text(r[i].reason);
		}
		putchar('}');
	}
}

static bool
show(void *ctx, const struct queue_list_entry *e, const struct queue_list_rcpt *r)
{
	struct showing *s = ctx;

	if (s->json)
		show_json(s, e, r);
	else
		show_entry(s, e, r);
	s->n += !e->continued;
	s->octets += e->continued ? 0 : e->size;
	return !ferror(stdout);
}

static int
show_all(struct cli *cli, int fd, bool json)
{
	struct showing s = { .json = json, .reason = BUF_INIT };
	struct queue_walk w = { .show = show, .ctx = &s };
	const int r = queue_walk(cli, fd, &w);

	buf_free(&s.reason);
	if (json && s.n > 0)
		printf("]}\n");
	if (r < 0)
		return EX_UNAVAILABLE;
	if (!json && s.n == 0)
		printf("Mail queue is empty\n");
	else if (!json)
		printf("\n-- %llu Kbytes in %llu Request%s.\n", (unsigned long long)s.octets / 1024,
			(unsigned long long)s.n, s.n == 1 ? "" : "s");
	return EX_OK;
}

/* ---- -f, -i, -s ---- */

static int
flush_id(struct cli *cli, int fd, const char *text)
{
	struct queue_order m = { .verb = QUEUE_ORDER_FLUSH };
	struct queue_order_answer a;

	if (queue_id_parse(bytes_from_str(text), &m.queue_id) < 0) {
		fprintf(stderr, "postqueue: fatal: Cannot flush queue ID - invalid name: \"%s\"\n",
			text);
		return EX_UNAVAILABLE;
	}
	/* one that is gone is none to complain of */
	return queue_order_all(cli, fd, &m, &a) < 0 ? EX_UNAVAILABLE : EX_OK;
}

static int
flush_many(struct cli *cli, int fd, const char *site)
{
	struct queue_order m = { .verb = QUEUE_ORDER_FLUSH, .filter.until_us = clock_wall_us() };
	struct queue_order_answer a;

	if (site != NULL) {
		m.filter.domain = bytes_from_str(site);
		if (*site == '[') /* "[host]" */
			m.filter.domain = BYTES_NONE;
		if (*site == '[' || m.filter.domain.n > QUEUE_DOMAIN_MAX)
			m.filter.next_hop = bytes_head(bytes_from_str(site), QUEUE_HOP_MAX);
	}
	return queue_order_all(cli, fd, &m, &a) < 0 ? EX_UNAVAILABLE : EX_OK;
}

/* Ordinary users may not look at others' mail. */
static bool
is_denied(struct cli *cli)
{
	char path[1200];

	snprintf(path, sizeof(path), "%s/control", cli_common(cli)->run);
	return access(path, F_OK) == 0 && access(path, W_OK) != 0;
}

static int
run(struct cli *cli, char what, const char *value)
{
	int fd, status;

	if (!cli_load(cli))
		return EX_UNAVAILABLE;
	if (is_denied(cli)) {
		fatal("only root, or the user who runs relais, may ask for the queue");
		return EX_UNAVAILABLE;
	}
	if ((fd = cli_connect(cli, SERVICE_QMGR)) < 0) {
		if (!cli_is_running(cli))
			fatal(what == 'p' || what == 'j'
					? "Queue report unavailable - mail system is down"
					: "Cannot flush mail queue - mail system is down");
		return EX_UNAVAILABLE;
	}
	if (what == 'p' || what == 'j')
		status = show_all(cli, fd, what == 'j');
	else if (what == 'i')
		status = flush_id(cli, fd, value);
	else
		status = flush_many(cli, fd, what == 's' ? value : NULL);
	close(fd);
	return status;
}

static int
usage(void)
{
	fatal("usage: postqueue -f | postqueue -i queueid | postqueue -j | postqueue -p | "
	      "postqueue -s site");
	return EX_UNAVAILABLE;
}

int
cmd_postqueue(struct cli *cli, int argc, char *argv[])
{
	const char *value = NULL;
	char what = 0;
	int c;

	optind = 1;
	while ((c = getopt(argc, argv, "c:fi:jps:v")) >= 0) {
		if (c == 'c') {
			cli->conf_path = optarg; /* a file here */
		} else if (c != 'v') {
			if (c == '?' || what != 0)
				return usage();
			what = (char)c;
			value = optarg;
		}
	}
	if (what == 0 || optind < argc)
		return usage();
	return run(cli, what, value);
}

int
cmd_mailq(struct cli *cli, int argc, char *argv[])
{
	(void)argv;
	if (argc > 1)
		return cli_usage(mailq_usage, NULL);
	return run(cli, 'p', NULL);
}
