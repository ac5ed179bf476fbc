/* SPDX-License-Identifier: ISC */
/*
 * mailauth/dkim_verify_key.c - which key a signature is to be verified with, or why none.
 *
 * Several records at one name (RFC 6376 sec. 3.6.2.2 has no rule, 6.1.2 lets us choose): the first
 * that fits the signature.
 *
 * Runs in:  mailauth-verify.
 * Trusts:   nothing of the DNS.
 * Sources:  RFC 6376 sec. 3.6.1 and 6.1.2; RFC 8301 sec. 3.2; RFC 8463 sec. 4.2.
 */
#include "dkim_verify_private.h"

#define RSA_BITS_MOST 4096 /* RFC 8301 sec. 3.2 wants no more */

struct refusal {
	enum dkim_result result; /* DKIM_NONE: not refused */
	const char *why;
};

#define FITS ((struct refusal){ DKIM_NONE, "" })

static struct refusal
permanent(const char *why)
{
	return (struct refusal){ DKIM_PERMERROR, why };
}

/* t=s: the domain of i= is d= itself */
static bool
identity_is_domain(const struct dkim_signature *s)
{
	struct bytes i = s->identity;

	return i.n == 0 ||
	       bytes_equal_nocase(bytes_skip(i, bytes_find_last(i, '@') + 1), s->domain);
}

static struct refusal
check_record(const struct dkim_key_record *r, const struct dkim_signature *s)
{
	const enum dkim_key_type type =
		s->algorithm == DKIM_ED25519_SHA256 ? DKIM_KEY_ED25519 : DKIM_KEY_RSA;

	if (r->revoked)
		return permanent("the key is revoked");
	if (r->type != type)
		return permanent("the key is of another type");
	if (!r->for_email)
		return permanent("the key is not for mail");
	if (!r->sha256)
		return permanent("the key is not for SHA-256");
	if (r->strict_identity && !identity_is_domain(s))
		return permanent("the key is not for subdomains");
	return FITS;
}

static struct refusal
check_bits(unsigned bits, unsigned bits_min)
{
	if (bits < bits_min)
		return (struct refusal){ DKIM_POLICY, "the key has too few bits" };
	if (bits > RSA_BITS_MOST)
		return (struct refusal){ DKIM_POLICY, "the key has too many bits" };
	return FITS;
}

static struct refusal
take_key(struct dkim_check *c, struct dkim_claim *s, enum dkim_key_type type, struct bytes octets)
{
	struct dkim_public *key = dkim_public_get(c->verifier->keys, type, octets);
	struct refusal refusal = FITS;

	s->verdict.key_bits = key == NULL ? 0 : dkim_public_bits(key);
	if (key == NULL)
		refusal = permanent(type == DKIM_KEY_RSA ? "the key is no RSA key"
							 : "the key is no Ed25519 key");
	else if (type == DKIM_KEY_RSA)
		refusal = check_bits(s->verdict.key_bits, c->verifier->options.rsa_bits_min);
	if (refusal.result == DKIM_NONE)
		s->public = key;
	else
		dkim_public_free(&key);
	return refusal;
}

static struct refusal
read_key(struct dkim_check *c, struct dkim_claim *s, const struct dkim_key_record *r)
{
	struct refusal refusal = permanent("p= of the key record is not base64");
	struct buf octets = BUF_INIT;

	s->verdict.testing = r->testing;
	if (dkim_base64_decode(r->key, &octets) == ERR_OK)
		refusal = take_key(c, s, r->type, buf_bytes(&octets));
	buf_free(&octets);
	return refusal;
}

static struct refusal
try_record(struct dkim_check *c, struct dkim_claim *s, struct bytes rdata)
{
	struct refusal refusal = permanent("the record is no text");
	struct buf text = BUF_INIT;
	struct dkim_key_record r;

	if (dns_txt_read(rdata, &text) == ERR_OK) {
		if (dkim_key_record_parse(buf_bytes(&text), &r, &refusal.why) == ERR_OK)
			refusal = check_record(&r, &s->parsed);
		if (refusal.result == DKIM_NONE)
			refusal = read_key(c, s, &r);
	}
	buf_free(&text);
	return refusal;
}

static const char *
no_answer(enum dns_status status)
{
	return status == DNS_BOGUS     ? "the key's DNSSEC signatures are wrong"
	       : status == DNS_TIMEOUT ? "the DNS did not answer in time"
				       : "the DNS could not be asked for the key";
}

void
dkim_claim_key(struct dkim_check *c, struct dkim_claim *s, const struct dns_answer *answer)
{
	struct refusal first = permanent("there is no key record"), r = first;

	if (dns_status_is_temporary(answer->status)) {
		dkim_claim_close(s, DKIM_TEMPERROR, no_answer(answer->status));
		return;
	}
	for (uint32_t i = 0; i < answer->count && r.result != DKIM_NONE; i++) {
		r = try_record(c, s, answer->rdata[i]);
		if (i == 0)
			first = r;
	}
	s->verdict.key_secure = answer->secure;
	if (r.result != DKIM_NONE)
		dkim_claim_close(s, first.result, first.why);
}
