/* SPDX-License-Identifier: ISC */
/*
 * tests/fuzz/fuzz_smtp_session.c - any octets into a session, whole and in pieces (the first
 * octet says how large, and which door): replies, log and what reaches the queue must not differ.
 */
#include "session_driver.h"
#include "submit_header.h"

/* Bits of the first octet; the rest of it is the size of the pieces. */
#define SUBMISSION 0x80u
#define CLEAR      0x40u
#define NO_KEYS    0x20u

static void
open_door(struct driver *d, uint8_t flags)
{
	if ((flags & SUBMISSION) != 0)
		driver_init_submission(d, submit_header);
	else
		driver_init(d);
	d->session.clear_auth = (flags & CLEAR) != 0;
	d->session.tls_ready = (flags & NO_KEYS) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct driver whole, pieces;

	if (size == 0)
		return 0;
	struct bytes in = bytes_make(data + 1, size - 1);
	open_door(&whole, data[0]);
	open_door(&pieces, data[0]);
	driver_feed(&whole, in, 0);
	driver_feed(&pieces, in, (size_t)(data[0] & 0x1f) % 17 + 1);
	ASSERT(bytes_equal(buf_bytes(&whole.replies), buf_bytes(&pieces.replies)));
	ASSERT(bytes_equal(buf_bytes(&whole.log), buf_bytes(&pieces.log)));
	ASSERT(bytes_equal(buf_bytes(&whole.committed), buf_bytes(&pieces.committed)));
	ASSERT(whole.session.state == pieces.session.state);
	/* nobody logs in in the clear */
	if ((data[0] & (SUBMISSION | CLEAR)) == SUBMISSION && whole.session.authenticated)
		ASSERT(whole.session.tls);
	driver_free(&whole);
	driver_free(&pieces);
	return 0;
}
