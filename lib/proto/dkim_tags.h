/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/dkim_tags.h - the tag-list of DKIM (and DMARC), and what is written in it: a
 * DKIM-Signature field and a key record, by our own strict reading.
 *
 * Pure. In goes outside text of any kind; out come structs that point into it. These readers say
 * what a signature or key claims and whether it keeps the rules; they compute nothing.
 *
 * Sources: RFC 6376 sec. 3.2 (tag-list), 3.5 (signature), 3.6.1 (key record), 6.1.1, 6.1.2;
 * RFC 8301 (no SHA-1); RFC 8463 (Ed25519).
 */
#ifndef RELAIS_DKIM_TAGS_H
#define RELAIS_DKIM_TAGS_H

#include "buf.h"
#include "err.h"

#define DKIM_TAGS_MAX          64            /* in one list */
#define DKIM_SIGNATURE_MAX     (16 * 1024)   /* octets of a DKIM-Signature field's value */
#define DKIM_KEY_RECORD_MAX    4096          /* octets of a key record, its strings joined */
#define DKIM_SIGNED_FIELDS_MAX 256           /* names in h= */
#define DKIM_HEADER_MAX        (1024 * 1024) /* octets of a header that is verified or signed */
#define DKIM_FIELDS_MAX        4000          /* fields of it */

/* --- tag-list (sec. 3.2) ------------------------------------------------------------- */

struct dkim_tag {
	struct bytes name;  /* case counts */
	struct bytes value; /* FWS at both ends gone, FWS inside as it stands; may be empty */
};

struct dkim_tags {
	size_t count;
	struct dkim_tag tag[DKIM_TAGS_MAX]; /* in the order of the text; borrowed */
};

/*
 * "a=b; c=d" with FWS around names and values; one ';' at the end may be there.
 * returns: ERR_OK; ERR_SYNTAX (no '=', a name that is none, an octet that no value may have);
 *          ERR_EXISTS (a name twice: the whole list is void, sec. 3.2); ERR_LIMIT (too many)
 */
MUST_USE int dkim_tags_parse(struct bytes text, struct dkim_tags *out);

/* The value of a tag; false if there is none of that name (value is then BYTES_NONE). */
bool dkim_tags_get(const struct dkim_tags *tags, const char *name, struct bytes *value);

/* --- DKIM-Signature (sec. 3.5) ------------------------------------------------------- */

enum dkim_algorithm {
	DKIM_RSA_SHA256,
	DKIM_ED25519_SHA256, /* RFC 8463 */
	DKIM_RSA_SHA1,       /* RFC 8301: must not be verified */
	DKIM_ALGORITHM_OTHER,
};

struct dkim_signature {
	/* What can be told is set even when the signature is refused, for the report. */
	enum dkim_algorithm algorithm;
	struct bytes algorithm_text; /* a= as written */
	struct bytes domain;         /* d=: valid as a host's name, else empty; case as written */
	struct bytes selector;       /* s=: likewise */
	struct bytes identity;       /* i= as written, empty if missing */
	struct bytes signature;      /* b=: base64, FWS in it */
	struct bytes body_hash;      /* bh=: likewise */
	struct bytes fields;         /* h=: names between colons, FWS in it */
	bool relaxed_header, relaxed_body;
	bool has_length, has_time, has_expiry;
	uint64_t length; /* l= */
	uint64_t time;   /* t= */
	uint64_t expiry; /* x= */
};

/*
 * Read the value of a DKIM-Signature field, folded or not.
 *
 * returns: ERR_OK: it keeps all the rules of sec. 3.5 that can be told without key and message
 *          (RSA-SHA1 does: that is for the caller to refuse); ERR_SYNTAX, ERR_EXISTS, ERR_LIMIT,
 *          ERR_UNSUPPORTED (version, algorithm, canonicalization or query method unknown);
 *          *why then names the rule in a few words, static
 */
MUST_USE int dkim_signature_parse(struct bytes value, struct dkim_signature *out, const char **why);

/* How often the colon-separated list h= has that name (case does not matter). */
size_t dkim_signed_fields_count(struct bytes fields, struct bytes name);

/* "rsa-sha256", "ed25519-sha256", "rsa-sha1"; "unknown" for others */
const char *dkim_algorithm_name(enum dkim_algorithm algorithm);

/* --- key record (sec. 3.6.1) --------------------------------------------------------- */

enum dkim_key_type {
	DKIM_KEY_RSA,
	DKIM_KEY_ED25519,
	DKIM_KEY_TYPES, /* those that we know */
	DKIM_KEY_OTHER = DKIM_KEY_TYPES,
};

struct dkim_key_record {
	enum dkim_key_type type; /* k= */
	bool revoked;            /* p= is empty */
	bool testing;            /* t=y: the domain tries DKIM out */
	bool strict_identity;    /* t=s: the domain of i= must be d= itself */
	bool for_email;          /* s= has "*" or "email", or is missing */
	bool sha256;             /* h= has "sha256", or is missing */
	struct bytes key;        /* p=: base64, FWS in it */
};

/*
 * Read a key record: the strings of one TXT record joined.
 * returns: ERR_OK; ERR_SYNTAX, ERR_EXISTS, ERR_LIMIT: it is no key record; *why names the rule
 */
MUST_USE int dkim_key_record_parse(
	struct bytes text, struct dkim_key_record *out, const char **why);

/* --- values -------------------------------------------------------------------------- */

/*
 * Cut the next item off a colon-separated list (h=, q=, s=, t=), FWS around it gone. Empty items
 * are skipped. returns: false at the end
 */
bool dkim_list_next(struct bytes *rest, struct bytes *item);

/*
 * The octets of a base64 value with FWS in it (b=, bh=, p=).
 * returns: ERR_OK; ERR_SYNTAX: nothing is added
 */
MUST_USE int dkim_base64_decode(struct bytes value, struct buf *out);

#endif
