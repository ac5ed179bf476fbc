/* SPDX-License-Identifier: ISC */
/*
 * tests/fuzz/fuzz_dkim_sign.c - what we sign verifies: any message but one with control characters
 * in its header, with a signature, or with a From that is no field.
 */
#include "dkim_canon.h"
#include "dkim_sign.h"
#include "dkim_verify.h"
#include "rfc5322.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char pem[] = "-----BEGIN PRIVATE KEY-----\n"
			  "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
			  "-----END PRIVATE KEY-----\n";

static void
ask(void *ctx, uint16_t type, struct bytes name, mailauth_dns_fn *done, void *arg)
{
	const struct dkim_key *key = ctx;
	struct dns_answer answer = { .status = DNS_OK, .count = 1, .total = 1 };
	struct buf text = BUF_INIT, rdata = BUF_INIT;

	ASSERT(type == DNS_TYPE_TXT && bytes_is(name, "s._domainkey.example.org"));
	dkim_key_record(key, &text);
	buf_put_u8(&rdata, (uint8_t)text.len);
	buf_put_bytes(&rdata, buf_bytes(&text));
	answer.rdata[0] = buf_bytes(&rdata);
	done(arg, &answer);
	buf_free(&text);
	buf_free(&rdata);
}

static void
nothing(void *arg)
{
	UNUSED(arg);
}

static bool
is_plain(struct bytes header)
{
	struct bytes rest = header;
	struct rfc5322_field f;

	for (size_t i = 0; i < header.n; i++)
		if (header.p[i] < ' ' && header.p[i] != '\t' && header.p[i] != '\n' &&
			!(header.p[i] == '\r' && i + 1 < header.n && header.p[i + 1] == '\n'))
			return false;
	while (rfc5322_field_next(&rest, &f)) {
		if (bytes_is_nocase(f.name, "DKIM-Signature") ||
			(bytes_is_nocase(f.name, "From") && !dkim_is_field(&f)))
			return false;
	}
	return true;
}

static void
expect_pass(struct dkim_key *key, struct bytes field, struct bytes header, struct bytes body)
{
	const struct dkim_verify_options options = { 8, 1024, 1u << 30 };
	const struct mailauth_dns dns = { ask, key };
	struct dkim_verifier *v = dkim_verifier_new(&options);
	const struct dkim_verdict *verdicts;
	struct buf all = BUF_INIT;
	struct dkim_check *c;
	size_t n;

	buf_put_bytes(&all, field);
	buf_put_bytes(&all, header);
	dkim_check_start(v, &dns, buf_bytes(&all), 1700000000, nothing, NULL, &c);
	dkim_check_body(c, body);
	verdicts = dkim_check_end(c, &n);
	ASSERT(n == 1);
	ASSERT(verdicts[0].result == DKIM_PASS);
	dkim_check_free(&c);
	dkim_verifier_free(&v);
	buf_free(&all);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct dkim_sign_options options = { .now = 1700000000 };
	struct dkim_signing_key with = { BYTES_LITERAL("example.org"), BYTES_LITERAL("s"), NULL };
	struct buf message = BUF_INIT, field = BUF_INIT;
	struct dkim_signing *s;
	struct dkim_key *key;
	struct bytes header, body;

	ASSERT(dkim_key_read(bytes_from_str(pem), &key) == ERR_OK);
	rfc5322_put_crlf(&message, bytes_make(data, size));
	header = bytes_head(buf_bytes(&message), rfc5322_header_len(buf_bytes(&message)));
	body = bytes_skip(buf_bytes(&message), header.n);
	with.key = key;
	if (dkim_signing_new(&with, 1, header, &options, &s) == ERR_OK) {
		dkim_signing_body(s, bytes_head(body, body.n / 2));
		dkim_signing_body(s, bytes_skip(body, body.n / 2));
		ASSERT(dkim_signing_end(s, &field) == ERR_OK);
		dkim_signing_free(&s);
		if (is_plain(header))
			expect_pass(key, buf_bytes(&field), header, body);
	}
	dkim_key_free(&key);
	buf_free(&message);
	buf_free(&field);
	return 0;
}
