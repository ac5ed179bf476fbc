/* SPDX-License-Identifier: ISC */
/*
 * directory/send.c - may this login send this message? Whose handle it is, whose addresses they
 * are, what ledger says of the limits; then tickets for qmgr and signer.
 *
 * The account is looked up at each message: one that was locked, blocked or removed after its
 * login sends nothing more.
 *
 * Runs in:  directory.
 * Trusts:   submission with nothing: a handle that is not its own is refused and logged; its
 *           word on header addresses and recipients can only be as good as the process is.
 */
#include <stdlib.h>

#include "clock.h"
#include "directory.h"
#include "err.h"
#include "ledger_msg.h"
#include "local_owner.h"
#include "log.h"
#include "logins.h"
#include "mail_address.h"
#include "random.h"

#define LEDGER_TIMEOUT_MS 5000
#define SENDS_MAX         2000 /* under way, each up to 60 KiB */

struct send {
	LIST_ENTRY(send) link;
	struct directory *d;
	struct ipc_channel *channel; /* NULL: the one who asked is gone */
	uint32_t id;
	struct arena arena; /* holds what follows */
	struct bytes key;   /* of the account */
	bool system_user;
	enum login_power power;
	uint64_t queue_id;
	struct bytes reverse_path, recipients;
	struct bytes senders[DIRECTORY_SENDERS_MAX];
	uint32_t nsenders, author;
	struct bytes sign_domain; /* of the author, if it may be signed for; else empty */
	enum directory_send_verdict verdict;
	bool in_header; /* NOT_OWNED: where the address stands */
	struct bytes address;
};

static void
send_free(struct send *s)
{
	LIST_REMOVE(s, link);
	s->d->nsends_under_way--;
	arena_reset(&s->arena);
	free(s);
}

static void
answer(struct send *s, const struct directory_send_answer *m)
{
	s->d->sends++;
	if (m->verdict != DIRECTORY_SEND_OK)
		s->d->sends_refused++;
	if (s->channel != NULL) {
		directory_send_answer_encode(ipc_compose(s->channel), m);
		ipc_reply(s->channel, s->id, DIRECTORY_SEND_ANSWER, NULL, 0);
	}
	send_free(s);
}

static void
refuse(struct send *s, enum directory_send_verdict verdict, const char *reason)
{
	struct directory_send_answer m = { .verdict = verdict };

	if (verdict == DIRECTORY_SEND_NOT_OWNED) {
		m.in_header = s->in_header;
		m.address = s->address;
	}
	m.reason = bytes_head(bytes_from_str(reason), DIRECTORY_REASON_MAX);
	answer(s, &m);
}

static void
permit(struct send *s)
{
	struct send_ticket ticket = {
		.login = s->key, .queue_id = s->queue_id, .reverse_path = s->reverse_path
	};
	const uint64_t now_s = clock_wall_us() / 1000000;
	struct directory_send_answer m = { .verdict = DIRECTORY_SEND_OK };
	struct buf text = BUF_INIT, sign = BUF_INIT;

	if (s->queue_id != 0)
		send_ticket_make(&s->d->ticket_key, &ticket, now_s, &text);
	if (s->queue_id != 0 && s->sign_domain.n > 0) {
		ticket.domain = s->sign_domain;
		send_ticket_make(&s->d->sign_key, &ticket, now_s, &sign);
	}
	m.ticket = buf_bytes(&text);
	m.sign_ticket = buf_bytes(&sign);
	answer(s, &m);
	buf_free(&text);
	buf_free(&sign);
}

/* ---- limits ---- */

static void
on_limits(void *arg, const struct ipc_answer *a)
{
	static const enum directory_send_verdict verdicts[LEDGER_SEND_VERDICTS] = {
		[LEDGER_SEND_OK] = DIRECTORY_SEND_OK,
		[LEDGER_SEND_MESSAGES] = DIRECTORY_SEND_LIMIT,
		[LEDGER_SEND_RECIPIENTS] = DIRECTORY_SEND_LIMIT,
		[LEDGER_SEND_NEW_RECIPIENTS] = DIRECTORY_SEND_LIMIT,
		[LEDGER_SEND_BLOCKED] = DIRECTORY_SEND_BLOCKED,
		[LEDGER_SEND_LATER] = DIRECTORY_SEND_TEMPORARY,
	};
	struct send *s = arg;
	struct ipc_reader in = ipc_reader(a->body);
	struct ledger_send_answer m;

	if (a->err < 0 || a->type != LEDGER_SEND_ANSWER || ledger_send_answer_decode(&in, &m) < 0)
		refuse(s, DIRECTORY_SEND_TEMPORARY, "");
	else if (m.verdict == LEDGER_SEND_OK)
		permit(s);
	else
		refuse(s, verdicts[m.verdict], ledger_send_text(m.verdict));
}

static void
ask_limits(struct send *s)
{
	struct ledger_send m = { .login = s->key,
		.recipients = (uint32_t)(s->recipients.n / DIRECTORY_RECIPIENT_SIZE),
		.hashes = s->recipients };

	if (!link_is_up(s->d->ledger)) { /* who can't be counted can't send */
		refuse(s, DIRECTORY_SEND_TEMPORARY, "");
		return;
	}
	ledger_send_encode(link_compose(s->d->ledger), &m);
	link_request(s->d->ledger, LEDGER_SEND, NULL, 0, LEDGER_TIMEOUT_MS, on_limits, s);
}

/* ---- ownership, perhaps in a thread ---- */

/* OK, or why not; the address that was not owned is noted. */
static enum directory_send_verdict
owns(struct send *s, struct directory_tables *t, const struct account *account,
	struct bytes address, bool in_header)
{
	int r = resolve_owns(t, &s->arena, account, address);

	s->address = address;
	s->in_header = in_header;
	return r < 0   ? DIRECTORY_SEND_TEMPORARY
	       : r > 0 ? DIRECTORY_SEND_OK
		       : DIRECTORY_SEND_NOT_OWNED;
}

/* A user of this machine. */
static void
look_up_local(struct send *s, struct directory_tables *t)
{
	for (uint32_t i = 0; i <= s->nsenders && s->verdict == DIRECTORY_SEND_OK; i++) {
		struct bytes address = i == 0 ? s->reverse_path : s->senders[i - 1];
		int r;

		if (s->power == LOGIN_TRUSTED || address.n == 0)
			continue;
		r = local_owns(t, &s->arena, s->key, s->d->local_hosts, address);
		s->address = address;
		s->in_header = i > 0;
		s->verdict = r < 0   ? DIRECTORY_SEND_TEMPORARY
			     : r > 0 ? DIRECTORY_SEND_OK
				     : DIRECTORY_SEND_NOT_OWNED;
	}
}

/*
 * Whose domain is it to be signed for? The author is one of those that were found to be the
 * login's. A trusted one writes as anybody, but is signed for only in the domains of this host
 * (the mail of root and cron): whoever got hold of such a handle gets no signatures for others.
 */
static void
look_up_sign_domain(struct send *s, struct directory_tables *t)
{
	struct bytes author, domain;
	int r = 1;

	if (s->author >= s->nsenders)
		return;
	author = s->senders[s->author];
	if (mail_domain_fold(
		    &s->arena, bytes_skip(author, bytes_find_last(author, '@') + 1), &domain) < 0)
		return;
	if (s->power == LOGIN_TRUSTED)
		r = local_domain(t, &s->arena, s->d->local_hosts, domain);
	if (r < 0)
		s->verdict = DIRECTORY_SEND_TEMPORARY;
	else if (r > 0)
		s->sign_domain = domain;
}

static void
look_up(struct directory_tables *t, void *arg)
{
	struct send *s = arg;
	const unsigned needed = ACCOUNT_LOGIN | ACCOUNT_SEND;
	struct account account;
	int r;

	s->verdict = DIRECTORY_SEND_OK;
	if (s->power != LOGIN_ACCOUNT) {
		look_up_local(s, t);
		look_up_sign_domain(s, t);
		return;
	}
	r = tables_by_key(t, &s->arena, s->key, s->system_user, &account);
	if (r == ERR_NOT_FOUND || (r == ERR_OK && (account.record.may & needed) != needed))
		s->verdict = DIRECTORY_SEND_BLOCKED;
	else if (r < 0)
		s->verdict = DIRECTORY_SEND_TEMPORARY;
	/* the null reverse-path is everybody's: notifications (RFC 8098) */
	if (s->verdict == DIRECTORY_SEND_OK && s->reverse_path.n > 0)
		s->verdict = owns(s, t, &account, s->reverse_path, false);
	for (uint32_t i = 0; i < s->nsenders && s->verdict == DIRECTORY_SEND_OK; i++)
		s->verdict = owns(s, t, &account, s->senders[i], true);
	look_up_sign_domain(s, t);
}

static void
looked_up(void *arg)
{
	struct send *s = arg;

	if (s->channel == NULL)
		send_free(s);
	else if (s->verdict != DIRECTORY_SEND_OK)
		refuse(s, s->verdict, "");
	else if (s->queue_id == 0 || s->power == LOGIN_TRUSTED)
		permit(s);
	else
		ask_limits(s);
}

/* ---- the door ---- */

static struct send *
send_new(struct ipc_call *call, const struct directory_send *m, const struct login *login)
{
	const struct daemon *daemon = call->ctx;
	struct send *s = xcalloc(1, sizeof(*s));

	s->d = daemon->ctx;
	s->channel = call->channel;
	s->id = call->id;
	s->key = arena_bytes(&s->arena, login->account);
	s->system_user = login->system_user;
	s->power = login->power;
	s->queue_id = m->queue_id;
	s->reverse_path = arena_bytes(&s->arena, m->reverse_path);
	s->recipients = arena_bytes(&s->arena, m->recipients);
	for (; s->nsenders < m->nsenders; s->nsenders++)
		s->senders[s->nsenders] = arena_bytes(&s->arena, m->senders[s->nsenders]);
	s->author = m->author;
	LIST_INSERT_HEAD(&s->d->sends_under_way, s, link);
	s->d->nsends_under_way++;
	return s;
}

static void
complain(const struct ipc_call *call, enum login_found found, const struct login *login)
{
	const char *peer = service_name(ipc_peer(call->channel));
	unsigned instance = ipc_peer_instance(call->channel);

	if (found == LOGIN_FOREIGN)
		log_warning("%s %u used a login handle of another session (account %.*s): refused",
			peer, instance, (int)login->account.n, (const char *)login->account.p);
	else
		log_warning(
			"%s %u used a login handle that does not exist: refused", peer, instance);
}

void
directory_on_send(struct ipc_call *call, const void *msg)
{
	const struct directory_send *m = msg;
	const struct daemon *daemon = call->ctx;
	struct directory *d = daemon->ctx;
	const struct directory_send_answer none = { .verdict = DIRECTORY_SEND_NO_LOGIN };
	const struct login *login = NULL;
	enum login_found found =
		logins_find(d->handles, call->channel, m->session, m->handle, &login);
	struct send *s;

	if (found != LOGIN_FOUND) {
		d->sends++;
		d->sends_refused++;
		complain(call, found, login);
		directory_send_answer_encode(ipc_compose(call->channel), &none);
		ipc_reply(call->channel, call->id, DIRECTORY_SEND_ANSWER, NULL, 0);
		return;
	}
	s = send_new(call, m, login);
	if (d->nsends_under_way > SENDS_MAX || !directory_look_up(d, look_up, looked_up, s))
		refuse(s, DIRECTORY_SEND_TEMPORARY, "");
}

void
directory_on_logout(struct ipc_call *call, const void *msg)
{
	const struct directory_logout *m = msg;
	const struct daemon *daemon = call->ctx;
	struct directory *d = daemon->ctx;

	logins_remove(d->handles, call->channel, m->session, m->handle);
}

void
directory_on_ticket_key(struct ipc_call *call, const void *msg)
{
	const struct daemon *daemon = call->ctx;
	const struct directory *d = daemon->ctx;
	const struct send_ticket_key *key =
		ipc_peer(call->channel) == SERVICE_SIGNER ? &d->sign_key : &d->ticket_key;
	struct directory_ticket_key m = { key->id, bytes_make(key->key, sizeof(key->key)) };

	UNUSED(msg);
	directory_ticket_key_encode(ipc_compose(call->channel), &m);
	ipc_reply(call->channel, call->id, DIRECTORY_TICKET_KEY_ANSWER, NULL, 0);
}

_Static_assert(2 * SEND_TICKET_SECRET == CONTROL_SECRET_SIZE, "one for each key");

static void
make_key(struct send_ticket_key *key, const uint8_t *secret)
{
	random_fill(key->key, sizeof(key->key));
	key->id = random_u64() | 1;
	send_ticket_key_take(key, secret);
}

void
directory_send_start(struct directory *d)
{
	uint8_t *secret = d->daemon->secret;

	make_key(&d->ticket_key, secret);
	make_key(&d->sign_key, secret + SEND_TICKET_SECRET);
	explicit_bzero(secret, sizeof(d->daemon->secret));
}

void
directory_send_peer_down(struct directory *d, const struct ipc_channel *peer)
{
	struct send *s;

	LIST_FOREACH (s, &d->sends_under_way, link)
		if (s->channel == peer)
			s->channel = NULL;
}

void
directory_send_stop(struct directory *d)
{
	struct send *s;

	while ((s = LIST_FIRST(&d->sends_under_way)) != NULL)
		send_free(s); /* NOLINT: LIST_REMOVE is too much for the analyser */
	explicit_bzero(&d->ticket_key, sizeof(d->ticket_key));
	explicit_bzero(&d->sign_key, sizeof(d->sign_key));
}
