/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/sasl_scram.c - RFC 5802 sec. 7, the client's messages.
 *
 * Runs in:  directory.
 * Trusts:   nothing.
 */
#include "sasl_scram.h"

#include "err.h"
#include "utf8.h"

#define NAME_MAX_OCTETS 1024
#define CB_NAME_MAX     32
#define BASE64_MAX      256

/* printable: 0x21 to 0x7e without "," */
static bool
is_nonce(struct bytes b)
{
	for (size_t i = 0; i < b.n; i++)
		if (b.p[i] < 0x21 || b.p[i] > 0x7e || b.p[i] == ',')
			return false;
	return b.n > 0 && b.n <= SCRAM_NONCE_MAX;
}

/* saslname: UTF-8 without NUL and ",", "=" only as "=2C" or "=3D" */
static bool
is_name(struct bytes b)
{
	if (b.n == 0 || b.n > NAME_MAX_OCTETS || !utf8_is_valid(b))
		return false;
	for (size_t i = 0; i < b.n; i++) {
		struct bytes rest = bytes_skip(b, i);

		if (b.p[i] < 0x20 || b.p[i] == 0x7f || b.p[i] == ',')
			return false;
		if (b.p[i] == '=' && !bytes_starts_with(rest, BYTES_LITERAL("=2C")) &&
			!bytes_starts_with(rest, BYTES_LITERAL("=3D")))
			return false;
	}
	return true;
}

static bool
is_cb_name(struct bytes b)
{
	for (size_t i = 0; i < b.n; i++)
		if (!ascii_is_alpha(b.p[i]) && !ascii_is_digit(b.p[i]) && b.p[i] != '.' &&
			b.p[i] != '-')
			return false;
	return b.n > 0 && b.n <= CB_NAME_MAX;
}

static bool
is_base64(struct bytes b)
{
	size_t padding = 0;

	if (b.n == 0 || b.n % 4 != 0 || b.n > BASE64_MAX)
		return false;
	while (padding < 2 && b.p[b.n - 1 - padding] == '=')
		padding++;
	for (size_t i = 0; i < b.n - padding; i++)
		if (!ascii_is_alpha(b.p[i]) && !ascii_is_digit(b.p[i]) && b.p[i] != '+' &&
			b.p[i] != '/')
			return false;
	return true;
}

/* "x=VALUE" up to the next "," (or the end, if it is the last) */
static int
cut_attribute(struct bytes *rest, char name, bool last, struct bytes *value)
{
	struct bytes word;

	if (!last && bytes_find(*rest, ',') == BYTES_NOT_FOUND)
		return ERR_SYNTAX;
	if (last && bytes_find(*rest, ',') != BYTES_NOT_FOUND)
		return ERR_SYNTAX;
	word = bytes_cut(rest, ',');
	if (word.n < 2 || word.p[0] != (uint8_t)name || word.p[1] != '=')
		return ERR_SYNTAX;
	*value = bytes_skip(word, 2);
	return ERR_OK;
}

/* gs2-header = gs2-cbind-flag "," [ authzid ] "," */
static int
cut_gs2_header(struct bytes *rest, struct scram_client_first *m)
{
	struct bytes flag;

	if (bytes_find(*rest, ',') == BYTES_NOT_FOUND)
		return ERR_SYNTAX;
	flag = bytes_cut(rest, ',');
	if (flag.n == 0)
		return ERR_SYNTAX;
	m->binding_flag = flag.p[0];
	if (m->binding_flag == 'p') {
		if (flag.n < 2 || flag.p[1] != '=')
			return ERR_SYNTAX;
		m->binding_name = bytes_skip(flag, 2);
		if (!is_cb_name(m->binding_name))
			return ERR_SYNTAX;
	} else if (flag.n != 1 || (m->binding_flag != 'n' && m->binding_flag != 'y'))
		return ERR_SYNTAX;
	if (rest->n > 0 && rest->p[0] == ',') {
		*rest = bytes_skip(*rest, 1);
		return ERR_OK;
	}
	if (cut_attribute(rest, 'a', false, &m->authzid) < 0)
		return ERR_SYNTAX;
	/* "a=" is not in the grammar, but GNU SASL's clients say it */
	if (m->authzid.n > 0 && !is_name(m->authzid))
		return ERR_SYNTAX;
	return ERR_OK;
}

int
scram_client_first_parse(struct bytes in, struct scram_client_first *out)
{
	struct scram_client_first m = { 0 };
	struct bytes rest = in;
	int r;

	if ((r = cut_gs2_header(&rest, &m)) < 0)
		return r;
	m.bare = rest;
	if ((r = cut_attribute(&rest, 'n', false, &m.username)) < 0 ||
		(r = cut_attribute(&rest, 'r', true, &m.nonce)) < 0)
		return r;
	if (m.nonce.n > SCRAM_NONCE_MAX)
		return ERR_LIMIT;
	if (!is_name(m.username) || !is_nonce(m.nonce))
		return ERR_SYNTAX;
	*out = m;
	return ERR_OK;
}

int
scram_client_final_parse(struct bytes in, struct scram_client_final *out)
{
	struct scram_client_final m = { 0 };
	struct bytes rest = in;
	int r;

	if ((r = cut_attribute(&rest, 'c', false, &m.channel_binding)) < 0 ||
		(r = cut_attribute(&rest, 'r', false, &m.nonce)) < 0)
		return r;
	m.without_proof = bytes_head(in, in.n - rest.n - 1);
	if ((r = cut_attribute(&rest, 'p', true, &m.proof)) < 0)
		return r;
	if (m.nonce.n > (size_t)2 * SCRAM_NONCE_MAX)
		return ERR_LIMIT;
	if (!is_base64(m.channel_binding) || !is_base64(m.proof) ||
		!is_nonce(bytes_head(m.nonce, SCRAM_NONCE_MAX)))
		return ERR_SYNTAX;
	*out = m;
	return ERR_OK;
}

int
scram_name_put(struct buf *out, struct bytes name)
{
	if (!is_name(name))
		return ERR_SYNTAX;
	while (name.n > 0) {
		if (name.p[0] == '=') {
			buf_put_u8(out, name.p[1] == '2' ? ',' : '=');
			name = bytes_skip(name, 3);
			continue;
		}
		buf_put_u8(out, name.p[0]);
		name = bytes_skip(name, 1);
	}
	return ERR_OK;
}
