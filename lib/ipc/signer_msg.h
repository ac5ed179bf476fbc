/* SPDX-License-Identifier: ISC */
/*
 * lib/ipc/signer_msg.h - what may be asked of mailauth-sign, which makes DKIM signatures.
 *
 *   SIGN     submission, qmgr, dmarc-reporter: sign this message for its author's domain;
 *            answered by SIGNED. Content inside.
 *   SIGN_FD  the same with the content in an fd (a sealed memfd, or a file of the queue)
 *   DIED     in the place of the answer: the last word of a process that this very message crashed,
 *            or that hung on it. Whoever gets ERR_PEER instead may ask again
 *
 * Who wants to be sure that mail goes out whatever becomes of the signer uses
 * lib/daemon/sign_link.h.
 *
 * submission must show a ticket of directory (send_ticket.h) that says that the login owns the
 * domain of the From field, and the message's From field must be of that domain. The other
 * services sign for the suite's own name only (mailauth_conf.h says which), without a ticket.
 */
#ifndef RELAIS_SIGNER_MSG_H
#define RELAIS_SIGNER_MSG_H

#include "content_source.h"
#include "ipc.h"

#define SIGNER_DOMAIN_MAX     255
#define SIGNER_PATH_MAX       512 /* a reverse-path */
#define SIGNER_TICKET_MAX     128
#define SIGNER_PREFIX_MAX     (12u << 10)
#define SIGNER_CONTENT_MAX    (2047u << 20)
#define SIGNER_FIELDS_MAX     (8u << 10) /* all DKIM-Signature fields of one message */
#define SIGNER_SIGNATURES_MAX 4
#define SIGNER_TIMEOUT_MS     30000
#define SIGNER_WORDS_MAX      256

enum signer_msg_type {
	SIGNER_SIGN = IPC_SIGNER,
	SIGNER_SIGN_FD,
	SIGNER_SIGNED, /* to both */
	SIGNER_DIED,   /* empty body */
};

struct signer_sign {
	/* Of the author: what stands behind the "@" in the first mailbox of the From field, as
	 * it stands there (any case, A- or U-labels). */
	struct bytes domain;
	/* From submission only, else empty and 0: what the ticket is for. */
	struct bytes login;
	uint64_t queue_id;
	struct bytes reverse_path;
	struct bytes ticket; /* SEND's answer: sign_ticket */
	/* The message that will leave: first the prefix (whole fields with CRLF; only those that
	 * shall be signed, so Date and Message-ID, but not Received), then the content. */
	struct bytes prefix;
	struct content_source content;
};

/* Why there is no signature is no reason to keep mail from leaving, except ... the option
 * submission.sign_required decides. */
struct signer_signed {
	/* ERR_OK: fields are to be put in front of the content, above the prefix.
	 * ERR_NOT_FOUND: there is no active key for the domain. ERR_DENIED: no ticket for that, or
	 * the From field is another domain's. ERR_BUSY: the signer has no keys or no ticket key
	 * yet, or the ticket is too old. ERR_SYNTAX: not a message that can be signed. ERR_IO,
	 * ERR_PEER, ERR_TIMEOUT: it could not. */
	int err;
	struct bytes fields; /* whole DKIM-Signature fields with CRLF; empty if err */
	struct bytes domain; /* d= of them, in A-labels; empty if err */
	struct bytes words;  /* for the log: selectors ("r2026a,e2026a"), or what was wrong */
};

/* Encoder and decoder of each, side by side in signer_msg.c. Decoders give ERR_OK, or
 * ERR_SYNTAX; strings borrow from the frame. */
void signer_sign_encode(struct buf *out, const struct signer_sign *m);
MUST_USE int signer_sign_decode(struct ipc_reader *in, void *m);
MUST_USE int signer_sign_fd_decode(struct ipc_reader *in, void *m);
void signer_signed_encode(struct buf *out, const struct signer_signed *m);
MUST_USE int signer_signed_decode(struct ipc_reader *in, void *m);

#endif
