/* SPDX-License-Identifier: ISC */
/*
 * local-delivery/intake.h - private: what local-delivery and system-delivery have in common.
 *
 * Jobs gather during one turn of the event loop; at its end `work` gets them and answers
 * each, at once or later, with intake_answer(). SYNC is answered here.
 */
#ifndef RELAIS_INTAKE_H
#define RELAIS_INTAKE_H

#include <sys/queue.h>

#include "daemon.h"
#include "delivery.h"
#include "quota_link.h"

struct intake_job {
	TAILQ_ENTRY(intake_job) link; /* of whoever holds it */
	struct delivery_item item;    /* its content_fd is owned, if there is one */
	struct ipc_channel *channel;  /* NULL: who asked has left */
	uint32_t id;
	LIST_ENTRY(intake_job) all;
	struct arena arena; /* the job's bytes */
};

TAILQ_HEAD(intake_jobs, intake_job);

struct intake;

#define INTAKE_ROUTES 3
extern const struct ipc_route intake_routes[INTAKE_ROUTES];

/* The daemon's ctx becomes the intake. sync_fd: a descriptor in the mail root's file system,
 * not O_PATH. work takes all of jobs. idle: nothing of work's is under way (for drain). */
struct intake_spec {
	int sync_fd;
	void (*work)(void *arg, struct intake_jobs *jobs);
	bool (*idle)(void *arg);
	void *arg;
};

struct intake *intake_new(struct daemon *d, const struct intake_spec *spec);

/* Send the result of a job and free it. */
void intake_answer(struct intake *in, struct intake_job *job, const struct delivery_outcome *o);

/* The quota of all accounts here; deltas leave by themselves after intake_answer(). */
struct quota *intake_quota(struct intake *in);
void *intake_arg(struct intake *in);

/* For the daemon's spec. */
void intake_peer_down(struct daemon *d, struct ipc_channel *peer);
void intake_drain(struct daemon *d);
void intake_stats(struct daemon *d, struct buf *out);

#endif
