/* SPDX-License-Identifier: ISC */
/* lib/queue/journal_private.h - between journal.c and journal_read.c. */
#ifndef RELAIS_JOURNAL_PRIVATE_H
#define RELAIS_JOURNAL_PRIVATE_H

#include "journal.h"

void journal_header_encode(uint64_t number, uint64_t first_seq, uint8_t out[JOURNAL_HEADER]);
/* ERR_OK; ERR_NOT_FOUND: blank, never begun; ERR_CORRUPT; ERR_UNSUPPORTED */
MUST_USE int journal_header_decode(struct bytes in, uint64_t number, uint64_t *first_seq);

#endif
