/* SPDX-License-Identifier: ISC */
/*
 * imapd/session_sync.c - telling the client what changed in its folder.
 *
 * Runs in:  imap session.
 * Sources:  RFC 3501 sec. 5.2, 7.2.6, 7.3, 7.4.1.
 */
#include "imap_core.h"

#include "err.h"

static const struct {
	enum store_flag stored;
	const char *name;
} flag_words[] = {
	{ STORE_ANSWERED, "\\Answered" },
	{ STORE_FLAGGED, "\\Flagged" },
	{ STORE_DELETED, "\\Deleted" },
	{ STORE_SEEN, "\\Seen" },
	{ STORE_DRAFT, "\\Draft" },
};

void
imap_put_flags(struct imap_session *s, struct buf *out, const struct store_message *m)
{
	const char *gap = "";

	buf_put_str(out, "FLAGS (");
	for (size_t i = 0; i < NITEMS(flag_words); i++) {
		if ((m->flags & flag_words[i].stored) == 0)
			continue;
		buf_printf(out, "%s%s", gap, flag_words[i].name);
		gap = " ";
	}
	for (unsigned bit = 0; bit < STORE_KEYWORDS_MAX; bit++) {
		if ((m->keywords >> bit & 1) == 0 || bit >= store_keyword_count(s->view))
			continue;
		buf_printf(out, "%s%s", gap, store_keyword_name(s->view, bit));
		gap = " ";
	}
	buf_printf(out, "%s)", !m->recent ? "" : *gap == ' ' ? " \\Recent" : "\\Recent");
}

void
imap_put_fetch_flags(struct imap_session *s, uint32_t seq, bool uid)
{
	struct store_message m;

	store_message(s->view, seq, &m);
	buf_printf(&s->out, "* %u FETCH (", seq);
	if (uid)
		buf_printf(&s->out, "UID %u ", m.uid);
	imap_put_flags(s, &s->out, &m);
	buf_put_str(&s->out, ")\r\n");
}

static void
put_flag_names(struct imap_session *s)
{
	for (size_t i = 0; i < NITEMS(flag_words); i++)
		buf_printf(&s->out, "%s%s", i > 0 ? " " : "", flag_words[i].name);
	for (unsigned bit = 0; bit < store_keyword_count(s->view); bit++)
		buf_printf(&s->out, " %s", store_keyword_name(s->view, bit));
}

void
imap_tell_keywords(struct imap_session *s, bool always)
{
	unsigned count = store_keyword_count(s->view);

	if (count == s->keywords_told && !always)
		return;
	s->keywords_told = count;
	buf_put_str(&s->out, "* FLAGS (");
	put_flag_names(s);
	buf_put_str(&s->out, ")\r\n* OK [PERMANENTFLAGS (");
	if (!store_view_read_only(s->view)) {
		put_flag_names(s);
		if (count < STORE_KEYWORDS_MAX)
			buf_put_str(&s->out, " \\*");
	}
	buf_put_str(&s->out, ")] Flags kept\r\n");
}

int
imap_sync_begin(struct imap_session *s, bool hold_expunged)
{
	uint32_t before = store_count(s->view);
	int r = store_refresh(s->view, hold_expunged ? STORE_HOLD_EXPUNGED : 0, &s->changes);

	s->changes_at = 0;
	if (r < 0)
		return r;
	imap_tell_keywords(s, false);
	/* the client counts down by itself with each EXPUNGE */
	s->changes.exists = store_count(s->view);
	s->changes_exists_told = before - (uint32_t)s->changes.n_expunged == s->changes.exists;
	return ERR_OK;
}

bool
imap_sync_step(struct imap_session *s)
{
	const struct store_changes *c = &s->changes;

	while (s->changes_at < c->n_expunged && s->out.len < IMAP_OUT_MARK)
		buf_printf(&s->out, "* %u EXPUNGE\r\n", c->expunged[s->changes_at++]);
	if (s->changes_at < c->n_expunged)
		return false;
	if (!s->changes_exists_told) {
		buf_printf(&s->out, "* %u EXISTS\r\n* %u RECENT\r\n", c->exists, c->recent);
		s->changes_exists_told = true;
	}
	while (s->changes_at - c->n_expunged < c->n_changed && s->out.len < IMAP_OUT_MARK)
		imap_put_fetch_flags(s, c->changed[s->changes_at++ - c->n_expunged], s->uid);
	return s->changes_at - c->n_expunged == c->n_changed;
}
