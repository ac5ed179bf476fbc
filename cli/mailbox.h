/* SPDX-License-Identifier: ISC */
/* cli/mailbox.h - Maildirs made for new accounts. */
#ifndef RELAIS_CLI_MAILBOX_H
#define RELAIS_CLI_MAILBOX_H

#include "cli.h"

/* Make the Maildir of an account (home: below the mail root) with its owner; parents too. */
bool mailbox_make(struct cli *cli, const char *home, uint32_t uid, uint32_t gid);

/* Owner of virtual users' mailboxes: that user for root, else whoever runs this. */
bool mailbox_owner(struct cli *cli, uint32_t *uid, uint32_t *gid);

#endif
