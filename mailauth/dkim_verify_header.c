/* SPDX-License-Identifier: ISC */
/*
 * mailauth/dkim_verify_header.c - the header against the signatures: the fields that h= names are
 * selected, put into the form that c= says, and verified with the key.
 *
 * Selection (sec. 5.4.2): each name takes the lowest field of that name that was not taken yet; one
 * that finds none adds nothing. The signature's own field comes last, without the value of b= and
 * without CRLF behind it (sec. 3.7), and cannot be named: h= may name others' only (sec. 3.5).
 *
 * Runs in:  mailauth-verify.
 * Trusts:   nothing of the message.
 * Sources:  RFC 6376 sec. 3.4.1, 3.4.2, 3.5, 3.7, 5.4.2, 6.1.3.
 */
#include "dkim_verify_private.h"

#include "fnv.h"

#define TEXT_KEPT (64 * 1024) /* octets of memory for the next message */

/* --- the fields ------------------------------------------------------------------------- */

static size_t
read_fields(struct dkim_verifier *v, struct bytes header)
{
	struct rfc5322_field f;
	size_t n = 0;

	while (n < DKIM_FIELDS_MAX && rfc5322_field_next(&header, &f))
		if (dkim_is_field(&f))
			v->fields[n++] = (struct dkim_field){ f, fnv_nocase(FNV_START, f.name), 0 };
	return n;
}

/* The lowest one of that name which is not taken by this turn. */
static struct dkim_field *
take_field(struct dkim_verifier *v, size_t nfields, struct bytes name, unsigned turn)
{
	const uint32_t hash = fnv_nocase(FNV_START, name);

	for (size_t i = nfields; i-- > 0;) {
		struct dkim_field *f = &v->fields[i];

		if (f->name_hash == hash && f->turn != turn &&
			bytes_equal_nocase(f->field.name, name)) {
			f->turn = turn;
			return f;
		}
	}
	return NULL;
}

/* --- what is signed --------------------------------------------------------------------- */

static void
put_field(struct buf *out, bool relaxed, const struct rfc5322_field *f)
{
	if (relaxed)
		dkim_canon_relaxed_field(f->name, f->value, out);
	else /* up to the value's end: as it stands */
		buf_put_bytes(
			out, bytes_head(f->raw, (size_t)(f->value.p - f->raw.p) + f->value.n));
}

/* The value of b= with all the FWS around it: what is left out of the field. */
static struct bytes
value_of_b(struct bytes value, struct bytes b)
{
	const uint8_t *end = value.p + value.n, *from = b.p, *to = b.p + b.n;

	while (from > value.p && from[-1] != '=')
		from--;
	while (to < end && *to != ';')
		to++;
	return bytes_make(from, (size_t)(to - from));
}

/* The field of the signature itself. */
static void
put_own_field(struct dkim_verifier *v, const struct dkim_claim *s)
{
	const struct bytes b = value_of_b(s->field.value, s->parsed.signature);
	struct rfc5322_field own = s->field;
	size_t before = (size_t)(b.p - own.raw.p), name = (size_t)(own.value.p - own.raw.p);

	buf_clear(&v->own);
	buf_put_bytes(&v->own, bytes_head(own.raw, before));
	buf_put_bytes(&v->own, bytes_skip(bytes_head(own.raw, name + own.value.n), before + b.n));
	own.raw = buf_bytes(&v->own);
	own.value = bytes_skip(own.raw, name);
	put_field(&v->text, s->parsed.relaxed_header, &own);
}

static void
put_signed(struct dkim_verifier *v, size_t nfields, const struct dkim_claim *s, unsigned turn)
{
	struct bytes names = s->parsed.fields, name;

	buf_clear(&v->text);
	for (size_t i = 0; i < nfields; i++)
		if (v->fields[i].field.raw.p == s->field.raw.p)
			v->fields[i].turn = turn;
	while (dkim_list_next(&names, &name)) {
		const struct dkim_field *f = take_field(v, nfields, name, turn);

		if (f == NULL)
			continue;
		put_field(&v->text, s->parsed.relaxed_header, &f->field);
		buf_put_str(&v->text, "\r\n");
	}
	put_own_field(v, s);
}

/* --- the signature ---------------------------------------------------------------------- */

static bool
matches(struct dkim_verifier *v, const struct dkim_claim *s)
{
	buf_clear(&v->own);
	return dkim_base64_decode(s->parsed.signature, &v->own) == ERR_OK &&
	       dkim_public_verify(s->public, buf_bytes(&v->text), buf_bytes(&v->own));
}

void
dkim_header_verify(struct dkim_check *c)
{
	struct dkim_verifier *v = c->verifier;
	const size_t nfields = read_fields(v, c->header);

	for (size_t i = 0; i < c->nclaims; i++) {
		struct dkim_claim *s = &c->claims[i];

		if (!s->open)
			continue;
		put_signed(v, nfields, s, (unsigned)i + 1);
		if (!matches(v, s))
			dkim_claim_close(s, DKIM_FAIL, "the signature does not match");
	}
	if (v->text.cap > TEXT_KEPT)
		buf_free(&v->text);
}
