/* SPDX-License-Identifier: ISC */
/* cli/status_show.c - the state of the suite, for people: a screen of 24 lines. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "health.h"
#include "metrics_conf.h"
#include "queue.h"
#include "status.h"
#include "tls_conf.h"

#define REASONS_SHOWN 8
#define WORST_BUDGET  10 /* percent: less is not worth a word */

const char *
short_time(uint64_t s, char out[SHORT_TIME])
{
	if (s < 60)
		snprintf(out, SHORT_TIME, "%" PRIu64 " s", s);
	else if (s < 3600)
		snprintf(out, SHORT_TIME, "%" PRIu64 " min", s / 60);
	else if (s < 86400)
		snprintf(out, SHORT_TIME, "%" PRIu64 "h%02" PRIu64, s / 3600, s / 60 % 60);
	else
		snprintf(out, SHORT_TIME, "%" PRIu64 " d", s / 86400);
	return out;
}

/* Words of others, so that none moves a cursor. */
static void
put_safely(struct buf *out, struct bytes b)
{
	for (size_t i = 0; i < b.n; i++)
		buf_put_u8(out, b.p[i] < ' ' || b.p[i] >= 127 ? '?' : b.p[i]);
}

const char *
rate_text(const struct view *v, const char *service, const char *name, char out[16])
{
	double rate;

	if (v->seconds <= 0)
		return "-";
	rate = status_rate(&v->before->status, &v->now->status, v->seconds, service, name, NULL);
	snprintf(out, 16, rate > 0 && rate < 0.05 ? "<0.1" : rate < 100 ? "%.1f" : "%.0f", rate);
	return out;
}

/* ---- health ---- */

bool
is_healthy(struct cli *cli, const struct view *v, struct buf *reasons)
{
	const struct metrics_conf *m = conf_values(&cli->conf, "metrics");
	const struct tls_conf *tls = conf_values(&cli->conf, "tls");

	return health_judge(&v->now->status,
		       &(struct health_limits){ .now_s = (uint64_t)time(NULL),
			       .disk_percent = m->warn_disk,
			       .memory_percent = m->warn_memory,
			       .files_percent = m->warn_files,
			       .queue_age_s = (m->warn_queue_age + 999) / 1000, /* 0: off */
			       .queue_messages = m->warn_queue_messages,
			       .certificate_days = tls->warn_days },
		       reasons) == 0;
}

void
put_health(const struct view *v, bool healthy, struct bytes reasons, struct buf *out)
{
	const struct status *s = &v->now->status;
	char up[HUMAN_TEXT];

	buf_put_str(out, "relais ");
	put_safely(out, s->master.version);
	buf_put_str(out, " on ");
	put_safely(out, s->hostname);
	buf_printf(out, " is %s, up %s (master pid %" PRIu64 ")\n",
		healthy ? "healthy" : "NOT healthy",
		human_time(s->master.uptime_s == STATUS_UNKNOWN ? 0 : s->master.uptime_s, up),
		s->master.pid);
	for (unsigned n = 0; reasons.n > 0 && n < REASONS_SHOWN; n++) {
		buf_put_str(out, "  ! ");
		put_safely(out, bytes_cut(&reasons, '\n'));
		buf_put_u8(out, '\n');
	}
	if (reasons.n > 0)
		buf_put_str(out, "  ! and more: relais status --json\n");
}

/* ---- services ---- */

static void
put_service(struct buf *out, const struct service_sum *sum)
{
	char up[SHORT_TIME], pids[SUM_PIDS];

	if (sum->ready < sum->n)
		snprintf(pids, sizeof(pids), "%.*s %u/%u", (int)sum->state.n,
			(const char *)sum->state.p, sum->ready, sum->n);
	else if (strlen(sum->pids) > 13)
		snprintf(pids, sizeof(pids), "%.*s +%u", (int)strcspn(sum->pids, " "), sum->pids,
			sum->n - 1);
	else
		snprintf(pids, sizeof(pids), "%s", sum->pids);
	buf_printf(out, "%-15.*s %-13.13s %6s %2" PRIu64, (int)sum->name.n,
		(const char *)sum->name.p, pids, short_time(sum->uptime_s, up), sum->restarts);
}

void
put_services(const struct view *v, struct buf *out)
{
	static const char head[] = "SERVICE         PID               UP RE";
	size_t n, half;
	struct service_sum *sums = service_sums(v, &n);

	half = (n + 1) / 2;
	buf_printf(out, "%s  %s\n", head, head);
	for (size_t i = 0; i < half; i++) {
		put_service(out, &sums[i]);
		if (half + i < n) {
			buf_put_str(out, "  ");
			put_service(out, &sums[half + i]);
		}
		buf_put_u8(out, '\n');
	}
	free(sums);
}

/* ---- doors and mail ---- */

void
put_doors(const struct view *v, struct buf *out)
{
	static const struct {
		const char *name, *service, *metric;
	} doors[] = { { "smtp", "smtpd", "relais_smtp_clients" },
		{ "submission", "submission", "relais_smtp_clients" },
		{ "imap", "imap-spawner", "relais_sessions" },
		{ "pop3", "pop3-spawner", "relais_sessions" },
		{ "not logged in yet", NULL, "relais_login_connections" } };
	static const struct {
		const char *name, *metric;
	} rates[] = { { "in", "relais_queue_committed_total" },
		{ "delivered", "relais_queue_delivered_total" },
		{ "deferred", "relais_queue_deferrals_total" },
		{ "bounced", "relais_queue_bounced_total" },
		{ "refused", "relais_smtp_refused_recipients_total" } };
	char text[16], wrong[16];

	buf_put_str(out, "Sessions    ");
	for (size_t i = 0; i < NITEMS(doors); i++)
		buf_printf(out, "%s%s %.0f", i > 0 ? ", " : "", doors[i].name,
			status_gauge(&v->now->status, doors[i].service, doors[i].metric, NULL));
	buf_put_str(out, "\nPer second  ");
	if (v->seconds <= 0) {
		buf_put_str(out, "not known yet\n");
		return;
	}
	for (size_t i = 0; i < NITEMS(rates); i++)
		buf_printf(out, "%s%s %s", i > 0 ? ", " : "", rates[i].name,
			rate_text(v, NULL, rates[i].metric, text));
	buf_printf(out, "\n  (%.0f s)%*slogins %s, wrong passwords %s\n", v->seconds,
		v->seconds < 9.5    ? 5
		: v->seconds < 99.5 ? 4
				    : 3,
		"", rate_text(v, NULL, "relais_directory_login_total", text),
		rate_text(v, NULL, "relais_directory_login_failed_total", wrong));
}

/* ---- the queue ---- */

static double
of_queue(const struct view *v, const char *name, const char *labels)
{
	return status_sum(&v->now->status, "qmgr", name, labels);
}

static void
put_ages(const struct view *v, struct buf *out)
{
	static const struct {
		const char *label, *name;
	} ages[] = { { "5m", "under 5 min" }, { "1h", "under 1 h" }, { "6h", "under 6 h" },
		{ "1d", "under 1 d" }, { "3d", "under 3 d" }, { "older", "older" } };
	unsigned n = 0;

	buf_put_str(out, "  by age    ");
	for (size_t i = 0; i < NITEMS(ages); i++) {
		char label[24];
		double count;

		snprintf(label, sizeof(label), "age=\"%s\"", ages[i].label);
		count = of_queue(v, "relais_queue_age_messages", label);
		if (count > 0)
			buf_printf(out, "%s%s %.0f", n++ > 0 ? ", " : "", ages[i].name, count);
	}
	buf_put_u8(out, '\n');
}

void
put_queue(const struct view *v, struct buf *out)
{
	const double oldest = of_queue(v, "relais_queue_oldest_message_timestamp_seconds", NULL);
	const double now = (double)time(NULL);
	char size[HUMAN_TEXT], age[HUMAN_TEXT];

	buf_printf(out, "Queue       %.0f messages (%s): %.0f active, %.0f deferred, %.0f held",
		of_queue(v, "relais_queue_messages", NULL),
		human_size((uint64_t)of_queue(v, "relais_queue_bytes", NULL), size),
		of_queue(v, "relais_queue_active", NULL),
		of_queue(v, "relais_queue_deferred", NULL), of_queue(v, "relais_queue_held", NULL));
	if (oldest > 0)
		buf_printf(out, "; oldest %s",
			human_time(now > oldest ? (uint64_t)(now - oldest) : 0, age));
	buf_put_u8(out, '\n');
	if (oldest > 0)
		put_ages(v, out);
}

/* The value of another sample of the same process with this next hop. */
static double
of_destination(const struct view *v, const char *name, struct bytes labels)
{
	const struct status *s = &v->now->status;

	for (size_t i = 0; i < s->n_samples; i++)
		if (bytes_is(s->samples[i].name, name) && bytes_equal(s->samples[i].labels, labels))
			return status_value(&s->samples[i]);
	return 0;
}

static struct bytes
reason_of(const struct status *s, struct bytes destination)
{
	for (size_t i = 0; i < s->n_samples; i++)
		if (bytes_is(s->samples[i].name, "destination_reason") &&
			bytes_equal(status_label(s->samples[i].labels, "destination"), destination))
			return status_label(s->samples[i].labels, "reason");
	return BYTES_NONE;
}

static void
put_destination(const struct view *v, struct buf *out, struct bytes labels, double waiting)
{
	const struct bytes hop = status_label(labels, "destination");
	const struct bytes reason = reason_of(&v->now->status, hop);
	const size_t begun = out->len;
	char again[HUMAN_TEXT];

	buf_put_str(out, "  ");
	put_safely(out, bytes_head(hop, 32));
	buf_printf(out, ": %.0f wait", waiting);
	if (of_destination(v, "relais_destination_dead", labels) > 0) {
		buf_printf(out, ", no answer, again in %s",
			human_time((uint64_t)of_destination(
					   v, "relais_destination_retry_seconds", labels),
				again));
		if (reason.n > 0) {
			buf_put_str(out, ": ");
			put_safely(out, reason);
		}
	} else {
		buf_printf(out, ", %.0f jobs under way, %.1f s each",
			of_destination(v, "relais_destination_jobs", labels),
			of_destination(v, "relais_destination_job_seconds", labels));
	}
	if (v->columns > 0 && out->len - begun > v->columns)
		buf_truncate(out, begun + v->columns);
	buf_put_u8(out, '\n');
}

void
put_destinations(const struct view *v, struct buf *out, unsigned most)
{
	const struct status *s = &v->now->status;
	unsigned n = 0;

	for (size_t i = 0; i < s->n_samples && n < most; i++) {
		const struct status_sample *m = &s->samples[i];

		if (!bytes_is(m->name, "relais_destination_waiting"))
			continue;
		if (n++ == 0)
			buf_put_str(out, "Next hops that keep mail waiting\n");
		put_destination(v, out, m->labels, status_value(m));
	}
}

/* ---- disk, memory, certificates ---- */

static void
put_disk(const struct view *v, struct buf *out)
{
	static const char *const folders[] = { "queue", "mail", "state" };
	const struct status *s = &v->now->status;
	double least = -1;
	char room[HUMAN_TEXT];

	for (size_t i = 0; i < NITEMS(folders); i++) {
		char labels[32];
		double size, avail, files, left;

		snprintf(labels, sizeof(labels), "folder=\"%s\"", folders[i]);
		size = status_sum(s, NULL, "relais_filesystem_size_bytes", labels);
		avail = status_sum(s, NULL, "relais_filesystem_avail_bytes", labels);
		files = status_sum(s, NULL, "relais_filesystem_files", labels);
		left = status_sum(s, NULL, "relais_filesystem_files_free", labels);
		if (size <= 0)
			continue;
		buf_printf(out, "%s%s %.0f %%", least < 0 ? "Disk        used: " : ", ", folders[i],
			health_percent(size - avail, size));
		if (health_percent(files - left, files) >= 50)
			buf_printf(out, " (inodes %.0f %%)", health_percent(files - left, files));
		if (least < 0 || avail < least)
			least = avail;
	}
	if (least >= 0)
		buf_printf(out, "; least free %s\n", human_size((uint64_t)least, room));
}

static void
put_budgets(const struct view *v, struct buf *out)
{
	const struct service_sum *memory = NULL, *files = NULL;
	size_t n;
	struct service_sum *sums = service_sums(v, &n);
	uint64_t rss = 0;
	char all[HUMAN_TEXT];

	for (size_t i = 0; i < n; i++) {
		rss += sums[i].rss;
		if (memory == NULL || sums[i].memory > memory->memory)
			memory = &sums[i];
		if (files == NULL || sums[i].files > files->files)
			files = &sums[i];
	}
	buf_printf(out, "Memory      %s", human_size(rss, all));
	if (memory != NULL && memory->memory >= WORST_BUDGET)
		buf_printf(out, "; %.*s has %.0f %% of its limit", (int)memory->name.n,
			(const char *)memory->name.p, memory->memory);
	else
		buf_printf(out, "; nobody above %d %% of its limit", WORST_BUDGET);
	if (files != NULL && files->files >= WORST_BUDGET)
		buf_printf(out, "; descriptors: %.*s %.0f %%", (int)files->name.n,
			(const char *)files->name.p, files->files);
	buf_put_u8(out, '\n');
	free(sums);
}

static void
put_certificates(const struct view *v, struct buf *out)
{
	const struct status *s = &v->now->status;
	const double now = (double)time(NULL);
	unsigned n = 0;

	for (size_t i = 0; i < s->n_samples && n < 3; i++) {
		const struct status_sample *m = &s->samples[i];

		if (m->beside ||
			!bytes_is(m->name, "relais_tls_certificate_expiry_timestamp_seconds"))
			continue;
		buf_put_str(out, n++ == 0 ? "Certificate " : ", ");
		put_safely(out, bytes_head(status_label(m->labels, "name"), 40));
		buf_printf(out, " %lld days", (long long)((status_value(m) - now) / 86400));
	}
	if (n > 0)
		buf_put_u8(out, '\n');
}

void
put_resources(const struct view *v, struct buf *out)
{
	put_disk(v, out);
	put_budgets(v, out);
	put_certificates(v, out);
}
