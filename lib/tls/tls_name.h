/* SPDX-License-Identifier: ISC */
/*
 * lib/tls/tls_name.h - server names: as clients give them, as certificates have them.
 *
 * Pure. Sources: RFC 6066 sec. 3, RFC 6125 sec. 6.4.3 (a wildcard is the whole first label).
 */
#ifndef RELAIS_TLS_NAME_H
#define RELAIS_TLS_NAME_H

#include "bytes.h"
#include "err.h"

#define TLS_NAME_SIZE 256

/*
 * A host name in lower case without a dot at its end, as a string in out.
 * returns: its length, > 0; ERR_SYNTAX: empty, too long, or of other octets than letters, digits,
 * '-', '_' and '.'
 */
MUST_USE int tls_name_clean(struct bytes in, char out[TLS_NAME_SIZE]);

/* The same for a certificate's name: "*." may stand in front of at least two labels. */
MUST_USE int tls_name_clean_pattern(struct bytes in, char out[TLS_NAME_SIZE]);

/* true if the pattern is the name, or "*." and the name without its first label. Both clean. */
bool tls_name_matches(const char *pattern, const char *name);

#endif
