/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/downgrade_octets.h - octets of a body, looked at and encoded (RFC 2045 sec. 6.7, 6.8).
 */
#ifndef RELAIS_DOWNGRADE_OCTETS_H
#define RELAIS_DOWNGRADE_OCTETS_H

#include "buf.h"

/* What there is in a body. */
struct downgrade_sight {
	size_t n_8bit;
	size_t escapes; /* octets that quoted-printable has to escape */
	bool binary;    /* NUL, or CR or LF that isn't of a CRLF */
	bool too_long;  /* a line of over 998 octets */
};

void downgrade_look(struct bytes body, struct downgrade_sight *out);

/* Encode some octets of left, the rest of a body: at least one, about n. *column: in the line
 * of quoted-printable, 0 at first. returns: how many */
size_t downgrade_put_qp(size_t *column, struct bytes left, size_t n, struct buf *out);

/* The same; what is used is a whole number of lines, or all. last_end: a line end behind the
 * last line, too. */
size_t downgrade_put_base64(struct bytes left, size_t n, struct buf *out, bool last_end);

/* 8-bit octets as '*': no delimiter has one (RFC 2046 sec. 5.1.1), and base64 hasn't either. */
void downgrade_put_mask(struct buf *out, struct bytes in);

/* 8-bit octets as quoted-printable escapes. */
void downgrade_put_mended(struct buf *out, struct bytes in);

#endif
