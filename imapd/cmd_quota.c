/* SPDX-License-Identifier: ISC */
/*
 * imapd/cmd_quota.c - GETQUOTA, GETQUOTAROOT, and the check before something is added. There is one
 * quota root, the account; ledger knows its use.
 *
 * Runs in:  imap session.
 * Sources:  RFC 9208 (and RFC 2087).
 */
#include "err.h"
#include "imap_core.h"
#include "imap_text.h"

#define ROOT BYTES_LITERAL("User quota")

int
imap_quota_check(struct imap_session *s, uint64_t octets, uint64_t messages)
{
	struct session_quota_msg q;

	if (!s->limits.quota || s->host.quota_get == NULL)
		return ERR_OK;
	if (s->host.quota_get(s->host.ctx, &q) < 0)
		return ERR_OK; /* ledger is away: better a little too much than lost mail */
	if (q.limit_octets > 0 &&
		(q.used_octets > q.limit_octets || octets > q.limit_octets - q.used_octets))
		return ERR_QUOTA;
	if (q.limit_messages > 0 && (q.used_messages > q.limit_messages ||
					    messages > q.limit_messages - q.used_messages))
		return ERR_QUOTA;
	return ERR_OK;
}

static int
put_quota(struct imap_session *s)
{
	struct session_quota_msg q;
	const char *gap = "";
	int r;

	if (!s->limits.quota || s->host.quota_get == NULL)
		return ERR_OK;
	if ((r = s->host.quota_get(s->host.ctx, &q)) < 0)
		return r;
	buf_put_str(&s->out, "* QUOTA ");
	imap_put_astring(&s->out, ROOT);
	buf_put_str(&s->out, " (");
	if (q.limit_octets > 0) {
		buf_printf(&s->out, "STORAGE %llu %llu",
			(unsigned long long)((q.used_octets + 1023) / 1024),
			(unsigned long long)(q.limit_octets / 1024));
		gap = " ";
	}
	if (q.limit_messages > 0)
		buf_printf(&s->out, "%sMESSAGE %llu %llu", gap, (unsigned long long)q.used_messages,
			(unsigned long long)q.limit_messages);
	buf_put_str(&s->out, ")\r\n");
	return ERR_OK;
}

int
cmd_getquota(struct imap_session *s, struct imap_parser *args)
{
	struct bytes root;
	int r;

	if ((r = imap_get_space(args)) < 0 || (r = imap_get_astring(args, &root)) < 0 ||
		(r = imap_get_end(args)) < 0)
		return r;
	if (!s->limits.quota || !bytes_equal(root, ROOT)) {
		imap_finish(s, "NO [NONEXISTENT] No such quota root");
		return ERR_OK;
	}
	if ((r = put_quota(s)) == ERR_OK)
		imap_finish(s, "OK Getquota completed");
	return r;
}

int
cmd_getquotaroot(struct imap_session *s, struct imap_parser *args)
{
	struct bytes folder;
	int r;

	if ((r = imap_get_space(args)) < 0 || (r = imap_get_mailbox(args, &folder)) < 0 ||
		(r = imap_get_end(args)) < 0)
		return r;
	if ((r = store_folder_exists(s->account, folder)) < 0)
		return r;
	buf_put_str(&s->out, "* QUOTAROOT ");
	imap_put_astring(&s->out, folder);
	if (s->limits.quota) {
		buf_put_str(&s->out, " ");
		imap_put_astring(&s->out, ROOT);
	}
	buf_put_str(&s->out, "\r\n");
	if ((r = put_quota(s)) == ERR_OK)
		imap_finish(s, "OK Getquotaroot completed");
	return r;
}
