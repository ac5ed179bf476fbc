/* SPDX-License-Identifier: ISC */
/*
 * cli/queue_stats.c - relais queue stats: who waits how long, as qshape(1) shows it; and
 * relais queue watch: the same, live.
 *
 * Runs in:  relais.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "pages.h"
#include "queue.h"

#define ROWS_SHOWN 20
#define BAR_WIDTH  20

static const char *const ages[QUEUE_SHAPE_AGES] = { "5m", "10m", "20m", "40m", "80m", "160m",
	"320m", "640m", "1280m", "1280m+" };

/* ---- asking ---- */

static int
ask_stats(struct cli *cli, int fd, struct queue_stats_answer *a)
{
	struct ipc_frame frame;
	struct ipc_reader in;
	int r = cli_ask(cli, fd, QUEUE_STATS, BYTES_NONE, &frame);

	if (r < 0)
		return r;
	in = ipc_reader(frame.body);
	return queue_stats_answer_decode(&in, a);
}

int
queue_ask_shape(
	struct cli *cli, int fd, const struct queue_shape *ask, struct queue_shape_answer *a)
{
	struct buf body = BUF_INIT;
	struct ipc_frame frame;
	struct ipc_reader in;
	int r;

	queue_shape_encode(&body, ask);
	r = cli_ask(cli, fd, QUEUE_SHAPE, buf_bytes(&body), &frame);
	buf_free(&body);
	if (r < 0)
		return r;
	in = ipc_reader(frame.body);
	return queue_shape_answer_decode(&in, a);
}

/* ---- JSON ---- */

static const struct counter {
	const char *name;
	size_t at;
} counters[] = {
#define COUNTER(name)                                                                              \
	{                                                                                          \
#name, offsetof(struct queue_stats_answer, name)                                   \
	}
	COUNTER(messages), COUNTER(active), COUNTER(deferred), COUNTER(held), COUNTER(octets),
	COUNTER(committed), COUNTER(refused), COUNTER(delivered), COUNTER(deferrals),
	COUNTER(bounced), COUNTER(expired), COUNTER(deleted), COUNTER(flushes), COUNTER(flushed),
	COUNTER(moved), COUNTER(segments), COUNTER(segments_busy), COUNTER(memory_octets),
	COUNTER(corrupt), COUNTER(forged)
#undef COUNTER
};

static json_t *
ages_json(const uint64_t counts[QUEUE_SHAPE_AGES])
{
	json_t *o = json_array();

	for (unsigned i = 0; i < QUEUE_SHAPE_AGES; i++)
		json_array_append_new(o, json_integer((json_int_t)counts[i]));
	return o;
}

static uint64_t
sum_of(const uint64_t counts[QUEUE_SHAPE_AGES])
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < QUEUE_SHAPE_AGES; i++)
		sum += counts[i];
	return sum;
}

static json_t *
shape_json(const struct queue_shape_answer *s)
{
	json_t *o = json_object(), *rows = json_array(), *names = json_array();

	for (unsigned i = 0; i < QUEUE_SHAPE_AGES; i++)
		json_array_append_new(names, json_string(ages[i]));
	json_object_set_new(o, "ages", names);
	json_object_set_new(o, "total", ages_json(s->total));
	json_object_set_new(o, "domains_total", json_integer((json_int_t)s->n_domains));
	json_object_set_new(o, "unread", json_integer((json_int_t)s->unread));
	for (uint32_t i = 0; i < s->n; i++) {
		json_t *row = json_object();

		json_object_set_new(row, "domain", json_text(s->rows[i].domain));
		json_object_set_new(
			row, "recipients", json_integer((json_int_t)sum_of(s->rows[i].ages)));
		json_object_set_new(row, "ages", ages_json(s->rows[i].ages));
		json_array_append_new(rows, row);
	}
	json_object_set_new(o, "domains", rows);
	return o;
}

static void
print_json(const struct queue_stats_answer *a, const struct queue_shape_answer *s)
{
	json_t *o = json_object();

	for (size_t i = 0; i < NITEMS(counters); i++) {
		uint64_t v;

		memcpy(&v, (const uint8_t *)a + counters[i].at, sizeof(v));
		json_object_set_new(o, counters[i].name, json_integer((json_int_t)v));
	}
	json_object_set_new(o, "shape", shape_json(s));
	json_print(o);
	json_decref(o);
}

/* ---- for people ---- */

static bool
terminal_is_utf8(void)
{
	const char *names[] = { getenv("LC_ALL"), getenv("LC_CTYPE"), getenv("LANG") };

	for (size_t i = 0; i < NITEMS(names); i++)
		if (names[i] != NULL && *names[i] != '\0')
			return strstr(names[i], "UTF-8") != NULL ||
			       strstr(names[i], "utf8") != NULL;
	return false;
}

static void
print_bar(uint64_t value, uint64_t most)
{
	const char *block = terminal_is_utf8() ? "\xe2\x96\x88" : "#";
	const uint64_t n = most == 0 ? 0 : (value * BAR_WIDTH + most - 1) / most;

	putchar(' ');
	for (uint64_t i = 0; i < n; i++)
		fputs(block, stdout);
}

static void
print_row(struct bytes domain, const char *nobody, const uint64_t counts[QUEUE_SHAPE_AGES],
	uint64_t most)
{
	const struct bytes shown = bytes_head(domain, 28);

	if (domain.n == 0) {
		printf("%-28s", nobody);
	} else {
		print_safely(shown);
		printf("%*s", (int)(28 - shown.n), "");
	}
	printf(" %7llu", (unsigned long long)sum_of(counts));
	for (unsigned i = 0; i < QUEUE_SHAPE_AGES; i++)
		if (counts[i] == 0)
			printf(" %6s", ".");
		else
			printf(" %6llu", (unsigned long long)counts[i]);
	if (most > 0)
		print_bar(sum_of(counts), most);
	putchar('\n');
}

static void
print_shape(const struct queue_shape_answer *s, bool senders, bool bars, uint32_t rows)
{
	const uint64_t most = bars && s->n > 0 ? sum_of(s->rows[0].ages) : 0;

	printf("%-28s %7s", senders ? "SENDER'S DOMAIN" : "RECIPIENTS' DOMAIN", "TOTAL");
	for (unsigned i = 0; i < QUEUE_SHAPE_AGES; i++)
		printf(" %6s", ages[i]);
	putchar('\n');
	print_row(BYTES_LITERAL("TOTAL"), "", s->total, 0);
	for (uint32_t i = 0; i < s->n && i < rows; i++)
		print_row(s->rows[i].domain, senders ? "(null sender)" : "(local)", s->rows[i].ages,
			most);
	if (s->n_domains > (s->n < rows ? s->n : rows))
		printf("... %llu domains in all\n", (unsigned long long)s->n_domains);
	if (s->unread > 0)
		printf("%llu messages were not looked at yet since the start\n",
			(unsigned long long)s->unread);
}

static void
print_summary(const struct queue_stats_answer *a)
{
	char size[HUMAN_TEXT];

	printf("%llu message%s (%s): %llu active, %llu deferred, %llu held\n",
		(unsigned long long)a->messages, a->messages == 1 ? "" : "s",
		human_size(a->octets, size), (unsigned long long)a->active,
		(unsigned long long)a->deferred, (unsigned long long)a->held);
}

int
queue_stats(struct cli *cli, int fd, int argc, char *argv[])
{
	struct queue_stats_answer a;
	struct queue_shape_answer *s = xcalloc(1, sizeof(*s));
	struct queue_words w;
	int status = CLI_USAGE;

	if (queue_words(&w, WORD_JSON | WORD_SENDERS | WORD_LIMIT, argc, argv)) {
		const struct queue_shape ask = { .senders = w.senders,
			.max = w.limit != 0 && w.limit < QUEUE_SHAPE_MAX ? (uint32_t)w.limit
									 : QUEUE_SHAPE_MAX };

		status = CLI_FAILED;
		if (ask_stats(cli, fd, &a) == ERR_OK &&
			queue_ask_shape(cli, fd, &ask, s) == ERR_OK) {
			status = CLI_OK;
			if (w.json) {
				print_json(&a, s);
			} else {
				print_summary(&a);
				putchar('\n');
				print_shape(s, w.senders, isatty(STDOUT_FILENO) == 1,
					w.limit != 0 ? (uint32_t)w.limit : ROWS_SHOWN);
			}
		}
	}
	free(w.ids);
	free(s);
	return status;
}

/* ---- watch ---- */

static volatile sig_atomic_t watch_ended;

static void
on_interrupt(int number)
{
	watch_ended = number;
}

static void
print_rates(const struct queue_stats_answer *now, const struct queue_stats_answer *before,
	double seconds)
{
	printf("in %.1f/s  delivered %.1f/s  deferred %.1f/s  bounced %.1f/s",
		(double)(now->committed - before->committed) / seconds,
		(double)(now->delivered - before->delivered) / seconds,
		(double)(now->deferrals - before->deferrals) / seconds,
		(double)(now->bounced - before->bounced) / seconds);
}

/* Rows for domains between head and foot. */
static uint32_t
rows_of_terminal(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_row < 12)
		return 8;
	return size.ws_row - 8u;
}

static int
watch_once(struct cli *cli, int fd, bool terminal, bool senders, double interval,
	struct queue_stats_answer *before)
{
	const struct queue_shape ask = { .senders = senders, .max = QUEUE_SHAPE_MAX };
	struct queue_shape_answer *s = xcalloc(1, sizeof(*s));
	struct queue_stats_answer now;
	char date[CLI_TIME_TEXT];
	int r = ask_stats(cli, fd, &now);

	if (r == ERR_OK && terminal)
		r = queue_ask_shape(cli, fd, &ask, s);
	if (r == ERR_OK) {
		if (before->segments == 0) /* the first: nothing to compare with */
			*before = now;
		/* home, and what was there is cleared */
		printf("%s%s  ", terminal ? "\033[H\033[J" : "",
			cli_time_text(clock_wall_us() / 1000000, date));
		if (terminal) {
			printf("(^C ends)\n");
			print_summary(&now);
		} else {
			printf("%llu messages, %llu active, %llu deferred, %llu held; ",
				(unsigned long long)now.messages, (unsigned long long)now.active,
				(unsigned long long)now.deferred, (unsigned long long)now.held);
		}
		print_rates(&now, before, interval);
		putchar('\n');
		if (terminal) {
			putchar('\n');
			print_shape(s, senders, true, rows_of_terminal());
		}
		fflush(stdout);
		*before = now;
	}
	free(s);
	return r;
}

int
queue_watch(struct cli *cli, int fd, int argc, char *argv[])
{
	struct sigaction action = { .sa_handler = on_interrupt };
	struct queue_stats_answer before = { 0 };
	const bool terminal = isatty(STDOUT_FILENO) == 1;
	struct timespec wait = { 2, 0 };
	struct queue_words w;
	int r = ERR_OK;
	const bool ok = queue_words(&w, WORD_INTERVAL | WORD_SENDERS, argc, argv);

	free(w.ids);
	if (!ok)
		return CLI_USAGE;
	if (w.interval_s != 0)
		wait.tv_sec = (time_t)w.interval_s;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	while (watch_ended == 0 && r == ERR_OK && !ferror(stdout)) {
		r = watch_once(cli, fd, terminal, w.senders, (double)wait.tv_sec, &before);
		if (w.once)
			break;
		if (watch_ended == 0 && r == ERR_OK)
			nanosleep(&wait, NULL);
	}
	if (terminal)
		putchar('\n');
	return r < 0 && watch_ended == 0 ? CLI_FAILED : CLI_OK;
}
