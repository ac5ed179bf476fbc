/* SPDX-License-Identifier: ISC */
/*
 * mailauth/guard.c - the last word of a process that dies in a library.
 *
 * The handler may run in a process whose memory is broken: it touches nothing but the packet that
 * was made before, and makes one system call. The kernel counts the CPU time: what waits costs
 * nothing, and a step that hangs is seen two ticks later.
 *
 * Runs in:  mailauth-verify, mailauth-sign.
 */
#include "guard.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define STACK_SIZE (64 * 1024)

/* Signal handlers have no argument, so this is the process' own. */
static struct {
	struct ipc_last_word word;
	volatile sig_atomic_t inside;
	volatile unsigned step; /* which: it changes with every one */
	unsigned seen, ticks;   /* the handler's: the step at the last tick, and how often */
	uint16_t type;
} guard;

static uint8_t stack[STACK_SIZE]; /* a handler's: the usual one may have run over */

static void
say_last_word(void)
{
	struct iovec iov = { guard.word.packet, sizeof(guard.word.packet) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (guard.inside)
		UNUSED(sendmsg(guard.word.fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL) < 0);
	guard.inside = 0;
}

static void
on_fatal(int sig)
{
	say_last_word();
	/* die of the same signal, so that master's log says which */
	signal(sig, SIG_DFL);
	raise(sig);
}

static void
on_tick(int sig)
{
	if (!guard.inside || guard.seen != guard.step) {
		guard.seen = guard.step;
		guard.ticks = 0;
	} else if (++guard.ticks >= GUARD_CPU_S) {
		say_last_word();
		signal(SIGALRM, SIG_DFL);
		raise(SIGALRM);
	}
}

int
guard_install(uint16_t type)
{
	static const int fatal[] = { SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGSYS };
	const struct itimerval second = { { 1, 0 }, { 1, 0 } };
	const stack_t alternate = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction a = { .sa_handler = on_fatal, .sa_flags = SA_ONSTACK | SA_NODEFER };

	guard.type = type;
	if (sigaltstack(&alternate, NULL) != 0)
		return err_from_errno(errno);
	for (size_t i = 0; i < NITEMS(fatal); i++)
		if (sigaction(fatal[i], &a, NULL) != 0)
			return err_from_errno(errno);
	a = (struct sigaction){ .sa_handler = on_tick, .sa_flags = SA_ONSTACK | SA_RESTART };
	if (sigaction(SIGPROF, &a, NULL) != 0 || setitimer(ITIMER_PROF, &second, NULL) != 0)
		return err_from_errno(errno);
	return ERR_OK;
}

void
guard_enter(const struct ipc_channel *channel, uint32_t id)
{
	ASSERT(!guard.inside);
	ipc_last_word(channel, id, guard.type, &guard.word);
	guard.step++;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	guard.inside = 1;
}

void
guard_leave(void)
{
	guard.inside = 0;
}

#ifdef RELAIS_FAULTS
void
guard_inject_fault(struct bytes in)
{
	if (getenv("RELAIS_MAILAUTH_FAULT") == NULL)
		return;
	if (bytes_search(in, BYTES_LITERAL("x-fault-crash")) != BYTES_NOT_FOUND)
		raise(SIGSEGV);
	if (bytes_search(in, BYTES_LITERAL("x-fault-abort")) != BYTES_NOT_FOUND)
		abort();
	while (bytes_search(in, BYTES_LITERAL("x-fault-hang")) != BYTES_NOT_FOUND)
		__atomic_signal_fence(__ATOMIC_SEQ_CST);
}
#else
void
guard_inject_fault(struct bytes in)
{
	UNUSED(in);
}
#endif
