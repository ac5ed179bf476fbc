/* SPDX-License-Identifier: ISC */
/*
 * tests/fuzz/fuzz_spf_record.c - records of SPF: parsing ends, what is accepted expands within the
 * limits, and a name that comes out of it can be asked for.
 */
#include "received_spf.h"
#include "spf_macro.h"
#include "spf_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
expand(struct bytes spec, const struct spf_macro_values *v)
{
	struct buf text = BUF_INIT, wire = BUF_INIT;
	char name[DNS_NAME_SIZE];
	int n;

	ASSERT(spf_macro_check(spec, SPF_MACRO_NAME) == ERR_OK);
	if (spf_macro_expand(&text, spec, v) == ERR_OK &&
		(n = spf_target_name(buf_bytes(&text), name)) > 0) {
		ASSERT(strlen(name) == (size_t)n);
		ASSERT(dns_name_write(bytes_from_str(name), &wire) == ERR_OK);
	}
	buf_free(&text);
	buf_free(&wire);
}

static void
check_field(struct bytes in)
{
	const struct received_spf m = { .result = AUTH_PASS,
		.helo = in,
		.mail_from = in,
		.domain = in,
		.mechanism = in,
		.problem = in };
	struct buf out = BUF_INIT;
	struct bytes rest;

	received_spf_put(&out, &m);
	rest = buf_bytes(&out);
	while (rest.n > 0) {
		struct bytes line = bytes_cut(&rest, '\n');

		ASSERT(line.n < 999 && line.p[line.n - 1] == '\r');
		ASSERT(rest.n == 0 || rest.p[0] == '\t');
	}
	buf_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = bytes_make(data, size), where;
	struct arena a = ARENA_INIT;
	struct spf_record record;
	struct spf_macro_values v = { .sender = in,
		.local_part = in,
		.sender_domain = in,
		.domain = in,
		.helo = in,
		.receiver = in,
		.validated = in,
		.client = { .family = size % 2 ? 4 : 6 } };
	struct buf text = BUF_INIT;
	const char *why = NULL;

	if (spf_record_is(in)) {
		if (spf_record_parse(in, &a, &record, &why, &where) == ERR_OK) {
			for (size_t i = 0; i < record.count; i++)
				if (record.directives[i].domain_spec.n > 0)
					expand(record.directives[i].domain_spec, &v);
			if (record.exp.n > 0)
				expand(record.exp, &v);
		} else {
			ASSERT(why != NULL);
		}
	}
	if (spf_macro_check(in, SPF_MACRO_TEXT) == ERR_OK)
		(void)!spf_macro_expand(&text, in, &v);
	ASSERT(text.len <= SPF_EXPANSION_MAX + 3 * size + 64);
	check_field(in);
	buf_free(&text);
	arena_reset(&a);
	return 0;
}
