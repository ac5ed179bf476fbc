/* SPDX-License-Identifier: ISC */
/*
 * cli/sendmail/sendmail_main.c - sendmail(1): what is done when.
 *
 * Of the configuration only the run folder is wanted, where submission's socket is; a user
 * who may not read the file gets the usual one.
 */
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common_conf.h"
#include "err.h"
#include "sendmail.h"

#define DEFAULT_CONF "/etc/relais/relais.conf"
#define INPUT_MAX    ((size_t)2047 << 20) /* what submission could be told to take at most */

static const char *
run_folder(const struct sendmail_args *a)
{
	static struct conf conf; /* lives as long as the process */

	conf_init(&conf);
	UNUSED(conf_load(&conf, a->conf_path != NULL ? a->conf_path : DEFAULT_CONF) < 0);
	return ((const struct common_conf *)conf_values(&conf, ""))->run;
}

/* The operator's command stands beside us; it knows the queue and the tables. */
static int
run_relais(const struct sendmail_args *a, const char *command, const char *sub)
{
	char path[PATH_MAX], program[PATH_MAX + 8];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (n < 0)
		return EX_OSERR;
	path[n] = '\0';
	snprintf(program, sizeof(program), "%s/relais", dirname(path));
	if (a->conf_path != NULL)
		setenv("RELAIS_CONFIG", a->conf_path, 1);
	execl(program, "relais", command, sub, (char *)NULL);
	fprintf(stderr, "sendmail: %s: %s\n", program, strerror(errno));
	return EX_OSFILE;
}

static int
read_input(struct buf *in)
{
	for (;;) {
		ssize_t n = read(STDIN_FILENO, buf_room(in, 65536), 65536);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			fprintf(stderr, "sendmail: standard input: %s\n", strerror(errno));
			return EX_IOERR;
		}
		if (n == 0)
			return EX_OK;
		buf_added(in, (size_t)n);
		if (in->len > INPUT_MAX) {
			fprintf(stderr, "sendmail: the message is too large\n");
			return EX_DATAERR;
		}
	}
}

/* -F, the environment's NAME, or the name of the passwd entry up to its first comma. */
static struct bytes
full_name(const struct sendmail_args *a)
{
	const struct passwd *pw;
	struct bytes gecos;

	if (a->full_name != NULL)
		return bytes_from_str(a->full_name);
	if (getenv("NAME") != NULL)
		return bytes_from_str(getenv("NAME"));
	pw = getpwuid(getuid());
	gecos = bytes_from_str(pw == NULL ? "" : pw->pw_gecos);
	return bytes_trim(bytes_cut(&gecos, ','));
}

/* -f: an address, perhaps without a domain; "" and "<>" are the null reverse-path. */
static int
find_sender(
	const struct sendmail_args *a, struct arena *arena, struct bytes self, struct bytes *sender)
{
	*sender = a->sender == NULL ? self : bytes_from_str(a->sender);
	if (a->sender == NULL || sender->n == 0)
		return EX_OK;
	if (bytes_is(*sender, "<>")) {
		*sender = BYTES_NONE;
		return EX_OK;
	}
	*sender = sendmail_mailbox(arena, *sender, self);
	if (sender->n > 0)
		return EX_OK;
	fprintf(stderr, "sendmail: -f %s: this is no address\n", a->sender);
	return EX_USAGE;
}

static int
take_arguments(const struct sendmail_args *a, struct sendmail_message *m, struct bytes self)
{
	struct bytes bad = m->bad;

	for (int i = 0; i < a->n_recipients && bad.n == 0; i++) {
		struct bytes word = bytes_from_str(a->recipients[i]);

		if (sendmail_add_recipients(m, word, self, &bad) == 0)
			bad = word.n > 0 ? word : BYTES_LITERAL("an empty word");
	}
	if (bad.n > 0) {
		fprintf(stderr, "sendmail: %.*s: this is no address\n", (int)bad.n,
			(const char *)bad.p);
		return EX_DATAERR;
	}
	if (m->n_to > 0)
		return EX_OK;
	fprintf(stderr, "sendmail: no recipients\n");
	return EX_USAGE;
}

static int
deliver(const struct sendmail_args *a, struct sendmail_link *l, struct bytes in)
{
	struct sendmail_message m = { 0 };
	struct bytes self = buf_bytes(&l->self), sender;
	int r = find_sender(a, &m.arena, self, &sender);

	if (r == EX_OK) {
		sendmail_message_make(&m, sendmail_message_end(in, a->dots_are_text), self,
			sender.n > 0 ? sender : self, full_name(a), a->from_header);
		r = take_arguments(a, &m, self);
	}
	if (r == EX_OK)
		r = sendmail_send(l, a, sender, &m);
	sendmail_message_free(&m);
	return r;
}

static int
send_message(const struct sendmail_args *a)
{
	struct sendmail_link l = { .fd = -1 };
	struct buf in = BUF_INIT;
	int r;

	if (a->n_recipients == 0 && !a->from_header) {
		fprintf(stderr, "%s", sendmail_usage);
		return EX_USAGE;
	}
	r = read_input(&in); /* first: who writes it may take his time */
	if (r == EX_OK)
		r = sendmail_connect(&l, run_folder(a));
	if (r == EX_OK)
		r = deliver(a, &l, buf_bytes(&in));
	sendmail_close(&l);
	buf_free(&in);
	return r;
}

static int
speak_smtp(const struct sendmail_args *a)
{
	const char *run = run_folder(a);
	int fd = sendmail_socket(run);

	if (fd >= 0)
		return sendmail_relay(fd);
	printf("421 4.3.0 the mail system is not running\r\n");
	fprintf(stderr, "sendmail: %s/sendmail: %s\n", run, strerror(errno));
	return EX_TEMPFAIL;
}

int
main(int argc, char *argv[])
{
	struct sendmail_args a;
	int r = sendmail_args_parse(&a, argc, argv);

	if (r != EX_OK)
		return r;
	switch (a.mode) {
	case SENDMAIL_SEND:
		return send_message(&a);
	case SENDMAIL_SMTP:
		return speak_smtp(&a);
	case SENDMAIL_QUEUE:
		return run_relais(&a, "mailq", NULL);
	case SENDMAIL_ALIASES:
		return run_relais(&a, "map", "build");
	case SENDMAIL_FLUSH:
		return run_relais(&a, "queue", "flush");
	case SENDMAIL_HELP:
		fputs(sendmail_usage, stdout);
		return EX_OK;
	case SENDMAIL_NOTHING:
		break;
	}
	return EX_OK;
}
