/* SPDX-License-Identifier: ISC */
/* mailauth/dkim_key_private.h - what is in a key, for dkim_key.c and dkim_sign.c. */
#ifndef RELAIS_DKIM_KEY_PRIVATE_H
#define RELAIS_DKIM_KEY_PRIVATE_H

#include <openssl/evp.h>

#include "dkim_key.h"

struct dkim_key {
	enum dkim_key_type type;
	unsigned bits;
	EVP_PKEY *evp;
};

#endif
