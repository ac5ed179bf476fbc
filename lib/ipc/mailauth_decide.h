/* SPDX-License-Identifier: ISC */
/*
 * lib/ipc/mailauth_decide.h - what is done with a message after SPF, DKIM and DMARC: one pure
 * function, for the door and for those who explain it.
 */
#ifndef RELAIS_MAILAUTH_DECIDE_H
#define RELAIS_MAILAUTH_DECIDE_H

#include "arena.h"
#include "mailauth_msg.h"

enum mailauth_action {
	MAILAUTH_ACCEPT,
	MAILAUTH_JUNK,   /* accept, into the mailbox Junk */
	MAILAUTH_REFUSE, /* 550 at the end of the data */
	MAILAUTH_DEFER,  /* 451 there: nothing could be found out for now */
	MAILAUTH_ACTIONS
};

/* Why it is not what the author's domain asks for. */
enum mailauth_override {
	MAILAUTH_AS_ASKED,
	MAILAUTH_TRUSTED_FORWARDER,
	MAILAUTH_LOCAL_POLICY, /* mailauth.dmarc = score */
	MAILAUTH_OVERRIDES
};

struct mailauth_facts {
	const struct mailauth_spf *spf;           /* of MAIL FROM */
	const struct mailauth_verified *verified; /* what is not known is AUTH_TEMPERROR */
	struct bytes mail_from;                   /* empty: the null reverse-path */
	bool trusted_forwarder;                   /* the client is one */
	bool refuse_spf_fail;                     /* mailauth.spf_fail = reject */
	bool enforce_dmarc;                       /* mailauth.dmarc = enforce */
	bool defer_temperror;                     /* mailauth.temperror = defer */
};

struct mailauth_decision {
	enum mailauth_action action;
	enum mailauth_override override;
	bool sender_authenticated; /* the owner of the reverse-path may be told what becomes of it
				    */
	bool of_spf;               /* refused: for SPF, not for DMARC */
	int code;                  /* of the reply, if refused or deferred */
	const char *enhanced;
	struct bytes text; /* of the reply, one clean line; lives in the arena */
};

void mailauth_decide(
	const struct mailauth_facts *facts, struct arena *a, struct mailauth_decision *out);

/* "accept", "junk", "refuse" */
const char *mailauth_action_name(enum mailauth_action action);

#endif
