/* SPDX-License-Identifier: ISC */
/* lib/tls/cert_self.h - a certificate of our own making, for those who have none yet. */
#ifndef RELAIS_CERT_SELF_H
#define RELAIS_CERT_SELF_H

#include "bytes.h"
#include "err.h"

#define CERT_SELF_DAYS  365
#define CERT_SELF_RENEW 60 /* days before its end when a new one is made */

/*
 * Key and certificate for this host name into path, in PEM, mode 0600, replacing what is there.
 * P-256; valid from an hour ago for CERT_SELF_DAYS.
 */
MUST_USE int cert_self_make(const char *path, const char *hostname);

#endif
