/* SPDX-License-Identifier: ISC */
/*
 * cli/sendmail/sendmail.h - sendmail(1): a message of a local user goes to submission.
 *
 *   sendmail_args.c     the command line, as forty years of scripts write it
 *   sendmail_message.c  the message: line ends, header, recipients in it (pure)
 *   sendmail_smtp.c     the dialogue over the socket
 *   sendmail_main.c     what is done when
 *
 * Runs as:  whoever calls it; nothing is set-uid.
 * Trusts:   its caller. submission trusts nothing of it but what the kernel says: the uid.
 */
#ifndef RELAIS_SENDMAIL_H
#define RELAIS_SENDMAIL_H

#include <sysexits.h>

#include "arena.h"
#include "buf.h"

enum sendmail_mode {
	SENDMAIL_SEND,
	SENDMAIL_SMTP,    /* -bs: SMTP on standard input and output */
	SENDMAIL_QUEUE,   /* -bp, mailq */
	SENDMAIL_ALIASES, /* -bi, newaliases */
	SENDMAIL_FLUSH,   /* -q */
	SENDMAIL_NOTHING, /* -q30m, -bv ...: answered without doing anything */
	SENDMAIL_HELP
};

struct sendmail_args {
	enum sendmail_mode mode;
	const char *conf_path; /* -C, RELAIS_CONFIG */
	const char *sender;    /* -f, -r; NULL: the user's own address */
	const char *full_name; /* -F */
	const char *notify;    /* -N as SMTP wants it: "NEVER", "FAILURE,DELAY"; NULL */
	const char *ret;       /* -R: "FULL" or "HDRS"; NULL */
	const char *envid;     /* -V, before xtext; NULL */
	bool from_header;      /* -t */
	bool dots_are_text;    /* -i: a lone dot does not end the message */
	char **recipients;
	int n_recipients;
};

/* EX_OK, or EX_USAGE with a line on standard error. Strings are argv's, or constant. */
int sendmail_args_parse(struct sendmail_args *a, int argc, char *argv[]);
extern const char sendmail_usage[];

/* ---- the message ---- */

struct sendmail_message {
	struct arena arena;
	struct buf text;  /* as it is sent: CRLF everywhere, header mended */
	struct bytes *to; /* envelope recipients, mailboxes */
	size_t n_to, to_room;
	struct bytes bad;     /* with take_to: the first recipient that is no address */
	bool eight_bit, utf8; /* of the text; of an address */
};

/* What of standard input is the message: with dots_are_text all of it, else up to a line
 * with a lone dot. */
struct bytes sendmail_message_end(struct bytes in, bool dots_are_text);

/*
 * Mend what programs write: line ends (a CR or NUL that is alone goes), an mbox' From line, an
 * empty line before what is no header. Addresses without a domain get that of `self` in
 * From, Sender, Reply-To, To and Cc; without From there will be one.
 *
 * from:      for a missing From: the sender's mailbox; full_name may be empty
 * take_to:   the recipients of To, Cc and Bcc (or those of the Resent- fields) are the
 *            envelope's too
 */
void sendmail_message_make(struct sendmail_message *m, struct bytes in, struct bytes self,
	struct bytes from, struct bytes full_name, bool take_to);

/* The addresses of a command line's word or a field, as recipients. returns: how many; ERR_SYNTAX:
 * one is no address (*bad is what was given). */
MUST_USE int sendmail_add_recipients(
	struct sendmail_message *m, struct bytes list, struct bytes self, struct bytes *bad);

/* "joe" and "Joe <joe>" as a mailbox in the domain of self; in the arena, empty if it is none. */
struct bytes sendmail_mailbox(struct arena *a, struct bytes word, struct bytes self);

void sendmail_message_free(struct sendmail_message *m);

/* ---- the dialogue ---- */

struct sendmail_link {
	int fd;
	struct buf in;       /* read, not used */
	struct buf reply;    /* the text of the last reply, lines parted by '\n' */
	struct buf self;     /* who we are there: the user's own address */
	uint64_t size_limit; /* of a message; 0: none told */
};

/* To the socket at RUN/sendmail, past the greeting and EHLO. EX_OK; EX_TEMPFAIL. */
int sendmail_connect(struct sendmail_link *l, const char *run);
int sendmail_socket(const char *run); /* only connected; -1 with errno */

/* Send it: EX_OK if all recipients took it, else what sysexits.h has for the worst of them. */
int sendmail_send(struct sendmail_link *l, const struct sendmail_args *a, struct bytes sender,
	const struct sendmail_message *m);
void sendmail_close(struct sendmail_link *l);

/* -bs: octets both ways until one side ends. */
int sendmail_relay(int fd);

#endif
