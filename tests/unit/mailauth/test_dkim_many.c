/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/mailauth/test_dkim_many.c - messages with many signatures, fields and octets: limits,
 * shared keys, and that one signature's fate is not another's.
 */
#include "../base/cases.h"

#include <stdio.h>
#include <stdlib.h>

#include "dkim_craft.h"
#include "dkim_verify.h"
#include "rfc5322.h"

#define NOW    1700000000
#define HEADER "From: a@example.org\r\nSubject: x\r\n"
#define EMPTY  "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" /* SHA-256 of nothing */
#define GOOD   "v=1; a=ed25519-sha256; c=relaxed/relaxed; d=example.org; s=x; h=From:Subject"

static EVP_PKEY *key;
static struct zone_dns *zone;
static bool unread; /* the body ends with an error */

static void
count_done(void *arg)
{
	++*(unsigned *)arg;
}

struct run {
	struct dkim_verifier *verifier;
	struct dkim_check *check;
	const struct dkim_verdict *verdicts;
	size_t n;
};

static void
start(struct run *r, unsigned signatures, uint64_t body_octets, const char *top,
	struct bytes header, struct bytes body)
{
	const struct dkim_verify_options options = { signatures, 1024, body_octets };
	struct mailauth_dns dns = zone_dns_way(zone);
	struct buf all = BUF_INIT;
	unsigned done = 0;

	buf_put_str(&all, top);
	buf_put_bytes(&all, header);
	r->verifier = dkim_verifier_new(&options);
	dkim_check_start(r->verifier, &dns, buf_bytes(&all), NOW, count_done, &done, &r->check);
	assert_int_equal(done, 1);
	for (; body.n > 0; body = bytes_skip(body, 1000))
		dkim_check_body(r->check, bytes_head(body, 1000));
	if (unread)
		dkim_check_unread(r->check);
	r->verdicts = dkim_check_end(r->check, &r->n);
	buf_free(&all);
}

static void
end(struct run *r)
{
	dkim_check_free(&r->check);
	dkim_verifier_free(&r->verifier);
}

static char *
signature(const char *tags, const char *body)
{
	struct buf out = BUF_INIT;
	char *text;

	dkim_craft(&out, key, tags, BYTES_LITERAL(HEADER), bytes_from_str(body));
	text = xstrdup(buf_str(&out));
	buf_free(&out);
	return text;
}

static void
expect(const struct run *r, size_t i, enum dkim_result result, const char *why)
{
	assert_true(i < r->n);
	assert_string_equal(r->verdicts[i].why, why);
	assert_int_equal(r->verdicts[i].result, result);
}

static void
more_than_the_limit(void **arg)
{
	char *one = signature(GOOD, "b\r\n");
	struct buf header = BUF_INIT;
	uint64_t asked = zone->asked;
	struct run r;

	UNUSED(arg);
	for (int i = 0; i < 20; i++)
		buf_put_str(&header, one);
	buf_put_str(&header, HEADER);
	start(&r, 3, 100, "", buf_bytes(&header), BYTES_LITERAL("b\r\n"));
	assert_int_equal(r.n, DKIM_SIGNATURES_MAX);
	assert_int_equal(dkim_check_signatures(r.check), 20);
	for (size_t i = 0; i < r.n; i++)
		expect(&r, i, i < 3 ? DKIM_PASS : DKIM_POLICY,
			i < 3 ? "" : "more signatures than are verified");
	assert_int_equal(zone->asked, asked + 1); /* one key, asked once */
	end(&r);
	free(one);
	buf_free(&header);
}

/* Forwarders have put theirs on top: the author's is looked at all the same. */
static void
authors_is_the_lowest(void **arg)
{
	static const struct {
		const char *own; /* d= */
		const char *from;
		int others;
	} rows[] = {
		{ "example.org", "A <a@News.Example.org>", 8 },
		{ "example.org", "A <a@News.Example.org>", 40 },
		{ "news.example.org", "a@example.org", 40 },
		{ "shop.example.org", "a@news.example.org", 40 },
		{ "xn--bcher-kva.example",
			"a@b\xc3\xbc"
			"cher.example",
			40 },
		{ "xn--bcher-kva.example",
			"a@mail.B\xc3\x9c"
			"CHER.example",
			40 },
	};
	char *others =
		signature("v=1; a=ed25519-sha256; d=other.example; s=x; h=From:Subject", "b\r\n");
	char *bad = signature("v=1; a=ed25519-sha256; d=b..x; s=x; h=From:Subject", "b\r\n");

	UNUSED(arg);
	for (size_t i = 0; i < NITEMS(rows); i++) {
		struct buf header = BUF_INIT, tags = BUF_INIT;
		size_t last;
		struct run r;
		char *own;

		buf_printf(&tags, "v=1; a=ed25519-sha256; d=%s; s=x; h=From:Subject", rows[i].own);
		own = signature(buf_str(&tags), "b\r\n");
		for (int k = 0; k < rows[i].others; k++)
			buf_put_str(&header, k % 7 == 3 ? bad : others);
		buf_put_str(&header, own);
		buf_printf(&header, "From: %s\r\nSubject: x\r\n", rows[i].from);
		start(&r, 1, 100, "", buf_bytes(&header), BYTES_LITERAL("b\r\n"));
		last = rows[i].others < DKIM_SIGNATURES_MAX ? (size_t)rows[i].others
							    : DKIM_SIGNATURES_MAX - 1;
		assert_int_equal(r.n, last + 1);
		expect(&r, last - 1, DKIM_POLICY, "more signatures than are verified");
		assert_true(bytes_is(r.verdicts[last].domain, rows[i].own));
		/* looked at: of another From, or without a key */
		assert_true(r.verdicts[last].result == DKIM_FAIL ||
			    r.verdicts[last].result == DKIM_PERMERROR);
		end(&r);
		free(own);
		buf_free(&header);
		buf_free(&tags);
	}
	free(others);
	free(bad);
}

/* The exact domain before one that merely ends like it, among those that are verified. */
static void
nearest_first(void **arg)
{
	char *far = signature("v=1; a=ed25519-sha256; d=a.example.org; s=x; h=From", "b\r\n");
	char *own = signature("v=1; a=ed25519-sha256; d=b.example.org; s=x; h=From", "b\r\n");
	struct buf header = BUF_INIT;
	struct run r;

	UNUSED(arg);
	for (int i = 0; i < 20; i++)
		buf_put_str(&header, far);
	buf_put_str(&header, own);
	buf_put_str(&header, "From: a@b.example.org\r\nSubject: x\r\n");
	start(&r, 1, 100, "", buf_bytes(&header), BYTES_LITERAL("b\r\n"));
	assert_int_equal(r.n, DKIM_SIGNATURES_MAX);
	expect(&r, 0, DKIM_POLICY, "more signatures than are verified");
	assert_int_equal(r.verdicts[DKIM_SIGNATURES_MAX - 1].result, DKIM_PERMERROR);
	end(&r);
	free(far);
	free(own);
	buf_free(&header);
}

/* What it says when the rest of the body cannot be read. */
static void
body_unread(void **arg)
{
	char *one = signature(GOOD, "b\r\n");
	struct buf header = BUF_INIT;
	struct run r;

	UNUSED(arg);
	buf_put_str(&header, one);
	buf_put_str(&header, HEADER);
	start(&r, 8, 100, "", buf_bytes(&header), BYTES_NONE);
	expect(&r, 0, DKIM_FAIL, "the body does not match");
	end(&r);
	unread = true;
	start(&r, 8, 100, "", buf_bytes(&header), BYTES_NONE);
	unread = false;
	expect(&r, 0, DKIM_TEMPERROR, "the message could not be read");
	end(&r);
	free(one);
	buf_free(&header);
}

static void
each_for_itself(void **arg)
{
	static const char bh_of_nothing[] =
		"v=1; a=ed25519-sha256; d=example.org; s=x; h=From; bh=" EMPTY;
	static const char *const tags[] = {
		"nonsense",
		"v=1; a=ed25519-sha256; c=relaxed/relaxed; d=example.org; s=x; h=From:Subject; l=1",
		GOOD,
		"v=1; a=ed25519-sha256; c=simple/simple; d=example.org; s=x; h=From",
		"v=1; a=ed25519-sha256; c=simple/simple; d=example.org; s=none; h=From",
		"v=1; a=ed25519-sha256; c=simple/simple; d=example.com; s=slow; h=From",
		"v=1; a=rsa-sha1; d=example.org; s=x; h=From",
		bh_of_nothing,
	};
	static const enum dkim_result want[] = { DKIM_NEUTRAL, DKIM_POLICY, DKIM_PASS, DKIM_PASS,
		DKIM_PERMERROR, DKIM_TEMPERROR, DKIM_PERMERROR, DKIM_FAIL };
	struct buf header = BUF_INIT;
	struct run r;

	UNUSED(arg);
	for (size_t i = 0; i < NITEMS(tags); i++) {
		char *text = signature(tags[i], "b\r\n");

		buf_put_str(&header, text);
		free(text);
	}
	buf_put_str(&header, HEADER);
	start(&r, 16, 100, "", buf_bytes(&header), BYTES_LITERAL("b\r\n"));
	assert_int_equal(r.n, NITEMS(tags));
	for (size_t i = 0; i < r.n; i++) {
		assert_int_equal(r.verdicts[i].result, want[i]);
		assert_int_equal(r.verdicts[i].why[0] == '\0', want[i] == DKIM_PASS);
	}
	end(&r);
	buf_free(&header);
}

/* Records of both types at one name; the library would take the first one's key for all. */
static void
one_selector_two_keys(void **arg)
{
	static const char *const tags[] = {
		"v=1; a=rsa-sha256; d=example.org; s=both; h=From",
		"v=1; a=ed25519-sha256; d=example.org; s=both; h=From",
	};
	EVP_PKEY *rsa = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
	struct buf header = BUF_INIT;
	struct run r;

	UNUSED(arg);
	dkim_craft_publish_key(zone, "both._domainkey.example.org", rsa);
	dkim_craft_publish_key(zone, "both._domainkey.example.org", key);
	for (int i = 0; i < 5; i++)
		dkim_craft(&header, i % 2 == 0 ? rsa : key, tags[i % 2], BYTES_LITERAL(HEADER),
			BYTES_LITERAL("b\r\n"));
	buf_put_str(&header, HEADER);
	start(&r, 8, 100, "", buf_bytes(&header), BYTES_LITERAL("b\r\n"));
	assert_int_equal(r.n, 5);
	for (size_t i = 0; i < r.n; i++)
		expect(&r, i, DKIM_PASS, "");
	end(&r);
	EVP_PKEY_free(rsa);
	buf_free(&header);
}

static void
large_bodies(void **arg)
{
	char *one = signature(GOOD, "b\r\n");
	struct buf body = BUF_INIT, header = BUF_INIT;
	struct run r;

	UNUSED(arg);
	buf_put_str(&header, one);
	buf_put_str(&header, HEADER);
	for (int i = 0; i < 5000; i++)
		buf_put_str(&body, "a\r\n");
	start(&r, 8, 14999, "", buf_bytes(&header), buf_bytes(&body));
	expect(&r, 0, DKIM_POLICY, "the message is larger than what is verified");
	end(&r);
	start(&r, 8, 15000, "", buf_bytes(&header), buf_bytes(&body));
	expect(&r, 0, DKIM_FAIL, "the body does not match");
	end(&r);
	for (int i = 0; i < 1100000; i++)
		buf_put_u8(&body, 'a');
	start(&r, 8, 10000000, "", buf_bytes(&header), buf_bytes(&body));
	expect(&r, 0, DKIM_FAIL, "the body does not match");
	end(&r);
	free(one);
	buf_free(&body);
	buf_free(&header);
}

static void
large_headers(void **arg)
{
	char *one = signature(GOOD, "b\r\n");
	struct buf header = BUF_INIT;
	struct run r;

	UNUSED(arg);
	buf_put_str(&header, one);
	buf_put_str(&header, HEADER);
	for (int i = 0; i < DKIM_FIELDS_MAX - 3; i++)
		buf_put_str(&header, "X: y\r\n");
	start(&r, 8, 100, "", buf_bytes(&header), BYTES_LITERAL("b\r\n"));
	expect(&r, 0, DKIM_PASS, "");
	end(&r);
	start(&r, 8, 100, "Y: z\r\n", buf_bytes(&header), BYTES_LITERAL("b\r\n"));
	expect(&r, 0, DKIM_POLICY, "the header is too long");
	end(&r);
	buf_clear(&header);
	buf_put_str(&header, one);
	buf_put_str(&header, HEADER "X: ");
	for (int i = 0; i < DKIM_HEADER_MAX; i++)
		buf_put_u8(&header, 'x');
	buf_put_str(&header, "\r\n");
	start(&r, 8, 100, "", buf_bytes(&header), BYTES_LITERAL("b\r\n"));
	expect(&r, 0, DKIM_POLICY, "the header is too long");
	end(&r);
	free(one);
	buf_free(&header);
}

/* The library would end the field there. */
static void
nul_in_a_field(void **arg)
{
	char *one = signature(GOOD, "b\r\n");
	struct buf header = BUF_INIT;
	struct run r;

	UNUSED(arg);
	buf_put_str(&header, one);
	buf_put_str(&header, "From: a@example.org\r\nSubject: x");
	buf_put(&header, "\0 and more\r\n", 12);
	start(&r, 8, 100, "", buf_bytes(&header), BYTES_LITERAL("b\r\n"));
	expect(&r, 0, DKIM_POLICY, "a signed field is not written plainly");
	end(&r);
	free(one);
	buf_free(&header);
}

/* Each name of h=, be it empty, costs its time for each field of the header. */
static void
empty_names(void **arg)
{
	struct buf tags = BUF_INIT, header = BUF_INIT;
	struct run r;

	UNUSED(arg);
	for (int names = DKIM_SIGNED_FIELDS_MAX; names <= DKIM_SIGNED_FIELDS_MAX + 1; names++) {
		buf_put_str(&tags, "v=1; a=ed25519-sha256; d=example.org; s=x; h=From");
		for (int i = 1; i < names; i++)
			buf_put_u8(&tags, ':');
		dkim_craft(&header, key, buf_str(&tags), BYTES_LITERAL(HEADER),
			BYTES_LITERAL("b\r\n"));
		buf_put_str(&header, HEADER);
		start(&r, 8, 100, "", buf_bytes(&header), BYTES_LITERAL("b\r\n"));
		assert_int_equal(r.verdicts[0].result,
			names > DKIM_SIGNED_FIELDS_MAX ? DKIM_NEUTRAL : DKIM_PASS);
		end(&r);
		buf_clear(&tags);
		buf_clear(&header);
	}
	buf_free(&tags);
	buf_free(&header);
}

static void
no_signature(void **arg)
{
	struct run r;

	UNUSED(arg);
	start(&r, 8, 100, "", BYTES_LITERAL(HEADER), BYTES_LITERAL("b\r\n"));
	assert_int_equal(r.n, 0);
	assert_int_equal(dkim_check_signatures(r.check), 0);
	end(&r);
	start(&r, 8, 100, "", BYTES_NONE, BYTES_NONE);
	assert_int_equal(r.n, 0);
	end(&r);
}

static int
set_up(void **state)
{
	UNUSED(state);
	key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	zone = xcalloc(1, sizeof(*zone));
	dkim_craft_publish_key(zone, "x._domainkey.example.org", key);
	zone_dns_add(zone, BYTES_LITERAL("slow._domainkey.example.com TIMEOUT"));
	return 0;
}

static int
tear_down(void **state)
{
	UNUSED(state);
	EVP_PKEY_free(key);
	zone_dns_reset(zone);
	free(zone);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(more_than_the_limit),
		cmocka_unit_test(authors_is_the_lowest),
		cmocka_unit_test(nearest_first),
		cmocka_unit_test(body_unread),
		cmocka_unit_test(each_for_itself),
		cmocka_unit_test(one_selector_two_keys),
		cmocka_unit_test(large_bodies),
		cmocka_unit_test(large_headers),
		cmocka_unit_test(nul_in_a_field),
		cmocka_unit_test(empty_names),
		cmocka_unit_test(no_signature),
	};

	return cmocka_run_group_tests_name("mailauth/dkim_many", tests, set_up, tear_down);
}
