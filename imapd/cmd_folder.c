/* SPDX-License-Identifier: ISC */
/*
 * imapd/cmd_folder.c - CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE, STATUS.
 *
 * Runs in:  imap session.
 * Sources:  RFC 3501 sec. 6.3.3 to 6.3.7 and 6.3.10.
 */
#include "err.h"
#include "imap_core.h"
#include "imap_text.h"

/* SP mailbox, and nothing else. */
static int
get_one_name(struct imap_parser *args, struct bytes *name)
{
	int r;

	if ((r = imap_get_space(args)) < 0 || (r = imap_get_mailbox(args, name)) < 0)
		return r;
	return imap_get_end(args);
}

static int
finish(struct imap_session *s, int r)
{
	if (r == ERR_OK)
		imap_finish(s, "OK %s completed", s->command->name);
	return r;
}

int
cmd_create(struct imap_session *s, struct imap_parser *args)
{
	struct bytes name;
	int r = get_one_name(args, &name);

	return r < 0 ? r : finish(s, store_folder_create(s->account, name));
}

int
cmd_delete(struct imap_session *s, struct imap_parser *args)
{
	struct bytes name;
	int r = get_one_name(args, &name);

	if (r < 0)
		return r;
	/* one's own view of it must not outlive the folder */
	if (s->view != NULL && bytes_equal(name, s->folder) && !bytes_is(name, "INBOX")) {
		imap_enter(s, IMAP_AUTHENTICATED);
		buf_put_str(&s->out, "* OK [CLOSED] The selected mailbox is being deleted\r\n");
	}
	return finish(s, store_folder_delete(s->account, name));
}

int
cmd_rename(struct imap_session *s, struct imap_parser *args)
{
	struct bytes from, to;
	int r;

	if ((r = imap_get_space(args)) < 0 || (r = imap_get_mailbox(args, &from)) < 0 ||
		(r = get_one_name(args, &to)) < 0)
		return r;
	return finish(s, store_folder_rename(s->account, from, to));
}

int
cmd_subscribe(struct imap_session *s, struct imap_parser *args)
{
	struct bytes name;
	int r = get_one_name(args, &name);

	return r < 0 ? r : finish(s, store_folder_subscribe(s->account, name, true));
}

int
cmd_unsubscribe(struct imap_session *s, struct imap_parser *args)
{
	struct bytes name;
	int r = get_one_name(args, &name);

	return r < 0 ? r : finish(s, store_folder_subscribe(s->account, name, false));
}

static void
put_status(struct imap_session *s, struct bytes name, unsigned items, const struct store_status *st)
{
	const struct {
		enum imap_status_item item;
		const char *name;
		uint32_t value;
	} rows[] = {
		{ IMAP_STATUS_MESSAGES, "MESSAGES", st->messages },
		{ IMAP_STATUS_RECENT, "RECENT", st->recent },
		{ IMAP_STATUS_UIDNEXT, "UIDNEXT", st->uidnext },
		{ IMAP_STATUS_UIDVALIDITY, "UIDVALIDITY", st->uidvalidity },
		{ IMAP_STATUS_UNSEEN, "UNSEEN", st->unseen },
	};
	const char *gap = "";

	buf_put_str(&s->out, "* STATUS ");
	imap_put_astring(&s->out, name);
	buf_put_str(&s->out, " (");
	for (size_t i = 0; i < NITEMS(rows); i++) {
		if ((items & rows[i].item) == 0)
			continue;
		buf_printf(&s->out, "%s%s %u", gap, rows[i].name, rows[i].value);
		gap = " ";
	}
	buf_put_str(&s->out, ")\r\n");
}

int
cmd_status(struct imap_session *s, struct imap_parser *args)
{
	struct store_status st;
	struct bytes name;
	unsigned items;
	int r;

	if ((r = imap_get_space(args)) < 0 || (r = imap_get_mailbox(args, &name)) < 0 ||
		(r = imap_get_space(args)) < 0 || (r = imap_get_status_items(args, &items)) < 0 ||
		(r = imap_get_end(args)) < 0)
		return r;
	if ((r = store_status(s->account, name, &st)) < 0)
		return r;
	put_status(s, name, items, &st);
	imap_finish(s, "OK Status completed");
	return ERR_OK;
}
