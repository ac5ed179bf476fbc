/* SPDX-License-Identifier: ISC */
/*
 * directory/questions.c - RCPT, RESOLVE and HOP: asked, looked up, answered.
 *
 * The look-up happens at once in compiled tables; with a database it happens in a thread, and
 * the answer follows when it is there. An expansion of several pages is kept while qmgr
 * fetches it, so all pages are of one expansion.
 *
 * Runs in:  directory.
 * Trusts:   the tables; nothing of what is asked.
 */
#include <stdlib.h>

#include "clock.h"
#include "directory.h"
#include "err.h"
#include "routes.h"

#define KEPT_MAX    16
#define KEPT_FOR_MS 60000

struct question {
	LIST_ENTRY(question) link;
	struct directory *d;
	struct ipc_channel *channel; /* NULL: the one who asked is gone */
	uint32_t id;
	struct arena arena; /* holds what follows */
	struct bytes address;
	struct bytes reverse_path; /* RESOLVE, HOP */
	bool has_sender;           /* RESOLVE */
	struct directory_rcpt rcpt;
	uint32_t first;
	struct resolution resolution;
	uint64_t serial;
	struct directory_hop_answer *hop; /* HOP: address is the next hop */
};

/* An expansion with more pages than one. */
struct kept {
	TAILQ_ENTRY(kept) link; /* the newest first */
	const struct ipc_channel *channel;
	struct arena arena;
	struct bytes address, reverse_path;
	struct resolution resolution;
	uint64_t serial, until_ms;
};

bool
directory_look_up(struct directory *d, lookup_work_fn *work, lookup_done_fn *done, void *arg)
{
	if (d->lookups != NULL)
		return lookups_run(d->lookups, work, done, arg) == ERR_OK;
	work(directory_tables(d), arg);
	done(arg);
	return true;
}

/* ---- pages ---- */

static void
kept_free(struct directory *d, struct kept *k)
{
	TAILQ_REMOVE(&d->kept, k, link);
	d->n_kept--;
	arena_reset(&k->arena);
	free(k);
}

static struct kept *
kept_find(struct directory *d, const struct ipc_channel *channel, struct bytes address,
	struct bytes reverse_path)
{
	struct kept *k, *next, *found = NULL;
	uint64_t now = clock_mono_ms();

	for (k = TAILQ_FIRST(&d->kept); k != NULL; k = next) {
		next = TAILQ_NEXT(k, link);
		if (k->until_ms < now)
			kept_free(d, k);
		else if (found == NULL && k->channel == channel &&
			 bytes_equal(k->address, address) &&
			 bytes_equal(k->reverse_path, reverse_path))
			found = k;
	}
	return found;
}

/* The question's arena, and all that lives in it, goes over. */
static void
keep(struct question *q)
{
	struct directory *d = q->d;
	struct kept *k = kept_find(d, q->channel, q->address, q->reverse_path);

	if (k != NULL)
		kept_free(d, k);
	if (d->n_kept == KEPT_MAX)
		kept_free(d, TAILQ_LAST(&d->kept, kept_list));
	k = xcalloc(1, sizeof(*k));
	k->channel = q->channel;
	k->arena = q->arena;
	k->address = q->address;
	k->reverse_path = q->reverse_path;
	k->resolution = q->resolution;
	k->serial = q->serial = ++d->kept_serial;
	k->until_ms = clock_mono_ms() + KEPT_FOR_MS;
	q->arena = ARENA_INIT;
	TAILQ_INSERT_HEAD(&d->kept, k, link);
	d->n_kept++;
}

static void
answer_page(struct ipc_channel *channel, uint32_t id, const struct resolution *r, uint64_t serial,
	uint32_t first)
{
	struct directory_resolve_answer answer = { .verdict = r->verdict, .serial = serial };

	if (r->verdict == DIRECTORY_OK) {
		answer.total = (uint32_t)r->count;
		answer.first = first < answer.total ? first : answer.total;
		for (size_t i = answer.first; i < r->count && answer.count < DIRECTORY_TARGETS_MAX;
			i++) {
			answer.targets[answer.count] = r->targets[i];
			if (ipc_peer(channel) != SERVICE_CLI)
				answer.targets[answer.count].rule = BYTES_NONE;
			answer.count++;
		}
	}
	directory_resolve_answer_encode(ipc_compose(channel), &answer);
	ipc_reply(channel, id, DIRECTORY_RESOLVE_ANSWER, NULL, 0);
}

/* ---- questions ---- */

static struct question *
question_new(const struct ipc_call *call, struct bytes address)
{
	struct daemon *daemon = call->ctx;
	struct question *q = xcalloc(1, sizeof(*q));

	q->d = daemon->ctx;
	q->channel = call->channel;
	q->id = call->id;
	q->address = arena_bytes(&q->arena, address);
	LIST_INSERT_HEAD(&q->d->questions, q, link);
	return q;
}

static void
question_free(struct question *q)
{
	LIST_REMOVE(q, link);
	arena_reset(&q->arena);
	free(q);
}

static void
look_up(struct directory_tables *t, void *arg)
{
	struct question *q = arg;

	resolve(t, &q->arena, q->address, q->has_sender ? &q->reverse_path : NULL, &q->resolution);
	q->serial = t->serial;
}

static void
rcpt_done(void *arg)
{
	struct question *q = arg;
	struct directory_rcpt_answer answer;

	if (q->channel != NULL) {
		answer = resolve_rcpt(&q->resolution, &q->rcpt, near_quota_use, q->d->near_quota);
		directory_rcpt_answer_encode(ipc_compose(q->channel), &answer);
		ipc_reply(q->channel, q->id, DIRECTORY_RCPT_ANSWER, NULL, 0);
	}
	question_free(q);
}

static void
resolve_done(void *arg)
{
	struct question *q = arg;
	const struct resolution *r = &q->resolution;

	if (q->channel != NULL) {
		if (r->verdict == DIRECTORY_OK && r->count > DIRECTORY_TARGETS_MAX)
			keep(q);
		answer_page(q->channel, q->id, r, q->serial, q->first);
	}
	question_free(q);
}

/* Too many wait: the answer is at once that it can't be said now. */
static void
ask(struct question *q, lookup_done_fn *done)
{
	if (directory_look_up(q->d, look_up, done, q))
		return;
	q->resolution.verdict = DIRECTORY_TEMPORARY;
	done(q);
}

void
directory_on_rcpt(struct ipc_call *call, const void *msg)
{
	const struct directory_rcpt *m = msg;
	struct question *q = question_new(call, m->address);

	q->d->rcpts++;
	q->rcpt = *m;
	q->rcpt.address = q->address;
	ask(q, rcpt_done);
}

void
directory_on_resolve(struct ipc_call *call, const void *msg)
{
	const struct directory_resolve *m = msg;
	struct directory *d = ((struct daemon *)call->ctx)->ctx;
	const struct kept *k =
		m->first == 0 ? NULL : kept_find(d, call->channel, m->address, m->reverse_path);
	struct question *q;

	d->resolves++;
	if (k != NULL) {
		answer_page(call->channel, call->id, &k->resolution, k->serial, m->first);
		return;
	}
	q = question_new(call, m->address);
	q->reverse_path = arena_bytes(&q->arena, m->reverse_path);
	q->has_sender = true;
	q->first = m->first;
	ask(q, resolve_done);
}

/* ---- HOP ---- */

static void
look_up_hop(struct directory_tables *t, void *arg)
{
	struct question *q = arg;
	const struct directory_hop hop = { q->address, q->reverse_path };

	route_hop(t, &q->arena, &hop, q->hop);
}

static void
hop_done(void *arg)
{
	struct question *q = arg;

	if (q->channel != NULL) {
		if (ipc_peer(q->channel) == SERVICE_CLI) /* whom logins will do */
			for (uint32_t i = 0; i < q->hop->count; i++)
				q->hop->alternatives[i].password = BYTES_NONE;
		directory_hop_answer_encode(ipc_compose(q->channel), q->hop);
		ipc_reply(q->channel, q->id, DIRECTORY_HOP_ANSWER, NULL, 0);
	}
	question_free(q);
}

void
directory_on_hop(struct ipc_call *call, const void *msg)
{
	const struct directory_hop *m = msg;
	struct question *q = question_new(call, m->next_hop);

	q->d->hops++;
	q->reverse_path = arena_bytes(&q->arena, m->reverse_path);
	q->hop = arena_zalloc(&q->arena, sizeof(*q->hop));
	if (directory_look_up(q->d, look_up_hop, hop_done, q))
		return;
	q->hop->status = DIRECTORY_HOP_TEMPORARY;
	hop_done(q);
}

void
directory_questions_peer_down(struct directory *d, const struct ipc_channel *peer)
{
	struct question *q;
	struct kept *k, *next;

	LIST_FOREACH (q, &d->questions, link)
		if (q->channel == peer)
			q->channel = NULL;
	for (k = TAILQ_FIRST(&d->kept); k != NULL; k = next) {
		next = TAILQ_NEXT(k, link);
		if (k->channel == peer)
			kept_free(d, k);
	}
}

void
directory_questions_stop(struct directory *d)
{
	while (!LIST_EMPTY(&d->questions))
		question_free(LIST_FIRST(&d->questions)); /* NOLINT: LIST_REMOVE, as elsewhere */
	while (!TAILQ_EMPTY(&d->kept))
		kept_free(d, TAILQ_FIRST(&d->kept)); /* NOLINT: the same */
}
