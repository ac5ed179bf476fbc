/* SPDX-License-Identifier: ISC */
/* mailauth/signer_keys.c - the keys that a signer has. Runs in mailauth-sign. Pure. */
#include "signer_keys.h"

#include <stdlib.h>

#include "err.h"

static void
drop(struct signer_domain *d)
{
	d->dropped = true;
	if (d->users > 0)
		return;
	for (unsigned t = 0; t < DKIM_KEY_TYPES; t++) {
		dkim_key_free(&d->keys[t].key);
		buf_free(&d->keys[t].pem);
	}
	free(d);
}

static size_t
place(const struct signer_keys *keys, struct bytes name)
{
	size_t low = 0, high = keys->n;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (bytes_compare(bytes_from_str(keys->v[middle]->name), name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool
is_at(const struct signer_keys *keys, size_t i, struct bytes name)
{
	return i < keys->n && bytes_is(name, keys->v[i]->name);
}

static void
remove_at(struct signer_keys *keys, size_t i)
{
	drop(keys->v[i]);
	keys->n--;
	memmove(keys->v + i, keys->v + i + 1, (keys->n - i) * sizeof(struct signer_domain *));
}

static void
insert_at(struct signer_keys *keys, size_t i, struct signer_domain *d)
{
	if (keys->n == keys->room) {
		keys->room = keys->room * 2 + 16;
		keys->v = xrealloc(keys->v, keys->room * sizeof(struct signer_domain *));
	}
	memmove(keys->v + i + 1, keys->v + i, (keys->n - i) * sizeof(struct signer_domain *));
	keys->v[i] = d;
	keys->n++;
}

void
signer_keys_begin(struct signer_keys *keys)
{
	keys->round++;
}

void
signer_keys_end(struct signer_keys *keys)
{
	for (size_t i = keys->n; i > 0; i--)
		if (keys->v[i - 1]->round != keys->round)
			remove_at(keys, i - 1);
}

void
signer_keys_take(struct signer_keys *keys, const struct dkim_key_set *set)
{
	struct signer_domain *d = xcalloc(1, sizeof(*d));
	const size_t i = place(keys, set->domain);
	bool any = false;

	bytes_to_str(set->domain, d->name, sizeof(d->name));
	d->round = keys->round;
	for (unsigned t = 0; t < DKIM_KEY_TYPES; t++) {
		any |= set->keys[t].selector.n > 0;
		bytes_to_str(
			set->keys[t].selector, d->keys[t].selector, sizeof(d->keys[t].selector));
		d->keys[t].pem = BUF_SECRET;
		buf_put_bytes(&d->keys[t].pem, set->keys[t].pem);
	}
	if (is_at(keys, i, set->domain))
		remove_at(keys, i);
	if (any)
		insert_at(keys, i, d);
	else
		drop(d);
}

struct signer_domain *
signer_keys_find(const struct signer_keys *keys, struct bytes name)
{
	const size_t i = place(keys, name);

	return is_at(keys, i, name) ? keys->v[i] : NULL;
}

struct signer_domain *
signer_keys_find_above(const struct signer_keys *keys, struct bytes name)
{
	struct signer_domain *d = NULL;

	while (name.n > 0 && (d = signer_keys_find(keys, name)) == NULL)
		(void)bytes_cut(&name, '.');
	return d;
}

struct signer_domain *
signer_domain_hold(struct signer_domain *d)
{
	d->users++;
	return d;
}

void
signer_domain_release(struct signer_domain **d)
{
	struct signer_domain *old = *d;

	*d = NULL;
	if (old != NULL && --old->users == 0 && old->dropped)
		drop(old);
}

size_t
signer_domain_keys(struct signer_domain *d, struct dkim_signing_key out[DKIM_KEY_TYPES])
{
	size_t n = 0;

	for (unsigned t = 0; t < DKIM_KEY_TYPES; t++) {
		if (d->keys[t].pem.len > 0)
			(void)!dkim_key_read(buf_bytes(&d->keys[t].pem), &d->keys[t].key);
		buf_free(&d->keys[t].pem);
		if (d->keys[t].key != NULL)
			out[n++] = (struct dkim_signing_key){ bytes_from_str(d->name),
				bytes_from_str(d->keys[t].selector), d->keys[t].key };
	}
	return n;
}

void
signer_keys_free(struct signer_keys *keys)
{
	while (keys->n > 0)
		remove_at(keys, keys->n - 1);
	free(keys->v);
	*keys = (struct signer_keys){ NULL, 0, 0, 0 };
}
