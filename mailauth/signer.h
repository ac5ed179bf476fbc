/* SPDX-License-Identifier: ISC */
/*
 * mailauth/signer.h - private to mailauth-sign, which makes DKIM signatures.
 *
 *   signer.c        the process: keys from dkim-keeper, the ticket key from directory
 *   signer_check.c  may this be signed, and with which keys?
 *   signer_job.c    one message being signed, a piece at a time
 *   signer_keys.c   the keys
 */
#ifndef RELAIS_SIGNER_H
#define RELAIS_SIGNER_H

#include <sys/queue.h>

#include "daemon.h"
#include "log_pace.h"
#include "send_ticket.h"
#include "signer_keys.h"
#include "signer_msg.h"

#define SIGNER_JOBS_MAX 2000

struct signer_job;

struct signer {
	struct daemon *d;
	struct link *keeper, *directory;
	struct signer_keys keys;
	bool loaded; /* all keys have been told once */
	struct send_ticket_key ticket_key;
	uint64_t ticket_asked_ms; /* 0: not since the link came up */
	TAILQ_HEAD(, signer_job) jobs;
	size_t njobs;
	struct event *work;
	struct log_pace refused_pace, failed_pace, keyless_pace;
	uint64_t signed_total, signatures, no_key, refused, unsignable, busy, failed;
};

/* ---- signer.c ---- */
void signer_ask_ticket_key(struct signer *s);

/* ---- signer_check.c ---- */
/*
 * Whose keys sign this? from: the domain that the request names, checked against ticket and
 * header. returns: ERR_OK, with *out held; an error as in signer_msg.h, with *why in a few words,
 * static. header: of the message, prefix included.
 */
MUST_USE int signer_may(struct signer *s, enum service peer, const struct signer_sign *m,
	struct bytes header, struct signer_domain **out, const char **why);

/* ---- signer_job.c ---- */
void signer_on_sign(struct ipc_call *call, const void *msg);
void signer_job_turn(struct signer *s); /* for a moment */
void signer_jobs_peer_down(struct signer *s, const struct ipc_channel *peer);

extern const struct daemon_spec signer_spec;

#endif
