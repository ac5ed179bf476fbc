/* SPDX-License-Identifier: ISC */
/* directory/near_quota.c - a hash table with open addressing and a secret key. */
#include "near_quota.h"

#include <stdlib.h>

#include "random.h"
#include "siphash.h"

struct slot {
	uint8_t *account; /* NULL: empty */
	uint32_t account_len;
	uint64_t octets, messages;
};

struct near_quota {
	struct siphash_key key;
	struct slot *slots;
	size_t size, count; /* size: a power of two */
};

struct near_quota *
near_quota_new(void)
{
	struct near_quota *n = xcalloc(1, sizeof(*n));

	random_fill(&n->key, sizeof(n->key));
	n->size = 64;
	n->slots = xcalloc(n->size, sizeof(*n->slots));
	return n;
}

void
near_quota_clear(struct near_quota *n)
{
	for (size_t i = 0; i < n->size; i++)
		free(n->slots[i].account);
	memset(n->slots, 0, n->size * sizeof(*n->slots));
	n->count = 0;
}

void
near_quota_free(struct near_quota **n)
{
	if (*n == NULL)
		return;
	near_quota_clear(*n);
	free((*n)->slots);
	free(*n);
	*n = NULL;
}

static struct bytes
slot_account(const struct slot *s)
{
	return bytes_make(s->account, s->account_len);
}

/* The account's slot, or the empty one where it would go. */
static size_t
find(const struct near_quota *n, struct bytes account)
{
	size_t i = siphash(&n->key, account) & (n->size - 1);

	while (n->slots[i].account != NULL && !bytes_equal(slot_account(&n->slots[i]), account))
		i = (i + 1) & (n->size - 1);
	return i;
}

static void
grow(struct near_quota *n)
{
	struct slot *old = n->slots;
	size_t size = n->size;

	n->size *= 2;
	n->slots = xcalloc(n->size, sizeof(*n->slots));
	for (size_t i = 0; i < size; i++)
		if (old[i].account != NULL)
			n->slots[find(n, slot_account(&old[i]))] = old[i];
	free(old);
}

/* Those behind the hole move up, so that no search ends too early. */
static void
drop(struct near_quota *n, size_t hole)
{
	free(n->slots[hole].account);
	n->slots[hole] = (struct slot){ 0 };
	n->count--;
	for (size_t i = (hole + 1) & (n->size - 1); n->slots[i].account != NULL;
		i = (i + 1) & (n->size - 1)) {
		struct slot moved = n->slots[i];

		n->slots[i] = (struct slot){ 0 };
		n->slots[find(n, slot_account(&moved))] = moved;
	}
}

void
near_quota_tell(struct near_quota *n, const struct ledger_use *use)
{
	bool is_near = ledger_is_near(use->octets, use->limit_octets) ||
		       ledger_is_near(use->messages, use->limit_messages);
	size_t i = find(n, use->account);

	if (!is_near) {
		if (n->slots[i].account != NULL)
			drop(n, i);
		return;
	}
	if (n->slots[i].account == NULL) {
		if ((n->count + 1) * 2 > n->size) {
			grow(n);
			i = find(n, use->account);
		}
		n->slots[i].account = xmalloc(use->account.n + 1);
		memcpy(n->slots[i].account, use->account.p, use->account.n);
		n->slots[i].account_len = (uint32_t)use->account.n;
		n->count++;
	}
	n->slots[i].octets = use->octets;
	n->slots[i].messages = use->messages;
}

bool
near_quota_use(void *arg, struct bytes account, uint64_t *octets, uint64_t *messages)
{
	const struct near_quota *n = arg;
	const struct slot *s = &n->slots[find(n, account)];

	if (s->account == NULL)
		return false;
	*octets = s->octets;
	*messages = s->messages;
	return true;
}

size_t
near_quota_count(const struct near_quota *n)
{
	return n->count;
}
