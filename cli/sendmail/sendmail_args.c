/* SPDX-License-Identifier: ISC */
/*
 * cli/sendmail/sendmail_args.c - the command line of sendmail(1), as rows.
 *
 * Options that other sendmails know and that mean nothing here are taken and ignored: programs
 * give them without asking what they do.
 */
#include <getopt.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sendmail.h"

const char sendmail_usage[] =
	"Usage: sendmail [OPTION]... [RECIPIENT]...     a message from standard input\n"
	"       sendmail -bs | -bp | -bi | -q\n\n"
	"  -t            recipients are those of To, Cc and Bcc, too\n"
	"  -f ADDRESS    the envelope's sender (also -r): one's own, unless trusted\n"
	"  -F NAME       full name for the From field, if the message has none\n"
	"  -i, -oi       a line with a dot alone does not end the message\n"
	"  -N WHEN       delivery reports: never, or failure,delay,success\n"
	"  -R full|hdrs  how much of the message a report brings back\n"
	"  -V ENVID      an id that reports name\n"
	"  -bs           SMTP on standard input and output\n"
	"  -bp           list the queue (mailq)\n"
	"  -bi           compile the alias tables (newaliases)\n"
	"  -q            try what waits in the queue now\n"
	"  -C FILE       another configuration\n\n"
	"Other options of other sendmails are taken and ignored. Exit status: as\n"
	"sysexits.h has it; 75 means: try again later.\n";

/* GNU getopt; '+': what follows the first recipient are recipients. */
static const char options[] = "+A:B:C:F:GI:L:N:O:R:UV:X:b:cd::e:f:h:imno:p:q::r:tvx:";

static int
complain(const char *what, const char *value)
{
	fprintf(stderr, "sendmail: %s: %s\n", what, value);
	return EX_USAGE;
}

static int
set_mode(struct sendmail_args *a, const char *letter)
{
	static const struct {
		char letter;
		enum sendmail_mode mode;
	} modes[] = { { 'm', SENDMAIL_SEND }, { 's', SENDMAIL_SMTP }, { 'p', SENDMAIL_QUEUE },
		{ 'i', SENDMAIL_ALIASES }, { 'I', SENDMAIL_ALIASES } };

	for (size_t i = 0; i < NITEMS(modes); i++)
		if (letter[0] == modes[i].letter && letter[1] == '\0') {
			a->mode = modes[i].mode;
			return EX_OK;
		}
	return complain("there is no such mode here", letter);
}

/* -N: words as RFC 3461 writes them, in one order. */
static int
set_notify(struct sendmail_args *a, const char *value)
{
	static const char *const words[] = { "SUCCESS", "FAILURE", "DELAY" };
	static const char *const lists[] = { NULL, "SUCCESS", "FAILURE", "SUCCESS,FAILURE", "DELAY",
		"SUCCESS,DELAY", "FAILURE,DELAY", "SUCCESS,FAILURE,DELAY" };
	struct bytes rest = bytes_from_str(value);
	unsigned set = 0;

	if (bytes_is_nocase(rest, "never")) {
		a->notify = "NEVER";
		return EX_OK;
	}
	while (rest.n > 0) {
		struct bytes word = bytes_trim(bytes_cut(&rest, ','));
		unsigned i = 0;

		while (i < NITEMS(words) && !bytes_is_nocase(word, words[i]))
			i++;
		if (i == NITEMS(words))
			return complain("-N takes never, failure, delay, success", value);
		set |= 1u << i;
	}
	a->notify = lists[set];
	return EX_OK;
}

static int
set_ret(struct sendmail_args *a, const char *value)
{
	struct bytes v = bytes_from_str(value);

	if (bytes_is_nocase(v, "full"))
		a->ret = "FULL";
	else if (bytes_is_nocase(v, "hdrs"))
		a->ret = "HDRS";
	else
		return complain("-R takes full or hdrs", value);
	return EX_OK;
}

static int
set(struct sendmail_args *a, int letter, const char *value)
{
	switch (letter) {
	case 'b':
		return set_mode(a, value);
	case 'C':
		a->conf_path = value;
		return EX_OK;
	case 'F':
		a->full_name = value;
		return EX_OK;
	case 'f':
	case 'r':
		a->sender = value;
		return EX_OK;
	case 'i':
		a->dots_are_text = true;
		return EX_OK;
	case 'N':
		return set_notify(a, value);
	case 'o': /* -oi; others are for other sendmails */
		a->dots_are_text |= strcmp(value, "i") == 0;
		return EX_OK;
	case 'q': /* with an interval it would be a daemon's */
		a->mode = value == NULL ? SENDMAIL_FLUSH : SENDMAIL_NOTHING;
		return EX_OK;
	case 'R':
		return set_ret(a, value);
	case 't':
		a->from_header = true;
		return EX_OK;
	case 'V':
		a->envid = value;
		return EX_OK;
	case '?':
		return EX_USAGE;
	default:
		return EX_OK;
	}
}

static enum sendmail_mode
mode_of_name(char *name)
{
	const char *base = basename(name);

	if (strcmp(base, "newaliases") == 0)
		return SENDMAIL_ALIASES;
	return strcmp(base, "mailq") == 0 ? SENDMAIL_QUEUE : SENDMAIL_SEND;
}

int
sendmail_args_parse(struct sendmail_args *a, int argc, char *argv[])
{
	int letter, r = EX_OK;

	*a = (struct sendmail_args){ .mode = mode_of_name(argv[0]),
		.conf_path = getenv("RELAIS_CONFIG") };
	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		a->mode = SENDMAIL_HELP;
		return EX_OK;
	}
	optind = 0; /* getopt begins anew, for tests */
	while (r == EX_OK && (letter = getopt(argc, argv, options)) != -1)
		r = set(a, letter, optarg);
	a->recipients = argv + optind;
	a->n_recipients = argc - optind;
	return r;
}
