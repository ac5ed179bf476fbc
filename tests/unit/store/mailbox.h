/* SPDX-License-Identifier: ISC */
/* tests/unit/store/mailbox.h - a mailbox in a temporary directory, for the tests of lib/store. */
#ifndef RELAIS_TEST_MAILBOX_H
#define RELAIS_TEST_MAILBOX_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "store.h"

struct mailbox {
	char path[64]; /* the mail root; the account is in it as "a" */
	int rootfd;    /* of the mail root */
	struct store_account *account;
	struct store_deliverer *deliverer;
};

void mailbox_make(struct mailbox *m);
void mailbox_remove(struct mailbox *m);
/* Close everything; and open it again, as after a restart. */
void mailbox_shut(struct mailbox *m);
void mailbox_reopen(struct mailbox *m);

/* Deliver a message whose subject is text; its UID. */
uint32_t mailbox_deliver(struct mailbox *m, const char *unique, const char *text);
uint32_t mailbox_append(struct mailbox *m, const char *folder, const char *text, unsigned flags);
struct store_view *mailbox_open(struct mailbox *m, const char *folder);

/* A file of the account: make it, how many in a directory, find by part of its name. */
void mailbox_put_file(struct mailbox *m, const char *path, const char *text);
int mailbox_files(struct mailbox *m, const char *directory);
/* The name (not the path) of the nth file in directory that contains part; "" if none. */
const char *mailbox_find(struct mailbox *m, const char *directory, const char *part, char out[256]);
void mailbox_rename(struct mailbox *m, const char *from, const char *to);
void mailbox_unlink(struct mailbox *m, const char *path);

/* The value of a header line "Subject: " of message seq, in out. */
const char *mailbox_subject(struct store_view *v, uint32_t seq, char out[64]);
unsigned mailbox_flags(struct store_view *v, uint32_t seq);

#endif
