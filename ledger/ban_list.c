/* SPDX-License-Identifier: ISC */
/* ledger/ban_list.c - the records of bans, see the header. */
#include "ban_list.h"

#include <stdlib.h>
#include <sys/queue.h>

#include "err.h"
#include "ip_set.h"
#include "random.h"
#include "siphash.h"

#define SLOTS     4096
#define KEY_LOGIN 'L'

struct node {
	LIST_ENTRY(node) link;
	struct ban ban;
	char login[LEDGER_ACCOUNT_MAX];
};

LIST_HEAD(nodes, node);

struct ban_list {
	struct siphash_key key;
	struct nodes slots[SLOTS]; /* all records, by subject */
	struct ip_set *blocks;     /* those of addresses; value: the node */
	size_t count, max;
	uint64_t next_s; /* nothing ends or is forgotten before */
};

struct ban_list *
ban_list_new(size_t max)
{
	struct ban_list *l = xcalloc(1, sizeof(*l));

	random_fill(&l->key, sizeof(l->key));
	for (size_t i = 0; i < SLOTS; i++)
		LIST_INIT(&l->slots[i]);
	l->blocks = ip_set_new();
	l->max = max;
	l->next_s = UINT64_MAX;
	return l;
}

void
ban_list_free(struct ban_list **lp)
{
	struct ban_list *l = *lp;
	struct node *n;

	*lp = NULL;
	if (l == NULL)
		return;
	for (size_t i = 0; i < SLOTS; i++)
		while ((n = LIST_FIRST(&l->slots[i])) != NULL) {
			LIST_REMOVE(n, link);
			free(n);
		}
	ip_set_free(&l->blocks);
	free(l);
}

size_t
ban_list_count(const struct ban_list *l)
{
	return l->count;
}

static bool
same_subject(const struct ledger_subject *a, const struct ledger_subject *b)
{
	if (a->block.family != 0 || b->block.family != 0)
		return ip_block_equal(&a->block, &b->block);
	return bytes_equal(a->login, b->login);
}

static struct nodes *
slot_of(struct ban_list *l, const struct ledger_subject *s)
{
	uint8_t octets[18] = { s->block.family, s->block.prefix };
	uint64_t hash;

	memcpy(octets + 2, s->block.addr, sizeof(s->block.addr));
	hash = siphash(
		&l->key, s->block.family != 0 ? bytes_make(octets, sizeof(octets)) : s->login);
	return &l->slots[hash % SLOTS];
}

static struct node *
find(struct ban_list *l, const struct ledger_subject *s)
{
	struct node *n;

	LIST_FOREACH (n, slot_of(l, s), link)
		if (same_subject(&n->ban.subject, s))
			return n;
	return NULL;
}

struct ban *
ban_list_get(struct ban_list *l, const struct ledger_subject *subject)
{
	struct node *n = find(l, subject);

	return n == NULL ? NULL : &n->ban;
}

struct ban *
ban_list_holding(struct ban_list *l, const struct ip_block *address, uint64_t now_s)
{
	const struct ip_set_entry *e;
	unsigned cursor = 0;

	while ((e = ip_set_holding(l->blocks, address, &cursor)) != NULL) {
		struct node *n = (struct node *)(uintptr_t)e->value; /* NOLINT */

		if (ban_is_active(&n->ban, now_s))
			return &n->ban;
	}
	return NULL;
}

static void
drop(struct ban_list *l, struct node *n)
{
	if (n->ban.subject.block.family != 0)
		(void)ip_set_del(l->blocks, &n->ban.subject.block);
	LIST_REMOVE(n, link);
	l->count--;
	free(n);
}

/* The record that matters least: an ended one, else the first to end. An operator's stays. */
static struct node *
least(struct ban_list *l)
{
	struct node *n, *best = NULL;
	uint64_t best_end = UINT64_MAX;

	for (size_t i = 0; i < SLOTS; i++)
		LIST_FOREACH (n, &l->slots[i], link) {
			uint64_t end = n->ban.over                                 ? 0
				       : n->ban.until_s == 0 || n->ban.by_operator ? UINT64_MAX
										   : n->ban.until_s;

			if (best == NULL || end < best_end) {
				best = n;
				best_end = end;
			}
		}
	return best;
}

static struct node *
make(struct ban_list *l, const struct ledger_subject *subject, ban_fn *gone, void *arg)
{
	struct node *n;

	if (l->count > 0 && l->count >= l->max) {
		n = least(l);
		if (gone != NULL)
			gone(arg, &n->ban);
		drop(l, n);
	}
	n = xcalloc(1, sizeof(*n));
	n->ban.subject = *subject;
	if (subject->block.family == 0) {
		n->ban.subject.login =
			bytes_make(n->login, bytes_head(subject->login, sizeof(n->login)).n);
		memcpy(n->login, subject->login.p, n->ban.subject.login.n);
	} else
		ip_set_put(l->blocks, &subject->block, (uint64_t)(uintptr_t)n);
	LIST_INSERT_HEAD(slot_of(l, &n->ban.subject), n, link);
	l->count++;
	return n;
}

static void
set_reason(struct ban *b, struct bytes reason)
{
	b->reason_len = (uint8_t)bytes_head(reason, sizeof(b->reason)).n;
	if (b->reason_len > 0)
		memcpy(b->reason, reason.p, b->reason_len);
}

static void
note_end(struct ban_list *l, uint64_t at_s)
{
	if (at_s != 0 && at_s < l->next_s)
		l->next_s = at_s;
}

static uint64_t
length(const struct ban_policy *p, uint32_t times)
{
	uint64_t s = p->time_s;

	while (times-- > 1 && s < p->time_max_s)
		s *= 2;
	return s < p->time_max_s ? s : p->time_max_s;
}

struct ban *
ban_list_punish(struct ban_list *l, const struct ban_policy *p,
	const struct ledger_subject *subject, uint64_t failures, const char *reason, uint64_t now_s,
	ban_fn *gone, void *arg)
{
	struct node *n = find(l, subject);
	struct ban *b;

	if (n == NULL)
		n = make(l, subject, gone, arg);
	b = &n->ban;
	if (b->times > 0 && ban_is_active(b, now_s)) {
		b->failures += failures;
		return b;
	}
	b->times++;
	b->since_s = now_s;
	b->until_s = now_s + length(p, b->times);
	b->failures = failures;
	b->refused = 0;
	b->by_operator = b->over = false;
	set_reason(b, bytes_from_str(reason));
	note_end(l, b->until_s);
	return b;
}

struct ban *
ban_list_order(struct ban_list *l, const struct ledger_subject *subject, uint64_t seconds,
	struct bytes reason, uint64_t now_s, ban_fn *gone, void *arg)
{
	struct node *n = find(l, subject);
	struct ban *b;

	if (n == NULL)
		n = make(l, subject, gone, arg);
	b = &n->ban;
	if (!ban_is_active(b, now_s) || b->times == 0) {
		b->times++;
		b->since_s = now_s;
		b->refused = b->failures = 0;
	}
	b->until_s = seconds == 0 || seconds > UINT64_MAX - now_s ? 0 : now_s + seconds;
	b->by_operator = true;
	b->over = false;
	set_reason(b, reason);
	note_end(l, b->until_s);
	return b;
}

bool
ban_list_del(struct ban_list *l, const struct ledger_subject *subject)
{
	struct node *n = find(l, subject);

	if (n != NULL)
		drop(l, n);
	return n != NULL;
}

void
ban_list_sweep(struct ban_list *l, const struct ban_policy *p, uint64_t now_s, ban_fn *ended,
	ban_fn *forgotten, void *arg)
{
	struct node *n, *next;

	if (now_s < l->next_s)
		return;
	l->next_s = UINT64_MAX;
	for (size_t i = 0; i < SLOTS; i++)
		for (n = LIST_FIRST(&l->slots[i]); n != NULL; n = next) {
			struct ban *b = &n->ban;

			next = LIST_NEXT(n, link);
			if (!b->over && !ban_is_active(b, now_s)) {
				b->over = true;
				ended(arg, b);
			}
			if (b->over && b->until_s + p->memory_s <= now_s) {
				forgotten(arg, b);
				drop(l, n);
			} else if (b->until_s != 0)
				note_end(l, b->over ? b->until_s + p->memory_s : b->until_s);
		}
}

void
ban_list_each_block(struct ban_list *l, uint64_t now_s, ban_fn *fn, void *arg)
{
	struct node *n;

	for (size_t i = 0; i < SLOTS; i++)
		LIST_FOREACH (n, &l->slots[i], link)
			if (n->ban.subject.block.family != 0 && ban_is_active(&n->ban, now_s))
				fn(arg, &n->ban);
}

/* ---- the forms for the database ---- */

void
ban_key(const struct ledger_subject *subject, struct buf *out)
{
	const struct ip_block *b = &subject->block;

	if (b->family == 0) {
		buf_put_u8(out, KEY_LOGIN);
		buf_put_bytes(out, bytes_head(subject->login, LEDGER_ACCOUNT_MAX));
		return;
	}
	buf_put_u8(out, b->family);
	buf_put(out, b->addr, b->family == 4 ? 4 : 16);
	buf_put_u8(out, b->prefix);
}

int
ban_subject(struct bytes key, struct ledger_subject *s)
{
	*s = (struct ledger_subject){ .login = BYTES_NONE };
	if (key.n > 1 && key.p[0] == KEY_LOGIN && key.n <= LEDGER_ACCOUNT_MAX + 1) {
		s->login = bytes_skip(key, 1);
		return ERR_OK;
	}
	if ((key.n != 6 || key.p[0] != 4) && (key.n != 18 || key.p[0] != 6))
		return ERR_CORRUPT;
	s->block.family = key.p[0];
	s->block.prefix = key.p[key.n - 1];
	memcpy(s->block.addr, key.p + 1, key.n - 2);
	return ip_block_valid(&s->block) ? ERR_OK : ERR_CORRUPT;
}

void
ban_value(const struct ban *b, struct buf *out)
{
	buf_put_u64(out, b->since_s);
	buf_put_u64(out, b->until_s);
	buf_put_u64(out, b->failures);
	buf_put_u32(out, b->times);
	buf_put_u8(out, b->by_operator);
	ipc_put_bytes(out, bytes_make(b->reason, b->reason_len));
}

int
ban_list_load(struct ban_list *l, struct bytes key, struct bytes value)
{
	struct ipc_reader in = ipc_reader(value);
	struct ledger_subject subject;
	struct ban b = { 0 };
	struct node *n;
	int r = ban_subject(key, &subject);

	if (r < 0)
		return r;
	b.since_s = ipc_get_u64(&in);
	b.until_s = ipc_get_u64(&in);
	b.failures = ipc_get_u64(&in);
	b.times = ipc_get_u32(&in);
	b.by_operator = ipc_get_enum(&in, 2) != 0;
	set_reason(&b, ipc_get_bytes(&in, LEDGER_REASON_MAX));
	if (ipc_finish(&in) < 0 || b.times == 0 || find(l, &subject) != NULL)
		return ERR_CORRUPT;
	n = make(l, &subject, NULL, NULL);
	b.subject = n->ban.subject;
	n->ban = b;
	note_end(l, b.until_s);
	return ERR_OK;
}
