/* SPDX-License-Identifier: ISC */
/* lib/ipc/packet.c - frames in packets, packets with descriptors on a socket. */
#include "packet.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

void
frame_put(struct buf *out, uint16_t type, uint8_t flags, uint32_t id, unsigned nfds,
	struct bytes body)
{
	ASSERT(body.n <= IPC_BODY_MAX && nfds <= IPC_FDS_MAX);
	buf_put_u16(out, type);
	buf_put_u8(out, flags);
	buf_put_u8(out, (uint8_t)nfds);
	buf_put_u32(out, id);
	buf_put_u32(out, (uint32_t)body.n);
	buf_put_bytes(out, body);
}

int
ipc_frame_parse(struct bytes *rest, struct ipc_frame *frame)
{
	const uint8_t *p = rest->p;
	size_t n;

	if (rest->n == 0)
		return 0;
	if (rest->n < FRAME_HEADER)
		return ERR_SYNTAX;
	n = get_u32(p + 8);
	frame->type = get_u16(p);
	frame->is_reply = (p[2] & FRAME_IS_REPLY) != 0;
	frame->nfds = p[3];
	frame->id = get_u32(p + 4);
	if ((p[2] & ~FRAME_IS_REPLY) != 0 || frame->nfds > IPC_FDS_MAX || n > IPC_BODY_MAX ||
		n > rest->n - FRAME_HEADER)
		return ERR_SYNTAX;
	frame->body = bytes_make(p + FRAME_HEADER, n);
	*rest = bytes_skip(*rest, FRAME_HEADER + n);
	return 1;
}

ssize_t
packet_send(int fd, struct bytes data, const int *fds, unsigned nfds, int flags)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int) * IPC_PACKET_FDS_MAX)];
	} control;
	struct iovec iov = { .iov_base = (void *)(uintptr_t)data.p, .iov_len = data.n };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	if (nfds > 0) {
		struct cmsghdr *cmsg;

		memset(&control, 0, sizeof(control));
		msg.msg_control = control.space;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * nfds);
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int) * nfds);
		memcpy(CMSG_DATA(cmsg), fds, sizeof(int) * nfds);
	}
	do {
		n = sendmsg(fd, &msg, flags | MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	return n;
}

/* Descriptors out of the control data into fds. */
static void
collect_fds(struct msghdr *msg, int *fds, unsigned *nfds)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c)) {
		size_t n;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
			if (*nfds < IPC_PACKET_FDS_MAX)
				fds[(*nfds)++] = fd;
			else
				close(fd);
		}
	}
}

ssize_t
packet_receive(int fd, uint8_t *data, size_t size, int *fds, unsigned *nfds, int flags)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int) * IPC_PACKET_FDS_MAX)];
	} control;
	struct iovec iov = { .iov_base = data, .iov_len = size };
	struct msghdr msg = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.space,
		.msg_controllen = sizeof(control.space) };
	ssize_t n;

	*nfds = 0;
	do {
		n = recvmsg(fd, &msg, flags | MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return n;
	collect_fds(&msg, fds, nfds);
	if (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
		while (*nfds > 0)
			close(fds[--*nfds]);
		errno = EMSGSIZE;
		return -1;
	}
	return n;
}
