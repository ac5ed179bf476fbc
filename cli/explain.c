/* SPDX-License-Identifier: ISC */
/*
 * cli/explain.c - relais explain: a message through the door's own checks, without a trace left:
 * mailauth-verify is asked what smtpd would ask, and mailauth_decide() says what smtpd would do.
 *
 * Runs in:  the operator's command.
 * Trusts:   nothing of the message.
 */
#include "explain.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "dns.h"
#include "err.h"
#include "explain_message.h"
#include "mailauth_conf.h"
#include "sys.h"

#define CONTENT_MAX (512u << 20)
#define READ_SIZE   (64u << 10)
#define ANSWER_MS   70000 /* beyond mailauth.timeout */

const char explain_usage[] =
	"relais explain FILE [--from ADDRESS] [--ip IP] [--helo NAME]\n"
	"                      [--to ADDRESS] [--json]\n"
	"       relais explain --from ADDRESS --ip IP [--helo NAME] [--to ADDRESS]\n"
	"                      [--json]\n"
	"\n"
	"Tells what SPF, DKIM and DMARC say of a message, step by step, and what the\n"
	"door would do with it. FILE: a message as it is stored (-: standard input);\n"
	"client, HELO and reverse-path are those of its topmost Received and Return-Path\n"
	"fields, unless they are given. Without FILE: a message without a signature.";

struct explaining {
	struct cli *cli;
	struct arena a;
	struct buf content; /* with CRLF */
	const char *file;
	bool json, has_from;
	struct ip_block client;
	struct explanation e;
	struct ipc_packet packet; /* of the verdict */
};

/* ---- the message ---- */

static bool
read_all(int fd, const char *name, struct buf *out)
{
	ssize_t n;

	do {
		n = read(fd, buf_room(out, READ_SIZE), READ_SIZE);
		if (n > 0)
			buf_added(out, (size_t)n);
	} while ((n > 0 && out->len <= CONTENT_MAX) || (n < 0 && errno == EINTR));
	if (n < 0)
		fprintf(stderr, "%s: %s\n", name, strerror(errno));
	else if (out->len > CONTENT_MAX)
		fprintf(stderr, "%s: larger than 512 MiB\n", name);
	return n == 0;
}

static bool
read_file(struct explaining *x)
{
	const bool is_stdin = strcmp(x->file, "-") == 0;
	int fd = is_stdin ? STDIN_FILENO : open(x->file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct buf text = BUF_INIT;
	bool ok;

	if (fd < 0) {
		cli_say_errno(x->file);
		return false;
	}
	ok = read_all(fd, x->file, &text);
	if (!is_stdin)
		close(fd);
	if (ok)
		explain_crlf(buf_bytes(&text), &x->content);
	buf_free(&text);
	return ok;
}

/* What the message says of its way, where the words of the command do not. */
static void
take_origin(struct explaining *x)
{
	struct explain_origin o;

	explain_origin(&x->a, buf_bytes(&x->content), &o);
	if (!x->has_from)
		x->e.mail_from = arena_str(&x->a, o.mail_from);
	if (x->client.family == 0 && o.client.family != 0) {
		x->client = o.client;
		if (x->e.helo[0] == 0)
			x->e.helo = arena_str(&x->a, o.helo);
	}
}

static bool
make_message(struct explaining *x)
{
	if (x->file != NULL) {
		if (!read_file(x))
			return false;
		take_origin(x);
	} else {
		x->e.made = true;
		buf_printf(&x->content, "From: <%s>\r\n\r\n", x->e.mail_from);
	}
	x->e.octets = x->content.len;
	if (x->client.family != 0) {
		char *text = arena_alloc(&x->a, IP_BLOCK_TEXT);

		x->e.client = ip_block_text(&x->client, text);
	}
	return true;
}

/* ---- who is asked ---- */

static bool
leads_back(struct explaining *x, int fd, const char *name)
{
	const uint16_t type = x->client.family == 4 ? DNS_TYPE_A : DNS_TYPE_AAAA;
	const size_t size = x->client.family == 4 ? 4 : 16;
	const struct dns_query m = { type, bytes_from_str(name), 0 };
	struct dns_answer answer;

	if (dns_ask_resolver(x->cli, fd, DNS_QUERY, &m, &answer) != CLI_OK)
		return false;
	for (uint32_t i = 0; i < answer.count; i++)
		if (answer.rdata[i].n == size &&
			memcmp(answer.rdata[i].p, x->client.addr, size) == 0)
			return true;
	return false;
}

/* The client's name, as the door finds it: one that leads back. */
static void
find_name(struct explaining *x)
{
	char reverse[DNS_REVERSE_SIZE], name[DNS_NAME_SIZE];
	const char *names[8];
	struct dns_answer answer;
	size_t n = 0;
	int fd = cli_connect(x->cli, SERVICE_RESOLVER);

	if (fd < 0)
		return;
	dns_reverse_name(x->client.addr, x->client.family == 4 ? 4 : 16, reverse);
	if (dns_ask_resolver(x->cli, fd, DNS_QUERY,
		    &(struct dns_query){ DNS_TYPE_PTR, bytes_from_str(reverse), 0 },
		    &answer) == CLI_OK)
		for (uint32_t i = 0; i < answer.count && n < NITEMS(names); i++)
			if (dns_name_rdata_read(answer.rdata[i], name) > 0 &&
				dns_name_is_host(bytes_from_str(name)))
				names[n++] = arena_str(&x->a, bytes_from_str(name));
	for (size_t i = 0; i < n && x->e.client_name == NULL; i++)
		if (leads_back(x, fd, names[i]))
			x->e.client_name = names[i];
	close(fd);
}

static bool
ask_recipient(struct explaining *x)
{
	const struct directory_resolve m = { bytes_from_str(x->e.to),
		bytes_from_str(x->e.mail_from), 0 };
	static struct directory_resolve_answer answer;
	struct buf body = BUF_INIT;
	struct ipc_frame frame;
	struct ipc_reader in;
	int fd = cli_connect(x->cli, SERVICE_DIRECTORY), r;

	if (fd < 0)
		return false;
	directory_resolve_encode(&body, &m);
	r = cli_ask(x->cli, fd, DIRECTORY_RESOLVE, buf_bytes(&body), &frame);
	buf_free(&body);
	close(fd);
	if (r < 0)
		return false;
	in = ipc_reader(frame.body);
	if (frame.type != DIRECTORY_RESOLVE_ANSWER ||
		directory_resolve_answer_decode(&in, &answer) < 0)
		return false;
	x->e.recipient = answer.verdict;
	return true;
}

/* The question about the client; the answer stays in the command's packet. */
static bool
ask_spf(struct explaining *x, int fd)
{
	const struct mailauth_spf_question m = { .client = bytes_from_str(x->e.client),
		.helo = bytes_head(bytes_from_str(x->e.helo), MAILAUTH_NAME_MAX),
		.mail_from = bytes_head(bytes_from_str(x->e.mail_from), MAILAUTH_PATH_MAX),
		.explain = true };
	struct buf body = BUF_INIT;
	struct ipc_frame frame;
	struct ipc_reader in;
	int r;

	mailauth_spf_question_encode(&body, &m);
	r = cli_ask(x->cli, fd, MAILAUTH_SPF, buf_bytes(&body), &frame);
	buf_free(&body);
	if (r < 0)
		return false;
	in = ipc_reader(frame.body);
	x->e.spf_asked = true;
	if (frame.type == MAILAUTH_SPF_RESULT &&
		mailauth_spf_result_decode(&in, &x->e.spf) == ERR_OK)
		return true;
	if (frame.type != MAILAUTH_DIED) {
		fprintf(stderr, "mailauth-verify: its answer is not understood\n");
		return false;
	}
	x->e.spf.mail_from.result = x->e.spf.helo.result = AUTH_TEMPERROR;
	x->e.spf.mail_from.problem = BYTES_LITERAL("the check crashed, or hung");
	return true;
}

/* Larger content goes in a descriptor. -1: it is small; -2 after printing why it can't be. */
static int
content_fd(struct explaining *x, struct content_source *source)
{
	struct bytes content = buf_bytes(&x->content);
	int fd;

	*source = content_inline(content);
	if (content.n <= CONTENT_INLINE_MAX)
		return -1;
	*source = content_in_fd(0, content.n);
	fd = sys_memfd("message");
	if (fd >= 0 && sys_write_all(fd, content) == ERR_OK)
		return fd;
	fprintf(stderr, "no memory for the message: %s\n", strerror(errno));
	if (fd >= 0)
		close(fd);
	return -2;
}

static bool
ask_verify(struct explaining *x, int fd)
{
	struct mailauth_verify m = { .explain = true, .spf = x->e.spf.mail_from };
	struct buf body = BUF_INIT;
	struct ipc_frame frame = { 0 };
	struct ipc_reader in;
	int source = content_fd(x, &m.content), r;

	if (source < -1)
		return false;
	mailauth_verify_encode(&body, &m);
	r = ipc_blocking_send(fd, source >= 0 ? MAILAUTH_VERIFY_FD : MAILAUTH_VERIFY, 1, false,
		buf_bytes(&body), &source, source >= 0);
	buf_free(&body);
	if (source >= 0)
		close(source);
	if (r == ERR_OK)
		r = ipc_blocking_receive(fd, &x->packet, &frame, ANSWER_MS);
	in = ipc_reader(frame.body);
	if (r == ERR_OK && frame.type == MAILAUTH_DIED)
		x->e.died = true;
	else if (r == ERR_OK && frame.type == MAILAUTH_VERIFIED)
		r = mailauth_verified_decode(&in, &x->e.verified);
	else if (r == ERR_OK)
		r = ERR_SYNTAX;
	if (r < 0)
		fprintf(stderr, "mailauth-verify: %s\n", err_text(r));
	if (x->e.died)
		x->e.verified.dmarc.result = AUTH_TEMPERROR;
	return r == ERR_OK;
}

static bool
is_in(const struct conf_list *nets, const struct ip_block *address)
{
	struct ip_block b;

	for (size_t i = 0; i < nets->n && address->family != 0; i++)
		if (ip_block_parse(bytes_from_str(nets->v[i]), &b) == ERR_OK &&
			ip_block_contains(&b, address))
			return true;
	return false;
}

static void
decide(struct explaining *x)
{
	const struct mailauth_conf *conf = conf_values(&x->cli->conf, "mailauth");
	struct explanation *e = &x->e;

	e->verify_off = !conf->verify;
	e->own_host = is_in(&conf->trusted_networks, &x->client);
	e->trusted_forwarder = is_in(&conf->trusted_forwarders, &x->client);
	mailauth_decide(&(struct mailauth_facts){ .spf = &e->spf.mail_from,
				.verified = &e->verified,
				.mail_from = bytes_from_str(e->mail_from),
				.trusted_forwarder = e->trusted_forwarder,
				.refuse_spf_fail = strcmp(conf->spf_fail, "reject") == 0,
				.enforce_dmarc = strcmp(conf->dmarc, "enforce") == 0,
				.defer_temperror = strcmp(conf->temperror, "defer") == 0 },
		&x->a, &e->decision);
}

static int
explain(struct explaining *x)
{
	bool ok;
	int fd;

	if (!cli_load(x->cli) || !make_message(x))
		return CLI_FAILED;
	fd = cli_connect(x->cli, SERVICE_VERIFIER);
	if (fd < 0)
		return CLI_DOWN;
	if (x->client.family != 0)
		find_name(x);
	ok = (x->e.to == NULL || ask_recipient(x)) && (x->e.client == NULL || ask_spf(x, fd)) &&
	     ask_verify(x, fd);
	close(fd);
	if (!ok)
		return CLI_DOWN;
	decide(x);
	if (x->json)
		explain_print_json(&x->e);
	else
		explain_print_text(&x->e);
	return CLI_OK;
}

/* ---- the command ---- */

/* Of MAIL FROM or RCPT TO, with <> or without. */
static bool
take_path(const char **out, struct arena *a, const char *text)
{
	struct bytes b = bytes_from_str(text);

	if (b.n >= 2 && b.p[0] == '<' && b.p[b.n - 1] == '>')
		b = bytes_make(b.p + 1, b.n - 2);
	for (size_t i = 0; i < b.n; i++)
		if (b.p[i] <= 0x20 || b.p[i] == 0x7f || b.p[i] == '<' || b.p[i] == '>')
			return false;
	*out = arena_str(a, b);
	return b.n <= MAILAUTH_PATH_MAX;
}

static bool
take_words(struct explaining *x, int argc, char *argv[])
{
	bool ok = true;

	for (int i = 1; i < argc && ok; i++) {
		const bool more = i + 1 < argc;

		if (strcmp(argv[i], "--json") == 0) {
			x->json = true;
		} else if (strcmp(argv[i], "--from") == 0 && more) {
			ok = take_path(&x->e.mail_from, &x->a, argv[++i]);
			x->has_from = true;
		} else if (strcmp(argv[i], "--to") == 0 && more) {
			ok = take_path(&x->e.to, &x->a, argv[++i]);
		} else if (strcmp(argv[i], "--helo") == 0 && more) {
			x->e.helo = argv[++i];
		} else if (strcmp(argv[i], "--ip") == 0 && more) {
			ok = ip_block_parse(bytes_from_str(argv[++i]), &x->client) == ERR_OK &&
			     x->client.prefix == (x->client.family == 4 ? 32 : 128);
		} else if (x->file == NULL && (argv[i][0] != '-' || argv[i][1] == 0)) {
			x->file = argv[i];
		} else {
			ok = false;
		}
		if (!ok)
			fprintf(stderr, "relais explain: %s\n", argv[i]);
	}
	return ok && (x->file != NULL || (x->client.family != 0 && x->e.mail_from[0] != 0));
}

int
cmd_explain(struct cli *cli, int argc, char *argv[])
{
	static struct explaining x;
	int status;

	x = (struct explaining){ .cli = cli, .e = { .helo = "", .mail_from = "" } };
	status = take_words(&x, argc, argv) ? explain(&x) : cli_usage(explain_usage, NULL);
	buf_free(&x.content);
	buf_free(&x.packet.data);
	arena_reset(&x.a);
	return status;
}
