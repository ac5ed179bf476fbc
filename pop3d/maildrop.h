/* SPDX-License-Identifier: ISC */
/*
 * pop3d/maildrop.h - the maildrop of one POP3 session: the INBOX as it was at login, under the
 * exclusive lock (RFC 1939 sec. 4).
 */
#ifndef RELAIS_MAILDROP_H
#define RELAIS_MAILDROP_H

#include "store.h"

enum maildrop_mark {
	MAILDROP_DELETED = 1, /* by DELE */
	MAILDROP_SEEN = 2,    /* by RETR */
};

struct maildrop {
	struct store_account *account;
	struct store_view *view;
	uint32_t count;     /* messages; numbers are 1 to count */
	uint64_t octets;    /* of all */
	uint8_t *marks;     /* MAILDROP_... of each message */
	uint32_t n_deleted; /* marked by DELE */
	uint64_t deleted_octets;
};

/* Lock and open. ERR_BUSY: another session has it. On an error there is nothing to close. */
MUST_USE int maildrop_open(int root_fd, const char *hostname, struct maildrop *out);
void maildrop_close(struct maildrop *m); /* nothing is removed */

/* A message that exists and is not marked. */
bool maildrop_has(const struct maildrop *m, uint32_t number);
uint64_t maildrop_size(const struct maildrop *m, uint32_t number);

void maildrop_mark(struct maildrop *m, uint32_t number);      /* DELE; maildrop_has() before */
void maildrop_mark_seen(struct maildrop *m, uint32_t number); /* RETR */
void maildrop_unmark_all(struct maildrop *m);                 /* RSET */

/* UPDATE: remove what is marked, durably. change: what it did to the account's use. */
MUST_USE int maildrop_update(struct maildrop *m, struct store_usage *change);

/* What was retrieved and is not removed gets \Seen; also where no QUIT came. */
MUST_USE int maildrop_save_seen(struct maildrop *m);

#endif
