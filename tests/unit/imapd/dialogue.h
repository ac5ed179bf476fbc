/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/imapd/dialogue.h - IMAP sessions on a real mailbox in a temporary folder, and scripts
 * of what is said to them and what they answer.
 *
 * A script is lines, each beginning with who and what:
 *   A> text     client A says text CRLF        A< text     and gets this line; "~" in it stands
 *   A>> text    the same; CRLF where a "$" stands only     for anything
 *   A!          A's watched folder changed     A.          no more output, and A is over
 *   #           a remark
 * A and B are two sessions of one account. A line of output not asked for is a failure as soon
 * as the same client says something more, and at the end.
 */
#ifndef RELAIS_DIALOGUE_H
#define RELAIS_DIALOGUE_H

#include "imap_core.h"

struct mailbox { /* a temporary account */
	char path[64];
	struct store_account *account[2];
};

void mailbox_open(struct mailbox *m);  /* in memory if there is /dev/shm */
void mailbox_close(struct mailbox *m); /* removes it */

/* step: octets fed at a time; 0: a line at once. NULL if all went as written, else what was
 * wrong (static). */
const char *dialogue_run(struct mailbox *m, const char *script, size_t step);

#endif
