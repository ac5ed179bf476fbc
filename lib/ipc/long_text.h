/* SPDX-License-Identifier: ISC */
/* lib/ipc/long_text.h - text that may be longer than a frame: then it is in a descriptor. */
#ifndef RELAIS_LONG_TEXT_H
#define RELAIS_LONG_TEXT_H

#include "buf.h"

#define LONG_TEXT_INLINE_MAX (56u << 10) /* what the frame itself holds */
#define LONG_TEXT_MAX        (8u << 20)

/* A memory file with the text, to be sent; -1: there is no descriptor or no memory. */
int long_text_fd(struct bytes text);

/* The text of an answer that has it inline, or in fd if that is not -1; appended to out.
 * ERR_OK, ERR_LIMIT or ERR_IO. */
MUST_USE int long_text_take(struct bytes inline_text, int fd, struct buf *out);

#endif
