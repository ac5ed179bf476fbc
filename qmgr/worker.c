/* SPDX-License-Identifier: ISC */
/*
 * qmgr/worker.c - one thread, two lists, one eventfd.
 *
 * Runs in:  qmgr; the thread shares its jail.
 */
#include "worker.h"

#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "check.h"

TAILQ_HEAD(job_list, worker_job);

struct worker {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct job_list todo, ready; /* under lock */
	bool ending;                 /* under lock */
	int wake;
	struct event *woken;
};

static void *
thread_main(void *arg)
{
	struct worker *w = arg;
	struct worker_job *job;
	const uint64_t one = 1;
	ssize_t n;

	pthread_mutex_lock(&w->lock);
	for (;;) {
		while ((job = TAILQ_FIRST(&w->todo)) == NULL && !w->ending)
			pthread_cond_wait(&w->more, &w->lock);
		if (job == NULL)
			break;
		TAILQ_REMOVE(&w->todo, job, link);
		pthread_mutex_unlock(&w->lock);
		job->work(job);
		pthread_mutex_lock(&w->lock);
		TAILQ_INSERT_TAIL(&w->ready, job, link);
		pthread_mutex_unlock(&w->lock); /* who is woken finds it free */
		n = write(w->wake, &one, sizeof(one));
		ASSERT(n == sizeof(one));
		pthread_mutex_lock(&w->lock);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

static void
finish_ready(struct worker *w)
{
	struct job_list ready = TAILQ_HEAD_INITIALIZER(ready);
	struct worker_job *job;

	pthread_mutex_lock(&w->lock);
	TAILQ_CONCAT(&ready, &w->ready, link);
	pthread_mutex_unlock(&w->lock);
	while ((job = TAILQ_FIRST(&ready)) != NULL) {
		TAILQ_REMOVE(&ready, job, link);
		job->done(job);
	}
}

static void
on_woken(evutil_socket_t fd, short what, void *arg)
{
	uint64_t n;

	if (read(fd, &n, sizeof(n)) > 0)
		finish_ready(arg);
}

struct worker *
worker_new(struct event_base *base)
{
	struct worker *w = xcalloc(1, sizeof(*w));
	sigset_t all, before;

	TAILQ_INIT(&w->todo);
	TAILQ_INIT(&w->ready);
	w->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ASSERT(w->wake >= 0);
	w->woken = event_new(base, w->wake, EV_READ | EV_PERSIST, on_woken, w);
	ASSERT(w->woken != NULL);
	event_add(w->woken, NULL);
	ASSERT(pthread_mutex_init(&w->lock, NULL) == 0);
	ASSERT(pthread_cond_init(&w->more, NULL) == 0);
	sigfillset(&all); /* signals are the event loop's */
	pthread_sigmask(SIG_SETMASK, &all, &before);
	ASSERT(pthread_create(&w->thread, NULL, thread_main, w) == 0);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return w;
}

void
worker_submit(struct worker *w, struct worker_job *job)
{
	pthread_mutex_lock(&w->lock);
	TAILQ_INSERT_TAIL(&w->todo, job, link);
	pthread_mutex_unlock(&w->lock);
	pthread_cond_signal(&w->more);
}

void
worker_free(struct worker **worker)
{
	struct worker *w = *worker;

	*worker = NULL;
	if (w == NULL)
		return;
	pthread_mutex_lock(&w->lock);
	w->ending = true;
	pthread_cond_signal(&w->more);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	finish_ready(w);
	event_free(w->woken);
	close(w->wake);
	pthread_cond_destroy(&w->more);
	pthread_mutex_destroy(&w->lock);
	free(w);
}
