/* SPDX-License-Identifier: ISC */
/*
 * session/token.c - the table of open tokens.
 *
 * Runs in:  the session spawners.
 * Trusts:   nothing of a TAKE.
 */
#include "token.h"

#include <stdlib.h>
#include <sys/mman.h>

struct token_table {
	uint64_t expires_ms[TOKENS_MAX]; /* 0: free */
	uint8_t token[TOKENS_MAX][SESSION_TOKEN_SIZE];
	struct token_grant grant[TOKENS_MAX];
};

struct token_table *
token_table_new(void)
{
	struct token_table *t =
		mmap(NULL, sizeof(*t), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (t == MAP_FAILED)
		return NULL;
	(void)madvise(t, sizeof(*t), MADV_WIPEONFORK); /* since Linux 4.14 */
	return t;
}

void
token_table_free(struct token_table **t)
{
	if (*t != NULL)
		(void)munmap(*t, sizeof(**t));
	*t = NULL;
}

/* All ones if equal, else 0, in the same time whatever differs. */
static size_t
same_mask(const uint8_t *a, const uint8_t *b)
{
	unsigned differs = 0;

	for (size_t i = 0; i < SESSION_TOKEN_SIZE; i++)
		differs |= a[i] ^ b[i];
	return (size_t)0 - ((differs - 1u) >> 31);
}

/* The slot of a token + 1, or 0. Every slot is looked at. */
static size_t
find(const struct token_table *t, const uint8_t token[SESSION_TOKEN_SIZE], uint64_t now_ms)
{
	size_t found = 0;

	for (size_t i = 0; i < TOKENS_MAX; i++)
		if (t->expires_ms[i] > now_ms)
			found |= same_mask(t->token[i], token) & (i + 1);
	return found;
}

static unsigned
open_of_account(const struct token_table *t, struct bytes account, uint64_t now_ms)
{
	unsigned n = 0;

	for (size_t i = 0; i < TOKENS_MAX; i++)
		n += t->expires_ms[i] > now_ms &&
		     bytes_equal(bytes_from_str(t->grant[i].account), account);
	return n;
}

int
token_put(struct token_table *t, const struct session_start_msg *m, uint64_t now_ms)
{
	struct token_grant *g;
	size_t i = 0;

	if (find(t, m->token, now_ms) != 0)
		return ERR_EXISTS;
	if (open_of_account(t, m->account, now_ms) >= TOKENS_A_ACCOUNT_MAX)
		return ERR_BUSY;
	while (i < TOKENS_MAX && t->expires_ms[i] > now_ms)
		i++;
	if (i == TOKENS_MAX)
		return ERR_BUSY;
	g = &t->grant[i];
	t->expires_ms[i] = now_ms + SESSION_TOKEN_LIFE_MS;
	memcpy(t->token[i], m->token, SESSION_TOKEN_SIZE);
	g->uid = m->uid;
	g->gid = m->gid;
	g->quota_octets = m->quota_octets;
	g->quota_messages = m->quota_messages;
	bytes_to_str(m->account, g->account, sizeof(g->account));
	bytes_to_str(m->home, g->home, sizeof(g->home));
	return ERR_OK;
}

int
token_take(struct token_table *t, const uint8_t token[SESSION_TOKEN_SIZE], uint64_t now_ms,
	struct token_grant *out)
{
	size_t i = find(t, token, now_ms);

	if (i == 0)
		return ERR_NOT_FOUND;
	*out = t->grant[i - 1];
	t->expires_ms[i - 1] = 0;
	explicit_bzero(t->token[i - 1], SESSION_TOKEN_SIZE);
	return ERR_OK;
}

unsigned
token_count(const struct token_table *t, uint64_t now_ms)
{
	unsigned n = 0;

	for (size_t i = 0; i < TOKENS_MAX; i++)
		n += t->expires_ms[i] > now_ms;
	return n;
}
