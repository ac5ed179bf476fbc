/* SPDX-License-Identifier: ISC */
/*
 * lib/ipc/outbound_msg.h - all that qmgr may ask of smtp-client: carry one message to some of
 * its recipients, who share a next hop.
 *
 *	SEND		the content inside
 *	SEND_FD + one fd	the same, more content than CONTENT_INLINE_MAX; read-only use
 *	RESULT		the one answer to either
 *
 * Every recipient of the job is in the answer exactly once. An answer always comes (the limits
 * of smtp-client's own options see to it); if the process dies first, ERR_PEER. Then the
 * recipients may have the message or not: it is sent again, as RFC 5321 sec. 4.5.4.1 wants it.
 * So is every recipient whose status is TEMPORARY.
 *
 * Connections are kept and used again by the process that made them: who sends the jobs of one
 * next hop to the same instance spares handshakes.
 *
 * Sizes are limited at decoding; bytes are borrowed from the frame.
 */
#ifndef RELAIS_OUTBOUND_MSG_H
#define RELAIS_OUTBOUND_MSG_H

#include "content_source.h"
#include "ipc.h"

enum outbound_msg {
	OUTBOUND_SEND = IPC_OUTBOUND, /* a request */
	OUTBOUND_SEND_FD,             /* the same, with one descriptor */
	OUTBOUND_RESULT,
};

#define OUTBOUND_RCPTS_MAX    50
#define OUTBOUND_RCPTS_OCTETS (28u << 10) /* of them together, by outbound_rcpt_size() */
#define OUTBOUND_NEXT_HOP_MAX 512
#define OUTBOUND_PATH_MAX     1024        /* reverse-path, forward-path */
#define OUTBOUND_PARAM_MAX    1024        /* ENVID, ORCPT */
#define OUTBOUND_PREFIX_MAX   (12u << 10) /* as QUEUE_PREFIX_MAX */
#define OUTBOUND_HOST_MAX     255
#define OUTBOUND_ADDRESS_MAX  108 /* of IPv4, IPv6, or a UNIX socket's path */
#define OUTBOUND_TLS_MAX      128
#define OUTBOUND_CODE_MAX     11 /* "5.999.999" and some */
#define OUTBOUND_TEXT_MAX     480
#define OUTBOUND_HOSTS_MAX    4 /* sessions that one job may come to */
#define OUTBOUND_NO_HOST      UINT8_MAX

enum outbound_flag {
	OUTBOUND_8BITMIME = 1 << 0,   /* BODY=8BITMIME, RFC 6152 */
	OUTBOUND_SMTPUTF8 = 1 << 1,   /* RFC 6531 */
	OUTBOUND_BINARYMIME = 1 << 2, /* RFC 3030 */
	OUTBOUND_RET_FULL = 1 << 3,   /* RFC 3461 sec. 4.3 */
	OUTBOUND_RET_HDRS = 1 << 4,
	OUTBOUND_FLAGS_ALL = (1 << 5) - 1
};

enum outbound_notify { /* RFC 3461 sec. 4.1; 0: the parameter was not given */
	OUTBOUND_NOTIFY_NEVER = 1,
	OUTBOUND_NOTIFY_SUCCESS = 2,
	OUTBOUND_NOTIFY_FAILURE = 4,
	OUTBOUND_NOTIFY_DELAY = 8,
	OUTBOUND_NOTIFY_ALL = 15
};

struct outbound_rcpt {
	uint32_t number;           /* the caller's, returned in the result; each once in a job */
	uint32_t notify;           /* OUTBOUND_NOTIFY_* */
	struct bytes forward_path; /* without < >, never empty */
	struct bytes orcpt;        /* xtext as given, "rfc822;a+2Bb@example.org"; or empty */
};

struct outbound_job {
	uint64_t job_id;               /* the caller's number, returned in the result */
	uint64_t queue_id;             /* for the log */
	uint64_t arrival_us;           /* wall clock */
	uint32_t flags;                /* OUTBOUND_* */
	struct bytes next_hop;         /* directory's words (HOP); never empty */
	struct bytes reverse_path;     /* without < >; empty is the null reverse-path */
	struct bytes envid;            /* xtext as given, or empty */
	struct bytes prefix;           /* fields in front of the content, each ending in CRLF */
	struct content_source content; /* CRLF line ends, after the prefix fields */
	uint32_t n_rcpts;              /* 1 to OUTBOUND_RCPTS_MAX */
	struct outbound_rcpt rcpts[OUTBOUND_RCPTS_MAX];
};

/* What became of the next hop as a whole. */
enum outbound_hop {
	/* A host took part in the transaction: what it said of each recipient is theirs. */
	OUTBOUND_REACHED,
	/* No host could be spoken to (DNS, connection, greeting, EHLO, TLS, log in): all
	 * recipients are TEMPORARY. Counts for the destination's back-off. */
	OUTBOUND_UNREACHABLE,
	/* It asks for less: 421, or 4yz to the greeting or to MAIL, or no host had room for one
	 * more connection. Send less at once, and later. */
	OUTBOUND_BUSY,
	/* There is nobody to speak to, ever (no such domain, null MX, a loop to ourselves):
	 * all recipients are PERMANENT. */
	OUTBOUND_REFUSED,
	OUTBOUND_HOPS
};

enum outbound_status {
	OUTBOUND_SENT,
	OUTBOUND_TEMPORARY, /* try again later */
	OUTBOUND_PERMANENT, /* will not get better */
	OUTBOUND_STATUSES
};

/* A host that was spoken to, or, if none was, the last one tried. */
struct outbound_host {
	struct bytes name;    /* of the MX, or as the next hop says; a UNIX socket's: its path */
	struct bytes address; /* "192.0.2.1", "2001:db8::1"; a UNIX socket: "unix" */
	uint16_t port;        /* 0: a UNIX socket */
	struct bytes tls;     /* "Verified TLSv1.3 TLS_AES_256_GCM_SHA384", or empty */
	bool reused;          /* the connection had carried mail before */
};

struct outbound_rcpt_result {
	uint32_t number;
	enum outbound_status status;
	uint8_t host;      /* index in hosts: who said so, or OUTBOUND_NO_HOST */
	bool relayed;      /* SENT to a peer that took the DSN parameters: no success DSN by us */
	struct bytes code; /* enhanced status code, RFC 3463: "2.0.0", "4.4.1" */
	struct bytes text; /* no control octets; SENT: "250 2.0.0 Ok: queued as 4X", else
			    * "host mx.example[192.0.2.1] said: 550 5.1.1 ... (in reply to RCPT TO
			    * command)", or our own words */
};

struct outbound_result {
	uint64_t job_id;
	enum outbound_hop hop;
	bool is_lmtp;
	uint64_t resolve_us;  /* time spent on HOP, DNS and waiting for a connection */
	uint64_t connect_us;  /* on connecting, greeting, TLS, EHLO, log in; 0: reused */
	uint64_t transmit_us; /* from MAIL to the last reply */
	uint32_t n_hosts;
	struct outbound_host hosts[OUTBOUND_HOSTS_MAX];
	uint32_t n_rcpts;
	struct outbound_rcpt_result rcpts[OUTBOUND_RCPTS_MAX];
};

/* Octets of one recipient in a SEND; their sum stays within OUTBOUND_RCPTS_OCTETS, so that
 * everything fits a frame. One recipient always does. */
static inline size_t
outbound_rcpt_size(const struct outbound_rcpt *r)
{
	return 16 + r->forward_path.n + r->orcpt.n;
}

/* "sent", "deferred", "bounced": as Postfix' log has it. */
const char *outbound_status_word(enum outbound_status s);

/* Encoder and decoder of each; m is the struct of that name. The limits above must hold at
 * encoding (texts of a result are cut). Decoders give ERR_OK, or ERR_SYNTAX: short, too long,
 * left over, a number out of range or twice, an octet that could end a line. */
void outbound_job_encode(struct buf *out, const struct outbound_job *m);
MUST_USE int outbound_job_decode(struct ipc_reader *in, void *m);
MUST_USE int outbound_job_fd_decode(struct ipc_reader *in, void *m);
void outbound_result_encode(struct buf *out, const struct outbound_result *m);
MUST_USE int outbound_result_decode(struct ipc_reader *in, void *m);

#endif
