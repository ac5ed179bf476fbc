/* SPDX-License-Identifier: ISC */
/* cli/printed.h - words of strangers (messages, DNS, other hosts) on a terminal and in JSON. */
#ifndef RELAIS_PRINTED_H
#define RELAIS_PRINTED_H

#include <jansson.h>
#include <stdio.h>

#include "bytes.h"

/* Written so that no octet of a message moves a cursor; JSON: not UTF-8 becomes '?'. */
void fprint_safely(FILE *out, struct bytes b);
void print_safely(struct bytes b); /* to stdout */
json_t *json_text(struct bytes b);

/* All of it to stdout, in lines. */
void json_print(const json_t *o);

#endif
