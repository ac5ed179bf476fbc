/* SPDX-License-Identifier: ISC */
/*
 * mailauth/spf_words.c - results of SPF for people and for other hosts.
 *
 * Runs in:  mailauth-verify, smtpd, CLI.
 * Sources:  RFC 7208 sec. 2.6 and 9.1.
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

const char *
spf_identity_name(enum spf_identity identity)
{
	return identity == SPF_HELO ? "helo" : "mailfrom";
}

void
spf_result_copy(struct spf_result *to, const struct spf_result *from, struct arena *a)
{
	*to = *from;
	to->domain = arena_bytes(a, from->domain);
	to->mechanism = arena_bytes(a, from->mechanism);
	to->explanation = arena_bytes(a, from->explanation);
	to->problem = arena_bytes(a, from->problem);
}
