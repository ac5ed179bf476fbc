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
	uint64_t spf_refused, dmarc_refused, junk, overridden;
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

/* On one transaction. It lives as long as that, or as the question that is under way. */
struct verdict {
	struct verify *verify;
	struct client *client; /* NULL: the transaction is over */
	struct client *was_of; /* then: whose it was; NULL: gone, it counts as a connection of */
	struct counts_key address;
	struct arena arena;
	unsigned tries;       /* of the question under way */
	bool asking;          /* it is */
	bool failed;          /* the content could not be verified */
	bool has_spf, wanted; /* wanted: the content is there, and waits for SPF */
	struct mailauth_spf_result spf;
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
