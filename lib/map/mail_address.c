/* SPDX-License-Identifier: ISC */
/* lib/map/mail_address.c - folding of addresses, see the header. */
#include "mail_address.h"

#include <idn2.h>

#include "err.h"
#include "rfc5321.h"

static struct bytes
lower(struct arena *a, struct bytes in)
{
	uint8_t *p = arena_alloc(a, in.n + 1);

	for (size_t i = 0; i < in.n; i++)
		p[i] = ascii_lower(in.p[i]);
	p[in.n] = 0;
	return bytes_make(p, in.n);
}

static bool
has_utf8(struct bytes in)
{
	for (size_t i = 0; i < in.n; i++)
		if (in.p[i] > 0x7f)
			return true;
	return false;
}

static bool
has_control(struct bytes in)
{
	for (size_t i = 0; i < in.n; i++)
		if (in.p[i] < 0x20 || in.p[i] == 0x7f)
			return true;
	return false;
}

int
mail_domain_fold(struct arena *a, struct bytes in, struct bytes *out)
{
	struct bytes folded;
	uint8_t *alabels;
	int r;

	if (in.n == 0 || in.n > RFC5321_DOMAIN_MAX)
		return in.n == 0 ? ERR_SYNTAX : ERR_LIMIT;
	r = in.p[0] == '[' ? rfc5321_parse_literal(in) : rfc5321_parse_domain(in, RFC5321_UTF8);
	if (r < 0 || (size_t)r != in.n)
		return ERR_SYNTAX;
	folded = lower(a, in);
	if (has_utf8(in)) {
		if (idn2_lookup_u8(folded.p, &alabels, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) !=
			IDN2_OK)
			return ERR_SYNTAX;
		folded = lower(a, bytes_from_str((const char *)alabels));
		idn2_free(alabels);
	}
	if (folded.n > RFC5321_DOMAIN_MAX)
		return ERR_LIMIT;
	*out = folded;
	return ERR_OK;
}

int
mail_local_fold(struct arena *a, struct bytes in, struct bytes *out)
{
	if (in.p == NULL || in.n == 0 || has_control(in))
		return ERR_SYNTAX;
	if (in.n > MAIL_ADDRESS_KEY_MAX)
		return ERR_LIMIT;
	*out = lower(a, in);
	return ERR_OK;
}

struct bytes
mail_address_key(struct arena *a, struct bytes local, struct bytes domain)
{
	uint8_t *p = arena_alloc(a, local.n + 1 + domain.n);

	if (local.n > 0)
		memcpy(p, local.p, local.n);
	p[local.n] = '@';
	if (domain.n > 0)
		memcpy(p + local.n + 1, domain.p, domain.n);
	return bytes_make(p, local.n + 1 + domain.n);
}

struct bytes
mail_address_text(struct arena *a, struct bytes local, struct bytes domain)
{
	struct bytes plain = mail_address_key(a, local, domain), out;
	struct buf quoted = BUF_INIT;
	struct mailbox m;

	if (rfc5321_parse_mailbox(plain, RFC5321_UTF8, &m) >= 0)
		return plain;
	buf_put_u8(&quoted, '"');
	for (size_t i = 0; i < local.n; i++) {
		if (local.p[i] == '"' || local.p[i] == '\\')
			buf_put_u8(&quoted, '\\');
		buf_put_u8(&quoted, local.p[i]);
	}
	buf_put_str(&quoted, "\"@");
	buf_put_bytes(&quoted, domain);
	out = arena_bytes(a, buf_bytes(&quoted));
	buf_free(&quoted);
	return out;
}

int
mail_address_fold(struct arena *a, struct bytes in, struct mail_address *out)
{
	struct mailbox m;
	struct mail_address folded = { 0 };
	struct buf text = BUF_INIT;
	int r = rfc5321_parse_mailbox(in, RFC5321_UTF8 | RFC5321_POSTMASTER, &m);

	if (r < 0)
		return r;
	rfc5321_put_local_part(&text, &m);
	r = mail_local_fold(a, buf_bytes(&text), &folded.local);
	buf_clear(&text);
	if (r == ERR_OK && m.domain.n > 0)
		r = mail_domain_fold(a, m.domain, &folded.domain);
	if (r == ERR_OK) {
		rfc5321_put_mailbox(&text, &m);
		folded.text = arena_bytes(a, buf_bytes(&text));
		folded.key = m.domain.n == 0 ? folded.local
					     : mail_address_key(a, folded.local, folded.domain);
		if (folded.key.n > MAIL_ADDRESS_KEY_MAX)
			r = ERR_LIMIT;
	}
	buf_free(&text);
	if (r == ERR_OK)
		*out = folded;
	return r;
}

bool
mail_address_detail(
	struct bytes local, const char *delimiters, struct bytes *base, struct bytes *detail)
{
	for (size_t i = 1; i < local.n; i++)
		if (local.p[i] != 0 && strchr(delimiters, local.p[i]) != NULL) {
			*base = bytes_head(local, i);
			*detail = bytes_skip(local, i + 1);
			return true;
		}
	*base = local;
	*detail = BYTES_NONE;
	return false;
}

static void
put_component(struct buf *out, struct bytes name)
{
	for (size_t i = 0; i < name.n; i++) {
		uint8_t c = name.p[i];

		if (c <= 0x20 || c == 0x7f || c == '/' || c == '%' || c == '\\' ||
			(i == 0 && c == '.'))
			buf_printf(out, "%%%02x", (unsigned)c);
		else
			buf_put_u8(out, c);
	}
}

void
mail_address_home(struct buf *out, struct bytes local, struct bytes domain)
{
	put_component(out, domain);
	buf_put_u8(out, '/');
	put_component(out, local);
}
