/* SPDX-License-Identifier: ISC */
/* tests/fuzz/fuzz_dmarc_report_msg.c - data of aggregate reports, at ledger and at the reporter. */
#include "roundtrip.h"

#include "dmarc_report_msg.h"

#define MESSAGES(ROW)                                                                              \
	ROW(dmarc_row)                                                                             \
	ROW(dmarc_days)                                                                            \
	ROW(dmarc_days_answer)                                                                     \
	ROW(dmarc_rows)                                                                            \
	ROW(dmarc_rows_answer)                                                                     \
	ROW(dmarc_sent)                                                                            \
	ROW(dmarc_done)                                                                            \
	ROW(dmarc_send)                                                                            \
	ROW(dmarc_send_answer)

ROUNDTRIP_TARGET(MESSAGES)
