/* SPDX-License-Identifier: ISC */
/*
 * mailauth/reporter.h - private to dmarc-reporter, which sends aggregate reports.
 *
 *	reporter.c       the process: when; the round through all that waits
 *	reporter_job.c   one report: whom to, rows, text, signature, queue
 */
#ifndef RELAIS_REPORTER_H
#define RELAIS_REPORTER_H

#include "arena.h"
#include "daemon.h"
#include "dmarc_report_msg.h"
#include "mailauth_conf.h"
#include "mailauth_dns.h"
#include "queue_id.h"

extern const struct daemon_spec reporter_spec;

struct reporter_job;

/* How one report came out. */
enum reporter_outcome {
	REPORT_SENT,
	REPORT_UNWANTED, /* nobody to send it to */
	REPORT_LATER,
};

struct reporter {
	struct daemon *d;
	struct link *ledger, *resolver, *signer, *qmgr;
	struct mailauth_dns dns;
	struct queue_id_maker ids;
	struct event *timer; /* of the next round */
	uint64_t due_s;      /* when it goes off: seconds since 1970 */
	struct event *turn;  /* the next report of this one */

	/* the round under way */
	bool running;
	struct buf after; /* the cursor of the last page's end */
	bool last_page;
	struct arena arena; /* of the page */
	struct dmarc_day page[DMARC_DAYS_MAX];
	size_t at, n;
	struct reporter_job *job;
	struct dmarc_send_answer counts;
	bool unsigned_told;        /* that there is no signature: once for all reports */
	struct ipc_channel *asker; /* the operator, NULL: nobody waits */
	uint32_t asker_id;

	uint64_t sent, unwanted, later;
};

static inline const struct mailauth_conf *
reporter_conf(const struct reporter *r)
{
	return r->d->conf;
}

/* Begin with a day's report; reporter_outcome() follows, never from within. */
void reporter_job_start(struct reporter *r, const struct dmarc_day *day);

/* reporter.c: what ledger's DONE says. */
MUST_USE int reporter_done_err(const struct ipc_answer *a);

/* reporter.c: the job is over. */
void reporter_outcome(struct reporter *r, enum reporter_outcome how);

#endif
