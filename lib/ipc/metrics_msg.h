/* SPDX-License-Identifier: ISC */
/*
 * lib/ipc/metrics_msg.h - what the operator's command asks of metrics.
 *
 *   BEFORE   CLI: what master told a while ago, so that rates can be told at once
 */
#ifndef RELAIS_METRICS_MSG_H
#define RELAIS_METRICS_MSG_H

#include "ipc.h"
#include "long_text.h"

enum metrics_type {
	METRICS_BEFORE = IPC_METRICS, /* answered by METRICS_BEFORE_ANSWER */
	METRICS_BEFORE_ANSWER,
};

/* The oldest text that is kept; with a long one comes a descriptor. */
struct metrics_before_answer {
	uint64_t age_ms; /* 0: there is none yet */
	struct bytes text;
};

void metrics_before_answer_encode(struct buf *out, const struct metrics_before_answer *m);
MUST_USE int metrics_before_answer_decode(struct ipc_reader *in, void *m);

#endif
