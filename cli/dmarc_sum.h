/* SPDX-License-Identifier: ISC */
/*
 * cli/dmarc_sum.h - what many aggregate reports say together: for each source, what it sent in a
 * domain's name and what of it passed.
 *
 * Runs in:  a jailed child of relais dmarc seen. Pure.
 * Trusts:   nothing: sizes are limited, the words come from dmarc_read.h clean.
 */
#ifndef RELAIS_CLI_DMARC_SUM_H
#define RELAIS_CLI_DMARC_SUM_H

#include <stdio.h>

#include "dmarc_read.h"

#define DMARC_SUM_SOURCES 100000 /* further ones are summed as one */

struct dmarc_sum;

/* domain: whose reports, with those of domains below it; since_s: whose period ends later;
 * authserv_id: ours, by which a message says that it passed DMARC itself (RFC 9990 sec. 3.5). */
struct dmarc_sum *dmarc_sum_new(struct bytes domain, uint64_t since_s, const char *authserv_id);
void dmarc_sum_free(struct dmarc_sum **s);

/* Reads all reports of a message, each once (by its sender, reporter and Report-ID). */
void dmarc_sum_message(struct dmarc_sum *s, struct bytes message);

void dmarc_sum_print(const struct dmarc_sum *s, FILE *out);
void dmarc_sum_print_json(const struct dmarc_sum *s, FILE *out);

#endif
