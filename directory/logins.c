/* SPDX-License-Identifier: ISC */
/* directory/logins.c - handles in a table of chains; they are random, so they are their own hash.
 */
#include "logins.h"

#include <stdlib.h>
#include <sys/queue.h>

#include "buf.h"
#include "err.h"
#include "random.h"

#define BUCKETS 8192

struct entry {
	LIST_ENTRY(entry) link;
	struct login login;
	uint8_t text[]; /* account and client */
};

LIST_HEAD(chain, entry);

/* How many a channel has. */
struct share {
	const void *channel; /* NULL: free */
	size_t count;
};

struct logins {
	struct chain chains[BUCKETS];
	size_t count;
	struct share *shares;
	size_t nshares;
};

struct logins *
logins_new(void)
{
	return xcalloc(1, sizeof(struct logins));
}

/* The channel's share; a free one for a new channel. */
static struct share *
share_of(struct logins *all, const void *channel)
{
	struct share *unused = NULL;

	for (size_t i = 0; i < all->nshares; i++) {
		if (all->shares[i].channel == channel)
			return &all->shares[i];
		if (all->shares[i].count == 0)
			unused = &all->shares[i];
	}
	if (unused == NULL) {
		all->shares = xrealloc(all->shares, (all->nshares + 1) * sizeof(*all->shares));
		unused = &all->shares[all->nshares++];
	}
	*unused = (struct share){ channel, 0 };
	return unused;
}

static void
drop(struct logins *all, struct entry *e)
{
	LIST_REMOVE(e, link);
	all->count--;
	share_of(all, e->login.channel)->count--;
	explicit_bzero(e->login.handle, sizeof(e->login.handle));
	free(e);
}

/* All of a channel, or all. */
static void
drop_all(struct logins *all, const void *channel)
{
	struct entry *e, *next;

	for (size_t i = 0; i < BUCKETS; i++)
		for (e = LIST_FIRST(&all->chains[i]); e != NULL; e = next) {
			next = LIST_NEXT(e, link);
			if (channel == NULL || e->login.channel == channel)
				drop(all, e);
		}
}

void
logins_free(struct logins **all)
{
	if (*all != NULL)
		drop_all(*all, NULL);
	if (*all != NULL)
		free((*all)->shares);
	free(*all);
	*all = NULL;
}

static struct chain *
chain_of(const struct logins *all, const uint8_t *handle)
{
	/* only the chain's head is found through const */
	return (struct chain *)(uintptr_t)&all->chains[get_u32(handle) & (BUCKETS - 1)];
}

int
logins_add(struct logins *all, struct login *l)
{
	struct share *share = share_of(all, l->channel);
	struct entry *e;

	if (all->count >= LOGINS_MAX || share->count >= LOGINS_PER_CHANNEL)
		return ERR_LIMIT;
	random_fill(l->handle, sizeof(l->handle));
	e = xcalloc(1, sizeof(*e) + l->account.n + l->client.n);
	e->login = *l;
	if (l->account.n > 0)
		memcpy(e->text, l->account.p, l->account.n);
	if (l->client.n > 0)
		memcpy(e->text + l->account.n, l->client.p, l->client.n);
	e->login.account = bytes_make(e->text, l->account.n);
	e->login.client = bytes_make(e->text + l->account.n, l->client.n);
	LIST_INSERT_HEAD(chain_of(all, l->handle), e, link);
	all->count++;
	share->count++;
	return ERR_OK;
}

static struct entry *
find(const struct logins *all, struct bytes handle)
{
	struct entry *e;

	if (handle.n != LOGIN_HANDLE_SIZE)
		return NULL;
	LIST_FOREACH (e, chain_of(all, handle.p), link)
		if (memcmp(e->login.handle, handle.p, LOGIN_HANDLE_SIZE) == 0)
			return e;
	return NULL;
}

enum login_found
logins_find(const struct logins *all, const void *channel, uint64_t session, struct bytes handle,
	const struct login **out)
{
	const struct entry *e = find(all, handle);

	if (e == NULL)
		return LOGIN_UNKNOWN;
	*out = &e->login;
	return e->login.channel == channel && e->login.session == session ? LOGIN_FOUND
									  : LOGIN_FOREIGN;
}

void
logins_remove(struct logins *all, const void *channel, uint64_t session, struct bytes handle)
{
	struct entry *e = find(all, handle);

	if (e != NULL && e->login.channel == channel && e->login.session == session)
		drop(all, e);
}

void
logins_remove_channel(struct logins *all, const void *channel)
{
	if (channel != NULL)
		drop_all(all, channel);
}

size_t
logins_count(const struct logins *all)
{
	return all->count;
}
