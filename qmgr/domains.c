/* SPDX-License-Identifier: ISC */
/*
 * qmgr/domains.c - see the header: a hash table with chains, keyed, for strangers choose the
 * domains.
 *
 * Runs in:  qmgr. Pure.
 */
#include "domains.h"

#include <stdlib.h>

#include "random.h"

struct domain {
	uint32_t refs, next; /* next in its bucket, or of those that are unused */
	uint8_t n;
	uint8_t text[];
};

void
domains_free(struct domains *d)
{
	for (uint32_t i = 1; i < d->n; i++)
		free(d->by_number[i]);
	free(d->by_number);
	free(d->buckets);
	memset(d, 0, sizeof(*d));
}

struct bytes
address_domain(struct bytes address)
{
	const size_t at = bytes_find_last(address, '@');

	return at == BYTES_NOT_FOUND ? BYTES_NONE : bytes_skip(address, at + 1);
}

/* Lower case, not too long. */
static struct bytes
plain(struct bytes name, uint8_t out[DOMAIN_TEXT_MAX])
{
	name = bytes_head(name, DOMAIN_TEXT_MAX);
	for (size_t i = 0; i < name.n; i++)
		out[i] = ascii_lower(name.p[i]);
	return bytes_make(out, name.n);
}

static uint32_t *
bucket_of(const struct domains *d, struct bytes name)
{
	return &d->buckets[siphash(&d->key, name) & (d->n_buckets - 1)];
}

static struct bytes
text_of(const struct domain *e)
{
	return bytes_make(e->text, e->n);
}

struct bytes
domains_name(const struct domains *d, uint32_t number)
{
	if (number == DOMAINS_EMPTY || number >= d->n)
		return BYTES_NONE;
	return text_of(d->by_number[number]);
}

static uint32_t
find(const struct domains *d, struct bytes name)
{
	uint32_t i;

	if (d->n_buckets == 0)
		return DOMAINS_NOBODY;
	for (i = *bucket_of(d, name); i != 0; i = d->by_number[i]->next)
		if (bytes_equal(text_of(d->by_number[i]), name))
			return i;
	return DOMAINS_NOBODY;
}

uint32_t
domains_find(const struct domains *d, struct bytes name)
{
	uint8_t text[DOMAIN_TEXT_MAX];

	return name.n == 0 ? DOMAINS_EMPTY : find(d, plain(name, text));
}

static void
grow_buckets(struct domains *d)
{
	if (d->n_buckets == 0)
		random_fill(&d->key, sizeof(d->key));
	d->n_buckets = d->n_buckets == 0 ? 64 : 2 * d->n_buckets;
	free(d->buckets);
	d->buckets = xcalloc(d->n_buckets, sizeof(*d->buckets));
	for (uint32_t i = 1; i < d->n; i++) {
		uint32_t *bucket;

		if (d->by_number[i]->refs == 0)
			continue;
		bucket = bucket_of(d, text_of(d->by_number[i]));
		d->by_number[i]->next = *bucket;
		*bucket = i;
	}
}

/* A number nobody has. */
static uint32_t
unused_number(struct domains *d)
{
	const uint32_t number = d->unused;

	if (number != 0) {
		d->unused = d->by_number[number]->next;
		free(d->by_number[number]);
		return number;
	}
	if (d->n == 0)
		d->n = 1;
	if (d->n >= d->cap) {
		d->cap = d->cap == 0 ? 64 : 2 * d->cap;
		d->by_number = xrealloc(d->by_number, d->cap * sizeof(*d->by_number));
	}
	return d->n++;
}

uint32_t
domains_take(struct domains *d, struct bytes name)
{
	uint8_t text[DOMAIN_TEXT_MAX];
	uint32_t number, *bucket;
	struct domain *e;

	if (name.n == 0)
		return DOMAINS_EMPTY;
	name = plain(name, text);
	number = find(d, name);
	if (number != DOMAINS_NOBODY) {
		d->by_number[number]->refs++;
		return number;
	}
	if (d->live >= d->n_buckets)
		grow_buckets(d);
	number = unused_number(d);
	e = d->by_number[number] = xcalloc(1, sizeof(*e) + name.n);
	e->refs = 1;
	e->n = (uint8_t)name.n;
	memcpy(e->text, name.p, name.n);
	bucket = bucket_of(d, name);
	e->next = *bucket;
	*bucket = number;
	d->live++;
	return number;
}

void
domains_keep(struct domains *d, uint32_t number)
{
	if (number != DOMAINS_EMPTY && number != DOMAINS_SEVERAL)
		d->by_number[number]->refs++;
}

void
domains_release(struct domains *d, uint32_t number)
{
	struct domain *e;
	uint32_t *at;

	if (number == DOMAINS_EMPTY || number == DOMAINS_SEVERAL)
		return;
	ASSERT(number < d->n && d->by_number[number]->refs > 0);
	e = d->by_number[number];
	if (--e->refs > 0)
		return;
	at = bucket_of(d, text_of(e));
	while (*at != number)
		at = &d->by_number[*at]->next;
	*at = e->next;
	e->next = d->unused;
	d->unused = number;
	d->live--;
}

size_t
domains_memory(const struct domains *d)
{
	/* 24: a short domain, and what malloc adds */
	return d->n * (sizeof(struct domain) + 24) + d->cap * sizeof(*d->by_number) +
	       d->n_buckets * sizeof(*d->buckets);
}
