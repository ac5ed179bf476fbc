/* SPDX-License-Identifier: ISC */
/* resolver/answer.h - what libunbound found, as the answer that callers get. Pure. */
#ifndef RELAIS_ANSWER_H
#define RELAIS_ANSWER_H

#include "arena.h"
#include "dns_msg.h"
#include "engine.h"

/* true for types that have records: not of those that mean transfers, "all" or nothing. */
bool answer_type_is_sane(uint16_t type);

/* asked: the name, clean; borrowed, as why of the result. What else out points to is in the arena.
 */
void answer_make(const struct engine_result *result, uint16_t type, const char *asked,
	struct arena *a, struct dns_answer *out);

/* For a name of this host (RFC 6761 sec. 6.3): its addresses, and nothing else. */
void answer_localhost(uint16_t type, const char *asked, struct dns_answer *out);

#endif
