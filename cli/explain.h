/* SPDX-License-Identifier: ISC */
/*
 * cli/explain.h - relais explain: what was found out about one message.
 *
 *	explain.c	the words of the command; who is asked
 *	explain_words.c	what is said of the answers
 */
#ifndef RELAIS_EXPLAIN_H
#define RELAIS_EXPLAIN_H

#include "directory_msg.h"
#include "mailauth_decide.h"

struct explanation {
	/* the question */
	const char *client;      /* address as text; NULL: not known */
	const char *client_name; /* that leads back to the address; NULL: none */
	const char *helo;        /* "" if not known */
	const char *mail_from;   /* "" is the null reverse-path */
	const char *to;          /* NULL: not asked for */
	uint64_t octets;         /* of the content */
	bool made;               /* there was no file: it has a From field and nothing else */

	/* the answers */
	bool spf_asked; /* a client is known */
	struct mailauth_spf_result spf;
	bool died; /* a library crashed or hung on the content */
	struct mailauth_verified verified;
	struct mailauth_decision decision;
	enum directory_verdict recipient;

	/* what the options of this suite say of it */
	bool verify_off, own_host, trusted_forwarder;
};

void explain_print_text(const struct explanation *e);
void explain_print_json(const struct explanation *e);

#endif
