/* SPDX-License-Identifier: ISC */
/*
 * smtp-client/hop.c - what a next hop means: directory's answer to HOP, completed by our own
 * options, and remembered for some seconds.
 *
 * Runs in:  smtp-client.
 * Trusts:   directory. What is remembered goes when the link to it comes up again.
 */
#include <stdlib.h>

#include "client.h"
#include "clock.h"
#include "random.h"
#include "siphash.h"

#define CACHE_SLOTS 1024

struct hop_entry {
	struct bytes key;
	struct hop *hop;
	uint64_t until_ms;
};

struct hop_cache {
	struct siphash_key secret; /* keys are anybody's choice */
	struct hop_entry entries[CACHE_SLOTS];
};

struct hop *
hop_ref(struct hop *h)
{
	h->refs++;
	return h;
}

void
hop_free(struct hop **hp)
{
	struct hop *h = *hp;

	*hp = NULL;
	if (h == NULL || --h->refs > 0)
		return;
	for (unsigned i = 0; i < h->n; i++)
		explicit_bzero((void *)(uintptr_t)h->places[i].password.p, h->places[i].password.n);
	arena_reset(&h->arena);
	free(h);
}

/* ---- the answer's meaning ---- */

static bool
source_of(struct bytes told, const char *option, uint8_t family, struct ip_block *out)
{
	struct bytes text = told.n > 0 ? told : bytes_from_str(option);
	struct ip_block b;

	*out = (struct ip_block){ 0 };
	if (bytes_is_nocase(text, "none"))
		return false;
	if (text.n > 0 && ip_block_parse(text, &b) == ERR_OK && b.family == family)
		*out = b;
	return true;
}

static enum tls_level
level_of(const struct directory_hop_alternative *a, enum tls_level option)
{
	enum tls_level level = a->has_tls ? a->tls : option;

	if (a->tls_required && level < TLS_LEVEL_ENCRYPT)
		level = TLS_LEVEL_ENCRYPT;
	return level;
}

_Static_assert(TLS_LEVEL_NAMES_MAX <= TLS_CLIENT_NAMES_MAX, "none is left out");

static void
put_names(struct hop *h, struct place *p, struct bytes names)
{
	while (names.n > 0 && p->n_names < TLS_CLIENT_NAMES_MAX) {
		struct bytes name = bytes_cut(&names, ' ');

		if (name.n > 0)
			p->names[p->n_names++] = arena_str(&h->arena, name);
	}
}

static struct bytes
text_of(struct hop *h, struct bytes b)
{
	return bytes_make(arena_str(&h->arena, b), b.n);
}

/* All that tells one kind of connection from another. (A login is the same by another password.) */
static struct bytes
key_of(struct hop *h, const struct place *p, struct bytes names)
{
	struct buf key = BUF_INIT;
	struct bytes kept;

	buf_printf(&key, "%d/%d/%u/%d/%d/", (int)p->protocol, (int)p->kind, (unsigned)p->port,
		(int)p->tls, p->tls_required);
	buf_put(&key, h->source, sizeof(h->source));
	buf_put(&key, h->use, sizeof(h->use));
	buf_put_bytes(&key, p->host);
	buf_put_u8(&key, 0);
	buf_put_bytes(&key, names);
	buf_put_u8(&key, 0);
	buf_put_bytes(&key, p->login);
	buf_put_u8(&key, 0);
	buf_put_str(&key, h->helo);
	kept = arena_bytes(&h->arena, buf_bytes(&key));
	buf_free(&key);
	return kept;
}

static void
place_make(struct hop *h, struct place *p, const struct directory_hop_alternative *a,
	const struct smtp_client_conf *conf, enum tls_level level)
{
	*p = (struct place){ .protocol = a->protocol,
		.kind = a->kind,
		.host = text_of(h, a->host),
		.port = a->port != 0 ? a->port : (uint16_t)conf->port,
		.tls = level_of(a, level),
		.tls_required = a->tls_required,
		.login = text_of(h, a->login),
		.password = text_of(h, a->password) };
	if (a->kind == NEXT_HOP_UNIX) {
		p->port = 0;
		p->tls = TLS_LEVEL_NONE;
		p->tls_required = false;
	}
	put_names(h, p, a->tls_names);
	p->key = key_of(h, p, a->tls_names);
}

struct hop *
hop_make(const struct directory_hop_answer *a, const struct smtp_client_conf *conf,
	enum tls_level level, const char *hostname)
{
	struct hop *h = xcalloc(1, sizeof(*h));

	h->refs = 1;
	h->is_bad = a->status == DIRECTORY_HOP_BAD;
	h->use[0] = source_of(a->source_ipv4, conf->source_ipv4, 4, &h->source[0]);
	h->use[1] = source_of(a->source_ipv6, conf->source_ipv6, 6, &h->source[1]);
	h->helo = a->helo.n > 0
			  ? arena_str(&h->arena, a->helo)
			  : arena_str(&h->arena,
				    bytes_from_str(conf->helo[0] != 0 ? conf->helo : hostname));
	for (uint32_t i = 0; i < a->count; i++)
		place_make(h, &h->places[h->n++], &a->alternatives[i], conf, level);
	return h;
}

/* ---- asked, and remembered ---- */

struct hop_cache *
hop_cache_new(void)
{
	struct hop_cache *cache = xcalloc(1, sizeof(*cache));

	random_fill(&cache->secret, sizeof(cache->secret));
	return cache;
}

static void
forget(struct hop_entry *e)
{
	free((void *)(uintptr_t)e->key.p);
	hop_free(&e->hop);
	*e = (struct hop_entry){ 0 };
}

void
hop_cache_clear(struct hop_cache *cache)
{
	for (size_t i = 0; i < CACHE_SLOTS; i++)
		forget(&cache->entries[i]);
}

static struct hop_entry *
entry_for(struct hop_cache *cache, struct bytes key)
{
	return &cache->entries[siphash(&cache->secret, key) % CACHE_SLOTS];
}

struct question {
	struct client *c;
	hop_done_fn *done;
	void *arg;
	size_t n;
	uint8_t key[];
};

static void
remember(struct question *q, struct hop *h)
{
	struct bytes key = bytes_make(q->key, q->n);
	struct hop_entry *e = entry_for(q->c->hops, key);
	uint8_t *copy;

	if (q->c->conf->hop_cache_time == 0)
		return;
	forget(e);
	copy = xcalloc(1, q->n);
	memcpy(copy, q->key, q->n);
	*e = (struct hop_entry){ .key = bytes_make(copy, q->n),
		.hop = hop_ref(h),
		.until_ms = clock_mono_ms() + q->c->conf->hop_cache_time };
}

static void
on_answer(void *arg, const struct ipc_answer *answer)
{
	struct question *q = arg;
	struct ipc_reader in = ipc_reader(answer->body);
	struct directory_hop_answer *a = xcalloc(1, sizeof(*a));
	struct hop *h = NULL;

	if (answer->err == ERR_OK && answer->type == DIRECTORY_HOP_ANSWER &&
		directory_hop_answer_decode(&in, a) == ERR_OK &&
		a->status != DIRECTORY_HOP_TEMPORARY) {
		h = hop_make(a, q->c->conf, q->c->tls_level, q->c->d->common->hostname);
		remember(q, h);
	}
	free(a);
	q->done(q->arg, h);
	free(q);
}

void
hop_find(struct client *c, struct bytes next_hop, struct bytes reverse_path, hop_done_fn *done,
	void *arg)
{
	size_t n = next_hop.n + 1 + reverse_path.n;
	struct question *q = xcalloc(1, sizeof(*q) + n);
	const struct hop_entry *e;

	memcpy(q->key, next_hop.p, next_hop.n);
	if (reverse_path.n > 0)
		memcpy(q->key + next_hop.n + 1, reverse_path.p, reverse_path.n);
	e = entry_for(c->hops, bytes_make(q->key, n));
	if (e->hop != NULL && bytes_equal(e->key, bytes_make(q->key, n)) &&
		clock_mono_ms() < e->until_ms) {
		free(q);
		done(arg, hop_ref(e->hop));
		return;
	}
	q->c = c;
	q->done = done;
	q->arg = arg;
	q->n = n;
	directory_hop_encode(link_compose(c->directory),
		&(struct directory_hop){ .next_hop = next_hop,
			.reverse_path = bytes_head(reverse_path, DIRECTORY_ADDRESS_MAX) });
	link_request(c->directory, DIRECTORY_HOP, NULL, 0, HOP_TIMEOUT_MS, on_answer, q);
}
