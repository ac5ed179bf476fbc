/* SPDX-License-Identifier: ISC */
/*
 * cli/status.c - relais status: what runs, how long, and its numbers.
 *
 * Master answers lines of words: "master PID STATE", "service NAME NO STATE PID UPTIME
 * RESTARTS", "stat SERVICE NO NAME[{LABELS}] VALUE". They are shown for people (a line a
 * service, sums over its processes, no zeros), as JSON, or in Prometheus' text form.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli.h"

#define WORDS_MAX 8

/* A line of the answer. */
struct row {
	struct bytes words[WORDS_MAX];
	size_t n;
};

enum service_word {
	SERVICE_NAME = 1,
	SERVICE_NO,
	SERVICE_STATE,
	SERVICE_PID,
	SERVICE_UPTIME,
	SERVICE_RESTARTS,
	SERVICE_WORDS
};

enum stat_word {
	STAT_SERVICE = 1,
	STAT_NO,
	STAT_NAME,
	STAT_VALUE,
	STAT_WORDS
};

/* The next line of kind with at least so many words; NULL kind: any line. */
static bool
next_row(struct bytes *text, const char *kind, size_t words, struct row *row)
{
	while (text->n > 0) {
		struct bytes line = bytes_cut(text, '\n');

		row->n = 0;
		while (line.n > 0 && row->n < WORDS_MAX)
			row->words[row->n++] = bytes_cut(&line, ' ');
		if (row->n >= words && (kind == NULL || bytes_is(row->words[0], kind)))
			return true;
	}
	return false;
}

static uint64_t
number(struct bytes word)
{
	uint64_t v;

	return bytes_to_u64(word, UINT64_MAX, &v) == ERR_OK ? v : 0;
}

/* ---- JSON ---- */

static json_t *
json_word(struct bytes w)
{
	uint64_t v;

	if (bytes_to_u64(w, INT64_MAX, &v) == ERR_OK)
		return json_integer((json_int_t)v);
	return json_stringn((const char *)w.p, w.n);
}

static void
add_json(json_t *root, const struct row *row)
{
	static const char *const service_keys[SERVICE_WORDS] = { NULL, "service", "instance",
		"state", "pid", "uptime_s", "restarts" };
	static const char *const stat_keys[STAT_WORDS] = { NULL, "service", "instance", "name",
		"value" };
	bool service = bytes_is(row->words[0], "service");
	const char *const *keys = service ? service_keys : stat_keys;
	size_t nkeys = service ? NITEMS(service_keys) : NITEMS(stat_keys);
	json_t *object;

	if (bytes_is(row->words[0], "master") && row->n == 3) {
		json_object_set_new(root, "master_pid", json_word(row->words[1]));
		json_object_set_new(root, "state", json_word(row->words[2]));
		return;
	}
	object = json_object();
	for (size_t i = 1; i < row->n && i < nkeys; i++)
		json_object_set_new(object, keys[i], json_word(row->words[i]));
	json_array_append_new(json_object_get(root, service ? "services" : "counters"), object);
}

static void
print_json(struct bytes text)
{
	json_t *root = json_object();
	struct row row;

	json_object_set_new(root, "services", json_array());
	json_object_set_new(root, "counters", json_array());
	while (next_row(&text, NULL, 1, &row))
		add_json(root, &row);
	json_dumpf(root, stdout, JSON_INDENT(1));
	putchar('\n');
	json_decref(root);
}

/* ---- Prometheus ---- */

/* "name{label="x"} 5" with service and instance as further labels. */
static void
print_prometheus(struct bytes text)
{
	struct row row;

	while (next_row(&text, "stat", STAT_WORDS, &row)) {
		struct bytes labels = row.words[STAT_NAME], name = bytes_cut(&labels, '{');
		struct bytes service = row.words[STAT_SERVICE], no = row.words[STAT_NO];
		struct bytes value = row.words[STAT_VALUE];

		if (labels.n > 0)
			labels.n--; /* its "}" */
		printf("%.*s{service=\"%.*s\",instance=\"%.*s\"%s%.*s} %.*s\n", (int)name.n, name.p,
			(int)service.n, service.p, (int)no.n, no.p, labels.n > 0 ? "," : "",
			(int)labels.n, labels.p, (int)value.n, value.p);
	}
}

/* ---- for people ---- */

/* "12 s", "3 min", "5 h 2 min", "8 d 4 h" */
static const char *
duration(uint64_t s, char out[32])
{
	if (s < 60)
		snprintf(out, 32, "%" PRIu64 " s", s);
	else if (s < 3600)
		snprintf(out, 32, "%" PRIu64 " min", s / 60);
	else if (s < 86400)
		snprintf(out, 32, "%" PRIu64 " h %" PRIu64 " min", s / 3600, s / 60 % 60);
	else
		snprintf(out, 32, "%" PRIu64 " d %" PRIu64 " h", s / 86400, s / 3600 % 24);
	return out;
}

/* All processes of the service that row begins: they follow each other in the answer. */
struct service_sum {
	unsigned processes, ready;
	uint64_t uptime_s, restarts; /* the youngest process' uptime */
	struct bytes not_ready;      /* a state other than "ready", if there is one */
	char pids[160];
};

static void
add_process(struct service_sum *sum, const struct row *row)
{
	uint64_t uptime = number(row->words[SERVICE_UPTIME]);
	size_t at = strlen(sum->pids);
	struct bytes pid = row->words[SERVICE_PID];

	if (sum->processes++ == 0 || uptime < sum->uptime_s)
		sum->uptime_s = uptime;
	sum->restarts += number(row->words[SERVICE_RESTARTS]);
	if (bytes_is(row->words[SERVICE_STATE], "ready"))
		sum->ready++;
	else
		sum->not_ready = row->words[SERVICE_STATE];
	if (number(pid) > 0)
		snprintf(sum->pids + at, sizeof(sum->pids) - at, "%s%.*s", at > 0 ? " " : "",
			(int)pid.n, pid.p);
}

static void
print_service(struct bytes name, const struct service_sum *sum)
{
	char state[64], up[32];

	if (sum->processes == 0)
		return;
	if (sum->ready == sum->processes)
		snprintf(state, sizeof(state), "ready");
	else
		snprintf(state, sizeof(state), "%.*s (%u of %u ready)", (int)sum->not_ready.n,
			sum->not_ready.p, sum->ready, sum->processes);
	printf("%-16.*s %-26s %10s %9" PRIu64 "  %s\n", (int)name.n, name.p, state,
		duration(sum->uptime_s, up), sum->restarts, sum->pids);
}

static void
print_services(struct bytes text)
{
	struct service_sum sum = { 0 };
	struct bytes name = BYTES_NONE;
	struct row row;

	printf("%-16s %-26s %10s %9s  %s\n", "SERVICE", "STATE", "UP FOR", "RESTARTS", "PIDS");
	while (next_row(&text, "service", SERVICE_WORDS, &row)) {
		if (!bytes_equal(row.words[SERVICE_NAME], name)) {
			print_service(name, &sum);
			memset(&sum, 0, sizeof(sum));
			name = row.words[SERVICE_NAME];
		}
		add_process(&sum, &row);
	}
	print_service(name, &sum);
}

/* The sum of a counter over its service's processes; *first tells if row is its first line. */
static uint64_t
counter_sum(struct bytes text, const struct row *row, bool *first)
{
	uint64_t sum = 0;
	struct row other;

	*first = true;
	for (bool seen = false; next_row(&text, "stat", STAT_WORDS, &other);) {
		if (!bytes_equal(other.words[STAT_SERVICE], row->words[STAT_SERVICE]) ||
			!bytes_equal(other.words[STAT_NAME], row->words[STAT_NAME]))
			continue;
		if (!seen && other.words[STAT_NAME].p != row->words[STAT_NAME].p)
			*first = false;
		seen = true;
		sum += number(other.words[STAT_VALUE]);
	}
	return sum;
}

/* Counters of one service, a line each; without all, those that are not zero. */
static void
print_counters_of(struct bytes text, struct bytes service, bool all)
{
	struct bytes rest = text, shown = service;
	struct row row;

	while (next_row(&rest, "stat", STAT_WORDS, &row)) {
		struct bytes name = row.words[STAT_NAME];
		uint64_t sum;
		bool first;

		if (!bytes_equal(row.words[STAT_SERVICE], service))
			continue;
		sum = counter_sum(text, &row, &first);
		if (!first || (sum == 0 && !all))
			continue;
		if (bytes_starts_with(name, BYTES_LITERAL("relais_")))
			name = bytes_skip(name, strlen("relais_"));
		printf("%-16.*s %-44.*s %12" PRIu64 "\n", (int)shown.n, shown.p, (int)name.n,
			name.p, sum);
		shown = BYTES_NONE;
	}
}

static void
print_counters(struct bytes text, bool all)
{
	struct bytes rest = text, service = BYTES_NONE;
	struct row row;

	while (next_row(&rest, "service", SERVICE_WORDS, &row)) {
		if (bytes_equal(row.words[SERVICE_NAME], service))
			continue;
		service = row.words[SERVICE_NAME];
		print_counters_of(text, service, all);
	}
}

static void
print_for_people(struct bytes text, bool all)
{
	struct bytes rest = text;
	struct row row;

	if (next_row(&rest, "master", 3, &row))
		printf("relais is %.*s (master pid %.*s)\n\n", (int)row.words[2].n, row.words[2].p,
			(int)row.words[1].n, row.words[1].p);
	print_services(text);
	putchar('\n');
	print_counters(text, all);
}

const char status_usage[] = "relais status [--all | --json | --prometheus]\n"
			    "  --all         counters that are zero too\n"
			    "  --prometheus  the counters in Prometheus' text form";

int
cmd_status(struct cli *cli, int argc, char *argv[])
{
	const char *word = argc > 1 ? argv[1] : "";
	bool json = strcmp(word, "--json") == 0, prometheus = strcmp(word, "--prometheus") == 0;
	bool all = strcmp(word, "--all") == 0;
	struct control_text m = { 0 };
	int r;

	if (argc > 2 || (argc == 2 && !json && !prometheus && !all))
		return cli_usage(status_usage, NULL);
	r = cli_ask_master(cli, CONTROL_STATUS, &m);
	if (r != CLI_OK)
		return r;
	if (json)
		print_json(m.text);
	else if (prometheus)
		print_prometheus(m.text);
	else
		print_for_people(m.text, all);
	return CLI_OK;
}
