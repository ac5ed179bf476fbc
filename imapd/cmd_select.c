/* SPDX-License-Identifier: ISC */
/*
 * imapd/cmd_select.c - SELECT, EXAMINE, CLOSE, UNSELECT: into and out of Selected state.
 *
 * Runs in:  imap session.
 * Sources:  RFC 3501 sec. 6.3.1, 6.3.2, 6.4.2; RFC 3691; RFC 5530.
 */
#include "err.h"
#include "imap_core.h"

static void
put_folder_state(struct imap_session *s)
{
	struct store_status st;

	store_view_status(s->view, &st);
	imap_tell_keywords(s, true);
	buf_printf(&s->out, "* %u EXISTS\r\n* %u RECENT\r\n", st.messages, st.recent);
	if (st.first_unseen > 0)
		buf_printf(&s->out, "* OK [UNSEEN %u] First unseen\r\n", st.first_unseen);
	buf_printf(&s->out,
		"* OK [UIDVALIDITY %u] UIDs valid\r\n* OK [UIDNEXT %u] Predicted next UID\r\n",
		st.uidvalidity, st.uidnext);
}

static int
open_folder(struct imap_session *s, struct imap_parser *args, unsigned flags)
{
	struct bytes name;
	uint8_t *copy;
	int r;

	if ((r = imap_get_space(args)) < 0 || (r = imap_get_mailbox(args, &name)) < 0 ||
		(r = imap_get_end(args)) < 0)
		return r;
	if (s->view != NULL)
		buf_put_str(&s->out, "* OK [CLOSED] Previous mailbox closed\r\n");
	imap_enter(s, IMAP_AUTHENTICATED); /* RFC 3501: also if what follows fails */
	if ((r = store_open(s->account, name, flags, &s->view)) < 0)
		return r;
	copy = xmalloc(name.n);
	memcpy(copy, name.p, name.n);
	s->folder = bytes_make(copy, name.n);
	imap_enter(s, IMAP_SELECTED);
	put_folder_state(s);
	imap_finish(s, "OK [%s] %s completed",
		store_view_read_only(s->view) ? "READ-ONLY" : "READ-WRITE", s->command->name);
	return ERR_OK;
}

int
cmd_select(struct imap_session *s, struct imap_parser *args)
{
	return open_folder(s, args, 0);
}

int
cmd_examine(struct imap_session *s, struct imap_parser *args)
{
	return open_folder(s, args, STORE_READ_ONLY);
}

int
cmd_close(struct imap_session *s, struct imap_parser *args)
{
	int r = imap_get_end(args);

	if (r < 0)
		return r;
	if (!store_view_read_only(s->view))
		r = store_expunge(s->view, NULL, 0, true);
	imap_enter(s, IMAP_AUTHENTICATED);
	if (r < 0)
		return r;
	imap_finish(s, "OK Close completed");
	return ERR_OK;
}

int
cmd_unselect(struct imap_session *s, struct imap_parser *args)
{
	int r = imap_get_end(args);

	if (r < 0)
		return r;
	imap_enter(s, IMAP_AUTHENTICATED);
	imap_finish(s, "OK Unselect completed");
	return ERR_OK;
}
