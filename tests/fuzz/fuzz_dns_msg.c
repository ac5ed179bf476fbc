/* SPDX-License-Identifier: ISC */
/* tests/fuzz/fuzz_dns_msg.c - the conversation with resolver. */
#include "roundtrip.h"

#include "dns_msg.h"

#define MESSAGES(ROW)                                                                              \
	ROW(dns_query)                                                                             \
	ROW(dns_answer)

ROUNDTRIP_TARGET(MESSAGES)
