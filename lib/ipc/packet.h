/* SPDX-License-Identifier: ISC */
/*
 * lib/ipc/packet.h - private to lib/ipc: the frame header, and packets with descriptors.
 *
 * Frame header: type u16, flags u8, descriptors u8, request id u32, body length u32.
 */
#ifndef RELAIS_PACKET_H
#define RELAIS_PACKET_H

#include <sys/types.h>

#include "ipc.h"

#define FRAME_HEADER   12
#define FRAME_IS_REPLY 1

void frame_put(struct buf *out, uint16_t type, uint8_t flags, uint32_t id, unsigned nfds,
	struct bytes body);

/* sendmsg/recvmsg of one packet; flags as theirs. < 0: errno. */
ssize_t packet_send(int fd, struct bytes data, const int *fds, unsigned nfds, int flags);

/* 0: end of file; -1 with EMSGSIZE if the packet or its descriptors were cut. */
ssize_t packet_receive(int fd, uint8_t *data, size_t size, int *fds, unsigned *nfds, int flags);

#endif
