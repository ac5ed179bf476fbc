/* SPDX-License-Identifier: ISC */
/*
 * cli/setup_ask.c - what relais setup has to know: what is there, what was given, and questions for
 * the rest.
 *
 * Runs in:  relais.
 */
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "err.h"
#include "setup.h"
#include "table_files.h"
#include "terminal.h"

#define TRIES_MAX 20

/* ---- what may be meant ---- */

/* The system's name, if other hosts could use it. */
static const char *
guess_hostname(struct setup *s)
{
	const struct addrinfo hints = { .ai_flags = AI_CANONNAME, .ai_socktype = SOCK_STREAM };
	struct buf why = BUF_INIT;
	struct addrinfo *list = NULL;
	char name[256] = "";
	const char *value;
	bool good;

	(void)gethostname(name, sizeof(name) - 1);
	/* as "hostname -f"; not for long */
	(void)setenv("RES_OPTIONS", "timeout:2 attempts:1", 0);
	if (strchr(name, '.') == NULL && getaddrinfo(name, NULL, &hints, &list) == 0) {
		if (list->ai_canonname != NULL)
			snprintf(name, sizeof(name), "%s", list->ai_canonname);
		freeaddrinfo(list);
	}
	good = setup_check_hostname(s, name, &value, &why) == SETUP_GOOD;
	buf_free(&why);
	return good ? value : NULL;
}

/* Without its first part, where that is a domain of somebody's own. */
static const char *
guess_domain(struct setup *s)
{
	const char *host = s->answer[SETUP_HOSTNAME], *dot = strchr(host, '.'), *value;
	struct buf why = BUF_INIT;
	bool good;

	good = dot != NULL && setup_check_domain(s, dot + 1, &value, &why) == SETUP_GOOD;
	buf_free(&why);
	return good ? value : host;
}

static const char *
guess_direct(struct setup *s)
{
	UNUSED(s);
	return "none";
}

static const char *
guess_mail_root(struct setup *s)
{
	return arena_str(&s->arena, bytes_from_str(cli_common(s->cli)->mail_root));
}

/* ---- what is there ---- */

/* Is the option's value somebody's, in the file or on the command line? */
static bool
is_written(struct setup *s, const char *name)
{
	struct conf_option o;

	return conf_option_named(&s->cli->conf, name, &o) && o.origin->file != NULL;
}

static const char *
find_hostname(struct setup *s)
{
	return is_written(s, "hostname") ? cli_common(s->cli)->hostname : NULL;
}

static const char *
find_smarthost(struct setup *s)
{
	const char *value = cli_common(s->cli)->smarthost;

	/* a file that says nothing of it says "none" */
	return value[0] != 0 || (s->has_file && s->given[SETUP_SMARTHOST] == NULL) ? value : NULL;
}

static const char *
find_mail_root(struct setup *s)
{
	return s->has_file || is_written(s, "mail_root") ? cli_common(s->cli)->mail_root : NULL;
}

/* The value in a table; or (key NULL) any key of it. In the arena; NULL: none. */
static const char *
find_in_table(struct setup *s, enum table_kind kind, const char *key)
{
	const char *found = NULL;
	struct table_file f;
	struct bytes value;

	if (table_file_load(s->cli, kind, &f)) {
		if (key == NULL && f.table.count > 0)
			found = arena_str(&s->arena, f.table.entries[0].key);
		else if (key != NULL && table_file_find(&f, bytes_from_str(key), &value))
			found = arena_str(&s->arena, value);
	}
	table_file_free(&f);
	return found;
}

static bool
is_local(struct setup *s, const char *domain)
{
	struct table_file domains;
	const bool yes = table_file_load(s->cli, TABLE_DOMAINS, &domains) &&
			 table_files_is_local(s->cli, &domains, bytes_from_str(domain));

	table_file_free(&domains);
	return yes;
}

/* The first of the table that accounts may be in, and others can write to. */
static const char *
find_in_domains(struct setup *s)
{
	const char *found = NULL;
	struct table_file f;

	if (table_file_load(s->cli, TABLE_DOMAINS, &f))
		for (size_t i = 0; i < f.table.count && found == NULL; i++) {
			const struct bytes name = f.table.entries[i].key;

			if (bytes_find(name, '.') != BYTES_NOT_FOUND &&
				table_files_is_local(s->cli, &f, name))
				found = arena_str(&s->arena, name);
		}
	table_file_free(&f);
	return found;
}

static const char *
find_domain(struct setup *s)
{
	const struct conf_list *list = &cli_common(s->cli)->domain;
	const char *given = s->given[SETUP_DOMAIN];

	if (given != NULL && is_local(s, given))
		return given;
	if (list->n > 0)
		return list->v[0];
	return find_in_domains(s);
}

static const char *
find_account(struct setup *s)
{
	struct buf why = BUF_INIT;
	const char *account = NULL;

	if (s->given[SETUP_ACCOUNT] == NULL)
		account = find_in_table(s, TABLE_ACCOUNTS, NULL);
	else if (setup_check_account(s, s->given[SETUP_ACCOUNT], &account, &why) != SETUP_GOOD ||
		 find_in_table(s, TABLE_ACCOUNTS, account) == NULL)
		account = NULL;
	buf_free(&why);
	return account;
}

static const char *
find_login(struct setup *s)
{
	const char *login = find_in_table(s, TABLE_RELAY_CREDENTIALS, setup_login_key(s));

	return login == NULL ? NULL
			     : arena_printf(&s->arena, "%.*s", (int)strcspn(login, ":"), login);
}

/* ---- what has to be asked at all ---- */

static bool
wants_account(struct setup *s)
{
	return !s->no_account;
}

static bool
wants_password(struct setup *s)
{
	/* of one that is there it is wanted for the message to oneself only; of one that is missing
	 * yet, to be named with it */
	return !s->no_account && (!s->there[SETUP_ACCOUNT] || s->given[SETUP_PASSWORD] != NULL);
}

static bool
wants_login(struct setup *s)
{
	const char *smarthost = s->answer[SETUP_SMARTHOST];

	return smarthost != NULL && smarthost[0] != 0 &&
	       (!s->there[SETUP_SMARTHOST] || s->given[SETUP_LOGIN] != NULL);
}

static bool
wants_login_password(struct setup *s)
{
	return wants_login(s) && s->answer[SETUP_LOGIN] != NULL && s->answer[SETUP_LOGIN][0] != 0 &&
	       !s->there[SETUP_LOGIN];
}

static const char *
no_login(struct setup *s)
{
	UNUSED(s);
	return "";
}

/* ---- the questions ---- */

static const struct question {
	const char *option, *text;
	bool secret;
	bool (*wanted)(struct setup *s);       /* NULL: always */
	const char *(*find)(struct setup *s);  /* what is there; NULL: nothing */
	const char *(*guess)(struct setup *s); /* the default; NULL: none */
	setup_check_fn *check;
} questions[SETUP_QUESTIONS] = {
	[SETUP_HOSTNAME] = { "--hostname", "Name of this host, as other hosts find it in DNS",
		false, NULL, find_hostname, guess_hostname, setup_check_hostname },
	[SETUP_DOMAIN] = { "--domain", "Mail domain (what stands behind the @)", false, NULL,
		find_domain, guess_domain, setup_check_domain },
	[SETUP_ACCOUNT] = { "--account (or --no-account)", "First account (ann, or ann@the domain)",
		false, wants_account, find_account, NULL, setup_check_account },
	[SETUP_PASSWORD] = { "--password-file", "Its password", true, wants_password, NULL, NULL,
		setup_check_password },
	[SETUP_SMARTHOST] = { "--smarthost",
		"Who takes our mail for other hosts: a smarthost's name, or none (we deliver it "
		"ourselves)",
		false, NULL, find_smarthost, guess_direct, setup_check_smarthost },
	[SETUP_LOGIN] = { "--smarthost-login", "Login at the smarthost (empty: it wants none)",
		false, wants_login, find_login, no_login, setup_check_login },
	[SETUP_LOGIN_PASSWORD] = { "--smarthost-password-file", "Password of that login", true,
		wants_login_password, NULL, NULL, setup_check_login_password },
	[SETUP_MAIL_ROOT] = { "--mail-root", "Where mail lives", false, NULL, find_mail_root,
		guess_mail_root, setup_check_mail_root },
};

/* Is it what was said, in its one form? Shown why not. */
static bool
contradicts(struct setup *s, const struct question *q, const char *given, const char *there)
{
	struct buf why = BUF_INIT;
	const char *value = given;
	enum setup_verdict v = q->check(s, given, &value, &why);

	buf_free(&why);
	if (v != SETUP_BAD && strcmp(value, there) == 0)
		return false;
	fprintf(stderr,
		"%s %s: it is \"%s\" already (%s). relais setup adds what is missing and changes "
		"nothing\nthat is there%s.\n",
		q->option, given, there, s->cli->conf_path,
		q->find == find_domain
			? "; \"relais domain add\" adds a domain"
			: "; change it there, then \"relais reload\", or leave the option out");
	return true;
}

static bool
take_given(struct setup *s, enum setup_question i)
{
	const struct question *q = &questions[i];
	struct buf why = BUF_INIT;
	enum setup_verdict v = q->check(s, s->given[i], &s->answer[i], &why);

	if (v != SETUP_GOOD)
		fprintf(stderr, "%s: %s%s\n", q->option, v == SETUP_ODD ? "warning: " : "",
			buf_str(&why));
	if (v == SETUP_BAD)
		s->answer[i] = NULL;
	buf_free(&why);
	return v != SETUP_BAD;
}

/* ---- asking ---- */

static bool
prompt(struct setup *s, const char *text, bool secret, struct buf *out)
{
	const bool ok = terminal_read_line(s->terminal, s->terminal, text, secret, out);

	if (secret || !ok)
		dprintf(s->terminal, "\n");
	return ok;
}

static bool
read_answer(struct setup *s, const struct question *q, const char *guess, struct buf *out)
{
	const bool has_guess = guess != NULL && guess[0] != 0;
	const char *text = arena_printf(&s->arena, "%s%s%s%s: ", q->text, has_guess ? " [" : "",
		has_guess ? guess : "", has_guess ? "]" : "");

	return prompt(s, text, q->secret, out);
}

/* 1: it was the same; 0: not; -1: nobody answers any more. */
static int
ask_again(struct setup *s, struct buf *first)
{
	struct buf again = BUF_SECRET;
	int r = prompt(s, "Again: ", true, &again)
			? bytes_equal(buf_bytes(first), buf_bytes(&again))
			: -1;

	if (r == 0)
		dprintf(s->terminal, "  These are not the same. Once more:\n");
	buf_free(&again);
	return r;
}

/* One answer: 1 it is good, 0 ask again, -1 nobody answers any more. */
static int
ask_once(struct setup *s, enum setup_question i, const char *guess)
{
	const struct question *q = &questions[i];
	struct buf said = BUF_SECRET, why = BUF_INIT;
	enum setup_verdict v;
	struct bytes text;
	int r;

	if (!read_answer(s, q, guess, &said)) {
		buf_free(&said);
		return -1;
	}
	text = q->secret ? buf_bytes(&said) : bytes_trim(buf_bytes(&said));
	v = q->check(s, text.n == 0 && guess != NULL ? guess : arena_str(&s->arena, text),
		&s->answer[i], &why);
	if (v != SETUP_GOOD)
		dprintf(s->terminal, "  %s.\n", buf_str(&why));
	r = v == SETUP_GOOD ||
	    (v == SETUP_ODD && setup_ask_yes(s, "  Take it all the same?", false));
	if (r == 1 && i == SETUP_PASSWORD)
		r = ask_again(s, &said);
	buf_free(&said);
	buf_free(&why);
	return r;
}

static bool
ask(struct setup *s, enum setup_question i)
{
	const struct question *q = &questions[i];
	const char *guess = q->guess != NULL ? q->guess(s) : NULL;
	int r = 0;

	for (int n = 0; r == 0 && n < TRIES_MAX; n++)
		r = ask_once(s, i, guess);
	if (r <= 0)
		fprintf(stderr, "No answer: nothing was written.\n");
	return r > 0;
}

bool
setup_ask_yes(struct setup *s, const char *question, bool without_terminal)
{
	struct buf said = BUF_INIT;
	bool yes;

	if (s->terminal < 0)
		return without_terminal;
	if (!prompt(s,
		    arena_printf(
			    &s->arena, "%s [%s]: ", question, without_terminal ? "Y/n" : "y/N"),
		    false, &said)) {
		buf_free(&said);
		return false;
	}
	yes = said.len == 0 ? without_terminal : ascii_lower(buf_bytes(&said).p[0]) == 'y';
	buf_free(&said);
	return yes;
}

/* ---- all of them ---- */

static void
put_missing(struct buf *missing, const struct question *q)
{
	buf_printf(missing, "%s%s", missing->len > 0 ? ", " : "", q->option);
}

/* No terminal: the default, or it is missing. */
static bool
take_default(struct setup *s, enum setup_question i, struct buf *missing)
{
	const struct question *q = &questions[i];
	const char *guess = q->guess != NULL ? q->guess(s) : NULL;
	struct buf why = BUF_INIT;

	if (guess == NULL || q->check(s, guess, &s->answer[i], &why) == SETUP_BAD) {
		put_missing(missing, q);
		buf_free(&why);
		return false;
	}
	if (why.len > 0)
		fprintf(stderr, "warning: %s\n", buf_str(&why));
	buf_free(&why);
	return true;
}

/* What is there already; the domain must be known to look for accounts. */
static bool
take_there(struct setup *s, enum setup_question i)
{
	const struct question *q = &questions[i];
	const char *there = q->find != NULL ? q->find(s) : NULL;

	if (there == NULL)
		return false;
	s->answer[i] = arena_str(&s->arena, bytes_from_str(there)); /* conf is loaded anew */
	s->there[i] = true;
	return true;
}

int
setup_ask(struct setup *s)
{
	struct buf missing = BUF_INIT;
	bool ok = true;

	s->has_account = find_in_table(s, TABLE_ACCOUNTS, NULL) != NULL;
	for (enum setup_question i = 0; i < SETUP_QUESTIONS; i++) {
		const struct question *q = &questions[i];
		const bool possible = s->answer[SETUP_HOSTNAME] != NULL || i == SETUP_HOSTNAME;

		if (q->wanted != NULL && !q->wanted(s))
			continue;
		if (take_there(s, i)) {
			if (s->given[i] != NULL && i != SETUP_ACCOUNT)
				ok &= !contradicts(s, q, s->given[i], s->answer[i]);
		} else if (s->given[i] != NULL) {
			ok &= take_given(s, i);
		} else if (s->terminal < 0) {
			if (!possible && q->guess == guess_domain)
				put_missing(&missing, q);
			else
				(void)take_default(s, i, &missing);
		} else if (ok && !ask(s, i)) {
			ok = false;
			break;
		}
	}
	if (missing.len > 0) {
		fprintf(stderr,
			"Missing: %s. Nothing was written; \"relais setup --help\" says what "
			"they are.\n",
			buf_str(&missing));
		ok = false;
	}
	buf_free(&missing);
	return ok ? CLI_OK : CLI_FAILED;
}
