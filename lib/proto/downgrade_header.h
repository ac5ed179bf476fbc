/* SPDX-License-Identifier: ISC */
/* lib/proto/downgrade_header.h - one field of a header, from 8-bit to ASCII. */
#ifndef RELAIS_DOWNGRADE_HEADER_H
#define RELAIS_DOWNGRADE_HEADER_H

#include "rfc5322.h"

/*
 * Put the field with its line end. Text becomes encoded words: as UTF-8 if it is that, else as
 * "unknown-8bit" (RFC 1428). In parameters RFC 2231 is used; in fields that only programs
 * read, and in lines that are no field, an octet becomes '?'.
 * returns: ERR_OK; ERR_UNSUPPORTED: an address can't be written in ASCII (nothing is put then)
 */
MUST_USE int downgrade_field(struct buf *out, const struct rfc5322_field *f);

#endif
