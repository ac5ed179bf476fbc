/* SPDX-License-Identifier: ISC */
/*
 * cli/config_check_online.c - relais config check --online: do name servers and the database
 * answer? One question each, and a few seconds of patience.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <netdb.h>
#include <sys/socket.h>

#include "config_check.h"
#include "directory_conf.h"
#include "err.h"
#include "forwarders.h"
#include "map_postgresql.h"
#include "resolver_conf.h"
#include "sys.h"

#define ANSWER_MS 3000

/* ---- name servers ---- */

/* A question for the root's NS records; anything that comes back with its number will do. */
static bool
answers(const char *server)
{
	static const uint8_t question[] = { 0x52, 0x4c, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0,
		1 };
	const struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
		.ai_socktype = SOCK_DGRAM };
	struct bytes rest = bytes_from_str(server), host = bytes_cut(&rest, '@');
	char address[256], port[8];
	struct addrinfo *ai;
	struct pollfd p = { .fd = -1, .events = POLLIN };
	uint8_t answer[512];
	bool yes = false;

	if (getaddrinfo(bytes_to_str(host, address, sizeof(address)),
		    bytes_to_str(rest, port, sizeof(port)), &hints, &ai) != 0)
		return false;
	p.fd = socket(ai->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (p.fd >= 0 && connect(p.fd, ai->ai_addr, ai->ai_addrlen) == 0 &&
		send(p.fd, question, sizeof(question), 0) == (ssize_t)sizeof(question) &&
		poll(&p, 1, ANSWER_MS) == 1)
		yes = recv(p.fd, answer, sizeof(answer), 0) >= 12 &&
		      memcmp(answer, question, 2) == 0;
	if (p.fd >= 0)
		close(p.fd);
	freeaddrinfo(ai);
	return yes;
}

static void
read_system_file(struct buf *text)
{
	FILE *f = fopen(RESOLVER_SYSTEM_FILE, "re");

	if (f == NULL)
		return;
	buf_added(text, fread(buf_room(text, 65536), 1, 65536, f));
	fclose(f);
}

static void
get_forwarders(struct config_check *k, struct forwarders *out)
{
	const struct resolver_conf *resolver = conf_values(&k->cli->conf, "resolver");
	struct buf text = BUF_INIT;

	read_system_file(&text);
	forwarders_of(&resolver->forwarders, buf_bytes(&text), &k->found->arena, out);
	buf_free(&text);
}

static void
find_forwarders(struct config_check *k)
{
	struct forwarders f;

	get_forwarders(k, &f);
	if (f.bad != NULL)
		conf_find(k->found, CONF_ERROR, "resolver.forwarders",
			"write addresses, as 192.0.2.53 or [2001:db8::53]:53, or system, or none",
			"\"%s\" is no address of a name server", f.bad);
	if (f.cut)
		conf_find(k->found, CONF_WARNING, "resolver.forwarders", "remove some of them",
			"only the first %d name servers are asked", FORWARDERS_MAX);
}

static void
find_answers(struct config_check *k)
{
	struct forwarders f;
	size_t silent = 0;

	get_forwarders(k, &f);
	for (size_t i = 0; i < f.n; i++)
		if (!answers(f.v[i])) {
			silent++;
			conf_find(k->found, CONF_WARNING, "resolver.forwarders",
				"see whether it is there, and whether a firewall is between",
				"name server %s does not answer", f.v[i]);
		}
	if (f.n > 0 && silent == f.n)
		conf_find(k->found, CONF_ERROR, "resolver.forwarders",
			"name one that answers, or none: then the root servers are asked",
			"no name server answers: no mail can leave");
}

/* ---- the database ---- */

static void
find_database(struct config_check *k)
{
	const struct directory_conf *d = conf_values(&k->cli->conf, "directory");
	struct buf why = BUF_INIT;
	char *conninfo;
	struct pg *pg;

	if (d->postgresql[0] == 0)
		return;
	conninfo = pg_prepare_conninfo(d->postgresql,
		d->postgresql_password_file[0] != 0 ? d->postgresql_password_file : NULL, NULL,
		&why);
	if (conninfo == NULL) {
		conf_find(k->found, CONF_ERROR, "directory.postgresql",
			"see docs/postgresql.md for its form", "%s", buf_str(&why));
		buf_free(&why);
		return;
	}
	pg = pg_new(&(struct pg_options){ .conninfo = conninfo,
		.connect_timeout_ms = (unsigned)d->postgresql_connect_timeout,
		.query_timeout_ms = (unsigned)d->postgresql_timeout });
	if (d->postgresql_domains[0] != 0) {
		struct map m = map_open_postgresql(pg, TABLE_DOMAINS, d->postgresql_domains);
		struct arena a = ARENA_INIT;
		struct bytes value;

		if (map_get(&m, &a, BYTES_LITERAL("relais-config-check.invalid"), &value) == ERR_IO)
			conf_find(k->found, CONF_ERROR, "directory.postgresql",
				"see whether the server runs and lets this host in (pg_hba.conf)",
				"the database does not answer: %s", pg_take_error(pg));
		map_close(&m);
		arena_reset(&a);
	}
	pg_free(&pg);
	free(conninfo);
	buf_free(&why);
}

const struct config_check_row config_check_online[] = {
	{ "forwarders", find_forwarders, false, "forwarders are addresses" },
	{ "name-servers", find_answers, true, "name servers answer" },
	{ "database-answers", find_database, true, "the database answers" },
	{ NULL, NULL, false, NULL },
};
