/* SPDX-License-Identifier: ISC */
/* lib/ipc/ipc_request.c - requests of a channel that wait for their answers: found by number, ended
 * by the answer, the time, or the channel's end. */
#include <stdlib.h>

#include "clock.h"
#include "ipc_private.h"

#define SLOT_BITS 20
#define SLOTS_MAX (1u << SLOT_BITS)

void
ipc_requests_fail(struct ipc_channel *c, int err)
{
	const struct ipc_answer answer = { .err = err };

	for (uint32_t i = 0; i < c->nslots; i++) {
		struct request_slot *s = &c->slots[i];
		ipc_answer_fn *done = s->done;

		if (done == NULL)
			continue;
		s->done = NULL;
		c->waiting--;
		done(s->arg, &answer);
	}
}

static struct request_slot *
new_slot(struct ipc_channel *c)
{
	struct request_slot *s;

	if (c->waiting == c->nslots) {
		uint32_t n = c->nslots == 0 ? 8 : c->nslots * 2;

		ASSERT(n <= SLOTS_MAX); /* callers bound what they ask at once */
		c->slots = xrealloc(c->slots, n * sizeof(*c->slots));
		for (uint32_t i = c->nslots; i < n; i++)
			c->slots[i] = (struct request_slot){ .next_free = i + 1 };
		c->free_slot = c->nslots;
		c->nslots = n;
	}
	s = &c->slots[c->free_slot];
	/* the generation keeps a late answer from meeting a new request */
	c->generation = (c->generation + 1) & ((1u << (32 - SLOT_BITS)) - 1);
	if (c->generation == 0)
		c->generation = 1; /* id 0 means: no answer wanted */
	s->id = c->generation << SLOT_BITS | c->free_slot;
	c->free_slot = s->next_free;
	c->waiting++;
	return s;
}

static void
release_slot(struct ipc_channel *c, struct request_slot *s)
{
	s->done = NULL;
	s->next_free = c->free_slot;
	c->free_slot = s->id & (SLOTS_MAX - 1);
	c->waiting--;
}

static void
fail_soon(evutil_socket_t fd, short what, void *arg)
{
	struct request_slot *s = arg;

	s->done(s->arg, &(struct ipc_answer){ .err = ERR_PEER });
	free(s);
}

void
ipc_request(struct ipc_channel *c, uint16_t type, const int *fds, unsigned nfds,
	unsigned timeout_ms, ipc_answer_fn *done, void *arg)
{
	struct request_slot *s;

	ASSERT(done != NULL);
	if (c->dead) {
		const struct timeval now = { 0, 0 };

		s = xcalloc(1, sizeof(*s));
		s->done = done;
		s->arg = arg;
		ipc_put_frame(c, type, 0, 0, fds, nfds); /* closes them */
		event_base_once(c->spec.base, -1, EV_TIMEOUT, fail_soon, s, &now);
		return;
	}
	s = new_slot(c);
	s->done = done;
	s->arg = arg;
	s->deadline_ms = timeout_ms == 0 ? 0 : clock_mono_ms() + timeout_ms;
	ipc_put_frame(c, type, 0, s->id, fds, nfds);
	if (timeout_ms != 0 && !c->sweeping) {
		const struct timeval second = { 1, 0 };

		c->sweeping = true;
		event_add(c->sweep, &second);
	}
}

void
ipc_requests_sweep(evutil_socket_t fd, short what, void *arg)
{
	struct ipc_channel *c = arg;
	uint64_t now = clock_mono_ms();

	c->busy++;
	for (uint32_t i = 0; i < c->nslots && !c->dead; i++) {
		struct request_slot *s = &c->slots[i];
		ipc_answer_fn *done = s->done;
		void *done_arg = s->arg;

		if (done == NULL || s->deadline_ms == 0 || s->deadline_ms > now)
			continue;
		release_slot(c, s);
		done(done_arg, &(struct ipc_answer){ .err = ERR_TIMEOUT });
	}
	c->busy--;
	if (c->dead) {
		if (c->busy == 0)
			ipc_destroy(c);
		return;
	}
	if (c->waiting == 0) {
		c->sweeping = false;
		event_del(c->sweep);
	}
	ipc_end_if_idle(c);
}

void
ipc_request_answered(struct ipc_channel *c, struct ipc_frame *f)
{
	uint32_t i = f->id & (SLOTS_MAX - 1);
	struct ipc_answer answer = {
		.type = f->type, .body = f->body, .nfds = f->nfds, .fds = f->fds
	};
	struct request_slot *s;
	ipc_answer_fn *done;
	void *arg;

	if (i >= c->nslots || c->slots[i].done == NULL || c->slots[i].id != f->id)
		return; /* its request has timed out */
	s = &c->slots[i];
	done = s->done;
	arg = s->arg;
	release_slot(c, s);
	done(arg, &answer);
}
