/* SPDX-License-Identifier: ISC */
/*
 * lib/ipc/mailauth_msg.h - all that may be asked of mailauth-verify.
 *
 *   SPF        CLI: may this client use this HELO and this reverse-path? answered by SPF_RESULT
 *   VERIFY     smtpd, CLI, dmarc-reporter: the content's signatures, and DMARC; either asks about
 *              SPF, too, or carries what SPF_RESULT said; answered by VERIFIED. VERIFY_FD: the
 *              content is in a descriptor
 *   DIED       in the place of either answer: the last word of a process in which this very request
 *              crashed or hung a library. Whoever gets ERR_PEER instead may ask again
 *
 * The process keeps nothing between two requests.
 */
#ifndef RELAIS_MAILAUTH_MSG_H
#define RELAIS_MAILAUTH_MSG_H

#include "auth_results.h"
#include "content_source.h"
#include "ipc.h"

#define MAILAUTH_CONTENT_MAX     (2047u << 20)
#define MAILAUTH_ADDRESS_MAX     45  /* "2001:db8::1", never an IPv4-mapped one */
#define MAILAUTH_NAME_MAX        255 /* a domain */
#define MAILAUTH_PATH_MAX        512 /* a mailbox: RFC5321_MAILBOX_MAX; none is cut */
#define MAILAUTH_WORDS_MAX       255 /* for people: what was wrong */
#define MAILAUTH_EXPLANATION_MAX 512
#define MAILAUTH_MECHANISM_MAX   512
#define MAILAUTH_SELECTOR_MAX    255
#define MAILAUTH_RECORD_MAX      2048  /* of a DMARC record */
#define MAILAUTH_TRACE_MAX       16384 /* octets of all steps, with EXPLAIN */
#define MAILAUTH_SIGNATURES_MAX  16

/* What a line of SPF's trace begins with: whose check it is of. */
#define MAILAUTH_TRACE_MAIL_FROM "MAIL FROM: "
#define MAILAUTH_TRACE_HELO      "HELO: "

enum mailauth_message {
	MAILAUTH_SPF = IPC_VERIFIER,
	MAILAUTH_SPF_RESULT,
	MAILAUTH_VERIFY,
	MAILAUTH_VERIFY_FD,
	MAILAUTH_VERIFIED,
	MAILAUTH_DIED, /* empty body */
};

struct mailauth_spf_question {
	struct bytes client;    /* address, as text */
	struct bytes helo;      /* as the client gave it */
	struct bytes mail_from; /* reverse-path without <>; empty: the null one */
	bool explain;           /* tell the steps */
};

/* One identity's. */
struct mailauth_spf {
	enum auth_result result;  /* none without a record or without a domain to ask about */
	struct bytes domain;      /* whose record it is about */
	struct bytes mechanism;   /* what matched, as written: "-all"; may be empty */
	struct bytes explanation; /* the domain's own words, fail only; clean text; may be empty */
	struct bytes problem;     /* for people; with errors; may be empty */
	uint8_t lookups, void_lookups;
};

struct mailauth_spf_result {
	struct mailauth_spf mail_from; /* with the null reverse-path: of postmaster@HELO */
	struct mailauth_spf helo;
	struct bytes trace; /* lines, each with '\n' */
};

struct mailauth_verify {
	bool explain;
	bool ask_spf;                       /* else its result is known */
	struct mailauth_spf_question about; /* its explain is this message's */
	struct mailauth_spf spf;            /* that of the reverse-path */
	struct content_source content;      /* header and body, CRLF; without our own fields */
};

/* Of one DKIM-Signature field, in their order from the top. */
struct mailauth_dkim {
	enum auth_result result;
	bool testing;           /* t=y in the key record */
	uint16_t key_bits;      /* 0: not known */
	struct bytes domain;    /* d= */
	struct bytes selector;  /* s= */
	struct bytes identity;  /* i=; may be empty */
	struct bytes algorithm; /* a= */
	struct bytes b;         /* the first 8 characters of b= */
	struct bytes problem;   /* for people; may be empty */
};

enum mailauth_policy {
	MAILAUTH_POLICY_NONE,
	MAILAUTH_POLICY_QUARANTINE,
	MAILAUTH_POLICY_REJECT,
	MAILAUTH_POLICIES
};

struct mailauth_dmarc {
	enum auth_result result;        /* none: no record */
	enum mailauth_policy policy;    /* what the domain wants for a message that fails */
	enum mailauth_policy published; /* the same before t=y took it a step down */
	bool testing;                   /* t=y took it a step down */
	bool spf_aligned, dkim_aligned;
	bool psd_record;            /* the record is a public suffix' */
	bool reports;               /* it has addresses for aggregate reports */
	uint8_t dkim_index;         /* dkim_aligned: by which of the signatures */
	struct bytes author_domain; /* of the From field; empty: there is no usable one */
	struct bytes org_domain;    /* its organizational domain */
	struct bytes record_domain; /* where the record was found */
	struct bytes record;        /* its text */
	struct bytes problem;       /* one line for people: why this result */
};

struct mailauth_verified {
	/* What was asked about SPF, as in SPF_RESULT; or what was known of it, and nothing. */
	struct mailauth_spf mail_from, helo;
	uint32_t n_dkim;
	bool more_dkim;    /* there are more signatures than were looked at */
	bool dkim_unknown; /* n_dkim is 0 because nobody could look */
	struct mailauth_dkim dkim[MAILAUTH_SIGNATURES_MAX];
	struct mailauth_dmarc dmarc;
	struct bytes trace;
};

/* "quarantine" */
const char *mailauth_policy_name(enum mailauth_policy policy);

/* Encoder and decoder of each, side by side in mailauth_msg.c; what is decoded borrows. What is too
 * long for its limit is cut by the encoders of the two answers. */
void mailauth_spf_question_encode(struct buf *out, const struct mailauth_spf_question *m);
MUST_USE int mailauth_spf_question_decode(struct ipc_reader *in, void *m);
void mailauth_spf_result_encode(struct buf *out, const struct mailauth_spf_result *m);
MUST_USE int mailauth_spf_result_decode(struct ipc_reader *in, void *m);
void mailauth_verify_encode(struct buf *out, const struct mailauth_verify *m);
MUST_USE int mailauth_verify_decode(struct ipc_reader *in, void *m);
MUST_USE int mailauth_verify_fd_decode(struct ipc_reader *in, void *m);
void mailauth_verified_encode(struct buf *out, const struct mailauth_verified *m);
MUST_USE int mailauth_verified_decode(struct ipc_reader *in, void *m);

#endif
