/* SPDX-License-Identifier: ISC */
/*
 * lib/daemon/sign_link.h - have a message signed by mailauth-sign, whatever becomes of it.
 *
 * If the signer dies while it is at it, another one is asked once more within the same time. Who
 * killed it, it says itself in most cases: that message is not signed, and not asked for again.
 */
#ifndef RELAIS_SIGN_LINK_H
#define RELAIS_SIGN_LINK_H

#include "daemon.h"
#include "signer_msg.h"

/* Borrowed; lives during the call. err is one of signer_msg.h's in every case. */
typedef void sign_answer_fn(void *arg, const struct signer_signed *answer);

/*
 * m: borrowed during the call, copied for the repeat. With content in an fd the fd is content_fd;
 * it is the link's from now on (give it a dup() of what is still needed), else -1.
 * l: of SERVICE_SIGNER, CONTROL_ANY. timeout_ms: 0 is SIGNER_TIMEOUT_MS.
 * done is called exactly once, never from within.
 */
void sign_link_ask(struct link *l, const struct signer_sign *m, int content_fd, unsigned timeout_ms,
	sign_answer_fn *done, void *arg);

#endif
