/* SPDX-License-Identifier: ISC */
/*
 * cli/queue.c - relais queue: list, show, hold, release, flush, delete, stats; and mailq.
 *
 * Runs in:  relais, as root or whoever runs the suite. Asks qmgr; touches no file of the queue.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "queue_id.h"
#include "queue_msg.h"

static const char usage[] =
	"relais queue [list] [--json]      what waits\n"
	"       relais queue show ID               its state, then the message\n"
	"       relais queue hold ID... | --all    no further attempt\n"
	"       relais queue release ID... | --all take it up again\n"
	"       relais queue flush [ID... | --all] try now\n"
	"       relais queue delete ID... | --all  for ever, nobody is told\n"
	"       relais queue stats [--json]        counters";

static const char *const states[] = { "", "active", "deferred", "hold" };

/* ---- list ---- */

struct listing {
	bool json;
	uint64_t n, octets;
};

static void
print_text(struct bytes b)
{
	for (size_t i = 0; i < b.n; i++)
		putchar(b.p[i] < 0x20 || b.p[i] == 0x7f ? '?' : b.p[i]);
}

static void
print_entry(const struct queue_list_entry *e)
{
	const time_t arrival = (time_t)(e->arrival_us / 1000000);
	char id[QUEUE_ID_TEXT_SIZE], date[64];
	struct tm tm;

	localtime_r(&arrival, &tm);
	strftime(date, sizeof(date), "%a %b %e %H:%M:%S", &tm);
	queue_id_text(e->queue_id, id);
	printf("%s%c %*llu %s  ", id,
		e->state == QUEUE_STATE_ACTIVE ? '*'
		: e->state == QUEUE_STATE_HOLD ? '!'
					       : ' ',
		(int)(20 - strlen(id)), (unsigned long long)e->size, date);
	if (e->reverse_path.n == 0)
		printf("MAILER-DAEMON");
	print_text(e->reverse_path);
	putchar('\n');
	for (uint32_t i = 0; i < e->n_rcpts; i++) {
		if (e->rcpts[i].reason.n > 0) {
			printf("%*s(", 10, "");
			print_text(e->rcpts[i].reason);
			printf(")\n");
		}
		printf("%*s", 41, "");
		print_text(e->rcpts[i].address);
		putchar('\n');
	}
	if (e->rcpts_left > e->n_rcpts)
		printf("%*s... and %u more\n", 41, "", e->rcpts_left - e->n_rcpts);
	putchar('\n');
}

/* Bytes that are not UTF-8 become '?': JSON has no other way. */
static json_t *
json_text(struct bytes b)
{
	json_t *s = json_stringn((const char *)b.p, b.n);
	char *clean;

	if (s != NULL)
		return s;
	clean = xmalloc(b.n + 1);
	for (size_t i = 0; i < b.n; i++)
		clean[i] = (char)(b.p[i] >= 0x80 || b.p[i] < 0x20 ? '?' : b.p[i]);
	s = json_stringn(clean, b.n);
	free(clean);
	return s;
}

static void
print_entry_json(const struct queue_list_entry *e, bool first)
{
	json_t *o = json_object(), *rcpts = json_array();
	char id[QUEUE_ID_TEXT_SIZE];

	json_object_set_new(o, "id", json_string(queue_id_text(e->queue_id, id)));
	json_object_set_new(o, "state", json_string(states[e->state]));
	json_object_set_new(o, "arrival", json_integer((json_int_t)(e->arrival_us / 1000000)));
	json_object_set_new(o, "size", json_integer((json_int_t)e->size));
	json_object_set_new(o, "reverse_path", json_text(e->reverse_path));
	json_object_set_new(o, "attempts", json_integer(e->attempts));
	json_object_set_new(o, "recipients_left", json_integer(e->rcpts_left));
	if (e->next_s != 0)
		json_object_set_new(o, "next", json_integer((json_int_t)e->next_s));
	for (uint32_t i = 0; i < e->n_rcpts; i++) {
		json_t *r = json_object();

		json_object_set_new(r, "address", json_text(e->rcpts[i].address));
		if (e->rcpts[i].reason.n > 0)
			json_object_set_new(r, "reason", json_text(e->rcpts[i].reason));
		json_array_append_new(rcpts, r);
	}
	json_object_set_new(o, "recipients", rcpts);
	printf("%s\n ", first ? "" : ",");
	json_dumpf(o, stdout, JSON_COMPACT);
	json_decref(o);
}

static void
print_page(struct listing *l, const struct queue_list_answer *a)
{
	for (uint32_t i = 0; i < a->n; i++) {
		if (l->json)
			print_entry_json(&a->entries[i], l->n == 0);
		else {
			if (l->n == 0)
				printf("-Queue ID-  --Size-- ----Arrival Time---- "
				       "-Sender/Recipient-------\n");
			print_entry(&a->entries[i]);
		}
		l->n++;
		l->octets += a->entries[i].size;
	}
}

static int
ask_page(struct cli *cli, int fd, const struct queue_list *ask, struct queue_list_answer *a)
{
	struct buf body = BUF_INIT;
	struct ipc_frame frame;
	struct ipc_reader in;
	int r;

	queue_list_encode(&body, ask);
	r = cli_ask(cli, fd, QUEUE_LIST, buf_bytes(&body), &frame);
	buf_free(&body);
	if (r < 0)
		return r;
	in = ipc_reader(frame.body);
	r = queue_list_answer_decode(&in, a);
	if (r < 0)
		fprintf(stderr, "qmgr answered something odd\n");
	return r;
}

static int
list(struct cli *cli, int fd, bool json)
{
	struct queue_list ask = { .max = QUEUE_LIST_MAX };
	struct queue_list_answer *a = xcalloc(1, sizeof(*a));
	struct listing l = { .json = json };
	int r;

	if (json)
		printf("[");
	do {
		r = ask_page(cli, fd, &ask, a);
		if (r < 0 || a->n == 0)
			break;
		print_page(&l, a);
		ask.after_id = a->entries[a->n - 1].queue_id;
	} while (a->more);
	free(a);
	if (json)
		printf("%s]\n", l.n > 0 ? "\n" : "");
	else if (r == ERR_OK && l.n == 0)
		printf("Mail queue is empty\n");
	else if (r == ERR_OK)
		printf("-- %llu Kbytes in %llu Request%s.\n",
			(unsigned long long)(l.octets + 1023) / 1024, (unsigned long long)l.n,
			l.n == 1 ? "" : "s");
	return r < 0 ? CLI_FAILED : CLI_OK;
}

/* ---- show ---- */

static bool
copy_out(int fd, uint64_t offset, uint64_t size)
{
	char chunk[16384];

	while (size > 0) {
		ssize_t n = pread(fd, chunk, size < sizeof(chunk) ? (size_t)size : sizeof(chunk),
			(off_t)offset);

		if (n <= 0) {
			fprintf(stderr, "the message cannot be read: %s\n",
				n < 0 ? strerror(errno) : "it is too short");
			return false;
		}
		fwrite(chunk, 1, (size_t)n, stdout);
		offset += (uint64_t)n;
		size -= (uint64_t)n;
	}
	return true;
}

static bool
parse_id(const char *text, uint64_t *id)
{
	if (queue_id_parse(bytes_from_str(text), id) == ERR_OK)
		return true;
	fprintf(stderr, "%s: not a queue id\n", text);
	return false;
}

static int
show(struct cli *cli, int fd, const char *text)
{
	struct queue_show ask;
	struct queue_show_answer a;
	struct buf body = BUF_INIT;
	struct ipc_frame frame;
	struct ipc_reader in;
	int r;
	bool ok = false;

	if (!parse_id(text, &ask.queue_id))
		return CLI_USAGE;
	queue_show_encode(&body, &ask);
	r = cli_ask(cli, fd, QUEUE_SHOW, buf_bytes(&body), &frame);
	buf_free(&body);
	if (r < 0)
		return CLI_FAILED;
	in = ipc_reader(frame.body);
	if (queue_show_answer_decode(&in, &a) < 0)
		fprintf(stderr, "qmgr answered something odd\n");
	else if (a.err < 0 || frame.nfds != 2)
		fprintf(stderr, "%s: %s\n", text, err_text(a.err));
	else {
		ok = copy_out(frame.fds[1], 0, a.state_size);
		putchar('\n');
		ok = ok && copy_out(frame.fds[0], a.content_offset, a.content_size);
	}
	for (unsigned i = 0; i < frame.nfds; i++)
		close(frame.fds[i]);
	return ok ? CLI_OK : CLI_FAILED;
}

/* ---- orders ---- */

static const struct {
	const char *name, *done;
	enum queue_order_verb verb;
} orders[] = {
	{ "hold", "held", QUEUE_ORDER_HOLD },
	{ "release", "released", QUEUE_ORDER_RELEASE },
	{ "flush", "flushed", QUEUE_ORDER_FLUSH },
	{ "delete", "deleted", QUEUE_ORDER_DELETE },
};

static int
order(struct cli *cli, int fd, uint32_t verb, uint64_t id, const char *name, uint64_t *n)
{
	const struct queue_order ask = { .verb = verb, .queue_id = id };
	struct queue_order_answer a = { .err = ERR_SYNTAX };
	struct buf body = BUF_INIT;
	struct ipc_frame frame;
	struct ipc_reader in;
	int r;

	queue_order_encode(&body, &ask);
	r = cli_ask(cli, fd, QUEUE_ORDER, buf_bytes(&body), &frame);
	buf_free(&body);
	if (r < 0)
		return r;
	in = ipc_reader(frame.body);
	r = queue_order_answer_decode(&in, &a);
	if (r < 0 || a.err < 0)
		fprintf(stderr, "%s: %s\n", name,
			a.err == ERR_DENIED ? "is held: release it first" : err_text(a.err));
	*n += a.n;
	return r < 0 ? r : a.err;
}

static int
order_all(struct cli *cli, int fd, size_t which, int argc, char *argv[])
{
	const bool all = argc == 0 || (argc == 1 && strcmp(argv[0], "--all") == 0);
	uint64_t id, n = 0;
	int r = ERR_OK, failed = 0;

	if (all)
		r = order(cli, fd, orders[which].verb, 0, "all", &n);
	for (int i = 0; !all && i < argc; i++)
		if (!parse_id(argv[i], &id) ||
			order(cli, fd, orders[which].verb, id, argv[i], &n) < 0)
			failed++;
	printf("%llu message%s %s\n", (unsigned long long)n, n == 1 ? "" : "s", orders[which].done);
	return r < 0 || failed > 0 ? CLI_FAILED : CLI_OK;
}

/* ---- stats ---- */

static int
stats(struct cli *cli, int fd, bool json)
{
	struct queue_stats_answer a;
	struct ipc_frame frame;
	struct ipc_reader in;

	if (cli_ask(cli, fd, QUEUE_STATS, BYTES_NONE, &frame) < 0)
		return CLI_FAILED;
	in = ipc_reader(frame.body);
	if (queue_stats_answer_decode(&in, &a) < 0) {
		fprintf(stderr, "qmgr answered something odd\n");
		return CLI_FAILED;
	}
	const struct {
		const char *name;
		uint64_t value;
	} rows[] = { { "messages", a.messages }, { "active", a.active }, { "deferred", a.deferred },
		{ "held", a.held }, { "octets", a.octets }, { "committed", a.committed },
		{ "refused", a.refused }, { "delivered", a.delivered },
		{ "deferrals", a.deferrals }, { "bounced", a.bounced }, { "expired", a.expired },
		{ "deleted", a.deleted }, { "flushes", a.flushes }, { "flushed", a.flushed },
		{ "moved", a.moved }, { "segments", a.segments },
		{ "segments_busy", a.segments_busy }, { "memory_octets", a.memory_octets },
		{ "corrupt", a.corrupt }, { "forged", a.forged } };
	json_t *o = json_object();

	for (size_t i = 0; i < NITEMS(rows); i++) {
		if (!json)
			printf("%-14s %llu\n", rows[i].name, (unsigned long long)rows[i].value);
		json_object_set_new(o, rows[i].name, json_integer((json_int_t)rows[i].value));
	}
	if (json) {
		json_dumpf(o, stdout, JSON_INDENT(1));
		putchar('\n');
	}
	json_decref(o);
	return CLI_OK;
}

/* ---- the commands ---- */

static int
run(struct cli *cli, int fd, int argc, char *argv[])
{
	const char *verb = argc > 1 && argv[1][0] != '-' ? argv[1] : "list";
	const bool json = argc > 1 && strcmp(argv[argc - 1], "--json") == 0;

	if (strcmp(verb, "list") == 0 && argc <= 3)
		return list(cli, fd, json);
	if (strcmp(verb, "stats") == 0 && argc <= 3)
		return stats(cli, fd, json);
	if (strcmp(verb, "show") == 0 && argc == 3)
		return show(cli, fd, argv[2]);
	for (size_t i = 0; i < NITEMS(orders); i++)
		if (strcmp(verb, orders[i].name) == 0 &&
			(argc > 2 || orders[i].verb == QUEUE_ORDER_FLUSH))
			return order_all(cli, fd, i, argc - 2, argv + 2);
	return cli_usage(usage, NULL);
}

int
cmd_queue(struct cli *cli, int argc, char *argv[])
{
	int fd, status;

	if (argc > 1 && strcmp(argv[1], "--help") == 0) {
		printf("Usage: %s\n", usage);
		return CLI_OK;
	}
	fd = cli_connect(cli, SERVICE_QMGR);
	if (fd < 0)
		return CLI_DOWN;
	status = run(cli, fd, argc, argv);
	close(fd);
	return status;
}

int
cmd_mailq(struct cli *cli, int argc, char *argv[])
{
	int fd, status;

	if (argc > 1)
		return cli_usage("mailq", NULL);
	fd = cli_connect(cli, SERVICE_QMGR);
	if (fd < 0)
		return CLI_DOWN;
	status = list(cli, fd, false);
	close(fd);
	return status;
}
