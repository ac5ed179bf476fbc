/* SPDX-License-Identifier: ISC */
/*
 * cli/app_password.c - relais user app-password list|add|del: passwords for one program each.
 *
 * They are made here and shown once: 140 random bits. Nobody guesses these, so one round of
 * SHA-256 is enough of a hash for them (a slow one protects what people think of); the SCRAM
 * record is there for clients that want it, with salt and count of the account's others.
 */
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "account_edit.h"
#include "account_words.h"
#include "encode.h"
#include "err.h"
#include "ledger_msg.h"
#include "password.h"
#include "printed.h"
#include "random.h"

const char user_app_password_usage[] =
	"relais user app-password list ADDRESS [--json]\n"
	"       relais user app-password add ADDRESS NAME [--protocols LIST]\n"
	"       relais user app-password del ADDRESS NAME\n"
	"\n"
	"An app password is for one program or device. It is made and shown by \"add\",\n"
	"once, and can be taken back without changing the others. NAME: letters, digits,\n"
	"\"-\", \"_\", \".\"; --protocols imap,pop3,submission: good for these only.";

#define GROUPS       7
#define GROUP_SIZE   4
#define PASSWORD_MAX (GROUPS * (GROUP_SIZE + 1))

/* "abcd-efgh-...": five bits a character (RFC 4648 sec. 6, in small letters) */
static void
make_password(char out[PASSWORD_MAX])
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";
	uint8_t random[GROUPS * GROUP_SIZE];
	size_t n = 0;

	random_fill(random, sizeof(random));
	for (size_t i = 0; i < sizeof(random); i++) {
		if (i > 0 && i % GROUP_SIZE == 0)
			out[n++] = '-';
		out[n++] = letters[random[i] & 31];
	}
	out[n] = 0;
	explicit_bzero(random, sizeof(random));
}

static void
put_word(struct account_edit *e, const char *name, const char *protocols, const struct buf *record)
{
	struct buf word = BUF_INIT;

	buf_printf(&word, "app=%s:%s:", name, protocols);
	buf_put_bytes(&word, buf_bytes(record));
	account_edit_put(e, buf_bytes(&word));
	buf_free(&word);
}

static void
put_records(struct cli *cli, struct account_edit *e, const char *name, unsigned protocols,
	const char *password)
{
	struct buf record = BUF_INIT;
	struct scram_record scram;
	char text[ACCOUNT_PROTOCOLS_TEXT];

	account_protocols_text(protocols, text);
	password_put_ssha256(&record, bytes_from_str(password));
	put_word(e, name, text, &record);
	buf_clear(&record);
	account_scram_like(cli, e->old, false, &scram);
	password_put_scram(&record, &scram, bytes_from_str(password));
	put_word(e, name, text, &record);
	if (cli_common(cli)->scram_sha_1) {
		scram.hash = SCRAM_HASH_SHA_1;
		buf_clear(&record);
		password_put_scram(&record, &scram, bytes_from_str(password));
		put_word(e, name, text, &record);
	}
	buf_free(&record);
}

/* Is this word a record of that app password? */
static bool
is_of(struct bytes word, const char *name)
{
	struct account_password p;

	return account_next_password(&word, &p) > 0 && p.name.n > 0 && bytes_is(p.name, name);
}

/* The line without those of a name; how many there were. */
static unsigned
put_without(struct account_edit *e, const char *name)
{
	struct bytes rest = e->old, word;
	unsigned n = 0;

	while ((word = account_edit_word(&rest)).n > 0) {
		if (is_of(word, name))
			n++;
		else
			account_edit_put(e, word);
	}
	return n;
}

static bool
add(struct cli *cli, struct account_edit *e, const char *name, unsigned protocols)
{
	char password[PASSWORD_MAX];
	bool ok;

	if (!account_app_name_is_valid(bytes_from_str(name))) {
		fprintf(stderr, "%s: a name has 1 to %d letters, digits, \"-\", \"_\", \".\"\n",
			name, ACCOUNT_APP_NAME_MAX);
		return false;
	}
	if (put_without(e, name) > 0) {
		fprintf(stderr, "%s: there is an app password of this name\n", name);
		return false;
	}
	make_password(password);
	put_records(cli, e, name, protocols, password);
	ok = account_edit_store(cli, e);
	if (ok)
		printf("%s\n", password);
	explicit_bzero(password, sizeof(password));
	return ok;
}

static bool
del(struct cli *cli, struct account_edit *e, const char *name)
{
	if (put_without(e, name) == 0) {
		fprintf(stderr, "%s: there is no app password of this name\n", name);
		return false;
	}
	return account_edit_store(cli, e);
}

/* ---- list ---- */

/* When each was last used, as ledger knows. fd < 0: it does not run, nothing is known. */
static void
ask_last_use(struct cli *cli, int fd, struct bytes account, struct ledger_last_use_answer *out)
{
	struct ledger_last_use ask = { account };
	struct buf body = BUF_INIT;
	struct ipc_frame frame;
	struct ipc_reader in;

	out->count = 0;
	if (fd < 0)
		return;
	ledger_last_use_encode(&body, &ask);
	if (cli_ask(cli, fd, LEDGER_LAST_USE, buf_bytes(&body), &frame) == ERR_OK) {
		in = ipc_reader(frame.body);
		if (frame.type != LEDGER_LAST_USE_ANSWER ||
			ledger_last_use_answer_decode(&in, out) < 0)
			out->count = 0;
	}
	buf_free(&body);
}

static const struct ledger_last_use_row *
use_of(const struct ledger_last_use_answer *uses, struct bytes name)
{
	for (uint32_t i = 0; i < uses->count; i++)
		if (bytes_equal(uses->rows[i].credential, name))
			return &uses->rows[i];
	return NULL;
}

static void
show_text(const struct account_password *p, const struct ledger_last_use_row *use, bool known)
{
	char protocols[ACCOUNT_PROTOCOLS_TEXT], when[32] = "never used";
	time_t t = use == NULL ? 0 : (time_t)use->when;
	struct tm tm;

	if (use != NULL && localtime_r(&t, &tm) != NULL)
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M", &tm);
	printf("%-*.*s  %-20s  %s", ACCOUNT_APP_NAME_MAX, (int)p->name.n, (const char *)p->name.p,
		account_protocols_text(p->protocols, protocols),
		known ? when : "(last use unknown)");
	if (use != NULL)
		printf(" from %.*s", (int)use->client.n, (const char *)use->client.p);
	putchar('\n');
}

static void
show_json(json_t *list, const struct account_password *p, const struct ledger_last_use_row *use)
{
	char protocols[ACCOUNT_PROTOCOLS_TEXT];
	json_t *o = json_object();

	json_object_set_new(o, "name", json_stringn_nocheck((const char *)p->name.p, p->name.n));
	json_object_set_new(
		o, "protocols", json_string(account_protocols_text(p->protocols, protocols)));
	json_object_set_new(
		o, "last_use_s", use == NULL ? json_null() : json_integer((json_int_t)use->when));
	if (use != NULL)
		json_object_set_new(o, "last_client",
			json_stringn_nocheck((const char *)use->client.p, use->client.n));
	json_array_append_new(list, o);
}

static bool
list(struct cli *cli, const struct account_edit *e, bool json)
{
	struct ledger_last_use_answer uses;
	json_t *out = json ? json_array() : NULL;
	int fd = cli_is_running(cli) ? cli_connect(cli, SERVICE_LEDGER) : -1;
	struct bytes rest = e->old, last = BYTES_NONE;
	struct account_password p;

	ask_last_use(cli, fd, e->address.key, &uses);
	while (account_next_password(&rest, &p) > 0) {
		if (p.name.n == 0 || bytes_equal(p.name, last)) /* records of one stand together */
			continue;
		last = p.name;
		if (json)
			show_json(out, &p, use_of(&uses, p.name));
		else
			show_text(&p, use_of(&uses, p.name), fd >= 0);
	}
	if (json)
		json_print(out);
	json_decref(out);
	if (fd >= 0)
		close(fd);
	return true;
}

/* ---- words ---- */

struct words {
	int json;
	const char *protocols;
	char *word[3]; /* verb, address, name */
	int n;
};

static bool
read_words(int argc, char *argv[], struct words *w)
{
	const struct option options[] = {
		{ "json", no_argument, &w->json, 1 },
		{ "protocols", required_argument, NULL, 'p' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	*w = (struct words){ 0 };
	optind = 1;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'p')
			w->protocols = optarg;
		else if (c != 0)
			return false;
	}
	while (optind < argc && w->n < 3)
		w->word[w->n++] = argv[optind++];
	return optind == argc && w->n >= 2;
}

int
cmd_user_app_password(struct cli *cli, int argc, char *argv[])
{
	unsigned protocols = ACCOUNT_PROTOCOLS;
	struct account_edit e;
	struct words w;
	bool is_list, is_add, ok;

	if (!read_words(argc, argv, &w))
		return cli_usage(user_app_password_usage, NULL);
	is_list = strcmp(w.word[0], "list") == 0 && w.n == 2;
	is_add = strcmp(w.word[0], "add") == 0 && w.n == 3;
	if (!is_list && !is_add && !(strcmp(w.word[0], "del") == 0 && w.n == 3))
		return cli_usage(user_app_password_usage, NULL);
	if (w.protocols != NULL &&
		account_protocols_parse(bytes_from_str(w.protocols), &protocols) < 0)
		return cli_usage(user_app_password_usage,
			"--protocols: imap, pop3, submission, parted by commas");
	ok = is_list ? account_read_open(cli, &e, w.word[1])
		     : account_edit_open(cli, &e, w.word[1]);
	if (ok)
		ok = is_list  ? list(cli, &e, w.json)
		     : is_add ? add(cli, &e, w.word[2], protocols)
			      : del(cli, &e, w.word[2]);
	account_edit_close(&e);
	return ok ? CLI_OK : CLI_FAILED;
}
