/* SPDX-License-Identifier: ISC */
/*
 * cli/status.c - relais status: is all well, what runs, what waits; and all counters.
 *
 * The answer is master's (lib/status reads it); rates come from what metrics kept of a minute ago.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "health.h"
#include "prometheus.h"
#include "queue.h"
#include "status.h"

#define WORST_SHOWN 5 /* next hops */

/* ---- wide: a line for each process or service, and counters ---- */

static void
put_size(struct buf *out, uint64_t size)
{
	char text[HUMAN_TEXT];

	buf_printf(out, " %10s", size == STATUS_UNKNOWN ? "-" : human_size(size, text));
}

static void
put_process(struct buf *out, const struct status_process *p)
{
	char up[SHORT_TIME], name[40], state[40];

	snprintf(name, sizeof(name), "%.*s[%" PRIu64 "]", (int)p->service.n,
		(const char *)p->service.p, p->instance);
	snprintf(state, sizeof(state), "%.*s%s", (int)p->state.n, (const char *)p->state.p,
		p->beside ? " (other)" : "");
	buf_printf(out, "%-20s %-16s %7" PRIu64 " %7s %4" PRIu64, name, state, p->pid,
		short_time(p->uptime_s, up), p->restarts);
	put_size(out, p->rss);
	if (p->files == STATUS_UNKNOWN)
		buf_put_str(out, "      -");
	else
		buf_printf(out, " %6" PRIu64, p->files);
	if (p->version.n > 0)
		buf_printf(out, "  version %.*s", (int)p->version.n, (const char *)p->version.p);
	if (p->ended.n > 0)
		buf_printf(out, "  last: %.*s", (int)p->ended.n, (const char *)p->ended.p);
	buf_put_u8(out, '\n');
}

static bool
is_of(struct bytes service, const char *wanted)
{
	return wanted == NULL || bytes_is(service, wanted);
}

static size_t
put_processes(struct buf *out, const struct status *s, const char *service)
{
	size_t n = 0;

	buf_printf(out, "%-20s %-16s %7s %7s %4s %10s %6s\n", "PROCESS", "STATE", "PID", "UP", "RE",
		"MEMORY", "FILES");
	for (size_t i = 0; i < s->n_processes; i++) {
		if (!is_of(s->processes[i].service, service))
			continue;
		put_process(out, &s->processes[i]);
		n++;
	}
	return n;
}

/* Is there the same one of an earlier process? Then it was told with that. */
static bool
is_told(const struct status *s, size_t at)
{
	const struct status_sample *m = &s->samples[at];

	for (size_t i = 0; i < at; i++)
		if (!s->samples[i].beside && bytes_equal(s->samples[i].service, m->service) &&
			bytes_equal(s->samples[i].name, m->name) &&
			bytes_equal(s->samples[i].labels, m->labels))
			return true;
	return false;
}

static void
put_counter(struct buf *out, const struct status *s, const struct status_sample *m)
{
	char service[40], name[80], labels[600], value[32];
	double sum;

	bytes_to_str(m->service, service, sizeof(service));
	bytes_to_str(m->name, name, sizeof(name));
	bytes_to_str(m->labels, labels, sizeof(labels));
	sum = status_sum(s, service, name, labels);
	snprintf(value, sizeof(value),
		m->scale == SCALE_ONE || m->scale == SCALE_HISTOGRAM ? "%.0f" : "%.3f", sum);
	buf_printf(out, "%-16s %s%s%s%s %s\n", service,
		strncmp(name, "relais_", 7) == 0 ? name + 7 : name, labels[0] != 0 ? "{" : "",
		labels, labels[0] != 0 ? "}" : "", value);
}

/* Sums over the processes of a service; those of which nothing happened only with zeros. */
static void
put_counters(struct buf *out, const struct status *s, const char *service, bool zeros)
{
	for (size_t i = 0; i < s->n_samples; i++) {
		const struct status_sample *m = &s->samples[i];
		char of[40], name[80], labels[600];

		if (m->beside || !is_of(m->service, service) || is_told(s, i))
			continue;
		bytes_to_str(m->service, of, sizeof(of));
		bytes_to_str(m->name, name, sizeof(name));
		bytes_to_str(m->labels, labels, sizeof(labels));
		if (zeros || status_sum(s, of, name, labels) > 0)
			put_counter(out, s, m);
	}
}

/* ---- the command ---- */

const char status_usage[] =
	"relais status [SERVICE] [--all] [--json]   what runs, whether all is well\n"
	"       relais status --prometheus   all numbers in Prometheus' text form\n"
	"\n"
	"  --all     each process, and all counters with those that are zero\n"
	"\n"
	"With a SERVICE (as qmgr) its processes and counters. RE: how often it was\n"
	"started again after it had ended unasked. Rates are those of the last minute.\n"
	"Exit status: 0 healthy, 1 not (the lines with ! say why), 3 not running. What\n"
	"is healthy say the options warn_... of the section metrics, and tls.warn_days.";

struct words {
	const char *service;
	bool all, json, prometheus;
};

static bool
take_words(struct words *w, int argc, char *argv[])
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--all") == 0)
			w->all = true;
		else if (strcmp(argv[i], "--json") == 0)
			w->json = true;
		else if (strcmp(argv[i], "--prometheus") == 0)
			w->prometheus = true;
		else if (argv[i][0] != '-' && w->service == NULL)
			w->service = argv[i];
		else
			return false;
	}
	return !w->prometheus || (!w->json && !w->all && w->service == NULL);
}

static int
show(const struct words *w, const struct view *v, bool healthy, struct bytes reasons,
	struct buf *out)
{
	const struct status *s = &v->now->status;

	if (w->service != NULL) {
		if (put_processes(out, s, w->service) == 0) {
			fprintf(stderr,
				"there is no service \"%s\"; relais status lists them all\n",
				w->service);
			return CLI_USAGE;
		}
		put_counters(out, s, w->service, w->all);
		return healthy ? CLI_OK : CLI_FAILED;
	}
	put_health(v, healthy, reasons, out);
	buf_put_u8(out, '\n');
	if (w->all)
		put_processes(out, s, NULL);
	else
		put_services(v, out);
	buf_put_u8(out, '\n');
	put_doors(v, out);
	put_queue(v, out);
	put_destinations(v, out, WORST_SHOWN);
	put_resources(v, out);
	if (w->all) {
		buf_put_u8(out, '\n');
		put_counters(out, s, NULL, true);
	}
	return healthy ? CLI_OK : CLI_FAILED;
}

static int
tell(struct cli *cli, const struct words *w, const struct snapshot *now)
{
	struct snapshot before = { .text = BUF_INIT };
	struct view v = { .now = now, .before = &before };
	struct buf out = BUF_INIT, reasons = BUF_INIT;
	struct winsize size;
	bool healthy;
	int status;

	if (isatty(STDOUT_FILENO) == 1 && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
		v.columns = size.ws_col;
	if (snapshot_before(cli, now, &before) && now->taken_ms - before.taken_ms >= 1000)
		v.seconds = (double)(now->taken_ms - before.taken_ms) / 1000;
	healthy = is_healthy(cli, &v, &reasons);
	status = healthy ? CLI_OK : CLI_FAILED;
	if (w->json)
		print_status_json(&v, healthy, buf_bytes(&reasons));
	else
		status = show(w, &v, healthy, buf_bytes(&reasons), &out);
	if (out.len > 0)
		fwrite(out.data, 1, out.len, stdout);
	snapshot_free(&before);
	buf_free(&out);
	buf_free(&reasons);
	return status;
}

static int
tell_prometheus(const struct snapshot *now)
{
	struct buf out = BUF_INIT;

	prometheus_put(&out, &now->status);
	if (out.len > 0)
		fwrite(out.data, 1, out.len, stdout);
	buf_free(&out);
	return CLI_OK;
}

int
cmd_status(struct cli *cli, int argc, char *argv[])
{
	struct words w = { 0 };
	struct snapshot now;
	int fd, status;

	if (!take_words(&w, argc, argv))
		return cli_usage(status_usage, NULL);
	fd = cli_connect_master(cli);
	if (fd < 0)
		return cli->loaded ? CLI_DOWN : CLI_FAILED;
	status = snapshot_take(cli, fd, &now);
	close(fd);
	if (status == CLI_OK)
		status = w.prometheus ? tell_prometheus(&now) : tell(cli, &w, &now);
	snapshot_free(&now);
	return status;
}
