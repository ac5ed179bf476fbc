/* SPDX-License-Identifier: ISC */
/*
 * mailauth/dmarc_xml.h - writes an aggregate report: the XML document of RFC 9990 sec. 3.1.
 *
 * Whatever the strings hold (a strangers' domain, selector or record), the document is
 * well-formed: octets that XML cannot have become '?'.
 *
 * Runs in:  dmarc-reporter, CLI. Pure.
 */
#ifndef RELAIS_DMARC_XML_H
#define RELAIS_DMARC_XML_H

#include "dmarc_record.h"
#include "dmarc_report_msg.h"

struct dmarc_report {
	struct bytes org_name;
	struct bytes email;   /* whom to ask; the report's sender */
	struct bytes contact; /* more of that; may be empty */
	struct bytes id;      /* unique among the reports to one domain */
	uint64_t begin_s, end_s;
	struct bytes error; /* what is wrong with the record; may be empty */
	struct bytes policy_domain;
	struct dmarc_record tags; /* of the record */
};

/* In this order: begin, at least one record, end. */
void dmarc_xml_begin(struct buf *out, const struct dmarc_report *r);
void dmarc_xml_record(struct buf *out, const struct dmarc_row *row, uint64_t messages);
void dmarc_xml_end(struct buf *out);

#endif
