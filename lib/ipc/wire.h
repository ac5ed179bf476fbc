/* SPDX-License-Identifier: ISC */
/*
 * lib/ipc/wire.h - the fields of a message's body: what encoders put and decoders get.
 *
 * Integers are little-endian; octet strings have a 32-bit length in front. A getter that
 * finds too little, or a string over its limit, marks the reader bad and gives zero: a
 * decoder reads all its fields and asks ipc_finish() once.
 *
 *	void foo_encode(struct buf *out, const struct foo *m);
 *	int  foo_decode(struct ipc_reader *in, void *m);	(void *: rows of ipc_route)
 */
#ifndef RELAIS_WIRE_H
#define RELAIS_WIRE_H

#include "buf.h"

struct ipc_reader {
	struct bytes in; /* what is left */
	bool bad;
};

static inline struct ipc_reader
ipc_reader(struct bytes body)
{
	return (struct ipc_reader){ body, false };
}

uint8_t ipc_get_u8(struct ipc_reader *r);
uint16_t ipc_get_u16(struct ipc_reader *r);
uint32_t ipc_get_u32(struct ipc_reader *r);
uint64_t ipc_get_u64(struct ipc_reader *r);

/* An octet string of at most max; borrowed from the frame. */
struct bytes ipc_get_bytes(struct ipc_reader *r, size_t max);

/* The same, of what becomes part of a line (a command, a field, the log): bad if it holds anything
 * that could end one, or another control character. */
struct bytes ipc_get_text(struct ipc_reader *r, size_t max);

/* A number below count (an enum); else bad. */
unsigned ipc_get_enum(struct ipc_reader *r, unsigned count);

/* An err: ERR_OK or a value that err.h could have; else bad. */
int ipc_get_err(struct ipc_reader *r);

/* ERR_OK if every field was there, within its limit, and nothing is left; else ERR_SYNTAX */
MUST_USE int ipc_finish(struct ipc_reader *r);

/* Putters: buf_put_u16 and friends serve for integers. */
void ipc_put_bytes(struct buf *out, struct bytes b);
void ipc_put_err(struct buf *out, int err);

/* Messages without a body. */
int ipc_empty_decode(struct ipc_reader *in, void *m);

#endif
