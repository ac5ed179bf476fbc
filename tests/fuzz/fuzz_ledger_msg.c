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
	ROW(ledger_list_answer)                                                                    \
	ROW(ledger_try)                                                                            \
	ROW(ledger_try_answer)                                                                     \
	ROW(ledger_tried)                                                                          \
	ROW(ledger_bans)                                                                           \
	ROW(ledger_ban_list)                                                                       \
	ROW(ledger_ban_list_answer)                                                                \
	ROW(ledger_ban_add)                                                                        \
	ROW(ledger_ban_del)                                                                        \
	ROW(ledger_last_use)                                                                       \
	ROW(ledger_last_use_answer)                                                                \
	ROW(ledger_send)                                                                           \
	ROW(ledger_send_answer)                                                                    \
	ROW(ledger_incident)                                                                       \
	ROW(ledger_incident_told)                                                                  \
	ROW(ledger_incident_list)                                                                  \
	ROW(ledger_incident_list_answer)                                                           \
	ROW(ledger_incident_end)

ROUNDTRIP_TARGET(MESSAGES)
