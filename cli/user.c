/* SPDX-License-Identifier: ISC */
/* cli/user.c - relais user add|passwd|set|list|del: lines of the accounts table. */
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "password.h"
#include "table_files.h"

static const char usage[] =
	"relais user add ADDRESS [--quota SIZE] [--state STATE] [--no-password | "
	"--password-stdin]\n"
	"       relais user add --batch FILE            lines of ADDRESS PASSWORD; - is stdin\n"
	"       relais user passwd ADDRESS [--password-stdin]\n"
	"       relais user set ADDRESS [--quota SIZE] [--state STATE]\n"
	"       relais user forward ADDRESS [[--keep] TARGET... | --off]\n"
	"       relais user list [DOMAIN] [--json]\n"
	"       relais user del ADDRESS                 the mailbox stays where it is\n"
	"  --state active|locked|no-login|no-mail    --hash yescrypt|sha512crypt|bcrypt[:COST]";

struct user_options {
	const char *quota, *state, *hash, *batch;
	int password_stdin, no_password, json;
	const char *word; /* the one argument besides options */
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

/* "PASSWORD quota=... state=...": the new options in place of those of the old line. */
static void
put_line(struct buf *out, struct bytes password, struct bytes old, const struct user_options *o)
{
	struct bytes rest = old;

	buf_put_bytes(out, password);
	(void)bytes_cut(&rest, ' ');
	for (rest = bytes_trim(rest); rest.n > 0; rest = bytes_trim(rest)) {
		struct bytes word = bytes_cut(&rest, ' ');

		if ((o->quota != NULL && bytes_starts_with(word, BYTES_LITERAL("quota="))) ||
			(o->state != NULL && bytes_starts_with(word, BYTES_LITERAL("state="))))
			continue;
		buf_put_u8(out, ' ');
		buf_put_bytes(out, word);
	}
	if (o->quota != NULL)
		buf_printf(out, " quota=%s", o->quota);
	if (o->state != NULL)
		buf_printf(out, " state=%s", o->state);
}

static bool
hash_for(const struct user_options *o, const char *who, struct buf *hash)
{
	struct password_method method;
	struct buf password = BUF_INIT;
	bool ok;

	if (o->no_password) {
		buf_put_str(hash, "*");
		return true;
	}
	ok = password_method(o->hash, &method) &&
	     password_read(o->password_stdin, who, &password) &&
	     password_hash(&method, buf_bytes(&password), hash);
	if (password.data != NULL)
		explicit_bzero(password.data, password.cap);
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
		ok = hash_for(o, o->word, &hash);
	if (ok) {
		value = u.old;
		first = new_password ? buf_bytes(&hash) : bytes_cut(&value, ' ');
		put_line(&line, first, u.old, o);
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
	ok = must_be_local(cli, u, folded.domain) && password_hash(method, bytes_trim(rest), &hash);
	if (ok) {
		put_line(&value, buf_bytes(&hash), BYTES_NONE, o);
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
		perror(o->batch);
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

static void
show_account(json_t *list, struct bytes key, const struct account_record *r)
{
	json_t *o;

	if (list == NULL) {
		printf("%-40.*s %-9s", (int)key.n, (const char *)key.p, account_state_name(r->may));
		if (r->quota_octets > 0)
			printf(" quota=%llu", (unsigned long long)r->quota_octets);
		if (bytes_is(r->password, "*"))
			printf(" (no password)");
		putchar('\n');
		return;
	}
	o = json_object();
	json_object_set_new(o, "address", json_bytes(key));
	json_object_set_new(o, "state", json_string(account_state_name(r->may)));
	json_object_set_new(o, "quota_octets", json_integer((json_int_t)r->quota_octets));
	json_object_set_new(o, "quota_messages", json_integer((json_int_t)r->quota_messages));
	json_object_set_new(o, "password", json_boolean(!bytes_is(r->password, "*")));
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
	if (ok && out != NULL) {
		json_dumpf(out, stdout, JSON_INDENT(2));
		putchar('\n');
	}
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
	struct user_options o;
	const char *verb = argc > 1 ? argv[1] : "";

	if (strcmp(verb, "--help") == 0) {
		printf("Usage: %s\n", usage);
		return CLI_OK;
	}
	if (strcmp(verb, "forward") == 0)
		return cmd_user_forward(cli, argc - 1, argv + 1);
	if (argc < 2 || !read_options(argc - 1, argv + 1, &o))
		return cli_usage(usage, NULL);
	if (strcmp(verb, "list") == 0)
		return list(cli, &o);
	if (strcmp(verb, "add") == 0 && o.batch != NULL && o.word == NULL)
		return add_batch(cli, &o);
	if (o.word == NULL)
		return cli_usage(usage, "relais user: an address is missing");
	if (strcmp(verb, "add") == 0)
		return change(cli, &o, true, true);
	if (strcmp(verb, "passwd") == 0)
		return change(cli, &o, false, true);
	if (strcmp(verb, "set") == 0)
		return change(cli, &o, false, false);
	if (strcmp(verb, "del") == 0)
		return del(cli, &o);
	return cli_usage(usage, "relais user: add, passwd, set, list or del");
}
