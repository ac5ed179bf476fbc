/* SPDX-License-Identifier: ISC */
/* tests/fuzz/fuzz_keyholder_msg.c - the conversation with keyholder. */
#include "roundtrip.h"

#include "keyholder_msg.h"

#define MESSAGES(ROW)                                                                              \
	ROW(keyholder_welcome)                                                                     \
	ROW(keyholder_ticket_keys)                                                                 \
	ROW(keyholder_certificate)                                                                 \
	ROW(keyholder_chain)                                                                       \
	ROW(keyholder_sign)                                                                        \
	ROW(keyholder_signature)                                                                   \
	ROW(keyholder_list)                                                                        \
	ROW(keyholder_list_answer)

ROUNDTRIP_TARGET(MESSAGES)
