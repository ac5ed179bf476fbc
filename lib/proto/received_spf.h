/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/received_spf.h - the Received-SPF field (RFC 7208 sec. 9.1), for who wants it beside
 * Authentication-Results.
 */
#ifndef RELAIS_RECEIVED_SPF_H
#define RELAIS_RECEIVED_SPF_H

#include "auth_results.h"

struct received_spf {
	enum auth_result result;
	bool of_helo;        /* HELO was checked; else MAIL FROM */
	struct bytes client; /* address, as text */
	struct bytes helo, mail_from;
	struct bytes receiver;  /* our host */
	struct bytes domain;    /* whose policy it was; may be empty */
	struct bytes mechanism; /* that matched; may be empty */
	struct bytes problem;   /* may be empty */
};

/* Appends the field, folded, with CRLF at its end: a well-formed one, whatever the values hold. */
void received_spf_put(struct buf *out, const struct received_spf *m);

#endif
