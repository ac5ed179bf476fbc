/* SPDX-License-Identifier: ISC */
/* tests/fuzz/fuzz_http_request.c - what comes to metrics: a head that is good was not good before
 * its end, and what is behind it changes nothing. */
#include "http_request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct bytes in = bytes_make(data, size);
	struct http_request r, again;
	const enum http_status status = http_request_parse(in, &r);

	if (status == HTTP_MORE)
		ASSERT(size < HTTP_HEAD_MAX);
	for (size_t n = 0; n < size && n < 200; n++) {
		const enum http_status sooner = http_request_parse(bytes_head(in, n), &again);

		ASSERT(sooner == HTTP_MORE || sooner == status);
	}
	if (status == HTTP_OK)
		ASSERT(r.method.n > 0 && r.path.n > 0 && r.path.p[0] == '/' && r.path.p >= in.p &&
			r.path.p + r.path.n <= in.p + in.n);
	ASSERT(http_status_text(status)[0] != 0);
	return 0;
}
