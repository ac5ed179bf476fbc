/* SPDX-License-Identifier: ISC */
/*
 * mailauth/keeper_orders.c - new keys, and the operator's other orders.
 *
 * Runs in:  dkim-keeper.
 * Trusts:   the operator; names are checked all the same, for they become names of files.
 */
#include <stdio.h>

#include "dkim_key.h"
#include "err.h"
#include "keeper.h"
#include "log.h"

#define BASES_MAX 30 /* of selectors, tried for one pair */

static const char prefixes[DKIM_KEY_TYPES] = { [DKIM_KEY_RSA] = 'r', [DKIM_KEY_ED25519] = 'e' };

static bool
has(const struct keeper *k, struct bytes domain, enum dkim_key_type type, unsigned states)
{
	return keeper_keys_in_state(&k->keys, domain, type, states, NULL) != NULL;
}

static struct bytes
selector_of(enum dkim_key_type type, struct bytes base, char out[DKIM_SELECTOR_MAX + 2])
{
	const int n = snprintf(out, DKIM_SELECTOR_MAX + 2, "%c%.*s", prefixes[type], (int)base.n,
		(const char *)base.p);

	return bytes_make(out, n < 0 ? 0 : (size_t)n);
}

static struct keeper_key *
make_one(struct keeper *k, struct bytes domain, struct bytes selector, enum dkim_key_type type)
{
	struct keeper_key *key = keeper_key_new(domain, selector, type);
	struct dkim_key *secret;

	if (dkim_key_generate(type, &key->pem) < 0 ||
		dkim_key_read(buf_bytes(&key->pem), &secret) < 0) {
		keeper_key_free(&key);
		return NULL;
	}
	dkim_key_record(secret, &key->record);
	dkim_key_free(&secret);
	key->life.created_s = keeper_now_s();
	keeper_life_begin(&key->life, &k->times, key->life.created_s, 0);
	keeper_life_enter(&key->life, &k->times, DKIM_PENDING, key->life.created_s);
	return key;
}

static int
add_one(struct keeper *k, struct bytes domain, struct bytes selector, enum dkim_key_type type)
{
	struct keeper_key *key = make_one(k, domain, selector, type);
	int r;

	if (key == NULL)
		return ERR_RESOURCE;
	if ((r = keeper_file_create(k->d->root_fd, key)) < 0) {
		k->failed_writes++;
		log_error("a new DKIM key for %s can't be written: %s", key->domain, err_text(r));
		keeper_key_free(&key);
		return r;
	}
	keeper_keys_insert(&k->keys, key);
	k->made++;
	log_info("DKIM key %s of %s is pending: publish %s._domainkey.%s TXT \"%s\"", key->selector,
		key->domain, key->selector, key->domain, buf_str(&key->record));
	return ERR_OK;
}

/* Not the name of a file that did not read, either? ERR_EXISTS: it is; an error */
static int
is_free(const struct keeper *k, struct bytes domain, struct bytes selector, enum dkim_key_type type)
{
	struct keeper_key *key = keeper_key_new(domain, selector, type);
	int r = keeper_file_is_free(k->d->root_fd, key);

	keeper_key_free(&key);
	return r;
}

static int
make_with(struct keeper *k, struct bytes domain, struct bytes base)
{
	char names[DKIM_KEY_TYPES][DKIM_SELECTOR_MAX + 2];
	struct bytes selectors[DKIM_KEY_TYPES];
	int r = ERR_OK;

	if (k->keys.n + DKIM_KEY_TYPES > KEEPER_KEYS_MAX || base.n >= DKIM_SELECTOR_MAX)
		return ERR_LIMIT;
	for (unsigned t = 0; t < DKIM_KEY_TYPES; t++) {
		selectors[t] = selector_of((enum dkim_key_type)t, base, names[t]);
		if (!keeper_domain_ok(domain) || !keeper_selector_ok(domain, selectors[t]))
			return ERR_SYNTAX;
		if (keeper_keys_find(&k->keys, domain, selectors[t]) != NULL)
			return ERR_EXISTS;
		if ((r = is_free(k, domain, selectors[t], (enum dkim_key_type)t)) < 0)
			return r;
	}
	for (unsigned t = 0; t < DKIM_KEY_TYPES && r == ERR_OK; t++)
		if (!has(k, domain, (enum dkim_key_type)t, KEEPER_WAITING))
			r = add_one(k, domain, selectors[t], (enum dkim_key_type)t);
	if (r < 0 && keeper_keys_find(&k->keys, domain, selectors[0]) != NULL)
		(void)keeper_forget(k, keeper_keys_find(&k->keys, domain, selectors[0]));
	return r;
}

int
keeper_make(struct keeper *k, struct bytes domain, struct bytes base)
{
	char next[KEEPER_BASE_SIZE];
	int r = ERR_EXISTS;

	if (base.n > 0)
		return make_with(k, domain, base);
	/* names of files that did not read are taken, too */
	for (unsigned skip = 0; skip < BASES_MAX && r == ERR_EXISTS; skip++) {
		keeper_keys_base(&k->keys, domain, keeper_now_s(), skip, next);
		r = make_with(k, domain, bytes_from_str(next));
	}
	return r;
}

int
keeper_forget(struct keeper *k, struct keeper_key *key)
{
	int r = keeper_file_remove(k->d->root_fd, key);

	if (r < 0) {
		k->failed_writes++;
		log_error("DKIM key %s of %s can't be removed: %m", key->selector, key->domain);
		return r;
	}
	keeper_keys_remove(&k->keys, key);
	return ERR_OK;
}

/* ---- orders ---- */

struct verdict {
	int err;
	const char *words;
};

static bool
has_any(const struct keeper *k, struct bytes domain, unsigned states)
{
	return has(k, domain, DKIM_KEY_RSA, states) || has(k, domain, DKIM_KEY_ED25519, states);
}

static struct verdict
make(struct keeper *k, const struct dkim_keeper_order *m)
{
	int r = keeper_make(k, m->domain, m->selector);

	return (struct verdict){ r, r == ERR_SYNTAX ? "not a domain's or a selector's name"
				    : r == ERR_EXISTS
					    ? "there is a key, or a file, with this selector"
					    : "" };
}

static struct verdict
do_new(struct keeper *k, const struct dkim_keeper_order *m)
{
	if (has_any(k, m->domain, KEEPER_WAITING))
		return (struct verdict){ ERR_EXISTS,
			"there are keys that wait for their records: publish these" };
	if (has_any(k, m->domain, KEEPER_SIGNS))
		return (struct verdict){ ERR_EXISTS,
			"the domain has active keys; \"relais dkim rotate\" makes new ones" };
	return make(k, m);
}

static struct verdict
do_rotate(struct keeper *k, const struct dkim_keeper_order *m)
{
	bool wanted = false;

	/* who publishes one type only is not kept from rotating it */
	for (unsigned t = 0; t < DKIM_KEY_TYPES; t++)
		wanted |= has(k, m->domain, (enum dkim_key_type)t, KEEPER_SIGNS) &&
			  !has(k, m->domain, (enum dkim_key_type)t, KEEPER_WAITING);
	if (wanted)
		return make(k, m);
	if (has_any(k, m->domain, KEEPER_SIGNS))
		return (struct verdict){ ERR_EXISTS,
			"there are new keys already: publish their records" };
	return (struct verdict){ ERR_NOT_FOUND,
		"the domain has no active key; \"relais dkim new\" makes the first ones" };
}

static struct verdict
do_retire(struct keeper *k, const struct dkim_keeper_order *m)
{
	struct keeper_key *key = keeper_keys_find(&k->keys, m->domain, m->selector);

	if (key == NULL)
		return (struct verdict){ ERR_NOT_FOUND, "there is no such key" };
	if (key->life.state != DKIM_ACTIVE)
		return (struct verdict){ ERR_DENIED, "only a key that signs can be retired" };
	return (struct verdict){ keeper_enter(k, key, DKIM_RETIRING), "" };
}

static struct verdict
do_remove(struct keeper *k, const struct dkim_keeper_order *m)
{
	struct keeper_key *key = keeper_keys_find(&k->keys, m->domain, m->selector);

	if (key == NULL)
		return (struct verdict){ ERR_NOT_FOUND, "there is no such key" };
	if (key->life.state == DKIM_ACTIVE)
		return (struct verdict){ ERR_DENIED, "the key signs: retire it first" };
	if (key->life.state == DKIM_RETIRING)
		return (struct verdict){ ERR_DENIED,
			"mail on its way needs the record; the key goes by itself" };
	log_info("DKIM key %s of %s is removed by order", key->selector, key->domain);
	return (struct verdict){ keeper_forget(k, key), "" };
}

void
keeper_on_order(struct ipc_call *call, const void *msg)
{
	static struct verdict (*const orders[DKIM_ORDERS])(
		struct keeper *, const struct dkim_keeper_order *) = {
		[DKIM_ORDER_NEW] = do_new,
		[DKIM_ORDER_ROTATE] = do_rotate,
		[DKIM_ORDER_RETIRE] = do_retire,
		[DKIM_ORDER_REMOVE] = do_remove,
	};
	const struct dkim_keeper_order *m = msg;
	const struct daemon *daemon = call->ctx;
	struct verdict v = orders[m->order](daemon->ctx, m);
	struct dkim_keeper_order_answer answer = { v.err, bytes_from_str(v.words) };

	if (v.err == ERR_OK)
		answer.words = BYTES_NONE;
	dkim_keeper_order_answer_encode(ipc_compose(call->channel), &answer);
	ipc_reply(call->channel, call->id, DKIM_KEEPER_ORDER_ANSWER, NULL, 0);
}
