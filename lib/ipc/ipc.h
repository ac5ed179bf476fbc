/* SPDX-License-Identifier: ISC */
/*
 * lib/ipc/ipc.h - a channel between two processes of the suite: typed messages, replies
 * with time-outs, file descriptors, over an AF_UNIX SOCK_SEQPACKET socket.
 *
 * A message is a frame: type, request id, flags, body of at most IPC_BODY_MAX octets and at
 * most IPC_FDS_MAX file descriptors. Frames sent within one turn of the event loop travel
 * in one packet. What arrives is looked up in the receiver's route table: an unknown type,
 * a sender who may not, a wrong state, a wrong number of descriptors or a body that does
 * not decode closes the channel (on_close with ERR_SYNTAX).
 *
 * Ownership: descriptors given to send/request/reply are the channel's, always, also on
 * failure. Descriptors received are closed after the handler unless taken (ipc_take_fd).
 * Memory: what waits to be sent is bounded by the callers; ipc_backlog() tells how much. A peer
 * that we serve and that does not take our answers is not read from meanwhile. Messages may hold
 * passwords: of one that was sent or handled nothing stays in memory.
 */
#ifndef RELAIS_IPC_H
#define RELAIS_IPC_H

#include <event2/event.h>

#include "err.h"
#include "service.h"
#include "wire.h"

#define IPC_BODY_MAX    (60 * 1024)
#define IPC_FDS_MAX     4
#define IPC_ACCOUNT_MAX 320  /* an account's key, "local@domain": 64 + 1 + 255 octets */
#define IPC_MESSAGE_MAX 3072 /* size of a decoded struct */

/* Above this in unsent answers a served peer's questions wait. */
#define IPC_UNSENT_MAX     (256 * 1024)
#define IPC_UNSENT_FDS_MAX 64

/* Each conversation has its own hundred of types, so that no number means two things. */
enum ipc_types {
	IPC_CONTROL = 0x0100,
	IPC_QUEUE = 0x0200,
	IPC_DELIVERY = 0x0300,
	IPC_DIRECTORY = 0x0400,
	IPC_SESSION = 0x0500,
	IPC_LEDGER = 0x0600,
	IPC_KEYHOLDER = 0x0700,
	IPC_DNS = 0x0800,
	IPC_OUTBOUND = 0x0900,
	IPC_VERIFIER = 0x0a00,
	IPC_SIGNER = 0x0b00,
	IPC_DKIM_KEEPER = 0x0c00,
	IPC_DMARC_DATA = 0x0d00, /* of aggregate reports, at ledger */
	IPC_DMARC_REPORTER = 0x0e00,
	IPC_METRICS = 0x0f00,
};

/* Below the conversations: of the channel itself. */
#define IPC_LEAVING 0x0001 /* server -> client: ipc_say_leaving() */

struct ipc_channel;

/* One arriving message, for its handler. */
struct ipc_call {
	struct ipc_channel *channel;
	void *ctx;   /* the channel's */
	uint32_t id; /* to answer with ipc_reply(); 0: no answer is wanted */
	uint16_t type;
	unsigned nfds;
	int *fds;
};

struct ipc_route {
	uint16_t type;
	uint32_t from;   /* FROM(SERVICE_...) set: who may send it */
	uint32_t states; /* channel states in which it is allowed (ipc_set_state); 0: any */
	uint8_t fds;     /* exactly so many descriptors */
	size_t size;     /* of the decoded struct, at most IPC_MESSAGE_MAX */
	int (*decode)(struct ipc_reader *in, void *msg);
	void (*handler)(struct ipc_call *call, const void *msg); /* msg lives during the call */
};

/* A reply, or why there is none: ERR_PEER (it died), ERR_TIMEOUT. body is borrowed. */
struct ipc_answer {
	int err;
	uint16_t type;
	struct bytes body;
	unsigned nfds;
	int *fds; /* taken by setting to -1 */
};

typedef void ipc_answer_fn(void *arg, const struct ipc_answer *answer);

struct ipc_channel_spec {
	struct event_base *base;
	int fd;            /* taken; made non-blocking */
	enum service peer; /* as master said */
	unsigned peer_instance;
	/* It asks, we answer: as long as IPC_UNSENT_MAX is exceeded nothing more is read. Not
	 * for both ends of a channel: they might wait for each other. */
	bool served;
	const struct ipc_route *routes;
	size_t nroutes;
	void *ctx;
	/* The peer left (ERR_PEER) or broke the rules (ERR_SYNTAX): requests in flight have
	 * failed already; the channel is freed after this returns. May be NULL. */
	void (*on_close)(void *ctx, struct ipc_channel *channel, int err);
	/* The server is about to leave and answers what it was asked so far. sole: its successor
	 * waits until it has gone, so nobody is to keep it. May free or retire the channel.
	 * NULL: a server does not say so here. */
	void (*on_leaving)(void *ctx, struct ipc_channel *channel, bool sole);
};

struct ipc_channel *ipc_channel_new(const struct ipc_channel_spec *spec);

/* Close from our side: requests in flight fail with ERR_PEER, on_close is not called. What
 * was sent before is flushed first if the socket takes it. NULL is fine; sets NULL. */
void ipc_channel_free(struct ipc_channel **channel);

/* Close from our side once all that was asked is answered: requests in flight end as they would
 * have. NULL is fine; sets NULL. */
void ipc_retire(struct ipc_channel **channel);

/* To who asks us: let go of this channel and find our successor. */
void ipc_say_leaving(struct ipc_channel *channel, bool sole);

enum service ipc_peer(const struct ipc_channel *channel);
unsigned ipc_peer_instance(const struct ipc_channel *channel);
/* The server's own about who asks there; NULL at first. */
void ipc_set_owner(struct ipc_channel *channel, void *owner);
void *ipc_owner(const struct ipc_channel *channel);
void ipc_set_state(struct ipc_channel *channel, uint32_t state); /* 1 bit; starts as 1 */

/* Octets waiting to be sent. */
size_t ipc_backlog(const struct ipc_channel *channel);

/*
 * An empty buffer to encode the next body into; valid until the next ipc_compose() of any
 * channel's send. Usual form:
 *	foo_encode(ipc_compose(ch), &foo);
 *	ipc_send(ch, FOO, NULL, 0);
 * The three senders below send what was composed last and leave the buffer empty.
 */
struct buf *ipc_compose(struct ipc_channel *channel);

void ipc_send(struct ipc_channel *channel, uint16_t type, const int *fds, unsigned nfds);
void ipc_reply(
	struct ipc_channel *channel, uint32_t id, uint16_t type, const int *fds, unsigned nfds);

/* done is called exactly once, never from within ipc_request(). timeout_ms is rounded up to
 * whole seconds; 0: none. */
void ipc_request(struct ipc_channel *channel, uint16_t type, const int *fds, unsigned nfds,
	unsigned timeout_ms, ipc_answer_fn *done, void *arg);

/*
 * The answer to one request, as a packet that can be sent with nothing but sendmsg(2), from a
 * signal handler: a process' last word. Without a body.
 */
struct ipc_last_word {
	int fd;
	uint8_t packet[12];
};

void ipc_last_word(
	const struct ipc_channel *channel, uint32_t id, uint16_t type, struct ipc_last_word *out);

/* Send what waits now instead of at the end of the turn. */
void ipc_flush(struct ipc_channel *channel);

/* The descriptor is the handler's from now on. */
static inline int
ipc_take_fd(struct ipc_call *call, unsigned i)
{
	int fd = call->fds[i];

	call->fds[i] = -1;
	return fd;
}

/* For programs without an event loop (the operator's command, a session): blocking forms on
 * a plain descriptor. ERR_PEER, ERR_SYNTAX, ERR_TIMEOUT. Descriptors sent stay the caller's. */
MUST_USE int ipc_blocking_send(int fd, uint16_t type, uint32_t id, bool is_reply, struct bytes body,
	const int *fds, unsigned nfds);

/* One packet may hold several frames: *packet keeps what is left for the next call. Received
 * descriptors are in *frame; the caller closes them. timeout_ms < 0: for ever. */
struct ipc_frame {
	uint16_t type;
	bool is_reply;
	uint32_t id;
	struct bytes body; /* borrowed from packet */
	unsigned nfds;
	int fds[IPC_FDS_MAX];
};

#define IPC_PACKET_MAX     (64 * 1024)
#define IPC_PACKET_FDS_MAX 64

struct ipc_packet {
	struct buf data; /* BUF_INIT; freed by the owner */
	size_t used;     /* octets of data already handed out */
	int fds[IPC_PACKET_FDS_MAX];
	unsigned nfds, fds_used;
};

MUST_USE int ipc_blocking_receive(
	int fd, struct ipc_packet *packet, struct ipc_frame *frame, int timeout_ms);

/* true if the packet still holds frames that ipc_blocking_receive() gives without waiting */
bool ipc_packet_pending(const struct ipc_packet *packet);

/*
 * The next frame of a packet (pure; fuzzed). rest: what is left of the packet.
 * returns: 1 a frame; 0 nothing left; ERR_SYNTAX. Descriptors are assigned by the caller.
 */
MUST_USE int ipc_frame_parse(struct bytes *rest, struct ipc_frame *frame);

#endif
