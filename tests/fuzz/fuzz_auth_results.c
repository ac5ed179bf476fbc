/* SPDX-License-Identifier: ISC */
/*
 * tests/fuzz/fuzz_auth_results.c - Authentication-Results: any value is read without harm; whatever
 * words are written, the field is one field, and says as much when it is read again.
 */
#include "auth_results.h"
#include "err.h"
#include "rfc5322.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
read_all(struct bytes value)
{
	struct arena a = ARENA_INIT;
	struct buf id = BUF_INIT;
	struct auth_method m;
	struct bytes rest;
	int n = auth_results_id(value, &id);

	ASSERT(n <= (int)value.n);
	rest = bytes_skip(value, n > 0 ? (size_t)n : 0);
	while (auth_results_next(&rest, &a, &m) == 1)
		ASSERT(m.nproperties <= AUTH_PROPERTIES_MAX);
	buf_free(&id);
	arena_reset(&a);
}

static void
write_and_read(struct bytes words)
{
	struct arena a = ARENA_INIT;
	struct buf out = BUF_INIT, id = BUF_INIT;
	struct rfc5322_field f;
	struct auth_method m;
	struct bytes rest, value;
	int n;

	auth_results_begin(&out, "mx.example.org");
	auth_results_method(&out, "dkim", AUTH_PASS);
	auth_results_comment(&out, words);
	auth_results_reason(&out, words);
	auth_results_property(&out, "header.d", words);
	auth_results_end(&out);
	rest = buf_bytes(&out);
	ASSERT(rfc5322_field_next(&rest, &f) && rest.n == 0);
	value = f.value;
	n = auth_results_id(value, &id);
	ASSERT(n > 0 && bytes_is(buf_bytes(&id), "mx.example.org"));
	rest = bytes_skip(value, (size_t)n);
	ASSERT(auth_results_next(&rest, &a, &m) == 1);
	ASSERT(bytes_is(m.method, "dkim") && bytes_is(m.result, "pass"));
	ASSERT(m.nproperties == (words.n > 0) && m.reason.n == (words.n < 400 ? words.n : 400));
	ASSERT(auth_results_next(&rest, &a, &m) == 0);
	buf_free(&id);
	buf_free(&out);
	arena_reset(&a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	read_all(bytes_make(data, size));
	if (size < 4096)
		write_and_read(bytes_make(data, size));
	return 0;
}
