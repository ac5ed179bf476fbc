/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/smtp_ehlo.h - what a server says it can do: the answer to EHLO or LHLO.
 *
 * Sources: RFC 5321 sec. 4.1.1.1; the extensions' own (see the table in smtp_ehlo.c).
 */
#ifndef RELAIS_SMTP_EHLO_H
#define RELAIS_SMTP_EHLO_H

#include "sasl_mechanism.h"
#include "smtp_reply.h"

enum smtp_extension {
	SMTP_EXT_PIPELINING = 1u << 0, /* RFC 2920 */
	SMTP_EXT_SIZE = 1u << 1,       /* RFC 1870 */
	SMTP_EXT_8BITMIME = 1u << 2,   /* RFC 6152 */
	SMTP_EXT_SMTPUTF8 = 1u << 3,   /* RFC 6531 */
	SMTP_EXT_DSN = 1u << 4,        /* RFC 3461 */
	SMTP_EXT_CHUNKING = 1u << 5,   /* RFC 3030 */
	SMTP_EXT_BINARYMIME = 1u << 6, /* RFC 3030 */
	SMTP_EXT_STARTTLS = 1u << 7,   /* RFC 3207 */
	SMTP_EXT_ENHANCED = 1u << 8,   /* RFC 2034 */
	SMTP_EXT_AUTH = 1u << 9        /* RFC 4954 */
};

struct smtp_ehlo {
	unsigned extensions; /* SMTP_EXT_* */
	uint64_t size;       /* the largest message; 0: no limit told */
	uint32_t mechanisms; /* those of AUTH that we know, sasl_mechanism_bit() set */
};

/* Read a complete reply of class 2. Unknown keywords and bad parameters are passed over. */
void smtp_ehlo_parse(struct smtp_ehlo *e, const struct smtp_reply *reply);

/* The name the server gives itself: first word of the first line; borrowed from reply. */
struct bytes smtp_ehlo_name(const struct smtp_reply *reply);

#endif
