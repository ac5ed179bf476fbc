/* SPDX-License-Identifier: ISC */
/*
 * mailauth/spf_words.c - results of SPF: their names.
 *
 * Runs in:  mailauth-verify, CLI.
 * Sources:  RFC 7208 sec. 2.6.
 */
#include "spf.h"

const char *
spf_verdict_name(enum spf_verdict verdict)
{
	static const char *const names[SPF_VERDICT_COUNT] = { "none", "neutral", "pass", "fail",
		"softfail", "temperror", "permerror" };

	ASSERT(verdict < SPF_VERDICT_COUNT);
	return names[verdict];
}
