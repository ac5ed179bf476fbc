/* SPDX-License-Identifier: ISC */
/*
 * directory/pam.h - passwords of the system's users, asked of PAM by a process of its own.
 *
 * PAM's modules open what they like, so they cannot run in directory's jail. If the option
 * pam_service names a service, directory leaves a process behind before it enters its jail:
 * root's uid (pam_unix reads /etc/shadow with no other), no capability, never any again, and,
 * unless switched off, no write access to any file. It answers one question: does PAM take
 * this login with this password? Each question is answered by a child, so a slow one keeps
 * nobody waiting.
 *
 * Runs in:  directory: pam_check() and the answers in the event loop; the helper in pam_helper.c.
 * Trusts:   the helper to say yes or no, nothing else.
 */
#ifndef RELAIS_DIRECTORY_PAM_H
#define RELAIS_DIRECTORY_PAM_H

#include "bytes.h"

struct daemon;
struct pam;

enum pam_verdict {
	PAM_SAYS_NO,
	PAM_SAYS_YES,
	PAM_SAYS_LATER, /* a module failed, it took too long, too many wait */
	PAM_VERDICTS
};

/* Before the jail. *out is NULL if there is no pam_service. < 0: it could not be started. */
MUST_USE int pam_helper_start(struct daemon *d, struct pam **out);

/* In the jail: answers from now on. */
void pam_run(struct pam *p);
void pam_free(struct pam **p); /* who still waits is not called */

/* done(arg, verdict) later, never from within. All is copied. */
typedef void pam_done_fn(void *arg, enum pam_verdict verdict);
void pam_check(struct pam *p, struct bytes user, struct bytes password, struct bytes client,
	pam_done_fn *done, void *arg);

/* ---- pam_helper.c ---- */

#define PAM_NAME_MAX     256
#define PAM_PASSWORD_MAX 1024
#define PAM_PACKET_MAX   2048

/* question: u64 number, u16 + user, u16 + password, u16 + client; answer: u64 number, u8
 * verdict. The strings go on as C strings: none may hold a NUL. */
struct pam_question {
	uint64_t number;
	struct bytes user, password, client;
};
struct buf;
void pam_question_encode(struct buf *out, const struct pam_question *q);
MUST_USE int pam_question_decode(struct bytes in, struct pam_question *q);

/* The helper's life; never returns. */
_Noreturn void pam_helper_live(int socket, const char *service, bool privileged, bool read_only);

#endif
