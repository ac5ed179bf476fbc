/* SPDX-License-Identifier: ISC */
/*
 * tests/fuzz/fuzz_rfc5322.c - any octets are a header: fields, addresses, dates, ids, ENVELOPE.
 */
#include <stddef.h>
#include <stdint.h>

#include "imap_text.h"
#include "mime_decode.h"
#include "rfc5322.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = bytes_make(data, size), rest = in, id;
	struct arena a = ARENA_INIT;
	struct buf out = BUF_INIT;
	struct rfc5322_field f;
	struct rfc5322_date date;
	size_t octets = 0;

	while (rfc5322_field_next(&rest, &f)) {
		octets += f.raw.n;
		rfc5322_addresses(&a, f.value);
		if (rfc5322_parse_date(f.value, &date) == 0)
			imap_put_date_time(&out, date.utc, date.zone_secs);
		while (rfc5322_msgid_next(&f.value, &id))
			ASSERT(id.n >= 2 && id.p[0] == '<' && id.p[id.n - 1] == '>');
	}
	ASSERT(octets + rest.n == size);
	ASSERT(rfc5322_header_len(in) >= octets);
	imap_put_envelope(&out, in);
	rfc2047_decode(NULL, in, &out);
	buf_clear(&out);
	rfc5322_put_crlf(&out, in);
	ASSERT(!rfc5322_has_bare_lf(buf_bytes(&out)));
	buf_clear(&out);
	if (imap_utf7_decode(&out, in) == 0) {
		struct buf again = BUF_INIT;

		ASSERT(imap_utf7_encode(&again, buf_bytes(&out)) == 0);
		ASSERT(bytes_equal(buf_bytes(&again), in));
		buf_free(&again);
	}
	buf_free(&out);
	arena_reset(&a);
	return 0;
}
