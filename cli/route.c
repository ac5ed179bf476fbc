/* SPDX-License-Identifier: ISC */
/*
 * cli/route.c - relais route ADDRESS: what would become of mail to it, as directory says now.
 *
 * It asks what qmgr would ask (RESOLVE) and for each next hop what smtp-client would (HOP);
 * what these leave open are options. Passwords are not told to it.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "directory_msg.h"
#include "err.h"
#include "printed.h"
#include "smtp_client_conf.h"

const char route_usage[] =
	"relais route ADDRESS [--sender ADDRESS] [--json]\n"
	"\n"
	"Tells the mailboxes and next hops that mail to ADDRESS would go to: aliases,\n"
	"forwards, routes, TLS, logins. Without --sender: as for a notification (null\n"
	"reverse-path).";

struct asking {
	struct cli *cli;
	int fd;
	struct bytes address, sender;
	json_t *targets;
};

static void
set(json_t *o, const char *name, struct bytes value)
{
	if (value.n > 0)
		json_object_set_new(o, name, json_text(value));
}

/* One request. The answer's body lives until the next. */
static int
ask(struct asking *q, uint16_t type, struct buf *body, struct ipc_reader *in)
{
	struct ipc_frame frame;
	int r = cli_ask(q->cli, q->fd, type, buf_bytes(body), &frame);

	buf_free(body);
	if (r < 0)
		return r;
	if (frame.type != type + 1) {
		fprintf(stderr, "directory: odd answer\n");
		return ERR_SYNTAX;
	}
	*in = ipc_reader(frame.body);
	return ERR_OK;
}

/* ---- next hops ---- */

static const char *
tls_text(const struct smtp_client_conf *conf, const struct directory_hop_alternative *a)
{
	enum tls_level level = a->tls;

	if (!a->has_tls && tls_level_parse(bytes_from_str(conf->tls), &level) < 0)
		level = TLS_LEVEL_DANE;
	if (a->tls_required && level < TLS_LEVEL_ENCRYPT)
		level = TLS_LEVEL_ENCRYPT;
	if (a->tls_required && level == TLS_LEVEL_DANE)
		return "dane, else encrypt";
	return tls_level_name(level);
}

static json_t *
show_alternative(const struct smtp_client_conf *conf, const struct directory_hop_alternative *a)
{
	static const char *const kinds[NEXT_HOP_KINDS] = { "mx", "host", "srv", "unix" };
	uint64_t port = a->port != 0 ? a->port : conf->port;
	json_t *o = json_object();

	json_object_set_new(o, "protocol", json_string(next_hop_protocol_name(a->protocol)));
	json_object_set_new(o, "kind", json_string(kinds[a->kind]));
	json_object_set_new(o, "host", json_text(a->host));
	if (a->kind == NEXT_HOP_MX || a->kind == NEXT_HOP_HOST)
		json_object_set_new(o, "port", json_integer((json_int_t)port));
	if (a->kind != NEXT_HOP_UNIX)
		json_object_set_new(o, "tls", json_string(tls_text(conf, a)));
	set(o, "tls_names", a->tls_names);
	set(o, "login", a->login);
	return o;
}

static int
ask_hop(struct asking *q, json_t *target, struct bytes next_hop, struct bytes reverse_path)
{
	const struct smtp_client_conf *conf = conf_values(&q->cli->conf, "smtp_client");
	const struct directory_hop m = { next_hop, reverse_path };
	struct directory_hop_answer a;
	struct buf body = BUF_INIT;
	struct ipc_reader in;
	json_t *hops = json_array();
	int r;

	json_object_set_new(target, "hops", hops);
	directory_hop_encode(&body, &m);
	if ((r = ask(q, DIRECTORY_HOP, &body, &in)) < 0)
		return r;
	if ((r = directory_hop_answer_decode(&in, &a)) < 0)
		return r;
	if (a.status != DIRECTORY_HOP_OK)
		json_object_set_new(target, "error",
			json_string(a.status == DIRECTORY_HOP_BAD ? "not a next hop"
								  : "tables can't be read now"));
	for (uint32_t i = 0; i < a.count; i++)
		json_array_append_new(hops, show_alternative(conf, &a.alternatives[i]));
	set(target, "source_ipv4",
		a.source_ipv4.n > 0 ? a.source_ipv4 : bytes_from_str(conf->source_ipv4));
	set(target, "source_ipv6",
		a.source_ipv6.n > 0 ? a.source_ipv6 : bytes_from_str(conf->source_ipv6));
	set(target, "helo",
		a.helo.n > 0         ? a.helo
		: conf->helo[0] != 0 ? bytes_from_str(conf->helo)
				     : bytes_from_str(cli_common(q->cli)->hostname));
	return ERR_OK;
}

/* ---- targets ---- */

static json_t *
show_target(const struct directory_target *t)
{
	static const char *const kinds[DIRECTORY_TARGET_KINDS] = {
		[DIRECTORY_TARGET_ACCOUNT] = "mailbox",
		[DIRECTORY_TARGET_REMOTE] = "remote",
		[DIRECTORY_TARGET_ERROR] = "error",
		[DIRECTORY_TARGET_COMMAND] = "command",
		[DIRECTORY_TARGET_FILE] = "file",
	};
	const struct directory_reply reply = directory_verdict_reply(t->verdict);
	json_t *o = json_object();

	json_object_set_new(o, "kind", json_string(kinds[t->kind]));
	set(o, "address", t->address);
	set(o, "account", t->account);
	set(o, "detail", t->detail);
	set(o, "reverse_path", t->reverse_path);
	set(o, "next_hop", t->next_hop);
	set(o, "rule", t->rule);
	if (t->kind == DIRECTORY_TARGET_ERROR) {
		set(o, "code", t->enhanced.n > 0 ? t->enhanced : bytes_from_str(reply.enhanced));
		set(o, "error", t->text.n > 0 ? t->text : bytes_from_str(reply.text));
	}
	return o;
}

/* A page of targets; their next hops are asked for afterwards, the answer's octets being gone. */
static int
ask_page(struct asking *q, uint32_t first, uint32_t *total, struct directory_resolve_answer *a)
{
	const struct directory_resolve m = { q->address, q->sender, first };
	struct buf body = BUF_INIT;
	struct ipc_reader in;
	int r;

	directory_resolve_encode(&body, &m);
	if ((r = ask(q, DIRECTORY_RESOLVE, &body, &in)) < 0)
		return r;
	if ((r = directory_resolve_answer_decode(&in, a)) < 0)
		return r;
	*total = a->total;
	for (uint32_t i = 0; i < a->count; i++)
		json_array_append_new(q->targets, show_target(&a->targets[i]));
	return (int)a->count;
}

static int
ask_hops(struct asking *q)
{
	json_t *target;
	size_t i;
	int r = ERR_OK;

	json_array_foreach(q->targets, i, target)
	{
		const char *hop = json_string_value(json_object_get(target, "next_hop"));
		const char *own = json_string_value(json_object_get(target, "reverse_path"));

		if (r == ERR_OK && hop != NULL)
			r = ask_hop(q, target, bytes_from_str(hop),
				own == NULL || q->sender.n == 0 ? q->sender : bytes_from_str(own));
	}
	return r;
}

/* ---- for people ---- */

static const char *
member(const json_t *o, const char *name)
{
	const char *s = json_string_value(json_object_get(o, name));

	return s == NULL ? "" : s;
}

static void
print_if(const char *label, const char *value)
{
	if (value[0] != 0)
		printf("    %s %s\n", label, value);
}

static void
print_hop(const json_t *hop, size_t number)
{
	json_int_t port = json_integer_value(json_object_get(hop, "port"));

	printf("    %zu. %s to %s %s", number, member(hop, "protocol"), member(hop, "kind"),
		member(hop, "host"));
	if (port != 0)
		printf(" port %lld", (long long)port);
	if (member(hop, "tls")[0] != 0)
		printf(", TLS %s", member(hop, "tls"));
	if (member(hop, "tls_names")[0] != 0)
		printf(" (%s)", member(hop, "tls_names"));
	if (member(hop, "login")[0] != 0)
		printf(", login %s", member(hop, "login"));
	putchar('\n');
}

static void
print_target(const json_t *t)
{
	const json_t *hop;
	size_t i;

	printf("  %s %s\n", member(t, "kind"), member(t, "address"));
	if (strcmp(member(t, "account"), member(t, "address")) != 0)
		print_if("account", member(t, "account"));
	print_if("folder", member(t, "detail"));
	print_if("reverse-path", member(t, "reverse_path"));
	print_if("next hop", member(t, "next_hop"));
	print_if("by", member(t, "rule"));
	json_array_foreach(json_object_get(t, "hops"), i, hop) print_hop(hop, i + 1);
	print_if("from IPv4", member(t, "source_ipv4"));
	print_if("from IPv6", member(t, "source_ipv6"));
	print_if("EHLO", member(t, "helo"));
	if (member(t, "error")[0] != 0)
		printf("    %s %s\n", member(t, "code"), member(t, "error"));
}

/* ---- the command ---- */

static int
tell(struct asking *q, bool json)
{
	static struct directory_resolve_answer a;
	struct directory_reply reply;
	uint32_t n = 0, total = 1;
	int r = 0;
	json_t *out, *t;
	size_t i;

	a.verdict = DIRECTORY_OK;
	for (; n < total && (r = ask_page(q, n, &total, &a)) > 0; n += (uint32_t)r)
		;
	if (r < 0 || ask_hops(q) < 0)
		return CLI_FAILED;
	reply = directory_verdict_reply(a.verdict);
	if (json) {
		out = json_pack("{s:o,s:o,s:s,s:s,s:O}", "address", json_text(q->address), "sender",
			json_text(q->sender), "code", reply.enhanced, "text", reply.text, "targets",
			q->targets);
		json_print(out);
		json_decref(out);
	} else {
		printf("%.*s", (int)q->address.n, (const char *)q->address.p);
		if (a.verdict != DIRECTORY_OK)
			printf(": %s %s", reply.enhanced, reply.text);
		putchar('\n');
		json_array_foreach(q->targets, i, t) print_target(t);
	}
	return a.verdict == DIRECTORY_OK ? CLI_OK : CLI_FAILED;
}

int
cmd_route(struct cli *cli, int argc, char *argv[])
{
	struct asking q = { .cli = cli };
	bool json = false;
	int status;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0)
			json = true;
		else if (strcmp(argv[i], "--sender") == 0 && i + 1 < argc)
			q.sender = bytes_from_str(argv[++i]);
		else if (q.address.n == 0 && argv[i][0] != '-')
			q.address = bytes_from_str(argv[i]);
		else
			return cli_usage(route_usage, NULL);
	}
	if (q.address.n == 0 || q.address.n > DIRECTORY_ADDRESS_MAX ||
		q.sender.n > DIRECTORY_ADDRESS_MAX)
		return cli_usage(route_usage, NULL);
	if (bytes_is(q.sender, "<>"))
		q.sender = BYTES_NONE;
	if (!cli_load(cli))
		return CLI_FAILED;
	q.fd = cli_connect(cli, SERVICE_DIRECTORY);
	if (q.fd < 0)
		return CLI_DOWN;
	q.targets = json_array();
	status = tell(&q, json);
	json_decref(q.targets);
	close(q.fd);
	return status;
}
