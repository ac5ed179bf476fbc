/* SPDX-License-Identifier: ISC */
/*
 * keyholder/key_store.c - certificates by name (RFC 6066 sec. 3, RFC 6125 sec. 6.4), keys by
 * their number.
 *
 * Two sorted arrays: thousands of names are found in a dozen steps.
 */
#include "key_store.h"

#include <stdlib.h>
#include <string.h>

#include "tls_name.h"

struct named {
	const char *pattern;
	uint32_t held;
};

struct key_store {
	struct held *held;
	size_t count;
	struct named *names; /* sorted by pattern, then in the order of adding */
	size_t nnames;
	uint32_t *by_key; /* sorted by key id */
	char default_name[TLS_NAME_SIZE];
};

struct key_store *
key_store_new(void)
{
	return xcalloc(1, sizeof(struct key_store));
}

void
key_store_free(struct key_store **sp)
{
	struct key_store *s = *sp;

	*sp = NULL;
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->count; i++) {
		signer_free(&s->held[i].signer);
		cert_pair_free(&s->held[i].pair);
	}
	free(s->held);
	free(s->names);
	free(s->by_key);
	free(s);
}

void
key_store_add(struct key_store *s, struct cert_pair *pair)
{
	s->held = xrealloc(s->held, (s->count + 1) * sizeof(*s->held));
	s->held[s->count++] = (struct held){ .pair = pair, .signer = signer_new(pair) };
}

static int
compare_names(const void *a, const void *b)
{
	const struct named *x = a, *y = b;
	int r = strcmp(x->pattern, y->pattern);

	return r != 0 ? r : (x->held > y->held) - (x->held < y->held);
}

static int
compare_keys(const void *a, const void *b, void *arg)
{
	const struct held *held = arg;

	return memcmp(held[*(const uint32_t *)a].pair->key_id,
		held[*(const uint32_t *)b].pair->key_id, TLS_KEY_ID_SIZE);
}

/* The first entry of this pattern; nnames if there is none. */
static size_t
find_pattern(const struct key_store *s, const char *pattern)
{
	size_t low = 0, high = s->nnames;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (strcmp(s->names[mid].pattern, pattern) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low < s->nnames && strcmp(s->names[low].pattern, pattern) == 0 ? low : s->nnames;
}

struct choice {
	uint32_t ec, rsa; /* + 1; 0: none */
};

static void
consider(const struct key_store *s, struct choice *c, uint32_t i)
{
	const struct cert_pair *pair = s->held[i].pair;
	uint32_t *place = pair->type == TLS_KEY_RSA ? &c->rsa : &c->ec;

	if (*place == 0 || s->held[*place - 1].pair->not_after < pair->not_after)
		*place = i + 1;
}

static struct choice
choose_pattern(const struct key_store *s, const char *pattern)
{
	struct choice c = { 0, 0 };

	for (size_t i = find_pattern(s, pattern);
		i < s->nnames && strcmp(s->names[i].pattern, pattern) == 0; i++)
		consider(s, &c, s->names[i].held);
	return c;
}

/* The name itself, then the wildcard above it. */
static struct choice
choose_name(const struct key_store *s, const char *name)
{
	char pattern[TLS_NAME_SIZE + 1];
	const char *dot = strchr(name, '.');
	struct choice c = choose_pattern(s, name);

	if ((c.ec == 0 && c.rsa == 0) && dot != NULL) {
		pattern[0] = '*';
		memcpy(pattern + 1, dot, strlen(dot) + 1);
		c = choose_pattern(s, pattern);
	}
	return c;
}

void
key_store_index(struct key_store *s, const char *hostname)
{
	s->nnames = 0;
	s->by_key = xrealloc(s->by_key, s->count * sizeof(*s->by_key));
	for (size_t i = 0; i < s->count; i++)
		s->nnames += s->held[i].pair->nnames;
	s->names = xrealloc(s->names, s->nnames * sizeof(*s->names));
	for (size_t i = 0, n = 0; i < s->count; i++) {
		s->by_key[i] = (uint32_t)i;
		for (size_t k = 0; k < s->held[i].pair->nnames; k++)
			s->names[n++] = (struct named){ s->held[i].pair->names[k], (uint32_t)i };
	}
	if (s->nnames > 0)
		qsort(s->names, s->nnames, sizeof(*s->names), compare_names);
	if (s->count > 0)
		qsort_r(s->by_key, s->count, sizeof(*s->by_key), compare_keys, s->held);
	if (tls_name_clean(bytes_from_str(hostname), s->default_name) < 0)
		s->default_name[0] = 0;
}

size_t
key_store_count(const struct key_store *s)
{
	return s->count;
}

struct held *
key_store_at(struct key_store *s, size_t i)
{
	return &s->held[i];
}

struct held *
key_store_key(struct key_store *s, const uint8_t key_id[TLS_KEY_ID_SIZE])
{
	size_t low = 0, high = s->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		struct held *h = &s->held[s->by_key[mid]];
		int r = memcmp(h->pair->key_id, key_id, TLS_KEY_ID_SIZE);

		if (r == 0)
			return h;
		if (r < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

unsigned
key_store_choose(struct key_store *s, struct bytes name, struct held *out[2], uint32_t *set)
{
	char clean[TLS_NAME_SIZE];
	struct choice c = { 0, 0 };
	unsigned n = 0;

	if (name.n > 0 && tls_name_clean(name, clean) > 0)
		c = choose_name(s, clean);
	if (c.ec == 0 && c.rsa == 0 && s->default_name[0] != 0)
		c = choose_name(s, s->default_name);
	if (c.ec == 0 && c.rsa == 0 && s->count > 0)
		consider(s, &c, 0);
	*set = c.ec << 16 | c.rsa;
	if (c.ec != 0)
		out[n++] = &s->held[c.ec - 1];
	if (c.rsa != 0)
		out[n++] = &s->held[c.rsa - 1];
	return n;
}
