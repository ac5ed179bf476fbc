/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/spf_record.c - the record of an SPF policy, by the letter of the grammar.
 *
 * Pure. Trusts nothing.
 * Sources: RFC 7208 sec. 12 (collected ABNF), RFC 4291 sec. 2.2 (IPv6 text).
 */
#include <arpa/inet.h>

#include "err.h"
#include "spf_macro.h"
#include "spf_record.h"

enum argument {
	ARG_NONE,
	ARG_NAME,
	ARG_MAY_NAME,
	ARG_IP4,
	ARG_IP6
};

static const struct row {
	const char *name;
	enum spf_mechanism mechanism;
	enum argument argument;
	bool dual_cidr; /* may be followed by "/24", "//64", "/24//64" */
} rows[] = {
	{ "all", SPF_MECH_ALL, ARG_NONE, false },
	{ "include", SPF_MECH_INCLUDE, ARG_NAME, false },
	{ "a", SPF_MECH_A, ARG_MAY_NAME, true },
	{ "mx", SPF_MECH_MX, ARG_MAY_NAME, true },
	{ "ptr", SPF_MECH_PTR, ARG_MAY_NAME, false },
	{ "ip4", SPF_MECH_IP4, ARG_IP4, false },
	{ "ip6", SPF_MECH_IP6, ARG_IP6, false },
	{ "exists", SPF_MECH_EXISTS, ARG_NAME, false },
};

#define VERSION "v=spf1"

bool
spf_record_is(struct bytes txt)
{
	return bytes_starts_with_nocase(txt, BYTES_LITERAL(VERSION)) &&
	       (txt.n == sizeof(VERSION) - 1 || txt.p[sizeof(VERSION) - 1] == ' ');
}

/* toplabel: letters, digits and inner '-', at least one that is no digit */
static bool
is_toplabel(struct bytes label)
{
	bool only_digits = true;

	if (label.n == 0 || label.p[0] == '-' || label.p[label.n - 1] == '-')
		return false;
	for (size_t i = 0; i < label.n; i++) {
		uint8_t c = label.p[i];

		if (!ascii_is_alpha(c) && !ascii_is_digit(c) && c != '-')
			return false;
		only_digits = only_digits && ascii_is_digit(c);
	}
	return !only_digits;
}

/* macro-string domain-end. The end of a macro-expand is "}", or the second of "%%", "%_", "%-". */
static bool
is_domain_spec(struct bytes in)
{
	struct bytes left = in;
	size_t dot;
	bool ends_in_macro = false;

	if (in.n == 0 || spf_macro_check(in, SPF_MACRO_NAME) < 0)
		return false;
	while (left.n > 0) {
		ends_in_macro = left.p[0] == '%';
		if (!ends_in_macro)
			left = bytes_skip(left, 1);
		else if (left.p[1] == '{')
			left = bytes_skip(left, bytes_find(left, '}') + 1);
		else
			left = bytes_skip(left, 2);
	}
	if (ends_in_macro)
		return true;
	if (in.p[in.n - 1] == '.')
		in.n--;
	dot = bytes_find_last(in, '.');
	return dot != BYTES_NOT_FOUND && is_toplabel(bytes_skip(in, dot + 1));
}

/* "0", or digits that do not begin with one */
static bool
read_prefix(struct bytes digits, uint8_t max, uint8_t *out)
{
	uint64_t value;

	if (digits.n == 0 || (digits.n > 1 && digits.p[0] == '0') ||
		bytes_to_u64(digits, max, &value) < 0)
		return false;
	*out = (uint8_t)value;
	return true;
}

/* Where the digits at the end that follow a slash begin; in.n if there are none. */
static size_t
prefix_at(struct bytes in)
{
	size_t at = in.n;

	while (at > 0 && ascii_is_digit(in.p[at - 1]))
		at--;
	return at > 0 && at < in.n && in.p[at - 1] == '/' ? at : in.n;
}

/* Takes [ "/" 0-32 ] [ "//" 0-128 ] from the end of *in. */
static bool
cut_dual_cidr(struct bytes *in, struct spf_directive *d)
{
	size_t at = prefix_at(*in);

	if (at < in->n && at >= 2 && in->p[at - 2] == '/') {
		if (!read_prefix(bytes_skip(*in, at), 128, &d->prefix6))
			return false;
		*in = bytes_head(*in, at - 2);
		at = prefix_at(*in);
	}
	if (at < in->n) {
		if (!read_prefix(bytes_skip(*in, at), 32, &d->prefix4))
			return false;
		*in = bytes_head(*in, at - 1);
	}
	return true;
}

/* An address of a family, with a prefix or without. */
static bool
read_network(struct bytes in, int family, uint8_t address[16], uint8_t *prefix)
{
	char text[INET6_ADDRSTRLEN];
	size_t slash = bytes_find(in, '/');

	if (slash != BYTES_NOT_FOUND) {
		if (!read_prefix(bytes_skip(in, slash + 1), family == AF_INET ? 32 : 128, prefix))
			return false;
		in = bytes_head(in, slash);
	}
	if (in.n == 0 || in.n >= sizeof(text) || memchr(in.p, 0, in.n) != NULL)
		return false;
	/* inet_pton() takes dotted quads without leading zeros, and RFC 4291's forms, only */
	return inet_pton(family, bytes_to_str(in, text, sizeof(text)), address) == 1;
}

/* What stands behind a mechanism's name. returns what is wrong, or NULL. */
static const char *
read_argument(const struct row *row, struct bytes in, struct spf_directive *d)
{
	bool given;

	if (row->dual_cidr && !cut_dual_cidr(&in, d))
		return "bad prefix length";
	given = in.n > 0;
	if (given && in.p[0] != ':')
		return "not a mechanism";
	in = bytes_skip(in, 1);
	switch (row->argument) {
	case ARG_NONE:
		return given ? "takes no argument" : NULL;
	case ARG_IP4:
		return read_network(in, AF_INET, d->address, &d->prefix4) ? NULL
									  : "bad IPv4 network";
	case ARG_IP6:
		return read_network(in, AF_INET6, d->address, &d->prefix6) ? NULL
									   : "bad IPv6 network";
	case ARG_NAME:
		if (!given)
			return "needs a domain";
		break;
	case ARG_MAY_NAME:
		if (!given)
			return NULL;
		break;
	}
	d->domain_spec = in;
	return is_domain_spec(in) ? NULL : "bad domain";
}

static const char *
read_directive(struct bytes term, struct bytes name, struct bytes rest, struct spf_directive *d)
{
	*d = (struct spf_directive){
		.qualifier = '+', .prefix4 = 32, .prefix6 = 128, .text = term
	};
	if (strchr("+-?~", term.p[0]) != NULL)
		d->qualifier = (char)term.p[0];
	for (size_t i = 0; i < NITEMS(rows); i++)
		if (bytes_is_nocase(name, rows[i].name)) {
			d->mechanism = rows[i].mechanism;
			return read_argument(&rows[i], rest, d);
		}
	return "unknown mechanism";
}

static const char *
read_modifier(struct bytes name, struct bytes value, struct spf_record *out)
{
	struct bytes *known = bytes_is_nocase(name, "redirect") ? &out->redirect
			      : bytes_is_nocase(name, "exp")    ? &out->exp
								: NULL;

	if (known == NULL)
		return spf_macro_check(value, SPF_MACRO_ANY) < 0 ? "bad modifier" : NULL;
	if (known->n > 0)
		return "given twice";
	*known = value;
	return is_domain_spec(value) ? NULL : "bad domain";
}

/* name = ALPHA *( ALPHA / DIGIT / "-" / "_" / "." ) at the front: its length */
static size_t
name_length(struct bytes in)
{
	size_t n = 0;

	while (n < in.n &&
		(ascii_is_alpha(in.p[n]) || (n > 0 && (ascii_is_digit(in.p[n]) || in.p[n] == '-' ||
							      in.p[n] == '_' || in.p[n] == '.'))))
		n++;
	return n;
}

static const char *
read_term(struct bytes term, struct spf_record *out)
{
	bool qualified = strchr("+-?~", term.p[0]) != NULL;
	struct bytes in = bytes_skip(term, qualified), name = bytes_head(in, name_length(in));
	struct bytes rest = bytes_skip(in, name.n);

	if (name.n == 0)
		return "not a term";
	if (rest.n > 0 && rest.p[0] == '=')
		return qualified ? "a modifier takes no qualifier"
				 : read_modifier(name, bytes_skip(rest, 1), out);
	return read_directive(term, name, rest, &out->directives[out->count++]);
}

static size_t
count_terms(struct bytes text)
{
	size_t n = 0;

	while (text.n > 0)
		n += bytes_cut(&text, ' ').n > 0;
	return n;
}

int
spf_record_parse(struct bytes text, struct arena *a, struct spf_record *out, const char **why,
	struct bytes *where)
{
	*out = (struct spf_record){ 0 };
	*where = bytes_head(text, 20);
	*why = "the record is too long";
	if (text.n > SPF_RECORD_MAX)
		return ERR_LIMIT;
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] < 0x20 || text.p[i] > 0x7e) {
			*why = "an octet that is no printable ASCII";
			return ERR_SYNTAX;
		}
	text = bytes_skip(text, sizeof(VERSION) - 1);
	out->directives = arena_alloc(a, count_terms(text) * sizeof(*out->directives));
	while (text.n > 0) {
		struct bytes term = bytes_cut(&text, ' ');

		if (term.n == 0)
			continue;
		*where = term;
		if ((*why = read_term(term, out)) != NULL)
			return ERR_SYNTAX;
	}
	for (size_t i = 0; i < out->count; i++)
		if (out->directives[i].mechanism == SPF_MECH_ALL)
			out->redirect = BYTES_NONE;
	return ERR_OK;
}
