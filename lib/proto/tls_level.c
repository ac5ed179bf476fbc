/* SPDX-License-Identifier: ISC */
/* lib/proto/tls_level.c - words for levels of TLS. Pure. */
#include "tls_level.h"

#include "err.h"

static const char *const names[TLS_LEVELS] = {
	[TLS_LEVEL_NONE] = "none",
	[TLS_LEVEL_MAY] = "may",
	[TLS_LEVEL_ENCRYPT] = "encrypt",
	[TLS_LEVEL_VERIFY] = "verify",
	[TLS_LEVEL_DANE] = "dane",
	[TLS_LEVEL_DANE_ONLY] = "dane-only",
};

int
tls_level_parse(struct bytes word, enum tls_level *out)
{
	for (unsigned i = 0; i < TLS_LEVELS; i++)
		if (bytes_is_nocase(word, names[i])) {
			*out = (enum tls_level)i;
			return ERR_OK;
		}
	return ERR_SYNTAX;
}

const char *
tls_level_name(enum tls_level level)
{
	return level < TLS_LEVELS ? names[level] : "?";
}
