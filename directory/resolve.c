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
#include "forwarding.h"
#include "key_set.h"
#include "routes.h"

/* One address still to be looked at. */
struct item {
	struct bytes address; /* a Mailbox, a local-part alone, "|command" or "/file" */
	struct bytes domain;  /* for a local-part alone */
	struct bytes detail;  /* inherited from the alias */
	struct bytes parent;  /* key of the alias that led here: itself means its account */
	struct bytes list;    /* address of that alias, for targets without one */
	struct bytes owner;   /* reverse-path of the list it is a member of, or empty */
	uint32_t depth;       /* aliases passed */
	bool from_catch_all;
	bool system; /* from the system's aliases: may be a command or a file */
};

struct work {
	struct directory_tables *t;
	struct arena *a;
	struct item *items; /* each is done once, in order */
	size_t nitems, cap, next;
	struct key_set seen;    /* addresses looked at */
	struct key_set targets; /* what they led to */
	struct resolution *out;
	size_t targets_cap;
	bool owning; /* whose address is it: neither catch-all nor forwards count */
	const struct bytes *reverse_path; /* of the message; NULL: not known */
	bool srs_known;
	struct bytes srs_path; /* what forwarded mail has in its place; empty: the same */
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
	}
	w->items[w->nitems++] = item;
}

static struct directory_target *
add_target(struct work *w, const struct item *item, enum directory_target_kind kind,
	struct bytes address)
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
	*t = (struct directory_target){
		.kind = kind, .address = address, .reverse_path = item->owner
	};
	return t;
}

/* once, however many aliases lead to it */
static bool
is_new_target(struct work *w, char kind, struct bytes what, struct bytes detail)
{
	uint8_t *key = arena_alloc(w->a, 2 + what.n + detail.n);

	key[0] = (uint8_t)kind;
	if (what.n > 0)
		memcpy(key + 1, what.p, what.n);
	key[1 + what.n] = 0;
	if (detail.n > 0)
		memcpy(key + 2 + what.n, detail.p, detail.n);
	return key_set_add(&w->targets, w->a, bytes_make(key, 2 + what.n + detail.n));
}

static void
add_error(struct work *w, const struct item *item, struct bytes address,
	enum directory_verdict verdict)
{
	struct directory_target *t = add_target(
		w, item, DIRECTORY_TARGET_ERROR, bytes_head(address, DIRECTORY_ADDRESS_MAX));

	t->verdict = verdict;
}

static void
add_mailbox(
	struct work *w, const struct looking *l, const struct account *account, struct bytes detail)
{
	struct directory_target *t;

	if (!is_new_target(w, 'a', account->key, detail))
		return;
	t = add_target(w, l->item, DIRECTORY_TARGET_ACCOUNT, l->address.text);
	t->account = account->key;
	t->home = account->record.home;
	t->detail = bytes_head(detail, DIRECTORY_DETAIL_MAX);
	t->uid = account->record.uid;
	t->gid = account->record.gid;
	t->system_user = account->system_user;
	t->quota_octets = account->record.quota_octets;
	t->quota_messages = account->record.quota_messages;
}

/* What comes behind an alias, as items like this one. */
static int
add_targets(struct work *w, const struct looking *l, struct bytes value, struct item like)
{
	struct bytes target;

	if (l->item->depth >= w->t->expansion_depth)
		return ERR_LIMIT;
	w->out->expanded = true;
	like.domain = l->where.domain;
	like.parent = l->key;
	like.list = l->address.text;
	like.depth = l->item->depth + 1;
	like.from_catch_all |= l->item->from_catch_all;
	if (like.owner.n == 0)
		like.owner = l->item->owner;
	while (alias_next_target(&value, &target) > 0) {
		if (w->nitems >= w->t->expansion_limit)
			return ERR_LIMIT;
		like.address = target;
		add_item(w, like);
	}
	return ERR_OK;
}

/* An account takes it, and perhaps sends it on. */
static int
add_account(
	struct work *w, const struct looking *l, const struct account *account, struct bytes detail)
{
	const struct account_record *r = &account->record;
	int e;

	if (w->owning) { /* what it takes or sends on is another question */
		add_mailbox(w, l, account, detail);
		return 1;
	}
	if ((r->may & ACCOUNT_MAIL) == 0) {
		add_error(w, l->item, l->address.text, DIRECTORY_LOCKED);
		return 1;
	}
	if (r->forward.n == 0 || r->keep || bytes_equal(l->item->parent, l->key))
		add_mailbox(w, l, account, detail);
	if (r->forward.n == 0 || !is_new_target(w, 'f', account->key, BYTES_NONE))
		return 1;
	e = add_targets(w, l, r->forward, (struct item){ .detail = BYTES_NONE });
	return e < 0 ? e : 1;
}

/* Each step gives 1 (this was it), 0 (go on with the next), or < 0. */
static int
found(int r)
{
	return r == ERR_OK ? 1 : r == ERR_NOT_FOUND ? 0 : r;
}

/* aliases(5): mail to the members of a list goes out with the list's owner as its
 * reverse-path, where owner-NAME is there. */
static int
list_owner(struct work *w, const struct looking *l, enum table_kind kind, struct bytes key,
	struct bytes local, struct bytes *owner)
{
	static const struct bytes owner_dash = BYTES_LITERAL("owner-");
	struct bytes value, name;
	int r;

	*owner = BYTES_NONE;
	if (w->owning || bytes_starts_with(key, owner_dash) ||
		key.n + owner_dash.n > MAIL_ADDRESS_KEY_MAX)
		return ERR_OK;
	name = bytes_from_str(arena_printf(w->a, "owner-%.*s", (int)key.n, (const char *)key.p));
	r = tables_alias(w->t, w->a, kind, name, &value);
	if (r == ERR_NOT_FOUND)
		return ERR_OK;
	if (r < 0)
		return r;
	name = bytes_from_str(
		arena_printf(w->a, "owner-%.*s", (int)local.n, (const char *)local.p));
	*owner = mail_address_text(w->a, name, l->where.domain);
	return ERR_OK;
}

static int
try_alias(struct work *w, const struct looking *l, enum table_kind kind, struct bytes key,
	struct bytes local, struct bytes detail)
{
	struct item like = { .detail = detail, .system = kind == TABLE_SYSTEM_ALIASES };
	struct bytes value;
	int r = found(tables_alias(w->t, w->a, kind, key, &value));

	if (r <= 0)
		return r;
	if ((r = list_owner(w, l, kind, key, local, &like.owner)) == ERR_OK &&
		(r = add_targets(w, l, value, like)) == ERR_OK)
		r = 1;
	return r;
}

static int
step_alias(struct work *w, const struct looking *l)
{
	int r;

	if (bytes_equal(l->item->parent, l->key)) /* it names itself: its account */
		return 0;
	r = try_alias(w, l, TABLE_ALIASES, l->key, l->address.local, l->item->detail);
	if (r == 0 && l->detail.n > 0)
		r = try_alias(w, l, TABLE_ALIASES, mail_address_key(w->a, l->base, l->where.domain),
			l->base, l->detail);
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
		return add_account(w, l, &account, l->item->detail);
	if (r == 0 && l->base.n < l->address.local.n) {
		r = found(tables_account(w->t, w->a, l->base, l->where.domain, &account));
		if (r > 0)
			return add_account(
				w, l, &account, l->detail.n > 0 ? l->detail : l->item->detail);
	}
	return r;
}

static int
try_both(struct work *w, const struct looking *l, enum table_kind kind)
{
	int r = try_alias(w, l, kind, l->address.local, l->address.local, l->item->detail);

	if (r == 0 && l->detail.n > 0)
		r = try_alias(w, l, kind, l->base, l->base, l->detail);
	return r;
}

static int
step_common_alias(struct work *w, const struct looking *l)
{
	int r;

	if (l->where.place != PLACE_LOCAL || bytes_equal(l->item->parent, l->key))
		return 0;
	r = try_both(w, l, TABLE_ALIASES);
	if (r == 0 && l->where.system_aliases)
		r = try_both(w, l, TABLE_SYSTEM_ALIASES);
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
		return add_account(w, l, &account, l->detail.n > 0 ? l->detail : l->item->detail);
	return r;
}

static int
step_postmaster(struct work *w, const struct looking *l)
{
	/* RFC 5321 sec. 4.5.1: every domain that takes mail has a postmaster */
	if (l->where.place != PLACE_LOCAL || w->t->postmaster.n == 0 ||
		!bytes_is(l->base, "postmaster") || bytes_equal(l->item->parent, l->key))
		return 0;
	return add_targets(w, l, w->t->postmaster, (struct item){ .detail = l->detail }) == ERR_OK
		       ? 1
		       : ERR_LIMIT;
}

static int
step_catch_all(struct work *w, const struct looking *l)
{
	struct bytes key = mail_address_key(w->a, BYTES_NONE, l->where.domain), value;
	int r;

	if (w->owning || l->item->from_catch_all)
		return 0;
	r = found(tables_alias(w->t, w->a, TABLE_ALIASES, key, &value));
	if (r > 0 && (r = add_targets(w, l, value, (struct item){ .from_catch_all = true })) == 0)
		r = 1;
	return r;
}

/* ---- mail that leaves ---- */

/* The reverse-path for what an alias or a forward sends out, or empty: as it is. */
static int
forwarded_path(struct work *w, struct bytes *out)
{
	int r = ERR_OK;

	if (!w->srs_known && w->reverse_path != NULL)
		r = forwarding_path(w->t, w->a, *w->reverse_path, &w->srs_path);
	w->srs_known = true;
	*out = w->srs_path;
	return r;
}

static int
add_remote(struct work *w, const struct looking *l)
{
	struct bytes own = l->item->owner, sender = BYTES_NONE;
	struct directory_target *t;
	struct route route;
	int r;

	if (own.n == 0 && l->item->depth > 0 && l->where.place == PLACE_ELSEWHERE) {
		if ((r = forwarded_path(w, &own)) < 0)
			return r;
	}
	if (w->reverse_path != NULL && w->reverse_path->n > 0)
		sender = own.n > 0 ? own : *w->reverse_path;
	r = route_find(w->t, w->a, &l->address, w->reverse_path == NULL ? NULL : &sender, &route);
	if (r < 0)
		return r;
	if (route.next_hop.n > 0) {
		t = add_target(w, l->item, DIRECTORY_TARGET_REMOTE, l->address.text);
		t->next_hop = route.next_hop;
		t->reverse_path = own;
	} else {
		t = add_target(w, l->item, DIRECTORY_TARGET_ERROR, l->address.text);
		t->verdict = route.verdict;
		t->enhanced = route.enhanced;
		t->text = route.text;
	}
	t->rule = route_rule(&route, w->a);
	return 1;
}

static int
step_relay(struct work *w, const struct looking *l)
{
	if (l->where.place == PLACE_LOCAL)
		return 0;
	if (!is_new_target(w, 'r', l->address.key, BYTES_NONE))
		return 1;
	if (!w->owning)
		return add_remote(w, l);
	add_target(w, l->item, DIRECTORY_TARGET_REMOTE, l->address.text)->next_hop =
		l->address.domain;
	return 1;
}

/* An SRS address of ours leads to the one inside. 1 it was one; 0 it is none. */
static int
try_srs(struct work *w, const struct looking *l)
{
	struct item item = {
		.depth = l->item->depth + 1, .parent = l->key, .list = l->address.text
	};
	enum srs_result found = SRS_NONE;

	if (!w->owning)
		found = forwarding_original(
			w->t, w->a, &l->address, w->reverse_path != NULL, &item.address);
	if (found == SRS_NONE)
		return 0;
	if (found == SRS_OK &&
		(item.depth > w->t->expansion_depth || w->nitems >= w->t->expansion_limit))
		return ERR_LIMIT;
	if (found == SRS_OK) {
		w->out->expanded = true;
		add_item(w, item);
	} else {
		add_error(w, l->item, l->address.text,
			found == SRS_OLD ? DIRECTORY_SRS_OLD : DIRECTORY_SRS_FORGED);
	}
	return 1;
}

static int (*const steps[])(struct work *w, const struct looking *l) = { step_alias, step_account,
	step_common_alias, step_system_user, step_postmaster, step_catch_all, step_relay };

/* "|command" and "/file" of the system's aliases: whether and as whom is system-delivery's. */
static bool
add_program(struct work *w, const struct item *item)
{
	struct bytes what;
	enum directory_target_kind kind;
	struct directory_target *t;

	if (!item->system || !alias_program(w->a, item->address, &what))
		return false;
	kind = what.p[0] == '|' ? DIRECTORY_TARGET_COMMAND : DIRECTORY_TARGET_FILE;
	if (w->owning || !is_new_target(w, 'p', what, BYTES_NONE))
		return true;
	t = add_target(w, item, kind, bytes_head(item->list, DIRECTORY_ADDRESS_MAX));
	t->account = what;
	t->system_user = true;
	return true;
}

/* Fill in *l. 1; 0: not an address, or one seen before (noted); ERR_IO. */
static int
look(struct work *w, const struct item *item, struct looking *l)
{
	struct bytes address = item->address;
	int r;

	*l = (struct looking){ .item = item };
	if (item->domain.n > 0 && bytes_find(address, '@') == BYTES_NOT_FOUND)
		address = mail_address_key(w->a, address, item->domain);
	if (mail_address_fold(w->a, address, &l->address) < 0) {
		add_error(w, item, address, DIRECTORY_BAD);
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
	return key_set_add(&w->seen, w->a, l->key);
}

static int
work_one(struct work *w)
{
	size_t number = w->next++;
	struct item item = w->items[number]; /* the array may move */
	struct looking l;
	int r;

	if (add_program(w, &item))
		return 0;
	if ((r = look(w, &item, &l)) <= 0)
		return r;
	if (number == 0)
		w->out->place = l.where.place;
	if ((r = try_srs(w, &l)) != 0) {
		if (number == 0)
			w->out->place = PLACE_LOCAL;
		return r;
	}
	if (l.where.place == PLACE_ELSEWHERE)
		return step_relay(w, &l);
	for (size_t i = 0; i < NITEMS(steps); i++)
		if ((r = steps[i](w, &l)) != 0)
			return r;
	add_error(w, &item, l.address.text, DIRECTORY_UNKNOWN);
	return 0;
}

static void
resolve_with(struct directory_tables *t, struct arena *a, struct bytes address,
	const struct bytes *reverse_path, bool owning, struct resolution *out)
{
	struct work w = {
		.t = t, .a = a, .out = out, .owning = owning, .reverse_path = reverse_path
	};
	int r = ERR_OK;

	*out = (struct resolution){ .verdict = DIRECTORY_OK, .place = PLACE_ELSEWHERE };
	add_item(&w, (struct item){ .address = address });
	while (w.next < w.nitems && r >= 0)
		r = work_one(&w);
	free(w.items);
	if (r < 0)
		out->verdict = r == ERR_LIMIT ? DIRECTORY_LOOP : DIRECTORY_TEMPORARY;
	else if (out->count == 0)
		out->verdict = DIRECTORY_LOOP;
	else if (!out->expanded && out->targets[0].kind == DIRECTORY_TARGET_ERROR &&
		 out->targets[0].enhanced.n == 0)
		out->verdict = out->targets[0].verdict;
}

void
resolve(struct directory_tables *t, struct arena *a, struct bytes address,
	const struct bytes *reverse_path, struct resolution *out)
{
	resolve_with(t, a, address, reverse_path, false, out);
}

void
resolve_owners(
	struct directory_tables *t, struct arena *a, struct bytes address, struct resolution *out)
{
	resolve_with(t, a, address, NULL, true, out);
}
