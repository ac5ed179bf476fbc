/* SPDX-License-Identifier: ISC */
/*
 * mailauth/verifier_words.c - what the checks of SPF, DKIM and DMARC say, in the words of
 * mailauth_msg.h.
 *
 * Runs in:  mailauth-verify.
 */
#include "verifier.h"

enum auth_result
words_of_spf(enum spf_verdict verdict)
{
	static const enum auth_result results[SPF_VERDICT_COUNT] = {
		[SPF_NONE] = AUTH_NONE,
		[SPF_NEUTRAL] = AUTH_NEUTRAL,
		[SPF_PASS] = AUTH_PASS,
		[SPF_FAIL] = AUTH_FAIL,
		[SPF_SOFTFAIL] = AUTH_SOFTFAIL,
		[SPF_TEMPERROR] = AUTH_TEMPERROR,
		[SPF_PERMERROR] = AUTH_PERMERROR,
	};

	return results[verdict];
}

static uint8_t
count_of(unsigned n)
{
	return (uint8_t)(n > UINT8_MAX ? UINT8_MAX : n);
}

void
words_spf(struct mailauth_spf *out, const struct spf_result *in, struct arena *a)
{
	*out = (struct mailauth_spf){ .result = words_of_spf(in->verdict),
		.domain = arena_bytes(a, in->domain),
		.mechanism = arena_bytes(a, in->mechanism),
		.explanation = arena_bytes(a, in->explanation),
		.problem = arena_bytes(a, in->problem),
		.lookups = count_of(in->lookups),
		.void_lookups = count_of(in->void_lookups) };
}

void
words_dkim(struct mailauth_verified *out, const struct dkim_verdict *in, size_t n)
{
	static const enum auth_result results[DKIM_RESULT_COUNT] = {
		[DKIM_NONE] = AUTH_NONE,
		[DKIM_PASS] = AUTH_PASS,
		[DKIM_FAIL] = AUTH_FAIL,
		[DKIM_POLICY] = AUTH_POLICY,
		[DKIM_NEUTRAL] = AUTH_NEUTRAL,
		[DKIM_TEMPERROR] = AUTH_TEMPERROR,
		[DKIM_PERMERROR] = AUTH_PERMERROR,
	};

	ASSERT(n <= MAILAUTH_SIGNATURES_MAX);
	out->n_dkim = (uint32_t)n;
	for (size_t i = 0; i < n; i++)
		out->dkim[i] = (struct mailauth_dkim){ .result = results[in[i].result],
			.testing = in[i].testing,
			.key_bits = (uint16_t)(in[i].key_bits > UINT16_MAX ? UINT16_MAX
									   : in[i].key_bits),
			.domain = in[i].domain,
			.selector = in[i].selector,
			.identity = in[i].identity,
			.algorithm = bytes_from_str(dkim_algorithm_name(in[i].algorithm)),
			.b = in[i].b_head,
			.problem = bytes_from_str(in[i].why) };
}

static enum mailauth_policy
policy_of(enum dmarc_policy p)
{
	return p == DMARC_REJECT       ? MAILAUTH_POLICY_REJECT
	       : p == DMARC_QUARANTINE ? MAILAUTH_POLICY_QUARANTINE
				       : MAILAUTH_POLICY_NONE;
}

void
words_dmarc(struct mailauth_dmarc *out, const struct dmarc_result_row *in, struct arena *a)
{
	static const enum auth_result results[DMARC_RESULTS] = {
		[DMARC_RESULT_NONE] = AUTH_NONE,
		[DMARC_RESULT_PASS] = AUTH_PASS,
		[DMARC_RESULT_FAIL] = AUTH_FAIL,
		[DMARC_RESULT_TEMPERROR] = AUTH_TEMPERROR,
		[DMARC_RESULT_PERMERROR] = AUTH_PERMERROR,
	};

	*out = (struct mailauth_dmarc){ .result = results[in->result],
		.policy = policy_of(in->policy),
		.published = policy_of(in->published),
		.testing = in->testing,
		.spf_aligned = in->spf_aligned,
		.dkim_aligned = in->dkim_aligned,
		.dkim_index = (uint8_t)in->dkim_which,
		.psd_record = in->record.n > 0 && in->tags.psd == DMARC_PSD_Y,
		.reports = in->record.n > 0 && in->tags.rua.n > 0,
		.author_domain = arena_bytes(a, in->author_domain),
		.org_domain = arena_bytes(a, in->org_domain),
		.record_domain = arena_bytes(a, in->policy_domain),
		.record = arena_bytes(a, in->record),
		.problem = arena_bytes(a, in->words) };
}

enum dmarc_auth
words_dmarc_auth(enum auth_result result)
{
	return result == AUTH_PASS        ? DMARC_AUTH_PASS
	       : result == AUTH_TEMPERROR ? DMARC_AUTH_TEMPERROR
					  : DMARC_AUTH_FAIL;
}
