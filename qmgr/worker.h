/* SPDX-License-Identifier: ISC */
/*
 * qmgr/worker.h - a thread for system calls that wait for the disk: jobs go in, and come
 * back to the event loop when they are done. A job belongs to the thread in between.
 */
#ifndef RELAIS_QMGR_WORKER_H
#define RELAIS_QMGR_WORKER_H

#include <event2/event.h>
#include <stdbool.h>
#include <sys/queue.h>

struct worker_job {
	TAILQ_ENTRY(worker_job) link;
	void (*work)(struct worker_job *job); /* in the thread; no log, no other state */
	void (*done)(struct worker_job *job); /* in the event loop */
	void *ctx;
};

struct worker;

/* Ends the process if there is no thread to be had. */
struct worker *worker_new(struct event_base *base);
void worker_submit(struct worker *w, struct worker_job *job);
/* Waits for what was submitted and calls done() of each; then the thread is gone. */
void worker_free(struct worker **w);

#endif
