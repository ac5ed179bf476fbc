/* SPDX-License-Identifier: ISC */
/*
 * tests/fuzz/fuzz_header_filter.c - forged fields are taken out in the same way however the octets
 * come; afterwards there is none that is ours; nothing else is lost.
 */
#include "auth_results.h"
#include "err.h"
#include "header_filter.h"
#include "rfc5322.h"

#define ID "mx.example.org"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
filter(struct bytes in, size_t step, struct buf *out, uint64_t *removed)
{
	struct header_filter f;

	header_filter_begin(&f, ID);
	while (in.n > 0) {
		const size_t from = out->len;
		const struct bytes part = bytes_head(in, step);

		buf_put_bytes(out, part);
		header_filter_run(&f, out, from);
		in = bytes_skip(in, part.n);
	}
	header_filter_end(&f, out);
	*removed = f.removed;
	header_filter_free(&f);
}

/* smtpd lets no other content in. */
static bool
has_bare_cr(struct bytes b)
{
	for (size_t i = 0; i < b.n; i++)
		if (b.p[i] == '\r' && (i + 1 == b.n || b.p[i + 1] != '\n'))
			return true;
	return false;
}

static bool
is_ours(struct bytes value)
{
	struct buf id = BUF_INIT;
	bool ours = auth_results_id(value, &id) > 0 && bytes_is_nocase(buf_bytes(&id), ID);

	buf_free(&id);
	return ours;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct bytes in = bytes_make(data, size);
	struct buf whole = BUF_INIT, pieces = BUF_INIT;
	uint64_t removed, again;
	struct rfc5322_field f;
	struct bytes rest;

	filter(in, size + 1, &whole, &removed);
	filter(in, size > 0 ? 1 + data[0] % 7 : 1, &pieces, &again);
	ASSERT(bytes_equal(buf_bytes(&whole), buf_bytes(&pieces)) && removed == again);
	ASSERT(whole.len + removed == size);
	rest = buf_bytes(&whole);
	if (rfc5322_has_bare_lf(in) || has_bare_cr(in))
		rest.n = 0;
	while (rfc5322_field_next(&rest, &f))
		ASSERT(!bytes_is_nocase(f.name, "Authentication-Results") || !is_ours(f.value));
	buf_free(&whole);
	buf_free(&pieces);
	return 0;
}
