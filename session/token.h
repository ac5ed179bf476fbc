/* SPDX-License-Identifier: ISC */
/*
 * session/token.h - the spawner's promises: who shows this token may have that session.
 *
 * A token is good once and for SESSION_TOKEN_LIFE_MS. A search compares with every open token,
 * each in constant time, so that its duration says nothing of any of them. The table lies in
 * memory that a forked child sees as zeros (MADV_WIPEONFORK): no session finds another's token.
 */
#ifndef RELAIS_TOKEN_H
#define RELAIS_TOKEN_H

#include "session_msg.h"

#define TOKENS_MAX           1024 /* open at once */
#define TOKENS_A_ACCOUNT_MAX 64   /* one password does not fill the table */

/* What a token stands for. */
struct token_grant {
	uint32_t uid, gid;
	uint64_t quota_octets, quota_messages;
	char account[SESSION_ACCOUNT_MAX + 1];
	char home[SESSION_HOME_MAX + 1];
};

struct token_table;

/* NULL with errno set: no memory */
struct token_table *token_table_new(void);
void token_table_free(struct token_table **t);

/* ERR_BUSY: too many open, in all or for this account; ERR_EXISTS: this token is open already
 * (never by chance) */
MUST_USE int token_put(struct token_table *t, const struct session_start_msg *m, uint64_t now_ms);

/* Use a token up. ERR_NOT_FOUND: unknown, used, or too old. */
MUST_USE int token_take(struct token_table *t, const uint8_t token[SESSION_TOKEN_SIZE],
	uint64_t now_ms, struct token_grant *out);

unsigned token_count(const struct token_table *t, uint64_t now_ms);

#endif
