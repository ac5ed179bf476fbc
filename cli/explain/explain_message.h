/* SPDX-License-Identifier: ISC */
/*
 * cli/explain/explain_message.h - a stored message as it was when it came: with CRLF, and who
 * brought it, by its own trace fields. Pure.
 *
 * What the fields say is what the message's last host has put on top, or what a forger has: good
 * for a first guess, which the operator's words override.
 */
#ifndef RELAIS_EXPLAIN_MESSAGE_H
#define RELAIS_EXPLAIN_MESSAGE_H

#include "arena.h"
#include "buf.h"
#include "ip_block.h"

struct explain_origin {
	bool has_return_path;
	struct bytes mail_from; /* of Return-Path, without <> */
	struct ip_block client; /* of the first Received that has an address; family 0: none */
	struct bytes helo;      /* of the same; may be empty */
};

/* Every line end as CRLF, and one at the end. An mbox' "From " line in front goes. */
void explain_crlf(struct bytes in, struct buf *out);

/* content: with CRLF. All lives in the arena. */
void explain_origin(struct arena *a, struct bytes content, struct explain_origin *out);

/* The From clause of a Received field's value, unfolded. false: no address in it */
bool explain_received(struct bytes value, struct explain_origin *out);

#endif
