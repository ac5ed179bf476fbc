/* SPDX-License-Identifier: ISC */
/*
 * lib/ipc/session_msg.h - all that may be asked of a session spawner.
 *
 * Three conversations meet at a spawner (imap-spawner, pop3-spawner):
 *
 *   directory -> spawner     START: "whoever shows this token may have a session of this
 *                            account". directory answers the login half's AUTH only after
 *                            the spawner's STARTED, so a TAKE never comes before its START.
 *   login half -> spawner    TAKE: the token, the client's stream, what was read of it already.
 *                            The login half names no account: it cannot choose a mailbox.
 *   session <-> spawner      a private socket pair made at the fork, so the spawner knows whose
 *                            session speaks: quota use, directories to watch, "please end".
 *
 * A token is 128 random bits, good for one TAKE within SESSION_TOKEN_LIFE_MS.
 */
#ifndef RELAIS_SESSION_MSG_H
#define RELAIS_SESSION_MSG_H

#include "ipc.h"

#define SESSION_TOKEN_SIZE    16
#define SESSION_TOKEN_LIFE_MS 30000

#define SESSION_ACCOUNT_MAX IPC_ACCOUNT_MAX
#define SESSION_HOME_MAX    1024  /* relative to the mail root, no "..", no leading "/" */
#define SESSION_ID_MAX      32    /* the connection's id in the log */
#define SESSION_ADDRESS_MAX 64    /* an IP address as text */
#define SESSION_REPLY_MAX   2048  /* "tag OK [CAPABILITY ...] Logged in" CRLF */
#define SESSION_NAMES_MAX   256   /* of SASL mechanisms */
#define SESSION_INPUT_MAX   16384 /* commands a client sent before it saw that reply */

enum session_protocol {
	SESSION_IMAP = 1,
	SESSION_POP3 = 2
};

enum session_msg {
	SESSION_START = IPC_SESSION, /* from directory; answered by STARTED */
	SESSION_STARTED,
	SESSION_TAKE, /* from a login half, with one fd: the stream; answered by TAKEN */
	SESSION_TAKEN,

	SESSION_QUOTA_ADD = IPC_SESSION + 0x10, /* from the session; no answer */
	SESSION_QUOTA_SET, /* from the session, which counted anew; no answer */
	SESSION_QUOTA_GET, /* from the session, empty; answered by QUOTA */
	SESSION_QUOTA,
	SESSION_WATCH, /* from the session, empty, with one directory fd: watch it too; no answer */
	SESSION_UNWATCH, /* from the session, empty: forget all its directories; no answer */
	SESSION_CHANGED, /* to the session, empty: something in a watched directory changed */
	SESSION_END,     /* to the session, empty: say BYE and leave soon (restart, stop) */
};

struct session_start_msg {
	uint8_t token[SESSION_TOKEN_SIZE]; /* chosen by directory with random_fill() */
	uint32_t protocol;                 /* enum session_protocol: must be the spawner's own */
	uint32_t uid, gid;                 /* the mailbox's; 0 is refused */
	uint64_t quota_octets;             /* limit; 0: none */
	uint64_t quota_messages;           /* limit; 0: none */
	struct bytes account;              /* "local@domain", the key for ledger */
	struct bytes home;                 /* the Maildir++, relative to the mail root */
};

struct session_started_msg {
	int32_t status; /* enum err: ERR_OK; ERR_BUSY, too many tokens open; ERR_DENIED */
};

struct session_take_msg {
	uint8_t token[SESSION_TOKEN_SIZE];
	struct bytes session_id;  /* for log lines */
	struct bytes client;      /* the client's address, as text */
	struct bytes local;       /* the address it came to */
	struct bytes first_reply; /* what the session writes before anything else */
	struct bytes mechanisms;  /* of SASL that the door offers: " PLAIN LOGIN"; empty: none */
	struct bytes input;       /* octets of the client that were read and not used */
};

struct session_taken_msg {
	int32_t status; /* ERR_OK; ERR_DENIED, token unknown, used or too old; ERR_LIMIT, too
			   many sessions of this account; ERR_BUSY, too many in all */
	uint32_t pid;   /* of the session, for the log */
};

struct session_quota_add_msg {
	int64_t octets; /* what the session's work added to the mailbox; < 0: took away */
	int64_t messages;
};

struct session_quota_set_msg {
	uint64_t octets, messages;
};

struct session_quota_msg {
	int32_t status;       /* ERR_OK; temporary: ledger does not answer now */
	uint64_t used_octets; /* as ledger has it, this session's reports included */
	uint64_t used_messages;
	uint64_t limit_octets; /* 0: none */
	uint64_t limit_messages;
};

void session_start_encode(struct buf *out, const struct session_start_msg *m);
MUST_USE int session_start_decode(struct ipc_reader *in, void *m);
void session_started_encode(struct buf *out, const struct session_started_msg *m);
MUST_USE int session_started_decode(struct ipc_reader *in, void *m);
void session_take_encode(struct buf *out, const struct session_take_msg *m);
MUST_USE int session_take_decode(struct ipc_reader *in, void *m);
void session_taken_encode(struct buf *out, const struct session_taken_msg *m);
MUST_USE int session_taken_decode(struct ipc_reader *in, void *m);
void session_quota_add_encode(struct buf *out, const struct session_quota_add_msg *m);
MUST_USE int session_quota_add_decode(struct ipc_reader *in, void *m);
void session_quota_set_encode(struct buf *out, const struct session_quota_set_msg *m);
MUST_USE int session_quota_set_decode(struct ipc_reader *in, void *m);
void session_quota_encode(struct buf *out, const struct session_quota_msg *m);
MUST_USE int session_quota_decode(struct ipc_reader *in, void *m);

/* A home as the conversation allows it: relative, 1 to SESSION_HOME_MAX octets, no empty,
 * "." or ".." part, no NUL. START with another one does not decode. */
bool session_home_ok(struct bytes home);

#endif
