/* SPDX-License-Identifier: ISC */
/*
 * submission/submission.h - private to the daemon: the users' door.
 *
 *   submission.c     the door as a description
 *   submit_login.c   AUTH: who is it? asked of directory step by step
 *   submit_local.c   the same of local users at the socket of sendmail(1)
 *   submit_send.c    may this login send that? asked of directory; its ticket for qmgr
 *   submit_sign.c    its DKIM signatures, made by mailauth-sign
 *   submit_header.c  header fix-ups
 */
#ifndef RELAIS_SUBMISSION_H
#define RELAIS_SUBMISSION_H

#include "log_pace.h"
#include "smtpd.h"

/* What this door has besides smtpd's: its smtpd->own. */
struct submission {
	struct local_users *users;
	struct link *signer; /* NULL: nothing is signed */
	uint64_t made, keyless, failed;
	struct log_pace keyless_pace;
};

/* ---- submit_login.c ---- */
void submit_auth(struct client *c);
void submit_cancel(struct client *c);
void submit_forget(struct client *c);

/* ---- submit_local.c ---- */
bool submit_local(struct client *c);

/* ---- submit_send.c ---- */
void submit_begin(struct client *c);
void submit_commit(struct client *c);

/* ---- submit_sign.c ---- */
/* Then commit. ticket: directory's, for the signer. */
void submit_sign(struct client *c, struct bytes ticket);

extern const struct daemon_spec submission_spec;

#endif
