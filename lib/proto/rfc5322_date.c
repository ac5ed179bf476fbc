/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/rfc5322_date.c - the date of a Date field, in every form people's programs
 * have found for it.
 *
 * Runs in:  every process that looks at content.
 * Trusts:   nothing.
 * Sources:  RFC 5322 sec. 3.3, 4.3 (obs-year, obs-zone, comments between words); also the form of
 *           asctime(3) and "21-Nov-2026".
 */
#include "rfc5322.h"

#include "clock.h"
#include "err.h"

#define DATE_TEXT_MAX 200 /* a date is not longer, whatever else the field holds */
#define WORDS_MAX     12

static const char *const months[] = { "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep",
	"oct", "nov", "dec" };
static const char *const weekdays[] = { "mon", "tue", "wed", "thu", "fri", "sat", "sun" };

static const struct zone {
	const char *name;
	int hours;
} zones[] = { /* sec. 4.3; any other name is +0000 */
	{ "EDT", -4 }, { "EST", -5 }, { "CDT", -5 }, { "CST", -6 }, { "MDT", -6 }, { "MST", -7 },
	{ "PDT", -7 }, { "PST", -8 }, { "MET", 1 }, { "CET", 1 }, { "MEST", 2 }, { "CEST", 2 },
	{ "EET", 2 }, { "JST", 9 }
};

/* What has been read so far; -1 is "not yet". */
struct date {
	int64_t year;
	int month, day, hour, minute, second;
	int year_digits;
	bool has_zone;
	int32_t zone_secs;
};

static int
word_index(struct bytes word, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (word.n >= 3 && bytes_equal_nocase(bytes_head(word, 3), bytes_from_str(list[i])))
			return (int)i;
	return -1;
}

static bool
is_separator(uint8_t c)
{
	return c <= ' ' || c == ',' || c == '"';
}

/* Blanks, commas and (nested) comments go; a '-' between the parts of a date does too. */
static void
skip_separators(struct bytes *rest)
{
	int depth = 0;

	while (rest->n > 0) {
		uint8_t c = rest->p[0];

		if (c == '(')
			depth++;
		else if (c == ')' && depth > 0)
			depth--;
		else if (depth == 0 && !is_separator(c))
			return;
		*rest = bytes_skip(*rest, c == '\\' && depth > 0 ? 2 : 1);
	}
}

static struct bytes
next_word(struct bytes *rest)
{
	struct bytes word;
	size_t n = 0;

	skip_separators(rest);
	while (n < rest->n && !is_separator(rest->p[n]) && rest->p[n] != '(') {
		/* "21-Nov-2026", "22:04+0100": behind something it ends a word, else it is a sign
		 */
		if (n > 0 && (rest->p[n] == '-' || rest->p[n] == '+'))
			break;
		n++;
	}
	word = bytes_head(*rest, n);
	*rest = bytes_skip(*rest, n);
	if (rest->n > 1 && rest->p[0] == '-' && n > 0 && n <= 3)
		*rest = bytes_skip(*rest, 1);
	return word;
}

/* "22:04", "22:04:57" (also with '.') */
static bool
read_time(struct bytes w, struct date *d)
{
	int part[3] = { 0, 0, 0 };
	size_t n = 0, digits = 0;

	for (size_t i = 0; i < w.n; i++) {
		if (ascii_is_digit(w.p[i]) && digits < 2) {
			part[n] = part[n] * 10 + (w.p[i] - '0');
			digits++;
		} else if ((w.p[i] == ':' || w.p[i] == '.') && digits > 0 && n < 2) {
			n++;
			digits = 0;
		} else {
			return false;
		}
	}
	if (n == 0 || digits == 0 || part[0] > 24 || part[1] > 59 || part[2] > 60)
		return false;
	d->hour = part[0];
	d->minute = part[1];
	d->second = part[2];
	return true;
}

/* "+0100", "-0500", "+01:00", "EST", "Z" */
static void
read_zone(struct bytes w, struct date *d)
{
	int digits[4], n = 0;

	d->has_zone = true;
	if (w.p[0] != '+' && w.p[0] != '-') {
		for (size_t i = 0; i < NITEMS(zones); i++)
			if (bytes_is_nocase(w, zones[i].name))
				d->zone_secs = zones[i].hours * 3600;
		return;
	}
	for (size_t i = 1; i < w.n && n < 4; i++) {
		if (ascii_is_digit(w.p[i]))
			digits[n++] = w.p[i] - '0';
		else if (w.p[i] != ':')
			break;
	}
	if (n < 4)
		return;
	d->zone_secs = (digits[0] * 10 + digits[1]) * 3600 + (digits[2] * 10 + digits[3]) * 60;
	if (w.p[0] == '-')
		d->zone_secs = -d->zone_secs;
}

static bool
read_number(struct bytes w, struct date *d)
{
	uint64_t v;

	if (bytes_to_u64(w, 9999, &v) != ERR_OK)
		return false;
	if (d->day < 0 && w.n <= 2) {
		d->day = (int)v;
	} else if (d->year < 0) {
		d->year = (int64_t)v;
		d->year_digits = (int)w.n;
	} else {
		return false;
	}
	return true;
}

/* One word of a date; false if it can't be one. Weekdays are not looked at. */
static bool
read_word(struct bytes w, struct date *d)
{
	int month = word_index(w, months, NITEMS(months));

	if (ascii_is_digit(w.p[0]))
		return d->hour < 0 && read_time(w, d) ? true : read_number(w, d);
	if (d->month < 0 && month >= 0) {
		d->month = month;
		return true;
	}
	if (d->hour >= 0) {
		if (!d->has_zone)
			read_zone(w, d);
		return true;
	}
	return word_index(w, weekdays, NITEMS(weekdays)) >= 0;
}

int
rfc5322_parse_date(struct bytes value, struct rfc5322_date *out)
{
	struct date d = { -1, -1, -1, -1, -1, -1, 0, false, 0 };
	struct bytes rest = bytes_head(bytes_trim(value), DATE_TEXT_MAX), w;

	for (int i = 0; i < WORDS_MAX && (w = next_word(&rest)).n > 0; i++)
		if (!read_word(w, &d))
			break;
	if (d.year < 0 || d.month < 0 || d.day < 1 || d.day > 31 || d.hour < 0)
		return ERR_SYNTAX;
	if (d.year_digits == 2)
		d.year += d.year < 50 ? 2000 : 1900;
	else if (d.year_digits == 3)
		d.year += 1900;
	else if (d.year_digits != 4)
		return ERR_SYNTAX;
	out->zone_secs = d.zone_secs;
	out->utc = clock_days_from_civil(d.year, (unsigned)d.month + 1, (unsigned)d.day) * 86400 +
		   d.hour * 3600 + d.minute * 60 + d.second - d.zone_secs;
	return ERR_OK;
}
