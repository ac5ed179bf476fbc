/* SPDX-License-Identifier: ISC */
/*
 * directory/auth.h - one attempt to log in, from the login's name to the answer to the door.
 *
 *	auth_new()		a door asks
 *	auth_identify()		the name is known: look it up, ask ledger, then go()
 *	...			go() checks a password (auth.c) or talks SCRAM (sasl.c)
 *	auth_right(), auth_wrong(), auth_answer()	ledger and the door are told; it is gone
 *
 * Runs in:  directory.
 */
#ifndef RELAIS_DIRECTORY_AUTH_H
#define RELAIS_DIRECTORY_AUTH_H

#include "directory.h"
#include "guess.h"
#include "sasl_exchange.h"

enum auth_state {
	AUTH_NEW,
	AUTH_LOOKING,  /* in the tables or the database: goes on in looked_up() */
	AUTH_ASKING,   /* ledger: goes on in on_try() */
	AUTH_HASHING,  /* goes on in on_password() */
	AUTH_TALKING,  /* SASL: the client's next message is awaited; nobody else holds it */
	AUTH_STARTING, /* the session: goes on in on_started() */
	AUTH_DELAYED,  /* a refusal is held back for a while */
};

struct auth {
	LIST_ENTRY(auth) link;
	struct directory *d;
	struct ipc_channel *channel; /* NULL: the one who asked is gone */
	uint32_t id;
	enum auth_state state;
	enum directory_protocol protocol;
	uint64_t session;
	struct arena arena; /* holds what follows */
	struct bytes client;
	struct bytes login; /* as the client said */
	struct account account;
	int looked_up; /* ERR_OK, ERR_NOT_FOUND: there is no such account */
	struct buf password;
	void (*go)(struct auth *a);
	bool framed; /* ledger said GO: it waits for the outcome */
	enum password_priority priority;
	uint32_t delay_ms; /* of a refusal */
	enum directory_auth_status refusal;
	struct event *timer;
	uint8_t token[DIRECTORY_TOKEN_SIZE];
	/* SASL only */
	struct sasl_exchange *exchange;
	uint64_t number; /* of the exchange */
	uint64_t deadline_ms;
	bool proven; /* all is right, the empty response to the last challenge is awaited */
};

/* NULL: too many of this client; the door has its answer. client is copied. */
struct auth *auth_new(struct ipc_call *call, enum directory_protocol protocol, struct bytes client,
	uint64_t session);

/* login and *a->password are there. */
void auth_identify(struct auth *a, struct bytes login, void (*go)(struct auth *a));
/* A go() that checks the password. */
void auth_check_password(struct auth *a);

/* The end, each: a is gone afterwards, or soon. app: as in password_answer. */
void auth_right(struct auth *a, struct bytes app, unsigned protocols);
void auth_wrong(struct auth *a);
void auth_refuse(struct auth *a, enum directory_auth_status status);
/* Without a word to the door: it left, or will not wait. */
void auth_drop(struct auth *a);

/* An answer that is no end. */
void auth_say(const struct auth *a, const struct directory_auth_answer *answer);

/* sasl.c */
void auth_exchange_free(struct auth *a);

#endif
