/* SPDX-License-Identifier: ISC */
/* mailauth/keeper_keys.c - the keys in order. Runs in dkim-keeper. Pure. */
#include "keeper_keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "err.h"

void
keeper_keys_free(struct keeper_keys *keys)
{
	for (size_t i = 0; i < keys->n; i++)
		keeper_key_free(&keys->v[i]);
	free(keys->v);
	*keys = (struct keeper_keys){ NULL, 0, 0 };
}

static int
compare(const struct keeper_key *key, struct bytes domain, struct bytes selector)
{
	const int r = bytes_compare(bytes_from_str(key->domain), domain);

	return r != 0 ? r : bytes_compare(bytes_from_str(key->selector), selector);
}

size_t
keeper_keys_at(const struct keeper_keys *keys, struct bytes domain, struct bytes selector)
{
	size_t low = 0, high = keys->n;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (compare(keys->v[middle], domain, selector) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct keeper_key *
keeper_keys_find(const struct keeper_keys *keys, struct bytes domain, struct bytes selector)
{
	const size_t i = keeper_keys_at(keys, domain, selector);

	return i < keys->n && compare(keys->v[i], domain, selector) == 0 ? keys->v[i] : NULL;
}

void
keeper_keys_insert(struct keeper_keys *keys, struct keeper_key *key)
{
	const size_t i =
		keeper_keys_at(keys, bytes_from_str(key->domain), bytes_from_str(key->selector));

	if (keys->n == keys->room) {
		keys->room = keys->room * 2 + 16;
		keys->v = xrealloc(keys->v, keys->room * sizeof(struct keeper_key *));
	}
	memmove(keys->v + i + 1, keys->v + i, (keys->n - i) * sizeof(struct keeper_key *));
	keys->v[i] = key;
	keys->n++;
}

void
keeper_keys_remove(struct keeper_keys *keys, struct keeper_key *key)
{
	const size_t i =
		keeper_keys_at(keys, bytes_from_str(key->domain), bytes_from_str(key->selector));

	ASSERT(i < keys->n && keys->v[i] == key);
	keys->n--;
	memmove(keys->v + i, keys->v + i + 1, (keys->n - i) * sizeof(struct keeper_key *));
	keeper_key_free(&key);
}

static bool
is_newer(const struct keeper_life *life, const struct keeper_life *than)
{
	return life->since_s > than->since_s ||
	       (life->since_s == than->since_s && life->created_s > than->created_s);
}

struct keeper_key *
keeper_keys_in_state(const struct keeper_keys *keys, struct bytes domain, enum dkim_key_type type,
	unsigned states, const struct keeper_key *other_than)
{
	struct keeper_key *best = NULL;

	for (size_t i = keeper_keys_at(keys, domain, BYTES_NONE); i < keys->n; i++) {
		struct keeper_key *key = keys->v[i];

		if (!bytes_is(domain, key->domain))
			break;
		if (key->type == type && (states & 1u << key->life.state) != 0 &&
			key != other_than && (best == NULL || is_newer(&key->life, &best->life)))
			best = key;
	}
	return best;
}

bool
keeper_keys_is_replaced(
	const struct keeper_keys *keys, const struct keeper_key *key, uint64_t now_s)
{
	const struct keeper_key *other = keeper_keys_in_state(
		keys, bytes_from_str(key->domain), key->type, KEEPER_SIGNS, key);

	return other != NULL && other->life.created_s > key->life.created_s &&
	       other->life.created_s <= now_s;
}

struct dkim_key_set
keeper_keys_set(const struct keeper_keys *keys, struct bytes domain)
{
	struct dkim_key_set set = { .domain = domain };

	for (unsigned type = 0; type < DKIM_KEY_TYPES; type++) {
		const struct keeper_key *key = keeper_keys_in_state(
			keys, domain, (enum dkim_key_type)type, KEEPER_SIGNS, NULL);

		if (key == NULL)
			continue;
		set.keys[type].selector = bytes_from_str(key->selector);
		set.keys[type].pem = buf_bytes(&key->pem);
	}
	return set;
}

/* "a" is 1, "z" 26, "aa" 27; 0: other words. */
static unsigned
number_of(struct bytes letters)
{
	unsigned n = 0;

	if (letters.n == 0 || letters.n > 4)
		return 0;
	for (size_t i = 0; i < letters.n; i++) {
		if (letters.p[i] < 'a' || letters.p[i] > 'z')
			return 0;
		n = n * 26 + (unsigned)(letters.p[i] - 'a' + 1);
	}
	return n;
}

void
keeper_keys_base(const struct keeper_keys *keys, struct bytes domain, uint64_t now_s, unsigned skip,
	char out[KEEPER_BASE_SIZE])
{
	const time_t now = (time_t)now_s;
	unsigned highest = 0;
	struct tm tm = { 0 };
	char year[8], letters[8];
	size_t at = sizeof(letters) - 1;

	gmtime_r(&now, &tm);
	snprintf(year, sizeof(year), "%04d", (tm.tm_year + 1900) % 10000);
	for (size_t i = keeper_keys_at(keys, domain, BYTES_NONE); i < keys->n; i++) {
		struct bytes selector = bytes_skip(bytes_from_str(keys->v[i]->selector), 1);
		unsigned n;

		if (!bytes_is(domain, keys->v[i]->domain))
			break;
		n = bytes_starts_with(selector, bytes_from_str(year))
			    ? number_of(bytes_skip(selector, 4))
			    : 0;
		highest = n > highest ? n : highest;
	}
	letters[at] = 0;
	for (unsigned n = highest + 1 + skip; n > 0 && at > 0; n = (n - 1) / 26)
		letters[--at] = (char)('a' + (n - 1) % 26);
	snprintf(out, KEEPER_BASE_SIZE, "%s%s", year, letters + at);
}
