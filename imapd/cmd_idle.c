/* SPDX-License-Identifier: ISC */
/*
 * imapd/cmd_idle.c - IDLE: news as they happen, until the client says DONE.
 *
 * The owner is asked to watch the folder's directories; each change it reports becomes a
 * store_refresh() in imap_session_changed().
 *
 * Runs in:  imap session.
 * Sources:  RFC 2177.
 */
#include "err.h"
#include "imap_core.h"

int
cmd_idle(struct imap_session *s, struct imap_parser *args)
{
	int dirs[STORE_WATCH_DIRS];
	int r = imap_get_end(args);

	if (r < 0)
		return r;
	buf_put_str(&s->out, "+ idling\r\n");
	s->doing = IMAP_DOING_IDLE;
	imap_reader_next(&s->reader);
	if (s->view == NULL)
		return ERR_OK;
	if (s->host.watch != NULL) {
		store_watch_dirs(s->view, dirs);
		s->host.watch(s->host.ctx, dirs, NITEMS(dirs));
	}
	imap_session_changed(s); /* what happened before the watch began */
	return ERR_OK;
}

void
imap_idle_end(struct imap_session *s)
{
	if (s->doing != IMAP_DOING_IDLE)
		return;
	if (s->view != NULL && s->host.unwatch != NULL)
		s->host.unwatch(s->host.ctx);
	s->doing = IMAP_DOING_NOTHING;
	s->idle_news = s->idle_again = false;
}

void
imap_idle_line(struct imap_session *s, struct bytes line)
{
	imap_idle_end(s);
	if (bytes_is_nocase(line, "DONE"))
		imap_finish(s, "OK Idle completed");
	else
		imap_finish_bad(s, "Expected DONE");
}
