/* SPDX-License-Identifier: ISC */
/*
 * directory/logins.h - who has logged in at submission: login handles.
 *
 * A handle is 16 random octets that stand for an account, on the channel and for the door's
 * session it was given to, and nowhere else: a door process that was taken over can use the
 * logins of its own clients and no other's. Pure but for the randomness.
 */
#ifndef RELAIS_LOGINS_H
#define RELAIS_LOGINS_H

#include "bytes.h"

#define LOGIN_HANDLE_SIZE  16
#define LOGINS_MAX         262144 /* of all channels */
#define LOGINS_PER_CHANNEL 65536  /* more than a door has connections */

struct logins;

/* What a login may send as. */
enum login_power {
	LOGIN_ACCOUNT, /* its account's addresses */
	LOGIN_LOCAL,   /* a local user: what local_owner.c says */
	LOGIN_TRUSTED  /* anybody's */
};

struct login {
	uint8_t handle[LOGIN_HANDLE_SIZE];
	const void *channel;
	uint64_t session;
	bool system_user;
	enum login_power power;
	struct bytes account; /* its key */
	struct bytes client;  /* for the log */
};

struct logins *logins_new(void);
void logins_free(struct logins **l);

/* l->handle is filled in; the rest is copied. returns: ERR_OK; ERR_LIMIT */
MUST_USE int logins_add(struct logins *all, struct login *l);

enum login_found {
	LOGIN_FOUND,
	LOGIN_UNKNOWN,
	LOGIN_FOREIGN, /* there is one, but not on this channel or not of this session */
};

/* Borrowed until the next change. *out also with LOGIN_FOREIGN, for the log. */
enum login_found logins_find(const struct logins *all, const void *channel, uint64_t session,
	struct bytes handle, const struct login **out);

/* Forget one; nothing happens if it is not there, or another's. */
void logins_remove(struct logins *all, const void *channel, uint64_t session, struct bytes handle);
void logins_remove_channel(struct logins *all, const void *channel);

size_t logins_count(const struct logins *all);

#endif
