/* SPDX-License-Identifier: ISC */
/*
 * directory/guess.c - asking ledger around each check of a password, see the header.
 *
 * Runs in:  directory.
 * Trusts:   ledger with the verdict; it never hears a password.
 */
#include "guess.h"

#include <stdlib.h>

#include "clock.h"
#include "err.h"
#include "log.h"
#include "random.h"
#include "siphash.h"

#define ASK_TIMEOUT_MS 1000
#define PAUSE_MS       10000 /* without asking, after a ledger that did not answer */
#define COMPLAIN_MS    60000

struct guess {
	struct link *ledger;
	struct siphash_key key;
	uint64_t paused_until_ms, complained_ms;
	uint64_t uncounted; /* since the last complaint */
};

struct question {
	struct guess *g;
	guess_fn *done;
	void *arg;
};

struct guess *
guess_new(struct link *ledger)
{
	struct guess *g = xcalloc(1, sizeof(*g));

	g->ledger = ledger;
	random_fill(&g->key, sizeof(g->key));
	return g;
}

void
guess_free(struct guess **g)
{
	free(*g);
	*g = NULL;
}

static void
go_without(struct guess *g, guess_fn *done, void *arg)
{
	const struct ledger_try_answer answer = { LEDGER_TRY_GO, LEDGER_TRUST_NEUTRAL, 0 };
	uint64_t now = clock_mono_ms();

	g->uncounted++;
	if (g->complained_ms == 0 || now - g->complained_ms >= COMPLAIN_MS) {
		log_warning("ledger does not answer: %llu logins went on without being counted",
			(unsigned long long)g->uncounted);
		g->complained_ms = now;
		g->uncounted = 0;
	}
	done(arg, &answer);
}

static void
on_answer(void *arg, const struct ipc_answer *answer)
{
	struct question *q = arg;
	struct ipc_reader in = ipc_reader(answer->body);
	struct ledger_try_answer m;

	if (answer->err == ERR_OK && answer->type == LEDGER_TRY_ANSWER &&
		ledger_try_answer_decode(&in, &m) == ERR_OK)
		q->done(q->arg, &m);
	else {
		if (answer->err == ERR_TIMEOUT)
			q->g->paused_until_ms = clock_mono_ms() + PAUSE_MS;
		go_without(q->g, q->done, q->arg);
	}
	free(q);
}

void
guess_ask(struct guess *g, const struct guess_attempt *attempt, guess_fn *done, void *arg)
{
	struct ledger_try m = { .client = bytes_head(attempt->client, LEDGER_CLIENT_MAX),
		.login = bytes_head(attempt->login, LEDGER_ACCOUNT_MAX),
		.protocol = (enum ledger_protocol)attempt->protocol };
	struct question *q;

	if (m.login.n == 0)
		m.login = BYTES_LITERAL("-");
	/* a ledger that is just starting is waited for, as one that is slow */
	if (clock_mono_ms() < g->paused_until_ms) {
		go_without(g, done, arg);
		return;
	}
	q = xcalloc(1, sizeof(*q));
	*q = (struct question){ g, done, arg };
	ledger_try_encode(link_compose(g->ledger), &m);
	link_request(g->ledger, LEDGER_TRY, NULL, 0, ASK_TIMEOUT_MS, on_answer, q);
}

static uint64_t
hash_guess(const struct guess *g, struct bytes login, struct bytes password)
{
	struct buf b = BUF_INIT;
	uint64_t hash;

	if (password.n == 0)
		return 0;
	buf_put_u64(&b, login.n);
	buf_put_bytes(&b, login);
	buf_put_bytes(&b, password);
	hash = siphash(&g->key, buf_bytes(&b));
	explicit_bzero(b.data, b.cap);
	buf_free(&b);
	return hash;
}

void
guess_tell(struct guess *g, const struct guess_attempt *attempt, enum ledger_tried_result result,
	struct bytes credential, struct bytes password)
{
	struct ledger_tried m = { .client = bytes_head(attempt->client, LEDGER_CLIENT_MAX),
		.login = bytes_head(attempt->login, LEDGER_ACCOUNT_MAX),
		.protocol = (enum ledger_protocol)attempt->protocol,
		.result = result,
		.credential = bytes_head(credential, LEDGER_CREDENTIAL_MAX) };

	if (!link_is_up(g->ledger))
		return;
	if (m.login.n == 0)
		m.login = BYTES_LITERAL("-");
	if (result == LEDGER_TRIED_WRONG)
		m.guess = hash_guess(g, m.login, password);
	ledger_tried_encode(link_compose(g->ledger), &m);
	link_send(g->ledger, LEDGER_TRIED, NULL, 0);
}
