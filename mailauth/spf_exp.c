/* SPDX-License-Identifier: ISC */
/*
 * mailauth/spf_exp.c - a domain's own words about why it forbids a client.
 *
 * They are a stranger's text in our reply to another stranger: printable ASCII, of limited length,
 * or none at all.
 *
 * Runs in:  mailauth-verify, CLI; on a check's fiber.
 * Trusts:   nothing.
 * Sources:  RFC 7208 sec. 6.2.
 */
#include "spf_private.h"

/* The one TXT record at a name; false if there is none, or more. */
static bool
fetch_text(struct spf_check *c, struct bytes name, struct buf *out)
{
	return spf_ask(c, DNS_TYPE_TXT, name) == DNS_OK && c->count == 1 &&
	       dns_txt_read(c->rdata[0], out) == ERR_OK;
}

static bool
is_fit(struct bytes text)
{
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] < 0x20 || text.p[i] > 0x7e)
			return false;
	return text.n <= SPF_EXPLANATION_MAX;
}

struct bytes
spf_explanation(struct spf_check *c, struct bytes domain_spec)
{
	struct buf text = BUF_INIT, expanded = BUF_INIT;
	struct bytes name, out = BYTES_NONE;

	if (domain_spec.n > 0 && spf_expand_name(c, domain_spec, &name) &&
		fetch_text(c, name, &text) &&
		spf_macro_check(buf_bytes(&text), SPF_MACRO_TEXT) == ERR_OK) {
		spf_need_validated(c, buf_bytes(&text));
		if (spf_macro_expand(&expanded, buf_bytes(&text), &c->values) == ERR_OK &&
			is_fit(buf_bytes(&expanded)))
			out = arena_bytes(&c->arena, buf_bytes(&expanded));
	}
	buf_free(&text);
	buf_free(&expanded);
	return out;
}
