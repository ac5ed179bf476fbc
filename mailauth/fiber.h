/* SPDX-License-Identifier: ISC */
/*
 * mailauth/fiber.h - a function on a stack of its own, which can be left in the middle and resumed.
 *
 * For libraries that want an answer on the spot where we only have a question (libspf2's DNS
 * look-ups). All in one thread; exactly one runs at a time, and only while fiber_resume() does.
 * Stacks are FIBER_STACK octets of address space with a guard page below: whoever overruns one gets
 * SIGSEGV. What is not touched takes no memory.
 */
#ifndef RELAIS_FIBER_H
#define RELAIS_FIBER_H

#include "check.h"

#include <stdbool.h>

/* A check of SPF uses 8 to 11 KiB; AddressSanitizer makes frames several times as large. */
#ifdef RELAIS_SANITIZE
#define FIBER_STACK (512 * 1024)
#else
#define FIBER_STACK (64 * 1024)
#endif
#define FIBER_POOL_MAX 64 /* idle stacks that are kept */

struct fiber;
struct fiber_pool; /* of stacks that are not in use */

struct fiber_pool *fiber_pool_new(void);
void fiber_pool_free(struct fiber_pool *p); /* no fiber may exist */

/* run is called by the first fiber_resume(). Ends the process if there is no memory. */
struct fiber *fiber_new(struct fiber_pool *p, void (*run)(void *arg), void *arg);

/* Goes on until fiber_wait(), then true; or until run returns, then false. */
bool fiber_resume(struct fiber *f);

/* From within: back to whoever resumed. */
void fiber_wait(struct fiber *f);

/* run has returned, or was never called. */
void fiber_free(struct fiber *f);

#endif
