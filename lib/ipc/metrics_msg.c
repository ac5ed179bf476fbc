/* SPDX-License-Identifier: ISC */
/* lib/ipc/metrics_msg.c - what is asked of metrics: encoders and decoders. */
#include "metrics_msg.h"

void
metrics_before_answer_encode(struct buf *out, const struct metrics_before_answer *m)
{
	buf_put_u64(out, m->age_ms);
	ipc_put_bytes(out, m->text);
}

int
metrics_before_answer_decode(struct ipc_reader *in, void *out)
{
	struct metrics_before_answer *m = out;

	m->age_ms = ipc_get_u64(in);
	m->text = ipc_get_bytes(in, LONG_TEXT_INLINE_MAX);
	return ipc_finish(in);
}
