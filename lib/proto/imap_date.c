/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/imap_date.c - IMAP's two forms of a date.
 *
 * Runs in:  imap session.
 * Trusts:   nothing.
 * Sources:  RFC 3501 sec. 9 (date, date-time).
 */
#include "imap_parse.h"
#include "imap_parse_private.h"

#include "clock.h"
#include "err.h"

static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep",
	"Oct", "Nov", "Dec" };

static int
bad_date(struct imap_parser *p)
{
	return imap_problem(p, ERR_SYNTAX, "bad date");
}

/* Exactly n digits. */
static int
get_digits(struct imap_parser *p, size_t n, unsigned *v)
{
	*v = 0;
	if (p->in.n < n)
		return bad_date(p);
	for (size_t i = 0; i < n; i++) {
		if (!ascii_is_digit(p->in.p[i]))
			return bad_date(p);
		*v = *v * 10 + (unsigned)(p->in.p[i] - '0');
	}
	p->in = bytes_skip(p->in, n);
	return ERR_OK;
}

static unsigned
days_in_month(unsigned year, unsigned month)
{
	if (month == 2)
		return (year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)) ? 29 : 28;
	return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

/* "-Feb-1994", the day being known */
static int
get_month_year(struct imap_parser *p, unsigned day, int64_t *days)
{
	unsigned month = 0, year;

	if (imap_get_char(p, '-') < 0)
		return bad_date(p);
	while (month < NITEMS(months) && !imap_skip_word(p, months[month]))
		month++;
	if (month++ == NITEMS(months) || imap_get_char(p, '-') < 0 || get_digits(p, 4, &year) < 0 ||
		day < 1 || day > days_in_month(year, month))
		return bad_date(p);
	*days = clock_days_from_civil(year, month, day);
	return ERR_OK;
}

int
imap_get_date(struct imap_parser *p, int64_t *day)
{
	bool quoted = imap_skip_word(p, "\"");
	bool two = p->in.n > 1 && ascii_is_digit(p->in.p[1]);
	unsigned number;

	if (get_digits(p, two ? 2 : 1, &number) < 0 || get_month_year(p, number, day) < 0)
		return bad_date(p);
	return !quoted || imap_skip_word(p, "\"") ? ERR_OK : bad_date(p);
}

/* "02:44:25" */
static int
get_time(struct imap_parser *p, int64_t *seconds)
{
	unsigned hour, minute, second;

	if (get_digits(p, 2, &hour) < 0 || imap_get_char(p, ':') < 0 ||
		get_digits(p, 2, &minute) < 0 || imap_get_char(p, ':') < 0 ||
		get_digits(p, 2, &second) < 0 || hour > 23 || minute > 59 || second > 60)
		return bad_date(p);
	*seconds = (int64_t)hour * 3600 + minute * 60 + second;
	return ERR_OK;
}

/* "-0700" */
static int
get_zone(struct imap_parser *p, int64_t *offset)
{
	int64_t sign = imap_at(p, '-') ? -1 : 1;
	unsigned hours, minutes;

	if (!imap_skip_word(p, "-") && !imap_skip_word(p, "+"))
		return bad_date(p);
	if (get_digits(p, 2, &hours) < 0 || get_digits(p, 2, &minutes) < 0 || minutes > 59)
		return bad_date(p);
	*offset = sign * ((int64_t)hours * 3600 + minutes * 60);
	return ERR_OK;
}

int
imap_get_date_time(struct imap_parser *p, int64_t *time)
{
	int64_t days = 0, seconds = 0, offset = 0;
	unsigned day;

	if (imap_get_char(p, '"') < 0)
		return bad_date(p);
	if (get_digits(p, imap_skip_word(p, " ") ? 1 : 2, &day) < 0 ||
		get_month_year(p, day, &days) < 0 || imap_get_space(p) < 0 ||
		get_time(p, &seconds) < 0 || imap_get_space(p) < 0 || get_zone(p, &offset) < 0 ||
		imap_get_char(p, '"') < 0)
		return bad_date(p);
	*time = days * 86400 + seconds - offset;
	return ERR_OK;
}
