/* SPDX-License-Identifier: ISC */
/*
 * mailauth/keeper_watch.c - the passing of time: records are looked for in DNS, keys change their
 * state, old ones are replaced.
 *
 * However many keys there are, only some questions a second go to resolver.
 *
 * Runs in:  dkim-keeper.
 * Trusts:   DNS with nothing but whether a record is there: an attacker who can forge that makes
 *           a key active too early or too late, and learns nothing of it.
 */
#include <event2/event.h>
#include <stdlib.h>

#include "dkim_key.h"
#include "dns_link.h"
#include "err.h"
#include "keeper.h"
#include "log.h"

#define TICK_S       1
#define LOOKS_A_TICK 50
#define ASKING_MAX   64
#define PATIENCE_S   60 /* at most, after something could not be written */
#define COMPLAIN_S   86400

struct look {
	struct keeper *k;
	char domain[DKIM_DOMAIN_MAX + 1], selector[DKIM_SELECTOR_MAX + 1];
};

/* ---- changes of state ---- */

static int
save(struct keeper *k, struct keeper_key *key)
{
	int r = keeper_file_save(k->d->root_fd, key);

	key->unsaved = r < 0;
	if (r < 0) {
		k->failed_writes++;
		k->patience_s = keeper_now_s() +
				(k->times.check < PATIENCE_S ? k->times.check : PATIENCE_S);
		log_error("the state of DKIM key %s of %s can't be written: %m", key->selector,
			key->domain);
	}
	return r;
}

static void
tell_change(const struct keeper_key *key, enum dkim_key_state was)
{
	static const char *const notes[DKIM_KEY_STATES] = {
		[DKIM_PENDING] = ": its record is not to be seen in DNS, it signs nothing",
		[DKIM_PUBLISHED] = ": its record is there",
		[DKIM_ACTIVE] = ": it signs from now on",
		[DKIM_RETIRING] = ": it signs no more; leave its record where it is",
		[DKIM_GONE] = ": the key is erased; its record may be removed",
	};

	if (was == DKIM_ACTIVE && key->life.state == DKIM_PENDING)
		log_warning("DKIM key %s of %s was active and is pending%s", key->selector,
			key->domain, notes[DKIM_PENDING]);
	else
		log_info("DKIM key %s of %s is %s%s", key->selector, key->domain,
			dkim_key_state_name(key->life.state), notes[key->life.state]);
}

/* The one that signed before this one. It stops in any case: the disk follows later if need be. */
static void
replace_others(struct keeper *k, const struct keeper_key *key)
{
	struct bytes domain = bytes_from_str(key->domain);
	struct keeper_key *old;

	while ((old = keeper_keys_in_state(&k->keys, domain, key->type, KEEPER_SIGNS, key)) !=
		NULL) {
		keeper_life_enter(&old->life, &k->times, DKIM_RETIRING, keeper_now_s());
		(void)save(k, old);
		tell_change(old, DKIM_ACTIVE);
	}
}

/* key->life says the new state: make it true, or go back. */
static int
change(struct keeper *k, struct keeper_key *key, const struct keeper_life *before)
{
	const uint64_t now_s = keeper_now_s();
	enum dkim_key_state now;
	int r;

	/* an older one, pending while its record could not be seen, comes back too late */
	if (key->life.state == DKIM_ACTIVE && keeper_keys_is_replaced(&k->keys, key, now_s))
		keeper_life_enter(&key->life, &k->times, DKIM_RETIRING, now_s);
	now = key->life.state;
	if ((r = save(k, key)) < 0) {
		key->unsaved = false;
		key->life = *before;
		key->life.look_s = keeper_now_s() + k->times.check;
		return r;
	}
	k->changes++;
	tell_change(key, before->state);
	if (now == DKIM_ACTIVE)
		replace_others(k, key);
	if (now == DKIM_GONE)
		buf_free(&key->pem); /* wiped */
	if (now == DKIM_ACTIVE || before->state == DKIM_ACTIVE)
		keeper_tell(k, bytes_from_str(key->domain));
	return ERR_OK;
}

int
keeper_enter(struct keeper *k, struct keeper_key *key, enum dkim_key_state state)
{
	const struct keeper_life before = key->life;

	keeper_life_enter(&key->life, &k->times, state, keeper_now_s());
	return change(k, key, &before);
}

static void
happened(struct keeper *k, struct keeper_key *key, const struct keeper_life *before,
	enum keeper_event event)
{
	if (event == KEEPER_CHANGES)
		(void)change(k, key, before); /* said so; tried again with the next look */
	if (event == KEEPER_FORGET) {
		log_info("DKIM key %s of %s is forgotten: its record is gone", key->selector,
			key->domain);
		(void)keeper_forget(k, key);
	}
}

/* ---- DNS ---- */

/* Compared with the private key itself, so that no key signs beside a record of another one,
 * whatever its file says. */
static bool
publishes(struct bytes record, const struct keeper_key *key)
{
	struct dkim_key *secret;
	bool ours;

	if (dkim_key_read(buf_bytes(&key->pem), &secret) < 0) {
		log_error("DKIM key %s of %s is damaged", key->selector, key->domain);
		return false;
	}
	ours = dkim_key_is_published(secret, record);
	dkim_key_free(&secret);
	return ours;
}

static enum keeper_sight
sight_of(const struct keeper_key *key, const struct dns_answer *a)
{
	struct buf text = BUF_INIT;
	bool ours;

	if (a->status == DNS_NODATA || a->status == DNS_NXDOMAIN)
		return KEEPER_NOTHING;
	if (a->status != DNS_OK)
		return KEEPER_UNKNOWN;
	if (a->total != 1 || a->count != 1 || dns_txt_read(a->rdata[0], &text) < 0) {
		buf_free(&text);
		return KEEPER_OTHER; /* RFC 6376 sec. 3.6.2.2: with several nobody knows */
	}
	ours = key->life.state == DKIM_GONE ? bytes_equal(buf_bytes(&text), buf_bytes(&key->record))
					    : publishes(buf_bytes(&text), key);
	buf_free(&text);
	return ours ? KEEPER_OURS : KEEPER_OTHER;
}

/* Of one that signs. A DNS that is silent is silent for all of them. */
static void
tell_missing(struct keeper *k, const struct keeper_key *key, enum keeper_sight sight,
	const struct dns_answer *a)
{
	const char *what =
		sight == KEEPER_OTHER ? "there is another one" : dns_status_name(a->status);

	if (sight != KEEPER_UNKNOWN)
		log_warning("the record of DKIM key %s of %s, which signs, can't be seen: %s",
			key->selector, key->domain, what);
	else if (log_pace(&k->silence))
		log_warning(
			"records of DKIM keys that sign can't be seen (%u looks): %s, as for %s "
			"of %s",
			log_pace_times(&k->silence), what, key->selector, key->domain);
}

static void
on_answer(void *arg, const struct dns_answer *a)
{
	struct look *look = arg;
	struct keeper *k = look->k;
	struct keeper_key *key = keeper_keys_find(
		&k->keys, bytes_from_str(look->domain), bytes_from_str(look->selector));
	struct keeper_life before;
	enum keeper_sight sight;

	free(look);
	k->asking--;
	if (key == NULL)
		return; /* forgotten meanwhile */
	key->asking = false;
	before = key->life;
	sight = sight_of(key, a);
	k->unknowns += sight == KEEPER_UNKNOWN;
	if (sight != KEEPER_OURS && key->life.state == DKIM_ACTIVE)
		tell_missing(k, key, sight, a);
	happened(k, key, &before,
		keeper_life_seen(&key->life, &k->times, sight, a->ttl, keeper_now_s()));
}

static void
ask(struct keeper *k, struct keeper_key *key)
{
	struct look *look = xcalloc(1, sizeof(*look));
	char name[KEEPER_NAME_MAX + 1];

	look->k = k;
	memcpy(look->domain, key->domain, sizeof(look->domain));
	memcpy(look->selector, key->selector, sizeof(look->selector));
	keeper_key_name(key, name);
	key->asking = true;
	k->asking++;
	k->lookups++;
	dns_link_ask(k->resolver, keeper_life_is_watched(&key->life) ? DNS_QUERY_FRESH : DNS_QUERY,
		&(struct dns_query){ DNS_TYPE_TXT, bytes_from_str(name), 0 }, 0, on_answer, look);
}

/* ---- time ---- */

/* After a crash between two writes both may be active. */
static void
settle(struct keeper *k)
{
	for (size_t i = 0; i < k->keys.n; i++) {
		struct keeper_key *key = k->keys.v[i];

		if (key->life.state == DKIM_ACTIVE &&
			keeper_keys_in_state(&k->keys, bytes_from_str(key->domain), key->type,
				KEEPER_SIGNS, NULL) == key)
			replace_others(k, key);
	}
}

static bool
is_due(const struct keeper *k, const struct keeper_key *key)
{
	struct bytes domain = bytes_from_str(key->domain);

	return keeper_life_is_old(&key->life, &k->times, keeper_now_s()) &&
	       keeper_keys_in_state(&k->keys, domain, key->type, KEEPER_WAITING, NULL) == NULL;
}

/* One domain in a turn: an RSA key takes its time. */
static void
rotate(struct keeper *k, const struct keeper_key *key)
{
	char domain[DKIM_DOMAIN_MAX + 1];
	int r;

	memcpy(domain, key->domain, sizeof(domain));
	log_info("DKIM keys of %s are old enough: new ones are made", domain);
	r = keeper_make(k, bytes_from_str(domain), BYTES_NONE);
	if (r < 0) {
		log_error("no new DKIM keys for %s: %s", domain, err_text(r));
		k->patience_s = keeper_now_s() + PATIENCE_S;
	}
}

static void
complain(struct keeper *k, uint64_t now_s)
{
	size_t n = 0;
	const struct keeper_key *first = NULL;

	k->complained_s = k->complained_s < now_s ? k->complained_s : now_s;
	if (now_s < k->complained_s + COMPLAIN_S)
		return;
	k->complained_s = now_s;
	for (size_t i = 0; i < k->keys.n; i++) {
		const struct keeper_life *life = &k->keys.v[i]->life;

		if (life->state != DKIM_PENDING || now_s < life->since_s + COMPLAIN_S)
			continue;
		first = first == NULL ? k->keys.v[i] : first;
		n++;
	}
	if (n > 0)
		log_warning("%zu DKIM keys wait for their records, as %s of %s; \"relais dkim "
			    "list\" shows them",
			n, first->selector, first->domain);
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct keeper *k = arg;
	const uint64_t now_s = keeper_now_s();
	const struct keeper_key *old = NULL;
	unsigned looks = 0;

	UNUSED(fd);
	UNUSED(what);
	if (k->patience_s > now_s + PATIENCE_S) /* the clock was ahead */
		k->patience_s = now_s;
	for (size_t i = 0; i < k->keys.n; i++) {
		struct keeper_key *key = k->keys.v[i];
		struct keeper_life before;

		keeper_life_clock(&key->life, &k->times, now_s);
		before = key->life;
		if (now_s >= k->patience_s) {
			if (key->unsaved)
				(void)save(k, key);
			happened(k, key, &before, keeper_life_tick(&key->life, &k->times, now_s));
		}
		if (!key->asking && key->life.look_s <= now_s && looks < LOOKS_A_TICK &&
			k->asking < ASKING_MAX) {
			ask(k, key);
			looks++;
		}
		if (old == NULL && now_s >= k->patience_s && is_due(k, key))
			old = key;
	}
	if (old != NULL)
		rotate(k, old);
	complain(k, now_s);
}

void
keeper_watch_start(struct keeper *k)
{
	const struct timeval tv = { TICK_S, 0 };

	settle(k);
	k->complained_s = keeper_now_s();
	k->tick = event_new(k->d->base, -1, EV_PERSIST, on_tick, k);
	ASSERT(k->tick != NULL);
	event_add(k->tick, &tv);
}
