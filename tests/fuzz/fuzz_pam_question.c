/* SPDX-License-Identifier: ISC */
/* tests/fuzz/fuzz_pam_question.c - what the helper that asks PAM may be sent. */
#include "buf.h"
#include "err.h"
#include "pam.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pam_question q;
	struct buf again = BUF_INIT;

	if (pam_question_decode(bytes_make(data, size), &q) < 0)
		return 0;
	ASSERT(q.user.n > 0 && q.user.n <= PAM_NAME_MAX && q.password.n <= PAM_PASSWORD_MAX);
	ASSERT(memchr(q.password.p, 0, q.password.n) == NULL);
	pam_question_encode(&again, &q);
	ASSERT(bytes_equal(buf_bytes(&again), bytes_make(data, size)));
	buf_free(&again);
	return 0;
}
