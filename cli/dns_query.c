/* SPDX-License-Identifier: ISC */
/* cli/dns_query.c - relais dns query: ask the suite's own resolver, as the daemons do. */
#include <arpa/inet.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dns.h"
#include "printed.h"

/* The name to ask for: an address with PTR is its reverse name. */
static const char *
query_name(uint16_t type, const char *name, char reverse[DNS_REVERSE_SIZE])
{
	uint8_t octets[16];

	if (type != DNS_TYPE_PTR)
		return name;
	if (inet_pton(AF_INET, name, octets) == 1)
		dns_reverse_name(octets, 4, reverse);
	else if (inet_pton(AF_INET6, name, octets) == 1)
		dns_reverse_name(octets, 16, reverse);
	else
		return name;
	return reverse;
}

int
dns_ask_resolver(struct cli *cli, int fd, enum dns_message how, const struct dns_query *m,
	struct dns_answer *answer)
{
	struct buf body = BUF_INIT;
	struct ipc_frame frame;
	struct ipc_reader in;
	int r;

	dns_query_encode(&body, m);
	r = cli_ask(cli, fd, (uint16_t)how, buf_bytes(&body), &frame);
	buf_free(&body);
	if (r < 0)
		return CLI_DOWN;
	in = ipc_reader(frame.body);
	if (frame.type == DNS_ANSWER && dns_answer_decode(&in, answer) == ERR_OK)
		return CLI_OK;
	fprintf(stderr, "resolver: its answer is not understood\n");
	return CLI_FAILED;
}

static int
ask(struct cli *cli, enum dns_message how, const struct dns_query *m, struct dns_answer *answer)
{
	int fd = cli_connect(cli, SERVICE_RESOLVER), r;

	if (fd < 0)
		return CLI_DOWN;
	r = dns_ask_resolver(cli, fd, how, m, answer);
	close(fd);
	return r;
}

static void
print_text(uint16_t type, const struct dns_answer *a)
{
	struct buf line = BUF_INIT;

	for (uint32_t i = 0; i < a->count; i++) {
		buf_clear(&line);
		buf_put_bytes(&line, a->canonical);
		buf_printf(&line, ". %u ", a->ttl);
		dns_type_put(&line, type);
		buf_put_u8(&line, ' ');
		dns_rdata_put_text(&line, type, a->rdata[i]);
		puts(buf_str(&line));
	}
	printf("; %s%s%s%.*s", dns_status_name(a->status), a->secure ? ", secure" : "",
		a->why.n > 0 ? ": " : "", (int)a->why.n, (const char *)a->why.p);
	if (a->status == DNS_NODATA || a->status == DNS_NXDOMAIN)
		printf(" (%.*s.)", (int)a->canonical.n, (const char *)a->canonical.p);
	if (a->cut)
		printf("; %u of %u records", a->count, a->total);
	putchar('\n');
	buf_free(&line);
}

static void
print_json(uint16_t type, const char *name, const struct dns_answer *a)
{
	struct buf text = BUF_INIT;
	json_t *records = json_array(), *root;

	for (uint32_t i = 0; i < a->count; i++) {
		buf_clear(&text);
		dns_rdata_put_text(&text, type, a->rdata[i]);
		json_array_append_new(records, json_string(buf_str(&text)));
	}
	buf_clear(&text);
	dns_type_put(&text, type);
	root = json_pack("{s:s, s:s, s:s, s:b, s:b, s:i, s:s%, s:s%, s:o}", "name", name, "type",
		buf_str(&text), "status", dns_status_name(a->status), "secure", a->secure, "cut",
		a->cut, "ttl", (int)a->ttl, "canonical",
		a->canonical.n > 0 ? (const char *)a->canonical.p : "", (int)a->canonical.n, "why",
		a->why.n > 0 ? (const char *)a->why.p : "", (int)a->why.n, "records", records);
	json_print(root);
	json_decref(root);
	buf_free(&text);
}

int
dns_query(struct cli *cli, int argc, char *argv[])
{
	enum dns_message how = DNS_QUERY;
	bool json = false;
	char reverse[DNS_REVERSE_SIZE];
	struct dns_answer answer;
	struct dns_query m = { .network = 0 };
	const char *name;
	int r;

	for (int i = 3; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0)
			json = true;
		else if (strcmp(argv[i], "--fresh") == 0)
			how = DNS_QUERY_FRESH;
		else
			return cli_usage(dns_usage, NULL);
	}
	if (argc < 3)
		return cli_usage(dns_usage, NULL);
	if (dns_type_parse(bytes_from_str(argv[1]), &m.type) < 0)
		return cli_usage(dns_usage, "relais dns: no such type");
	name = query_name(m.type, argv[2], reverse);
	m.name = bytes_from_str(name);
	if (m.name.n > DNS_QUERY_NAME_MAX)
		return cli_usage(dns_usage, "relais dns: the name is too long");
	r = ask(cli, how, &m, &answer);
	if (r != CLI_OK)
		return r;
	if (json)
		print_json(m.type, name, &answer);
	else
		print_text(m.type, &answer);
	if (dns_status_is_temporary(answer.status))
		return CLI_LATER;
	return answer.status == DNS_OK         ? CLI_OK
	       : answer.status == DNS_BAD_NAME ? CLI_USAGE
					       : CLI_FAILED;
}
