/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/received_spf.c - the Received-SPF field.
 *
 * Pure. Trusts no value: they are what a client said, and what is in its sender's DNS.
 * Sources: RFC 7208 sec. 9.1, RFC 5322 sec. 3.2.
 */
#include "received_spf.h"

/* of a value in the field; quoting may double it, and a line has 998 (RFC 5322 sec. 2.1.1) */
#define VALUE_MAX 400

/* Within quotes or parentheses: what ends them is escaped, what is not printable ASCII is '?'. */
static void
put_quotable(struct buf *out, struct bytes in)
{
	in = bytes_head(in, VALUE_MAX);
	for (size_t i = 0; i < in.n; i++) {
		uint8_t c = in.p[i];

		if (c == '"' || c == '\\' || c == '(' || c == ')')
			buf_put_u8(out, '\\');
		buf_put_u8(out, c >= 0x20 && c < 0x7f ? c : '?');
	}
}

/* dot-atom, RFC 5322 sec. 3.2.3 */
static bool
is_dot_atom(struct bytes in)
{
	if (in.n == 0 || in.n > VALUE_MAX || in.p[0] == '.' || in.p[in.n - 1] == '.' ||
		bytes_search(in, BYTES_LITERAL("..")) != BYTES_NOT_FOUND)
		return false;
	for (size_t i = 0; i < in.n; i++)
		if (!ascii_is_alpha(in.p[i]) && !ascii_is_digit(in.p[i]) &&
			(in.p[i] == 0 || strchr(".!#$%&'*+-/=?^_`{|}~", in.p[i]) == NULL))
			return false;
	return true;
}

static void
put_pair(struct buf *out, const char *key, struct bytes value)
{
	buf_printf(out, "\r\n\t%s=", key);
	if (is_dot_atom(value)) {
		buf_put_bytes(out, value);
	} else {
		buf_put_u8(out, '"');
		put_quotable(out, value);
		buf_put_u8(out, '"');
	}
	buf_put_u8(out, ';');
}

/* "192.0.2.1 is permitted by example.org" */
static void
put_comment(struct buf *out, const struct received_spf *m)
{
	static const char *const words[AUTH_RESULT_COUNT] = { [AUTH_NONE] = "not mentioned by",
		[AUTH_NEUTRAL] = "neither permitted nor denied by",
		[AUTH_PASS] = "permitted by",
		[AUTH_FAIL] = "denied by",
		[AUTH_SOFTFAIL] = "probably denied by",
		[AUTH_TEMPERROR] = "not judged for lack of an answer about",
		[AUTH_PERMERROR] = "not judged for an error in the policy of" };

	ASSERT(words[m->result] != NULL);
	put_quotable(out, m->receiver);
	buf_put_str(out, ": ");
	put_quotable(out, m->client);
	buf_printf(out, " is %s ", words[m->result]);
	put_quotable(out, m->domain.n > 0 ? m->domain : BYTES_LITERAL("any domain"));
}

void
received_spf_put(struct buf *out, const struct received_spf *m)
{
	buf_printf(out, "Received-SPF: %s\r\n\t(", auth_result_name(m->result));
	put_comment(out, m);
	buf_put_u8(out, ')');
	put_pair(out, "identity", bytes_from_str(m->of_helo ? "helo" : "mailfrom"));
	put_pair(out, "client-ip", m->client);
	put_pair(out, "helo", m->helo);
	if (!m->of_helo)
		put_pair(out, "envelope-from", m->mail_from);
	put_pair(out, "receiver", m->receiver);
	if (m->mechanism.n > 0)
		put_pair(out, "mechanism", m->mechanism);
	if (m->problem.n > 0)
		put_pair(out, "problem", m->problem);
	buf_put_str(out, "\r\n");
}
