/* SPDX-License-Identifier: ISC */
/* tests/fuzz/fuzz_dmarc_record.c - DMARC records, and the addresses in them. */
#include "dmarc_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes text = bytes_make(data, size);
	struct buf mailbox = BUF_INIT;
	struct dmarc_record r;
	int err = dmarc_record_parse(text, &r);
	char fo[16];

	ASSERT((err == ERR_NOT_FOUND) == !dmarc_record_is_one(text));
	if (err == ERR_NOT_FOUND)
		return 0;
	ASSERT(r.p < DMARC_POLICIES && r.sp < DMARC_POLICIES && r.np < DMARC_POLICIES);
	ASSERT(r.rua.n <= DMARC_URIS_MAX && r.ruf.n <= DMARC_URIS_MAX);
	ASSERT(strlen(dmarc_fo_text(r.fo, fo)) > 0);
	for (size_t i = 0; i < r.rua.n; i++) {
		buf_clear(&mailbox);
		if (dmarc_mailto(r.rua.uri[i], &mailbox) == ERR_OK)
			ASSERT(bytes_find(buf_bytes(&mailbox), '\n') == BYTES_NOT_FOUND);
		else
			ASSERT(mailbox.len == 0);
	}
	buf_free(&mailbox);
	return 0;
}
