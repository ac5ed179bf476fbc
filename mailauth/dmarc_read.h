/* SPDX-License-Identifier: ISC */
/*
 * mailauth/dmarc_read.h - reads aggregate reports that others send: the message, what it is packed
 * in, the XML. RFC 9990 and the looser forms of RFC 7489 that are about.
 *
 * Runs in:  a jailed child of relais dmarc seen. Pure.
 * Trusts:   nothing: anybody can send such a report. Entities and document types are refused,
 * sizes, depth and numbers limited.
 */
#ifndef RELAIS_DMARC_READ_H
#define RELAIS_DMARC_READ_H

#include "buf.h"
#include "err.h"

#define DMARC_READ_MESSAGE_MAX  (64u << 20)
#define DMARC_READ_XML_MAX      (128u << 20)
#define DMARC_READ_UNPACKED_MAX ((size_t)256 << 20) /* of all that a message has */
#define DMARC_READ_RECORDS_MAX  1000000u
#define DMARC_READ_TEXT         256 /* octets of a string with its NUL; more are cut */

/* Strings are printable ASCII: other octets became '?'. */
struct dmarc_read_report {
	char org_name[DMARC_READ_TEXT];
	char email[DMARC_READ_TEXT];
	char report_id[DMARC_READ_TEXT];
	uint64_t begin_s, end_s;
	char domain[DMARC_READ_TEXT]; /* policy_published */
	char p[DMARC_READ_TEXT];
};

struct dmarc_read_record {
	char source[DMARC_READ_TEXT]; /* an address, as text; not checked */
	uint64_t count;
	char disposition[DMARC_READ_TEXT];
	char dkim[DMARC_READ_TEXT], spf[DMARC_READ_TEXT]; /* "pass": aligned */
	char header_from[DMARC_READ_TEXT], envelope_from[DMARC_READ_TEXT];
	char dkim_domain[DMARC_READ_TEXT]; /* auth_results: the first that passed, else the first */
	char dkim_result[DMARC_READ_TEXT];
	char spf_domain[DMARC_READ_TEXT];
	char spf_result[DMARC_READ_TEXT];
};

/* Called for each record; what comes before it in the document is in report. false: enough. */
typedef bool dmarc_read_fn(
	void *arg, const struct dmarc_read_report *report, const struct dmarc_read_record *record);

/* returns: how many records; ERR_SYNTAX: no such document (some records may have been told);
 * ERR_LIMIT; ERR_DENIED: it has a document type or entities */
MUST_USE int dmarc_read_xml(struct bytes xml, dmarc_read_fn *fn, void *arg);

/* gzip, a zip archive's first XML file, or XML itself. ERR_SYNTAX; ERR_LIMIT: larger than
 * DMARC_READ_XML_MAX; ERR_UNSUPPORTED: something else */
MUST_USE int dmarc_read_unpack(struct bytes packed, struct buf *xml);

/* All reports in a message, until DMARC_READ_UNPACKED_MAX is used up. returns: how many documents;
 * errors as above if there was none that could be read, ERR_NOT_FOUND if there was none at all. */
MUST_USE int dmarc_read_message(struct bytes message, dmarc_read_fn *fn, void *arg);

#endif
