/* SPDX-License-Identifier: ISC */
/* lib/ipc/blocking.c - the same messages for programs without an event loop. */
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "packet.h"

/* Wait for what; ERR_TIMEOUT when the time is over. */
static int
wait_for(int fd, short what, int timeout_ms)
{
	uint64_t end = clock_mono_ms() + (uint64_t)(timeout_ms < 0 ? 0 : timeout_ms);

	for (;;) {
		struct pollfd p = { .fd = fd, .events = what };
		uint64_t now = clock_mono_ms();
		int left = timeout_ms < 0 ? -1 : now >= end ? 0 : (int)(end - now);
		int n = poll(&p, 1, left);

		if (n > 0)
			return ERR_OK;
		if (n == 0)
			return ERR_TIMEOUT;
		if (errno != EINTR)
			return err_from_errno(errno);
	}
}

int
ipc_blocking_send(int fd, uint16_t type, uint32_t id, bool is_reply, struct bytes body,
	const int *fds, unsigned nfds)
{
	struct buf frame = BUF_INIT;
	int r = ERR_OK;

	frame_put(&frame, type, is_reply ? FRAME_IS_REPLY : 0, id, nfds, body);
	while (packet_send(fd, buf_bytes(&frame), fds, nfds, 0) < 0) {
		if (errno != EAGAIN) {
			r = ERR_PEER;
			break;
		}
		r = wait_for(fd, POLLOUT, -1);
		if (r < 0)
			break;
	}
	buf_free(&frame);
	return r;
}

bool
ipc_packet_pending(const struct ipc_packet *packet)
{
	return packet->used < packet->data.len;
}

static int
receive_packet(int fd, struct ipc_packet *packet, int timeout_ms)
{
	ssize_t n;
	int r;

	while (packet->fds_used < packet->nfds)
		close(packet->fds[packet->fds_used++]);
	packet->nfds = packet->fds_used = 0;
	buf_clear(&packet->data);
	packet->used = 0;
	do {
		r = wait_for(fd, POLLIN, timeout_ms);
		if (r < 0)
			return r;
		n = packet_receive(fd, buf_room(&packet->data, IPC_PACKET_MAX), IPC_PACKET_MAX,
			packet->fds, &packet->nfds, MSG_DONTWAIT);
	} while (n < 0 && errno == EAGAIN);
	if (n <= 0)
		return n < 0 && errno == EMSGSIZE ? ERR_SYNTAX : ERR_PEER;
	buf_added(&packet->data, (size_t)n);
	return ERR_OK;
}

int
ipc_blocking_receive(int fd, struct ipc_packet *packet, struct ipc_frame *frame, int timeout_ms)
{
	struct bytes rest;
	int r;

	if (!ipc_packet_pending(packet)) {
		r = receive_packet(fd, packet, timeout_ms);
		if (r < 0)
			return r;
	}
	rest = bytes_skip(buf_bytes(&packet->data), packet->used);
	r = ipc_frame_parse(&rest, frame);
	if (r != 1 || frame->nfds > packet->nfds - packet->fds_used)
		return ERR_SYNTAX;
	packet->used = packet->data.len - rest.n;
	for (unsigned i = 0; i < frame->nfds; i++)
		frame->fds[i] = packet->fds[packet->fds_used++];
	return ERR_OK;
}
