/* SPDX-License-Identifier: ISC */
/* lib/tls/cert_self.h - a certificate of our own making, for those who have none yet. */
#ifndef RELAIS_CERT_SELF_H
#define RELAIS_CERT_SELF_H

#include "cert_pair.h"

#define CERT_SELF_FILE  "self-signed.pem"
#define CERT_SELF_DAYS  365
#define CERT_SELF_RENEW 60 /* days before its end when a new one is made */

/*
 * Key and certificate for this host name into path, in PEM, mode 0600, replacing what is there.
 * P-256; valid from an hour ago for CERT_SELF_DAYS.
 */
MUST_USE int cert_self_make(const char *path, const char *hostname);

/*
 * The one for this host name in STATE/tls (*made: it was made now, because it was missing, of
 * another name or near its end). *pair is to be freed. returns: ERR_OK, or why not, with words in
 * problem
 */
MUST_USE int cert_self_load(const char *state, const char *hostname, struct cert_pair **pair,
	bool *made, char problem[CERT_PROBLEM_MAX]);

#endif
