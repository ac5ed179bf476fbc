/* SPDX-License-Identifier: ISC */
/* lib/proto/utf8_tables.h - small letters with an accent, in order. */
#ifndef RELAIS_UTF8_TABLES_H
#define RELAIS_UTF8_TABLES_H

#include <stdint.h>

#include "check.h"

struct utf8_accented {
	uint16_t letter, base, mark;
};

extern const struct utf8_accented utf8_accented[];
extern const size_t utf8_accented_count;

#endif
