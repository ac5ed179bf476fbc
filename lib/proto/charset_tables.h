/* SPDX-License-Identifier: ISC */
/* lib/proto/charset_tables.h - single-octet charsets: what 0x80 to 0xff mean; below is ASCII. */
#ifndef RELAIS_CHARSET_TABLES_H
#define RELAIS_CHARSET_TABLES_H

#include <stdint.h>

#include "check.h"

struct charset_page {
	const char *key; /* the name without '-' and '_', small letters */
	uint16_t high[128];
};

extern const struct charset_page charset_pages[];
extern const size_t charset_page_count;

#endif
