/* SPDX-License-Identifier: ISC */
/*
 * imapd/cmd_copy.c - COPY and MOVE, with COPYUID. All messages or none; durable before OK.
 *
 * Runs in:  imap session.
 * Sources:  RFC 3501 sec. 6.4.7; RFC 4315 sec. 3; RFC 6851.
 */
#include "err.h"
#include "imap_core.h"

/* Room in the quota for all of them? */
static int
check_room(struct imap_session *s, const struct imap_set *set)
{
	struct imap_walk w = { .set = set };
	uint64_t octets = 0, messages = 0;
	struct store_message m;

	if (!s->limits.quota)
		return ERR_OK;
	for (uint32_t seq; (seq = imap_walk_next(&w)) != 0; messages++) {
		store_message(s->view, seq, &m);
		octets += m.size;
	}
	return imap_quota_check(s, octets, messages);
}

/* "[COPYUID validity from to] ", or nothing if no message was left to copy. */
static const char *
copyuid(struct imap_session *s, const struct store_copied *done)
{
	struct buf b = BUF_INIT;
	const char *text;

	if (done->n == 0)
		return "";
	buf_printf(&b, "[COPYUID %u ", done->uidvalidity);
	imap_put_set(&b, done->from_uids, done->n);
	buf_put_str(&b, " ");
	imap_put_set(&b, done->to_uids, done->n);
	buf_put_str(&b, "] ");
	text = arena_str(&s->arena, buf_bytes(&b));
	buf_free(&b);
	return text;
}

static int
copy(struct imap_session *s, struct imap_parser *args, bool move)
{
	struct store_copied done;
	struct imap_set set;
	struct bytes folder;
	uint32_t *uids;
	size_t n;
	int r;

	if ((r = imap_get_space(args)) < 0 || (r = imap_get_messages(s, args, &set)) < 0 ||
		(r = imap_get_space(args)) < 0 || (r = imap_get_mailbox(args, &folder)) < 0 ||
		(r = imap_get_end(args)) < 0)
		return r;
	if (move && store_view_read_only(s->view))
		return ERR_DENIED;
	uids = imap_set_uids(s, &set, &n);
	if (n == 0) {
		imap_finish(s, "OK No messages to %s", move ? "move" : "copy");
		return ERR_OK;
	}
	if (!move && (r = check_room(s, &set)) < 0)
		return r;
	r = store_copy(s->view, uids, n, folder, move, &s->arena, &done);
	if (r == ERR_NOT_FOUND) {
		imap_finish(s, "NO [TRYCREATE] No such mailbox");
		return ERR_OK;
	}
	if (r < 0)
		return r;
	if (!move) {
		imap_finish(s, "OK %sCopy completed", copyuid(s, &done));
		return ERR_OK;
	}
	if (done.n > 0) /* RFC 6851 sec. 4.3: before the EXPUNGEs */
		buf_printf(&s->out, "* OK %sMoved\r\n", copyuid(s, &done));
	imap_finish(s, "OK Move completed");
	return ERR_OK;
}

int
cmd_copy(struct imap_session *s, struct imap_parser *args)
{
	return copy(s, args, false);
}

int
cmd_move(struct imap_session *s, struct imap_parser *args)
{
	return copy(s, args, true);
}
