/* SPDX-License-Identifier: ISC */
/*
 * smtpd/verify.c - when the content is there, and before the COMMIT, mailauth-verify is asked about
 * SPF, signatures and DMARC, all at once. Then it is decided.
 *
 * Not before: most of those who only try addresses never come so far, and nothing that is found out
 * earlier could be acted upon earlier.
 *
 * A process that dies while it has a question of ours says whose it was (DIED): that message's
 * results are temperror. All others are asked again, of another process if there is one, a few
 * times. Nobody's mail is refused, or lost, because it could not be verified.
 *
 * A question cannot be called back: a client that leaves stays, and counts as a connection of its
 * address (client_connection_limit), until it is answered.
 *
 * Runs in:  smtpd.
 * Trusts:   mailauth-verify's answers after decoding, and no further than that a wrong one makes a
 *           wrong verdict: old libraries read hostile mail there.
 */
#include "verify.h"

#include <stdlib.h>

#include "err.h"
#include "log.h"
#include "stats_rows.h"

/* How long is waited before a question is asked again, ms: the first time another process may be
 * there, later the same one is started anew (service_row.back_off_ms). */
static const unsigned pauses_ms[] = { 20, 250, 1000 };

#define GRACE_MS 5000 /* beyond mailauth.timeout, which the verifier keeps */

static void ask(struct verdict *v);

/* ---- one question, asked until it is answered ---- */

static void
on_again(evutil_socket_t fd, short what, void *arg)
{
	struct verdict *v = arg;
	struct client *c = v->client;

	UNUSED(fd);
	UNUSED(what);
	if (c->gone) { /* kept for this alone: it goes with all it has */
		ASSERT(!client_answered(c));
		return;
	}
	v->verify->numbers.repeated++;
	ask(v);
	if (!c->asking)
		client_turn(c);
}

/* The process is gone, and not by our fault: true if the question is asked again. */
static bool
again(struct verdict *v, const struct ipc_answer *answer)
{
	struct timeval pause = { 0, 0 };

	if (answer->err != ERR_PEER || v->tries > NITEMS(pauses_ms) || v->client->gone)
		return false;
	pause.tv_sec = pauses_ms[v->tries - 1] / 1000;
	pause.tv_usec = (suseconds_t)(pauses_ms[v->tries - 1] % 1000) * 1000;
	event_base_once(v->verify->smtpd->d->base, -1, EV_TIMEOUT, on_again, v, &pause);
	return true;
}

/* No result: why, for the log. */
static const char *
count_failure(struct verdict *v, const struct ipc_answer *answer)
{
	const bool died = answer->err == ERR_OK && answer->type == MAILAUTH_DIED;

	v->verify->numbers.died += died;
	v->verify->numbers.given_up += !died;
	log_warning("%s: not verified: %s", v->client->session.txn->queue_id,
		died ? "the verifier crashed on it or hung" : err_text(answer->err));
	return died ? "crashed" : "no answer";
}

/* One process after the other, those that are there first. */
static struct link *
choose(struct verify *v)
{
	ASSERT(v->nverifiers > 0);
	for (unsigned i = 0; i < v->nverifiers; i++) {
		struct link *l = v->verifiers[(v->turn + i) % v->nverifiers];

		if (link_is_up(l)) {
			v->turn = (v->turn + i + 1) % v->nverifiers;
			return l;
		}
	}
	return v->verifiers[v->turn++ % v->nverifiers];
}

/* ---- the answer ---- */

/* The message goes on: with our fields on top, or not at all. */
static void
act(struct verdict *v)
{
	struct client *c = v->client;
	struct smtp_txn *txn = c->session.txn;
	struct verify_numbers *n = &v->verify->numbers;
	struct buf fields = BUF_INIT;

	n->overridden += v->decision.override != MAILAUTH_AS_ASKED;
	if (v->decision.code != 0) {
		const struct smtp_answer answer = { v->decision.code, v->decision.enhanced,
			v->decision.text };
		struct smtp_out out = client_out(c);

		*(v->decision.action == MAILAUTH_DEFER ? &n->deferred
			: v->decision.of_spf           ? &n->spf_refused
						       : &n->dmarc_refused) += 1;
		c->smtpd->numbers.refused_messages++;
		smtp_session_answer(&c->session, &answer, &out);
		smtpd_log(c);
		return;
	}
	if (v->decision.action == MAILAUTH_JUNK) {
		n->junk++;
		txn->envelope.flags |= ENVELOPE_JUNK;
	}
	if (v->decision.sender_authenticated)
		txn->envelope.flags |= ENVELOPE_SENDER_AUTHENTICATED;
	verdict_put_fields(v, &fields);
	buf_put_bytes(&fields, txn->prefix);
	txn->prefix = arena_bytes(&txn->arena, buf_bytes(&fields));
	buf_free(&fields);
	ask_commit(c);
}

static void
decide(struct verdict *v)
{
	const struct verify *verify = v->verify;
	const struct client *c = v->client;
	unsigned cursor = 0;
	const struct mailauth_facts facts = { .spf = &v->verified.mail_from,
		.verified = &v->verified,
		.mail_from = c->session.txn->envelope.reverse_path,
		.trusted_forwarder = ip_set_holding(verify->forwarders, &c->from, &cursor) != NULL,
		.refuse_spf_fail = strcmp(verify->conf->spf_fail, "reject") == 0,
		.enforce_dmarc = strcmp(verify->conf->dmarc, "enforce") == 0,
		/* what crashes a library would do so again and again */
		.defer_temperror = strcmp(verify->conf->temperror, "defer") == 0 && !v->failed };

	mailauth_decide(&facts, &v->arena, &v->decision);
	verdict_log(v);
	verdict_report(v);
	act(v);
}

static void
on_verified(void *arg, const struct ipc_answer *answer)
{
	struct verdict *v = arg;
	struct client *c = v->client;
	struct ipc_reader in = ipc_reader(answer->body);

	if (again(v, answer) || !client_answered(c))
		return;
	if (answer->err < 0 || answer->type != MAILAUTH_VERIFIED ||
		mailauth_verified_decode(&in, &v->verified) < 0) {
		const struct bytes why = bytes_from_str(count_failure(v, answer));
		const struct mailauth_spf unknown = { .result = AUTH_TEMPERROR, .problem = why };

		v->verified = (struct mailauth_verified){ .mail_from = unknown,
			.helo = unknown,
			.dmarc = { .result = AUTH_TEMPERROR, .problem = why } };
		v->failed = true;
	}
	decide(v); /* while what is known lies in the answer */
	client_turn(c);
}

static void
ask(struct verdict *v)
{
	struct client *c = v->client;
	const struct smtp_session *s = &c->session;
	struct mailauth_verify m = { .ask_spf = true,
		.about = { .client = bytes_from_str(s->client),
			.helo = bytes_head(bytes_from_str(s->helo), MAILAUTH_NAME_MAX),
			.mail_from =
				bytes_head(s->txn->envelope.reverse_path, MAILAUTH_PATH_MAX) } };
	struct link *l = choose(v->verify);
	int fd, r = store_show(&c->store, &m.content, &fd);

	if (r < 0) {
		c->asking = false;
		ask_answer(c, 451, "4.3.0", "local error, try again later");
		return;
	}
	v->tries++;
	mailauth_verify_encode(link_compose(l), &m);
	link_request(l, fd >= 0 ? MAILAUTH_VERIFY_FD : MAILAUTH_VERIFY, &fd, fd >= 0,
		(unsigned)v->verify->conf->timeout + GRACE_MS, on_verified, v);
}

/* ---- the transaction ---- */

bool
verify_is_own_host(const struct verify *v, const struct client *c)
{
	unsigned cursor = 0;

	return v != NULL && c->from.family != 0 &&
	       ip_set_holding(v->own_hosts, &c->from, &cursor) != NULL;
}

void
verify_commit(struct client *c)
{
	struct verify *v = c->smtpd->verify;

	if (!v->conf->verify || c->session.own_host) {
		ask_commit(c);
		return;
	}
	verify_forget(c);
	c->verdict = xcalloc(1, sizeof(*c->verdict));
	c->verdict->verify = v;
	c->verdict->client = c;
	c->asking = true;
	ask(c->verdict);
}

void
verify_forget(struct client *c)
{
	if (c->verdict != NULL)
		arena_reset(&c->verdict->arena);
	free(c->verdict);
	c->verdict = NULL;
}

/* ---- the process ---- */

static struct ip_set *
set_of(const struct conf_list *list)
{
	struct ip_set *set = ip_set_new();
	struct ip_block block;

	for (size_t i = 0; i < list->n; i++)
		if (ip_block_parse(bytes_from_str(list->v[i]), &block) == ERR_OK)
			ip_set_put(set, &block, 1);
	return set;
}

struct verify *
verify_new(struct smtpd *s)
{
	struct verify *v = xcalloc(1, sizeof(*v));
	const unsigned n = s->d->instances[SERVICE_VERIFIER];

	v->smtpd = s;
	v->conf = s->d->mailauth;
	v->own_hosts = set_of(&v->conf->trusted_networks);
	v->forwarders = set_of(&v->conf->trusted_forwarders);
	if (!v->conf->verify)
		return v;
	v->nverifiers = n > 0 ? n : 1;
	v->verifiers = xcalloc(v->nverifiers, sizeof(struct link *));
	for (unsigned i = 0; i < v->nverifiers; i++) {
		v->verifiers[i] = daemon_link(s->d, SERVICE_VERIFIER, i, NULL, 0);
		link_open(v->verifiers[i]);
	}
	v->ledger = daemon_link(s->d, SERVICE_LEDGER, CONTROL_ANY, NULL, 0);
	if (v->conf->dmarc_reports)
		link_open(v->ledger); /* what is sent to one that is not up is lost */
	return v;
}

void
verify_free(struct verify **v)
{
	if (*v == NULL)
		return;
	ip_set_free(&(*v)->own_hosts);
	ip_set_free(&(*v)->forwarders);
	free((*v)->verifiers);
	free(*v);
	*v = NULL;
}

void
verify_stats(const struct verify *v, struct buf *out)
{
	if (v == NULL || !v->conf->verify)
		return;
	const struct verify_numbers *n = &v->numbers;
	const struct stats_row rows[] = { { "spf_refused_total", n->spf_refused },
		{ "dmarc_refused_total", n->dmarc_refused },
		{ "verify_deferred_total", n->deferred }, { "junk_total", n->junk },
		{ "overridden_total", n->overridden }, { "verifier_died_total", n->died },
		{ "verifier_repeated_total", n->repeated },
		{ "verifier_given_up_total", n->given_up } };

	stats_rows_put(out, "smtp", rows, NITEMS(rows));
}
