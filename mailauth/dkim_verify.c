/* SPDX-License-Identifier: ISC */
/*
 * mailauth/dkim_verify.c - the signatures of a message, from the header to their verdicts.
 *
 * A signature is open until something decides about it: its own text, the message's header, the
 * DNS, the key, the signature of the header, the body, in this order. What is closed stays closed.
 *
 * Runs in:  mailauth-verify.
 * Trusts:   nothing of the message or the DNS.
 * Sources:  RFC 6376 sec. 6; RFC 8301; RFC 8601 sec. 2.7.1 (names of results).
 */
#include "dkim_verify_private.h"

#include <stdlib.h>

#include "mail_address.h"
#include "rfc5321.h"

#define CLOCK_SKEW_S  300  /* t= may be that far ahead, x= that far behind */
#define AUTHOR_OCTETS 1000 /* of a From field, to find a domain in */
#define NEAREST       2

static const char *const result_names[DKIM_RESULT_COUNT] = {
	[DKIM_NONE] = "none",
	[DKIM_PASS] = "pass",
	[DKIM_FAIL] = "fail",
	[DKIM_POLICY] = "policy",
	[DKIM_NEUTRAL] = "neutral",
	[DKIM_TEMPERROR] = "temperror",
	[DKIM_PERMERROR] = "permerror",
};

const char *
dkim_result_name(enum dkim_result result)
{
	return result_names[result];
}

struct dkim_verifier *
dkim_verifier_new(const struct dkim_verify_options *options)
{
	struct dkim_verifier *v = xcalloc(1, sizeof(*v));

	v->options = *options;
	if (v->options.signatures > DKIM_SIGNATURES_MAX)
		v->options.signatures = DKIM_SIGNATURES_MAX;
	if (v->options.rsa_bits_min < DKIM_BITS_LEAST)
		v->options.rsa_bits_min = DKIM_BITS_LEAST;
	v->keys = dkim_public_keys_new();
	v->fields = xcalloc(DKIM_FIELDS_MAX, sizeof(*v->fields));
	return v;
}

void
dkim_verifier_free(struct dkim_verifier **v)
{
	if (*v == NULL)
		return;
	dkim_public_keys_free(&(*v)->keys);
	free((*v)->fields);
	buf_free(&(*v)->text);
	buf_free(&(*v)->own);
	free(*v);
	*v = NULL;
}

void
dkim_claim_close(struct dkim_claim *s, enum dkim_result result, const char *why)
{
	s->open = false;
	s->verdict.result = result;
	s->verdict.why = why;
}

void
dkim_check_close(struct dkim_check *c, enum dkim_result result, const char *why)
{
	for (size_t i = 0; i < c->nclaims; i++)
		if (c->claims[i].open)
			dkim_claim_close(&c->claims[i], result, why);
}

/* --- the header ------------------------------------------------------------------------ */

static struct bytes
lower(struct arena *a, struct bytes b)
{
	uint8_t *p = arena_alloc(a, b.n + 1);

	for (size_t i = 0; i < b.n; i++)
		p[i] = ascii_lower(b.p[i]);
	return bytes_make(p, b.n);
}

static struct bytes
first_of_b(struct arena *a, struct bytes b)
{
	uint8_t *p = arena_alloc(a, 8);
	size_t n = 0;

	for (size_t i = 0; i < b.n && n < 8; i++)
		if (b.p[i] > ' ')
			p[n++] = b.p[i];
	return bytes_make(p, n);
}

/* What the report names, also of a signature that is refused. */
static void
describe(struct dkim_check *c, struct dkim_claim *s)
{
	const struct dkim_signature *p = &s->parsed;
	struct dkim_verdict *v = &s->verdict;

	v->algorithm = p->algorithm;
	v->domain = lower(&c->arena, p->domain);
	v->selector = lower(&c->arena, p->selector);
	v->b_head = first_of_b(&c->arena, p->signature);
	v->identity = p->identity;
	if (p->identity.n == 0 && v->domain.n > 0)
		v->identity = bytes_from_str(arena_printf(
			&c->arena, "@%.*s", (int)v->domain.n, (const char *)v->domain.p));
}

/* ---- which are looked at, and which are verified: those that may speak for the author first,
 * which stand below all that forwarders have put on top ---- */

static bool
is_from(const struct rfc5322_field *f)
{
	return bytes_is_nocase(f->name, "From");
}

/* The first mailbox's domain, in A-labels as signatures have it. */
static struct bytes
author_of(struct arena *a, struct bytes value)
{
	const struct rfc5322_address *m = rfc5322_addresses(a, bytes_head(value, AUTHOR_OCTETS));
	struct bytes folded;

	while (m != NULL && m->domain.n == 0)
		m = m->next;
	if (m == NULL)
		return BYTES_NONE;
	return mail_domain_fold(a, m->domain, &folded) < 0 ? m->domain : folded;
}

static void
find_author(struct dkim_check *c)
{
	struct bytes rest = c->header;
	struct rfc5322_field f;

	for (size_t n = 0; c->author.n == 0 && n < DKIM_FIELDS_MAX; n++) {
		if (!rfc5322_field_next(&rest, &f) || c->header.n - rest.n > DKIM_HEADER_MAX)
			return;
		if (is_from(&f))
			c->author = author_of(&c->arena, f.value);
	}
}

/* The last two labels: domains that DMARC may find aligned have at least these in common. */
static struct bytes
end_of(struct bytes domain)
{
	size_t dot = bytes_find_last(domain, '.');

	if (dot != BYTES_NOT_FOUND)
		dot = bytes_find_last(bytes_head(domain, dot), '.');
	return dot == BYTES_NOT_FOUND ? domain : bytes_skip(domain, dot + 1);
}

/* How likely is it that DMARC finds it aligned? NEAREST: the same, above or below. */
static unsigned
nearness(const struct dkim_check *c, struct bytes domain)
{
	if (domain.n == 0 || c->author.n == 0)
		return 0;
	if (rfc5321_is_within(c->author, domain) || rfc5321_is_within(domain, c->author))
		return NEAREST;
	return bytes_equal_nocase(end_of(domain), end_of(c->author));
}

/* For one more. If all places are taken: that of the last one of those that are least near, if they
 * are less near than the new one; NULL: they are not. */
static struct dkim_claim *
make_room(struct dkim_check *c, unsigned near)
{
	if (c->nclaims < DKIM_SIGNATURES_MAX)
		return &c->claims[c->nclaims++];
	for (unsigned least = 0; least < near; least++)
		for (size_t i = DKIM_SIGNATURES_MAX; i-- > 0;) {
			if (nearness(c, c->claims[i].parsed.domain) != least)
				continue;
			memmove(&c->claims[i], &c->claims[i + 1],
				(DKIM_SIGNATURES_MAX - 1 - i) * sizeof(struct dkim_claim));
			return &c->claims[DKIM_SIGNATURES_MAX - 1];
		}
	return NULL;
}

static void
add_claim(struct dkim_check *c, const struct rfc5322_field *f)
{
	struct dkim_signature parsed;
	struct dkim_claim *s;
	const char *why;
	const int r = dkim_signature_parse(f->value, &parsed, &why);

	c->signatures++;
	s = make_room(c, nearness(c, parsed.domain));
	if (s == NULL)
		return;
	*s = (struct dkim_claim){ .open = true, .parsed = parsed, .field = *f };
	describe(c, s);
	if (r < 0)
		dkim_claim_close(s, DKIM_NEUTRAL, why);
}

static void
choose_claims(struct dkim_check *c)
{
	unsigned left = c->verifier->options.signatures;

	for (unsigned near = NEAREST + 1; near-- > 0;)
		for (size_t i = 0; i < c->nclaims; i++) {
			struct dkim_claim *s = &c->claims[i];

			if (nearness(c, s->verdict.domain) != near)
				continue;
			if (left > 0) {
				left--;
				continue;
			}
			dkim_claim_close(s, DKIM_POLICY, "more signatures than are verified");
		}
}

/* ---- what is wrong with one ---- */

/* Octets that programs read differently: some end at NUL, take others for blanks or line ends. Who
 * shows the message may show another field than was signed. */
static bool
has_controls(struct bytes value)
{
	for (size_t i = 0; i < value.n; i++) {
		uint8_t c = value.p[i];
		bool crlf = c == '\r' && i + 1 < value.n && value.p[i + 1] == '\n';

		i += crlf;
		if (!crlf && c < ' ' && c != '\t')
			return true;
	}
	return false;
}

/* The fields that h= names; and sec. 8.15: who adds a From in front of a signed message must not
 * pass. */
static void
check_fields(const struct dkim_check *c, struct dkim_claim *s)
{
	const struct bytes signed_fields = s->parsed.fields;
	struct bytes rest = c->header;
	struct rfc5322_field f;
	size_t from_fields = 0;

	while (s->open && rfc5322_field_next(&rest, &f)) {
		from_fields += is_from(&f);
		if (has_controls(f.value) && dkim_signed_fields_count(signed_fields, f.name) > 0)
			dkim_claim_close(s, DKIM_POLICY, "a signed field is not written plainly");
	}
	if (s->open && dkim_signed_fields_count(signed_fields, BYTES_LITERAL("From")) < from_fields)
		dkim_claim_close(s, DKIM_POLICY, "a From field is not signed");
}

static void
check_claims(struct dkim_check *c)
{
	for (size_t i = 0; i < c->nclaims; i++) {
		struct dkim_claim *s = &c->claims[i];
		const struct dkim_signature *p = &s->parsed;

		if (!s->open)
			continue;
		if (p->algorithm == DKIM_RSA_SHA1)
			dkim_claim_close(s, DKIM_PERMERROR, "SHA-1 is not verified (RFC 8301)");
		else if (p->has_expiry && (int64_t)p->expiry + CLOCK_SKEW_S < c->now)
			dkim_claim_close(s, DKIM_POLICY, "the signature has expired");
		else if (p->has_time && (int64_t)p->time > c->now + CLOCK_SKEW_S)
			dkim_claim_close(s, DKIM_POLICY, "the signature is from the future");
		else
			check_fields(c, s);
	}
}

/* All of the header is looked at once, within its limits. */
static void
read_header(struct dkim_check *c)
{
	struct bytes rest = c->header;
	struct rfc5322_field f;
	size_t fields = 0;
	bool over = false;

	find_author(c);
	while (rfc5322_field_next(&rest, &f)) {
		over = ++fields > DKIM_FIELDS_MAX || c->header.n - rest.n > DKIM_HEADER_MAX;
		if (over)
			break;
		if (bytes_is_nocase(f.name, "DKIM-Signature"))
			add_claim(c, &f);
	}
	choose_claims(c);
	c->header = bytes_head(c->header, c->header.n - rest.n);
	if (over)
		dkim_check_close(c, DKIM_POLICY, "the header is too long");
	check_claims(c);
}

/* --- keys ------------------------------------------------------------------------------ */

static void
keys_known(struct dkim_check *c)
{
	if (dkim_check_wants_body(c))
		dkim_header_verify(c);
	dkim_body_start(c);
	c->done(c->arg);
}

static void
on_key(void *arg, const struct dns_answer *answer)
{
	struct dkim_key_question *q = arg;
	struct dkim_check *c = q->check;

	q->question = NULL;
	q->answered = true;
	for (size_t i = 0; i < c->nclaims; i++)
		if (c->claims[i].open && &c->keys[c->claims[i].key] == q)
			dkim_claim_key(c, &c->claims[i], answer);
	if (--c->pending == 0)
		keys_known(c);
}

/* Two signatures with one key ask for it once. */
static void
need_key(struct dkim_check *c, struct dkim_claim *s)
{
	const struct dkim_verdict *v = &s->verdict;
	struct bytes name =
		bytes_from_str(arena_printf(&c->arena, "%.*s._domainkey.%.*s", (int)v->selector.n,
			(const char *)v->selector.p, (int)v->domain.n, (const char *)v->domain.p));

	for (s->key = 0; s->key < c->nkeys; s->key++)
		if (bytes_equal(c->keys[s->key].name, name))
			return;
	c->keys[c->nkeys++] = (struct dkim_key_question){ .check = c, .name = name };
}

static void
ask_keys(struct dkim_check *c, const struct mailauth_dns *dns)
{
	for (size_t i = 0; i < c->nclaims; i++)
		if (c->claims[i].open)
			need_key(c, &c->claims[i]);
	c->pending = c->nkeys + 1; /* this loop is one of those that are waited for */
	for (size_t i = 0; i < c->nkeys; i++) {
		struct mailauth_question *q =
			mailauth_ask(dns, DNS_TYPE_TXT, c->keys[i].name, on_key, &c->keys[i]);

		if (!c->keys[i].answered)
			c->keys[i].question = q;
	}
	if (--c->pending == 0)
		keys_known(c);
}

void
dkim_check_start(struct dkim_verifier *v, const struct mailauth_dns *dns, struct bytes header,
	int64_t now, dkim_check_fn *done, void *arg, struct dkim_check **out)
{
	struct dkim_check *c = xcalloc(1, sizeof(*c));

	c->verifier = v;
	c->arena = ARENA_INIT;
	c->header = header;
	c->now = now;
	c->done = done;
	c->arg = arg;
	*out = c;
	read_header(c);
	ask_keys(c, dns);
}

/* --- the body -------------------------------------------------------------------------- */

bool
dkim_check_wants_body(const struct dkim_check *c)
{
	for (size_t i = 0; i < c->nclaims; i++)
		if (c->claims[i].open)
			return true;
	return false;
}

void
dkim_check_body(struct dkim_check *c, struct bytes piece)
{
	if (!dkim_check_wants_body(c))
		return;
	if (piece.n > c->verifier->options.body_octets - c->body_octets) {
		dkim_check_close(c, DKIM_POLICY, "the message is larger than what is verified");
		return;
	}
	c->body_octets += piece.n;
	dkim_body_put(c, piece);
}

void
dkim_check_unread(struct dkim_check *c)
{
	dkim_check_close(c, DKIM_TEMPERROR, "the message could not be read");
}

const struct dkim_verdict *
dkim_check_end(struct dkim_check *c, size_t *count)
{
	dkim_body_end(c);
	for (size_t i = 0; i < c->nclaims; i++) {
		ASSERT(!c->claims[i].open);
		c->verdicts[i] = c->claims[i].verdict;
	}
	*count = c->nclaims;
	return c->verdicts;
}

size_t
dkim_check_signatures(const struct dkim_check *c)
{
	return c->signatures;
}

void
dkim_check_free(struct dkim_check **check)
{
	struct dkim_check *c = *check;

	if (c == NULL)
		return;
	for (size_t i = 0; i < c->nkeys; i++)
		mailauth_cancel(c->keys[i].question);
	for (size_t i = 0; i < c->nclaims; i++)
		dkim_public_free(&c->claims[i].public);
	dkim_body_free(c);
	arena_reset(&c->arena);
	free(c);
	*check = NULL;
}
