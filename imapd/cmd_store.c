/* SPDX-License-Identifier: ISC */
/*
 * imapd/cmd_store.c - STORE: the flags of messages. Durable before the tagged OK.
 *
 * Runs in:  imap session.
 * Sources:  RFC 3501 sec. 6.4.6.
 */
#include "err.h"
#include "imap_core.h"

struct store_cursor {
	struct imap_set set;
	struct imap_walk walk;
	bool missing; /* some messages were gone */
};

static const struct {
	enum imap_flag flag;
	enum store_flag stored;
} flag_bits[] = {
	{ IMAP_SEEN, STORE_SEEN },
	{ IMAP_ANSWERED, STORE_ANSWERED },
	{ IMAP_FLAGGED, STORE_FLAGGED },
	{ IMAP_DELETED, STORE_DELETED },
	{ IMAP_DRAFT, STORE_DRAFT },
};

unsigned
imap_store_flags(unsigned system)
{
	unsigned stored = 0;

	for (size_t i = 0; i < NITEMS(flag_bits); i++)
		if ((system & flag_bits[i].flag) != 0)
			stored |= flag_bits[i].stored;
	return stored;
}

/* The flags a client named, as the store keeps them. A keyword that is to be removed need not be
 * known. */
static int
make_change(struct imap_session *s, const struct imap_store *store, struct store_flags_change *c)
{
	static const enum store_flags_how how[] = {
		[IMAP_STORE_SET] = STORE_REPLACE,
		[IMAP_STORE_ADD] = STORE_ADD,
		[IMAP_STORE_REMOVE] = STORE_REMOVE,
	};

	*c = (struct store_flags_change){ .how = how[store->mode] };
	c->flags = imap_store_flags(store->flags.system);
	for (size_t i = 0; i < store->flags.keyword_count; i++) {
		unsigned bit;
		int r = store_keyword_bit(
			s->view, store->flags.keywords[i], store->mode != IMAP_STORE_REMOVE, &bit);

		if (r == ERR_NOT_FOUND && store->mode == IMAP_STORE_REMOVE)
			continue;
		if (r < 0)
			return r;
		c->keywords |= (uint64_t)1 << bit;
	}
	return ERR_OK;
}

static void
tell_flags(struct imap_session *s)
{
	struct store_cursor *c = s->cursor;

	while (s->out.len < IMAP_OUT_MARK) {
		uint32_t seq = imap_walk_next(&c->walk);
		struct store_message m;

		if (seq == 0) {
			imap_finish(
				s, "OK %sStore completed", c->missing ? "[EXPUNGEISSUED] " : "");
			return;
		}
		store_message(s->view, seq, &m);
		if (m.expunged)
			c->missing = true;
		else
			imap_put_fetch_flags(s, seq, s->uid);
	}
}

static int
finish_keyword_error(struct imap_session *s, int r)
{
	if (r == ERR_LIMIT)
		imap_finish(s, "NO [LIMIT] Too many keywords in this mailbox");
	else if (r == ERR_SYNTAX)
		imap_finish(s, "NO [CANNOT] A keyword is not allowed");
	else
		return r;
	return ERR_OK;
}

int
cmd_store(struct imap_session *s, struct imap_parser *args)
{
	struct store_cursor *c = arena_zalloc(&s->arena, sizeof(*c));
	struct store_flags_change change;
	struct imap_store store;
	uint32_t *uids;
	size_t n;
	int r;

	if ((r = imap_get_space(args)) < 0 || (r = imap_get_messages(s, args, &c->set)) < 0 ||
		(r = imap_get_space(args)) < 0 || (r = imap_get_store(args, &store)) < 0)
		return r;
	if (store_view_read_only(s->view))
		return ERR_DENIED;
	if ((r = make_change(s, &store, &change)) < 0)
		return finish_keyword_error(s, r);
	uids = imap_set_uids(s, &c->set, &n);
	if (n > 0 && (r = store_change_flags(s->view, uids, n, &change, NULL, NULL)) < 0)
		return r;
	imap_tell_keywords(s, false);
	if (store.silent) {
		imap_finish(s, "OK Store completed");
		return ERR_OK;
	}
	c->walk.set = &c->set;
	imap_begin_steps(s, tell_flags, c);
	return ERR_OK;
}
