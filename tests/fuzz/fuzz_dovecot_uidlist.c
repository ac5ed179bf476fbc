/* SPDX-License-Identifier: ISC */
/* tests/fuzz/fuzz_dovecot_uidlist.c - any octets as Dovecot's list of UIDs: they grow, and end. */
#include "dovecot_uidlist.h"
#include "err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dovecot_uidlist l;
	struct bytes name;
	uint32_t uid, last = 0;
	int r = dovecot_uidlist_open(&l, bytes_make(data, size));

	ASSERT(r < 0 || (l.uidvalidity > 0 && l.uidnext > 0));
	while (r >= 0 && (r = dovecot_uidlist_next(&l, &uid, &name)) > 0) {
		ASSERT(uid > last && uid < l.uidnext && name.n > 0);
		last = uid;
	}
	return 0;
}
