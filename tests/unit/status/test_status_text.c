/* SPDX-License-Identifier: ISC */
/* tests/unit/status/test_status_text.c - what master tells, read; sums and rates of it. */
#include <string.h>

#include "cases.h"
#include "status_text.h"

static const char before_text[] =
	"master 10 ready version=0.1.0 started=1000 uptime=90 hostname=mx.example.org rss=4096\n"
	"service smtpd 0 ready 11 90 0 started=1000 rss=100 data=50 data_max=200 files=3\n"
	"stat smtpd 0 relais_smtp_messages_total 100\n"
	"service smtpd 1 ready 12 90 0\n"
	"stat smtpd 1 relais_smtp_messages_total 50\n";

static const char now_text[] =
	"master 10 ready version=0.1.0 uptime=100 hostname=mx.example.org\n"
	"service smtpd 0 ready 11 100 0 ended=signal:9 ended_s=5 unknown=3 cpu_ms=12\n"
	"service smtpd 1 ready 99 2 1\n"
	"service smtpd 1 draining 12 100 0 beside=leaving\n"
	"stat smtpd 0 relais_smtp_messages_total 130\n"
	"stat smtpd 1 relais_smtp_messages_total 20\n"
	"beside smtpd 1 relais_smtp_messages_total 60\n"
	"stat smtpd 0 relais_smtp_clients 4\n"
	"beside smtpd 1 relais_smtp_clients 2\n"
	"stat qmgr 0 relais_destination_job_seconds{destination=\"a b\",x=\"q\\\"}\"} 1500us\n"
	"stat qmgr 0 relais_queue_flush_seconds h:1,2,0,0,0,0,0,0,0,0,0,0,0,0,0,0,3;2500\n"
	"something 0 new of a later version\n";

static void
test_parse(void **state)
{
	const struct status_process *p;
	const struct status_sample *m;
	struct status s;

	UNUSED(state);
	assert_true(status_parse(bytes_from_str(now_text), &s));
	assert_int_equal(s.n_processes, 3);
	assert_int_equal(s.n_samples, 7);
	assert_true(bytes_is(s.hostname, "mx.example.org"));
	assert_int_equal(s.master.uptime_s, 100);
	p = &s.processes[0];
	assert_true(bytes_is(p->ended, "signal:9"));
	assert_int_equal(p->ended_s, 5);
	assert_int_equal(p->cpu_ms, 12);
	assert_true(p->rss == STATUS_UNKNOWN && !p->beside && s.processes[2].beside);
	m = &s.samples[5];
	assert_true(status_value(m) > 0.00149 && status_value(m) < 0.00151);
	assert_true(bytes_is(status_label(m->labels, "destination"), "a b"));
	assert_true(bytes_is(status_label(m->labels, "x"), "q\\\"}"));
	assert_int_equal(status_label(m->labels, "y").n, 0);
	assert_int_equal(s.samples[6].value, 6);
	status_free(&s);
}

static void
test_sums_and_rates(void **state)
{
	static const char name[] = "relais_smtp_messages_total";
	struct status before, now;

	UNUSED(state);
	assert_true(status_parse(bytes_from_str(before_text), &before));
	assert_true(status_parse(bytes_from_str(now_text), &now));
	assert_true(status_sum(&now, "smtpd", name, NULL) == 150);
	assert_true(status_sum(&now, "qmgr", name, NULL) == 0);
	assert_true(status_gauge(&now, NULL, "relais_smtp_clients", NULL) == 6);
	/* 30 of the one that goes on, 20 of the one that is new */
	assert_true(status_rate(&before, &now, 10, NULL, name, NULL) == 5);
	assert_true(status_rate(&before, &now, 0, NULL, name, NULL) == 0);
	status_free(&before);
	status_free(&now);
}

static const struct row {
	const char *label, *line;
	size_t samples;
} rows[] = {
	{ "plain", "stat a 0 relais_x 1", 1 },
	{ "labels", "stat a 0 relais_x{y=\"z\"} 1", 1 },
	{ "no value", "stat a 0 relais_x", 0 },
	{ "no number", "stat a 0 relais_x one", 0 },
	{ "negative", "stat a 0 relais_x -1", 0 },
	{ "too large", "stat a 0 relais_x 18446744073709551616", 0 },
	{ "unit", "stat a 0 relais_x 1ns", 0 },
	{ "seconds have none", "stat a 0 relais_x 1s", 0 },
	{ "no instance", "stat a b relais_x 1", 0 },
	{ "no name", "stat a 0  1", 0 },
	{ "labels not ended", "stat a 0 relais_x{y=\"z\" 1", 0 },
	{ "short histogram", "stat a 0 relais_x h:1,2;3", 0 },
	{ "blank in a name", "stat a 0 relais_x y 1", 0 },
};

static void
run_row(void **arg)
{
	const struct row *t = *arg;
	struct status s;

	assert_false(status_parse(bytes_from_str(t->line), &s)); /* no line of master */
	assert_int_equal(s.n_samples, t->samples);
	status_free(&s);
}

static void
test_histogram(void **state)
{
	struct histogram h = { 0 }, again;
	struct buf out = BUF_INIT;
	struct bytes text;

	UNUSED(state);
	histogram_add(&h, 1000);
	histogram_add(&h, 1001);
	histogram_add(&h, UINT64_C(4000000000));
	histogram_put(&out, "x", &h);
	assert_string_equal(buf_str(&out), "x h:1,1,0,0,0,0,0,0,0,0,0,0,0,0,0,0,1;4000002001\n");
	text = bytes_skip(buf_bytes(&out), 4);
	text.n--;
	assert_int_equal(histogram_parse(text, &again), 0);
	assert_memory_equal(&h, &again, sizeof(h));
	assert_string_equal(histogram_bound(0), "0.001");
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest whole[] = { cmocka_unit_test(test_parse),
		cmocka_unit_test(test_sums_and_rates), cmocka_unit_test(test_histogram) };
	TABLE_TESTS(tests, rows, run_row);

	return cmocka_run_group_tests_name("status/status_text", whole, NULL, NULL) +
	       cmocka_run_group_tests_name("status/status_text lines", tests, NULL, NULL);
}
