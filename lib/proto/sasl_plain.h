/* SPDX-License-Identifier: ISC */
/* lib/proto/sasl_plain.h - the PLAIN mechanism's one message (RFC 4616 sec. 2). */
#ifndef RELAIS_SASL_PLAIN_H
#define RELAIS_SASL_PLAIN_H

#include "bytes.h"

struct sasl_plain {
	struct bytes authzid; /* whose rights; empty: the same as authcid */
	struct bytes authcid; /* who */
	struct bytes passwd;
};

/*
 * message = [authzid] NUL authcid NUL passwd, after base64.
 *
 * out:     borrowed from in
 * returns: ERR_OK; ERR_SYNTAX; ERR_DENIED: an authzid other than the authcid (nobody may act
 *          for others)
 */
MUST_USE int sasl_plain_parse(struct bytes in, struct sasl_plain *out);

#endif
