/* SPDX-License-Identifier: ISC */
/* cli/status_json.c - the state of the suite as JSON. */
#include "histogram.h"
#include "printed.h"
#include "status.h"

static void
set_number(json_t *o, const char *name, uint64_t v)
{
	if (v != STATUS_UNKNOWN)
		json_object_set_new(o, name, json_integer((json_int_t)v));
}

static json_t *
process_json(const struct status_process *p)
{
	const struct {
		const char *name;
		uint64_t value;
	} numbers[] = { { "instance", p->instance }, { "pid", p->pid }, { "uptime_s", p->uptime_s },
		{ "restarts", p->restarts }, { "ended_s", p->ended_s }, { "started_s", p->started },
		{ "resident_bytes", p->rss }, { "private_bytes", p->data },
		{ "private_limit_bytes", p->data_max }, { "files", p->files },
		{ "files_limit", p->files_max }, { "cpu_ms", p->cpu_ms } };
	json_t *o = json_object();

	json_object_set_new(o, "service", json_text(p->service));
	json_object_set_new(o, "state", json_text(p->state));
	if (p->ended.n > 0)
		json_object_set_new(o, "ended", json_text(p->ended));
	if (p->version.n > 0)
		json_object_set_new(o, "version", json_text(p->version));
	if (p->beside)
		json_object_set_new(o, "beside", json_true());
	for (size_t i = 0; i < NITEMS(numbers); i++)
		set_number(o, numbers[i].name, numbers[i].value);
	return o;
}

static json_t *
histogram_json(const struct status_sample *m)
{
	json_t *o = json_object(), *buckets = json_object();
	struct histogram h = { 0 };
	uint64_t n = 0;

	UNUSED(histogram_parse(m->text, &h) < 0);
	for (unsigned i = 0; i <= HISTOGRAM_BOUNDS; i++) {
		n += h.counts[i];
		json_object_set_new(buckets, i < HISTOGRAM_BOUNDS ? histogram_bound(i) : "+Inf",
			json_integer((json_int_t)n));
	}
	json_object_set_new(o, "count", json_integer((json_int_t)n));
	json_object_set_new(o, "sum_s", json_real((double)h.sum_us / 1e6));
	json_object_set_new(o, "buckets", buckets);
	return o;
}

static json_t *
sample_json(const struct status_sample *m)
{
	json_t *o = json_object();
	struct buf name = BUF_INIT;

	buf_put_bytes(&name, m->name);
	if (m->labels.n > 0) {
		buf_put_u8(&name, '{');
		buf_put_bytes(&name, m->labels);
		buf_put_u8(&name, '}');
	}
	json_object_set_new(o, "service", json_text(m->service));
	set_number(o, "instance", m->instance);
	json_object_set_new(o, "name", json_text(buf_bytes(&name)));
	json_object_set_new(o, "value",
		m->scale == SCALE_HISTOGRAM ? histogram_json(m)
		: m->scale == SCALE_ONE     ? json_integer((json_int_t)m->value)
					    : json_real(status_value(m)));
	buf_free(&name);
	return o;
}

static json_t *
rates_json(const struct view *v)
{
	static const struct {
		const char *name, *metric;
	} rates[] = { { "committed", "relais_queue_committed_total" },
		{ "delivered", "relais_queue_delivered_total" },
		{ "deferrals", "relais_queue_deferrals_total" },
		{ "bounced", "relais_queue_bounced_total" },
		{ "refused_recipients", "relais_smtp_refused_recipients_total" },
		{ "smtp_connections", "relais_smtp_connections_total" },
		{ "login_connections", "relais_login_connections_total" },
		{ "logins", "relais_directory_login_total" },
		{ "wrong_logins", "relais_directory_login_failed_total" } };
	json_t *o = json_object();

	if (v->seconds <= 0)
		return json_null();
	json_object_set_new(o, "seconds", json_real(v->seconds));
	for (size_t i = 0; i < NITEMS(rates); i++)
		json_object_set_new(o, rates[i].name,
			json_real(status_rate(&v->before->status, &v->now->status, v->seconds, NULL,
				rates[i].metric, NULL)));
	return o;
}

void
print_status_json(const struct view *v, bool healthy, struct bytes reasons)
{
	const struct status *s = &v->now->status;
	json_t *root = json_object(), *services = json_array(), *counters = json_array();
	json_t *why = json_array();

	while (reasons.n > 0)
		json_array_append_new(why, json_text(bytes_cut(&reasons, '\n')));
	for (size_t i = 0; i < s->n_processes; i++)
		json_array_append_new(services, process_json(&s->processes[i]));
	for (size_t i = 0; i < s->n_samples; i++)
		if (!s->samples[i].beside)
			json_array_append_new(counters, sample_json(&s->samples[i]));
	json_object_set_new(root, "healthy", json_boolean(healthy));
	json_object_set_new(root, "reasons", why);
	json_object_set_new(root, "state", json_text(s->master.state));
	json_object_set_new(root, "version", json_text(s->master.version));
	json_object_set_new(root, "hostname", json_text(s->hostname));
	set_number(root, "master_pid", s->master.pid);
	set_number(root, "uptime_s", s->master.uptime_s);
	json_object_set_new(root, "rates", rates_json(v));
	json_object_set_new(root, "services", services);
	json_object_set_new(root, "counters", counters);
	json_print(root);
	json_decref(root);
}
