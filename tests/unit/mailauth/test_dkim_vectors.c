/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/mailauth/test_dkim_vectors.c - public signed messages, and what we say of them:
 * tests/data/dkim/expected.txt, a line each: the file, a result per signature ("none" without one),
 * and after '#' the first one's words.
 */
#include "../base/cases.h"

#include <stdio.h>
#include <stdlib.h>

#include "dkim_key.h"
#include "dkim_verify.h"
#include "rfc5322.h"
#include "zone_dns.h"

#define FOLDER   "tests/data/dkim/"
#define NOW      1700000000
#define ROWS_MAX 200

struct row {
	char label[100];
	char want[100], why[100];
};

static struct zone_dns *zone;
static size_t nrows;
static struct row rows[ROWS_MAX];

static void
read_file(const char *name, struct buf *out)
{
	char path[300];
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), FOLDER "%s", name);
	f = fopen(path, "r");
	ASSERT(f != NULL);
	while ((n = fread(buf_room(out, 4096), 1, 4096, f)) > 0)
		buf_added(out, n);
	fclose(f);
}

/* "NAME TEXT", NXDOMAIN or ~~what went wrong~~ as the text */
static void
read_zone(const char *name)
{
	struct buf text = BUF_INIT;
	struct bytes rest;

	read_file(name, &text);
	for (rest = buf_bytes(&text); rest.n > 0;) {
		struct bytes line = bytes_trim(bytes_cut(&rest, '\n'));
		struct bytes owner = bytes_cut(&line, ' '), data = bytes_trim(line);
		struct buf row = BUF_INIT;

		if (owner.n == 0 || owner.p[0] == '#' || bytes_is(data, "NXDOMAIN"))
			continue;
		buf_put_bytes(&row, owner);
		if (bytes_starts_with(data, BYTES_LITERAL("~~"))) {
			buf_put_str(&row, " TIMEOUT");
		} else {
			struct buf quoted = BUF_INIT;

			dkim_key_quote_strings(data, &quoted);
			buf_put_str(&row, " TXT ");
			buf_put_bytes(&row, buf_bytes(&quoted));
			buf_free(&quoted);
		}
		zone_dns_add(zone, buf_bytes(&row));
		buf_free(&row);
	}
	buf_free(&text);
}

static void
read_rows(void)
{
	struct buf text = BUF_INIT;
	struct bytes rest;

	read_file("expected.txt", &text);
	for (rest = buf_bytes(&text); rest.n > 0;) {
		struct bytes why = bytes_cut(&rest, '\n'), want = bytes_trim(bytes_cut(&why, '#'));
		struct row *row = &rows[nrows];

		if (want.n == 0)
			continue;
		ASSERT(nrows++ < ROWS_MAX);
		bytes_to_str(bytes_cut(&want, ' '), row->label, sizeof(row->label));
		bytes_to_str(want, row->want, sizeof(row->want));
		bytes_to_str(bytes_trim(why), row->why, sizeof(row->why));
	}
	buf_free(&text);
}

static void
nothing(void *arg)
{
	UNUSED(arg);
}

static void
run_row(void **arg)
{
	const struct dkim_verify_options options = { 8, 1024, 1000000 };
	const struct row *t = *arg;
	struct mailauth_dns dns = zone_dns_way(zone);
	struct dkim_verifier *v = dkim_verifier_new(&options);
	struct buf file = BUF_INIT, message = BUF_INIT, got = BUF_INIT;
	const struct dkim_verdict *verdicts;
	struct dkim_check *c;
	size_t n;

	read_file(t->label, &file);
	rfc5322_put_crlf(&message, buf_bytes(&file));
	dkim_check_start(v, &dns, buf_bytes(&message), NOW, nothing, NULL, &c);
	dkim_check_body(
		c, bytes_skip(buf_bytes(&message), rfc5322_header_len(buf_bytes(&message))));
	verdicts = dkim_check_end(c, &n);
	for (size_t i = 0; i < n; i++)
		buf_printf(&got, "%s%s", i == 0 ? "" : " ", dkim_result_name(verdicts[i].result));
	if (n == 0)
		buf_put_str(&got, "none");
	if (getenv("RELAIS_PRINT") != NULL)
		printf("%s %s # %s\n", t->label, buf_str(&got), n == 0 ? "" : verdicts[0].why);
	assert_string_equal(buf_str(&got), t->want);
	assert_string_equal(n == 0 ? "" : verdicts[0].why, t->why);
	dkim_check_free(&c);
	dkim_verifier_free(&v);
	buf_free(&file);
	buf_free(&message);
	buf_free(&got);
}

int
main(void)
{
	struct CMUnitTest tests[ROWS_MAX];
	int failed;

	zone = xcalloc(1, sizeof(*zone));
	read_zone("rfc.dat");
	read_zone("mail-dkim/FAKE_DNS.dat");
	read_rows();
	for (size_t i = 0; i < nrows; i++)
		tests[i] = (struct CMUnitTest){ rows[i].label, run_row, NULL, NULL, &rows[i] };
	failed = _cmocka_run_group_tests("mailauth/dkim_vectors", tests, nrows, NULL, NULL);
	zone_dns_reset(zone);
	free(zone);
	return failed;
}
