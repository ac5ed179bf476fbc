/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/smtp_stuff.h - content on its way into DATA: dots doubled, only CRLF as line ends,
 * the lone dot at the end (RFC 5321 sec. 4.5.2, 2.3.8).
 *
 * Content may come in pieces, cut anywhere. A CR or LF that stands alone is sent as CRLF: no
 * octets of a message can look like its end to a peer that takes a bare LF for one.
 */
#ifndef RELAIS_SMTP_STUFF_H
#define RELAIS_SMTP_STUFF_H

#include "buf.h"

struct smtp_stuff {
	bool in_line; /* something of a line is out, its end is not */
	bool cr;      /* the last octet was a CR: it is not out yet */
};

#define SMTP_STUFF_INIT ((struct smtp_stuff){ false, false })

void smtp_stuff_put(struct smtp_stuff *s, struct bytes in, struct buf *out);

/* The end: a last line without its end gets one, then ".". */
void smtp_stuff_end(struct smtp_stuff *s, struct buf *out);

#endif
