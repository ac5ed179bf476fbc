/* SPDX-License-Identifier: ISC */
/*
 * tests/fuzz/fuzz_outbound_msg.c - the conversation between qmgr and smtp-client: the first octet
 * picks the message; what decodes must encode to the same octets again.
 */
#include <stdlib.h>

#include "outbound_msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
job_again(int (*decode)(struct ipc_reader *in, void *m), struct bytes body, struct buf *out)
{
	struct ipc_reader in = ipc_reader(body);
	struct outbound_job *m = xcalloc(1, sizeof(*m));

	if (decode(&in, m) == ERR_OK)
		outbound_job_encode(out, m);
	free(m);
}

static void
result_again(struct bytes body, struct buf *out)
{
	struct ipc_reader in = ipc_reader(body);
	struct outbound_result *m = xcalloc(1, sizeof(*m));

	if (outbound_result_decode(&in, m) == ERR_OK)
		outbound_result_encode(out, m);
	free(m);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes body = bytes_make(data + 1, size > 0 ? size - 1 : 0);
	struct buf out = BUF_INIT;

	if (size == 0)
		return 0;
	if (data[0] % 3 == 2)
		result_again(body, &out);
	else
		job_again(data[0] % 3 == 0 ? outbound_job_decode : outbound_job_fd_decode, body,
			&out);
	if (out.len > 0)
		ASSERT(bytes_equal(buf_bytes(&out), body));
	buf_free(&out);
	return 0;
}
