/* SPDX-License-Identifier: ISC */
/* cli/user.c - relais user add|passwd|set|list|del: lines of the accounts table. */
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "account_edit.h"
#include "account_words.h"
#include "err.h"
#include "mailbox.h"
#include "password.h"
#include "password_record.h"
#include "printed.h"

const char user_usage[] =
	"relais user add ADDRESS [--quota SIZE] [--state STATE] [PASSWORD]\n"
	"       relais user add --batch FILE [--records] [--quota SIZE] [--state STATE]\n"
	"                       [--hash METHOD] [--no-scram]   lines: ADDRESS PASSWORD\n"
	"       relais user passwd ADDRESS [PASSWORD]\n"
	"       relais user set ADDRESS [--quota SIZE] [--state STATE]\n"
	"       relais user lock|unlock ADDRESS...\n"
	"       relais user block-sending|allow-sending ADDRESS...\n"
	"       relais user list [DOMAIN] [--json]\n"
	"       relais user del ADDRESS         the mailbox stays where it is\n"
	"       relais user forward ADDRESS ...      send mail on; see its --help\n"
	"       relais user app-password ...         passwords of single programs\n"
	"       relais user send-as ...              addresses one may send as\n"
	"\n"
	"PASSWORD: asked for, or the first line of --password-stdin, or --no-password,\n"
	"or hashed already: --record RECORD. It is hashed by --hash METHOD: yescrypt,\n"
	"sha512crypt or bcrypt[:COST]; --no-scram: no record for SCRAM besides.\n"
	"\n"
	"STATE: active, locked, no-login, no-mail, send-blocked; several parted by\n"
	"commas. FILE: - is standard input; --records: each line has a hashed one.";

struct user_options {
	const char *quota, *state, *hash, *batch, *record;
	int password_stdin, no_password, json, no_scram, records;
	const char *word;      /* the one argument besides options */
	struct bytes password; /* known already: it is not asked for */
};

static bool
read_options(int argc, char *argv[], struct user_options *o)
{
	const struct option options[] = {
		{ "quota", required_argument, NULL, 'q' },
		{ "state", required_argument, NULL, 's' },
		{ "hash", required_argument, NULL, 'h' },
		{ "batch", required_argument, NULL, 'b' },
		{ "password-stdin", no_argument, &o->password_stdin, 1 },
		{ "no-password", no_argument, &o->no_password, 1 },
		{ "record", required_argument, NULL, 'r' },
		{ "records", no_argument, &o->records, 1 },
		{ "no-scram", no_argument, &o->no_scram, 1 },
		{ "json", no_argument, &o->json, 1 },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	*o = (struct user_options){ 0 };
	optind = 1;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'q')
			o->quota = optarg;
		else if (c == 's')
			o->state = optarg;
		else if (c == 'h')
			o->hash = optarg;
		else if (c == 'b')
			o->batch = optarg;
		else if (c == 'r')
			o->record = optarg;
		else if (c != 0)
			return false;
	}
	if (optind < argc)
		o->word = argv[optind++];
	return optind == argc;
}

/* What a command on one account works with. */
struct user {
	struct table_file domains, accounts;
	struct arena arena;
	struct mail_address address;
	struct bytes old; /* the account's line; empty: none */
};

static void
user_close(struct user *u)
{
	table_file_free(&u->domains);
	table_file_free(&u->accounts);
	arena_reset(&u->arena);
}

/* Load the tables; fold the address if one is given, and look it up. */
static bool
user_open(struct cli *cli, struct user *u, const char *address)
{
	*u = (struct user){ 0 };
	if (!table_files_lock(cli) || !table_file_load(cli, TABLE_DOMAINS, &u->domains) ||
		!table_file_load(cli, TABLE_ACCOUNTS, &u->accounts))
		return false;
	if (address == NULL)
		return true;
	if (mail_address_fold(&u->arena, bytes_from_str(address), &u->address) < 0 ||
		u->address.domain.n == 0) {
		fprintf(stderr, "%s: not an address (local-part@domain)\n", address);
		return false;
	}
	(void)table_file_find(&u->accounts, u->address.key, &u->old);
	return true;
}

static bool
must_be_local(struct cli *cli, const struct user *u, struct bytes domain)
{
	if (table_files_is_local(cli, &u->domains, domain))
		return true;
	fprintf(stderr, "%.*s is not a local domain; \"relais domain add %.*s\" makes it one\n",
		(int)domain.n, (const char *)domain.p, (int)domain.n, (const char *)domain.p);
	return false;
}

static bool
make_mailbox(struct cli *cli, const struct mail_address *address, struct bytes line)
{
	struct account_record r;
	struct buf home = BUF_INIT;
	const char *why;
	uint32_t uid, gid;
	bool ok;

	if (account_record_parse(line, &r, &why) < 0 || !mailbox_owner(cli, &uid, &gid))
		return false;
	if (r.has_uid) {
		uid = r.uid;
		gid = r.gid;
	}
	if (r.home.n > 0)
		buf_put_bytes(&home, r.home);
	else
		mail_address_home(&home, address->local, address->domain);
	ok = mailbox_make(cli, buf_str(&home), uid, gid);
	buf_free(&home);
	return ok;
}

/* "PASSWORD quota=... state=...": the new options, and records, in place of those of the old
 * line. */
static void
put_line(struct buf *out, struct bytes password, struct bytes old, bool new_password,
	const struct user_options *o)
{
	struct bytes rest = old, word;

	buf_put_bytes(out, password);
	(void)account_edit_word(&rest);
	while ((word = account_edit_word(&rest)).n > 0) {
		if ((o->quota != NULL && bytes_starts_with(word, BYTES_LITERAL("quota="))) ||
			(o->state != NULL && bytes_starts_with(word, BYTES_LITERAL("state="))) ||
			(new_password && bytes_starts_with(word, BYTES_LITERAL("password="))))
			continue;
		buf_put_u8(out, ' ');
		buf_put_bytes(out, word);
	}
	if (o->quota != NULL)
		buf_printf(out, " quota=%s", o->quota);
	if (o->state != NULL)
		buf_printf(out, " state=%s", o->state);
}

/* The records of a password as the line has them: one for crypt(3), one for SCRAM. */
static bool
put_records(struct cli *cli, const struct user_options *o, const struct password_method *method,
	struct bytes password, struct bytes old, struct buf *out)
{
	struct scram_record like;

	if (!password_hash(method, password, out))
		return false;
	if (o->no_scram)
		return true;
	account_scram_like(cli, old, true, &like);
	buf_put_str(out, " password=");
	password_put_scram(out, &like, password);
	if (cli_common(cli)->scram_sha_1) {
		like.hash = SCRAM_HASH_SHA_1;
		buf_put_str(out, " password=");
		password_put_scram(out, &like, password);
	}
	return true;
}

/* One that is hashed already. A blank in it would part words: {PLAIN.b64} can say it. */
static bool
put_record(struct bytes record, struct buf *out)
{
	const char *why = "a record has no blanks";

	if (bytes_find(record, ' ') == BYTES_NOT_FOUND &&
		password_record_check(record, &why) == ERR_OK) {
		buf_put_bytes(out, record);
		return true;
	}
	fprintf(stderr, "%s\n", why);
	return false;
}

static bool
ask_password(struct cli *cli, const struct user_options *o, const char *who, struct bytes old,
	struct buf *out)
{
	struct password_method method;
	struct buf password = BUF_SECRET;
	bool ok;

	if (o->no_password || o->record != NULL)
		return put_record(
			o->no_password ? BYTES_LITERAL("*") : bytes_from_str(o->record), out);
	ok = password_method(o->hash, &method) &&
	     (o->password.n > 0 || password_read(o->password_stdin, who, &password)) &&
	     put_records(cli, o, &method, o->password.n > 0 ? o->password : buf_bytes(&password),
		     old, out);
	buf_free(&password);
	return ok;
}

/* add, passwd and set: make the new line and store it. */
static int
change(struct cli *cli, const struct user_options *o, bool add, bool new_password)
{
	struct user u;
	struct buf hash = BUF_INIT, line = BUF_INIT;
	struct bytes value, first;
	const char *why;
	struct account_record r;
	bool ok = user_open(cli, &u, o->word);

	if (ok && add)
		ok = must_be_local(cli, &u, u.address.domain);
	if (ok && add != (u.old.n == 0)) {
		fprintf(stderr, "%s: %s\n", o->word, add ? "exists already" : "no such account");
		ok = false;
	}
	if (ok && new_password)
		ok = ask_password(cli, o, o->word, u.old, &hash);
	if (ok) {
		value = u.old;
		first = new_password ? buf_bytes(&hash) : bytes_cut(&value, ' ');
		put_line(&line, first, u.old, new_password, o);
		if (account_record_parse(buf_bytes(&line), &r, &why) < 0) {
			fprintf(stderr, "%s\n", why);
			ok = false;
		}
	}
	if (ok) {
		value = buf_bytes(&line);
		ok = (!add || make_mailbox(cli, &u.address, value)) &&
		     table_file_edit(cli, &u.accounts, u.address.key, u.address.text, &value);
	}
	buf_free(&hash);
	buf_free(&line);
	user_close(&u);
	return ok ? CLI_OK : CLI_FAILED;
}

bool
user_add(struct cli *cli, const char *address, struct bytes password)
{
	const struct user_options o = { .word = address, .password = password };

	return change(cli, &o, true, true) == CLI_OK;
}

/* ---- many at once ---- */

/* One line "ADDRESS PASSWORD" of a batch to a line of the table. Empty ones and comments: fine. */
static bool
batch_line(struct cli *cli, struct user *u, const struct user_options *o,
	const struct password_method *method, struct bytes line, struct buf *text)
{
	struct bytes rest = bytes_trim(line), address = bytes_cut(&rest, ' ');
	struct buf hash = BUF_INIT, value = BUF_INIT;
	struct mail_address folded;
	bool ok;

	if (address.n == 0 || address.p[0] == '#')
		return true;
	if (mail_address_fold(&u->arena, address, &folded) < 0 || folded.domain.n == 0) {
		fprintf(stderr, "%.*s: not an address\n", (int)address.n, (const char *)address.p);
		return false;
	}
	rest = bytes_trim(rest);
	ok = must_be_local(cli, u, folded.domain) &&
	     (o->records ? put_record(rest, &hash)
			 : put_records(cli, o, method, rest, BYTES_NONE, &hash));
	if (ok) {
		put_line(&value, buf_bytes(&hash), BYTES_NONE, true, o);
		buf_put_bytes(text, folded.text);
		buf_put_str(text, "  ");
		buf_put_bytes(text, buf_bytes(&value));
		buf_put_u8(text, '\n');
		ok = make_mailbox(cli, &folded, buf_bytes(&value));
	}
	buf_free(&hash);
	buf_free(&value);
	return ok;
}

/* All lines are appended, the table is written and compiled once. */
static int
add_batch(struct cli *cli, const struct user_options *o)
{
	FILE *in = strcmp(o->batch, "-") == 0 ? stdin : fopen(o->batch, "re");
	struct password_method method;
	struct buf text = BUF_INIT;
	char line[2048];
	struct user u;
	unsigned number = 0;
	bool ok;

	if (in == NULL) {
		cli_say_errno(o->batch);
		return CLI_FAILED;
	}
	ok = user_open(cli, &u, NULL) && password_method(o->hash, &method);
	if (ok) {
		buf_put_bytes(&text, buf_bytes(&u.accounts.text));
		if (text.len > 0 && text.data[text.start + text.len - 1] != '\n')
			buf_put_u8(&text, '\n');
	}
	while (ok && fgets(line, sizeof(line), in) != NULL) {
		number++;
		ok = batch_line(cli, &u, o, &method, bytes_from_str(line), &text);
		if (!ok)
			fprintf(stderr, "%s:%u: nothing was added\n", o->batch, number);
	}
	if (in != stdin)
		fclose(in);
	ok = ok && table_file_store(cli, &u.accounts, buf_bytes(&text));
	user_close(&u);
	buf_free(&text);
	return ok ? CLI_OK : CLI_FAILED;
}

/* ---- list, del ---- */

static json_t *
json_bytes(struct bytes b)
{
	return json_stringn_nocheck((const char *)b.p, b.n);
}

/* "YESCRYPT, SCRAM-SHA-256"; names of app passwords. */
static void
show_passwords(json_t *o, struct bytes line)
{
	json_t *schemes = json_array(), *apps = json_array();
	struct account_password p;
	struct bytes last = BYTES_NONE;

	while (account_next_password(&line, &p) > 0) {
		if (p.name.n == 0 && !password_record_is_none(p.record))
			json_array_append_new(
				schemes, json_string(password_record_scheme(p.record)));
		if (p.name.n > 0 && !bytes_equal(p.name, last))
			json_array_append_new(apps, json_bytes(p.name));
		last = p.name;
	}
	json_object_set_new(o, "password_schemes", schemes);
	json_object_set_new(o, "app_passwords", apps);
}

static void
show_account(json_t *list, struct bytes key, const struct account_record *r)
{
	struct bytes state = r->state.n > 0 ? r->state : BYTES_LITERAL("active");
	json_t *o;

	if (list == NULL) {
		printf("%-40.*s %-12.*s", (int)key.n, (const char *)key.p, (int)state.n,
			(const char *)state.p);
		if (r->quota_octets > 0)
			printf(" quota=%llu", (unsigned long long)r->quota_octets);
		if (bytes_is(r->password, "*"))
			printf(" (no password)");
		putchar('\n');
		return;
	}
	o = json_object();
	json_object_set_new(o, "address", json_bytes(key));
	json_object_set_new(o, "state", json_bytes(state));
	json_object_set_new(o, "login", json_boolean((r->may & ACCOUNT_LOGIN) != 0));
	json_object_set_new(o, "mail", json_boolean((r->may & ACCOUNT_MAIL) != 0));
	json_object_set_new(o, "send", json_boolean((r->may & ACCOUNT_SEND) != 0));
	json_object_set_new(o, "quota_octets", json_integer((json_int_t)r->quota_octets));
	json_object_set_new(o, "quota_messages", json_integer((json_int_t)r->quota_messages));
	json_object_set_new(o, "password", json_boolean(!bytes_is(r->password, "*")));
	show_passwords(o, r->line);
	json_array_append_new(list, o);
}

static int
list(struct cli *cli, const struct user_options *o)
{
	struct table_file accounts;
	json_t *out = o->json ? json_array() : NULL;
	bool ok = table_file_load(cli, TABLE_ACCOUNTS, &accounts);
	struct bytes domain = BYTES_NONE;

	if (ok && o->word != NULL &&
		mail_domain_fold(&accounts.table.arena, bytes_from_str(o->word), &domain) < 0) {
		fprintf(stderr, "%s: not a domain name\n", o->word);
		ok = false;
	}
	for (size_t i = 0; ok && i < accounts.table.count; i++) {
		struct bytes key = accounts.table.entries[i].key;
		struct account_record r;
		const char *why;

		if (o->word != NULL &&
			!bytes_equal(bytes_skip(key, bytes_find_last(key, '@') + 1), domain))
			continue;
		if (account_record_parse(accounts.table.entries[i].value, &r, &why) == ERR_OK)
			show_account(out, key, &r);
	}
	if (ok && out != NULL)
		json_print(out);
	json_decref(out);
	table_file_free(&accounts);
	return ok ? CLI_OK : CLI_FAILED;
}

static int
del(struct cli *cli, const struct user_options *o)
{
	struct user u;
	bool ok = user_open(cli, &u, o->word);

	if (ok && u.old.n == 0) {
		fprintf(stderr, "%s: no such account\n", o->word);
		ok = false;
	}
	ok = ok && table_file_edit(cli, &u.accounts, u.address.key, BYTES_NONE, NULL);
	if (ok)
		quota_forget(cli, u.address.key);
	user_close(&u);
	return ok ? CLI_OK : CLI_FAILED;
}

int
cmd_user(struct cli *cli, int argc, char *argv[])
{
	static const struct {
		const char *verb;
		int (*run)(struct cli *cli, int argc, char *argv[]);
	} parts[] = { { "forward", cmd_user_forward }, { "app-password", cmd_user_app_password },
		{ "send-as", cmd_user_send_as } };
	struct user_options o;
	const char *verb = argc > 1 ? argv[1] : "";

	for (size_t i = 0; i < NITEMS(parts); i++)
		if (strcmp(verb, parts[i].verb) == 0)
			return parts[i].run(cli, argc - 1, argv + 1);
	if (user_is_state_verb(verb))
		return cmd_user_state(cli, argc - 1, argv + 1);
	if (argc < 2 || !read_options(argc - 1, argv + 1, &o))
		return cli_usage(user_usage, NULL);
	if (strcmp(verb, "list") == 0)
		return list(cli, &o);
	if (strcmp(verb, "add") == 0 && o.batch != NULL && o.word == NULL)
		return add_batch(cli, &o);
	if (o.word == NULL)
		return cli_usage(user_usage, "relais user: an address is missing");
	if (strcmp(verb, "add") == 0)
		return change(cli, &o, true, true);
	if (strcmp(verb, "passwd") == 0)
		return change(cli, &o, false, true);
	if (strcmp(verb, "set") == 0)
		return change(cli, &o, false, false);
	if (strcmp(verb, "del") == 0)
		return del(cli, &o);
	return cli_usage(user_usage, "relais user: no such verb");
}
