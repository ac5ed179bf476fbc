/* SPDX-License-Identifier: ISC */
/* tests/unit/status/test_health.c - what is not well, and in which words. */
#include <string.h>

#include "cases.h"
#include "health.h"

#define MASTER "master 1 ready version=1\n"
#define ROOM(size, avail, files, free)                                                             \
	"stat qmgr 0 relais_filesystem_size_bytes{folder=\"queue\"} " size "\n"                    \
	"stat qmgr 0 relais_filesystem_avail_bytes{folder=\"queue\"} " avail "\n"                  \
	"stat qmgr 0 relais_filesystem_files{folder=\"queue\"} " files "\n"                        \
	"stat qmgr 0 relais_filesystem_files_free{folder=\"queue\"} " free "\n"

static const struct row {
	const char *label, *text, *reasons;
} rows[] = {
	{ "well", MASTER "service a 0 ready 2 9 0\n", "" },
	{ "starting", "master 1 starting\n", "the suite is starting\n" },
	{ "died a while ago", MASTER "service a 0 ready 2 99 3 ended=signal:9 ended_s=99\n", "" },
	{ "died just now", MASTER "service a 0 ready 2 9 3 ended=signal:9 ended_s=9\n",
		"a[0] was killed by signal 9 9 s ago and serves again\n" },
	{ "not again yet", MASTER "service a 1 backoff 0 0 3 ended=exit:1 ended_s=2\n",
		"a[1] exited with status 1 2 s ago, now: backoff\n" },
	{ "not yet", MASTER "service a 0 starting 2 9 0\n", "a[0] is not ready: starting\n" },
	{ "leaving is no harm", MASTER "service a 0 draining 2 9 0 beside=leaving\n", "" },
	{ "memory", MASTER "service a 0 ready 2 9 0 data=95 data_max=100\n",
		"a[0] has used 95 % of its memory\n" },
	{ "enough memory", MASTER "service a 0 ready 2 9 0 data=89 data_max=100\n", "" },
	{ "descriptors", MASTER "service a 0 ready 2 9 0 files=91 files_max=100\n",
		"a[0] has used 91 % of its descriptors\n" },
	{ "room", MASTER ROOM("100", "11", "100", "50"), "" },
	{ "no room", MASTER ROOM("100", "9", "100", "50"),
		"the file system of the folder \"queue\" is full to 91 %\n" },
	{ "no inodes", MASTER ROOM("100", "50", "100", "5"),
		"95 % of the inodes of the folder \"queue\" are in use\n" },
	{ "inodes without limit", MASTER ROOM("100", "50", "0", "0"), "" },
	{ "old", MASTER "stat qmgr 0 relais_queue_oldest_message_timestamp_seconds 1000\n",
		"the oldest message is in the queue since 2 hours\n" },
	{ "empty", MASTER "stat qmgr 0 relais_queue_oldest_message_timestamp_seconds 0\n", "" },
	{ "many", MASTER "stat qmgr 0 relais_queue_messages 500\n",
		"500 messages are in the queue\n" },
	{ "journal", MASTER "stat qmgr 0 relais_queue_journal_full 1\n",
		"the queue's journal is full: no mail can be taken\n" },
	{ "set aside", MASTER "stat qmgr 0 relais_queue_corrupt_total 1\n",
		"parts of the queue could not be read and were set aside\n" },
	{ "certificate",
		MASTER
		"stat keyholder 0 relais_tls_certificate_expiry_timestamp_seconds{name=\"mx\"} "
		"267401\n",
		"the certificate of mx ends in 3 days\n" },
	{ "expired",
		MASTER
		"stat keyholder 0 relais_tls_certificate_expiry_timestamp_seconds{name=\"mx\"} "
		"7\n",
		"the certificate of mx has expired\n" },
	{ "long",
		MASTER "stat keyholder 0 relais_tls_certificate_expiry_timestamp_seconds{name="
		       "\"mx\"} 99999999\n",
		"" },
};

static void
run_row(void **arg)
{
	static const struct health_limits limits = { .now_s = 1000 + 7200,
		.disk_percent = 90,
		.memory_percent = 90,
		.files_percent = 90,
		.queue_age_s = 3600,
		.queue_messages = 500,
		.certificate_days = 14 };
	const struct row *t = *arg;
	struct buf out = BUF_INIT;
	struct status s;

	assert_true(status_parse(bytes_from_str(t->text), &s));
	assert_int_equal(health_judge(&s, &limits, &out), t->reasons[0] != 0);
	assert_string_equal(buf_str(&out), t->reasons);
	status_free(&s);
	buf_free(&out);
}

int
main(void)
{
	TABLE_TESTS(tests, rows, run_row);

	return cmocka_run_group_tests_name("status/health", tests, NULL, NULL);
}
