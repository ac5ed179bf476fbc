/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/dkim_signature.c - what a DKIM-Signature field claims, and whether it keeps the rules.
 *
 * Runs in:  mailauth-verify.
 * Trusts:   nothing.
 * Sources:  RFC 6376 sec. 3.5 and 6.1.1; RFC 8301 sec. 3; RFC 8463 sec. 3.
 */
#include "dkim_tags.h"
#include "dns_rdata.h"
#include "utf8.h"

#define HASH_OCTETS 32            /* SHA-256 */
#define TIME_MAX    999999999999u /* t= and x=: 12 digits, sec. 3.5 */
#define LENGTH_MAX  ((uint64_t)1 << 60)
#define FIELDS_MAX  4000 /* octets of h= */

static const struct {
	const char *name;
	enum dkim_algorithm algorithm;
} algorithms[] = {
	{ "rsa-sha256", DKIM_RSA_SHA256 },
	{ "ed25519-sha256", DKIM_ED25519_SHA256 },
	{ "rsa-sha1", DKIM_RSA_SHA1 },
};

const char *
dkim_algorithm_name(enum dkim_algorithm algorithm)
{
	for (size_t i = 0; i < NITEMS(algorithms); i++)
		if (algorithms[i].algorithm == algorithm)
			return algorithms[i].name;
	return "unknown";
}

/* Each reads one tag; has is false if the tag is not there. returns: err */
typedef int tag_fn(struct dkim_signature *s, bool has, struct bytes value);

static int
read_version(struct dkim_signature *s, bool has, struct bytes value)
{
	UNUSED(s);
	return !has ? ERR_SYNTAX : bytes_is(value, "1") ? ERR_OK : ERR_UNSUPPORTED;
}

static int
read_algorithm(struct dkim_signature *s, bool has, struct bytes value)
{
	s->algorithm_text = value;
	for (size_t i = 0; i < NITEMS(algorithms); i++)
		if (bytes_is_nocase(value, algorithms[i].name)) {
			s->algorithm = algorithms[i].algorithm;
			return ERR_OK;
		}
	return has && value.n > 0 ? ERR_UNSUPPORTED : ERR_SYNTAX;
}

/* sec. 3.5 wants at least two labels of d= */
static int
read_domain(struct dkim_signature *s, bool has, struct bytes value)
{
	UNUSED(has);
	if (!dns_name_is_host(value) || bytes_find(value, '.') == BYTES_NOT_FOUND)
		return ERR_SYNTAX;
	s->domain = value;
	return ERR_OK;
}

static int
read_selector(struct dkim_signature *s, bool has, struct bytes value)
{
	UNUSED(has);
	if (!dns_name_is_host(value))
		return ERR_SYNTAX;
	s->selector = value;
	return ERR_OK;
}

static int
read_canonicalization(struct dkim_signature *s, bool has, struct bytes value)
{
	static const char *const names[] = { "simple", "relaxed" };
	struct bytes header = bytes_cut(&value, '/');

	if (!has)
		return ERR_OK;
	if (value.n == 0)
		value = BYTES_LITERAL("simple");
	for (size_t i = 0; i < NITEMS(names); i++) {
		if (bytes_is_nocase(header, names[i]))
			header.p = NULL, s->relaxed_header = i == 1;
		if (bytes_is_nocase(value, names[i]))
			value.p = NULL, s->relaxed_body = i == 1;
	}
	return header.p == NULL && value.p == NULL ? ERR_OK : ERR_UNSUPPORTED;
}

/* The only method is dns/txt; there may be others in the list, for others. */
static int
read_query(struct dkim_signature *s, bool has, struct bytes value)
{
	struct bytes method;

	UNUSED(s);
	while (has && dkim_list_next(&value, &method))
		if (bytes_is_nocase(method, "dns/txt"))
			return ERR_OK;
	return has ? ERR_UNSUPPORTED : ERR_OK;
}

static bool
is_field_name(struct bytes name)
{
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] < 33 || name.p[i] > 126)
			return false;
	return true;
}

static int
read_fields(struct dkim_signature *s, bool has, struct bytes value)
{
	struct bytes rest = value, name;
	size_t names = 1; /* the empty ones too: each costs its time for each field */

	UNUSED(has);
	for (size_t i = 0; i < value.n; i++)
		names += value.p[i] == ':';
	if (value.n > FIELDS_MAX || names > DKIM_SIGNED_FIELDS_MAX)
		return ERR_LIMIT;
	while (dkim_list_next(&rest, &name))
		if (!is_field_name(name))
			return ERR_SYNTAX;
	s->fields = value;
	return dkim_signed_fields_count(value, BYTES_LITERAL("From")) > 0 ? ERR_OK : ERR_SYNTAX;
}

/* sec. 3.5: the domain of i= is d= or below it. The local-part is not looked at. */
static int
read_identity(struct dkim_signature *s, bool has, struct bytes value)
{
	size_t at = bytes_find_last(value, '@');
	struct bytes domain, tail;

	if (!has)
		return ERR_OK;
	if (at == BYTES_NOT_FOUND)
		return ERR_SYNTAX;
	domain = bytes_skip(value, at + 1);
	tail = domain.n > s->domain.n ? bytes_skip(domain, domain.n - s->domain.n) : domain;
	if (!dns_name_is_host(domain) || !bytes_equal_nocase(tail, s->domain) ||
		(domain.n > s->domain.n && tail.p[-1] != '.'))
		return ERR_SYNTAX;
	s->identity = value;
	return ERR_OK;
}

static int
read_body_hash(struct dkim_signature *s, bool has, struct bytes value)
{
	struct buf hash = BUF_INIT;
	int r = dkim_base64_decode(value, &hash);

	UNUSED(has);
	if (r == ERR_OK && hash.len != HASH_OCTETS && s->algorithm != DKIM_RSA_SHA1)
		r = ERR_SYNTAX;
	s->body_hash = value;
	buf_free(&hash);
	return r;
}

static int
read_signature(struct dkim_signature *s, bool has, struct bytes value)
{
	struct buf octets = BUF_INIT;
	int r = dkim_base64_decode(value, &octets);

	UNUSED(has);
	s->signature = value;
	buf_free(&octets);
	return r;
}

static int
read_length(struct dkim_signature *s, bool has, struct bytes value)
{
	s->has_length = has;
	return has ? bytes_to_u64(value, LENGTH_MAX, &s->length) : ERR_OK;
}

static int
read_time(struct dkim_signature *s, bool has, struct bytes value)
{
	s->has_time = has;
	return has ? bytes_to_u64(value, TIME_MAX, &s->time) : ERR_OK;
}

static int
read_expiry(struct dkim_signature *s, bool has, struct bytes value)
{
	int r = has ? bytes_to_u64(value, TIME_MAX, &s->expiry) : ERR_OK;

	s->has_expiry = has;
	return r == ERR_OK && has && s->has_time && s->expiry <= s->time ? ERR_SYNTAX : r;
}

/* d= before i=, a= before bh=, t= before x=; what identifies the signature first */
static const struct {
	const char *tag;
	tag_fn *read;
	const char *why;
} rows[] = {
	{ "d", read_domain, "d= is missing or no domain" },
	{ "s", read_selector, "s= is missing or no selector" },
	{ "a", read_algorithm, "a= is missing or an unknown algorithm" },
	{ "b", read_signature, "b= is missing or not base64" },
	{ "v", read_version, "v= is missing or an unknown version" },
	{ "c", read_canonicalization, "c= is an unknown canonicalization" },
	{ "q", read_query, "q= has no query method that is known" },
	{ "h", read_fields, "h= is missing, too long, or does not have From" },
	{ "i", read_identity, "i= is not d= or below it" },
	{ "bh", read_body_hash, "bh= is missing or no hash" },
	{ "l", read_length, "l= is no length" },
	{ "t", read_time, "t= is no time" },
	{ "x", read_expiry, "x= is no time, or not after t=" },
};

static int
refuse(const char **why, const char *text, int err)
{
	*why = text;
	return err;
}

int
dkim_signature_parse(struct bytes value, struct dkim_signature *out, const char **why)
{
	struct dkim_tags tags;
	int r, worst = ERR_OK;

	*out = (struct dkim_signature){ .algorithm = DKIM_ALGORITHM_OTHER };
	*why = "";
	if (value.n > DKIM_SIGNATURE_MAX)
		return refuse(why, "the field is too long", ERR_LIMIT);
	r = dkim_tags_parse(value, &tags);
	if (r == ERR_EXISTS)
		return refuse(why, "a tag is there twice", r);
	if (r < 0)
		return refuse(why, "the field is no list of tags", r);
	for (size_t i = 0; i < NITEMS(rows); i++) {
		struct bytes text;
		bool has = dkim_tags_get(&tags, rows[i].tag, &text);

		r = rows[i].read(out, has, text);
		if (r < 0 && worst == ERR_OK)
			worst = refuse(why, rows[i].why, r);
	}
	if (worst == ERR_OK && !utf8_is_valid(value)) /* RFC 8616 sec. 5 */
		return refuse(why, "the field is not UTF-8", ERR_SYNTAX);
	return worst;
}
