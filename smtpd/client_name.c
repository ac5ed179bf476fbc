/* SPDX-License-Identifier: ISC */
/*
 * smtpd/client_name.c - a client's name: PTR, then does that name have this address?
 *
 * Clients come again: what was found is kept in a small table, each address at its one place, so
 * that most connections cost no question. The table is no larger whoever connects.
 *
 * Runs in:  smtpd, submission.
 * Trusts:   nothing in DNS: who owns an address may call it anything, hence the second look.
 */
#include "client_name.h"

#include <netinet/in.h>
#include <stdlib.h>

#include "clock.h"
#include "ip_block.h"
#include "random.h"
#include "siphash.h"

#define CACHE_SLOTS    1024
#define CACHE_LEAST_MS 60000 /* a TTL of nothing would have us ask at each connection */
#define CACHE_MOST_MS  3600000
#define CACHE_WORRY_MS 20000 /* the same when nothing was known */
#define LOOKUP_MS      10000 /* for all its questions together */
#define LOOKUPS_MAX    2000  /* under way */
#define NAMES_MAX      3     /* of one address that are looked at */

struct address {
	uint8_t octets[16];
	uint8_t n; /* 4 or 16; 0: none */
};

struct slot {
	struct address address;
	uint64_t until_ms;
	char *name; /* NULL: none */
};

struct client_names {
	struct daemon *d;
	struct link *resolver;
	struct siphash_key key;
	size_t under_way;
	struct slot slots[CACHE_SLOTS];
};

struct client_name {
	struct client_names *names;
	client_name_fn *done; /* NULL: forgotten */
	void *arg;
	struct address address;
	uint64_t until_ms;
	uint32_t ttl;
	uint32_t at, n; /* which of the candidates is looked at */
	char *candidates[NAMES_MAX];
};

/* ---- what is known ---- */

static struct slot *
slot_of(struct client_names *names, const struct address *a)
{
	uint64_t h = siphash(&names->key, bytes_make(a->octets, a->n));

	return &names->slots[h % CACHE_SLOTS];
}

static void
remember(struct client_name *l, const char *name, uint64_t ms)
{
	struct slot *s = slot_of(l->names, &l->address);

	free(s->name);
	s->address = l->address;
	s->until_ms = clock_mono_ms() + ms;
	s->name = name == NULL ? NULL : xstrdup(name);
}

static bool
is_same(const struct address *a, const struct address *b)
{
	return a->n == b->n && memcmp(a->octets, b->octets, a->n) == 0;
}

static struct address
address_of(const struct sockaddr_storage *address)
{
	struct address a = { .n = 0 };

	if (address->ss_family == AF_INET) {
		a.n = 4;
		memcpy(a.octets, &((const struct sockaddr_in *)address)->sin_addr, 4);
	} else if (address->ss_family == AF_INET6) {
		a.n = 16;
		memcpy(a.octets, &((const struct sockaddr_in6 *)address)->sin6_addr, 16);
	}
	return a;
}

/* Nobody need be asked what this host calls itself (RFC 6761 sec. 6.3). */
static bool
is_loopback(const struct address *a)
{
	return a->n == 4 ? a->octets[0] == 127
			 : a->n == 16 && memcmp(a->octets, &in6addr_loopback, 16) == 0;
}

/* ---- a lookup ---- */

static void
end(struct client_name *l, const char *name, bool known)
{
	uint64_t ms = (uint64_t)l->ttl * 1000;

	if (!known)
		ms = CACHE_WORRY_MS;
	else if (ms < CACHE_LEAST_MS)
		ms = CACHE_LEAST_MS;
	else if (ms > CACHE_MOST_MS)
		ms = CACHE_MOST_MS;
	remember(l, name, ms);
	if (l->done != NULL)
		l->done(l->arg, name);
	for (uint32_t i = 0; i < l->n; i++)
		free(l->candidates[i]);
	l->names->under_way--;
	free(l);
}

static uint64_t
network_of(const struct address *a)
{
	struct ip_block b = { .family = a->n == 4 ? 4 : 6 };

	memcpy(b.addr, a->octets, a->n);
	return ip_block_network(&b);
}

static void
ask(struct client_name *l, uint16_t type, const char *name, dns_answer_fn *done)
{
	const uint64_t now = clock_mono_ms();

	dns_link_ask(l->names->resolver, DNS_QUERY,
		&(struct dns_query){ type, bytes_from_str(name), network_of(&l->address) },
		l->until_ms > now ? (unsigned)(l->until_ms - now) : 1, done, l);
}

static void on_addresses(void *arg, const struct dns_answer *a);

static void
look_at_next(struct client_name *l)
{
	if (l->at == l->n)
		end(l, NULL, true);
	else
		ask(l, l->address.n == 4 ? DNS_TYPE_A : DNS_TYPE_AAAA, l->candidates[l->at],
			on_addresses);
}

static void
on_addresses(void *arg, const struct dns_answer *a)
{
	struct client_name *l = arg;

	if (a->ttl < l->ttl)
		l->ttl = a->ttl;
	for (uint32_t i = 0; i < a->count; i++)
		if (bytes_equal(a->rdata[i], bytes_make(l->address.octets, l->address.n))) {
			end(l, l->candidates[l->at], true);
			return;
		}
	if (dns_status_is_temporary(a->status)) {
		end(l, NULL, false);
		return;
	}
	l->at++;
	look_at_next(l);
}

static void
on_names(void *arg, const struct dns_answer *a)
{
	struct client_name *l = arg;
	char name[DNS_NAME_SIZE];

	if (dns_status_is_temporary(a->status)) {
		end(l, NULL, false);
		return;
	}
	l->ttl = a->ttl;
	for (uint32_t i = 0; i < a->count && l->n < NAMES_MAX; i++)
		if (dns_name_rdata_read(a->rdata[i], name) > 0 &&
			dns_name_is_host(bytes_from_str(name)))
			l->candidates[l->n++] = xstrdup(name);
	look_at_next(l);
}

struct client_name *
client_name_find(struct client_names *names, const struct sockaddr_storage *address,
	client_name_fn *done, void *arg)
{
	const struct address a = address_of(address);
	struct slot *s = slot_of(names, &a);
	char reverse[DNS_REVERSE_SIZE];
	struct client_name *l;

	if (is_loopback(&a)) {
		done(arg, "localhost");
		return NULL;
	}
	if (a.n > 0 && is_same(&s->address, &a) && clock_mono_ms() < s->until_ms) {
		done(arg, s->name);
		return NULL;
	}
	if (a.n == 0 || names->under_way >= LOOKUPS_MAX) {
		done(arg, NULL);
		return NULL;
	}
	l = xcalloc(1, sizeof(*l));
	l->names = names;
	l->done = done;
	l->arg = arg;
	l->address = a;
	l->until_ms = clock_mono_ms() + LOOKUP_MS;
	names->under_way++;
	dns_reverse_name(a.octets, a.n, reverse);
	ask(l, DNS_TYPE_PTR, reverse, on_names);
	return l;
}

void
client_name_forget(struct client_name **lookup)
{
	if (*lookup != NULL)
		(*lookup)->done = NULL; /* its result is remembered all the same */
	*lookup = NULL;
}

struct client_names *
client_names_new(struct daemon *d)
{
	struct client_names *names = xcalloc(1, sizeof(*names));

	names->d = d;
	names->resolver = daemon_link(d, SERVICE_RESOLVER, CONTROL_ANY, NULL, 0);
	random_fill(&names->key, sizeof(names->key));
	return names;
}

void
client_names_free(struct client_names **n)
{
	struct client_names *names = *n;

	if (names == NULL)
		return;
	for (size_t i = 0; i < CACHE_SLOTS; i++)
		free(names->slots[i].name);
	free(names);
	*n = NULL;
}
