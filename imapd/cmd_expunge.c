/* SPDX-License-Identifier: ISC */
/*
 * imapd/cmd_expunge.c - EXPUNGE and UID EXPUNGE. What is gone is told by the sync that follows.
 *
 * Runs in:  imap session.
 * Sources:  RFC 3501 sec. 6.4.3; RFC 4315 sec. 2.1.
 */
#include "err.h"
#include "imap_core.h"

int
cmd_expunge(struct imap_session *s, struct imap_parser *args)
{
	struct imap_set set;
	uint32_t *uids = NULL;
	size_t n = 0;
	int r;

	if (s->uid) {
		if ((r = imap_get_space(args)) < 0 || (r = imap_get_messages(s, args, &set)) < 0)
			return r;
		uids = imap_set_uids(s, &set, &n);
	}
	if ((r = imap_get_end(args)) < 0)
		return r;
	if (store_view_read_only(s->view))
		return ERR_DENIED;
	if ((uids == NULL || n > 0) && (r = store_expunge(s->view, uids, n, true)) < 0)
		return r;
	imap_finish(s, "OK Expunge completed");
	return ERR_OK;
}
