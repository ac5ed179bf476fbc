/* SPDX-License-Identifier: ISC */
/*
 * ledger/attempts.c - leaking buckets of failures in tables of a fixed size, see the header.
 *
 * A table has sets of eight entries; an entry is known by a keyed 64-bit hash of what it counts.
 * A new one takes the place of the set's smallest count.
 */
#include "attempts.h"

#include <stdlib.h>

#include "random.h"
#include "siphash.h"

#define WAYS           8
#define ONE            1000u /* a failure, in units of a count */
#define LEVEL_MAX      (1000u * ONE * ONE)
#define OWNERS         4   /* logins to whom an address owes its failures */
#define GUESSES        4   /* wrong passwords remembered of an address */
#define UNDER_WAY_FREE 100 /* attempts at once of an address without failures */

/* So many failures of all together within this time are a storm: who is not known comes last. */
#define STORM_MS       10000
#define STORM_FAILURES 200

struct owed {
	uint32_t login; /* half a hash; 0: none */
	uint32_t level;
};

struct count {
	uint64_t key; /* 0: empty */
	uint64_t at_ms;
	uint32_t level; /* failures * ONE, as of at_ms */
	uint32_t pending;
	struct owed owed[OWNERS];
	uint64_t guesses[GUESSES];
	uint8_t next_owed, next_guess;
};

enum kind {
	KIND_ADDRESS,
	KIND_NETWORK,
	KIND_LOGIN,
	KINDS
};

struct table {
	struct count *counts;
	size_t sets; /* a power of two */
};

struct attempts {
	struct siphash_key key;
	struct table tables[KINDS];
	uint32_t storm; /* level of all failures */
	uint64_t storm_at_ms;
};

static void
table_init(struct table *t, size_t entries)
{
	t->sets = 1;
	while (t->sets * WAYS < entries)
		t->sets *= 2;
	t->counts = xcalloc(t->sets * WAYS, sizeof(*t->counts));
}

struct attempts *
attempts_new(size_t entries)
{
	struct attempts *a = xcalloc(1, sizeof(*a));

	random_fill(&a->key, sizeof(a->key));
	table_init(&a->tables[KIND_ADDRESS], entries);
	table_init(&a->tables[KIND_NETWORK], entries / 4);
	table_init(&a->tables[KIND_LOGIN], entries);
	return a;
}

void
attempts_free(struct attempts **ap)
{
	struct attempts *a = *ap;

	*ap = NULL;
	if (a == NULL)
		return;
	for (size_t i = 0; i < KINDS; i++)
		free(a->tables[i].counts);
	free(a);
}

struct ip_block
attempts_address_block(struct ip_block address)
{
	return ip_block_widen(address, address.family == 6 ? 64 : 32);
}

struct ip_block
attempts_network_block(struct ip_block address)
{
	return ip_block_widen(address, address.family == 6 ? 48 : 24);
}

/* ---- one count ---- */

static uint64_t
limit_of(const struct attempts_policy *p, enum kind kind)
{
	return kind == KIND_ADDRESS   ? p->address_limit
	       : kind == KIND_NETWORK ? p->network_limit
				      : p->login_limit;
}

static uint32_t
leaked(uint32_t level, uint64_t elapsed_ms, uint64_t limit, uint64_t window_ms)
{
	uint64_t lost;

	if (elapsed_ms >= window_ms || window_ms == 0)
		elapsed_ms = window_ms; /* a count over its limit is gone after a window too */
	lost = window_ms == 0 ? level : limit * ONE * elapsed_ms / window_ms;
	return lost >= level ? 0 : level - (uint32_t)lost;
}

static uint32_t
level_now(const struct count *c, const struct attempts_policy *p, enum kind kind, uint64_t now_ms)
{
	uint64_t elapsed = now_ms > c->at_ms ? now_ms - c->at_ms : 0;

	return leaked(c->level, elapsed, limit_of(p, kind), p->window_ms);
}

static void
bring_up_to(struct count *c, const struct attempts_policy *p, enum kind kind, uint64_t now_ms)
{
	c->level = level_now(c, p, kind, now_ms);
	c->at_ms = now_ms;
}

/* ---- finding ---- */

static uint64_t
key_of_block(const struct attempts *a, const struct ip_block *b)
{
	uint8_t octets[18] = { b->family, b->prefix };
	uint64_t key;

	memcpy(octets + 2, b->addr, sizeof(b->addr));
	key = siphash(&a->key, bytes_make(octets, sizeof(octets)));
	return key == 0 ? 1 : key;
}

static uint64_t
key_of_login(const struct attempts *a, struct bytes login)
{
	uint64_t key = siphash(&a->key, login);

	return key == 0 ? 1 : key;
}

static struct count *
find(const struct attempts *a, enum kind kind, uint64_t key)
{
	const struct table *t = &a->tables[kind];
	struct count *set = &t->counts[(key & (t->sets - 1)) * WAYS];

	for (size_t i = 0; i < WAYS; i++)
		if (set[i].key == key)
			return &set[i];
	return NULL;
}

/* Found, or made in the place of the one that counts least; of equals the oldest goes. */
static struct count *
take(struct attempts *a, const struct attempts_policy *p, enum kind kind, uint64_t key,
	uint64_t now_ms)
{
	struct table *t = &a->tables[kind];
	struct count *set = &t->counts[(key & (t->sets - 1)) * WAYS], *least = NULL;
	struct count *c = find(a, kind, key);
	uint64_t least_level = UINT64_MAX;

	for (size_t i = 0; c == NULL && i < WAYS; i++) {
		uint64_t level = level_now(&set[i], p, kind, now_ms) + set[i].pending;

		if (set[i].key == 0) {
			least = &set[i];
			break;
		}
		if (least == NULL || level < least_level ||
			(level == least_level && set[i].at_ms < least->at_ms)) {
			least = &set[i];
			least_level = level;
		}
	}
	if (c == NULL) {
		c = least;
		*c = (struct count){ .key = key };
	}
	bring_up_to(c, p, kind, now_ms);
	return c;
}

/* The counts that an attempt moves; NULL: none of that kind. */
struct counts {
	struct count *of[KINDS];
};

static void
take_all(struct attempts *a, const struct attempts_policy *p, const struct attempt *t,
	uint64_t now_ms, struct counts *out)
{
	*out = (struct counts){ { NULL } };
	if (t->address.family != 0) {
		struct ip_block b = attempts_address_block(t->address);
		struct ip_block net = attempts_network_block(t->address);

		out->of[KIND_ADDRESS] = take(a, p, KIND_ADDRESS, key_of_block(a, &b), now_ms);
		if (p->network_limit != 0)
			out->of[KIND_NETWORK] =
				take(a, p, KIND_NETWORK, key_of_block(a, &net), now_ms);
	}
	/* from a network known for the login it says nothing of an attack on the login */
	if (p->login_limit != 0 && !t->known)
		out->of[KIND_LOGIN] = take(a, p, KIND_LOGIN, key_of_login(a, t->login), now_ms);
}

/* ---- asking ---- */

/* The first failure waits delay_first_ms, each further one twice as long. */
static uint32_t
delay_after(const struct attempts_policy *p, uint64_t failures)
{
	uint64_t ms = p->delay_first_ms;

	while (failures-- > 0 && ms < p->delay_max_ms)
		ms *= 2;
	return (uint32_t)(ms < p->delay_max_ms ? ms : p->delay_max_ms);
}

static void
storm_up_to(struct attempts *a, uint64_t now_ms)
{
	uint64_t elapsed = now_ms > a->storm_at_ms ? now_ms - a->storm_at_ms : 0;

	a->storm = leaked(a->storm, elapsed, STORM_FAILURES, STORM_MS);
	a->storm_at_ms = now_ms;
}

static enum ledger_trust
trust_of(const struct attempts *a, const struct attempts_policy *p, const struct attempt *t,
	const struct counts *c)
{
	const struct count *net = c->of[KIND_NETWORK], *login = c->of[KIND_LOGIN];
	const struct count *address = c->of[KIND_ADDRESS];

	if (t->known)
		return LEDGER_TRUST_KNOWN;
	if (a->storm >= STORM_FAILURES * ONE || (address != NULL && address->level >= ONE) ||
		(net != NULL && net->level >= p->network_limit * ONE / 2) ||
		(login != NULL && login->level >= p->login_limit * ONE / 2))
		return LEDGER_TRUST_SUSPECT;
	return LEDGER_TRUST_NEUTRAL;
}

/* An address that has failed may not try more at once than it has failures left. */
static bool
too_many_at_once(const struct attempts_policy *p, const struct count *c)
{
	uint64_t left, used = c->level / ONE;

	if (c->pending == 0)
		return false;
	if (used == 0)
		return c->pending >= UNDER_WAY_FREE;
	left = used < p->address_limit ? p->address_limit - used : 1;
	return c->pending >= left;
}

void
attempts_try(struct attempts *a, const struct attempts_policy *p, const struct attempt *t,
	uint64_t now_ms, struct ledger_try_answer *out)
{
	struct counts c;
	const struct count *first;

	storm_up_to(a, now_ms);
	take_all(a, p, t, now_ms, &c);
	first = c.of[KIND_ADDRESS] != NULL ? c.of[KIND_ADDRESS] : c.of[KIND_LOGIN];
	*out = (struct ledger_try_answer){ .verdict = LEDGER_TRY_GO,
		.trust = trust_of(a, p, t, &c) };
	out->delay_ms = first == NULL ? (uint32_t)p->delay_first_ms
				      : delay_after(p, (first->level + ONE - 1) / ONE);
	if (!t->known && c.of[KIND_ADDRESS] != NULL && too_many_at_once(p, c.of[KIND_ADDRESS])) {
		out->verdict = LEDGER_TRY_LATER;
		return;
	}
	for (size_t i = 0; i < KINDS; i++)
		if (c.of[i] != NULL && c.of[i]->pending < UINT32_MAX)
			c.of[i]->pending++;
}

/* ---- how it came out ---- */

static void
owe(struct count *c, uint32_t login)
{
	for (size_t i = 0; i < OWNERS; i++)
		if (c->owed[i].login == login) {
			if (c->owed[i].level < LEVEL_MAX)
				c->owed[i].level += ONE;
			return;
		}
	c->owed[c->next_owed] = (struct owed){ login, ONE };
	c->next_owed = (uint8_t)((c->next_owed + 1) % OWNERS);
}

static void
forgive(struct count *c, uint32_t login)
{
	for (size_t i = 0; i < OWNERS; i++)
		if (c->owed[i].login == login) {
			uint32_t owed = c->owed[i].level;

			c->level = owed >= c->level ? 0 : c->level - owed;
			c->owed[i] = (struct owed){ 0, 0 };
		}
}

/* Was this very guess made before? Remembers it. */
static bool
repeats(struct count *c, uint64_t guess)
{
	if (guess == 0)
		return false;
	for (size_t i = 0; i < GUESSES; i++)
		if (c->guesses[i] == guess)
			return true;
	c->guesses[c->next_guess] = guess;
	c->next_guess = (uint8_t)((c->next_guess + 1) % GUESSES);
	return false;
}

/* One failure more. How many there were if that fills it, else 0. */
static uint32_t
add_failure(struct count *c, uint64_t limit)
{
	uint32_t failures;

	if (c->level < LEVEL_MAX)
		c->level += ONE;
	/* what leaked between the first and the last does not save the last */
	if (c->level <= (limit - 1) * ONE)
		return 0;
	failures = (c->level + ONE - 1) / ONE;
	c->level = 0;
	memset(c->owed, 0, sizeof(c->owed));
	return failures;
}

static uint32_t
half(uint64_t key)
{
	return (uint32_t)(key >> 32) | 1;
}

static void
tried_wrong(struct attempts *a, const struct attempts_policy *p, const struct attempt *t,
	struct counts *c, uint64_t guess, struct attempts_news *news)
{
	struct count *address = c->of[KIND_ADDRESS];

	if (address != NULL) {
		if (repeats(address, guess) && t->known)
			return;
		owe(address, half(key_of_login(a, t->login)));
		news->address = add_failure(address, p->address_limit);
	}
	if (c->of[KIND_NETWORK] != NULL)
		news->network = add_failure(c->of[KIND_NETWORK], p->network_limit);
	if (c->of[KIND_LOGIN] != NULL)
		news->login = add_failure(c->of[KIND_LOGIN], p->login_limit);
}

void
attempts_tried(struct attempts *a, const struct attempts_policy *p, const struct attempt *t,
	enum ledger_tried_result result, uint64_t guess, uint64_t now_ms,
	struct attempts_news *news)
{
	struct counts c;

	*news = (struct attempts_news){ 0 };
	take_all(a, p, t, now_ms, &c);
	for (size_t i = 0; i < KINDS; i++)
		if (c.of[i] != NULL && c.of[i]->pending > 0)
			c.of[i]->pending--;
	if (result == LEDGER_TRIED_WRONG && a->storm < 2 * STORM_FAILURES * ONE)
		a->storm += ONE;
	if (result == LEDGER_TRIED_WRONG)
		tried_wrong(a, p, t, &c, guess, news);
	if (result != LEDGER_TRIED_RIGHT)
		return;
	if (c.of[KIND_ADDRESS] != NULL)
		forgive(c.of[KIND_ADDRESS], half(key_of_login(a, t->login)));
}

void
attempts_forget_pending(struct attempts *a)
{
	for (size_t k = 0; k < KINDS; k++)
		for (size_t i = 0; i < a->tables[k].sets * WAYS; i++)
			a->tables[k].counts[i].pending = 0;
}

uint32_t
attempts_failures(const struct attempts *a, const struct attempts_policy *p,
	const struct ip_block *address, struct bytes login, uint64_t now_ms)
{
	enum kind kind = address == NULL ? KIND_LOGIN : KIND_ADDRESS;
	const struct count *c = NULL;

	if (address != NULL) {
		struct ip_block b = attempts_address_block(*address);

		c = find(a, kind, key_of_block(a, &b));
	} else
		c = find(a, kind, key_of_login(a, login));
	return c == NULL ? 0 : (level_now(c, p, kind, now_ms) + ONE - 1) / ONE;
}
