/* SPDX-License-Identifier: ISC */
/* tests/unit/status/test_prometheus.c - Prometheus' text form; the rows of all metrics. */
#include <string.h>

#include "cases.h"
#include "metric_rows.h"
#include "prometheus.h"

static const char text[] =
	"master 10 ready version=0.1.0 started=1000 uptime=100 cpu_ms=1234\n"
	"service smtpd 0 ready 11 100 2 rss=4096\n"
	"service smtpd 0 draining 12 100 0 beside=leaving\n"
	"service smtpd 0 draining 13 100 0 beside=leaving\n"
	"service qmgr 0 backoff 0 0 7\n"
	"stat smtpd 0 relais_smtp_clients 4\n"
	"stat smtpd 0 relais_smtp_messages_total 9\n"
	"beside smtpd 0 relais_smtp_clients 2\n"
	"beside smtpd 0 relais_smtp_clients 3\n"
	"beside smtpd 0 relais_smtp_messages_total 5\n"
	"stat qmgr 0 relais_destination_job_seconds{destination=\"a b\"} 1500us\n"
	"stat qmgr 0 destination_reason{destination=\"a b\",reason=\"no\"} 1\n"
	"stat qmgr 0 relais_queue_flush_seconds h:1,2,0,0,0,0,0,0,0,0,0,0,0,0,0,0,3;2500\n";

static const struct row {
	const char *label, *line;
	bool there;
} rows[] = {
	{ "up", "relais_up 1", true },
	{ "version", "relais_build_info{version=\"0.1.0\"} 1", true },
	{ "help", "# HELP relais_up 1 when every service has said that it serves, else 0", true },
	{ "type", "# TYPE relais_smtp_messages_total counter", true },
	{ "ready", "relais_process_ready{service=\"smtpd\",instance=\"0\"} 1", true },
	{ "not ready", "relais_process_ready{service=\"qmgr\",instance=\"0\"} 0", true },
	{ "restarts", "relais_process_restarts_total{service=\"qmgr\",instance=\"0\"} 7", true },
	{ "CPU", "relais_process_cpu_seconds_total{service=\"master\",instance=\"0\"} 1.234",
		true },
	{ "memory", "relais_process_resident_memory_bytes{service=\"smtpd\",instance=\"0\"} 4096",
		true },
	{ "gauge", "relais_smtp_clients{service=\"smtpd\",instance=\"0\"} 4", true },
	{ "gauges of the leaving", "relais_smtp_clients{service=\"smtpd\",instance=\"leaving\"} 5",
		true },
	{ "counter", "relais_smtp_messages_total{service=\"smtpd\",instance=\"0\"} 9", true },
	{ "no counter of the leaving",
		"relais_smtp_messages_total{service=\"smtpd\",instance=\"leaving\"} 5", false },
	{ "microseconds",
		"relais_destination_job_seconds{service=\"qmgr\",instance=\"0\",destination=\"a "
		"b\"} "
		"0.001500",
		true },
	{ "bucket",
		"relais_queue_flush_seconds_bucket{service=\"qmgr\",instance=\"0\",le=\"0.005\"} 3",
		true },
	{ "all", "relais_queue_flush_seconds_bucket{service=\"qmgr\",instance=\"0\",le=\"+Inf\"} 6",
		true },
	{ "sum", "relais_queue_flush_seconds_sum{service=\"qmgr\",instance=\"0\"} 0.002500", true },
	{ "count", "relais_queue_flush_seconds_count{service=\"qmgr\",instance=\"0\"} 6", true },
};

static size_t
times(struct bytes all, const char *line)
{
	size_t n = 0;

	while (all.n > 0)
		n += bytes_is(bytes_cut(&all, '\n'), line);
	return n;
}

static void
run_row(void **arg)
{
	const struct row *t = *arg;
	struct buf out = BUF_INIT;
	struct status s;

	assert_true(status_parse(bytes_from_str(text), &s));
	prometheus_put(&out, &s);
	assert_int_equal(times(buf_bytes(&out), t->line), t->there ? 1 : 0);
	/* what is for the command only */
	assert_null(strstr(buf_str(&out), "destination_reason"));
	status_free(&s);
	buf_free(&out);
}

/* In order, once, named and worded as the conventions say. */
static void
test_rows(void **state)
{
	UNUSED(state);
	for (size_t i = 0; i < nmetric_rows; i++) {
		const char *name = metric_rows[i].name;
		const char *end = strrchr(name, '_');
		const bool total = strcmp(end, "_total") == 0;

		assert_true(i == 0 || strcmp(metric_rows[i - 1].name, name) < 0);
		assert_int_equal(metric_find(bytes_from_str(name)), i);
		assert_int_equal(strncmp(name, "relais_", 7), 0);
		assert_true(total == (metric_rows[i].type == METRIC_COUNTER));
		assert_true(
			metric_rows[i].type != METRIC_HISTOGRAM || strcmp(end, "_seconds") == 0);
		assert_null(strpbrk(metric_rows[i].help, "\\\n"));
		assert_true(metric_rows[i].help[strlen(metric_rows[i].help) - 1] != '.');
	}
	assert_true(metric_find(BYTES_LITERAL("relais_x")) == SIZE_MAX);
}

int
main(void)
{
	const struct CMUnitTest whole[] = { cmocka_unit_test(test_rows) };
	TABLE_TESTS(tests, rows, run_row);

	return cmocka_run_group_tests_name("status/metric_rows", whole, NULL, NULL) +
	       cmocka_run_group_tests_name("status/prometheus", tests, NULL, NULL);
}
