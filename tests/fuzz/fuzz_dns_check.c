/* SPDX-License-Identifier: ISC */
/*
 * tests/fuzz/fuzz_dns_check.c - answers of any DNS to the checks of a domain's records: they come
 * to an end, and each thing that is found has its words.
 */
#include "dns_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct dns {
	struct bytes left;
	struct dns_answer answer;
};

static uint8_t
next(struct dns *d)
{
	uint8_t c = d->left.n > 0 ? d->left.p[0] : 0;

	d->left = bytes_skip(d->left, 1);
	return c;
}

/* Status and flags, how many records; each with its length. */
static const struct dns_answer *
answer(void *ctx, uint16_t type, const char *name)
{
	struct dns *d = ctx;
	uint8_t head = next(d);

	UNUSED(type);
	d->answer = (struct dns_answer){ .status = head % DNS_STATUS_COUNT,
		.secure = (head & 0x80) != 0,
		.canonical = (head & 0x40) != 0 ? BYTES_LITERAL("other.example")
						: bytes_from_str(name) };
	if (d->answer.status == DNS_OK)
		d->answer.count = next(d) % 8u;
	for (uint32_t i = 0; i < d->answer.count; i++) {
		d->answer.rdata[i] = bytes_head(d->left, next(d));
		d->left = bytes_skip(d->left, d->answer.rdata[i].n);
	}
	d->answer.total = d->answer.count;
	return &d->answer;
}

static bool
spf(void *ctx, const struct mailauth_spf_question *q, struct mailauth_spf_result *out)
{
	struct dns *d = ctx;
	uint8_t head = next(d);

	UNUSED(q);
	*out = (struct mailauth_spf_result){ .mail_from = { .result = head % AUTH_RESULT_COUNT,
						     .mechanism = bytes_head(d->left, 4) } };
	return (head & 0x80) == 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct dns_findings found;
	static struct dns_plan plan;
	static struct dns d;
	static struct dns_facts f;
	const struct dns_asker asker = { answer, spf, &d };
	struct arena a = ARENA_INIT;

	f = (struct dns_facts){ .domain = "a.example",
		.hostname = "mx.a.example",
		.keys_known = true,
		.n_keys = 1,
		.keys = { { .selector = BYTES_LITERAL("s"),
			.state = DKIM_ACTIVE,
			.record = BYTES_LITERAL("v=DKIM1; k=rsa; p=QUJD") } },
		.n_certificates = 1,
		.services = { { "_submissions", 465, 0 }, { "_submission", 587, 10 },
			{ "_imaps", 993, 0 }, { "_imap", 143, 10 }, { "_pop3s", 0, 20 },
			{ "_pop3", 0, 30 } },
		.report_to = "postmaster@a.example" };
	d.left = bytes_make(data, size);
	dns_plan_make(&a, &f, &plan);
	dns_check(&a, &f, &plan, &asker, &found);
	ASSERT(found.n > 0 && found.n <= DNS_FINDINGS_MAX);
	for (size_t i = 0; i < found.n; i++) {
		const struct dns_finding *x = &found.findings[i];

		ASSERT(dns_level_name(x->level) != NULL && x->what[0] != 0 && x->name[0] != 0 &&
			x->text[0] != 0 && x->todo != NULL);
	}
	arena_reset(&a);
	return 0;
}
