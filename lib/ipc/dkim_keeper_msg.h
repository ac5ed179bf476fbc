/* SPDX-License-Identifier: ISC */
/*
 * lib/ipc/dkim_keeper_msg.h - what may be asked of dkim-keeper, the owner of DKIM keys.
 *
 *   FETCH   mailauth-sign: the active keys of the domains behind this one; answered by KEYS.
 *           Who has asked gets KEYS pushed (request id 0) whenever a domain's change.
 *   LIST    CLI: keys and their states; answered by LIST_ANSWER
 *   ORDER   CLI: NEW, ROTATE, RETIRE, REMOVE; answered by ORDER_ANSWER
 *
 * States of a key (docs/dkim-keys.md):
 *
 *   pending -> published -> active -> retiring -> gone
 *
 * Domains and selectors are in lower case, A-labels, without a dot at the end.
 */
#ifndef RELAIS_DKIM_KEEPER_MSG_H
#define RELAIS_DKIM_KEEPER_MSG_H

#include "dkim_tags.h"
#include "ipc.h"

#define DKIM_DOMAIN_MAX   253
#define DKIM_SELECTOR_MAX 63
#define DKIM_PEM_MAX      4096 /* a private key, PKCS #8; RSA with 4096 bits has 3272 */
#define DKIM_RECORD_MAX   1024 /* text of the record: RSA with 4096 bits has 760 */
#define DKIM_SETS_MAX     16   /* domains in one KEYS */
#define DKIM_ROWS_MAX     12   /* keys in one LIST_ANSWER */
#define DKIM_WORDS_MAX    256

enum dkim_keeper_msg_type {
	DKIM_KEEPER_FETCH = IPC_DKIM_KEEPER,
	DKIM_KEEPER_KEYS,
	DKIM_KEEPER_LIST,
	DKIM_KEEPER_LIST_ANSWER,
	DKIM_KEEPER_ORDER,
	DKIM_KEEPER_ORDER_ANSWER,
};

#define DKIM_KEY_TYPES 2 /* DKIM_KEY_RSA, DKIM_KEY_ED25519: a domain signs with both */

enum dkim_key_state {
	DKIM_PENDING,   /* made; its record has not been seen in DNS */
	DKIM_PUBLISHED, /* seen, but not for long enough */
	DKIM_ACTIVE,    /* signs */
	DKIM_RETIRING,  /* signs no more; its record must stay */
	DKIM_GONE,      /* the private key is erased; the record may be removed */
	DKIM_KEY_STATES
};

/* "pending"; never NULL */
const char *dkim_key_state_name(enum dkim_key_state s);

struct dkim_keeper_fetch {
	struct bytes after; /* empty: from the first on */
};

/* The active keys of one domain; it replaces what was told of the domain before. */
struct dkim_key_set {
	struct bytes domain;
	struct {
		struct bytes selector; /* empty: none of this type */
		struct bytes pem;
	} keys[DKIM_KEY_TYPES];
};

/* Domains in ascending order of their octets if it is an answer. As many as fit. */
struct dkim_keeper_keys {
	bool more; /* an answer: FETCH the next after the last of these */
	uint32_t count;
	struct dkim_key_set sets[DKIM_SETS_MAX];
};

/* Keys in order of domain, then selector; only those of a domain if one is given. */
struct dkim_keeper_list {
	struct bytes domain;                       /* empty: all */
	struct bytes after_domain, after_selector; /* empty: from the first on */
};

struct dkim_key_row {
	struct bytes domain, selector;
	enum dkim_key_type type;
	enum dkim_key_state state;
	uint64_t created_s;  /* seconds since 1970 */
	uint64_t since_s;    /* in this state */
	uint64_t checked_s;  /* the last definite answer of DNS; 0: none yet */
	uint64_t next_s;     /* when the state changes by itself if all goes well; 0: unknown */
	struct bytes seen;   /* what DNS said last, in words */
	struct bytes record; /* what to publish: the TXT record's text, unsplit */
};

struct dkim_keeper_list_answer {
	bool more;
	uint32_t count;
	struct dkim_key_row rows[DKIM_ROWS_MAX];
};

enum dkim_order {
	DKIM_ORDER_NEW,    /* keys for a domain; selector: the base name, or empty */
	DKIM_ORDER_ROTATE, /* new keys beside the active ones; selector likewise */
	DKIM_ORDER_RETIRE, /* sign no more with this selector */
	DKIM_ORDER_REMOVE, /* forget this selector, that is pending, published or gone */
	DKIM_ORDERS
};

struct dkim_keeper_order {
	enum dkim_order order;
	struct bytes domain;
	struct bytes selector;
};

/* err: ERR_OK; ERR_EXISTS, ERR_NOT_FOUND, ERR_DENIED (not in this state), ERR_SYNTAX (no domain
 * name or selector), ERR_LIMIT, ERR_IO, ERR_NO_SPACE. LIST tells what there is now. */
struct dkim_keeper_order_answer {
	int err;
	struct bytes words; /* for the operator; may be empty */
};

/* Encoder and decoder of each, side by side in dkim_keeper_msg.c. The encoders of KEYS and
 * LIST_ANSWER put as many as fit and say "more" if that is not all. */
void dkim_keeper_fetch_encode(struct buf *out, const struct dkim_keeper_fetch *m);
MUST_USE int dkim_keeper_fetch_decode(struct ipc_reader *in, void *m);
void dkim_keeper_keys_encode(struct buf *out, const struct dkim_keeper_keys *m);
MUST_USE int dkim_keeper_keys_decode(struct ipc_reader *in, void *m);
void dkim_keeper_list_encode(struct buf *out, const struct dkim_keeper_list *m);
MUST_USE int dkim_keeper_list_decode(struct ipc_reader *in, void *m);
void dkim_keeper_list_answer_encode(struct buf *out, const struct dkim_keeper_list_answer *m);
MUST_USE int dkim_keeper_list_answer_decode(struct ipc_reader *in, void *m);
void dkim_keeper_order_encode(struct buf *out, const struct dkim_keeper_order *m);
MUST_USE int dkim_keeper_order_decode(struct ipc_reader *in, void *m);
void dkim_keeper_order_answer_encode(struct buf *out, const struct dkim_keeper_order_answer *m);
MUST_USE int dkim_keeper_order_answer_decode(struct ipc_reader *in, void *m);

#endif
