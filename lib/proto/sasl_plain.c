/* SPDX-License-Identifier: ISC */
/* lib/proto/sasl_plain.c - RFC 4616 sec. 2. */
#include "sasl_plain.h"

#include "err.h"

int
sasl_plain_parse(struct bytes in, struct sasl_plain *out)
{
	struct bytes rest = in;
	size_t first = bytes_find(rest, 0), second;

	if (first == BYTES_NOT_FOUND)
		return ERR_SYNTAX;
	out->authzid = bytes_head(rest, first);
	rest = bytes_skip(rest, first + 1);
	second = bytes_find(rest, 0);
	if (second == BYTES_NOT_FOUND)
		return ERR_SYNTAX;
	out->authcid = bytes_head(rest, second);
	out->passwd = bytes_skip(rest, second + 1);
	if (out->authcid.n == 0 || out->passwd.n == 0 ||
		bytes_find(out->passwd, 0) != BYTES_NOT_FOUND)
		return ERR_SYNTAX;
	if (out->authzid.n != 0 && !bytes_equal(out->authzid, out->authcid))
		return ERR_DENIED;
	return ERR_OK;
}
