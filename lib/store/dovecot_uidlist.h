/* SPDX-License-Identifier: ISC */
/*
 * lib/store/dovecot_uidlist.h - Dovecot's dovecot-uidlist, in which a Maildir's UIDs are there;
 * read once, when a Maildir is taken over. The parser is pure; fuzzed.
 *
 *	3 V1275660208 N25022 G3085f01b7f11094c501100008c4a11c1
 *	25006 :1276528487.M364837P9451.kurkku,S=1355,W=1394:2,
 *	25017 W2481 :1276533073.M242911P3632.kurkku:2,F
 *
 * Version 1, of Dovecot 1.0: "1 UIDVALIDITY NEXTUID", then "UID NAME".
 */
#ifndef RELAIS_DOVECOT_UIDLIST_H
#define RELAIS_DOVECOT_UIDLIST_H

#include <sys/types.h>

#include "bytes.h"

#define DOVECOT_UIDLIST "dovecot-uidlist"

struct dovecot_uidlist {
	uint32_t uidvalidity, uidnext;
	/* the parser's own */
	struct bytes rest;
	bool old;
	uint32_t last;
};

/* Read the first line. returns: ERR_OK; ERR_SYNTAX; ERR_UNSUPPORTED (another version) */
MUST_USE int dovecot_uidlist_open(struct dovecot_uidlist *l, struct bytes text);

/* The next message; name: its file's when the line was written, borrowed. UIDs grow and are below
 * uidnext. returns: 1; 0 no more; ERR_SYNTAX */
MUST_USE int dovecot_uidlist_next(struct dovecot_uidlist *l, uint32_t *uid, struct bytes *name);

/*
 * Take a Maildir folder over, which no suite has open: files get the UIDs of its dovecot-uidlist
 * into their names, then .uidvalidity is made (owner as the folder's). A folder that has one
 * already is left alone, so the work may be repeated after a crash.
 * *taken, *others: files that were in the list, that were not.
 * returns: ERR_OK; ERR_NOT_FOUND (no dovecot-uidlist); ERR_EXISTS (taken over before);
 * ERR_SYNTAX, ERR_UNSUPPORTED (nothing was changed); other errors
 */
MUST_USE int dovecot_uidlist_take_over(int dirfd, size_t *taken, size_t *others);

#endif
