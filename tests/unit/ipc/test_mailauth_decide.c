/* SPDX-License-Identifier: ISC */
/* tests/unit/ipc/test_mailauth_decide.c - accept, Junk or refuse: a table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mailauth_decide.h"

enum option {
	REFUSE_SPF = 1,
	SCORE_DMARC = 2,
	FORWARDER = 4,
	DEFER = 8
};

#define NONE       MAILAUTH_POLICY_NONE
#define QUARANTINE MAILAUTH_POLICY_QUARANTINE
#define REJECT     MAILAUTH_POLICY_REJECT

static const struct row {
	const char *label;
	enum auth_result spf, dmarc;
	enum mailauth_policy policy;
	unsigned options;
	enum mailauth_action action;
	const char *enhanced; /* if refused */
	enum mailauth_override override;
} rows[] = {
	{ "nothing published", AUTH_NONE, AUTH_NONE, NONE, 0, MAILAUTH_ACCEPT, NULL, 0 },
	{ "all is well", AUTH_PASS, AUTH_PASS, REJECT, 0, MAILAUTH_ACCEPT, NULL, 0 },
	{ "reject", AUTH_FAIL, AUTH_FAIL, REJECT, 0, MAILAUTH_REFUSE, "5.7.1", 0 },
	{ "quarantine", AUTH_FAIL, AUTH_FAIL, QUARANTINE, 0, MAILAUTH_JUNK, NULL, 0 },
	{ "policy none", AUTH_FAIL, AUTH_FAIL, NONE, 0, MAILAUTH_ACCEPT, NULL, 0 },
	{ "temperror", AUTH_TEMPERROR, AUTH_TEMPERROR, REJECT, 0, MAILAUTH_ACCEPT, NULL, 0 },
	{ "permerror", AUTH_PERMERROR, AUTH_PERMERROR, REJECT, REFUSE_SPF, MAILAUTH_ACCEPT, NULL,
		0 },
	{ "SPF fail is scored", AUTH_FAIL, AUTH_NONE, NONE, 0, MAILAUTH_ACCEPT, NULL, 0 },
	{ "SPF fail is refused", AUTH_FAIL, AUTH_NONE, NONE, REFUSE_SPF, MAILAUTH_REFUSE, "5.7.23",
		0 },
	{ "softfail never is", AUTH_SOFTFAIL, AUTH_NONE, NONE, REFUSE_SPF, MAILAUTH_ACCEPT, NULL,
		0 },
	{ "SPF fail, but signed", AUTH_FAIL, AUTH_PASS, REJECT, REFUSE_SPF, MAILAUTH_ACCEPT, NULL,
		0 },
	{ "SPF fail in quarantine", AUTH_FAIL, AUTH_FAIL, QUARANTINE, REFUSE_SPF, MAILAUTH_REFUSE,
		"5.7.23", 0 },
	{ "both refuse", AUTH_FAIL, AUTH_FAIL, REJECT, REFUSE_SPF, MAILAUTH_REFUSE, "5.7.1", 0 },
	{ "SPF fail of a forwarder", AUTH_FAIL, AUTH_NONE, NONE, REFUSE_SPF | FORWARDER,
		MAILAUTH_ACCEPT, NULL, MAILAUTH_TRUSTED_FORWARDER },
	{ "SPF fail of a forwarder is scored", AUTH_FAIL, AUTH_NONE, NONE, FORWARDER,
		MAILAUTH_ACCEPT, NULL, 0 },
	{ "reject of a forwarder", AUTH_FAIL, AUTH_FAIL, REJECT, FORWARDER, MAILAUTH_ACCEPT, NULL,
		MAILAUTH_TRUSTED_FORWARDER },
	{ "pass of a forwarder", AUTH_FAIL, AUTH_PASS, REJECT, FORWARDER, MAILAUTH_ACCEPT, NULL,
		0 },
	{ "quarantine of a forwarder", AUTH_FAIL, AUTH_FAIL, QUARANTINE, FORWARDER, MAILAUTH_ACCEPT,
		NULL, MAILAUTH_TRUSTED_FORWARDER },
	{ "temperror is deferred", AUTH_TEMPERROR, AUTH_TEMPERROR, NONE, DEFER, MAILAUTH_DEFER,
		"4.4.3", 0 },
	{ "permerror is not", AUTH_PERMERROR, AUTH_PERMERROR, REJECT, DEFER, MAILAUTH_ACCEPT, NULL,
		0 },
	{ "no record", AUTH_TEMPERROR, AUTH_NONE, NONE, DEFER, MAILAUTH_ACCEPT, NULL, 0 },
	{ "temperror of SPF, but signed", AUTH_TEMPERROR, AUTH_PASS, REJECT, DEFER, MAILAUTH_ACCEPT,
		NULL, 0 },
	{ "temperror of a forwarder", AUTH_TEMPERROR, AUTH_TEMPERROR, NONE, DEFER | FORWARDER,
		MAILAUTH_ACCEPT, NULL, 0 },
	{ "temperror is scored", AUTH_TEMPERROR, AUTH_TEMPERROR, NONE, DEFER | SCORE_DMARC,
		MAILAUTH_ACCEPT, NULL, 0 },
	{ "SPF fail before that", AUTH_FAIL, AUTH_TEMPERROR, NONE, DEFER | REFUSE_SPF,
		MAILAUTH_REFUSE, "5.7.23", 0 },
	{ "reject is scored", AUTH_FAIL, AUTH_FAIL, REJECT, SCORE_DMARC, MAILAUTH_ACCEPT, NULL,
		MAILAUTH_LOCAL_POLICY },
};

static void
run_row(void **state)
{
	const struct row *t = *state;
	const struct mailauth_spf spf = { .result = t->spf,
		.domain = BYTES_LITERAL("sender.example") };
	const struct mailauth_verified verified = { .dmarc = { .result = t->dmarc,
							    .policy = t->policy,
							    .author_domain =
								    BYTES_LITERAL("a.example") } };
	const struct mailauth_facts facts = { .spf = &spf,
		.verified = &verified,
		.mail_from = BYTES_LITERAL("x@sender.example"),
		.trusted_forwarder = (t->options & FORWARDER) != 0,
		.refuse_spf_fail = (t->options & REFUSE_SPF) != 0,
		.enforce_dmarc = (t->options & SCORE_DMARC) == 0,
		.defer_temperror = (t->options & DEFER) != 0 };
	struct arena a = ARENA_INIT;
	struct mailauth_decision d;

	mailauth_decide(&facts, &a, &d);
	assert_int_equal(d.action, t->action);
	assert_int_equal(d.override, t->override);
	if (t->enhanced != NULL) {
		assert_int_equal(d.code, t->action == MAILAUTH_DEFER ? 451 : 550);
		assert_string_equal(d.enhanced, t->enhanced);
		assert_int_equal(d.of_spf, strcmp(t->enhanced, "5.7.23") == 0);
		assert_true(d.text.n > 0);
	}
	arena_reset(&a);
}

/* Whose reverse-path is it? */
static const struct sender_row {
	const char *label, *mail_from;
	enum auth_result spf, dkim;
	const char *domain; /* of the signature */
	bool authenticated;
} sender_rows[] = {
	{ "SPF", "a@b.example", AUTH_PASS, AUTH_NONE, "", true },
	{ "neither", "a@b.example", AUTH_SOFTFAIL, AUTH_FAIL, "b.example", false },
	{ "DKIM of it", "a@B.example", AUTH_FAIL, AUTH_PASS, "b.EXAMPLE", true },
	{ "DKIM of the domain above", "a@x.b.example", AUTH_FAIL, AUTH_PASS, "b.example", true },
	{ "DKIM of one below", "a@b.example", AUTH_FAIL, AUTH_PASS, "x.b.example", false },
	{ "DKIM of another", "a@evilb.example", AUTH_FAIL, AUTH_PASS, "b.example", false },
	{ "null reverse-path", "", AUTH_PASS, AUTH_PASS, "b.example", false },
	{ "no domain", "a", AUTH_NONE, AUTH_PASS, "b.example", false },
};

static void
run_sender(void **state)
{
	const struct sender_row *t = *state;
	const struct mailauth_spf spf = { .result = t->spf };
	const struct mailauth_verified verified = { .n_dkim = 1,
		.dkim = { { .result = t->dkim, .domain = bytes_from_str(t->domain) } } };
	const struct mailauth_facts facts = {
		.spf = &spf, .verified = &verified, .mail_from = bytes_from_str(t->mail_from)
	};
	struct arena a = ARENA_INIT;
	struct mailauth_decision d;

	mailauth_decide(&facts, &a, &d);
	assert_int_equal(d.sender_authenticated, t->authenticated);
	arena_reset(&a);
}

/* Other people's words in the reply are one clean line. */
static void
test_explanation(void **state)
{
	const struct mailauth_spf spf = { .result = AUTH_FAIL,
		.domain = BYTES_LITERAL("b.example"),
		.explanation = BYTES_LITERAL("see\r\n250 ok \x80") };
	const struct mailauth_verified verified = { .n_dkim = 0 };
	const struct mailauth_facts facts = {
		.spf = &spf, .verified = &verified, .refuse_spf_fail = true
	};
	struct arena a = ARENA_INIT;
	struct mailauth_decision d;

	UNUSED(state);
	mailauth_decide(&facts, &a, &d);
	assert_true(bytes_is(d.text,
		"SPF: this client may not send mail for b.example; that domain explains: "
		"see??250 ok ?"));
	arena_reset(&a);
}

int
main(void)
{
	struct CMUnitTest tests[1 + NITEMS(rows) + NITEMS(sender_rows)] = { cmocka_unit_test(
		test_explanation) };
	size_t n = 1;

	for (size_t i = 0; i < NITEMS(rows); i++)
		tests[n++] = (struct CMUnitTest){ rows[i].label, run_row, NULL, NULL,
			(void *)(uintptr_t)&rows[i] };
	for (size_t i = 0; i < NITEMS(sender_rows); i++)
		tests[n++] = (struct CMUnitTest){ sender_rows[i].label, run_sender, NULL, NULL,
			(void *)(uintptr_t)&sender_rows[i] };
	return cmocka_run_group_tests_name("ipc/mailauth_decide", tests, NULL, NULL);
}
