/* SPDX-License-Identifier: ISC */
/*
 * tests/bench/mailauth/spf_bench.c - what checks of SPF cost in CPU time, DNS not counted in: usual
 * policies, and the worst that were thought of. Prints JSON. Never shipped.
 *
 *	spf_bench [CHECKS]
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "spf.h"
#include "zone_dns.h"

#define RECORD_OCTETS 4080 /* a little under what is accepted */

static struct zone_dns zone;

PRINTF_LIKE(1, 2) static void add(const char *format, ...)
{
	struct buf line = BUF_INIT;
	va_list ap;

	va_start(ap, format);
	buf_vprintf(&line, format, ap);
	va_end(ap);
	zone_dns_add(&zone, buf_bytes(&line));
	buf_free(&line);
}

static void
usual(void)
{
	add("x.org TXT \"v=spf1 ip4:10.0.0.0/8 mx ip4:192.0.2.0/24 -all\"");
	add("x.org MX 1 m.x.org");
	add("m.x.org A 10.1.1.1");
}

/* As deep as it goes. */
static void
includes(void)
{
	add("x.org TXT \"v=spf1 include:d0.org ~all\"");
	for (int i = 0; i < 8; i++)
		add("d%d.org TXT \"v=spf1 include:d%d.org ~all\"", i, i + 1);
	add("d8.org TXT \"v=spf1 ip4:192.0.2.0/24 -all\"");
}

/* Eleven records full of one term. */
static void
put_full(const char *name, const char *term, const char *last)
{
	struct buf record = BUF_INIT;

	for (size_t n = 0; n < RECORD_OCTETS - strlen(last); n += strlen(term) + 1)
		buf_printf(&record, " \" %s\"", term);
	add("%s TXT \"v=spf1\"%s \" %s\"", name, buf_str(&record), last);
	buf_free(&record);
}

static void
many_terms(void)
{
	char name[32], last[32];

	put_full("x.org", "ip4:1.1.1.1", "include:d0.org");
	for (int i = 0; i < 11; i++) {
		(void)snprintf(name, sizeof(name), "d%d.org", i);
		(void)snprintf(last, sizeof(last), "include:d%d.org", i + 1);
		put_full(name, "ip4:1.1.1.1", last);
	}
}

static void
many_hosts(void)
{
	add("x.org TXT \"v=spf1 mx mx mx mx mx mx mx mx mx mx -all\"");
	for (int i = 0; i < 10; i++) {
		add("x.org MX 1 m%d.x.org", i);
		add("m%d.x.org A 10.0.0.1", i);
	}
}

static void
on_done(void *arg, const struct spf_result *result)
{
	*(enum spf_verdict *)arg = result->verdict;
}

static void
measure(const char *name, void (*fill)(void), unsigned checks)
{
	struct spf_engine *e = spf_engine_new();
	const struct mailauth_dns dns = zone_dns_way(&zone);
	struct spf_question q = { .identity = SPF_MAIL_FROM,
		.client = { .family = 4, .prefix = 32, .addr = { 192, 0, 2, 9 } },
		.helo = BYTES_LITERAL("h.x.org"),
		.mail_from = BYTES_LITERAL("joe@x.org") };
	enum spf_verdict verdict = SPF_NONE;
	clock_t begin;
	double us;

	fill();
	zone.asked = 0;
	begin = clock();
	for (unsigned i = 0; i < checks; i++)
		(void)spf_start(e, &dns, &q, on_done, NULL, &verdict);
	us = (double)(clock() - begin) * 1e6 / CLOCKS_PER_SEC / checks;
	printf("{\"policy\": \"%s\", \"verdict\": \"%s\", \"checks\": %u, \"microseconds\": %.1f, "
	       "\"questions\": %.0f}\n",
		name, spf_verdict_name(verdict), checks, us, (double)zone.asked / checks);
	spf_engine_free(e);
	zone_dns_reset(&zone);
}

int
main(int argc, char **argv)
{
	const unsigned checks = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 20000;

	measure("usual", usual, checks);
	measure("nine includes", includes, checks);
	measure("4 KiB of ip4, eleven times", many_terms, checks / 100 + 1);
	measure("ten mx of ten hosts", many_hosts, checks / 10 + 1);
	return 0;
}
