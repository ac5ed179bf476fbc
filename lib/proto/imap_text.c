/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/imap_text.c - strings, header subsets and dates as IMAP writes them.
 *
 * Runs in:  imap session, local-delivery (which fills the cache).
 * Trusts:   nothing: what comes from a message can't end a quoted string or a line.
 * Sources:  RFC 3501 sec. 4.3, 6.4.5, 9.
 */
#include "imap_text.h"

#include "rfc5322.h"

#define QUOTED_MAX 1000 /* longer strings are literals */

void
imap_put_literal(struct buf *out, struct bytes b)
{
	size_t nuls = 0;

	for (size_t i = 0; i < b.n; i++)
		nuls += b.p[i] == 0;
	buf_printf(out, "{%zu}\r\n", b.n - nuls);
	if (nuls == 0) {
		buf_put_bytes(out, b);
		return;
	}
	for (size_t i = 0; i < b.n; i++)
		if (b.p[i] != 0)
			buf_put_u8(out, b.p[i]);
}

static bool
can_be_quoted(struct bytes b)
{
	if (b.n > QUOTED_MAX)
		return false;
	for (size_t i = 0; i < b.n; i++)
		if (b.p[i] == 0 || b.p[i] >= 0x80 || b.p[i] == '\r' || b.p[i] == '\n')
			return false;
	return true;
}

void
imap_put_string(struct buf *out, struct bytes b)
{
	uint8_t *p;
	size_t n = 0;

	if (!can_be_quoted(b)) {
		imap_put_literal(out, b);
		return;
	}
	p = buf_room(out, 2 * b.n + 2);
	p[n++] = '"';
	for (size_t i = 0; i < b.n; i++) {
		if (b.p[i] == '"' || b.p[i] == '\\')
			p[n++] = '\\';
		p[n++] = b.p[i];
	}
	p[n++] = '"';
	buf_added(out, n);
}

void
imap_put_nstring(struct buf *out, struct bytes b)
{
	if (b.p == NULL)
		buf_put_str(out, "NIL");
	else
		imap_put_string(out, b);
}

/* ASTRING-CHAR: an ATOM-CHAR or ']' */
static bool
is_astring_char(uint8_t c)
{
	return c > ' ' && c < 0x7f && strchr("(){%*\"\\", c) == NULL;
}

void
imap_put_astring(struct buf *out, struct bytes b)
{
	bool atom = b.n > 0 && b.n <= QUOTED_MAX && !bytes_is_nocase(b, "NIL");

	for (size_t i = 0; atom && i < b.n; i++)
		atom = is_astring_char(b.p[i]);
	if (atom)
		buf_put_bytes(out, b);
	else
		imap_put_string(out, b);
}

static bool
is_listed(struct bytes name, const struct bytes *names, size_t nnames)
{
	for (size_t i = 0; i < nnames; i++)
		if (bytes_equal_nocase(name, names[i]))
			return true;
	return false;
}

void
imap_put_header_fields(
	struct buf *out, struct bytes header, const struct bytes *names, size_t nnames, bool except)
{
	struct bytes rest = header;
	struct rfc5322_field f;

	while (rfc5322_field_next(&rest, &f))
		if (is_listed(f.name, names, nnames) != except)
			buf_put_bytes(out, f.raw);
	if (rest.n > 0) /* the blank line, unless the message has none */
		buf_put_str(out, "\r\n");
}

/* Day, month and year of a day number; clock_days_from_civil the other way round. */
static void
civil_from_days(int64_t days, int64_t *year, unsigned *month, unsigned *day)
{
	int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;

	*day = (unsigned)(doy - (153 * mp + 2) / 5 + 1);
	*month = (unsigned)(mp < 10 ? mp + 3 : mp - 9);
	*year = yoe + era * 400 + (*month <= 2);
}

void
imap_put_date_time(struct buf *out, int64_t utc, int32_t zone_secs)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	int64_t local, days, year;
	unsigned month, day, secs, zone;

	/* dates are written with four digits: what lies outside is no date of a message */
	if (utc < 0 || utc > INT64_C(253402300799) - 86400)
		utc = 0;
	if (zone_secs <= -86400 || zone_secs >= 86400)
		zone_secs = 0;
	local = utc + zone_secs;
	days = local / 86400 - (local % 86400 < 0);
	secs = (unsigned)(local - days * 86400);
	zone = (unsigned)(zone_secs < 0 ? -zone_secs : zone_secs) / 60;
	civil_from_days(days, &year, &month, &day);
	buf_printf(out, "\"%2u-%.3s-%04d %02u:%02u:%02u %c%02u%02u\"", day,
		months + 3 * (month - 1), (int)year, secs / 3600, secs / 60 % 60, secs % 60,
		zone_secs < 0 ? '-' : '+', zone / 60, zone % 60);
}
