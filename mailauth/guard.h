/* SPDX-License-Identifier: ISC */
/*
 * mailauth/guard.h - who is to blame if the process dies: the request in whose name libraries are
 * running.
 *
 * While one runs between guard_enter() and guard_leave(), a fatal signal, or GUARD_CPU_S seconds of
 * CPU in that one step, sends its last word (ipc_last_word()) on the channel it came by; then the
 * process dies. Single-threaded: one request at a time.
 *
 * Runs in:  mailauth-verify, mailauth-sign.
 */
#ifndef RELAIS_GUARD_H
#define RELAIS_GUARD_H

#include "ipc.h"

#define GUARD_CPU_S 2 /* to 3: a step takes milliseconds */

/* Before the jail: it needs a timer. type: of the last word. */
MUST_USE int guard_install(uint16_t type);

void guard_enter(const struct ipc_channel *channel, uint32_t id);
void guard_leave(void);

/* What a test asks for by a word in the message, if the environment of the suite allows it: a
 * library that crashes or hangs. Not in releases. */
void guard_inject_fault(struct bytes in);

#endif
