/* SPDX-License-Identifier: ISC */
/* tests/fuzz/fuzz_mailauth_msg.c - the conversation with mailauth-verify. */
#include "roundtrip.h"

#include "mailauth_msg.h"

#define MESSAGES(ROW)                                                                              \
	ROW(mailauth_spf_question)                                                                 \
	ROW(mailauth_spf_result)                                                                   \
	ROW(mailauth_verify)                                                                       \
	ROW(mailauth_verified)

ROUNDTRIP_TARGET(MESSAGES)
