/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/auth_results.h - results of SPF, DKIM and DMARC, and the Authentication-Results field
 * that carries them (RFC 8601).
 */
#ifndef RELAIS_AUTH_RESULTS_H
#define RELAIS_AUTH_RESULTS_H

#include <stdbool.h>

#include "bytes.h"

/* RFC 8601 sec. 2.7: one set of words for all methods; each uses some of them. */
enum auth_result {
	AUTH_NONE,
	AUTH_NEUTRAL,
	AUTH_PASS,
	AUTH_FAIL,
	AUTH_SOFTFAIL, /* SPF only */
	AUTH_POLICY,   /* DKIM only: it verifies, but we do not accept such signatures */
	AUTH_TEMPERROR,
	AUTH_PERMERROR,
	AUTH_RESULT_COUNT
};

/* "pass"; never NULL */
const char *auth_result_name(enum auth_result result);

#endif
