/* SPDX-License-Identifier: ISC */
/*
 * local-delivery/child.h - private: one process that delivers for one system user.
 */
#ifndef RELAIS_CHILD_H
#define RELAIS_CHILD_H

#include "delivery.h"

struct child_spec {
	int root_fd;     /* the mail root */
	bool privileged; /* may become somebody else; else the owner must be who we are */
	unsigned timeout_seconds;
	const char *hostname;
	struct bytes filter; /* jail_seccomp_prepare() for SANDBOX_FILES */
	const struct local_delivery_conf *conf;
};

/* All items have the same uid, gid and home. */
struct child {
	int pid, pid_fd;
	int results; /* reads what the child says, at most CHILD_RESULTS_MAX */
};

/* What a child says of one item. */
struct child_result {
	uint32_t item;
	int32_t why; /* as in struct delivery_outcome */
	uint64_t octets;
};

/* Fork. The child sees items as they are now. < 0: nobody was born. */
MUST_USE int child_start(
	const struct child_spec *spec, struct delivery_item *items, size_t n, struct child *child);

/* It ended: take its results (items without one get ERR_PEER), reap it, close. true if it
 * ended as it should. */
bool child_finish(struct child *child, struct delivery_item *items, size_t n);

#endif
