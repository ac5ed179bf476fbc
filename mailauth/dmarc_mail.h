/* SPDX-License-Identifier: ISC */
/*
 * mailauth/dmarc_mail.h - the message that carries an aggregate report, RFC 9990 sec. 3.5.
 *
 * Runs in:  dmarc-reporter. Pure.
 */
#ifndef RELAIS_DMARC_MAIL_H
#define RELAIS_DMARC_MAIL_H

#include "dmarc_xml.h"

struct dmarc_mail {
	const struct dmarc_report *report;
	struct bytes submitter; /* our domain: "Submitter:", and the file's name */
	struct bytes from;      /* the mailbox that sends it */
	const struct bytes *to; /* mailboxes */
	size_t to_count;
	const char *date;    /* RFC 5322 sec. 3.3 */
	uint64_t messages;   /* for the text */
	uint64_t unlisted;   /* of them without a record */
	struct bytes xml_gz; /* dmarc_gzip() */
};

/* xml, compressed by gzip (RFC 1952), with no time in it: the same report is the same octets.
 * ERR_RESOURCE: zlib cannot. */
MUST_USE int dmarc_gzip(struct bytes xml, struct buf *out);

/* A whole message with CRLF, header and body; 7 bit. */
void dmarc_mail_put(struct buf *out, const struct dmarc_mail *m);

#endif
