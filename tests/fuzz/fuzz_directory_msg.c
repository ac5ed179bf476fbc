/* SPDX-License-Identifier: ISC */
/* tests/fuzz/fuzz_directory_msg.c - the conversation with directory. */
#include "roundtrip.h"

#include "directory_msg.h"

#define MESSAGES(ROW)                                                                              \
	ROW(directory_rcpt)                                                                        \
	ROW(directory_rcpt_answer)                                                                 \
	ROW(directory_resolve)                                                                     \
	ROW(directory_resolve_answer)                                                              \
	ROW(directory_auth)                                                                        \
	ROW(directory_auth_answer)                                                                 \
	ROW(directory_sasl_start)                                                                  \
	ROW(directory_sasl_step)                                                                   \
	ROW(directory_sasl_cancel)                                                                 \
	ROW(directory_send)                                                                        \
	ROW(directory_send_answer)                                                                 \
	ROW(directory_logout)                                                                      \
	ROW(directory_ticket_key)                                                                  \
	ROW(directory_local)                                                                       \
	ROW(directory_local_answer)                                                                \
	ROW(directory_hop)                                                                         \
	ROW(directory_hop_answer)

ROUNDTRIP_TARGET(MESSAGES)
