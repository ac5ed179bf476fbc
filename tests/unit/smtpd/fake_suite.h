/* SPDX-License-Identifier: ISC */
/*
 * tests/unit/smtpd/fake_suite.h - the daemon's clients in one process with a directory and a
 * queue made of rules: lib/daemon's links are replaced, the event loop and the sockets are
 * real. Recipients as in session_driver.h.
 */
#ifndef RELAIS_FAKE_SUITE_H
#define RELAIS_FAKE_SUITE_H

#include "mailauth_msg.h"
#include "smtpd.h"

struct fake {
	struct daemon d;
	struct common_conf common;
	struct smtpd_conf conf;
	struct mailauth_conf mailauth; /* fake_conf(): nothing is verified */
	struct smtpd *smtpd;

	int directory_err, commit_err, lend_err; /* ERR_OK: it answers; ERR_PEER: it's not there */
	int commit_answer;                       /* what qmgr says when it answers */
	unsigned answer_ms;                      /* how long answers take */
	bool finished;                           /* daemon_finished() was called */
	const struct daemon_spec *spec;          /* fake_conf(): port 25 */

	/* submission's; the first SASL message "more" gets a challenge, "good" is right */
	enum directory_send_verdict reverse_path_verdict, message_verdict;
	enum directory_auth_status local_status;
	unsigned logins, cancels, logouts, sends;
	struct buf ticket; /* of the last commit */
	unsigned rcpts, commits, lends;
	struct buf content; /* of the last commit */
	struct buf prefix;
	uint32_t flags; /* of its envelope */
	bool last_lent;

	/* mailauth-verify: what it says, unless the plan wants an error of a question */
	struct mailauth_verified verified;
	int plan[8]; /* the last one goes on */
	size_t planned;
	unsigned verifies, rows;
	uint64_t verified_octets;
	bool verified_writable; /* the content could be changed */

	/* mailauth-sign, by the same plan */
	unsigned signs;
	struct buf sign_asked; /* domain, login and ticket of the last question, with blanks */
	uint64_t sign_octets;  /* prefix and content */

	struct link *links[16];
	size_t nlinks;
};

#define FAKE_DIED 1 /* in the plan: its last word */

/* fake_tls.c: is there a key? (yes at first) */
void fake_tls_ready(bool is);

void fake_start(struct fake *f); /* set f->conf before; fake_conf() has the defaults */
void fake_stop(struct fake *f);
void fake_conf(struct fake *f);

/* A connection from 192.0.2.x; the client's end, non-blocking. */
int fake_connect(struct fake *f, unsigned x);

/* The same at the door of that label; "sendmail": of a local user, who is us. */
int fake_connect_to(struct fake *f, unsigned x, const char *label);

/* Let the loop run until *replies holds `last`, or the connection has ended, or 5 seconds
 * are over. What comes is gathered in *replies. Returns false at the connection's end. */
bool fake_read(struct fake *f, int fd, struct buf *replies, const char *last);

/* The same until the connection has ended (false if that took more than 5 seconds). */
bool fake_read_all(struct fake *f, int fd, struct buf *replies);

void fake_send(struct fake *f, int fd, struct bytes b);
void fake_run(struct fake *f, unsigned ms); /* only let the loop run */

#endif
