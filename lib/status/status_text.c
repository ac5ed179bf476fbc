/* SPDX-License-Identifier: ISC */
/* lib/status/status_text.c - what master tells of the suite, read. Runs in: CLI, metrics. Pure. */
#include "status_text.h"

#include <stdlib.h>

#include "err.h"

static uint64_t
number(struct bytes word)
{
	uint64_t v;

	return bytes_to_u64(word, UINT64_MAX - 1, &v) == ERR_OK ? v : STATUS_UNKNOWN;
}

/* ---- lines ---- */

static const struct key {
	const char *name;
	size_t at; /* of a number in struct status_process */
} keys[] = {
#define KEY(name, member)                                                                          \
	{                                                                                          \
		name, offsetof(struct status_process, member)                                      \
	}
	KEY("uptime", uptime_s), KEY("ended_s", ended_s), KEY("started", started), KEY("rss", rss),
	KEY("data", data), KEY("data_max", data_max), KEY("files", files),
	KEY("files_max", files_max), KEY("cpu_ms", cpu_ms)
#undef KEY
};

static void
take_key(struct status *s, struct status_process *p, struct bytes word)
{
	const struct bytes name = bytes_cut(&word, '=');

	for (size_t i = 0; i < NITEMS(keys); i++) {
		if (bytes_is(name, keys[i].name)) {
			const uint64_t v = number(word);

			memcpy((uint8_t *)p + keys[i].at, &v, sizeof(v));
			return;
		}
	}
	if (bytes_is(name, "ended"))
		p->ended = word;
	else if (bytes_is(name, "version"))
		p->version = word;
	else if (bytes_is(name, "beside"))
		p->beside = true;
	else if (bytes_is(name, "hostname"))
		s->hostname = word;
}

static const struct status_process nothing_known = { .pid = STATUS_UNKNOWN,
	.instance = STATUS_UNKNOWN,
	.uptime_s = STATUS_UNKNOWN,
	.restarts = 0,
	.ended_s = STATUS_UNKNOWN,
	.started = STATUS_UNKNOWN,
	.rss = STATUS_UNKNOWN,
	.data = STATUS_UNKNOWN,
	.data_max = STATUS_UNKNOWN,
	.files = STATUS_UNKNOWN,
	.files_max = STATUS_UNKNOWN,
	.cpu_ms = STATUS_UNKNOWN };

static void
take_master(struct status *s, struct bytes line)
{
	struct status_process *p = &s->master;

	*p = nothing_known;
	p->service = BYTES_LITERAL("master");
	p->instance = 0;
	p->pid = number(bytes_cut(&line, ' '));
	p->state = bytes_cut(&line, ' ');
	while (line.n > 0)
		take_key(s, p, bytes_cut(&line, ' '));
}

static void
take_service(struct status *s, struct bytes line)
{
	struct status_process p = nothing_known;

	p.service = bytes_cut(&line, ' ');
	p.instance = number(bytes_cut(&line, ' '));
	p.state = bytes_cut(&line, ' ');
	p.pid = number(bytes_cut(&line, ' '));
	p.uptime_s = number(bytes_cut(&line, ' '));
	p.restarts = number(bytes_cut(&line, ' '));
	if (p.service.n == 0 || p.restarts == STATUS_UNKNOWN || p.instance == STATUS_UNKNOWN)
		return;
	while (line.n > 0)
		take_key(s, &p, bytes_cut(&line, ' '));
	if ((s->n_processes & (s->n_processes - 1)) == 0) /* 0, or a power of two: it is full */
		s->processes = xrealloc(s->processes,
			(s->n_processes == 0 ? 1 : 2 * s->n_processes) * sizeof(*s->processes));
	s->processes[s->n_processes++] = p;
}

/* "12", "12ms", "12us", "h:..." */
static bool
take_value(struct status_sample *m, struct bytes word)
{
	struct histogram h;

	m->scale = SCALE_ONE;
	if (bytes_starts_with(word, BYTES_LITERAL("h:"))) {
		m->scale = SCALE_HISTOGRAM;
		m->text = bytes_skip(word, 2);
		if (histogram_parse(m->text, &h) < 0)
			return false;
		for (unsigned i = 0; i <= HISTOGRAM_BOUNDS; i++)
			m->value += h.counts[i];
		return true;
	}
	if (word.n > 2 && word.p[word.n - 1] == 's') {
		if (word.p[word.n - 2] != 'm' && word.p[word.n - 2] != 'u')
			return false;
		m->scale = word.p[word.n - 2] == 'm' ? SCALE_MS : SCALE_US;
		word = bytes_head(word, word.n - 2);
	}
	m->text = word;
	return bytes_to_u64(word, UINT64_MAX, &m->value) == ERR_OK;
}

/* What is between name and value may hold blanks, within a label's quotes. */
static void
take_sample(struct status *s, struct bytes line, bool beside)
{
	struct status_sample m = { .beside = beside };
	size_t blank, brace;

	m.service = bytes_cut(&line, ' ');
	m.instance = number(bytes_cut(&line, ' '));
	blank = bytes_find_last(line, ' ');
	if (m.service.n == 0 || m.instance == STATUS_UNKNOWN || blank == BYTES_NOT_FOUND ||
		!take_value(&m, bytes_skip(line, blank + 1)))
		return;
	m.name = bytes_head(line, blank);
	brace = bytes_find(m.name, '{');
	if (brace != BYTES_NOT_FOUND) {
		m.labels = bytes_skip(m.name, brace + 1);
		if (m.labels.n == 0 || m.labels.p[m.labels.n - 1] != '}')
			return;
		m.labels.n--;
		m.name.n = brace;
	}
	if (m.name.n == 0 || bytes_find(m.name, ' ') != BYTES_NOT_FOUND)
		return;
	if ((s->n_samples & (s->n_samples - 1)) == 0)
		s->samples = xrealloc(s->samples,
			(s->n_samples == 0 ? 1 : 2 * s->n_samples) * sizeof(*s->samples));
	s->samples[s->n_samples++] = m;
}

bool
status_parse(struct bytes text, struct status *s)
{
	memset(s, 0, sizeof(*s));
	for (size_t n = 0; text.n > 0 && n < STATUS_LINES_MAX; n++) {
		struct bytes line = bytes_cut(&text, '\n');
		const struct bytes kind = bytes_cut(&line, ' ');

		if (bytes_is(kind, "stat"))
			take_sample(s, line, false);
		else if (bytes_is(kind, "beside"))
			take_sample(s, line, true);
		else if (bytes_is(kind, "service"))
			take_service(s, line);
		else if (bytes_is(kind, "master"))
			take_master(s, line);
	}
	return s->master.state.n > 0;
}

void
status_free(struct status *s)
{
	free(s->processes);
	free(s->samples);
	memset(s, 0, sizeof(*s));
}

/* ---- numbers ---- */

double
status_value(const struct status_sample *m)
{
	return (double)m->value / (m->scale == SCALE_MS ? 1e3 : m->scale == SCALE_US ? 1e6 : 1);
}

static bool
is_meant(const struct status_sample *m, const char *service, const char *name, const char *labels)
{
	return bytes_is(m->name, name) && (service == NULL || bytes_is(m->service, service)) &&
	       (labels == NULL || bytes_is(m->labels, labels));
}

double
status_sum(const struct status *s, const char *service, const char *name, const char *labels)
{
	double sum = 0;

	for (size_t i = 0; i < s->n_samples; i++)
		if (!s->samples[i].beside && is_meant(&s->samples[i], service, name, labels))
			sum += status_value(&s->samples[i]);
	return sum;
}

double
status_gauge(const struct status *s, const char *service, const char *name, const char *labels)
{
	double sum = 0;

	for (size_t i = 0; i < s->n_samples; i++)
		if (is_meant(&s->samples[i], service, name, labels))
			sum += status_value(&s->samples[i]);
	return sum;
}

static const struct status_process *
process_of(const struct status *s, const struct status_sample *m)
{
	for (size_t i = 0; i < s->n_processes; i++)
		if (!s->processes[i].beside && s->processes[i].instance == m->instance &&
			bytes_equal(s->processes[i].service, m->service))
			return &s->processes[i];
	return NULL;
}

/* The same process' sample in another text, or 0. */
static double
value_before(const struct status *before, const struct status *now, const struct status_sample *m)
{
	const struct status_process *is = process_of(now, m), *was = process_of(before, m);

	if (is == NULL || was == NULL || is->pid != was->pid)
		return 0;
	for (size_t i = 0; i < before->n_samples; i++) {
		const struct status_sample *b = &before->samples[i];

		if (!b->beside && b->instance == m->instance && bytes_equal(b->name, m->name) &&
			bytes_equal(b->service, m->service) && bytes_equal(b->labels, m->labels))
			return status_value(b);
	}
	return 0;
}

double
status_rate(const struct status *before, const struct status *now, double seconds,
	const char *service, const char *name, const char *labels)
{
	double sum = 0;

	if (seconds <= 0)
		return 0;
	for (size_t i = 0; i < now->n_samples; i++) {
		const struct status_sample *m = &now->samples[i];
		double more;

		if (m->beside || !is_meant(m, service, name, labels))
			continue;
		more = status_value(m) - value_before(before, now, m);
		sum += more > 0 ? more : 0;
	}
	return sum / seconds;
}

struct bytes
status_label(struct bytes labels, const char *name)
{
	while (labels.n > 0) {
		const struct bytes key = bytes_cut(&labels, '=');
		size_t end = 1;

		if (labels.n < 2 || labels.p[0] != '"')
			return BYTES_NONE;
		while (end < labels.n && labels.p[end] != '"')
			end += labels.p[end] == '\\' ? 2 : 1;
		if (end >= labels.n)
			return BYTES_NONE;
		if (bytes_is(key, name))
			return bytes_make(labels.p + 1, end - 1);
		labels = bytes_skip(labels, end + 1);
		if (labels.n > 0 && labels.p[0] == ',')
			labels = bytes_skip(labels, 1);
	}
	return BYTES_NONE;
}
