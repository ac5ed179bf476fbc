/* SPDX-License-Identifier: ISC */
/*
 * lib/ipc/directory_msg.h - all that others may ask of directory: who exists.
 *
 *   RCPT     smtpd, submission, CLI: may this forward-path be accepted now?
 *   RESOLVE  qmgr: whose mailboxes, or which other addresses and by which next hop, is it?
 *   HOP      smtp-client: what is behind a next hop: hosts to try, TLS, login, source address
 *   AUTH     a door: is this the password? On success directory itself tells the session
 *            spawner whose session to start, so a login half can't choose.
 *   SASL_START, SASL_STEP, SASL_CANCEL
 *            a door: an exchange of SASL messages; the doors see neither hashes nor records
 *   SEND     submission: may this login send this message? Tickets for qmgr and for the
 *            signer if so.
 *   LOCAL    submission: a user of this machine at the socket of sendmail(1); a login handle
 *   LOGOUT   submission: a connection has ended, its login handle with it
 *   TICKET_KEY  qmgr, mailauth-sign: what each of them checks tickets with (send_ticket.h)
 *
 * Each question is answered by one message with the same request id. An address is a Mailbox
 * in its SMTP form (RFC 5321 sec. 4.1.2): Local-part "@" Domain, the local-part perhaps a
 * Quoted-string, without angle brackets; "postmaster" alone is one too (sec. 4.5.1). All struct
 * bytes are borrowed: when decoding, from the frame.
 */
#ifndef RELAIS_DIRECTORY_MSG_H
#define RELAIS_DIRECTORY_MSG_H

#include "bytes.h"
#include "ipc.h"
#include "next_hop.h"
#include "sasl_mechanism.h"
#include "tls_level.h"

#define DIRECTORY_ADDRESS_MAX     512 /* as received; RFC 5321 sec. 4.5.3.1 allows 256 */
#define DIRECTORY_ACCOUNT_MAX     IPC_ACCOUNT_MAX
#define DIRECTORY_DETAIL_MAX      64
#define DIRECTORY_HOME_MAX        1024 /* a path below the mail root */
#define DIRECTORY_PASSWORD_MAX    1024
#define DIRECTORY_CLIENT_MAX      64 /* an address in text form */
#define DIRECTORY_TARGETS_MAX     24 /* in one answer; more are fetched with a higher first */
#define DIRECTORY_TOKEN_SIZE      16
#define DIRECTORY_HANDLE_SIZE     16
#define DIRECTORY_SENDERS_MAX     32   /* header From and Sender addresses of one message */
#define DIRECTORY_RECIPIENTS_MAX  5000 /* of one message; more are refused by submission */
#define DIRECTORY_TICKET_MAX      128
#define DIRECTORY_TICKET_KEY_SIZE 32
#define DIRECTORY_REASON_MAX      200
#define DIRECTORY_RULE_MAX        400 /* a table's name and a key */
#define DIRECTORY_LOCAL_NAME_MAX  64  /* of a user of the system */
#define DIRECTORY_NEXT_HOP_MAX    NEXT_HOP_MAX
#define DIRECTORY_ENHANCED_MAX    11 /* "5.999.999" and some */
#define DIRECTORY_HOPS_MAX        NEXT_HOP_ALTERNATIVES_MAX
#define DIRECTORY_HOST_MAX        NEXT_HOP_HOST_MAX
#define DIRECTORY_LOGIN_MAX       320 /* at a relay */
#define DIRECTORY_TLS_NAMES_MAX   1024

enum directory_type {
	DIRECTORY_RCPT = IPC_DIRECTORY,
	DIRECTORY_RCPT_ANSWER,
	DIRECTORY_RESOLVE,
	DIRECTORY_RESOLVE_ANSWER,
	DIRECTORY_AUTH,
	DIRECTORY_AUTH_ANSWER, /* to AUTH, SASL_START and SASL_STEP */
	DIRECTORY_SASL_START,
	DIRECTORY_SASL_STEP,
	DIRECTORY_SASL_CANCEL, /* no answer */
	DIRECTORY_SEND,
	DIRECTORY_SEND_ANSWER,
	DIRECTORY_LOGOUT,     /* no answer */
	DIRECTORY_TICKET_KEY, /* no body */
	DIRECTORY_TICKET_KEY_ANSWER,
	DIRECTORY_LOCAL, /* 1 fd */
	DIRECTORY_LOCAL_ANSWER,
	DIRECTORY_HOP,
	DIRECTORY_HOP_ANSWER,
};

/* What directory says of an address. */
enum directory_verdict {
	DIRECTORY_OK = 0,
	DIRECTORY_UNKNOWN,       /* a domain of ours, no such address */
	DIRECTORY_NO_RELAY,      /* not a domain of ours, and this client may not relay */
	DIRECTORY_BAD,           /* not an address */
	DIRECTORY_LOCKED,        /* the account exists but takes no mail */
	DIRECTORY_OVER_QUOTA,    /* may have room again later */
	DIRECTORY_TOO_LARGE,     /* larger than the whole quota: never has room */
	DIRECTORY_LOOP,          /* alias expansion comes back to itself, or is too deep or wide */
	DIRECTORY_TEMPORARY,     /* tables can't be read now */
	DIRECTORY_SRS_FORGED,    /* an SRS address (srs.h) that we did not make */
	DIRECTORY_SRS_OLD,       /* one of ours, but its time is over */
	DIRECTORY_ROUTE_LATER,   /* the table transport says error: with 4.y.z */
	DIRECTORY_ROUTE_REFUSED, /* the same with 5.y.z */
	DIRECTORY_VERDICTS
};

/* The reply code, the enhanced code (RFC 3463) and the text for a verdict: for smtpd's reply
 * and for qmgr's bounce alike. Strings are constant. */
struct directory_reply {
	int code;
	const char *enhanced, *text;
};
struct directory_reply directory_verdict_reply(enum directory_verdict v);

/* RCPT. Relay domains (mail for them goes out by smtp-client) and, with
 * DIRECTORY_MAY_RELAY, every other domain answer DIRECTORY_OK. */
#define DIRECTORY_MAY_RELAY 1u /* an authenticated or permitted client */

struct directory_rcpt {
	struct bytes address;
	uint64_t size_octets; /* MAIL's SIZE= (RFC 1870), 0 if not given */
	uint32_t flags;
};

struct directory_rcpt_answer {
	enum directory_verdict verdict;
	/* In place of the verdict's own, if not empty; printable ASCII. The reply code is the
	 * verdict's. */
	struct bytes enhanced, text;
};

/* RESOLVE: one page of targets, from number first on. total says how many there are; when it
 * is over first + count ask again with first + count. A serial that differs between two
 * pages means the tables changed in between: begin again with first = 0. */
struct directory_resolve {
	struct bytes address;
	/* The recipient's, if it has one of its own (a list's owner, SRS), else the message's;
	 * empty: the null reverse-path. Next hops may depend on it. */
	struct bytes reverse_path;
	uint32_t first;
};

enum directory_target_kind {
	DIRECTORY_TARGET_ACCOUNT = 1, /* a mailbox here: account to quota_messages are set */
	DIRECTORY_TARGET_REMOTE,      /* goes out by SMTP to address */
	DIRECTORY_TARGET_ERROR,       /* address can't be delivered: verdict says why */
	DIRECTORY_TARGET_COMMAND,     /* a program gets it: account is "|command" */
	DIRECTORY_TARGET_FILE,        /* appended to a file: account is "/path" */
	DIRECTORY_TARGET_KINDS
};

struct directory_target {
	enum directory_target_kind kind;
	enum directory_verdict verdict; /* ERROR only, else DIRECTORY_OK */
	struct bytes address;           /* this target as an address (after aliases), every kind */
	struct bytes account;           /* the key of the account, "local@domain", folded; or as
					   the kind says: unique among the targets of an address */
	struct bytes home;   /* the Maildir, relative to the mail root; no "..", no "/" first */
	struct bytes detail; /* of user+detail: wanted folder; empty if none */
	/* A list's owner ("owner-list@domain"), or for a REMOTE target that an alias or a forward
	 * made an SRS address of ours (srs.h): the reverse-path for this target in place of the
	 * one asked with. Empty: as asked. The null reverse-path always stays null. */
	struct bytes reverse_path;
	/* REMOTE only, never empty: where it goes, in the words of next_hop.h ("example.org",
	 * "smtp:[relay.example.net]:587"); in one form, so that octets can be compared. */
	struct bytes next_hop;
	struct bytes enhanced, text; /* ERROR only: as in directory_rcpt_answer */
	/* For the operator's command only, else empty: which rule chose the next hop or the error
	 * ("transport .example.org", "smarthost"). */
	struct bytes rule;
	uint32_t uid, gid;
	bool system_user;        /* to system-delivery: a uid of its own, a command or a file */
	uint64_t quota_octets;   /* 0: no limit */
	uint64_t quota_messages; /* 0: no limit */
};

struct directory_resolve_answer {
	enum directory_verdict verdict; /* of the address as a whole; targets only with OK */
	uint64_t serial;
	uint32_t total, first, count;
	struct directory_target targets[DIRECTORY_TARGETS_MAX];
};

/* AUTH */
enum directory_protocol {
	DIRECTORY_IMAP = 1,
	DIRECTORY_POP3,
	DIRECTORY_SUBMISSION, /* no session is started */
	DIRECTORY_PROTOCOLS
};

/* A password as the client gave it in clear: IMAP's LOGIN, POP3's USER and PASS. */
struct directory_auth {
	struct bytes login;
	struct bytes password;
	struct bytes client; /* the client's address as text, for the log and for limits */
	enum directory_protocol protocol;
	uint64_t session; /* the door's number of the connection; a login handle is bound to it */
};

enum directory_auth_status {
	DIRECTORY_AUTH_OK = 0,
	DIRECTORY_AUTH_FAILED,      /* wrong login or password; never says which */
	DIRECTORY_AUTH_LOCKED,      /* right password, but the account may not log in */
	DIRECTORY_AUTH_TEMPORARY,   /* too many at once, tables or spawner not there: try later */
	DIRECTORY_AUTH_CHALLENGE,   /* SASL: send challenge, then SASL_STEP with the response */
	DIRECTORY_AUTH_MALFORMED,   /* SASL: the client's message is not in the grammar */
	DIRECTORY_AUTH_UNSUPPORTED, /* SASL: this mechanism is not to be had */
	DIRECTORY_AUTH_BANNED,      /* too many failures from there, or on this login: later */
	DIRECTORY_AUTH_STATUSES
};

/* What a door says for a status: SMTP's code and enhanced code (RFC 4954 sec. 6), IMAP's
 * response code (RFC 9051 sec. 7.1, without brackets; may be empty), POP3's (RFC 3206; may be
 * empty), a text. Strings are constant. Not for OK and CHALLENGE. */
struct directory_auth_reply {
	int code;
	const char *enhanced, *imap, *pop3, *text;
};
struct directory_auth_reply directory_auth_status_reply(enum directory_auth_status s);

struct directory_auth_answer {
	enum directory_auth_status status;
	struct bytes account;   /* OK: the account's key; a refusal: the login as the client
				   said it, if there was one. For the log */
	struct bytes token;     /* OK and a session was started: DIRECTORY_TOKEN_SIZE octets for the
				   spawner's TAKE; else empty */
	struct bytes handle;    /* OK and DIRECTORY_SUBMISSION: the login handle of SEND,
				   DIRECTORY_HANDLE_SIZE octets; else empty */
	bool send_blocked;      /* OK and DIRECTORY_SUBMISSION: MAIL may be refused at once, SEND
				   will be */
	uint64_t exchange;      /* CHALLENGE only: for SASL_STEP */
	struct bytes challenge; /* CHALLENGE only: what to send, before base64; may be empty */
};

/*
 * SASL. An exchange lives in directory from START to an answer other than CHALLENGE, at most
 * 60 s; it belongs to the channel. The door answers each CHALLENGE with one STEP (what the
 * client sent, after base64), or with CANCEL: the client sent "*", bad base64, or left.
 * A success with data (SCRAM's server-final-message) comes as one more CHALLENGE, whose response
 * is empty (RFC 4954 sec. 4), so OK has none.
 */
struct directory_sasl_start {
	enum sasl_mechanism mechanism;
	enum directory_protocol protocol;
	uint64_t session; /* as in AUTH */
	struct bytes client;
	struct bytes bindings[SASL_BINDINGS]; /* channel binding data; empty: not to be had */
	bool has_initial;                     /* an initial response was given, if empty ("=") */
	struct bytes initial;
};

struct directory_sasl_step {
	uint64_t exchange;
	struct bytes response;
};

struct directory_sasl_cancel {
	uint64_t exchange;
};

/*
 * SEND: may the login send this? It may if reverse-path and all header addresses are its own,
 * it is not blocked and within its limits. The message counts against the limits from here on.
 * With queue_id 0 only these questions are answered (at MAIL): no ticket, nothing counted.
 */
struct directory_send {
	struct bytes handle; /* DIRECTORY_HANDLE_SIZE octets */
	uint64_t session;    /* as in START or AUTH */
	uint64_t queue_id;
	struct bytes reverse_path; /* empty: the null reverse-path */
	uint32_t nsenders;
	struct bytes senders[DIRECTORY_SENDERS_MAX]; /* header From and Sender, each a Mailbox */
	uint32_t author;         /* which of them is the first of From; nsenders: none */
	struct bytes recipients; /* directory_recipient_put() for each forward-path */
};

/* Eight octets that stand for a recipient: who he is is nobody's matter, only if he is new. */
#define DIRECTORY_RECIPIENT_SIZE 8
void directory_recipient_put(struct buf *out, struct bytes forward_path);

enum directory_send_verdict {
	DIRECTORY_SEND_OK = 0,
	DIRECTORY_SEND_NOT_OWNED, /* address says which */
	DIRECTORY_SEND_BLOCKED,   /* the login may not send, until the operator allows it */
	DIRECTORY_SEND_LIMIT,     /* over a limit; reason says which */
	DIRECTORY_SEND_NO_LOGIN,  /* no such handle on this channel: log in again */
	DIRECTORY_SEND_TEMPORARY,
	DIRECTORY_SEND_VERDICTS
};
struct directory_reply directory_send_reply(enum directory_send_verdict v);

struct directory_send_answer {
	enum directory_send_verdict verdict;
	bool in_header;       /* NOT_OWNED: address stands in From or Sender */
	struct bytes address; /* NOT_OWNED: as it was given */
	struct bytes reason;  /* LIMIT: printable ASCII for the reply's text; may be empty */
	struct bytes ticket;  /* OK and queue_id was not 0: for COMMIT */
	/* The same, if there is an author: that the message may be signed for his domain. */
	struct bytes sign_ticket;
};

/*
 * LOCAL: who is at the other end of the fd, a connected UNIX socket? The kernel tells directory
 * (SO_PEERCRED), so that nobody else has to be believed. The name is what submission knows for
 * that uid; it counts only for users newer than directory, and must then be right in the
 * compiled tables. A local user may send as
 * NAME@domain of the system's users, of the default domain and of the host, where that is
 * nobody else's address; root and the option trusted_users as anybody.
 */
struct directory_local {
	uint64_t session; /* as in AUTH */
	struct bytes name;
};

struct directory_local_answer {
	enum directory_auth_status status; /* OK, FAILED, TEMPORARY */
	struct bytes account;              /* OK: who it is, for the envelope and for limits */
	struct bytes address;              /* OK: an address that is his own */
	struct bytes handle;               /* OK: DIRECTORY_HANDLE_SIZE octets; else empty */
};

struct directory_logout {
	struct bytes handle;
	uint64_t session;
};

/* The answer to TICKET_KEY. A new key at each start of the suite, so ask when the link comes up. */
struct directory_ticket_key {
	uint64_t id;      /* tickets name it */
	struct bytes key; /* DIRECTORY_TICKET_KEY_SIZE octets */
};

/*
 * HOP: what a next hop of RESOLVE means now. Everything borrowed is a copy of the tables' words;
 * a caller may keep the answer for some seconds, not longer: tables change.
 */
struct directory_hop {
	struct bytes next_hop;     /* as RESOLVE gave it */
	struct bytes reverse_path; /* of the job; credentials and source address may depend on it */
};

enum directory_hop_status {
	DIRECTORY_HOP_OK = 0,
	DIRECTORY_HOP_BAD,       /* not in the grammar, or an error: route; nothing to connect to */
	DIRECTORY_HOP_TEMPORARY, /* tables can't be read now */
	DIRECTORY_HOP_STATUSES
};

/* One place to try; the next one only if none of its hosts could be spoken to. */
struct directory_hop_alternative {
	enum next_hop_protocol protocol;
	enum next_hop_kind kind;
	/* A domain in lower case (UTF-8 or A-labels); an address; the whole name of the SRV
	 * records; the name of a UNIX socket. */
	struct bytes host;
	/* 0: none given, so the option smtp_client.port (those of lmtp and smtps are filled in);
	 * 0 with SRV and UNIX. */
	uint16_t port;
	/* A policy names this next hop: tls is its level. Else the option smtp_client.tls. */
	bool has_tls;
	enum tls_level tls;
	/* Nothing may go in clear, whatever the option says: there is a login (and no policy
	 * that allows it by name), or the protocol is smtps. A level below is then "encrypt";
	 * "dane" is "dane" where there are records, else "encrypt". */
	bool tls_required;
	/* VERIFY: what the certificate may be for, separated by one space, ".example.org" means
	 * any name below. Empty: the host asked for (with MX: the domain, or an MX host that
	 * DNSSEC vouches for). */
	struct bytes tls_names;
	struct bytes login, password; /* both empty: no AUTH */
};

struct directory_hop_answer {
	enum directory_hop_status status;
	uint32_t count; /* OK: 1 to DIRECTORY_HOPS_MAX; else 0 */
	struct directory_hop_alternative alternatives[DIRECTORY_HOPS_MAX];
	/* For this sender, as text. Empty: the options smtp_client.source_ipv4, source_ipv6.
	 * "none": this family is not to be used. */
	struct bytes source_ipv4, source_ipv6;
	struct bytes helo; /* for this sender; empty: the option smtp_client.helo */
};

/* Encoder and decoder of each, side by side in directory_msg.c; m is the struct of that name.
 * Decoders give ERR_OK, or ERR_SYNTAX: short, too long, left over, a number out of range. */
void directory_rcpt_encode(struct buf *out, const struct directory_rcpt *m);
MUST_USE int directory_rcpt_decode(struct ipc_reader *in, void *m);
void directory_rcpt_answer_encode(struct buf *out, const struct directory_rcpt_answer *m);
MUST_USE int directory_rcpt_answer_decode(struct ipc_reader *in, void *m);
void directory_resolve_encode(struct buf *out, const struct directory_resolve *m);
MUST_USE int directory_resolve_decode(struct ipc_reader *in, void *m);
void directory_resolve_answer_encode(struct buf *out, const struct directory_resolve_answer *m);
MUST_USE int directory_resolve_answer_decode(struct ipc_reader *in, void *m);
void directory_auth_encode(struct buf *out, const struct directory_auth *m);
MUST_USE int directory_auth_decode(struct ipc_reader *in, void *m);
void directory_auth_answer_encode(struct buf *out, const struct directory_auth_answer *m);
MUST_USE int directory_auth_answer_decode(struct ipc_reader *in, void *m);
void directory_sasl_start_encode(struct buf *out, const struct directory_sasl_start *m);
MUST_USE int directory_sasl_start_decode(struct ipc_reader *in, void *m);
void directory_sasl_step_encode(struct buf *out, const struct directory_sasl_step *m);
MUST_USE int directory_sasl_step_decode(struct ipc_reader *in, void *m);
void directory_sasl_cancel_encode(struct buf *out, const struct directory_sasl_cancel *m);
MUST_USE int directory_sasl_cancel_decode(struct ipc_reader *in, void *m);
void directory_send_encode(struct buf *out, const struct directory_send *m);
MUST_USE int directory_send_decode(struct ipc_reader *in, void *m);
void directory_send_answer_encode(struct buf *out, const struct directory_send_answer *m);
MUST_USE int directory_send_answer_decode(struct ipc_reader *in, void *m);
void directory_local_encode(struct buf *out, const struct directory_local *m);
MUST_USE int directory_local_decode(struct ipc_reader *in, void *m);
void directory_local_answer_encode(struct buf *out, const struct directory_local_answer *m);
MUST_USE int directory_local_answer_decode(struct ipc_reader *in, void *m);
void directory_logout_encode(struct buf *out, const struct directory_logout *m);
MUST_USE int directory_logout_decode(struct ipc_reader *in, void *m);
void directory_ticket_key_encode(struct buf *out, const struct directory_ticket_key *m);
MUST_USE int directory_ticket_key_decode(struct ipc_reader *in, void *m);
void directory_hop_encode(struct buf *out, const struct directory_hop *m);
MUST_USE int directory_hop_decode(struct ipc_reader *in, void *m);
void directory_hop_answer_encode(struct buf *out, const struct directory_hop_answer *m);
MUST_USE int directory_hop_answer_decode(struct ipc_reader *in, void *m);

#endif
