/* SPDX-License-Identifier: ISC */
/*
 * lib/status/prometheus.c - the suite's numbers in Prometheus' text form 0.0.4. Pure.
 *
 * Runs in:  metrics, CLI.
 * Sources:  prometheus.io/docs/instrumenting/exposition_formats
 */
#include "prometheus.h"

#include <stdio.h>
#include <stdlib.h>

#include "err.h"
#include "metric_rows.h"

/* ---- one sample ---- */

static void
put_name(struct buf *out, struct bytes name, const char *suffix, struct bytes service,
	const char *instance)
{
	buf_put_bytes(out, name);
	buf_put_str(out, suffix);
	buf_printf(out, "{service=\"%.*s\",instance=\"%s\"", (int)service.n,
		(const char *)service.p, instance);
}

static void
put_labels(struct buf *out, struct bytes labels)
{
	if (labels.n > 0) {
		buf_put_u8(out, ',');
		buf_put_bytes(out, labels);
	}
}

/* value / 10^digits, exactly */
static void
put_scaled(struct buf *out, uint64_t value, unsigned digits)
{
	uint64_t unit = 1;

	for (unsigned i = 0; i < digits; i++)
		unit *= 10;
	buf_printf(out, "%llu", (unsigned long long)(value / unit));
	if (digits > 0)
		buf_printf(out, ".%0*llu", (int)digits, (unsigned long long)(value % unit));
}

static void
put_histogram(struct buf *out, const struct status_sample *m, const char *instance)
{
	struct histogram h;
	uint64_t n = 0;

	if (histogram_parse(m->text, &h) < 0)
		return;
	for (unsigned i = 0; i <= HISTOGRAM_BOUNDS; i++) {
		n += h.counts[i];
		put_name(out, m->name, "_bucket", m->service, instance);
		put_labels(out, m->labels);
		buf_printf(out, ",le=\"%s\"} %llu\n",
			i < HISTOGRAM_BOUNDS ? histogram_bound(i) : "+Inf", (unsigned long long)n);
	}
	put_name(out, m->name, "_sum", m->service, instance);
	put_labels(out, m->labels);
	buf_put_str(out, "} ");
	put_scaled(out, h.sum_us, 6);
	buf_put_u8(out, '\n');
	put_name(out, m->name, "_count", m->service, instance);
	put_labels(out, m->labels);
	buf_printf(out, "} %llu\n", (unsigned long long)n);
}

static void
put_sample(struct buf *out, const struct status_sample *m, const char *instance, uint64_t value)
{
	if (m->scale == SCALE_HISTOGRAM) {
		put_histogram(out, m, instance);
		return;
	}
	put_name(out, m->name, "", m->service, instance);
	put_labels(out, m->labels);
	buf_put_str(out, "} ");
	put_scaled(out, value, m->scale == SCALE_MS ? 3 : m->scale == SCALE_US ? 6 : 0);
	buf_put_u8(out, '\n');
}

/* ---- those of one metric, which have to follow each other ---- */

#define NONE SIZE_MAX

/* Samples by the rows of their metrics; the last list: of no row. */
struct lists {
	size_t *first, *last; /* for each row, and one more */
	size_t *next;         /* for each sample */
};

static void
make_lists(struct lists *l, const struct status *s)
{
	l->first = xcalloc(nmetric_rows + 1, sizeof(size_t));
	l->last = xcalloc(nmetric_rows + 1, sizeof(size_t));
	l->next = xcalloc(s->n_samples + 1, sizeof(size_t));
	for (size_t i = 0; i <= nmetric_rows; i++)
		l->first[i] = NONE;
	for (size_t i = 0; i < s->n_samples; i++) {
		size_t row = metric_find(s->samples[i].name);

		if (row == SIZE_MAX)
			row = nmetric_rows;
		l->next[i] = NONE;
		if (!bytes_starts_with(s->samples[i].name, BYTES_LITERAL("relais_")))
			continue; /* for the command only */
		if (l->first[row] == NONE)
			l->first[row] = i;
		else
			l->next[l->last[row]] = i;
		l->last[row] = i;
	}
}

static void
free_lists(struct lists *l)
{
	free(l->first);
	free(l->last);
	free(l->next);
}

/* Those that are leaving, together: the first of its kind says it for all. */
static void
put_leaving(struct buf *out, const struct status *s, const struct lists *l, size_t row, size_t at)
{
	const struct status_sample *m = &s->samples[at];
	uint64_t sum = 0;

	for (size_t i = l->first[row]; i != NONE; i = l->next[i]) {
		const struct status_sample *o = &s->samples[i];

		if (!o->beside || !bytes_equal(o->service, m->service) ||
			!bytes_equal(o->labels, m->labels))
			continue;
		if (i < at)
			return;
		sum += o->value;
	}
	put_sample(out, m, "leaving", sum);
}

static void
put_samples(struct buf *out, const struct status *s, const struct lists *l, size_t row)
{
	const bool gauge = row < nmetric_rows && metric_rows[row].type == METRIC_GAUGE;

	for (size_t i = l->first[row]; i != NONE; i = l->next[i]) {
		const struct status_sample *m = &s->samples[i];
		char instance[24];

		if (!m->beside) {
			snprintf(instance, sizeof(instance), "%llu",
				(unsigned long long)m->instance);
			put_sample(out, m, instance, m->value);
		} else if (gauge) {
			put_leaving(out, s, l, row, i);
		}
	}
}

static void
put_head(struct buf *out, const struct metric_row *row)
{
	buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", row->name, row->help, row->name,
		metric_type_name(row->type));
}

/* ---- what is known of processes ---- */

static const struct process_metric {
	const char *name;
	size_t at; /* of a number in struct status_process */
	unsigned digits;
} process_metrics[] = {
#define PROCESS(name, member, digits)                                                              \
	{                                                                                          \
		"relais_process_" name, offsetof(struct status_process, member), digits            \
	}
	PROCESS("restarts_total", restarts, 0), PROCESS("start_time_seconds", started, 0),
	PROCESS("resident_memory_bytes", rss, 0), PROCESS("private_memory_bytes", data, 0),
	PROCESS("private_memory_limit_bytes", data_max, 0), PROCESS("open_fds", files, 0),
	PROCESS("max_fds", files_max, 0), PROCESS("cpu_seconds_total", cpu_ms, 3)
#undef PROCESS
};

static void
put_process(struct buf *out, const struct process_metric *p, const struct status_process *of)
{
	char instance[24];
	uint64_t v;

	memcpy(&v, (const uint8_t *)of + p->at, sizeof(v));
	if (v == STATUS_UNKNOWN || of->beside)
		return;
	snprintf(instance, sizeof(instance), "%llu", (unsigned long long)of->instance);
	put_name(out, bytes_from_str(p->name), "", of->service, instance);
	buf_put_str(out, "} ");
	put_scaled(out, v, p->digits);
	buf_put_u8(out, '\n');
}

static void
put_processes(struct buf *out, const struct status *s)
{
	for (size_t i = 0; i < NITEMS(process_metrics); i++) {
		const struct process_metric *p = &process_metrics[i];

		put_head(out, &metric_rows[metric_find(bytes_from_str(p->name))]);
		put_process(out, p, &s->master);
		for (size_t j = 0; j < s->n_processes; j++)
			put_process(out, p, &s->processes[j]);
	}
}

static void
put_ready(struct buf *out, const struct status *s)
{
	const struct bytes name = BYTES_LITERAL("relais_process_ready");
	char instance[24];

	put_head(out, &metric_rows[metric_find(name)]);
	for (size_t i = 0; i < s->n_processes; i++) {
		const struct status_process *p = &s->processes[i];

		if (p->beside)
			continue;
		snprintf(instance, sizeof(instance), "%llu", (unsigned long long)p->instance);
		put_name(out, name, "", p->service, instance);
		buf_printf(out, "} %d\n", bytes_is(p->state, "ready"));
	}
}

static void
put_suite(struct buf *out, const struct status *s)
{
	put_head(out, &metric_rows[metric_find(BYTES_LITERAL("relais_up"))]);
	buf_printf(out, "relais_up %d\n", bytes_is(s->master.state, "ready"));
	put_head(out, &metric_rows[metric_find(BYTES_LITERAL("relais_build_info"))]);
	buf_printf(out, "relais_build_info{version=\"%.*s\"} 1\n", (int)s->master.version.n,
		(const char *)s->master.version.p);
}

void
prometheus_put(struct buf *out, const struct status *s)
{
	struct lists l;

	put_suite(out, s);
	put_ready(out, s);
	put_processes(out, s);
	make_lists(&l, s);
	for (size_t row = 0; row <= nmetric_rows; row++) {
		if (l.first[row] == NONE)
			continue;
		if (row < nmetric_rows)
			put_head(out, &metric_rows[row]);
		put_samples(out, s, &l, row);
	}
	free_lists(&l);
}
