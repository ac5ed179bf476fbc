/* SPDX-License-Identifier: ISC */
/*
 * tests/fuzz/fuzz_smtp_session.c - any octets into a session, whole and in pieces (the first
 * octet says how large): replies, log and what reaches the queue must not differ.
 */
#include "session_driver.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct driver whole, pieces;

	if (size == 0)
		return 0;
	struct bytes in = bytes_make(data + 1, size - 1);
	driver_init(&whole);
	driver_init(&pieces);
	driver_feed(&whole, in, 0);
	driver_feed(&pieces, in, (size_t)data[0] % 17 + 1);
	ASSERT(bytes_equal(buf_bytes(&whole.replies), buf_bytes(&pieces.replies)));
	ASSERT(bytes_equal(buf_bytes(&whole.log), buf_bytes(&pieces.log)));
	ASSERT(bytes_equal(buf_bytes(&whole.committed), buf_bytes(&pieces.committed)));
	ASSERT(whole.session.state == pieces.session.state);
	driver_free(&whole);
	driver_free(&pieces);
	return 0;
}
