/* SPDX-License-Identifier: ISC */
/* lib/proto/dmarc_record.c - reader of DMARC Policy Records, see the header. */
#include "dmarc_record.h"

#include "encode.h"
#include "rfc5321.h"

static const char *const policy_names[DMARC_POLICIES] = {
	[DMARC_NONE] = "none",
	[DMARC_QUARANTINE] = "quarantine",
	[DMARC_REJECT] = "reject",
};

const char *
dmarc_policy_name(enum dmarc_policy p)
{
	return policy_names[p];
}

static struct bytes
trim_wsp(struct bytes b)
{
	while (b.n > 0 && (b.p[0] == ' ' || b.p[0] == '\t'))
		b = bytes_skip(b, 1);
	while (b.n > 0 && (b.p[b.n - 1] == ' ' || b.p[b.n - 1] == '\t'))
		b.n--;
	return b;
}

/* ---- what a value may be ---- */

struct reading {
	struct dmarc_record *out;
	bool bad_policy; /* a p, sp or np with a wrong value */
};

static void
complain(struct dmarc_record *out, const char *what)
{
	if (out->problem == NULL)
		out->problem = what;
}

static bool
read_policy(struct bytes value, enum dmarc_policy *out)
{
	for (unsigned i = 0; i < DMARC_POLICIES; i++) {
		if (bytes_is_nocase(value, policy_names[i])) {
			*out = (enum dmarc_policy)i;
			return true;
		}
	}
	return false;
}

static void
tag_p(struct reading *r, struct bytes value)
{
	r->out->has_p = read_policy(value, &r->out->p);
	r->bad_policy |= !r->out->has_p;
}

static void
tag_sp(struct reading *r, struct bytes value)
{
	r->out->has_sp = read_policy(value, &r->out->sp);
	r->bad_policy |= !r->out->has_sp;
}

static void
tag_np(struct reading *r, struct bytes value)
{
	r->out->has_np = read_policy(value, &r->out->np);
	r->bad_policy |= !r->out->has_np;
}

/* One of the letters, either case; 0: none of them */
static char
letter(struct dmarc_record *out, struct bytes value, const char *letters)
{
	char c = value.n == 1 ? (char)ascii_lower(value.p[0]) : 0;

	if (c != 0 && strchr(letters, c) != NULL)
		return c;
	complain(out, "a tag with an unknown value");
	return 0;
}

static void
tag_adkim(struct reading *r, struct bytes value)
{
	r->out->adkim_strict = letter(r->out, value, "rs") == 's';
}

static void
tag_aspf(struct reading *r, struct bytes value)
{
	r->out->aspf_strict = letter(r->out, value, "rs") == 's';
}

static void
tag_t(struct reading *r, struct bytes value)
{
	r->out->testing = letter(r->out, value, "yn") == 'y';
}

static void
tag_psd(struct reading *r, struct bytes value)
{
	char c = letter(r->out, value, "ynu");

	r->out->psd = c == 'y' ? DMARC_PSD_Y : c == 'n' ? DMARC_PSD_N : DMARC_PSD_U;
}

/* sec. 4.8, dmarc-fo: each at most once, "0" and "1" exclude each other */
static void
tag_fo(struct reading *r, struct bytes value)
{
	static const char letters[] = "01ds";
	unsigned fo = 0;
	struct bytes rest = value;

	while (rest.n > 0) {
		struct bytes one = trim_wsp(bytes_cut(&rest, ':'));
		const char *at = one.n == 1 ? strchr(letters, ascii_lower(one.p[0])) : NULL;
		unsigned bit = at == NULL || *at == 0 ? 0 : 1u << (at - letters);

		if (bit == 0 || (fo & bit) != 0) {
			complain(r->out, "a bad fo tag");
			return;
		}
		fo |= bit;
	}
	if (fo == 0 || (fo & (DMARC_FO_ALL | DMARC_FO_ANY)) == (DMARC_FO_ALL | DMARC_FO_ANY))
		complain(r->out, "a bad fo tag");
	else
		r->out->fo = fo;
}

char *
dmarc_fo_text(unsigned fo, char out[16])
{
	static const char letters[] = "01ds";
	size_t n = 0;

	for (unsigned i = 0; i < 4; i++) {
		if ((fo & 1u << i) == 0)
			continue;
		if (n > 0)
			out[n++] = ':';
		out[n++] = letters[i];
	}
	out[n] = 0;
	return out;
}

/* ---- URIs ---- */

/* "!10m" at the end, RFC 7489's limit of size: no longer of any meaning */
static struct bytes
without_size(struct bytes uri)
{
	size_t at = bytes_find_last(uri, '!');
	struct bytes size;

	if (at == BYTES_NOT_FOUND)
		return uri;
	size = bytes_skip(uri, at + 1);
	if (size.n > 0 && strchr("kmgt", ascii_lower(size.p[size.n - 1])) != NULL)
		size.n--;
	if (size.n == 0)
		return uri;
	for (size_t i = 0; i < size.n; i++)
		if (!ascii_is_digit(size.p[i]))
			return uri;
	return bytes_head(uri, at);
}

/* RFC 3986: a scheme, a colon, something; octets that a URI may hold; no "!" by sec. 4.8 */
static bool
is_uri(struct bytes uri)
{
	static const char others[] = "-._~:/?#[]@$&'()*+=%";
	size_t colon = bytes_find(uri, ':');

	if (colon == BYTES_NOT_FOUND || colon == 0 || colon + 1 == uri.n || uri.n > DMARC_URI_MAX ||
		!ascii_is_alpha(uri.p[0]))
		return false;
	for (size_t i = 0; i < uri.n; i++) {
		uint8_t c = uri.p[i];

		if (ascii_is_alpha(c) || ascii_is_digit(c))
			continue;
		if (c == 0 || strchr(i < colon ? "+-." : others, c) == NULL)
			return false;
	}
	return true;
}

static void
read_uris(struct dmarc_record *out, struct bytes value, struct dmarc_uris *uris)
{
	struct bytes rest = value;

	while (rest.n > 0) {
		struct bytes uri = without_size(trim_wsp(bytes_cut(&rest, ',')));

		if (!is_uri(uri))
			complain(out, "an address for reports that is no URI");
		else if (uris->n == DMARC_URIS_MAX)
			complain(out, "more addresses for reports than are looked at");
		else
			uris->uri[uris->n++] = uri;
	}
}

static void
tag_rua(struct reading *r, struct bytes value)
{
	read_uris(r->out, value, &r->out->rua);
}

static void
tag_ruf(struct reading *r, struct bytes value)
{
	read_uris(r->out, value, &r->out->ruf);
}

/* One hexadecimal octet behind a '%'; < 0: none */
static int
percent_octet(struct bytes rest)
{
	struct buf one = BUF_INIT;
	int octet = -1;

	if (rest.n >= 2 && hex_decode(&one, bytes_head(rest, 2)) == ERR_OK && one.len == 1)
		octet = one.data[one.start];
	buf_free(&one);
	return octet;
}

int
dmarc_mailto(struct bytes uri, struct buf *mailbox)
{
	const struct bytes scheme = BYTES_LITERAL("mailto:");
	size_t before = buf_bytes(mailbox).n;
	struct mailbox m;
	struct bytes rest, got;

	if (!bytes_starts_with_nocase(uri, scheme))
		return ERR_UNSUPPORTED;
	rest = bytes_skip(uri, scheme.n);
	rest = bytes_cut(&rest, '?');
	for (; rest.n > 0; rest = bytes_skip(rest, 1)) {
		int octet = rest.p[0];

		if (octet == '%') {
			octet = percent_octet(bytes_skip(rest, 1));
			rest = bytes_skip(rest, 2);
		}
		if (octet <= ' ' || octet >= 0x7f) {
			buf_truncate(mailbox, before);
			return ERR_SYNTAX;
		}
		buf_put_u8(mailbox, (uint8_t)octet);
	}
	got = bytes_skip(buf_bytes(mailbox), before);
	if (rfc5321_parse_mailbox(got, 0, &m) == ERR_OK && !m.literal)
		return ERR_OK;
	buf_truncate(mailbox, before);
	return ERR_SYNTAX;
}

/* ---- the record ---- */

static const struct tag {
	const char *name;
	void (*read)(struct reading *r, struct bytes value);
} tags[] = {
	{ "p", tag_p },
	{ "sp", tag_sp },
	{ "np", tag_np },
	{ "adkim", tag_adkim },
	{ "aspf", tag_aspf },
	{ "t", tag_t },
	{ "psd", tag_psd },
	{ "fo", tag_fo },
	{ "rua", tag_rua },
	{ "ruf", tag_ruf },
};

/* Cut the version off the front of *rest; false: not there. */
static bool
cut_version(struct bytes *rest)
{
	struct bytes value = bytes_cut(rest, ';');
	struct bytes name = bytes_cut(&value, '=');

	/* nothing may stand before the "v"; behind it WSP may */
	if (name.n == 0 || ascii_lower(name.p[0]) != 'v' || trim_wsp(name).n != 1)
		return false;
	return bytes_is(trim_wsp(value), "DMARC1");
}

bool
dmarc_record_is_one(struct bytes text)
{
	return cut_version(&text);
}

/* sec. 4.8: 1*ALPHA equals 1*dmarc-value, of printable octets */
static void
read_tag(struct reading *r, struct bytes text, unsigned *seen)
{
	struct bytes value = text, name;

	if (trim_wsp(text).n == 0)
		return;
	name = trim_wsp(bytes_cut(&value, '='));
	value = trim_wsp(value);
	for (size_t i = 0; i < value.n; i++)
		if (value.p[i] < ' ' || value.p[i] > '~')
			value.n = 0;
	for (size_t i = 0; i < NITEMS(tags); i++) {
		if (!bytes_is_nocase(name, tags[i].name))
			continue;
		if ((*seen & 1u << i) != 0) {
			complain(r->out, "a tag that comes twice");
			return;
		}
		*seen |= 1u << i;
		tags[i].read(r, value);
		return;
	}
}

/* sec. 4.10.1: without a good p, or with a bad sp or np, it is p=none for the sake of reports. */
static int
settle(struct reading *r)
{
	struct dmarc_record *out = r->out;

	if (out->has_p && !r->bad_policy) {
		if (!out->has_sp)
			out->sp = out->p;
		if (!out->has_np)
			out->np = out->sp;
		return ERR_OK;
	}
	out->problem = !out->has_p ? "no p tag that can be used" : "a bad sp or np tag";
	out->p = out->sp = out->np = DMARC_NONE;
	return out->rua.n > 0 ? ERR_OK : ERR_SYNTAX;
}

int
dmarc_record_parse(struct bytes text, struct dmarc_record *out)
{
	struct reading r = { .out = out };
	unsigned seen = 0;

	*out = (struct dmarc_record){ .fo = DMARC_FO_ALL };
	if (!cut_version(&text))
		return ERR_NOT_FOUND;
	if (text.n > DMARC_RECORD_MAX) {
		complain(out, "the record is too long");
		text.n = DMARC_RECORD_MAX;
	}
	while (text.n > 0)
		read_tag(&r, bytes_cut(&text, ';'), &seen);
	return settle(&r);
}
