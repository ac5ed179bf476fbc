/* SPDX-License-Identifier: ISC */
/* tests/fuzz/fuzz_sign_msg.c - the conversations with mailauth-sign and dkim-keeper. */
#include "roundtrip.h"

#include "dkim_keeper_msg.h"
#include "signer_msg.h"

#define MESSAGES(ROW)                                                                              \
	ROW(signer_sign)                                                                           \
	ROW(signer_signed)                                                                         \
	ROW(dkim_keeper_fetch)                                                                     \
	ROW(dkim_keeper_keys)                                                                      \
	ROW(dkim_keeper_list)                                                                      \
	ROW(dkim_keeper_list_answer)                                                               \
	ROW(dkim_keeper_order)                                                                     \
	ROW(dkim_keeper_order_answer)

ROUNDTRIP_TARGET(MESSAGES)
