/* SPDX-License-Identifier: ISC */
/*
 * mailauth/fiber.c - fibers, by ucontext(3).
 *
 * Runs in:  mailauth-verify, CLI.
 */
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "fiber.h"

#ifdef RELAIS_SANITIZE
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#define SWITCH_BEGINS(save, bottom, size) __sanitizer_start_switch_fiber(save, bottom, size)
#define SWITCH_ENDED(save, bottom, size)  __sanitizer_finish_switch_fiber(save, bottom, size)
#define STACK_IS_NEW(p, n)                __asan_unpoison_memory_region(p, n)
#else
#define SWITCH_BEGINS(save, bottom, size) ((void)0)
#define SWITCH_ENDED(save, bottom, size)  ((void)0)
#define STACK_IS_NEW(p, n)                ((void)0)
#endif

struct fiber_pool {
	void *idle[FIBER_POOL_MAX];
	size_t n;
	size_t guard; /* octets of a page */
};

enum fiber_state {
	FIBER_NEW,
	FIBER_WAITS,
	FIBER_RUNS,
	FIBER_DONE
};

struct fiber {
	struct fiber_pool *pool;
	ucontext_t self, caller;
	void (*run)(void *arg);
	void *arg;
	uint8_t *stack; /* behind the guard page */
	enum fiber_state state;
	/* what AddressSanitizer wants to know of both stacks */
	void *self_fake, *caller_fake;
	const void *caller_bottom;
	size_t caller_size;
};

struct fiber_pool *
fiber_pool_new(void)
{
	struct fiber_pool *p = xcalloc(1, sizeof(*p));

	p->guard = (size_t)sysconf(_SC_PAGESIZE);
	return p;
}

static void
unmap(struct fiber_pool *p, uint8_t *stack)
{
	(void)munmap(stack - p->guard, FIBER_STACK + p->guard);
}

void
fiber_pool_free(struct fiber_pool *p)
{
	if (p == NULL)
		return;
	while (p->n > 0)
		unmap(p, p->idle[--p->n]);
	free(p);
}

static uint8_t *
stack_take(struct fiber_pool *p)
{
	uint8_t *mem;

	if (p->n > 0)
		return p->idle[--p->n];
	mem = mmap(NULL, FIBER_STACK + p->guard, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
	ASSERT(mem != MAP_FAILED);
	ASSERT(mprotect(mem, p->guard, PROT_NONE) == 0);
	return mem + p->guard;
}

static void
stack_give(struct fiber_pool *p, uint8_t *stack)
{
	STACK_IS_NEW(stack, FIBER_STACK);
	if (p->n < FIBER_POOL_MAX)
		p->idle[p->n++] = stack;
	else
		unmap(p, stack);
}

/* makecontext() passes ints only. */
static void
entry(unsigned high, unsigned low)
{
	struct fiber *f = (struct fiber *)(uintptr_t)((uint64_t)high << 32 | low);

	SWITCH_ENDED(NULL, &f->caller_bottom, &f->caller_size);
	f->run(f->arg);
	f->state = FIBER_DONE;
	SWITCH_BEGINS(NULL, f->caller_bottom, f->caller_size);
	(void)setcontext(&f->caller);
	abort();
}

struct fiber *
fiber_new(struct fiber_pool *p, void (*run)(void *arg), void *arg)
{
	struct fiber *f = xcalloc(1, sizeof(*f));

	f->pool = p;
	f->run = run;
	f->arg = arg;
	f->stack = stack_take(p);
	ASSERT(getcontext(&f->self) == 0);
	f->self.uc_stack.ss_sp = f->stack;
	f->self.uc_stack.ss_size = FIBER_STACK;
	makecontext(&f->self, (void (*)(void))(uintptr_t)entry, 2,
		(unsigned)((uint64_t)(uintptr_t)f >> 32), (unsigned)(uintptr_t)f);
	return f;
}

bool
fiber_resume(struct fiber *f)
{
	ASSERT(f->state == FIBER_NEW || f->state == FIBER_WAITS);
	f->state = FIBER_RUNS;
	SWITCH_BEGINS(&f->caller_fake, f->stack, FIBER_STACK);
	ASSERT(swapcontext(&f->caller, &f->self) == 0);
	SWITCH_ENDED(f->caller_fake, NULL, NULL);
	return f->state != FIBER_DONE;
}

void
fiber_wait(struct fiber *f)
{
	f->state = FIBER_WAITS;
	SWITCH_BEGINS(&f->self_fake, f->caller_bottom, f->caller_size);
	ASSERT(swapcontext(&f->self, &f->caller) == 0);
	SWITCH_ENDED(f->self_fake, &f->caller_bottom, &f->caller_size);
}

void
fiber_free(struct fiber *f)
{
	ASSERT(f->state == FIBER_NEW || f->state == FIBER_DONE);
	stack_give(f->pool, f->stack);
	free(f);
}
