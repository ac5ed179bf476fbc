/* SPDX-License-Identifier: ISC */
/* lib/base/encode.h - hex and base64 (RFC 4648). */
#ifndef RELAIS_ENCODE_H
#define RELAIS_ENCODE_H

#include "buf.h"

void hex_encode(struct buf *out, struct bytes in);
MUST_USE int hex_decode(struct buf *out, struct bytes in); /* ERR_SYNTAX: nothing is added */

void base64_encode(struct buf *out, struct bytes in); /* with padding, no line ends */

/* Strict: padding required, no blanks, no bits left over. ERR_SYNTAX: nothing is added. */
MUST_USE int base64_decode(struct buf *out, struct bytes in);

#endif
