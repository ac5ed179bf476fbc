/* SPDX-License-Identifier: ISC */
/*
 * lib/store/folder_name.h - IMAP names and Maildir++ directories, pure.
 *
 *	INBOX		the account's directory itself
 *	Sent		.Sent
 *	Lists/a.b	.Lists.a\2eb		('.', '\' and control octets as \xx, two hex digits)
 *
 * Names stay in modified UTF-7 on disk, as Dovecot and Courier have them.
 */
#ifndef RELAIS_FOLDER_NAME_H
#define RELAIS_FOLDER_NAME_H

#include "buf.h"

/* A name without a '/' at its end. */
struct bytes folder_name_trim(struct bytes name);

bool folder_name_is_inbox(struct bytes name);

/* The directory of a valid name, "." for INBOX. ERR_SYNTAX, ERR_LIMIT: not valid */
MUST_USE int folder_name_to_dir(struct buf *out, struct bytes name);

/* The name of a directory ".A.B". ERR_SYNTAX: not a folder of ours */
MUST_USE int folder_name_from_dir(struct buf *out, struct bytes dir);

/* STORE_USE_... by the conventional names, or 0. */
unsigned folder_name_special_use(struct bytes name);

#endif
