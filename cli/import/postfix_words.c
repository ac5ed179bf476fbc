/* SPDX-License-Identifier: ISC */
/*
 * cli/import/postfix_words.c - Postfix' lists of words: networks that may relay, restrictions,
 * milters. What each word does there is told beside what does it here.
 */
#include <string.h>

#include "err.h"
#include "postfix.h"

void
take_mynetworks(struct postfix *p, const struct postfix_row *row, const struct import_place *place,
	struct bytes value)
{
	struct bytes word;
	bool others = false;

	UNUSED(row);
	while (import_word(&value, &word))
		if (!bytes_starts_with(word, BYTES_LITERAL("127.")) &&
			!bytes_starts_with(word, BYTES_LITERAL("[::1]")) &&
			!bytes_starts_with(word, BYTES_LITERAL("[::ffff:127.")))
			others = true;
	if (others)
		import_tell(p->im, place, IMPORT_BY_HAND,
			"no address may send through this suite without a login: give these hosts "
			"an account (port 587), or let them run sendmail(1) of their own");
	else
		import_tell(p->im, place, IMPORT_NEEDLESS,
			"programs of this host send by sendmail(1); port 25 relays for nobody");
}

/* ---- restrictions ---- */

struct word_row {
	const char *word; /* may end in "*" */
	enum import_verdict verdict;
	const char *words;
	bool argument; /* the next word belongs to it */
};

static const struct word_row word_rows[] = {
	{ "permit_mynetworks", IMPORT_NEEDLESS, "see mynetworks", false },
	{ "permit_sasl_authenticated", IMPORT_NEEDLESS, "logins send at 587 and 465", false },
	{ "permit_inet_interfaces", IMPORT_NEEDLESS, "see mynetworks", false },
	{ "permit_auth_destination", IMPORT_NEEDLESS, "mail for our domains is taken", false },
	{ "permit", IMPORT_NEEDLESS, "so it is", false },
	{ "reject_unauth_destination", IMPORT_NEEDLESS, "always: this suite relays for nobody",
		false },
	{ "defer_unauth_destination", IMPORT_NEEDLESS, "always: this suite relays for nobody",
		false },
	{ "reject_unauth_pipelining", IMPORT_NEEDLESS, "always", false },
	{ "reject_unlisted_recipient", IMPORT_NEEDLESS, "always", false },
	{ "reject_non_fqdn_recipient", IMPORT_NEEDLESS, "always", false },
	{ "reject_non_fqdn_sender", IMPORT_NEEDLESS, "a sender without a domain is refused always",
		false },
	{ "reject_sender_login_mismatch", IMPORT_NEEDLESS,
		"always: a login sends as the addresses that are its own", false },
	{ "reject_authenticated_sender_login_mismatch", IMPORT_NEEDLESS,
		"always: a login sends as the addresses that are its own", false },
	{ "reject_plaintext_session", IMPORT_NEEDLESS, "plaintext_auth = never", false },
	{ "reject_unverified_recipient", IMPORT_BY_HAND,
		"recipients of relay domains are not asked for at their host", false },
	{ "reject_unknown_sender_domain", IMPORT_BY_HAND,
		"not refused here; SPF and DMARC judge the sender's domain (mailauth)", false },
	{ "reject_unknown_recipient_domain", IMPORT_NEEDLESS,
		"such mail is returned at once by who sends it on", false },
	{ "reject_unknown_*", IMPORT_BY_HAND,
		"clients are not refused for their names; SPF and DMARC judge them (mailauth)",
		false },
	{ "reject_invalid_helo_hostname", IMPORT_BY_HAND,
		"clients are not refused for the name in EHLO", false },
	{ "reject_non_fqdn_*", IMPORT_BY_HAND, "clients are not refused for the name in EHLO",
		false },
	{ "reject_rbl_client", IMPORT_BY_HAND, "block lists in DNS are not asked", true },
	{ "reject_rhsbl_*", IMPORT_BY_HAND, "block lists in DNS are not asked", true },
	{ "permit_dnswl_client", IMPORT_BY_HAND, "lists in DNS are not asked", true },
	{ "check_policy_service", IMPORT_BY_HAND,
		"policy services are not asked: SPF, limits of sending and quotas are the suite's "
		"own (mailauth, ledger)",
		true },
	{ "check_*", IMPORT_BY_HAND,
		"access maps are not read; relais ban add refuses an address or network", true },
	{ "warn_if_reject", IMPORT_NEEDLESS, "a word of Postfix' alone", false },
	{ "sleep", IMPORT_BY_HAND, "smtpd.greet_delay waits before the greeting", true },
};

static bool
matches(const char *pattern, struct bytes word)
{
	size_t n = strlen(pattern);

	if (pattern[n - 1] == '*')
		return bytes_starts_with(word, bytes_make(pattern, n - 1));
	return bytes_is(word, pattern);
}

static const struct word_row *
row_of(struct bytes word)
{
	for (size_t i = 0; i < NITEMS(word_rows); i++)
		if (matches(word_rows[i].word, word))
			return &word_rows[i];
	return NULL;
}

/* The verdict on the list is the worst of its words; what is as it is here is not told. */
void
take_restrictions(struct postfix *p, const struct postfix_row *row,
	const struct import_place *place, struct bytes value)
{
	struct bytes word, argument;
	size_t needless = 0, told = p->im->nfindings;

	UNUSED(row);
	while (import_word(&value, &word)) {
		const struct word_row *r = row_of(word);

		argument = BYTES_NONE;
		if (r != NULL && r->argument)
			(void)import_word(&value, &argument);
		if (r != NULL && r->verdict == IMPORT_NEEDLESS)
			needless++;
		else
			import_tell(p->im, place, IMPORT_BY_HAND, "%.*s%s%.*s: %s", (int)word.n,
				(const char *)word.p, argument.n > 0 ? " " : "", (int)argument.n,
				(const char *)argument.p,
				r == NULL ? "not known to this command" : r->words);
	}
	if (told == p->im->nfindings)
		import_tell(p->im, place, IMPORT_NEEDLESS,
			needless == 0 ? "empty" : "it is so here always");
}

/* ---- milters ---- */

void
take_milters(struct postfix *p, const struct postfix_row *row, const struct import_place *place,
	struct bytes value)
{
	UNUSED(row);
	if (value.n == 0) {
		import_tell(p->im, place, IMPORT_NEEDLESS, "empty");
		return;
	}
	import_tell(p->im, place, IMPORT_BY_HAND,
		"%.*s: milters are not asked. What OpenDKIM and OpenDMARC do is the suite's own: "
		"mailauth, and relais dkim new DOMAIN",
		(int)value.n, (const char *)value.p);
}

/* ---- certificates ---- */

/* "key.pem, chain.pem, key2.pem, chain2.pem", or one file with both. */
void
take_chain_files(struct postfix *p, const struct postfix_row *row, const struct import_place *place,
	struct bytes value)
{
	struct bytes key, chain, more;

	UNUSED(row);
	if (!import_word(&value, &key)) {
		import_tell(p->im, place, IMPORT_NEEDLESS, "empty");
		return;
	}
	if (!import_word(&value, &chain))
		chain = key;
	import_set(p->im, place, "tls", "key", key);
	import_set(p->im, place, "tls", "certificate", chain);
	if (import_word(&value, &more))
		import_tell(p->im, place, IMPORT_BY_HAND,
			"%.*s: put further certificates into folders named by tls.certificates",
			(int)more.n, (const char *)more.p);
}
