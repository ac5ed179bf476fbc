/* SPDX-License-Identifier: ISC */
/* mailauth/dmarc_mail.c - the message around an aggregate report, see the header. */
#include "dmarc_mail.h"

#include <zlib.h>

#include "encode.h"

#define GZIP_BITS   (15 + 16)
#define LINE_OCTETS 57 /* 76 characters of base64 */

int
dmarc_gzip(struct bytes xml, struct buf *out)
{
	z_stream z = { 0 };
	size_t bound;
	int r;

	if (deflateInit2(&z, Z_BEST_COMPRESSION, Z_DEFLATED, GZIP_BITS, 8, Z_DEFAULT_STRATEGY) !=
		Z_OK)
		return ERR_RESOURCE;
	bound = deflateBound(&z, (uLong)xml.n);
	z.next_in = (z_const Bytef *)(uintptr_t)xml.p;
	z.avail_in = (uInt)xml.n;
	z.next_out = buf_room(out, bound);
	z.avail_out = (uInt)bound;
	r = deflate(&z, Z_FINISH);
	if (r == Z_STREAM_END)
		buf_added(out, bound - z.avail_out);
	deflateEnd(&z);
	return r == Z_STREAM_END ? ERR_OK : ERR_RESOURCE;
}

static void
put_base64(struct buf *out, struct bytes data)
{
	for (; data.n > 0; data = bytes_skip(data, LINE_OCTETS)) {
		base64_encode(out, bytes_head(data, LINE_OCTETS));
		buf_put_str(out, "\r\n");
	}
}

#define B(b) (int)(b).n, (const char *)(b).p

/* The file's name of sec. 3.5: no time but the report's, so a repeated one has the same. */
static void
put_filename(struct buf *out, const struct dmarc_mail *m)
{
	const struct dmarc_report *r = m->report;

	buf_printf(out, "%.*s!%.*s!%llu!%llu.xml.gz", B(m->submitter), B(r->policy_domain),
		(unsigned long long)r->begin_s, (unsigned long long)r->end_s);
}

static void
put_header(struct buf *out, const struct dmarc_mail *m, const char *boundary)
{
	const struct dmarc_report *r = m->report;

	buf_printf(out, "Date: %s\r\nFrom: %.*s\r\nTo: ", m->date, B(m->from));
	for (size_t i = 0; i < m->to_count; i++)
		buf_printf(out, "%s%.*s", i == 0 ? "" : ",\r\n\t", B(m->to[i]));
	buf_printf(out,
		"\r\nSubject: Report Domain: %.*s\r\n"
		"\tSubmitter: %.*s\r\n"
		"\tReport-ID: <%.*s>\r\n"
		"Message-ID: <%.*s>\r\n"
		"Auto-Submitted: auto-generated\r\n"
		"MIME-Version: 1.0\r\n"
		"Content-Type: multipart/mixed;\r\n\tboundary=\"%s\"\r\n\r\n",
		B(r->policy_domain), B(m->submitter), B(r->id), B(r->id), boundary);
}

static void
put_note(struct buf *out, const struct dmarc_mail *m)
{
	buf_printf(out,
		"This is an aggregate report (DMARC, RFC 9990) on mail that claims to be from\r\n"
		"%.*s,\r\nas %.*s saw it: %llu message%s.\r\n",
		B(m->report->policy_domain), B(m->submitter), (unsigned long long)m->messages,
		m->messages == 1 ? "" : "s");
	if (m->unlisted > 0)
		buf_printf(out, "%llu of them are not listed, for there were too many kinds.\r\n",
			(unsigned long long)m->unlisted);
}

void
dmarc_mail_put(struct buf *out, const struct dmarc_mail *m)
{
	static const char boundary[] = "=_dmarc_aggregate_report"; /* in no base64, and no note */

	put_header(out, m, boundary);
	buf_printf(out, "--%s\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n", boundary);
	put_note(out, m);
	buf_printf(out,
		"--%s\r\nContent-Type: application/gzip\r\n"
		"Content-Transfer-Encoding: base64\r\n"
		"Content-Disposition: attachment;\r\n\tfilename=\"",
		boundary);
	put_filename(out, m);
	buf_put_str(out, "\"\r\n\r\n");
	put_base64(out, m->xml_gz);
	buf_printf(out, "--%s--\r\n", boundary);
}
