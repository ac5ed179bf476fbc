/* SPDX-License-Identifier: ISC */
/*
 * lib/ipc/keyholder_msg.h - all that the doors may ask of keyholder, the owner of TLS keys.
 *
 *   SUBSCRIBE    doors: answered by WELCOME; from then on TICKET_KEYS and RETIRE are pushed
 *   CERTIFICATE  doors: which certificates for this server name? answered by CHAIN
 *   SIGN         doors: sign this text of a handshake; answered by SIGNATURE
 *   LIST         CLI: what is served; answered by LIST_ANSWER
 *
 * keyholder hashes the text itself and signs only what is a server's part of a TLS handshake
 * (tls_text.h): the signature of a TLS 1.3 CertificateVerify or of TLS 1.2 ECDHE parameters.
 * A key is named by the SHA-256 of its public half (SubjectPublicKeyInfo), so that a handshake
 * under way survives a new keyholder.
 */
#ifndef RELAIS_KEYHOLDER_MSG_H
#define RELAIS_KEYHOLDER_MSG_H

#include "ipc.h"

/* Whose handshakes are signed. A door's own ticket keys are its service's. */
#define TLS_DOORS                                                                                  \
	(FROM(SERVICE_SMTPD) | FROM(SERVICE_SUBMISSION) | FROM(SERVICE_IMAP_LOGIN) |               \
		FROM(SERVICE_POP3_LOGIN))

#define KEYHOLDER_NAME_MAX        255 /* a server name, RFC 6066 sec. 3 */
#define KEYHOLDER_KEY_ID_SIZE     32
#define KEYHOLDER_CHAIN_MAX       (24 * 1024) /* octets of one certificate's chain, DER */
#define KEYHOLDER_CERTIFICATES    2           /* for one name: ECDSA and RSA */
#define KEYHOLDER_TEXT_MAX        256         /* the longest text is of 201 octets */
#define KEYHOLDER_SIGNATURE_MAX   1024        /* RSA with 8192 bits */
#define KEYHOLDER_TICKET_NAME     16
#define KEYHOLDER_TICKET_SECRET   32
#define KEYHOLDER_TICKET_KEYS_MAX 2 /* the current, the previous */
#define KEYHOLDER_LIST_MAX        32
#define KEYHOLDER_PATH_MAX        1024

enum keyholder_type {
	KEYHOLDER_SUBSCRIBE = IPC_KEYHOLDER,
	KEYHOLDER_WELCOME,
	KEYHOLDER_TICKET_KEYS,
	KEYHOLDER_RETIRE, /* pushed: a successor is there; no new handshakes, please */
	KEYHOLDER_CERTIFICATE,
	KEYHOLDER_CHAIN,
	KEYHOLDER_SIGN,
	KEYHOLDER_SIGNATURE,
	KEYHOLDER_LIST,
	KEYHOLDER_LIST_ANSWER,
};

struct keyholder_welcome {
	bool certificate; /* there is one to show those who name no name */
	bool only_tls13;
};

/* One key for session tickets of the receiver's service. */
struct keyholder_ticket_key {
	uint8_t name[KEYHOLDER_TICKET_NAME];
	uint8_t cipher_key[KEYHOLDER_TICKET_SECRET]; /* AES-256-CBC */
	uint8_t mac_key[KEYHOLDER_TICKET_SECRET];    /* HMAC-SHA-256 */
	uint32_t accept_s; /* tickets made with it are taken for so long from now */
};

struct keyholder_ticket_keys {
	uint32_t lifetime_s; /* of a session */
	uint32_t count;      /* the first one makes new tickets */
	struct keyholder_ticket_key keys[KEYHOLDER_TICKET_KEYS_MAX];
};

struct keyholder_certificate {
	struct bytes name; /* lower case, without a dot at the end; empty: the default */
};

/* What to show for a name: the default's where the name is nobody's. */
struct keyholder_chain {
	int err;      /* ERR_OK; ERR_NOT_FOUND: none at all */
	uint32_t set; /* equal numbers from one keyholder: equal contents */
	uint32_t count;
	struct {
		uint8_t key_id[KEYHOLDER_KEY_ID_SIZE];
		struct bytes chain; /* certificates in DER, one behind the other, leaf first */
	} certificates[KEYHOLDER_CERTIFICATES];
};

struct keyholder_sign {
	uint8_t key_id[KEYHOLDER_KEY_ID_SIZE];
	uint16_t scheme; /* SignatureScheme, RFC 8446 sec. 4.2.3 */
	struct bytes text;
};

struct keyholder_signature {
	int err; /* ERR_OK; ERR_NOT_FOUND: not my key; ERR_DENIED: no such text; ERR_BUSY */
	struct bytes signature;
};

struct keyholder_list {
	uint32_t from; /* row number */
};

struct keyholder_row {
	uint8_t fingerprint[32]; /* SHA-256 of the certificate */
	uint64_t signatures;
	struct bytes path;
};

struct keyholder_list_answer {
	uint32_t total;
	uint32_t count;
	struct keyholder_row rows[KEYHOLDER_LIST_MAX];
};

/* Encoder and decoder of each, side by side in keyholder_msg.c. SUBSCRIBE and RETIRE have no
 * body. */
void keyholder_welcome_encode(struct buf *out, const struct keyholder_welcome *m);
MUST_USE int keyholder_welcome_decode(struct ipc_reader *in, void *m);
void keyholder_ticket_keys_encode(struct buf *out, const struct keyholder_ticket_keys *m);
MUST_USE int keyholder_ticket_keys_decode(struct ipc_reader *in, void *m);
void keyholder_certificate_encode(struct buf *out, const struct keyholder_certificate *m);
MUST_USE int keyholder_certificate_decode(struct ipc_reader *in, void *m);
void keyholder_chain_encode(struct buf *out, const struct keyholder_chain *m);
MUST_USE int keyholder_chain_decode(struct ipc_reader *in, void *m);
void keyholder_sign_encode(struct buf *out, const struct keyholder_sign *m);
MUST_USE int keyholder_sign_decode(struct ipc_reader *in, void *m);
void keyholder_signature_encode(struct buf *out, const struct keyholder_signature *m);
MUST_USE int keyholder_signature_decode(struct ipc_reader *in, void *m);
void keyholder_list_encode(struct buf *out, const struct keyholder_list *m);
MUST_USE int keyholder_list_decode(struct ipc_reader *in, void *m);
void keyholder_list_answer_encode(struct buf *out, const struct keyholder_list_answer *m);
MUST_USE int keyholder_list_answer_decode(struct ipc_reader *in, void *m);

#endif
