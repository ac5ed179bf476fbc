/* SPDX-License-Identifier: ISC */
/*
 * keyholder/load_keys.h - from the configuration to a key store, while still root.
 */
#ifndef RELAIS_LOAD_KEYS_H
#define RELAIS_LOAD_KEYS_H

#include "common_conf.h"
#include "key_store.h"
#include "tls_conf.h"

/*
 * Everything that is usable; each problem is logged. Makes the self-signed certificate if it is
 * wanted and missing, of another name, or near its end.
 * returns: how many problems there were
 */
unsigned load_keys(
	struct key_store *s, const struct common_conf *common, const struct tls_conf *conf);

#endif
