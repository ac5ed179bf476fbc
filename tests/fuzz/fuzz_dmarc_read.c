/* SPDX-License-Identifier: ISC */
/* tests/fuzz/fuzz_dmarc_read.c - received aggregate reports: messages, gzip, zip, XML. The first
 * octet says which. */
#include "dmarc_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
on_record(void *arg, const struct dmarc_read_report *report, const struct dmarc_read_record *record)
{
	unsigned *n = arg;

	for (const char *p = report->org_name; *p != 0; p++)
		ASSERT(*p >= ' ' && *p <= '~');
	for (const char *p = record->source; *p != 0; p++)
		ASSERT(*p >= ' ' && *p <= '~');
	return ++*n < 1000;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = bytes_make(data, size);
	struct buf xml = BUF_INIT;
	unsigned n = 0;

	if (size == 0)
		return 0;
	in = bytes_skip(in, 1);
	if (data[0] == 'm')
		(void)!dmarc_read_message(in, on_record, &n);
	else if (data[0] == 'x')
		(void)!dmarc_read_xml(in, on_record, &n);
	else if (dmarc_read_unpack(in, &xml) == ERR_OK)
		(void)!dmarc_read_xml(buf_bytes(&xml), on_record, &n);
	buf_free(&xml);
	return 0;
}
