/* SPDX-License-Identifier: ISC */
/* tests/fuzz/fuzz_ledger_msg.c - the conversation with ledger. */
#include "roundtrip.h"

#include "ledger_msg.h"

#define MESSAGES(ROW)                                                                              \
	ROW(ledger_add)                                                                            \
	ROW(ledger_set)                                                                            \
	ROW(ledger_done)                                                                           \
	ROW(ledger_get)                                                                            \
	ROW(ledger_use)                                                                            \
	ROW(ledger_list)                                                                           \
	ROW(ledger_list_answer)

ROUNDTRIP_TARGET(MESSAGES)
