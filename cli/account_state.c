/* SPDX-License-Identifier: ISC */
/* cli/account_state.c - relais user lock|unlock|block-sending|allow-sending, and send-as:
 * words of an account's line. */
#include <stdio.h>
#include <string.h>

#include "account_edit.h"
#include "account_words.h"
#include "err.h"
#include "printed.h"

static const struct verb {
	const char *name;
	const char *add;       /* word of state= */
	const char *remove[3]; /* NULL behind the last */
} verbs[] = {
	{ "lock", "locked", { "locked", NULL } },
	{ "unlock", NULL, { "locked", "no-login", NULL } },
	{ "block-sending", "send-blocked", { "send-blocked", NULL } },
	{ "allow-sending", NULL, { "send-blocked", NULL } },
};

static bool
is_one_of(struct bytes word, const char *const words[])
{
	for (size_t i = 0; words[i] != NULL; i++)
		if (bytes_is(word, words[i]))
			return true;
	return bytes_is(word, "active");
}

/* The line with the words of its state= changed. */
static void
put_changed(struct account_edit *e, const struct verb *verb)
{
	static const struct bytes state = BYTES_LITERAL("state=");
	struct buf words = BUF_INIT;
	struct bytes rest = e->old, word, value;

	buf_put_bytes(&words, state);
	while ((word = account_edit_word(&rest)).n > 0) {
		if (!bytes_starts_with(word, state)) {
			account_edit_put(e, word);
			continue;
		}
		for (value = bytes_skip(word, state.n); value.n > 0;) {
			word = bytes_cut(&value, ',');
			if (is_one_of(word, verb->remove))
				continue;
			if (words.len > state.n)
				buf_put_u8(&words, ',');
			buf_put_bytes(&words, word);
		}
	}
	if (verb->add != NULL)
		buf_printf(&words, "%s%s", words.len > state.n ? "," : "", verb->add);
	if (words.len > state.n)
		account_edit_put(e, buf_bytes(&words));
	buf_free(&words);
}

bool
user_is_state_verb(const char *name)
{
	for (size_t i = 0; i < NITEMS(verbs); i++)
		if (strcmp(name, verbs[i].name) == 0)
			return true;
	return false;
}

int
cmd_user_state(struct cli *cli, int argc, char *argv[])
{
	const struct verb *verb = verbs;
	int status = CLI_OK;

	if (argc < 2 || argv[1][0] == '-')
		return cli_usage(user_usage, "relais user: an address is missing");
	while (strcmp(verb->name, argv[0]) != 0)
		verb++;
	if (!table_files_lock(cli))
		return CLI_FAILED;
	for (int i = 1; i < argc; i++) {
		struct account_edit e;
		bool ok = account_read_open(cli, &e, argv[i]);

		if (ok) {
			put_changed(&e, verb);
			ok = account_edit_store(cli, &e);
		}
		account_edit_close(&e);
		if (!ok)
			status = CLI_FAILED;
	}
	return status;
}

/* ---- send-as ---- */

const char user_send_as_usage[] = "relais user send-as list ADDRESS [--json]\n"
				  "       relais user send-as add|del ADDRESS OTHER\n"
				  "\n"
				  "OTHER: an address, or @DOMAIN for all of it.";

/* OTHER in its folded form, for comparing. */
static bool
fold_other(struct arena *a, struct bytes in, struct bytes *out)
{
	struct mail_address address;
	struct bytes domain;

	if (in.n > 0 && in.p[0] == '@') {
		if (mail_domain_fold(a, bytes_skip(in, 1), &domain) < 0)
			return false;
		*out = mail_address_key(a, BYTES_NONE, domain);
		return true;
	}
	if (mail_address_fold(a, in, &address) < 0 || address.domain.n == 0 ||
		bytes_find(in, ' ') != BYTES_NOT_FOUND)
		return false;
	*out = address.key;
	return true;
}

static int
send_as_list(const struct account_edit *e, bool json)
{
	struct bytes rest = e->old, other;
	json_t *out = json ? json_array() : NULL;

	while (account_next_send_as(&rest, &other) > 0) {
		if (json)
			json_array_append_new(out, json_text(other));
		else
			printf("%.*s\n", (int)other.n, (const char *)other.p);
	}
	if (json)
		json_print(out);
	json_decref(out);
	return CLI_OK;
}

/* The line without that one; was it there? */
static bool
put_without(struct account_edit *e, struct bytes folded)
{
	struct bytes rest = e->old, word, value, other, this;
	bool found = false;

	while ((word = account_edit_word(&rest)).n > 0) {
		value = word;
		if (account_next_send_as(&value, &other) > 0 &&
			fold_other(&e->arena, other, &this) && bytes_equal(this, folded))
			found = true;
		else
			account_edit_put(e, word);
	}
	return found;
}

static bool
send_as_change(struct cli *cli, struct account_edit *e, const char *other, bool add)
{
	struct bytes folded;
	char *word;
	bool found;

	if (!fold_other(&e->arena, bytes_from_str(other), &folded)) {
		fprintf(stderr, "%s: neither an address nor @ and a domain\n", other);
		return false;
	}
	found = put_without(e, folded);
	if (!add && !found) {
		fprintf(stderr, "%s: not among them\n", other);
		return false;
	}
	if (add) {
		word = arena_printf(&e->arena, "send-as=%s", other);
		account_edit_put(e, bytes_from_str(word));
	}
	return account_edit_store(cli, e);
}

int
cmd_user_send_as(struct cli *cli, int argc, char *argv[])
{
	const char *verb = argc > 1 ? argv[1] : "";
	bool is_list = strcmp(verb, "list") == 0, add = strcmp(verb, "add") == 0, ok;
	bool json = argc == 4 && strcmp(argv[3], "--json") == 0;
	struct account_edit e;

	if (!(is_list && argc == 3 + json) && !((add || strcmp(verb, "del") == 0) && argc == 4))
		return cli_usage(user_send_as_usage, NULL);
	ok = is_list ? account_read_open(cli, &e, argv[2]) : account_edit_open(cli, &e, argv[2]);
	if (ok)
		ok = is_list ? send_as_list(&e, json) == CLI_OK
			     : send_as_change(cli, &e, argv[3], add);
	account_edit_close(&e);
	return ok ? CLI_OK : CLI_FAILED;
}
