/* SPDX-License-Identifier: ISC */
/*
 * tests/fuzz/fuzz_dkim_verify.c - a message's signatures, from the header to the verdicts. The
 * first line is the TXT record for every key; if it is empty the keys are those of RFC 8463 app. A.
 * The rest is the message. How the body is cut must not matter, nor whether the keys were read
 * before.
 */
#include "dkim_verify.h"
#include "rfc5322.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char ed25519[] = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
static const char rsa[] =
	"v=DKIM1; k=rsa; "
	"p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhd"
	"R6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/"
	"8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5"
	"QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB";

static void
put_strings(struct buf *out, struct bytes text)
{
	do {
		struct bytes one = bytes_head(text, 255);

		buf_put_u8(out, (uint8_t)one.n);
		buf_put_bytes(out, one);
		text = bytes_skip(text, one.n);
	} while (text.n > 0);
}

static void
ask(void *ctx, uint16_t type, struct bytes name, mailauth_dns_fn *done, void *arg)
{
	const struct bytes *record = ctx;
	struct dns_answer answer = { .status = DNS_OK };
	struct buf rdata[2] = { BUF_INIT, BUF_INIT };

	ASSERT(type == DNS_TYPE_TXT && bytes_search(name, BYTES_LITERAL("._domainkey.")) > 0);
	put_strings(&rdata[0], record->n > 0 ? *record : bytes_from_str(ed25519));
	put_strings(&rdata[1], bytes_from_str(rsa));
	answer.count = answer.total = 2;
	for (int i = 0; i < 2; i++)
		answer.rdata[i] = buf_bytes(&rdata[i]);
	done(arg, &answer);
	buf_free(&rdata[0]);
	buf_free(&rdata[1]);
}

static void
nothing(void *arg)
{
	UNUSED(arg);
}

struct outcome {
	size_t n;
	enum dkim_result results[DKIM_SIGNATURES_MAX];
};

static struct outcome
run(struct dkim_verifier *v, struct bytes record, struct bytes message, size_t piece)
{
	const struct mailauth_dns dns = { ask, &record };
	struct bytes body = bytes_skip(message, rfc5322_header_len(message));
	const struct dkim_verdict *verdicts;
	struct outcome out = { 0 };
	struct dkim_check *c;

	dkim_check_start(v, &dns, message, 1700000000, nothing, NULL, &c);
	for (; body.n > 0; body = bytes_skip(body, piece))
		dkim_check_body(c, bytes_head(body, piece));
	verdicts = dkim_check_end(c, &out.n);
	ASSERT(out.n <= DKIM_SIGNATURES_MAX && out.n <= dkim_check_signatures(c));
	for (size_t i = 0; i < out.n; i++) {
		out.results[i] = verdicts[i].result;
		ASSERT(verdicts[i].result != DKIM_NONE);
		ASSERT((verdicts[i].why[0] == '\0') == (verdicts[i].result == DKIM_PASS));
	}
	dkim_check_free(&c);
	return out;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct dkim_verify_options options = { 8, 1024, 1000000 };
	struct dkim_verifier *v = dkim_verifier_new(&options);
	struct bytes rest = bytes_make(data, size), record = bytes_cut(&rest, '\n');
	struct outcome whole = run(v, record, rest, SIZE_MAX);

	for (size_t piece = 1; piece < 4 && size < 4000; piece++) {
		struct outcome cut = run(v, record, rest, piece);

		ASSERT(cut.n == whole.n);
		for (size_t i = 0; i < cut.n; i++)
			ASSERT(cut.results[i] == whole.results[i]);
	}
	dkim_verifier_free(&v);
	return 0;
}
