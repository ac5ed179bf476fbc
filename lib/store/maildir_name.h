/* SPDX-License-Identifier: ISC */
/*
 * lib/store/maildir_name.h - the names of message files, pure.
 *
 *	1795299836.Qabc_0.host,S=4096,U=17:2,FS
 *	|-- key ---------|            |  |---- info: letters, one per flag
 *	|-- base ---------------------|
 *
 * The key never changes, whoever renames the file. S= is the size, U= the UID as mbsync
 * writes it. Letters: D F P R S T are \Draft \Flagged $Forwarded \Answered \Seen \Deleted;
 * a to z are the folder's first 26 keywords, as Dovecot has them (dovecot-keywords).
 */
#ifndef RELAIS_MAILDIR_NAME_H
#define RELAIS_MAILDIR_NAME_H

#include "buf.h"

#define MAILDIR_NAME_MAX 255

struct maildir_name {
	struct bytes key;
	struct bytes base;
	uint32_t uid;     /* from U=; 0: none */
	uint64_t size;    /* from S=; 0: none */
	bool has_info;    /* there is a ":2," */
	uint64_t letters; /* bit 0-25: A-Z, bit 26-51: a-z */
};

#define MAILDIR_LETTER(c)                                                                          \
	((uint64_t)1 << ((c) >= 'a' ? (unsigned)((c) - 'a') + 26U : (unsigned)((c) - 'A')))
#define MAILDIR_KEYWORD_SHIFT   26
#define MAILDIR_KEYWORD_LETTERS ((uint64_t)0x3ffffff << MAILDIR_KEYWORD_SHIFT)

/* The fields point into name. ERR_SYNTAX: not a message (hidden, empty, too long). */
MUST_USE int maildir_name_parse(struct bytes name, struct maildir_name *out);

/* enum store_flag bits of the letters, and back; $Forwarded ('P') is left to the caller. */
unsigned maildir_flags(uint64_t letters);
uint64_t maildir_letters(unsigned flags);

/* base + ":2," + letters in ASCII order */
void maildir_name_put(struct buf *out, struct bytes base, uint64_t letters);

/* base without any ",U=..." of its own, then ",U=" uid */
void maildir_base_with_uid(struct buf *out, struct bytes base, uint32_t uid);

#endif
