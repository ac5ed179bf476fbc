/* SPDX-License-Identifier: ISC */
/*
 * mailauth/verifier_dns.c - a job's questions to resolver. What the answer sets going runs in the
 * job's name.
 *
 * A message asks four or five of them, and most mail comes from few domains: answers are kept for a
 * moment, no longer than their TTL, each name at its one place in a small table. A way to resolver
 * and back costs more than all that SPF and DMARC do with what it brings.
 *
 * Runs in:  mailauth-verify.
 * Trusts:   resolver that it answers; nothing of what the records say.
 */
#include <stdlib.h>

#include "clock.h"
#include "dns_link.h"
#include "guard.h"
#include "random.h"
#include "siphash.h"
#include "verifier.h"

#define KEPT_SLOTS  2048
#define KEPT_OCTETS 2048 /* of one answer; larger ones are rare, and asked for again */
#define KEPT_S      60   /* at most: who changes a record is to see it soon */

/* One answer, as it came. */
struct kept {
	uint64_t until_ms;
	uint16_t type;
	struct buf name, answer;
};

struct answers_kept {
	struct siphash_key key;
	struct kept slots[KEPT_SLOTS];
};

struct dns_question {
	LIST_ENTRY(dns_question) link;
	struct verifier *v;
	struct job *job; /* NULL: gone */
	mailauth_dns_fn *done;
	void *arg;
	uint16_t type;
	size_t n;
	uint8_t name[];
};

/* ---- what is known ---- */

struct answers_kept *
answers_kept_new(void)
{
	struct answers_kept *k = xcalloc(1, sizeof(*k));

	random_fill(&k->key, sizeof(k->key));
	return k;
}

void
answers_kept_free(struct answers_kept *k)
{
	for (size_t i = 0; i < KEPT_SLOTS; i++) {
		buf_free(&k->slots[i].name);
		buf_free(&k->slots[i].answer);
	}
	free(k);
}

static struct kept *
slot_of(struct answers_kept *k, uint16_t type, struct bytes name)
{
	return &k->slots[(siphash(&k->key, name) + type) % KEPT_SLOTS];
}

static void
keep(struct answers_kept *k, uint16_t type, struct bytes name, const struct dns_answer *a)
{
	struct kept *s = slot_of(k, type, name);

	if (a->ttl == 0 || dns_status_is_temporary(a->status) || a->status == DNS_BAD_NAME)
		return;
	buf_clear(&s->name);
	buf_clear(&s->answer);
	dns_answer_encode(&s->answer, a);
	if (s->answer.len > KEPT_OCTETS) {
		buf_free(&s->answer);
		return;
	}
	buf_put_bytes(&s->name, name);
	s->type = type;
	s->until_ms = clock_mono_ms() + (a->ttl < KEPT_S ? a->ttl : KEPT_S) * UINT64_C(1000);
}

/* true: done was called with it. */
static bool
answer_kept(
	struct answers_kept *k, uint16_t type, struct bytes name, mailauth_dns_fn *done, void *arg)
{
	const struct kept *s = slot_of(k, type, name);
	uint8_t octets[KEPT_OCTETS]; /* the slot may get another answer from within */
	struct ipc_reader in;
	struct dns_answer a;

	if (s->answer.len == 0 || s->type != type || !bytes_equal(buf_bytes(&s->name), name) ||
		clock_mono_ms() >= s->until_ms)
		return false;
	memcpy(octets, buf_bytes(&s->answer).p, s->answer.len);
	in = ipc_reader(bytes_make(octets, s->answer.len));
	if (dns_answer_decode(&in, &a) < 0)
		return false;
	done(arg, &a);
	return true;
}

/* ---- what is asked ---- */

static void
on_answer(void *arg, const struct dns_answer *answer)
{
	struct dns_question *q = arg;
	struct job *j = q->job;

	keep(q->v->kept, q->type, bytes_make(q->name, q->n), answer);
	if (j != NULL) {
		LIST_REMOVE(q, link);
		guard_enter(j->asker->channel, j->id);
	}
	q->done(q->arg, answer); /* the job may be gone behind it */
	if (j != NULL)
		guard_leave();
	free(q);
}

static void
ask(void *ctx, uint16_t type, struct bytes name, mailauth_dns_fn *done, void *arg)
{
	const uint64_t now = clock_mono_ms();
	const struct dns_answer late = { .status = DNS_TIMEOUT };
	struct job *j = ctx;
	struct dns_question *q;

	name = bytes_head(name, DNS_QUERY_NAME_MAX + 1); /* a longer one is refused in any case */
	if (answer_kept(j->v->kept, type, name, done, arg))
		return;
	/* at once: a check that asks on and on must not use up the time of what comes behind it */
	if (now >= j->ask_until_ms) {
		done(arg, &late);
		return;
	}
	q = xcalloc(1, sizeof(*q) + name.n);
	q->v = j->v;
	q->job = j;
	q->done = done;
	q->arg = arg;
	q->type = type;
	q->n = name.n;
	memcpy(q->name, name.p, name.n);
	LIST_INSERT_HEAD(&j->questions, q, link);
	dns_link_ask(j->v->resolver, DNS_QUERY,
		&(struct dns_query){ type, name, j->network->number },
		(unsigned)(j->ask_until_ms - now), on_answer, q);
}

void
job_dns_init(struct job *j)
{
	LIST_INIT(&j->questions);
	j->ask_until_ms = j->until_ms;
	j->dns = (struct mailauth_dns){ ask, j };
}

void
job_dns_forget(struct job *j)
{
	struct dns_question *q;

	while ((q = LIST_FIRST(&j->questions)) != NULL) {
		LIST_REMOVE(q, link);
		q->job = NULL;
	}
}
