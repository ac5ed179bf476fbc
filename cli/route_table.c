/* SPDX-License-Identifier: ISC */
/*
 * cli/route_table.c - relais transport|sender-transport|tls-policy|credentials|source-address
 * add|list|del: lines of the tables that say how mail leaves. One row of a table for each command.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "err.h"
#include "password.h"
#include "printed.h"
#include "route_records.h"
#include "table_files.h"

struct routes {
	enum table_kind kind;
	const char *name, *usage;
	const char *key, *value; /* names of JSON members */
	const char *what;        /* "no such ..." */
};

const char transport_usage[] =
	"relais transport add KEY NEXT-HOP...\n"
	"       relais transport list [--json]\n"
	"       relais transport del KEY\n"
	"\n"
	"KEY: user@domain, domain, .domain (all below) or *\n"
	"NEXT-HOP: [host]:port (without MX), domain, domain:port (by MX), srv:domain,\n"
	"each with smtp:, smtps: or lmtp: in front; lmtp:unix:NAME; several, parted by\n"
	"commas, are tried in turn. smtp: alone: the recipient's domain by MX.\n"
	"error:4.7.1 TEXT or error:5.7.1 TEXT: nobody.";

static const struct routes transport = { TABLE_TRANSPORT, "transport", transport_usage, "recipient",
	"next_hop", "transport" };

const char sender_transport_usage[] = "relais sender-transport add KEY NEXT-HOP...\n"
				      "       relais sender-transport list [--json]\n"
				      "       relais sender-transport del KEY\n"
				      "\n"
				      "KEY: user@domain, @domain or \"<>\"\n"
				      "NEXT-HOP: as in relais transport, whose entries come first.";

static const struct routes sender_transport = { TABLE_SENDER_TRANSPORT, "sender-transport",
	sender_transport_usage, "sender", "next_hop", "transport of that sender" };

const char tls_policy_usage[] =
	"relais tls-policy add KEY LEVEL [name=NAME]...\n"
	"       relais tls-policy list [--json]\n"
	"       relais tls-policy del KEY\n"
	"\n"
	"KEY: a next hop's host, host:port or .domain\n"
	"LEVEL: none, may, encrypt, verify, dane or dane-only. name=: what the\n"
	"certificate may be for, with verify.";

static const struct routes tls_policy = { TABLE_TLS_POLICY, "tls-policy", tls_policy_usage,
	"next_hop", "policy", "policy" };

const char credentials_usage[] =
	"relais credentials add KEY LOGIN [--stdin]\n"
	"       relais credentials list [--json]      logins, never passwords\n"
	"       relais credentials del KEY\n"
	"\n"
	"KEY: host, host:port, user@domain or @domain\n"
	"\n"
	"The password is asked for at the terminal, or is the first line of --stdin.\n"
	"A sender's are used at the smarthost and at its own sender-transport only.";

static const struct routes credentials = { TABLE_RELAY_CREDENTIALS, "credentials",
	credentials_usage, "key", "login", "credentials" };

const char source_address_usage[] =
	"relais source-address add KEY [IPv4|ipv4=none] [IPv6|ipv6=none]\n"
	"                             [helo=NAME]\n"
	"       relais source-address list [--json]\n"
	"       relais source-address del KEY\n"
	"\n"
	"KEY: user@domain, @domain or \"<>\"";

static const struct routes source_address = { TABLE_SOURCE_ADDRESS, "source-address",
	source_address_usage, "sender", "source", "source address" };

/* Put a line in the place of the key's old one, or (value NULL) remove it. */
static int
edit(struct cli *cli, const struct routes *c, const char *name, const struct bytes *value)
{
	struct arena a = ARENA_INIT;
	struct table_file f;
	struct bytes key, old;
	const char *why;
	bool ok;

	if (!table_files_lock(cli))
		return CLI_FAILED;
	ok = table_file_load(cli, c->kind, &f);
	if (ok && table_key_fold(c->kind, &a, bytes_from_str(name), &key, &why) < 0) {
		fprintf(stderr, "%s: %s\n", name, why);
		ok = false;
	}
	if (ok && value == NULL && !table_file_find(&f, key, &old)) {
		fprintf(stderr, "%s: no such %s\n", name, c->what);
		ok = false;
	}
	if (ok && value != NULL && table_value_check(c->kind, &a, *value, &why) < 0) {
		fprintf(stderr, "%s: %s\n", name, why);
		ok = false;
	}
	ok = ok && table_file_edit(cli, &f, key, bytes_from_str(name), value);
	table_file_free(&f);
	arena_reset(&a);
	return ok ? CLI_OK : CLI_FAILED;
}

static int
add(struct cli *cli, const struct routes *c, int argc, char *argv[])
{
	struct buf line = BUF_INIT;
	struct bytes value;
	int status;

	for (int i = 1; i < argc; i++)
		buf_printf(&line, "%s%s", i > 1 ? " " : "", argv[i]);
	value = buf_bytes(&line);
	status = edit(cli, c, argv[0], &value);
	buf_free(&line);
	return status;
}

bool
credentials_add(struct cli *cli, const char *key, const char *login, struct bytes password)
{
	struct buf line = BUF_SECRET;
	struct bytes value;
	bool ok;

	buf_printf(&line, "%s:", login);
	buf_put_bytes(&line, password);
	value = buf_bytes(&line);
	ok = edit(cli, &credentials, key, &value) == CLI_OK;
	buf_free(&line);
	return ok;
}

/* The value with a password that nobody sees on the way. */
static int
add_credentials(struct cli *cli, const struct routes *c, int argc, char *argv[])
{
	bool from_stdin = argc == 3 && strcmp(argv[2], "--stdin") == 0, ok;
	struct buf password = BUF_SECRET;

	if (argc != 2 && !from_stdin)
		return cli_usage(c->usage, NULL);
	if (strchr(argv[1], ':') != NULL) {
		fprintf(stderr, "%s: a login has no \":\"\n", argv[1]);
		return CLI_FAILED;
	}
	ok = password_read(from_stdin, argv[1], &password) &&
	     credentials_add(cli, argv[0], argv[1], buf_bytes(&password));
	buf_free(&password);
	return ok ? CLI_OK : CLI_FAILED;
}

static void
show(const struct routes *c, json_t *out, const struct table_entry *e)
{
	struct bytes value = e->value;
	struct credentials_record r;
	const char *why;
	json_t *o;

	if (c->kind == TABLE_RELAY_CREDENTIALS)
		value = credentials_record_parse(e->value, &r, &why) == ERR_OK ? r.login
									       : BYTES_NONE;
	if (out == NULL) {
		printf("%-40.*s %.*s\n", (int)e->key.n, (const char *)e->key.p, (int)value.n,
			(const char *)value.p);
		return;
	}
	o = json_object();
	json_object_set_new(o, c->key, json_stringn_nocheck((const char *)e->key.p, e->key.n));
	json_object_set_new(o, c->value, json_stringn_nocheck((const char *)value.p, value.n));
	json_array_append_new(out, o);
}

static int
list(struct cli *cli, const struct routes *c, bool json)
{
	json_t *out = json ? json_array() : NULL;
	struct table_file f;
	bool ok = table_file_load(cli, c->kind, &f);

	for (size_t i = 0; ok && i < f.table.count; i++)
		show(c, out, &f.table.entries[i]);
	if (ok && out != NULL)
		json_print(out);
	json_decref(out);
	table_file_free(&f);
	return ok ? CLI_OK : CLI_FAILED;
}

static int
run(struct cli *cli, const struct routes *c, int argc, char *argv[])
{
	const char *verb = argc > 1 ? argv[1] : "";
	bool json = argc == 3 && strcmp(argv[2], "--json") == 0;

	if (strcmp(verb, "list") == 0 && (argc == 2 || json))
		return list(cli, c, json);
	if (strcmp(verb, "del") == 0 && argc == 3)
		return edit(cli, c, argv[2], NULL);
	if (strcmp(verb, "add") != 0 || argc < 4)
		return cli_usage(c->usage, NULL);
	if (c->kind == TABLE_RELAY_CREDENTIALS)
		return add_credentials(cli, c, argc - 2, argv + 2);
	return add(cli, c, argc - 2, argv + 2);
}

int
cmd_transport(struct cli *cli, int argc, char *argv[])
{
	return run(cli, &transport, argc, argv);
}

int
cmd_sender_transport(struct cli *cli, int argc, char *argv[])
{
	return run(cli, &sender_transport, argc, argv);
}

int
cmd_tls_policy(struct cli *cli, int argc, char *argv[])
{
	return run(cli, &tls_policy, argc, argv);
}

int
cmd_credentials(struct cli *cli, int argc, char *argv[])
{
	return run(cli, &credentials, argc, argv);
}

int
cmd_source_address(struct cli *cli, int argc, char *argv[])
{
	return run(cli, &source_address, argc, argv);
}
