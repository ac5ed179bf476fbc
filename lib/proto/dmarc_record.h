/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/dmarc_record.h - a DMARC Policy Record: the text of one TXT record at _dmarc.DOMAIN.
 *
 * Strict where RFC 9989 says so: "v" comes first, its value is DMARC1 in capitals; without that
 * it is no record at all. Generous where it says so: unknown tags, and known ones whose value is
 * wrong, are as if they were not there (sec. 4.8), but for p, sp and np (sec. 4.10.1): a wrong one
 * of them means p=none if there is an address for reports, else no DMARC. Of a tag that comes
 * twice the first counts. pct, rf and ri of RFC 7489 are unknown tags now.
 *
 * Pure. Sources: RFC 9989 sec. 4.6, 4.7, 4.8, 4.10.1; RFC 9990 sec. 4 (records of destinations).
 */
#ifndef RELAIS_DMARC_RECORD_H
#define RELAIS_DMARC_RECORD_H

#include "buf.h"
#include "err.h"

#define DMARC_RECORD_MAX 4096 /* octets of a record that is looked at */
#define DMARC_URIS_MAX   8    /* addresses of one list; what is more is left out */
#define DMARC_URI_MAX    512  /* octets of one */

enum dmarc_policy {
	DMARC_NONE,
	DMARC_QUARANTINE,
	DMARC_REJECT,
	DMARC_POLICIES
};

enum dmarc_psd {
	DMARC_PSD_U, /* not said */
	DMARC_PSD_Y, /* a public suffix */
	DMARC_PSD_N, /* an organizational domain */
};

/* fo, as bits; without the tag DMARC_FO_ALL */
#define DMARC_FO_ALL  1u /* "0" */
#define DMARC_FO_ANY  2u /* "1" */
#define DMARC_FO_DKIM 4u /* "d" */
#define DMARC_FO_SPF  8u /* "s" */

struct dmarc_uris {
	size_t n;
	struct bytes uri[DMARC_URIS_MAX]; /* without the obsolete size ("!10m"); borrowed */
};

struct dmarc_record {
	enum dmarc_policy p;
	enum dmarc_policy sp;       /* without the tag: p */
	enum dmarc_policy np;       /* without the tag: sp */
	bool has_p, has_sp, has_np; /* said in the record, with a good value */
	bool adkim_strict, aspf_strict;
	bool testing; /* t=y */
	enum dmarc_psd psd;
	unsigned fo;
	struct dmarc_uris rua, ruf;
	/* For the operator, and for the report's error element: what is wrong with the record, a
	 * phrase; NULL: nothing. The first such thing is told. */
	const char *problem;
};

/*
 * Read the text of a record (the strings of the TXT joined). out borrows from text.
 * returns: ERR_OK; ERR_NOT_FOUND: not a DMARC record (another TXT record, or v is not the first
 * tag or not DMARC1); ERR_SYNTAX: one, but by sec. 4.10.1 no DMARC applies (out is filled in)
 */
MUST_USE int dmarc_record_parse(struct bytes text, struct dmarc_record *out);

/* The start alone: is it a DMARC record, whatever follows? (sec. 4.10 step 2; RFC 9990 sec. 4) */
bool dmarc_record_is_one(struct bytes text);

/* "none", "quarantine", "reject" */
const char *dmarc_policy_name(enum dmarc_policy p);

/* fo as in a record, "0:d:s"; returns out */
char *dmarc_fo_text(unsigned fo, char out[16]);

/*
 * The mailbox of a mailto: URI, percent-encoding undone; what follows a '?' is dropped.
 * returns: ERR_OK; ERR_UNSUPPORTED: another scheme; ERR_SYNTAX: no single mailbox of an ASCII
 * local-part at a host
 */
MUST_USE int dmarc_mailto(struct bytes uri, struct buf *mailbox);

#endif
