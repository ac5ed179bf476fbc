/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/mailauth/test_dkim_verify.c - what signatures are worth: rows of tags, message and key
 * records. Each row runs with the body whole and octet by octet, with answers at once and later,
 * and is given up in between.
 */
#include "../base/cases.h"

#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>

#include "dkim_craft.h"
#include "dkim_key.h"
#include "dkim_verify.h"
#include "encode.h"
#include "rfc5322.h"
#include "zone_dns.h"

#define NOW 1700000000

enum {
	RSA_2048,
	RSA_1024,
	RSA_512,
	RSA_1023,
	ED25519,
	KEYS
};

static EVP_PKEY *keys[KEYS];
static struct buf public[KEYS]; /* p= */

static const struct row {
	const char *label;
	const char *tags;   /* NULL: the usual ones */
	int key;            /* that signs */
	const char *record; /* %s: p=; NULL: the usual one; several: with | between; "": none */
	const char *header, *body; /* as signed; NULL: the usual ones */
	const char *front, *back; /* octets put in front of the message and behind it, afterwards */
	const char *why;          /* the words begin with it */
	enum dkim_result result;
	size_t signatures; /* if there are more than one: the first is it */
} rows[] = {
#include "dkim_cases.h"
};

static const char usual_header[] =
	"From: a@example.org\r\nTo: b@example.net\r\nSubject: Hi  there\r\n";
static const char usual_body[] = "Hello,\r\n\r\n  world \t of  mail\r\n\r\n\r\n";
static const char usual_tags[] =
	"v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.org; s=x; h=From:To:Subject:Cc";

static void
add_records(struct zone_dns *zone, const struct row *t)
{
	char format[4096], text[8192];
	char *rest = format, *one;

	snprintf(format, sizeof(format), "%s",
		t->record != NULL   ? t->record
		: t->key == ED25519 ? "v=DKIM1; k=ed25519; p=%s"
				    : "v=DKIM1; k=rsa; p=%s");
	while ((one = strsep(&rest, "|")) != NULL && *one != '\0') {
		const char *percent = strstr(one, "%s");

		snprintf(text, sizeof(text), "%.*s%s%s",
			(int)(percent == NULL ? strlen(one) : (size_t)(percent - one)), one,
			percent == NULL ? "" : buf_str(&public[t->key]),
			percent == NULL ? "" : percent + 2);
		if (strcmp(one, "TIMEOUT") == 0)
			zone_dns_add(zone, BYTES_LITERAL("x._domainkey.example.org TIMEOUT"));
		else
			dkim_craft_publish(zone, "x._domainkey.example.org", bytes_from_str(text));
	}
}

static void
make_message(struct buf *out, const struct row *t)
{
	const char *header = t->header != NULL ? t->header : usual_header;
	const char *body = t->body != NULL ? t->body : usual_body;

	buf_put_str(out, t->front != NULL ? t->front : "");
	dkim_craft(out, keys[t->key], t->tags != NULL ? t->tags : usual_tags,
		bytes_from_str(header), bytes_from_str(body));
	buf_put_str(out, header);
	buf_put_str(out, "\r\n");
	buf_put_str(out, body);
	buf_put_str(out, t->back != NULL ? t->back : "");
}

static void
count_done(void *arg)
{
	++*(unsigned *)arg;
}

struct mode {
	size_t piece;
	bool later;
	int give_up; /* 1: before the keys, 2: within the body */
};

static void
run(const struct row *t, struct dkim_verifier *v, struct zone_dns *zone, struct bytes message,
	struct mode mode)
{
	struct mailauth_dns dns = zone_dns_way(zone);
	struct bytes body = bytes_skip(message, rfc5322_header_len(message));
	const struct dkim_verdict *verdicts;
	struct dkim_check *c;
	unsigned done = 0, done_before;
	size_t n;

	zone->later = mode.later;
	dkim_check_start(v, &dns, message, NOW, count_done, &done, &c);
	done_before = done;
	if (mode.give_up == 1)
		dkim_check_free(&c);
	while (zone_dns_answer(zone))
		;
	if (c == NULL) {
		assert_int_equal(done, done_before);
		return;
	}
	assert_int_equal(done, 1);
	while (body.n > 0 && dkim_check_wants_body(c)) {
		dkim_check_body(c, bytes_head(body, mode.piece));
		body = bytes_skip(body, mode.piece);
		if (mode.give_up == 2) {
			dkim_check_free(&c);
			return;
		}
	}
	verdicts = dkim_check_end(c, &n);
	assert_int_equal(n, t->signatures > 0 ? t->signatures : 1);
	if (verdicts[0].result != t->result ||
		strncmp(verdicts[0].why, t->why, strlen(t->why)) != 0)
		print_message("%s: %s\n", dkim_result_name(verdicts[0].result), verdicts[0].why);
	assert_int_equal(verdicts[0].result, t->result);
	assert_memory_equal(verdicts[0].why, t->why, strlen(t->why));
	dkim_check_free(&c);
}

static void
run_row(void **arg)
{
	static const struct mode modes[] = { { SIZE_MAX, false, 0 }, { 1, true, 0 },
		{ 3, false, 0 }, { 5, true, 1 }, { 7, false, 2 } };
	const struct dkim_verify_options options = { 8, 1024, 1000000 };
	const struct row *t = *arg;
	struct dkim_verifier *v = dkim_verifier_new(&options);
	struct zone_dns *zone = xcalloc(1, sizeof(*zone));
	struct buf message = BUF_INIT;

	assert_non_null(v);
	make_message(&message, t);
	add_records(zone, t);
	for (size_t i = 0; i < NITEMS(modes); i++)
		run(t, v, zone, buf_bytes(&message), modes[i]);
	zone_dns_reset(zone);
	free(zone);
	buf_free(&message);
	dkim_verifier_free(&v);
}

static EVP_PKEY *
new_key(int which)
{
	static const size_t bits[] = { 2048, 1024, 512, 1023 };

	return which == ED25519 ? EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")
				: EVP_PKEY_Q_keygen(NULL, NULL, "RSA", bits[which]);
}

static int
make_keys(void **state)
{
	UNUSED(state);
	for (int i = 0; i < KEYS; i++) {
		keys[i] = new_key(i);
		assert_non_null(keys[i]);
		dkim_craft_public(&public[i], keys[i]);
	}
	return 0;
}

static int
free_keys(void **state)
{
	UNUSED(state);
	for (int i = 0; i < KEYS; i++) {
		EVP_PKEY_free(keys[i]);
		buf_free(&public[i]);
	}
	return 0;
}

int
main(void)
{
	TABLE_TESTS(tests, rows, run_row);

	return cmocka_run_group_tests_name("mailauth/dkim_verify", tests, make_keys, free_keys);
}
