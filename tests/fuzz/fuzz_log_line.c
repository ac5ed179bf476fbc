/* SPDX-License-Identifier: ISC */
/* tests/fuzz/fuzz_log_line.c - log lines: whatever they are, fields lie within the line. */
#include "log_line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
within(struct bytes part, struct bytes line)
{
	ASSERT(part.n <= line.n);
	ASSERT(part.n == 0 || (part.p >= line.p && part.p + part.n <= line.p + line.n));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct bytes line = bytes_make(data, size);
	struct log_line l;
	struct log_fields f;

	if (!log_line_parse(line, &l))
		return 0;
	log_line_fields(&l, &f);
	const struct bytes parts[] = { l.service, l.pid, l.queue_id, l.text, f.client, f.method,
		f.login, f.session, f.tls, f.message_id, f.from, f.size, f.nrcpt, f.to, f.orig_to,
		f.relay, f.delay, f.delays, f.dsn, f.status, f.reply, f.child };

	for (size_t i = 0; i < NITEMS(parts); i++)
		within(parts[i], line);
	return 0;
}
