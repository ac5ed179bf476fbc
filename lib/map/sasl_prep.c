/* SPDX-License-Identifier: ISC */
/*
 * lib/map/sasl_prep.c - SASLprep by GNU SASL.
 *
 * Runs in:  directory, the operator's command.
 * Trusts:   nothing; length and UTF-8 are checked before libidn sees it.
 */
#include "sasl_prep.h"

#include <gsasl.h>
#include <stdlib.h>

#include "err.h"
#include "utf8.h"

#define PREP_MAX 1024 /* octets */

static bool
is_plain(struct bytes in)
{
	for (size_t i = 0; i < in.n; i++)
		if (in.p[i] < 0x20 || in.p[i] > 0x7e)
			return false;
	return true;
}

int
sasl_prep(struct buf *out, struct bytes in, unsigned flags)
{
	char text[PREP_MAX + 1], *prepared = NULL;
	int r = ERR_SYNTAX;

	if (in.n == 0 || in.n > PREP_MAX)
		return ERR_SYNTAX;
	if (is_plain(in)) {
		buf_put_bytes(out, in);
		return ERR_OK;
	}
	if (bytes_find(in, 0) != BYTES_NOT_FOUND || !utf8_is_valid(in))
		return ERR_SYNTAX;
	memcpy(text, in.p, in.n);
	text[in.n] = 0;
	if (gsasl_saslprep(text, flags & SASL_PREP_QUERY ? GSASL_ALLOW_UNASSIGNED : 0, &prepared,
		    NULL) == GSASL_OK &&
		prepared[0] != 0) {
		buf_put_str(out, prepared);
		r = ERR_OK;
	}
	if (prepared != NULL)
		explicit_bzero(prepared, strlen(prepared));
	explicit_bzero(text, sizeof(text));
	gsasl_free(prepared);
	return r;
}
