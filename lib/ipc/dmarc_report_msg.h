/* SPDX-License-Identifier: ISC */
/*
 * lib/ipc/dmarc_report_msg.h - data of DMARC aggregate reports (RFC 9990), which ledger keeps.
 *
 *   ROW    smtpd: one message whose author domain has a DMARC record with rua; no answer
 *   DAYS   dmarc-reporter, CLI: for which days and policy domains is there data?
 *   ROWS   dmarc-reporter, CLI: the summed rows of one day and domain, page by page
 *   SEAL   dmarc-reporter: what comes from now on belongs to the day's next part; answered by DONE
 *   SENT   dmarc-reporter: the report of that part of a day went out; answered by DONE
 *
 * ledger sums: rows that differ in nothing but the message are one with a count. A day is a day
 * in UTC; it has one part, unless reports are wanted before its end. A domain's rows of a part are
 * limited (option ledger.dmarc_rows): messages that would make another row are only counted. Data
 * stays until SENT, or for a week.
 */
#ifndef RELAIS_DMARC_REPORT_MSG_H
#define RELAIS_DMARC_REPORT_MSG_H

#include "ipc.h"

#define DMARC_DOMAIN_MAX   255
#define DMARC_ROW_RECORD   1024 /* octets of a record's text that are kept */
#define DMARC_ROW_DKIM_MAX 8    /* signatures of a row: those that pass and align first */
#define DMARC_COMMENT_MAX  200
#define DMARC_DAYS_MAX     32 /* in one DAYS answer */
#define DMARC_ROWS_MAX     8  /* in one ROWS answer */
#define DMARC_KEY_MAX      320
/* Octets of an encoded row, at most: 13 + 2 * 8 strings, each with its length. */
#define DMARC_ROW_OCTETS 7168

enum dmarc_report_type {
	DMARC_ROW = IPC_DMARC_DATA, /* no answer */
	DMARC_DAYS,
	DMARC_DAYS_ANSWER,
	DMARC_ROWS,
	DMARC_ROWS_ANSWER,
	DMARC_SEAL, /* no body; answered by DMARC_DONE */
	DMARC_SENT, /* answered by DMARC_DONE; ERR_NOT_FOUND; ERR_BUSY: there is more by now */
	DMARC_DONE,
};

/* policy_evaluated/disposition */
enum dmarc_disposition {
	DMARC_DID_NONE,       /* failed, nothing was done */
	DMARC_DID_PASS,       /* passed */
	DMARC_DID_QUARANTINE, /* delivered into Junk */
	DMARC_DID_REJECT,
	DMARC_DISPOSITIONS
};

/* policy_evaluated/reason/type: why the disposition is not the published policy */
enum dmarc_reason {
	DMARC_REASON_NONE,
	DMARC_REASON_LOCAL_POLICY,
	DMARC_REASON_MAILING_LIST,
	DMARC_REASON_OTHER,
	DMARC_REASON_TEST_MODE,
	DMARC_REASON_TRUSTED_FORWARDER,
	DMARC_REASONS
};

/* Results of RFC 8601 sec. 2.7.1 and 2.7.2 in one list; "policy" is DKIM's, "softfail" SPF's. */
enum dmarc_word {
	DMARC_WORD_NONE,
	DMARC_WORD_PASS,
	DMARC_WORD_FAIL,
	DMARC_WORD_NEUTRAL,
	DMARC_WORD_TEMPERROR,
	DMARC_WORD_PERMERROR,
	DMARC_WORD_POLICY,
	DMARC_WORD_SOFTFAIL,
	DMARC_WORDS
};

struct dmarc_row_dkim {
	struct bytes domain, selector; /* at most DMARC_DOMAIN_MAX each */
	enum dmarc_word result;
};

struct dmarc_row {
	struct bytes policy_domain; /* where the record was found: whose report it is */
	struct bytes record;        /* its text, cut at DMARC_ROW_RECORD */
	bool psd_record; /* it is of the public suffix, not of the organizational domain */

	uint8_t family;     /* 4 or 6 */
	uint8_t source[16]; /* the client's address; IPv4 in the first 4 */

	enum dmarc_disposition disposition;
	bool dkim_aligned, spf_aligned;
	enum dmarc_reason reason;
	struct bytes comment; /* of the reason; may be empty */

	struct bytes header_from;   /* the author domain */
	struct bytes envelope_from; /* domain of the reverse-path; empty: null */
	struct bytes envelope_to;   /* domain of the (first) recipient; may be empty */

	uint32_t dkim_count;
	struct dmarc_row_dkim dkim[DMARC_ROW_DKIM_MAX];
	struct bytes spf_domain; /* empty: there was no check */
	enum dmarc_word spf_result;
};

/* ---- for the reporter and the operator ---- */

struct dmarc_days {
	struct bytes after; /* the cursor of the last one seen; empty: at the first */
};

struct dmarc_day {
	struct bytes cursor;
	uint32_t day; /* since 1970, UTC */
	uint32_t part;
	bool open; /* more may come */
	struct bytes policy_domain;
	struct bytes record; /* the last one seen that day */
	uint64_t messages;   /* all, also those without a row */
	uint64_t unlisted;   /* of them: no room for their rows */
	uint32_t rows;
	uint64_t first_s, last_s; /* seconds since 1970: the first and the last message */
};

struct dmarc_days_answer {
	uint32_t count; /* 0: that was all */
	struct dmarc_day rows[DMARC_DAYS_MAX];
};

struct dmarc_rows {
	uint32_t day, part;
	struct bytes policy_domain;
	struct bytes after; /* cursor; empty: at the first */
};

struct dmarc_rows_row {
	struct bytes cursor;
	uint64_t messages;
	struct bytes row; /* a ROW's body: dmarc_row_decode(); without the record */
};

struct dmarc_rows_answer {
	uint32_t count; /* 0: that was all */
	struct dmarc_rows_row rows[DMARC_ROWS_MAX];
};

struct dmarc_sent {
	uint32_t day, part;
	struct bytes policy_domain;
	uint64_t messages; /* that were reported */
};

struct dmarc_done {
	int err;
};

/* ---- to dmarc-reporter, by the operator ---- */

enum dmarc_reporter_type {
	DMARC_SEND = IPC_DMARC_REPORTER, /* answered by DMARC_SEND_ANSWER when all is done */
	DMARC_SEND_ANSWER,
};

struct dmarc_send {
	bool now; /* also what came today; else only days that are over */
};

struct dmarc_send_answer {
	int err;           /* ERR_BUSY: it is at it already */
	uint32_t sent;     /* reports */
	uint32_t unwanted; /* whose record has no address that wants them: their data is dropped */
	uint32_t later;    /* that could not be sent now; they are tried again */
};

/* "none", "pass", "quarantine", "reject"; "local_policy", ...; "temperror", ...: as in the XML */
const char *dmarc_disposition_name(enum dmarc_disposition d);
const char *dmarc_reason_name(enum dmarc_reason r); /* "" for none */
const char *dmarc_word_name(enum dmarc_word w);

void dmarc_row_encode(struct buf *out, const struct dmarc_row *m);
MUST_USE int dmarc_row_decode(struct ipc_reader *in, void *m);
void dmarc_days_encode(struct buf *out, const struct dmarc_days *m);
MUST_USE int dmarc_days_decode(struct ipc_reader *in, void *m);
void dmarc_days_answer_encode(struct buf *out, const struct dmarc_days_answer *m);
MUST_USE int dmarc_days_answer_decode(struct ipc_reader *in, void *m);
void dmarc_rows_encode(struct buf *out, const struct dmarc_rows *m);
MUST_USE int dmarc_rows_decode(struct ipc_reader *in, void *m);
void dmarc_rows_answer_encode(struct buf *out, const struct dmarc_rows_answer *m);
MUST_USE int dmarc_rows_answer_decode(struct ipc_reader *in, void *m);
void dmarc_sent_encode(struct buf *out, const struct dmarc_sent *m);
MUST_USE int dmarc_sent_decode(struct ipc_reader *in, void *m);
void dmarc_done_encode(struct buf *out, const struct dmarc_done *m);
MUST_USE int dmarc_done_decode(struct ipc_reader *in, void *m);
void dmarc_send_encode(struct buf *out, const struct dmarc_send *m);
MUST_USE int dmarc_send_decode(struct ipc_reader *in, void *m);
void dmarc_send_answer_encode(struct buf *out, const struct dmarc_send_answer *m);
MUST_USE int dmarc_send_answer_decode(struct ipc_reader *in, void *m);

#endif
