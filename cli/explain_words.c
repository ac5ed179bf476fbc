/* SPDX-License-Identifier: ISC */
/*
 * cli/explain_words.c - SPF, DKIM and DMARC of one message in words, for people and as JSON.
 *
 * Runs in:  the operator's command.
 * Trusts:   nothing in the answers' words: control characters of hostile mail do not reach the
 *           terminal.
 */
#include <jansson.h>
#include <stdio.h>

#include "cli.h"
#include "dmarc_record.h"
#include "explain.h"
#include "printed.h"

#define ARG(b) (int)(b).n, (b).n > 0 ? (const char *)(b).p : ""

static void
print_pair(const char *label, struct bytes value)
{
	if (value.n == 0)
		return;
	printf("    %s", label);
	print_safely(value);
	putchar('\n');
}

/* The steps that begin with head, without it. */
static void
print_steps(struct bytes trace, const char *head)
{
	const struct bytes prefix = bytes_from_str(head);

	while (trace.n > 0) {
		struct bytes line = bytes_cut(&trace, '\n');

		if (!bytes_starts_with(line, prefix))
			continue;
		printf("      ");
		print_safely(bytes_skip(line, prefix.n));
		putchar('\n');
	}
}

/* ---- SPF ---- */

static const char *
spf_meaning(enum auth_result r)
{
	static const char *const words[AUTH_RESULT_COUNT] = {
		[AUTH_NONE] = "the domain says nothing about who may send",
		[AUTH_NEUTRAL] = "the domain does not want to say whether this client may send",
		[AUTH_PASS] = "the domain says that this client may send",
		[AUTH_FAIL] = "the domain says that this client may not send",
		[AUTH_SOFTFAIL] = "the domain says that this client should not send",
		[AUTH_POLICY] = "",
		[AUTH_TEMPERROR] = "the DNS could not be asked; later it may be",
		[AUTH_PERMERROR] = "the domain's record is wrong",
	};

	return words[r];
}

static void
print_spf(const char *identity, const char *value, const struct mailauth_spf *s)
{
	printf("SPF of %s <", identity);
	print_safely(bytes_from_str(value));
	printf(">: %s: %s\n", auth_result_name(s->result), spf_meaning(s->result));
	print_pair("domain ", s->domain);
	print_pair("matched ", s->mechanism);
	print_pair("because ", s->problem);
	print_pair("it explains: ", s->explanation);
	if (s->lookups + s->void_lookups > 0)
		printf("    look-ups %u of 10, without an answer %u of 2\n", s->lookups,
			s->void_lookups);
}

/* ---- DKIM ---- */

static void
print_dkim(const struct mailauth_verified *v)
{
	if (v->n_dkim == 0)
		printf("DKIM: %s\n", v->dkim_unknown
					     ? "temperror: the signatures were not looked at"
					     : "none: the message is not signed");
	for (uint32_t i = 0; i < v->n_dkim; i++) {
		const struct mailauth_dkim *d = &v->dkim[i];

		printf("DKIM signature %u: %s%s\n", i + 1, auth_result_name(d->result),
			d->testing ? " (the domain is testing)" : "");
		print_pair("domain ", d->domain);
		print_pair("selector ", d->selector);
		print_pair("identity ", d->identity);
		print_pair("algorithm ", d->algorithm);
		if (d->key_bits > 0)
			printf("    key of %u bits\n", d->key_bits);
		print_pair("because ", d->problem);
	}
	if (v->more_dkim)
		printf("DKIM: there are more signatures; they were not looked at\n");
}

/* ---- DMARC ---- */

/* Why a result that is a pass, or none, does not speak for the author. */
static void
print_alignment(const char *method, enum auth_result result, struct bytes domain, bool aligned,
	const struct mailauth_dmarc *m)
{
	printf("    %s ", method);
	if (result != AUTH_PASS) {
		printf("does not pass, so it says nothing of the author\n");
		return;
	}
	printf("passes for ");
	print_safely(domain);
	printf(aligned ? ", aligned with the author's domain " : ", which is not aligned with ");
	print_safely(m->author_domain);
	putchar('\n');
}

/* The verdict names one signature that is aligned. Others of the author's organization are, too, if
 * the record does not want the very domain. */
static bool
is_aligned(const struct mailauth_verified *v, uint32_t i)
{
	const struct mailauth_dmarc *m = &v->dmarc;
	const struct bytes d = v->dkim[i].domain, org = m->org_domain;
	struct dmarc_record record;

	if (!m->dkim_aligned || i == m->dkim_index)
		return m->dkim_aligned;
	if (dmarc_record_parse(m->record, &record) == ERR_OK && record.adkim_strict)
		return bytes_equal_nocase(d, m->author_domain);
	return d.n >= org.n && bytes_equal_nocase(bytes_skip(d, d.n - org.n), org) &&
	       (d.n == org.n || d.p[d.n - org.n - 1] == '.');
}

static void
print_dmarc(const struct explanation *e)
{
	const struct mailauth_dmarc *m = &e->verified.dmarc;

	printf("DMARC: %s", auth_result_name(m->result));
	if (m->problem.n > 0) {
		printf(": ");
		print_safely(m->problem);
	}
	putchar('\n');
	print_pair("author's domain ", m->author_domain);
	print_pair("organizational domain ", m->org_domain);
	print_pair("record at _dmarc.", m->record_domain);
	print_pair("it says ", m->record);
	if (m->author_domain.n == 0)
		return;
	print_alignment("SPF", e->spf.mail_from.result, e->spf.mail_from.domain, m->spf_aligned, m);
	for (uint32_t i = 0; i < e->verified.n_dkim; i++) {
		char method[32];

		snprintf(method, sizeof(method), "DKIM signature %u", i + 1);
		print_alignment(method, e->verified.dkim[i].result, e->verified.dkim[i].domain,
			is_aligned(&e->verified, i), m);
	}
	if (m->record_domain.n > 0)
		printf("    policy: %s%s\n", mailauth_policy_name(m->policy),
			m->testing ? " (t=y takes it down a step)" : "");
}

/* ---- all of it ---- */

static void
print_question(const struct explanation *e)
{
	printf("client %s", e->client != NULL ? e->client : "not known (--ip)");
	if (e->client != NULL)
		printf(" (%s)",
			e->client_name != NULL ? e->client_name : "no name that leads back to it");
	printf(", HELO ");
	print_safely(bytes_from_str(e->helo[0] != 0 ? e->helo : "not known"));
	printf(", reverse-path <");
	print_safely(bytes_from_str(e->mail_from));
	printf(">\n%s, %llu octets\n\n", e->made ? "a message with a From field alone" : "content",
		(unsigned long long)e->octets);
}

static void
print_decision(const struct explanation *e)
{
	static const char *const overrides[MAILAUTH_OVERRIDES] = {
		[MAILAUTH_AS_ASKED] = "",
		[MAILAUTH_TRUSTED_FORWARDER] =
			" (the author's domain wants otherwise; the client is a trusted forwarder)",
		[MAILAUTH_LOCAL_POLICY] =
			" (the author's domain wants otherwise; mailauth.dmarc = score)",
	};
	const struct mailauth_decision *d = &e->decision;
	const struct directory_reply reply = directory_verdict_reply(e->recipient);

	if (e->to != NULL) {
		printf("\nrecipient <");
		print_safely(bytes_from_str(e->to));
		printf(">: %s\n", e->recipient == DIRECTORY_OK
					  ? "is taken (relais route tells more)"
					  : reply.text);
	}
	printf("\nresult: %s%s", mailauth_action_name(d->action), overrides[d->override]);
	if (d->code != 0)
		printf(": %d %s %.*s", d->code, d->enhanced, ARG(d->text));
	if (d->action == MAILAUTH_JUNK)
		printf(": it goes into the mailbox Junk");
	if (d->code == 0)
		printf("\n        the reverse-path is %sproven: its owner %s be told if the "
		       "message "
		       "fails later",
			d->sender_authenticated ? "" : "not ",
			d->sender_authenticated ? "may" : "will not");
	putchar('\n');
	if (e->verify_off)
		printf("note: mailauth.verify is off: the door does none of this\n");
	if (e->own_host)
		printf("note: the client is in mailauth.trusted_networks: the door takes its mail "
		       "without a look\n");
}

void
explain_print_text(const struct explanation *e)
{
	print_question(e);
	if (e->spf_asked) {
		print_spf("MAIL FROM", e->mail_from, &e->spf.mail_from);
		print_steps(e->spf.trace, MAILAUTH_TRACE_MAIL_FROM);
		if (e->mail_from[0] != 0) {
			print_spf("HELO", e->helo, &e->spf.helo);
			print_steps(e->spf.trace, MAILAUTH_TRACE_HELO);
		}
	} else {
		printf("SPF: not checked, for the client is not known\n");
	}
	if (e->died)
		printf("DKIM, DMARC: temperror: a library crashed on the message, or hung\n");
	else
		print_dkim(&e->verified);
	if (!e->died)
		print_dmarc(e);
	print_steps(e->verified.trace, "");
	print_decision(e);
}

/* ---- JSON ---- */

static json_t *
lines(struct bytes trace)
{
	json_t *list = json_array();

	while (trace.n > 0)
		json_array_append_new(list, json_text(bytes_cut(&trace, '\n')));
	return list;
}

static json_t *
spf_json(const struct mailauth_spf *s)
{
	return json_pack("{s:s, s:o, s:o, s:o, s:o, s:i, s:i}", "result",
		auth_result_name(s->result), "domain", json_text(s->domain), "mechanism",
		json_text(s->mechanism), "explanation", json_text(s->explanation), "problem",
		json_text(s->problem), "lookups", s->lookups, "void_lookups", s->void_lookups);
}

static json_t *
dkim_json(const struct mailauth_dkim *d)
{
	return json_pack("{s:s, s:o, s:o, s:o, s:o, s:i, s:b, s:o}", "result",
		auth_result_name(d->result), "domain", json_text(d->domain), "selector",
		json_text(d->selector), "identity", json_text(d->identity), "algorithm",
		json_text(d->algorithm), "key_bits", d->key_bits, "testing", d->testing, "problem",
		json_text(d->problem));
}

static json_t *
dmarc_json(const struct mailauth_dmarc *m)
{
	return json_pack("{s:s, s:o, s:o, s:o, s:o, s:s, s:b, s:b, s:b, s:o}", "result",
		auth_result_name(m->result), "author_domain", json_text(m->author_domain),
		"org_domain", json_text(m->org_domain), "record_domain",
		json_text(m->record_domain), "record", json_text(m->record), "policy",
		mailauth_policy_name(m->policy), "testing", m->testing, "spf_aligned",
		m->spf_aligned, "dkim_aligned", m->dkim_aligned, "problem", json_text(m->problem));
}

static json_t *
decision_json(const struct explanation *e)
{
	static const char *const overrides[MAILAUTH_OVERRIDES] = { "", "trusted_forwarder",
		"local_policy" };
	const struct mailauth_decision *d = &e->decision;
	json_t *o =
		json_pack("{s:s, s:s, s:b}", "action", mailauth_action_name(d->action), "override",
			overrides[d->override], "sender_authenticated", d->sender_authenticated);

	if (d->code != 0) {
		json_object_set_new(o, "code", json_integer(d->code));
		json_object_set_new(o, "enhanced", json_string(d->enhanced));
		json_object_set_new(o, "text", json_text(d->text));
	}
	return o;
}

void
explain_print_json(const struct explanation *e)
{
	json_t *signatures = json_array(), *root;

	for (uint32_t i = 0; i < e->verified.n_dkim; i++)
		json_array_append_new(signatures, dkim_json(&e->verified.dkim[i]));
	root = json_pack("{s:o, s:o, s:o, s:o, s:I, s:b, s:o, s:b, s:o, s:o}", "client",
		json_text(bytes_from_str(e->client)), "client_name",
		json_text(bytes_from_str(e->client_name)), "helo",
		json_text(bytes_from_str(e->helo)), "mail_from",
		json_text(bytes_from_str(e->mail_from)), "octets", (json_int_t)e->octets, "died",
		e->died, "dkim", signatures, "more_dkim", e->verified.more_dkim, "dmarc",
		dmarc_json(&e->verified.dmarc), "decision", decision_json(e));
	if (e->spf_asked)
		json_object_set_new(root, "spf",
			json_pack("{s:o, s:o}", "mail_from", spf_json(&e->spf.mail_from), "helo",
				spf_json(&e->spf.helo)));
	json_object_set_new(root, "steps",
		json_pack("{s:o, s:o}", "spf", lines(e->spf.trace), "message",
			lines(e->verified.trace)));
	json_object_set_new(root, "options",
		json_pack("{s:b, s:b, s:b}", "verify", !e->verify_off, "own_host", e->own_host,
			"trusted_forwarder", e->trusted_forwarder));
	if (e->to != NULL)
		json_object_set_new(root, "recipient",
			json_pack("{s:o, s:b, s:s}", "address", json_text(bytes_from_str(e->to)),
				"taken", e->recipient == DIRECTORY_OK, "text",
				directory_verdict_reply(e->recipient).text));
	json_print(root);
	json_decref(root);
}
