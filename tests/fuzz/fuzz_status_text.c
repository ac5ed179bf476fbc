/* SPDX-License-Identifier: ISC */
/* tests/fuzz/fuzz_status_text.c - what is told of the suite: read, judged, and written in
 * Prometheus' form, in which every line is a comment or has a value. */
#include "health.h"
#include "prometheus.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct health_limits limits = { 1000000, 90, 90, 90, 1, 1, 14 };
	struct buf out = BUF_INIT, reasons = BUF_INIT;
	struct bytes rest;
	struct status s;

	if (status_parse(bytes_make(data, size), &s)) {
		const double rate =
			status_rate(&s, &s, 1, NULL, "relais_smtp_messages_total", NULL);

		ASSERT(rate >= 0);
		UNUSED(health_judge(&s, &limits, &reasons));
		prometheus_put(&out, &s);
		rest = buf_bytes(&out);
		while (rest.n > 0) {
			const struct bytes line = bytes_cut(&rest, '\n');

			ASSERT(line.n > 0 &&
				(line.p[0] == '#' || (bytes_find(line, ' ') != BYTES_NOT_FOUND &&
							     line.p[line.n - 1] >= '0' &&
							     line.p[line.n - 1] <= '9')));
		}
	}
	status_free(&s);
	buf_free(&out);
	buf_free(&reasons);
	return 0;
}
