/* SPDX-License-Identifier: ISC */
/* lib/status/health.c - is all well? Runs in: CLI. Pure. */
#include "health.h"

struct judging {
	const struct status *s;
	const struct health_limits *l;
	struct buf *out;
	unsigned n;
};

static void PRINTF_LIKE(2, 3) reason(struct judging *j, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	buf_vprintf(j->out, format, ap);
	va_end(ap);
	buf_put_u8(j->out, '\n');
	j->n++;
}

double
health_percent(double used, double all)
{
	return all > 0 ? 100 * used / all : 0;
}

/* ---- processes ---- */

static void
judge_suite(struct judging *j)
{
	const struct bytes state = j->s->master.state;

	if (!bytes_is(state, "ready"))
		reason(j, "the suite is %.*s", (int)state.n, (const char *)state.p);
}

static void
put_end(struct buf *out, const struct status_process *p)
{
	struct bytes number = p->ended;
	const struct bytes how = bytes_cut(&number, ':');

	buf_printf(out, "%s %.*s",
		bytes_is(how, "signal") ? "was killed by signal" : "exited with status",
		(int)number.n, (const char *)number.p);
	if (p->ended_s != STATUS_UNKNOWN)
		buf_printf(out, " %llu s ago", (unsigned long long)p->ended_s);
}

static void
judge_process(struct judging *j, const struct status_process *p)
{
	const bool ready = bytes_is(p->state, "ready");
	const bool died = p->ended.n > 0 && p->ended_s <= HEALTH_DEATH_S;
	struct buf end = BUF_INIT;

	if (p->beside || (ready && !died))
		return;
	if (p->ended.n > 0)
		put_end(&end, p);
	reason(j, "%.*s[%llu] %s%s%.*s", (int)p->service.n, (const char *)p->service.p,
		(unsigned long long)p->instance, buf_str(&end),
		ready         ? " and serves again"
		: end.len > 0 ? ", now: "
			      : "is not ready: ",
		ready ? 0 : (int)p->state.n, (const char *)p->state.p);
	buf_free(&end);
}

static void
judge_processes(struct judging *j)
{
	for (size_t i = 0; i < j->s->n_processes; i++)
		judge_process(j, &j->s->processes[i]);
}

static void
judge_budget(struct judging *j, const struct status_process *p, const char *what, uint64_t used,
	uint64_t most, uint64_t percent)
{
	const double is = health_percent((double)used, (double)most);

	if (used != STATUS_UNKNOWN && most != STATUS_UNKNOWN && is >= (double)percent)
		reason(j, "%.*s[%llu] has used %.0f %% of its %s", (int)p->service.n,
			(const char *)p->service.p, (unsigned long long)p->instance, is, what);
}

static void
judge_budgets(struct judging *j)
{
	for (size_t i = 0; i < j->s->n_processes; i++) {
		const struct status_process *p = &j->s->processes[i];

		judge_budget(j, p, "memory", p->data, p->data_max, j->l->memory_percent);
		judge_budget(j, p, "descriptors", p->files, p->files_max, j->l->files_percent);
	}
}

/* ---- disk ---- */

static void
judge_room(struct judging *j, struct bytes folder, const char *labels)
{
	const double size = status_sum(j->s, NULL, "relais_filesystem_size_bytes", labels);
	const double avail = status_sum(j->s, NULL, "relais_filesystem_avail_bytes", labels);
	const double files = status_sum(j->s, NULL, "relais_filesystem_files", labels);
	const double free = status_sum(j->s, NULL, "relais_filesystem_files_free", labels);
	const double used = health_percent(size - avail, size);
	const double used_files = health_percent(files - free, files);

	if (size > 0 && used >= (double)j->l->disk_percent)
		reason(j, "the file system of the folder \"%.*s\" is full to %.0f %%",
			(int)folder.n, (const char *)folder.p, used);
	if (files > 0 && used_files >= (double)j->l->disk_percent)
		reason(j, "%.0f %% of the inodes of the folder \"%.*s\" are in use", used_files,
			(int)folder.n, (const char *)folder.p);
}

static void
judge_disk(struct judging *j)
{
	for (size_t i = 0; i < j->s->n_samples; i++) {
		const struct status_sample *m = &j->s->samples[i];
		char labels[128];

		if (m->beside || !bytes_is(m->name, "relais_filesystem_size_bytes") ||
			m->labels.n >= sizeof(labels))
			continue;
		bytes_to_str(m->labels, labels, sizeof(labels));
		judge_room(j, status_label(m->labels, "folder"), labels);
	}
}

/* ---- the queue ---- */

static void
judge_queue(struct judging *j)
{
	const double oldest =
		status_sum(j->s, NULL, "relais_queue_oldest_message_timestamp_seconds", NULL);
	const double n = status_sum(j->s, NULL, "relais_queue_messages", NULL);
	const double age = oldest > 0 ? (double)j->l->now_s - oldest : 0;

	if (j->l->queue_age_s > 0 && age >= (double)j->l->queue_age_s)
		reason(j, "the oldest message is in the queue since %.0f hours", age / 3600);
	if (j->l->queue_messages > 0 && n >= (double)j->l->queue_messages)
		reason(j, "%.0f messages are in the queue", n);
	if (status_sum(j->s, NULL, "relais_queue_journal_full", NULL) > 0)
		reason(j, "the queue's journal is full: no mail can be taken");
	if (status_sum(j->s, NULL, "relais_queue_corrupt_total", NULL) > 0)
		reason(j, "parts of the queue could not be read and were set aside");
	if (status_sum(j->s, NULL, "relais_delivery_failed_syncs_total", NULL) > 0)
		reason(j, "the disk did not take what was delivered into mailboxes");
}

/* ---- certificates ---- */

static void
judge_certificates(struct judging *j)
{
	for (size_t i = 0; i < j->s->n_samples; i++) {
		const struct status_sample *m = &j->s->samples[i];
		const struct bytes name = status_label(m->labels, "name");
		const double days = (status_value(m) - (double)j->l->now_s) / 86400;

		if (m->beside ||
			!bytes_is(m->name, "relais_tls_certificate_expiry_timestamp_seconds") ||
			days >= (double)j->l->certificate_days)
			continue;
		if (days < 0)
			reason(j, "the certificate of %.*s has expired", (int)name.n,
				(const char *)name.p);
		else
			reason(j, "the certificate of %.*s ends in %.0f days", (int)name.n,
				(const char *)name.p, days);
	}
}

static void (*const judges[])(struct judging *) = { judge_suite, judge_processes, judge_queue,
	judge_disk, judge_budgets, judge_certificates };

unsigned
health_judge(const struct status *s, const struct health_limits *l, struct buf *out)
{
	struct judging j = { s, l, out, 0 };

	for (size_t i = 0; i < NITEMS(judges); i++)
		judges[i](&j);
	return j.n;
}
