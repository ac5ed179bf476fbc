/* SPDX-License-Identifier: ISC */
/*
 * local-delivery/syncer.c - syncfs(2) in a thread of its own, so that deliveries go on while
 * the disk works.
 *
 * A sync that began before a question was asked does not answer it: questions gather while
 * one is under way, and the next one serves them all. A failing syncfs means that the kernel
 * may have dropped pages of any file: nothing asked about is durable.
 *
 * Runs in:  local-delivery, system-delivery.
 */
#include "delivery.h"

#include <event2/event.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "sys.h"

struct question {
	syncer_done_fn *done;
	void *arg;
};

struct questions {
	struct question *v;
	size_t n, cap;
};

struct syncer {
	int fd;
	struct questions waiting, served;
	bool busy;
	int wake_fd; /* eventfd: the thread has a result */
	struct event *woken;
	bool has_thread;
	pthread_t thread;
	/* shared with the thread, under the lock */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool wanted, stop;
	int result;
};

static void *
run_thread(void *arg)
{
	struct syncer *s = arg;
	uint64_t one = 1;
	int r;

	pthread_mutex_lock(&s->lock);
	for (;;) {
		while (!s->wanted && !s->stop)
			pthread_cond_wait(&s->changed, &s->lock);
		if (s->stop)
			break;
		s->wanted = false;
		pthread_mutex_unlock(&s->lock);
		r = sys_syncfs(s->fd);
		pthread_mutex_lock(&s->lock);
		s->result = r;
		ASSERT(write(s->wake_fd, &one, sizeof(one)) == sizeof(one));
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

/* Serve all who wait now: by the thread, or in place. */
static void
begin(struct syncer *s)
{
	struct questions empty = s->served;
	uint64_t one = 1;

	ASSERT(!s->busy && s->served.n == 0);
	s->busy = true;
	s->served = s->waiting;
	s->waiting = empty;
	pthread_mutex_lock(&s->lock);
	if (s->has_thread) {
		s->wanted = true;
		pthread_cond_signal(&s->changed);
	} else {
		s->result = sys_syncfs(s->fd);
		ASSERT(write(s->wake_fd, &one, sizeof(one)) == sizeof(one));
	}
	pthread_mutex_unlock(&s->lock);
}

static void
on_woken(evutil_socket_t fd, short what, void *arg)
{
	struct syncer *s = arg;
	uint64_t count;
	int r;

	UNUSED(what);
	if (read(fd, &count, sizeof(count)) != sizeof(count))
		return;
	pthread_mutex_lock(&s->lock);
	r = s->result;
	pthread_mutex_unlock(&s->lock);
	for (size_t i = 0; i < s->served.n; i++)
		s->served.v[i].done(s->served.v[i].arg, r);
	s->served.n = 0;
	s->busy = false;
	if (s->waiting.n > 0)
		begin(s);
}

void
syncer_ask(struct syncer *s, syncer_done_fn *done, void *arg)
{
	struct questions *w = &s->waiting;

	if (w->n == w->cap) {
		w->cap = w->cap == 0 ? 8 : w->cap * 2;
		w->v = xrealloc(w->v, w->cap * sizeof(w->v[0]));
	}
	w->v[w->n++] = (struct question){ done, arg };
	if (!s->busy)
		begin(s);
}

struct syncer *
syncer_new(struct event_base *base, int fd)
{
	struct syncer *s = xcalloc(1, sizeof(*s));

	s->fd = fd;
	s->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ASSERT(s->wake_fd >= 0);
	s->woken = event_new(base, s->wake_fd, EV_READ | EV_PERSIST, on_woken, s);
	ASSERT(s->woken != NULL && event_add(s->woken, NULL) == 0);
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->changed, NULL);
	s->has_thread = pthread_create(&s->thread, NULL, run_thread, s) == 0;
	return s;
}

void
syncer_free(struct syncer **syncer)
{
	struct syncer *s = *syncer;

	if (s == NULL)
		return;
	if (s->has_thread) {
		pthread_mutex_lock(&s->lock);
		s->stop = true;
		pthread_cond_signal(&s->changed);
		pthread_mutex_unlock(&s->lock);
		pthread_join(s->thread, NULL);
	}
	event_free(s->woken);
	close(s->wake_fd);
	pthread_mutex_destroy(&s->lock);
	pthread_cond_destroy(&s->changed);
	free(s->waiting.v);
	free(s->served.v);
	free(s);
	*syncer = NULL;
}
