/* SPDX-License-Identifier: ISC */
/*
 * keyholder/ticket_keys.h - the keys of session tickets: a pair for each service, the current and
 * the previous one.
 *
 * A key makes tickets for one rotation and opens them for two, so a session lives a rotation long.
 * No service ever sees another's.
 */
#ifndef RELAIS_TICKET_KEYS_H
#define RELAIS_TICKET_KEYS_H

#include "keyholder_msg.h"

struct ticket_keys {
	uint64_t rotation_ms;
	struct {
		struct keyholder_ticket_key keys[2]; /* accept_s: not used */
		uint64_t made_ms[2];                 /* 0: no such key */
	} of[SERVICE_COUNT];
};

/* Pure but for the randomness: time comes from the caller (clock_mono_ms()). */
void ticket_keys_init(struct ticket_keys *t, uint64_t rotation_ms);

/* The keys of a service; made or rotated if it is time. */
void ticket_keys_get(struct ticket_keys *t, enum service service, uint64_t now_ms,
	struct keyholder_ticket_keys *out);

/* true if the service's key is to be replaced: get it and push it */
bool ticket_keys_due(const struct ticket_keys *t, enum service service, uint64_t now_ms);

#endif
