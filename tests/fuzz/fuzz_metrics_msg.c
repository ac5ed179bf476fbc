/* SPDX-License-Identifier: ISC */
/* tests/fuzz/fuzz_metrics_msg.c - the conversation with metrics. */
#include "roundtrip.h"

#include "metrics_msg.h"

#define MESSAGES(ROW) ROW(metrics_before_answer)

ROUNDTRIP_TARGET(MESSAGES)
