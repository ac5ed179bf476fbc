/* SPDX-License-Identifier: ISC */
/* lib/proto/imap_parse_private.h - what the files of the IMAP parser share. */
#ifndef RELAIS_IMAP_PARSE_PRIVATE_H
#define RELAIS_IMAP_PARSE_PRIVATE_H

#include "imap_parse.h"

/* Note what is wrong, for the client; returns err. */
int imap_problem(struct imap_parser *p, int err, const char *problem);

#endif
