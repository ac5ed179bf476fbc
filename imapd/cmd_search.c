/* SPDX-License-Identifier: ISC */
/*
 * imapd/cmd_search.c - SEARCH: asks message by message, in steps, then tells the numbers.
 *
 * Runs in:  imap session.
 * Sources:  RFC 3501 sec. 6.4.4 and 7.2.5.
 */
#include "err.h"
#include "search.h"

struct search_cursor {
	struct search_node *root;
	uint32_t count; /* of the folder when the search began; it stays so (IMAP_CMD_HOLD) */
	uint32_t next;  /* to be asked, then to be told */
	uint8_t *found; /* a bit for each message */
};

static void
tell_step(struct imap_session *s)
{
	struct search_cursor *c = s->cursor;

	for (; c->next <= c->count && s->out.len < IMAP_OUT_MARK; c->next++)
		if ((c->found[c->next / 8] >> (c->next % 8) & 1) != 0)
			buf_printf(&s->out, " %u", s->uid ? store_uid(s->view, c->next) : c->next);
	if (c->next <= c->count)
		return;
	buf_put_str(&s->out, "\r\n");
	imap_finish(s, "OK Search completed");
}

static void
ask_step(struct imap_session *s)
{
	struct search_cursor *c = s->cursor;
	uint32_t end = c->next + IMAP_STEP_MESSAGES;

	for (; c->next <= c->count && c->next < end; c->next++)
		if (imap_search_matches(s, c->root, c->next))
			c->found[c->next / 8] |= (uint8_t)(1U << (c->next % 8));
	if (c->next <= c->count)
		return;
	c->next = 1;
	buf_put_str(&s->out, "* SEARCH");
	imap_begin_steps(s, tell_step, c);
}

int
cmd_search(struct imap_session *s, struct imap_parser *args)
{
	struct search_cursor *c = arena_zalloc(&s->arena, sizeof(*c));
	struct imap_search *search = arena_alloc(&s->arena, sizeof(*search));
	int r;

	if ((r = imap_get_space(args)) < 0 || (r = imap_get_search(args, search)) < 0)
		return r;
	r = imap_search_plan(s, args, search, &c->root);
	if (r == ERR_UNSUPPORTED) {
		imap_finish(s, "NO [BADCHARSET (US-ASCII UTF-8)] Unknown charset");
		return ERR_OK;
	}
	if (r < 0)
		return r;
	c->count = store_count(s->view);
	c->next = 1;
	c->found = arena_zalloc(&s->arena, c->count / 8 + 1);
	imap_begin_steps(s, ask_step, c);
	return ERR_OK;
}
