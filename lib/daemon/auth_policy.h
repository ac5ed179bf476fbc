/* SPDX-License-Identifier: ISC */
/* lib/daemon/auth_policy.h - which ways to log in all doors offer; from the common options. */
#ifndef RELAIS_AUTH_POLICY_H
#define RELAIS_AUTH_POLICY_H

#include "daemon.h"

/* May this client log in without TLS (option plaintext_auth)? */
bool daemon_plaintext_auth(const struct daemon *d, const struct sockaddr_storage *client);

/* The SASL mechanisms to offer: a set of sasl_mechanism_bit(). */
uint32_t daemon_sasl_mechanisms(const struct daemon *d);

#endif
