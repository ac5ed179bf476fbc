/* SPDX-License-Identifier: ISC */
/*
 * lib/map/sasl_prep.h - SASLprep (RFC 4013): one form of a name or password, however it was
 * typed. GNU SASL does it (by GNU libidn).
 */
#ifndef RELAIS_SASL_PREP_H
#define RELAIS_SASL_PREP_H

#include "buf.h"

#define SASL_PREP_QUERY 1u /* unassigned code points are fine: what a client sends */

/*
 * Put the prepared form into out. Plain printable ASCII stays as it is and costs nothing.
 * returns: ERR_OK; ERR_SYNTAX: it has none (prohibited characters, not UTF-8, NUL, empty),
 *          nothing was put
 */
MUST_USE int sasl_prep(struct buf *out, struct bytes in, unsigned flags);

#endif
