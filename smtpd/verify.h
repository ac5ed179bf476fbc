/* SPDX-License-Identifier: ISC */
/*
 * smtpd/verify.h - private to verify.c and verify_words.c: what is known of a message.
 */
#ifndef RELAIS_SMTPD_VERIFY_H
#define RELAIS_SMTPD_VERIFY_H

#include "ip_set.h"
#include "mailauth_decide.h"
#include "smtpd.h"

struct verify_numbers {
	uint64_t spf_refused, dmarc_refused, deferred, junk, overridden;
	uint64_t died, repeated, given_up;
};

struct verify {
	struct smtpd *smtpd;
	const struct mailauth_conf *conf;
	struct link **verifiers; /* one for each process */
	unsigned nverifiers, turn;
	struct link *ledger;
	struct ip_set *own_hosts, *forwarders;
	struct verify_numbers numbers;
};

/* On one transaction, from its content on. While it is asked for, the client waits, and stays. */
struct verdict {
	struct verify *verify;
	struct client *client;
	struct arena arena;
	unsigned tries; /* of asking */
	bool failed;    /* the content could not be verified */
	struct mailauth_verified verified;
	struct mailauth_decision decision;
};

/* ---- verify_words.c ---- */
/* The fields that go on top of the message. */
void verdict_put_fields(const struct verdict *v, struct buf *out);
void verdict_log(const struct verdict *v);
/* A row for the aggregate report, if the author's domain wants one. */
void verdict_report(const struct verdict *v);

#endif
