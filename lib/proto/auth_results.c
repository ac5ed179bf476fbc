/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/auth_results.c - Authentication-Results: the words of the results.
 *
 * Sources:  RFC 8601.
 */
#include "auth_results.h"

static const char *const names[AUTH_RESULT_COUNT] = {
	[AUTH_NONE] = "none",
	[AUTH_NEUTRAL] = "neutral",
	[AUTH_PASS] = "pass",
	[AUTH_FAIL] = "fail",
	[AUTH_SOFTFAIL] = "softfail",
	[AUTH_POLICY] = "policy",
	[AUTH_TEMPERROR] = "temperror",
	[AUTH_PERMERROR] = "permerror",
};

const char *
auth_result_name(enum auth_result result)
{
	return result < AUTH_RESULT_COUNT ? names[result] : "unknown";
}
