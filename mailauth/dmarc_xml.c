/* SPDX-License-Identifier: ISC */
/*
 * mailauth/dmarc_xml.c - the writer of aggregate reports, see the header.
 *
 * Sources:  RFC 9990 sec. 3.1 and app. A (the schema; elements in its order, since some readers
 *           insist on it).
 */
#include "dmarc_xml.h"

#include <arpa/inet.h>

#include "utf8.h"

#define NAMESPACE "urn:ietf:params:xml:ns:dmarc-2.0"
#define GENERATOR "relais"

/* XML 1.0 sec. 2.2 and 2.4: characters that it has, markup escaped. */
static void
put_text(struct buf *out, struct bytes text)
{
	const bool utf8 = utf8_is_valid(text);

	for (size_t i = 0; i < text.n; i++) {
		uint8_t c = text.p[i];

		if (c == '&')
			buf_put_str(out, "&amp;");
		else if (c == '<')
			buf_put_str(out, "&lt;");
		else if (c == '>')
			buf_put_str(out, "&gt;");
		else
			buf_put_u8(out, c < ' ' || c == 0x7f || (c > 0x7f && !utf8) ? '?' : c);
	}
}

static void
put_element(struct buf *out, unsigned depth, const char *name, struct bytes text)
{
	buf_printf(out, "%*s<%s>", (int)depth * 2, "", name);
	put_text(out, text);
	buf_printf(out, "</%s>\n", name);
}

static void
put_word(struct buf *out, unsigned depth, const char *name, const char *word)
{
	put_element(out, depth, name, bytes_from_str(word));
}

static void
put_number(struct buf *out, unsigned depth, const char *name, uint64_t v)
{
	buf_printf(
		out, "%*s<%s>%llu</%s>\n", (int)depth * 2, "", name, (unsigned long long)v, name);
}

static void
put_metadata(struct buf *out, const struct dmarc_report *r)
{
	buf_put_str(out, "  <report_metadata>\n");
	put_element(out, 2, "org_name", r->org_name);
	put_element(out, 2, "email", r->email);
	if (r->contact.n > 0)
		put_element(out, 2, "extra_contact_info", r->contact);
	put_element(out, 2, "report_id", r->id);
	buf_put_str(out, "    <date_range>\n");
	put_number(out, 3, "begin", r->begin_s);
	put_number(out, 3, "end", r->end_s);
	buf_put_str(out, "    </date_range>\n");
	if (r->error.n > 0)
		put_element(out, 2, "error", r->error);
	put_word(out, 2, "generator", GENERATOR);
	buf_put_str(out, "  </report_metadata>\n");
}

static void
put_policy(struct buf *out, const struct dmarc_report *r)
{
	const struct dmarc_record *t = &r->tags;
	char fo[16];

	buf_put_str(out, "  <policy_published>\n");
	put_element(out, 2, "domain", r->policy_domain);
	put_word(out, 2, "discovery_method", "treewalk");
	put_word(out, 2, "p", dmarc_policy_name(t->p));
	put_word(out, 2, "sp", dmarc_policy_name(t->sp));
	put_word(out, 2, "np", dmarc_policy_name(t->np));
	put_word(out, 2, "fo", dmarc_fo_text(t->fo, fo));
	put_word(out, 2, "adkim", t->adkim_strict ? "s" : "r");
	put_word(out, 2, "aspf", t->aspf_strict ? "s" : "r");
	put_word(out, 2, "testing", t->testing ? "y" : "n");
	buf_put_str(out, "  </policy_published>\n");
}

void
dmarc_xml_begin(struct buf *out, const struct dmarc_report *r)
{
	buf_put_str(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
			 "<feedback xmlns=\"" NAMESPACE "\">\n");
	put_word(out, 1, "version", "1.0");
	put_metadata(out, r);
	put_policy(out, r);
}

static void
put_row(struct buf *out, const struct dmarc_row *row, uint64_t messages)
{
	char source[INET6_ADDRSTRLEN] = "";

	inet_ntop(row->family == 4 ? AF_INET : AF_INET6, row->source, source, sizeof(source));
	buf_put_str(out, "    <row>\n");
	put_word(out, 3, "source_ip", source);
	put_number(out, 3, "count", messages);
	buf_put_str(out, "      <policy_evaluated>\n");
	put_word(out, 4, "disposition", dmarc_disposition_name(row->disposition));
	put_word(out, 4, "dkim", row->dkim_aligned ? "pass" : "fail");
	put_word(out, 4, "spf", row->spf_aligned ? "pass" : "fail");
	if (row->reason != DMARC_REASON_NONE) {
		buf_put_str(out, "        <reason>\n");
		put_word(out, 5, "type", dmarc_reason_name(row->reason));
		if (row->comment.n > 0)
			put_element(out, 5, "comment", row->comment);
		buf_put_str(out, "        </reason>\n");
	}
	buf_put_str(out, "      </policy_evaluated>\n    </row>\n");
}

static void
put_results(struct buf *out, const struct dmarc_row *row)
{
	buf_put_str(out, "    <auth_results>\n");
	for (uint32_t i = 0; i < row->dkim_count; i++) {
		buf_put_str(out, "      <dkim>\n");
		put_element(out, 4, "domain", row->dkim[i].domain);
		put_element(out, 4, "selector", row->dkim[i].selector);
		put_word(out, 4, "result", dmarc_word_name(row->dkim[i].result));
		buf_put_str(out, "      </dkim>\n");
	}
	if (row->spf_domain.n > 0) {
		buf_put_str(out, "      <spf>\n");
		put_element(out, 4, "domain", row->spf_domain);
		put_word(out, 4, "scope", "mfrom");
		put_word(out, 4, "result", dmarc_word_name(row->spf_result));
		buf_put_str(out, "      </spf>\n");
	}
	buf_put_str(out, "    </auth_results>\n");
}

void
dmarc_xml_record(struct buf *out, const struct dmarc_row *row, uint64_t messages)
{
	buf_put_str(out, "  <record>\n");
	put_row(out, row, messages);
	buf_put_str(out, "    <identifiers>\n");
	put_element(out, 3, "header_from", row->header_from);
	put_element(out, 3, "envelope_from", row->envelope_from);
	if (row->envelope_to.n > 0)
		put_element(out, 3, "envelope_to", row->envelope_to);
	buf_put_str(out, "    </identifiers>\n");
	put_results(out, row);
	buf_put_str(out, "  </record>\n");
}

void
dmarc_xml_end(struct buf *out)
{
	buf_put_str(out, "</feedback>\n");
}
