/* SPDX-License-Identifier: ISC */
/*
 * directory/resolve.c - alias expansion as a work list, see the header for the order.
 *
 * Runs in:  directory.
 * Trusts:   the tables; the address asked for may be anything.
 */
#include "resolve.h"

#include <stdlib.h>

#include "err.h"

/* One address still to be looked at. */
struct item {
	struct bytes address; /* a Mailbox, or a local-part alone */
	struct bytes domain;  /* for a local-part alone */
	struct bytes detail;  /* inherited from the alias */
	struct bytes parent;  /* key of the alias that led here: itself means its account */
	bool from_catch_all;
};

struct work {
	struct directory_tables *t;
	struct arena *a;
	struct item *items; /* each is done once, in order */
	size_t nitems, cap, next;
	struct bytes *seen; /* keys expanded; seen[i] for item i, empty if it has none */
	struct resolution *out;
	size_t targets_cap;
	bool no_catch_all;
};

/* The item under way: its address in all its forms. */
struct looking {
	const struct item *item;
	struct mail_address address;
	struct domain_info where;
	struct bytes base, detail; /* of the local-part */
	struct bytes key;          /* local-part@domain, the alias domain replaced */
};

static void
add_item(struct work *w, struct item item)
{
	if (w->nitems == w->cap) {
		w->cap = w->cap == 0 ? 16 : w->cap * 2;
		w->items = xrealloc(w->items, w->cap * sizeof(*w->items));
		w->seen = xrealloc(w->seen, w->cap * sizeof(*w->seen));
	}
	w->seen[w->nitems] = BYTES_NONE;
	w->items[w->nitems++] = item;
}

static struct directory_target *
add_target(struct work *w, enum directory_target_kind kind, struct bytes address)
{
	struct directory_target *grown, *t;

	if (w->out->count == w->targets_cap) {
		w->targets_cap = w->targets_cap == 0 ? 4 : w->targets_cap * 2;
		grown = arena_alloc(w->a, w->targets_cap * sizeof(*grown));
		if (w->out->count > 0)
			memcpy(grown, w->out->targets, w->out->count * sizeof(*grown));
		w->out->targets = grown;
	}
	t = &w->out->targets[w->out->count++];
	*t = (struct directory_target){ .kind = kind, .address = address };
	return t;
}

static void
add_error(struct work *w, struct bytes address, enum directory_verdict verdict)
{
	struct directory_target *t =
		add_target(w, DIRECTORY_TARGET_ERROR, bytes_head(address, DIRECTORY_ADDRESS_MAX));

	t->verdict = verdict;
}

static void
add_account(
	struct work *w, const struct looking *l, const struct account *account, struct bytes detail)
{
	struct directory_target *t;

	if ((account->record.may & ACCOUNT_MAIL) == 0) {
		add_error(w, l->address.text, DIRECTORY_LOCKED);
		return;
	}
	for (size_t i = 0; i < w->out->count; i++) /* once, however many aliases lead to it */
		if (bytes_equal(w->out->targets[i].account, account->key) &&
			bytes_equal(w->out->targets[i].detail, detail))
			return;
	t = add_target(w, DIRECTORY_TARGET_ACCOUNT, l->address.text);
	t->account = account->key;
	t->home = account->record.home;
	t->detail = bytes_head(detail, DIRECTORY_DETAIL_MAX);
	t->uid = account->record.uid;
	t->gid = account->record.gid;
	t->system_user = account->system_user;
	t->quota_octets = account->record.quota_octets;
	t->quota_messages = account->record.quota_messages;
}

/* The targets of an alias become items. */
static int
expand(struct work *w, const struct looking *l, struct bytes value, struct bytes detail,
	bool catch_all)
{
	struct bytes target;

	w->out->expanded = true;
	while (alias_next_target(&value, &target) > 0) {
		if (w->nitems >= w->t->expansion_limit)
			return ERR_LIMIT;
		add_item(w, (struct item){ target, l->where.domain, detail, l->key,
				    catch_all || l->item->from_catch_all });
	}
	return ERR_OK;
}

/* Each step gives 1 (this was it), 0 (go on with the next), or < 0. */
static int
found(int r)
{
	return r == ERR_OK ? 1 : r == ERR_NOT_FOUND ? 0 : r;
}

static int
try_alias(struct work *w, const struct looking *l, struct bytes key, struct bytes detail,
	bool catch_all)
{
	struct bytes value;
	int r = found(tables_alias(w->t, w->a, key, &value));

	if (r > 0 && (r = expand(w, l, value, detail, catch_all)) == ERR_OK)
		r = 1;
	return r;
}

static int
step_alias(struct work *w, const struct looking *l)
{
	int r;

	if (bytes_equal(l->item->parent, l->key)) /* it names itself: its account */
		return 0;
	r = try_alias(w, l, l->key, l->item->detail, false);
	if (r == 0 && l->detail.n > 0)
		r = try_alias(
			w, l, mail_address_key(w->a, l->base, l->where.domain), l->detail, false);
	return r;
}

static int
step_account(struct work *w, const struct looking *l)
{
	struct account account;
	int r;

	if (l->where.place != PLACE_LOCAL)
		return 0;
	r = found(tables_account(w->t, w->a, l->address.local, l->where.domain, &account));
	if (r > 0)
		add_account(w, l, &account, l->item->detail);
	if (r == 0 && l->base.n < l->address.local.n) {
		r = found(tables_account(w->t, w->a, l->base, l->where.domain, &account));
		if (r > 0)
			add_account(w, l, &account, l->detail.n > 0 ? l->detail : l->item->detail);
	}
	return r;
}

static int
step_common_alias(struct work *w, const struct looking *l)
{
	int r;

	if (l->where.place != PLACE_LOCAL || bytes_equal(l->item->parent, l->key))
		return 0;
	r = try_alias(w, l, l->address.local, l->item->detail, false);
	if (r == 0 && l->detail.n > 0)
		r = try_alias(w, l, l->base, l->detail, false);
	return r;
}

static int
step_system_user(struct work *w, const struct looking *l)
{
	struct account account;
	int r;

	if (!l->where.system_users)
		return 0;
	r = found(tables_system_user(w->t, w->a, l->base, &account));
	if (r > 0)
		add_account(w, l, &account, l->detail.n > 0 ? l->detail : l->item->detail);
	return r;
}

static int
step_postmaster(struct work *w, const struct looking *l)
{
	/* RFC 5321 sec. 4.5.1: every domain that takes mail has a postmaster */
	if (l->where.place != PLACE_LOCAL || w->t->postmaster.n == 0 ||
		!bytes_is(l->base, "postmaster") || bytes_equal(l->item->parent, l->key))
		return 0;
	return expand(w, l, w->t->postmaster, l->detail, false) == ERR_OK ? 1 : ERR_LIMIT;
}

static int
step_catch_all(struct work *w, const struct looking *l)
{
	struct bytes key = mail_address_key(w->a, BYTES_NONE, l->where.domain);

	if (w->no_catch_all || l->item->from_catch_all)
		return 0;
	return try_alias(w, l, key, BYTES_NONE, true);
}

static int
step_relay(struct work *w, const struct looking *l)
{
	if (l->where.place == PLACE_LOCAL)
		return 0;
	add_target(w, DIRECTORY_TARGET_REMOTE, l->address.text);
	return 1;
}

static int (*const steps[])(struct work *w, const struct looking *l) = { step_alias, step_account,
	step_common_alias, step_system_user, step_postmaster, step_catch_all, step_relay };

/* Fill in *l. 1; 0: not an address, or one seen before (noted); ERR_IO. */
static int
look(struct work *w, size_t number, struct looking *l)
{
	const struct item *item = &w->items[number];
	struct bytes address = item->address;
	int r;

	*l = (struct looking){ .item = item };
	if (item->domain.n > 0 && bytes_find(address, '@') == BYTES_NOT_FOUND)
		address = mail_address_key(w->a, address, item->domain);
	if (mail_address_fold(w->a, address, &l->address) < 0) {
		add_error(w, address, DIRECTORY_BAD);
		return 0;
	}
	if (l->address.domain.n == 0) { /* "postmaster" alone */
		l->address.domain = w->t->default_domain;
		l->address.text = l->address.key =
			mail_address_key(w->a, l->address.local, l->address.domain);
	}
	if ((r = tables_domain(w->t, w->a, l->address.domain, &l->where)) < 0)
		return r;
	l->key = mail_address_key(w->a, l->address.local, l->where.domain);
	mail_address_detail(l->address.local, w->t->delimiters, &l->base, &l->detail);
	if (bytes_equal(item->parent, l->key))
		return 1;
	for (size_t i = 0; i < number; i++)
		if (bytes_equal(w->seen[i], l->key))
			return 0;
	w->seen[number] = l->key;
	return 1;
}

static int
work_one(struct work *w)
{
	size_t number = w->next++;
	struct item item = w->items[number]; /* the array may move */
	struct looking l;
	int r = look(w, number, &l);

	if (r <= 0)
		return r;
	l.item = &item;
	if (number == 0)
		w->out->place = l.where.place;
	if (l.where.place == PLACE_ELSEWHERE)
		return step_relay(w, &l);
	for (size_t i = 0; i < NITEMS(steps); i++)
		if ((r = steps[i](w, &l)) != 0)
			return r;
	add_error(w, l.address.text, DIRECTORY_UNKNOWN);
	return 0;
}

static void
resolve_with(struct directory_tables *t, struct arena *a, struct bytes address, bool no_catch_all,
	struct resolution *out)
{
	struct work w = { .t = t, .a = a, .out = out, .no_catch_all = no_catch_all };
	int r = ERR_OK;

	*out = (struct resolution){ .verdict = DIRECTORY_OK, .place = PLACE_ELSEWHERE };
	add_item(&w, (struct item){ .address = address });
	while (w.next < w.nitems && r >= 0)
		r = work_one(&w);
	free(w.items);
	free(w.seen);
	if (r < 0)
		out->verdict = r == ERR_LIMIT ? DIRECTORY_LOOP : DIRECTORY_TEMPORARY;
	else if (out->count == 0)
		out->verdict = DIRECTORY_LOOP;
	else if (!out->expanded && out->targets[0].kind == DIRECTORY_TARGET_ERROR)
		out->verdict = out->targets[0].verdict;
}

void
resolve(struct directory_tables *t, struct arena *a, struct bytes address, struct resolution *out)
{
	resolve_with(t, a, address, false, out);
}

static enum directory_verdict
target_verdict(const struct directory_target *t, uint64_t size, account_use_fn *use, void *arg)
{
	uint64_t octets, messages;

	if (t->kind != DIRECTORY_TARGET_ACCOUNT)
		return t->verdict;
	if (t->quota_octets != 0 && size > t->quota_octets)
		return DIRECTORY_TOO_LARGE;
	if ((t->quota_octets == 0 && t->quota_messages == 0) ||
		!use(arg, t->account, &octets, &messages))
		return DIRECTORY_OK;
	if (t->quota_octets != 0 && (octets >= t->quota_octets || size > t->quota_octets - octets))
		return DIRECTORY_OVER_QUOTA;
	if (t->quota_messages != 0 && messages >= t->quota_messages)
		return DIRECTORY_OVER_QUOTA;
	return DIRECTORY_OK;
}

enum directory_verdict
resolve_rcpt(const struct resolution *r, const struct directory_rcpt *rcpt, account_use_fn *use,
	void *arg)
{
	enum directory_verdict first = DIRECTORY_OK, v;

	if (r->verdict != DIRECTORY_OK)
		return r->verdict;
	if (r->place == PLACE_ELSEWHERE)
		return rcpt->flags & DIRECTORY_MAY_RELAY ? DIRECTORY_OK : DIRECTORY_NO_RELAY;
	/* One target that takes it is enough: the others are bounced or tried again. */
	for (size_t i = 0; i < r->count; i++) {
		v = target_verdict(&r->targets[i], rcpt->size_octets, use, arg);
		if (v == DIRECTORY_OK)
			return DIRECTORY_OK;
		if (first == DIRECTORY_OK)
			first = v;
	}
	return first;
}

int
resolve_owns(
	struct directory_tables *t, struct arena *a, struct bytes account, struct bytes address)
{
	struct resolution r;

	resolve_with(t, a, address, true, &r);
	if (r.verdict == DIRECTORY_TEMPORARY)
		return ERR_IO;
	for (size_t i = 0; i < r.count; i++)
		if (bytes_equal(r.targets[i].account, account))
			return 1;
	return 0;
}
