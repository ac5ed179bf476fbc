/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/qmgr/fake.h - qmgr in one process with the test: a fake directory and fake
 * deliverers behind fake links, a door on a real channel.
 *
 * What becomes of a recipient is in its local-part: "unknown", "temp" (directory cannot
 * say), "full" (the deliverer says try later), "bad" (the deliverer says never), "lost" (the
 * deliverer dies with the job once), "all" (an alias for a, b and full), "crowd" (one of 2000
 * accounts), "none" (an alias without members), "away"
 * (forwarded to me@one.far.example), "both" (to DOMAIN@one.far.example and DOMAIN@two.far.example);
 * all others are accounts, but those at a domain below far.example, which are on other hosts (there
 * are "never" and "later", too). Deliveries are files ID.RCPT.ACCOUNT below mail/, written when
 * DELIVER comes; a second one of the same name is counted.
 */
#ifndef RELAIS_TEST_FAKE_H
#define RELAIS_TEST_FAKE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ledger_msg.h"
#include "log.h"
#include "outbound_msg.h"
#include "qmgr.h"

#define FAKE_CROWD 2000

struct fake_host { /* what smtp-client says of a next hop */
	const char *next_hop;
	enum outbound_hop hop;
};

struct fake {
	char path[64]; /* queue/ and mail/ are below it */
	int root_fd, mail_fd;
	struct daemon d;
	struct common_conf common;
	struct qmgr_conf conf;
	struct qmgr *q;
	struct ipc_channel *door, *qmgr_side;
	struct ipc_channel *users_door, *users_side; /* submission's: who has a login */
	struct ipc_channel *operator_door, *operator_side;
	struct queue_id_maker ids;
	unsigned asked, answers, accepted, refused;
	int last_err;
	uint64_t lent_offset;
	int lent_fd, kept_fd; /* kept: by a door that does not let go */
	bool keep_lent;
	struct link *ledger;
	unsigned told; /* ledger heard so often that the operator was told */
	unsigned deliveries, repeated, syncs, resolves, lost, busy;
	bool finished; /* qmgr has drained */
	bool directory_down, full_is_ok, sync_fails, hold_sync;
	const char *full_leads_to; /* accounts behind "full", with blanks; NULL: itself */
	const char *login;         /* of the sender */
	const char *sender;        /* the reverse-path; NULL: sender@example.net */
	uint32_t notify;           /* of every recipient (envelope.h) */
	struct send_ticket_key key;
	struct bytes ticket;  /* .n > 0: this instead of the right one */
	unsigned page;        /* targets in one answer; 0: all */
	bool bad_crowd;       /* nobody of it can be delivered to */
	unsigned most_active; /* jobs that were out at once */
	unsigned turned;      /* the members of "all" come in another order */
	struct fake_host hosts[8];
	const char *slow;    /* jobs for this next hop get no answer while it is set */
	const char *route;   /* the next hop of all that is remote */
	unsigned jobs, sent; /* of smtp-client; recipients */
	unsigned bad_answers;
	unsigned lose_jobs;         /* so many: the process dies with them */
	unsigned later, later_most; /* "later@..." is deferred so often */
	unsigned most_rcpts;        /* in one job */
	const char *fields;         /* the signer's; NULL: it has no key */
	const char *signs_for;      /* a domain; NULL: the host's name; "": the fields say which */
	bool signer_hangs, signer_down;
	unsigned signs, signed_jobs;   /* it was asked; jobs of smtp-client with its fields */
	unsigned signed_for_org;       /* those with "d=example.org" */
	uint32_t flags;                /* of every envelope */
	struct mailauth_conf mailauth; /* sign: reports are signed */
	/* told of every confirmed commit */
	void (*on_accepted)(uint64_t id);
};

/* A fresh place on disk; then start and stop qmgr as often as wanted. */
void fake_make(struct fake *f);
void fake_start(struct fake *f);
void fake_stop(struct fake *f); /* orderly */
void fake_remove(struct fake *f);

/* One COMMIT; recipients separated by blanks. Returns its id; does not wait. */
uint64_t fake_commit(struct fake *f, const char *rcpts, struct bytes content);
void fake_commit_at(struct fake *f, uint64_t id, const char *rcpts, struct bytes content);
int fake_lend(struct fake *f); /* a file that is lent */
/* The same with a file lent for it. */
uint64_t fake_commit_lent(struct fake *f, const char *rcpts, struct bytes content);

void fake_directory_restarts(struct fake *f); /* with another key */
/* ledger says so. */
void fake_incident(struct fake *f, const struct ledger_incident *m);

/* Turn the event loop until done() or 10 seconds are over: did it come true? */
bool fake_until(struct fake *f, bool (*done)(struct fake *f));
bool fake_answered(struct fake *f); /* every commit has its answer */
bool fake_empty(struct fake *f);    /* and the queue is empty */
bool fake_quiet(struct fake *f);    /* nothing is on its way; some may wait */
void fake_turns(struct fake *f, unsigned ms);

/* The content delivered to an account, prefix included, or -1 as size. */
int64_t fake_delivered(
	struct fake *f, uint64_t id, uint32_t rcpt, const char *account, struct buf *content);
/* Messages whose first recipient is this account and that it got, one behind the other in text,
 * with a 0 at the end; how many. */
unsigned fake_got(struct fake *f, const char *account, struct buf *text);
unsigned fake_files(struct fake *f, const char *folder);
unsigned fake_message_files(struct fake *f); /* of the queue */

/* Files are not made, from now on until that. */
void fake_disk_stands(struct fake *f);
void fake_disk_goes_on(void);

/* For cmocka: qmgr running in a world of its own. Or fake_new(), set what it should be, start. */
struct fake *fake_new(void);
int fake_setup(void **state);
int fake_setup_sender(void **state); /* with FAKE_SENDER logged in, who is told of failures */
int fake_teardown(void **state);
#define FAKE_SENDER     "sender@example.net"
#define FAKE_TEST(name) cmocka_unit_test_setup_teardown(name, fake_setup, fake_teardown)

#define SMALL_MESSAGE BYTES_LITERAL("Subject: hello\r\n\r\nBody.\r\n")
struct buf fake_content(size_t size); /* a message of about that many octets */

/* The operator's order for one message, 0: for all. */
void fake_order(struct fake *f, enum queue_order_verb verb, uint64_t id);

#endif
