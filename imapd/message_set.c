/* SPDX-License-Identifier: ISC */
/*
 * imapd/message_set.c - from the sets a client names to messages of the view.
 *
 * Runs in:  imap session.
 * Sources:  RFC 3501 sec. 6.4.8 and 9 (sequence-set): a UID nobody has is no error, a sequence
 *           number past the end is one; "*" is the last message, "9:*" holds it at least.
 */
#include "err.h"
#include "imap_core.h"

/* No number may lie past the end; in an empty folder that goes for "*" as well. */
static int
check_numbers(struct imap_parser *args, const struct imap_set *set, uint32_t count)
{
	for (size_t i = 0; i < set->count; i++) {
		uint32_t a = set->ranges[i].first, b = set->ranges[i].last;
		bool star = a == IMAP_STAR || b == IMAP_STAR; /* at least the last message */

		if (star ? count == 0 : a > count || b > count) {
			args->problem = "no message has that number";
			return ERR_SYNTAX;
		}
	}
	return ERR_OK;
}

/* Cut what lies past the end of the folder from a resolved set. */
static void
cut_numbers(struct imap_set *set, uint32_t count)
{
	if (set->count > 0 && set->ranges[set->count - 1].last > count)
		set->ranges[set->count - 1].last = count;
	while (set->count > 0 && set->ranges[set->count - 1].first > count) {
		set->count--;
		if (set->count > 0 && set->ranges[set->count - 1].last > count)
			set->ranges[set->count - 1].last = count;
	}
}

/* Ranges of UIDs, in order, become ranges of sequence numbers. */
static void
to_numbers(struct imap_session *s, struct imap_set *set)
{
	size_t kept = 0;

	for (size_t i = 0; i < set->count; i++) {
		struct imap_range g = set->ranges[i];
		uint32_t first = store_seq_from_uid(s->view, g.first);
		uint32_t last = g.last == UINT32_MAX ? store_count(s->view)
						     : store_seq_from_uid(s->view, g.last + 1) - 1;

		if (first <= last)
			set->ranges[kept++] = (struct imap_range){ first, last };
	}
	set->count = kept;
}

int
imap_resolve_messages(struct imap_session *s, struct imap_parser *args, struct imap_set *set,
	enum imap_numbers of)
{
	uint32_t count = store_count(s->view);
	int r;

	if (set->saved) {
		args->problem = "there is no saved search result";
		return ERR_SYNTAX;
	}
	if (of == IMAP_UIDS) {
		imap_set_resolve(set, count > 0 ? store_uid(s->view, count) : 0);
		to_numbers(s, set);
		return ERR_OK;
	}
	if (of == IMAP_NUMBERS && (r = check_numbers(args, set, count)) < 0)
		return r;
	imap_set_resolve(set, count);
	cut_numbers(set, count);
	return ERR_OK;
}

int
imap_get_messages(struct imap_session *s, struct imap_parser *args, struct imap_set *out)
{
	int r = imap_get_set(args, out);

	return r < 0 ? r : imap_resolve_messages(s, args, out, s->uid ? IMAP_UIDS : IMAP_NUMBERS);
}

uint32_t *
imap_set_uids(struct imap_session *s, const struct imap_set *set, size_t *count)
{
	struct imap_walk w = { .set = set };
	uint32_t *uids;
	size_t n = 0;

	for (size_t i = 0; i < set->count; i++)
		n += set->ranges[i].last - set->ranges[i].first + 1;
	uids = arena_alloc(&s->arena, (n > 0 ? n : 1) * sizeof(*uids));
	*count = 0;
	for (uint32_t seq; (seq = imap_walk_next(&w)) != 0;)
		uids[(*count)++] = store_uid(s->view, seq);
	return uids;
}

uint32_t
imap_walk_next(struct imap_walk *w)
{
	const struct imap_range *g;

	if (w->range == w->set->count)
		return 0;
	g = &w->set->ranges[w->range];
	if (w->next < g->first)
		w->next = g->first;
	if (w->next == g->last)
		w->range++;
	return w->next++;
}
