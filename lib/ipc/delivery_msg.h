/* SPDX-License-Identifier: ISC */
/*
 * lib/ipc/delivery_msg.h - all that qmgr may ask of local-delivery and system-delivery.
 *
 *	DELIVER			one message for one account, the content inside
 *	DELIVER_FD + one fd	the same, more content than CONTENT_INLINE_MAX; read-only use
 *	DELIVER_RESULT		the answer to both: written, or why not
 *	SYNC			make durable all that was answered "written" before
 *	SYNC_RESULT		done, or nothing of it may be taken as durable
 *
 * "Written" is not durable: the file is named and complete, but only a SYNC that was asked
 * after the DELIVER_RESULT arrived, and that succeeded, allows qmgr to record the recipient
 * as delivered. One SYNC to any one deliverer covers the files of all of them (one file
 * system). A DELIVER repeated with the same queue_id, recipient and account is harmless:
 * exactly one message results.
 *
 * Sizes are limited at decoding; bytes are borrowed from the frame.
 */
#ifndef RELAIS_DELIVERY_MSG_H
#define RELAIS_DELIVERY_MSG_H

#include "content_source.h"
#include "ipc.h"

/* Limits of what the decoder accepts. */
#define DELIVERY_ACCOUNT_MAX 320  /* 64 + 1 + 255 octets (RFC 5321 sec. 4.5.3.1) */
#define DELIVERY_HOME_MAX    1024 /* escaped domain / local-part */
#define DELIVERY_DETAIL_MAX  255
#define DELIVERY_PATH_MAX    1024  /* reverse-path, forward-path */
#define DELIVERY_PREFIX_MAX  32768 /* Received, Authentication-Results, ... */
#define DELIVERY_CODE_MAX    11    /* "5.999.999" and some */
#define DELIVERY_TEXT_MAX    512

enum delivery_msg {
	DELIVERY_DELIVER = IPC_DELIVERY, /* a request */
	DELIVERY_DELIVER_FD,             /* the same, with one descriptor */
	DELIVERY_DELIVER_RESULT,
	DELIVERY_SYNC, /* a request without a body */
	DELIVERY_SYNC_RESULT,
};

enum delivery_flags {
	DELIVERY_8BITMIME = 1 << 0, /* RFC 6152 */
	DELIVERY_SMTPUTF8 = 1 << 1, /* RFC 6531 */
	/* No DELIVER of this queue_id and recipient can have been sent before (not after a
	 * restart, a time-out or a retry): the deliverer need not look for its own file. */
	DELIVERY_FIRST_TRY = 1 << 2,
	/* No mailbox: account is "|command" or "/path" of an alias, home is empty; only to
	 * system-delivery, which decides if and as whom it is done. A repeated DELIVER may run
	 * the command again. */
	DELIVERY_COMMAND = 1 << 3,
	DELIVERY_FILE = 1 << 4,
	/* Into the mailbox Junk (RFC 6154 \Junk), made and subscribed to if it is missing. */
	DELIVERY_JUNK = 1 << 5,
};

struct delivery_job {
	uint64_t job_id;               /* the caller's number, returned in the result */
	uint64_t queue_id;             /* with recipient: names the file, so exactly once */
	uint64_t arrival_us;           /* wall clock, INTERNALDATE */
	uint64_t quota_octets;         /* limit of the account; 0: none */
	uint32_t recipient;            /* its number in the message's envelope, from 0; an alias'
					* members each have their own */
	uint32_t uid, gid;             /* owner of the mailbox */
	uint32_t flags;                /* DELIVERY_* */
	struct bytes account;          /* account key, "local@domain", lower case */
	struct bytes home;             /* Maildir, relative to the mail root */
	struct bytes detail;           /* of user+detail; empty: INBOX */
	struct bytes reverse_path;     /* without < >; empty is the null reverse-path */
	struct bytes original_path;    /* forward-path as the client gave it, without < > */
	struct bytes forward_path;     /* what it came to after aliases */
	struct bytes prefix;           /* fields in front of the content, each ending in CRLF;
					* Return-Path and Delivered-To are put before them here */
	struct content_source content; /* CRLF line ends, after the prefix fields */
};

enum delivery_status {
	DELIVERY_WRITTEN = 0,   /* durable after the next successful SYNC */
	DELIVERY_TEMPORARY = 1, /* stay queued, try again */
	DELIVERY_PERMANENT = 2, /* will not get better */
	DELIVERY_BUSY = 3,      /* as TEMPORARY; somebody has the mailbox, for moments as a rule */
	DELIVERY_STATUSES
};

struct delivery_result {
	uint64_t job_id;
	enum delivery_status status;
	struct bytes code; /* enhanced status code, RFC 3463: "2.0.0", "4.3.1" */
	struct bytes text; /* for the log and a DSN's Diagnostic-Code; printable ASCII */
};

struct delivery_sync_result {
	enum delivery_status status; /* DELIVERY_WRITTEN: durable; else DELIVERY_TEMPORARY */
	struct bytes code;
	struct bytes text;
};

/* Encoder and decoder of each, side by side in delivery_msg.c; m is the struct of that name.
 * Decoders give ERR_OK, or ERR_SYNTAX: short, too long, left over, a number out of range. */
void delivery_job_encode(struct buf *out, const struct delivery_job *m);
MUST_USE int delivery_job_decode(struct ipc_reader *in, void *m);
MUST_USE int delivery_job_fd_decode(struct ipc_reader *in, void *m);
void delivery_result_encode(struct buf *out, const struct delivery_result *m);
MUST_USE int delivery_result_decode(struct ipc_reader *in, void *m);
void delivery_sync_result_encode(struct buf *out, const struct delivery_sync_result *m);
MUST_USE int delivery_sync_result_decode(struct ipc_reader *in, void *m);

#endif
