/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/downgrade.h - a message for a peer that takes less than it has: from 8-bit to 7-bit
 * MIME (RFC 6152 sec. 3), or from binary to 8-bit.
 *
 * The message must be in memory as a whole; the result comes in pieces. Each leaf part that can't
 * go as it is becomes quoted-printable or base64, also inside of message/rfc822; boundaries, and
 * everything that fits already, stay to the octet. Fields with 8-bit octets become encoded words
 * (RFC 2047) or RFC 2231 parameters. A message without MIME becomes one.
 *
 * What can't be done: change what stands below multipart/signed, message/partial or
 * message/external-body, octets in an unknown encoding, 8-bit octets in an address.
 */
#ifndef RELAIS_DOWNGRADE_H
#define RELAIS_DOWNGRADE_H

#include "buf.h"

enum downgrade_to {
	DOWNGRADE_TO_7BIT, /* the peer lacks 8BITMIME */
	DOWNGRADE_TO_8BIT  /* the peer lacks BINARYMIME */
};

struct downgrade;

/* Some octet is above 0x7f. */
bool downgrade_is_8bit(struct bytes in);

/* The same of a header: of the message (prefix: fields in front of content), and of every part
 * in it. */
bool downgrade_header_is_8bit(struct bytes prefix, struct bytes content);

/*
 * prefix and content are borrowed until downgrade_free().
 * returns: ERR_OK; ERR_UNSUPPORTED: it can't be done, *d is NULL
 */
MUST_USE int downgrade_new(
	struct downgrade **d, struct bytes prefix, struct bytes content, enum downgrade_to to);
void downgrade_free(struct downgrade **d); /* NULL is fine; sets NULL */

/* How many octets it comes to. */
uint64_t downgrade_octets(const struct downgrade *d);

/* Put the next piece, about 16 KiB, into out; false if that was the last. */
bool downgrade_next(struct downgrade *d, struct buf *out);

/* From the beginning again. */
void downgrade_rewind(struct downgrade *d);

#endif
