/* SPDX-License-Identifier: ISC */
/*
 * imapd/cmd_fetch.c - FETCH: walks the messages asked for and answers item by item.
 *
 * Nothing is collected: the cursor holds the one message under way and how much of its present
 * literal has gone out, and rests whenever the output is full.
 *
 * Runs in:  imap session.
 * Sources:  RFC 3501 sec. 6.4.5 and 7.4.2; RFC 5530 EXPUNGEISSUED.
 */
#include <stdlib.h>

#include "err.h"
#include "fetch.h"
#include "imap_text.h"

#define WANTS_CACHE (IMAP_FETCH_ENVELOPE | IMAP_FETCH_BODY | IMAP_FETCH_BODYSTRUCTURE)

/* -- one message --------------------------------------------------------------------------------
 */

static void
leave_message(struct imap_fetch_cursor *c)
{
	if (c->open)
		store_content_close(&c->content);
	c->open = false;
	c->root = NULL;
	c->rest = BYTES_NONE;
	buf_free(&c->fields);
	arena_reset(&c->arena);
}

static void
put_date(struct buf *out, const struct store_message *m)
{
	buf_put_str(out, "INTERNALDATE ");
	imap_put_date_time(out, m->internal_date, 0);
}

static const char *
gap(struct imap_fetch_cursor *c)
{
	bool first = c->first_item;

	c->first_item = false;
	return first ? "" : " ";
}

static void
put_cached(struct imap_session *s, struct imap_fetch_cursor *c, const struct store_cached *cached)
{
	const struct {
		enum imap_fetch_item item;
		const char *name;
		struct bytes text;
	} rows[] = {
		{ IMAP_FETCH_ENVELOPE, "ENVELOPE", cached->envelope },
		{ IMAP_FETCH_BODY, "BODY", cached->body },
		{ IMAP_FETCH_BODYSTRUCTURE, "BODYSTRUCTURE", cached->bodystructure },
	};

	for (size_t i = 0; i < NITEMS(rows); i++) {
		if ((c->fetch.items & rows[i].item) == 0)
			continue;
		buf_printf(&s->out, "%s%s ", gap(c), rows[i].name);
		buf_put_bytes(&s->out, rows[i].text);
	}
}

/* All but the sections. */
static void
put_items(struct imap_session *s, struct imap_fetch_cursor *c, const struct store_message *m)
{
	unsigned items = c->fetch.items;

	if (s->uid || (items & IMAP_FETCH_UID) != 0)
		buf_printf(&s->out, "%sUID %u", gap(c), m->uid);
	if ((items & IMAP_FETCH_FLAGS) != 0 || c->newly_seen) {
		buf_put_str(&s->out, gap(c));
		imap_put_flags(s, &s->out, m);
	}
	if ((items & IMAP_FETCH_INTERNALDATE) != 0) {
		buf_put_str(&s->out, gap(c));
		put_date(&s->out, m);
	}
	if ((items & IMAP_FETCH_SIZE) != 0)
		buf_printf(&s->out, "%sRFC822.SIZE %llu", gap(c), (unsigned long long)m->size);
}

static int
begin_message(struct imap_session *s, struct imap_fetch_cursor *c)
{
	struct store_cached cached = { .header_octets = 0 };
	struct store_message m;
	int r;

	store_message(s->view, c->seq, &m);
	if (m.expunged)
		return ERR_NOT_FOUND;
	if (c->needs_content) {
		if ((r = store_content_open(s->view, c->seq, &c->content)) < 0)
			return r;
		c->open = true;
	}
	if (c->needs_cache && (r = store_cached(s->view, c->seq, &cached)) < 0)
		return r; /* asked for before the line begins: a message may be gone */
	c->newly_seen = c->sets_seen && (m.flags & STORE_SEEN) == 0;
	if (c->newly_seen) {
		m.flags |= STORE_SEEN;
		c->seen[c->seen_count++] = m.uid;
	}
	c->first_item = true;
	c->section = 0;
	buf_printf(&s->out, "* %u FETCH (", c->seq);
	put_items(s, c, &m);
	put_cached(s, c, &cached);
	return ERR_OK;
}

/* The next section's name, its length; its octets go out by FETCH_OCTETS. */
static int
begin_section(struct imap_session *s, struct imap_fetch_cursor *c)
{
	const struct imap_section *section = &c->fetch.sections[c->section];
	bool there = true;
	int r = imap_fetch_section(s, c, section, &c->rest, &there);

	if (r < 0)
		return r;
	buf_put_str(&s->out, gap(c));
	buf_put_bytes(&s->out, section->label);
	if (there)
		buf_printf(&s->out, " {%zu}\r\n", c->rest.n);
	else
		buf_put_str(&s->out, " NIL");
	return ERR_OK;
}

/* -- \Seen ----------------------------------------------------------------------------------------
 */

/* What was handed out becomes \Seen: with one flush for all of them. */
static int
flush_seen(struct imap_session *s, struct imap_fetch_cursor *c)
{
	struct store_flags_change change = { .how = STORE_ADD, .flags = STORE_SEEN };
	size_t n = c->seen_count;

	c->seen_count = 0;
	if (n == 0)
		return ERR_OK;
	return store_change_flags(s->view, c->seen, n, &change, NULL, NULL);
}

static void
free_cursor(struct imap_session *s)
{
	struct imap_fetch_cursor *c = s->fetch;

	leave_message(c);
	free(c->seen);
	free(c);
	s->fetch = NULL;
}

/* The client has gone in the midst of it: what it has got is seen all the same. */
void
imap_fetch_abort(struct imap_session *s)
{
	if (s->fetch == NULL)
		return;
	if (flush_seen(s, s->fetch) < 0)
		imap_note(s, "flags of messages just read are lost");
	free_cursor(s);
}

static void
finish(struct imap_session *s)
{
	bool missing = s->fetch->missing;
	int r = flush_seen(s, s->fetch);

	free_cursor(s);
	if (r < 0)
		imap_finish_error(s, r);
	else if (missing)
		imap_finish(s, "OK [EXPUNGEISSUED] Some messages were already expunged");
	else
		imap_finish(s, "OK Fetch completed");
}

/* -- the steps ------------------------------------------------------------------------------------
 */

/* A message that cannot be read: gone, or (worse) the line is half written. */
static void
fail_message(struct imap_session *s, struct imap_fetch_cursor *c, int err, size_t out_len)
{
	leave_message(c);
	if (err == ERR_NOT_FOUND) {
		buf_truncate(&s->out, out_len);
		c->missing = true;
		c->state = FETCH_NEXT;
		return;
	}
	buf_truncate(&s->out, out_len);
	if (flush_seen(s, c) < 0)
		imap_note(s, "flags of messages just read are lost");
	free_cursor(s);
	imap_finish_error(s, err);
}

static void
step_next(struct imap_session *s, struct imap_fetch_cursor *c)
{
	size_t out_len = s->out.len;
	int r;

	c->seq = imap_walk_next(&c->walk);
	if (c->seq == 0) {
		finish(s);
		return;
	}
	if ((r = begin_message(s, c)) < 0)
		fail_message(s, c, r, out_len);
	else
		c->state = FETCH_SECTION;
}

static void
step_section(struct imap_session *s, struct imap_fetch_cursor *c)
{
	int r;

	if (c->section == c->fetch.section_count) {
		buf_put_str(&s->out, ")\r\n");
		leave_message(c);
		c->state = FETCH_NEXT;
		return;
	}
	if ((r = begin_section(s, c)) < 0) {
		imap_note(s, "message %u cannot be read: %s", c->seq, err_text(r));
		imap_session_bye(s, "Internal error"); /* half a line is out: no way on */
		return;
	}
	c->state = FETCH_OCTETS;
}

static void
step_octets(struct imap_session *s, struct imap_fetch_cursor *c)
{
	struct bytes now = bytes_head(c->rest, IMAP_OUT_MARK);

	buf_put_bytes(&s->out, now);
	c->rest = bytes_skip(c->rest, now.n);
	if (c->rest.n > 0)
		return;
	buf_free(&c->fields);
	c->section++;
	c->state = FETCH_SECTION;
}

static void
fetch_step(struct imap_session *s)
{
	static void (*const steps[])(struct imap_session *, struct imap_fetch_cursor *) = {
		[FETCH_NEXT] = step_next,
		[FETCH_SECTION] = step_section,
		[FETCH_OCTETS] = step_octets,
	};

	steps[s->fetch->state](s, s->fetch);
}

/* -- the command
 * ------------------------------------------------------------------------------------ */

static void
begin(struct imap_session *s, const struct imap_fetch *fetch, const struct imap_set *set)
{
	struct imap_fetch_cursor *c = xcalloc(1, sizeof(*c));
	size_t n = 0;

	c->fetch = *fetch;
	c->set = *set;
	c->walk.set = &c->set;
	for (size_t i = 0; i < fetch->section_count; i++) {
		c->needs_content |= !imap_section_is_cached(&fetch->sections[i]);
		c->sets_seen |= !fetch->sections[i].peek && !store_view_read_only(s->view);
	}
	c->needs_cache = (fetch->items & WANTS_CACHE) != 0 ||
			 (fetch->section_count > 0 && !c->needs_content);
	for (size_t i = 0; c->sets_seen && i < set->count; i++)
		n += set->ranges[i].last - set->ranges[i].first + 1;
	if (n > 0)
		c->seen = xmalloc(n * sizeof(*c->seen));
	s->fetch = c;
	imap_begin_steps(s, fetch_step, c);
}

int
cmd_fetch(struct imap_session *s, struct imap_parser *args)
{
	struct imap_fetch fetch;
	struct imap_set set;
	int r;

	if ((r = imap_get_space(args)) < 0 || (r = imap_get_messages(s, args, &set)) < 0 ||
		(r = imap_get_space(args)) < 0 || (r = imap_get_fetch(args, &fetch)) < 0 ||
		(r = imap_get_end(args)) < 0)
		return r;
	begin(s, &fetch, &set);
	return ERR_OK;
}
