/* SPDX-License-Identifier: ISC */
/*
 * imapd/commands.c - the commands after login and where each is allowed.
 *
 * Runs in:  imap session.
 * Sources:  RFC 3501 sec. 6; RFC 2177 IDLE; 2342 NAMESPACE; 2971 ID; 3691 UNSELECT; 4315 UIDPLUS;
 *           6851 MOVE; 9208 QUOTA.
 */
#include "imap_core.h"

#define ANY (IMAP_AUTHENTICATED | IMAP_SELECTED)

static const struct imap_command commands[] = {
	/* name		allowed in	handler			flags */
	{ "APPEND", ANY, cmd_append, 0 },
	{ "CAPABILITY", ANY, cmd_capability, 0 },
	{ "CHECK", IMAP_SELECTED, cmd_noop, 0 },
	{ "CLOSE", IMAP_SELECTED, cmd_close, IMAP_CMD_NO_SYNC },
	{ "COPY", IMAP_SELECTED, cmd_copy, IMAP_CMD_UID },
	{ "CREATE", ANY, cmd_create, 0 },
	{ "DELETE", ANY, cmd_delete, 0 },
	{ "EXAMINE", ANY, cmd_examine, IMAP_CMD_NO_SYNC },
	{ "EXPUNGE", IMAP_SELECTED, cmd_expunge, IMAP_CMD_UID },
	{ "FETCH", IMAP_SELECTED, cmd_fetch, IMAP_CMD_UID | IMAP_CMD_HOLD },
	{ "GETQUOTA", ANY, cmd_getquota, 0 },
	{ "GETQUOTAROOT", ANY, cmd_getquotaroot, 0 },
	{ "ID", ANY, cmd_id, 0 },
	{ "IDLE", ANY, cmd_idle, 0 },
	{ "LIST", ANY, cmd_list, 0 },
	{ "LOGOUT", ANY, cmd_logout, IMAP_CMD_NO_SYNC },
	{ "LSUB", ANY, cmd_lsub, 0 },
	{ "MOVE", IMAP_SELECTED, cmd_move, IMAP_CMD_UID },
	{ "NAMESPACE", ANY, cmd_namespace, 0 },
	{ "NOOP", ANY, cmd_noop, 0 },
	{ "RENAME", ANY, cmd_rename, 0 },
	{ "SEARCH", IMAP_SELECTED, cmd_search, IMAP_CMD_UID | IMAP_CMD_HOLD },
	{ "SELECT", ANY, cmd_select, IMAP_CMD_NO_SYNC },
	{ "STATUS", ANY, cmd_status, 0 },
	{ "STORE", IMAP_SELECTED, cmd_store, IMAP_CMD_UID | IMAP_CMD_HOLD },
	{ "SUBSCRIBE", ANY, cmd_subscribe, 0 },
	{ "UNSELECT", IMAP_SELECTED, cmd_unselect, IMAP_CMD_NO_SYNC },
	{ "UNSUBSCRIBE", ANY, cmd_unsubscribe, 0 },
};

const struct imap_command *
imap_command_find(struct bytes name)
{
	for (size_t i = 0; i < NITEMS(commands); i++)
		if (bytes_is_nocase(name, commands[i].name))
			return &commands[i];
	return NULL;
}
