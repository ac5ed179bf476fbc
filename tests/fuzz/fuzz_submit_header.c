/* SPDX-License-Identifier: ISC */
/*
 * tests/fuzz/fuzz_submit_header.c - any octets as the header of a submitted message: nothing that
 * must not leave is in what comes out, and reading that again finds the same senders.
 */
#include <stdlib.h>

#include "rfc5322.h"
#include "session_driver.h"
#include "submit_header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
mend(struct driver *d, struct bytes header, struct buf *out)
{
	struct smtp_answer refusal = { 0 };

	driver_init_submission(d, submit_header);
	d->session.txn = xcalloc(1, sizeof(*d->session.txn));
	bool ok = submit_header(&d->session, header, out, &refusal);
	ASSERT(ok || (refusal.code / 100 == 5 && refusal.text.n > 0));
	return ok;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct driver first, again;
	struct buf out = BUF_INIT, twice = BUF_INIT;
	struct bytes in = bytes_make(data, size), rest;
	struct rfc5322_field f;

	if (!mend(&first, bytes_head(in, rfc5322_header_len(in)), &out)) {
		driver_free(&first);
		buf_free(&out);
		return 0;
	}
	rest = buf_bytes(&out);
	while (rfc5322_field_next(&rest, &f)) {
		ASSERT(!bytes_is_nocase(f.name, "Bcc"));
		ASSERT(!bytes_is_nocase(f.name, "Resent-Bcc"));
		ASSERT(!bytes_is_nocase(f.name, "Return-Path"));
	}
	ASSERT(first.session.txn->n_senders > 0);
	bool ok = mend(&again, buf_bytes(&out), &twice);
	ASSERT(ok && bytes_equal(buf_bytes(&out), buf_bytes(&twice)));
	ASSERT(first.session.txn->n_senders == again.session.txn->n_senders);
	for (uint32_t i = 0; i < first.session.txn->n_senders; i++)
		ASSERT(bytes_equal(first.session.txn->senders[i], again.session.txn->senders[i]));
	driver_free(&first);
	driver_free(&again);
	buf_free(&out);
	buf_free(&twice);
	return 0;
}
