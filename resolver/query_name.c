/* SPDX-License-Identifier: ISC */
/*
 * resolver/query_name.c - the name of a question: U-labels made A-labels, letters small, and those
 * names found that no server is to be asked for.
 *
 * Pure. Trusts nothing. An address where a name belongs is a mistake of the asker's, and a costly
 * one at the root servers.
 */
#include "query_name.h"

#include <idn2.h>

static bool
is_ascii(struct bytes b)
{
	for (size_t i = 0; i < b.n; i++)
		if (b.p[i] >= 0x80)
			return false;
	return true;
}

/* "[192.0.2.1]", "2001:db8::1", and all whose last label is a number: no such top level domain
 * will ever be (RFC 3696 sec. 2). A colon in another label is odd, but a macro of SPF may make it.
 */
static bool
looks_like_address(struct bytes name)
{
	size_t dot;
	struct bytes last;

	dot = bytes_find_last(name, '.');
	last = dot == BYTES_NOT_FOUND ? name : bytes_skip(name, dot + 1);
	if (bytes_find(last, ':') != BYTES_NOT_FOUND || bytes_find(name, '[') != BYTES_NOT_FOUND)
		return true;
	for (size_t i = 0; i < last.n; i++)
		if (!ascii_is_digit(last.p[i]))
			return false;
	return last.n > 0;
}

static bool
ends_in(struct bytes name, const char *domain)
{
	struct bytes d = bytes_from_str(domain);

	if (name.n < d.n || !bytes_is(bytes_skip(name, name.n - d.n), domain))
		return false;
	return name.n == d.n || name.p[name.n - d.n - 1] == '.';
}

static void
bad(struct query_name *out, const char *why)
{
	out->status = DNS_BAD_NAME;
	out->text[0] = 0;
	out->why = why;
}

/* Labels in UTF-8 to A-labels. Name: a string. */
static const char *
to_ascii(struct bytes asked, struct buf *out)
{
	char name[DNS_QUERY_NAME_MAX + 1], *ascii = NULL;
	int r;

	if (memchr(asked.p, 0, asked.n) != NULL)
		return "a NUL in a name";
	bytes_to_str(asked, name, sizeof(name));
	r = idn2_lookup_u8(
		(const uint8_t *)name, (uint8_t **)&ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
	if (r != IDN2_OK)
		return idn2_strerror(r);
	buf_put_str(out, ascii);
	idn2_free(ascii);
	return NULL;
}

/* As dns_name_read() writes it, whatever its spelling was. */
static const char *
canonical(struct bytes ascii, char out[DNS_NAME_SIZE])
{
	struct buf wire = BUF_INIT;
	struct bytes rest;
	int r = dns_name_write(ascii, &wire);

	rest = buf_bytes(&wire);
	if (r == ERR_OK)
		r = dns_name_read(&rest, out);
	buf_free(&wire);
	return r >= 0           ? NULL
	       : r == ERR_LIMIT ? "a label or the name is too long"
				: "not the syntax of a name";
}

static const struct special {
	const char *domain;
	enum dns_status status;
	bool localhost;
	const char *why;
} specials[] = {
	{ "localhost", DNS_OK, true, NULL },
	{ "invalid", DNS_NXDOMAIN, false, "never exists (RFC 6761)" },
	{ "onion", DNS_NXDOMAIN, false, "never in DNS (RFC 7686)" },
};

void
query_name_clean(struct bytes asked, struct query_name *out)
{
	struct buf ascii = BUF_INIT;
	struct bytes name;
	const char *why = NULL;

	memset(out, 0, sizeof(*out));
	if (asked.n > DNS_QUERY_NAME_MAX) {
		bad(out, "the name is too long");
		return;
	}
	if (is_ascii(asked))
		buf_put_bytes(&ascii, asked);
	else
		why = to_ascii(asked, &ascii);
	if (why == NULL)
		why = canonical(buf_bytes(&ascii), out->text);
	buf_free(&ascii);
	if (why != NULL) {
		bad(out, why);
		return;
	}
	name = bytes_from_str(out->text);
	if (looks_like_address(name)) {
		bad(out, "an address, not a name");
		return;
	}
	for (size_t i = 0; i < NITEMS(specials); i++)
		if (ends_in(name, specials[i].domain)) {
			out->status = specials[i].status;
			out->localhost = specials[i].localhost;
			out->why = specials[i].why;
		}
}
