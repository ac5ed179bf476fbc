/* SPDX-License-Identifier: ISC */
/* tests/unit/qmgr/fake_private.h - between the files of the fake world. */
#ifndef RELAIS_TEST_FAKE_PRIVATE_H
#define RELAIS_TEST_FAKE_PRIVATE_H

#include "fake.h"
#include "signer_msg.h"

extern struct fake *world; /* there is one at a time */

struct link {
	enum service service;
	struct buf compose;
	const struct ipc_route *routes;
	void *ctx;
	void (*up)(void *arg, struct link *l);
	void *up_arg;
};

/* A request on its way to its answer. */
struct pending {
	enum service service;
	uint16_t type;
	struct buf body;
	int fd;
	ipc_answer_fn *done;
	void *arg;
};

/* What the services say. ERR_OK, or how the channel ends. */
void answer_resolve(struct pending *p, struct buf *out);
int answer_deliver(struct pending *p, struct buf *out);
void answer_sync(struct buf *out);
int answer_send(struct pending *p, struct buf *out);
int answer_sign(struct pending *p, struct buf *out);

#endif
