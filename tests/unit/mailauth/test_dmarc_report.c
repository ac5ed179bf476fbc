/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/mailauth/test_dmarc_report.c - aggregate reports: what we write we can read, in every
 * packing that is about; what is meant to hurt is refused.
 */
#include "../base/cases.h"

#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#include "dmarc_mail.h"
#include "dmarc_read.h"

/* What was read. */
struct seen {
	unsigned records;
	struct dmarc_read_report report;
	struct dmarc_read_record last;
	unsigned most; /* 0: all */
};

static bool
on_record(void *arg, const struct dmarc_read_report *report, const struct dmarc_read_record *record)
{
	struct seen *s = arg;

	s->records++;
	s->report = *report;
	s->last = *record;
	return s->most == 0 || s->records < s->most;
}

static void
put_report(struct buf *xml, struct dmarc_report *r, size_t rows)
{
	struct dmarc_row row = { .family = 4,
		.source = { 192, 0, 2, 1 },
		.disposition = DMARC_DID_QUARANTINE,
		.spf_aligned = true,
		.reason = DMARC_REASON_TRUSTED_FORWARDER,
		.comment = BYTES_LITERAL("our <own> list & more"),
		.header_from = BYTES_LITERAL("sub.example.org"),
		.envelope_from = BYTES_LITERAL("b\xff\x01unce.example.org"),
		.envelope_to = BYTES_LITERAL("example.net"),
		.dkim_count = 2,
		.dkim = { { BYTES_LITERAL("one.example"), BYTES_LITERAL("s1"), DMARC_WORD_FAIL },
			{ BYTES_LITERAL("two.example"), BYTES_LITERAL("s2"), DMARC_WORD_PASS } },
		.spf_domain = BYTES_LITERAL("bounce.example.org"),
		.spf_result = DMARC_WORD_SOFTFAIL };

	*r = (struct dmarc_report){ .org_name = BYTES_LITERAL("J\xc3\xb6rg & <Co>"),
		.email = BYTES_LITERAL("postmaster@example.net"),
		.id = BYTES_LITERAL("1.0.example.org@mx.example.net"),
		.begin_s = 86400,
		.end_s = 172799,
		.policy_domain = BYTES_LITERAL("example.org") };
	assert_int_equal(
		dmarc_record_parse(
			BYTES_LITERAL("v=DMARC1; p=reject; rua=mailto:a@b.example"), &r->tags),
		ERR_OK);
	dmarc_xml_begin(xml, r);
	for (size_t i = 0; i < rows; i++)
		dmarc_xml_record(xml, &row, i + 1);
	dmarc_xml_end(xml);
}

static void
check_seen(const struct seen *s, unsigned records)
{
	assert_int_equal(s->records, records);
	assert_string_equal(s->report.org_name, "J??rg & <Co>");
	assert_string_equal(s->report.domain, "example.org");
	assert_string_equal(s->report.report_id, "1.0.example.org@mx.example.net");
	assert_string_equal(s->report.p, "reject");
	assert_int_equal(s->report.begin_s, 86400);
	assert_int_equal(s->report.end_s, 172799);
	assert_string_equal(s->last.source, "192.0.2.1");
	assert_int_equal(s->last.count, records);
	assert_string_equal(s->last.disposition, "quarantine");
	assert_string_equal(s->last.dkim, "fail");
	assert_string_equal(s->last.spf, "pass");
	assert_string_equal(s->last.header_from, "sub.example.org");
	assert_string_equal(s->last.envelope_from, "b??unce.example.org");
	assert_string_equal(s->last.dkim_domain, "two.example");
	assert_string_equal(s->last.dkim_result, "pass");
	assert_string_equal(s->last.spf_domain, "bounce.example.org");
	assert_string_equal(s->last.spf_result, "softfail");
}

static void
test_written_and_read(void **state)
{
	struct buf xml = BUF_INIT;
	struct dmarc_report r;
	struct seen s = { 0 };

	UNUSED(state);
	put_report(&xml, &r, 3);
	assert_int_equal(dmarc_read_xml(buf_bytes(&xml), on_record, &s), 3);
	check_seen(&s, 3);
	buf_free(&xml);
}

static void
test_enough(void **state)
{
	struct buf xml = BUF_INIT;
	struct dmarc_report r;
	struct seen s = { .most = 2 };

	UNUSED(state);
	put_report(&xml, &r, 5);
	assert_int_equal(dmarc_read_xml(buf_bytes(&xml), on_record, &s), 2);
	assert_int_equal(s.records, 2);
	buf_free(&xml);
}

/* The message: small and large; its lines are short. */
static void
test_message(void **state)
{
	const struct bytes to[] = { BYTES_LITERAL("a@example.org"),
		BYTES_LITERAL("b@example.com") };
	struct buf xml = BUF_INIT, gz = BUF_INIT, message = BUF_INIT, again = BUF_INIT;
	struct dmarc_report r;
	struct dmarc_mail m = { .report = &r,
		.submitter = BYTES_LITERAL("mx.example.net"),
		.from = BYTES_LITERAL("postmaster@example.net"),
		.to = to,
		.to_count = 2,
		.date = "Sun, 22 Nov 2026 05:00:00 +0000",
		.messages = 7,
		.unlisted = 1 };

	UNUSED(state);
	for (size_t rows = 1; rows < 3000; rows *= 40) {
		struct seen s = { 0 };
		struct bytes rest;

		buf_clear(&xml);
		buf_clear(&gz);
		buf_clear(&again);
		buf_clear(&message);
		put_report(&xml, &r, rows);
		assert_int_equal(dmarc_gzip(buf_bytes(&xml), &gz), ERR_OK);
		assert_int_equal(dmarc_gzip(buf_bytes(&xml), &again), ERR_OK);
		assert_true(bytes_equal(buf_bytes(&gz), buf_bytes(&again)));
		m.xml_gz = buf_bytes(&gz);
		dmarc_mail_put(&message, &m);
		assert_int_equal(dmarc_read_message(buf_bytes(&message), on_record, &s), 1);
		check_seen(&s, (unsigned)rows);
		for (rest = buf_bytes(&message); rest.n > 0;) {
			struct bytes line = bytes_cut(&rest, '\n');

			assert_true(line.n > 0 && line.n < 200 && line.p[line.n - 1] == '\r');
		}
		assert_true(bytes_search(buf_bytes(&message),
				    BYTES_LITERAL("filename=\"mx.example.net!example.org!86400!"
						  "172799.xml.gz\"")) != BYTES_NOT_FOUND);
	}
	buf_free(&xml);
	buf_free(&gz);
	buf_free(&again);
	buf_free(&message);
}

/* ---- packings ---- */

static void
put_deflated(struct buf *out, struct bytes data, int bits)
{
	z_stream z = { 0 };
	uLong bound;

	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
	bound = deflateBound(&z, (uLong)data.n);
	z.next_in = (z_const Bytef *)(uintptr_t)data.p;
	z.avail_in = (uInt)data.n;
	z.next_out = buf_room(out, bound);
	z.avail_out = (uInt)bound;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	buf_added(out, bound - z.avail_out);
	deflateEnd(&z);
}

/* One file of a zip archive; late: its sizes come behind it. */
static void
put_zip(struct buf *out, const char *name, struct bytes data, bool stored, bool late)
{
	struct buf packed = BUF_INIT;

	if (stored)
		buf_put_bytes(&packed, data);
	else
		put_deflated(&packed, data, -15);
	buf_put_str(out, "PK\3\4");
	buf_put_u16(out, 20);
	buf_put_u16(out, late ? 8 : 0);
	buf_put_u16(out, stored ? 0 : 8);
	buf_put_u32(out, 0); /* time */
	buf_put_u32(out, 0); /* CRC: not looked at */
	buf_put_u32(out, late ? 0 : (uint32_t)packed.len);
	buf_put_u32(out, late ? 0 : (uint32_t)data.n);
	buf_put_u16(out, (uint16_t)strlen(name));
	buf_put_u16(out, 0);
	buf_put_str(out, name);
	buf_put_bytes(out, buf_bytes(&packed));
	if (late) {
		buf_put_str(out, "PK\7\10");
		for (int i = 0; i < 3; i++)
			buf_put_u32(out, 0);
	}
	buf_free(&packed);
}

static void
test_zip(void **state)
{
	struct buf xml = BUF_INIT, zip = BUF_INIT, out = BUF_INIT;
	struct dmarc_report r;

	UNUSED(state);
	put_report(&xml, &r, 2);
	for (unsigned how = 0; how < 8; how++) {
		const bool stored = how & 1, late = (how & 2) && !stored, second = how & 4;

		buf_clear(&zip);
		if (second)
			put_zip(&zip, "readme.txt", BYTES_LITERAL("hello"), stored, late);
		put_zip(&zip, "report.xml", buf_bytes(&xml), stored, late);
		assert_int_equal(dmarc_read_unpack(buf_bytes(&zip), &out), ERR_OK);
		assert_true(bytes_equal(buf_bytes(&out), buf_bytes(&xml)));
		/* cut off anywhere it is an error, or nothing, but no fault */
		for (size_t n = 0; n < zip.len; n += 7)
			(void)!dmarc_read_unpack(bytes_head(buf_bytes(&zip), n), &out);
	}
	buf_free(&xml);
	buf_free(&zip);
	buf_free(&out);
}

static void
test_plain_and_others(void **state)
{
	struct buf out = BUF_INIT;

	UNUSED(state);
	assert_int_equal(dmarc_read_unpack(BYTES_LITERAL("\xef\xbb\xbf <?xml?>"), &out), ERR_OK);
	assert_int_equal(dmarc_read_unpack(BYTES_LITERAL("\n\n<feedback/>"), &out), ERR_OK);
	assert_int_equal(dmarc_read_unpack(BYTES_LITERAL("%PDF-1.4"), &out), ERR_UNSUPPORTED);
	assert_int_equal(dmarc_read_unpack(BYTES_NONE, &out), ERR_UNSUPPORTED);
	assert_int_equal(dmarc_read_unpack(BYTES_LITERAL("\x1f\x8bgarbage"), &out), ERR_SYNTAX);
	assert_int_equal(dmarc_read_message(BYTES_LITERAL("Subject: x\r\n\r\n<feedback>\r\n"),
				 on_record, NULL),
		ERR_NOT_FOUND);
	buf_free(&out);
}

/* ---- what is meant to hurt ---- */

static void
test_bombs(void **state)
{
	struct buf zeros = BUF_INIT, packed = BUF_INIT, twice = BUF_INIT, out = BUF_INIT;

	UNUSED(state);
	memset(buf_room(&zeros, DMARC_READ_XML_MAX + 1), ' ', DMARC_READ_XML_MAX + 1);
	buf_added(&zeros, DMARC_READ_XML_MAX + 1);
	put_deflated(&packed, buf_bytes(&zeros), 31);
	assert_int_equal(dmarc_read_unpack(buf_bytes(&packed), &out), ERR_LIMIT);
	buf_clear(&zeros);
	/* a bomb in a bomb stays closed */
	put_deflated(&twice, buf_bytes(&packed), 31);
	assert_int_equal(dmarc_read_unpack(buf_bytes(&twice), &out), ERR_OK);
	assert_true(out.len < 1u << 20);
	assert_int_equal(dmarc_read_xml(buf_bytes(&out), on_record, NULL), ERR_SYNTAX);
	buf_free(&zeros);
	buf_free(&packed);
	buf_free(&twice);
	buf_free(&out);
}

/* Many in one message: what comes out of it is limited as a whole. */
static void
test_many_bombs(void **state)
{
	struct buf xml = BUF_INIT, packed = BUF_INIT, message = BUF_INIT, bomb = BUF_INIT;
	const size_t size = DMARC_READ_XML_MAX - 1000, parts = 5;
	struct dmarc_report report;
	struct seen s = { 0 };

	UNUSED(state);
	put_report(&xml, &report, 1);
	memset(buf_room(&xml, size - xml.len), '\n', size - xml.len);
	buf_added(&xml, size - xml.len);
	put_deflated(&packed, buf_bytes(&xml), 31);
	put_zip(&bomb, "r.xml", buf_bytes(&xml), false, false);
	buf_free(&xml);
	buf_put_str(&message, "Content-Type: multipart/mixed; boundary=b\r\n\r\n");
	for (size_t i = 0; i < parts; i++) {
		buf_put_str(&message, "--b\r\nContent-Type: application/gzip\r\n"
				      "Content-Transfer-Encoding: binary\r\n\r\n");
		buf_put_bytes(&message, i % 2 == 0 ? buf_bytes(&packed) : buf_bytes(&bomb));
		buf_put_str(&message, "\r\n");
	}
	buf_put_str(&message, "--b--\r\n");
	assert_int_equal(dmarc_read_message(buf_bytes(&message), on_record, &s), 2);
	assert_int_equal(s.records, 2);
	buf_free(&packed);
	buf_free(&bomb);
	buf_free(&message);
}

static const struct bad {
	const char *label, *xml;
	int err;
} bads[] = {
	{ "entities",
		"<!DOCTYPE feedback [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]>"
		"<feedback>&b;</feedback>",
		ERR_DENIED },
	{ "a file of ours",
		"<!DOCTYPE feedback [<!ENTITY a SYSTEM \"/etc/passwd\">]>"
		"<feedback>&a;</feedback>",
		ERR_DENIED },
	{ "a document type", "<!DOCTYPE feedback SYSTEM \"http://example.org/x.dtd\"><feedback/>",
		ERR_DENIED },
	{ "another document", "<html><body/></html>", ERR_SYNTAX },
	{ "cut off", "<feedback><record><row>", ERR_SYNTAX },
	{ "no document", "", ERR_SYNTAX },
	{ "not well-formed", "<feedback></record></feedback>", ERR_SYNTAX },
	{ "too deep",
		"<feedback><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a>"
		"<a><a><a><a><a><a><a><a><a><a><a><a>",
		ERR_LIMIT },
	{ "an empty root without a name behind its prefix", "<a:/>", ERR_LIMIT },
	{ "an empty root, all prefix", "<:/>", ERR_LIMIT },
	{ "an empty element without a name", "<feedback><a:/></feedback>", ERR_LIMIT },
	{ "an empty root that is another", "<html/>", ERR_SYNTAX },
	{ "no records", "<feedback><version>1.0</version></feedback>", 0 },
	{ "elements nobody knows",
		"<f:feedback "
		"xmlns:f=\"urn:x\"><f:record><f:row><f:count>3</f:count><x>y</x></f:row>"
		"<z/></f:record></f:feedback>",
		1 },
	{ "numbers that are none",
		"<feedback><record><row><count>-99999999999999999999</count></row></record></"
		"feedback>",
		1 },
};

static void
run_bad(void **arg)
{
	const struct bad *t = *arg;
	struct seen s = { 0 };

	assert_int_equal(dmarc_read_xml(bytes_from_str(t->xml), on_record, &s), t->err);
}

/* An empty element, its name as long as one that finds no room, and around that. */
static void
test_long_names(void **state)
{
	UNUSED(state);
	for (size_t n = 500; n < 600; n++) {
		struct buf xml = BUF_INIT;
		struct seen s = { 0 };

		buf_put_u8(&xml, '<');
		for (size_t i = 0; i < n; i++)
			buf_put_u8(&xml, 'a');
		buf_put_str(&xml, "/>");
		assert_int_equal(dmarc_read_xml(buf_bytes(&xml), on_record, &s),
			n <= 510 ? ERR_SYNTAX : ERR_LIMIT);
		buf_free(&xml);
	}
}

/* ---- of others ---- */

static const struct sample {
	const char *label, *org, *domain, *source;
	unsigned records;
} samples[] = {
	{ "google", "google.com", "ueber.net", "46.19.35.124", 2 },
	{ "mailru", "Mail.Ru", "ueber.net", "176.113.22.155", 1 },
	{ "outlook", "Outlook.com", "ueber.net", "46.19.35.124", 1 },
	{ "xs4all", "xs4all.nl", "ueber.net", "46.19.35.124", 1 },
	{ "yahoo", "Yahoo! Inc.", "ueber.net", "46.19.35.124", 1 },
};

static void
run_sample(void **arg)
{
	const struct sample *t = *arg;
	struct buf message = BUF_INIT;
	struct seen s = { 0 };
	char path[128];
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "tests/data/dmarc/%s.eml", t->label);
	f = fopen(path, "r");
	assert_non_null(f);
	n = fread(buf_room(&message, 65536), 1, 65536, f);
	buf_added(&message, n);
	fclose(f);
	assert_int_equal(dmarc_read_message(buf_bytes(&message), on_record, &s), 1);
	assert_string_equal(s.report.org_name, t->org);
	assert_string_equal(s.report.domain, t->domain);
	assert_string_equal(s.last.source, t->source);
	assert_int_equal(s.records, t->records);
	assert_true(s.last.count > 0);
	assert_true(s.report.begin_s > 0 && s.report.end_s > s.report.begin_s);
	buf_free(&message);
}

int
main(void)
{
	struct CMUnitTest tests[NITEMS(bads) + NITEMS(samples) + 8] = {
		cmocka_unit_test(test_written_and_read),
		cmocka_unit_test(test_enough),
		cmocka_unit_test(test_message),
		cmocka_unit_test(test_zip),
		cmocka_unit_test(test_plain_and_others),
		cmocka_unit_test(test_bombs),
		cmocka_unit_test(test_many_bombs),
		cmocka_unit_test(test_long_names),
	};
	size_t n = 8;

	ADD_ROWS(tests, n, bads, run_bad);
	ADD_ROWS(tests, n, samples, run_sample);
	return cmocka_run_group_tests_name("mailauth/dmarc_report", tests, NULL, NULL);
}
