/* SPDX-License-Identifier: ISC */
/*
 * cli/import/postfix_routes.c - how Postfix sends mail on: relayhost and the maps of transports,
 * senders' relays, logins and TLS policies, as our option smarthost and tables.
 */
#include <arpa/inet.h>
#include <netdb.h>
#include <string.h>

#include "err.h"
#include "postfix.h"

/* ---- next hops ---- */

/* An IPv4 address stands in brackets here. */
static void
put_host(struct buf *out, struct bytes host)
{
	char text[INET_ADDRSTRLEN];
	struct in_addr address;
	bool is_address = host.n < sizeof(text) &&
			  inet_pton(AF_INET, bytes_to_str(host, text, sizeof(text)), &address) == 1;

	buf_printf(out, is_address ? "[%.*s]" : "%.*s", (int)host.n, (const char *)host.p);
}

/* "[relay.example]:submission": ports are numbers here. false: no such service. */
static bool
put_place(struct buf *out, struct bytes hop)
{
	size_t close = bytes_find(hop, ']'), colon = bytes_find_last(hop, ':');
	struct bytes port = bytes_skip(hop, colon + 1);
	const struct servent *service;
	char name[64];

	if (bytes_starts_with(hop, BYTES_LITERAL("inet:")))
		return put_place(out, bytes_skip(hop, strlen("inet:")));
	/* a colon within brackets is of an IPv6 address */
	if (colon == BYTES_NOT_FOUND || (close != BYTES_NOT_FOUND && colon < close)) {
		put_host(out, hop);
		return true;
	}
	put_host(out, bytes_head(hop, colon));
	if (port.n > 0 && ascii_is_digit(port.p[0])) {
		buf_printf(out, ":%.*s", (int)port.n, (const char *)port.p);
		return true;
	}
	service = getservbyname(bytes_to_str(port, name, sizeof(name)), "tcp");
	if (service != NULL)
		buf_printf(out, ":%u", ntohs((uint16_t)service->s_port));
	return service != NULL;
}

/* Hops parted by commas, each by SMTP, or behind one transport's name. */
static bool
put_hops(struct postfix *p, const struct import_place *place, const char *protocol,
	struct bytes list, struct buf *out)
{
	struct bytes hop;

	while (import_word(&list, &hop)) {
		if (out->len > 0)
			buf_put_str(out, ", ");
		buf_put_str(out, protocol);
		if (put_place(out, hop))
			continue;
		import_tell(p->im, place, IMPORT_BY_HAND, "%.*s: its port's name is not known",
			(int)hop.n, (const char *)hop.p);
		return false;
	}
	return true;
}

void
take_relayhost(struct postfix *p, const struct postfix_row *row, const struct import_place *place,
	struct bytes value)
{
	struct buf hops = BUF_INIT;

	UNUSED(row);
	if (value.n == 0)
		import_tell(p->im, place, IMPORT_NEEDLESS, "empty: mail goes to the MX hosts");
	else if (put_hops(p, place, "", value, &hops))
		import_set(p->im, place, "", "smarthost", buf_bytes(&hops));
	buf_free(&hops);
}

static bool
sender_line(struct postfix *p, const struct import_place *place, struct bytes key,
	struct bytes value, const void *arg)
{
	struct buf hops = BUF_INIT;
	bool ok = false;

	UNUSED(arg);
	if (bytes_is(value, "DUNNO"))
		import_tell(p->im, place, IMPORT_NEEDLESS, "DUNNO: as without a line");
	else
		ok = put_hops(p, place, "", value, &hops) &&
		     import_put(p->im, place, TABLE_SENDER_TRANSPORT, key, buf_bytes(&hops));
	buf_free(&hops);
	return ok;
}

void
take_sender_relayhost_maps(struct postfix *p, const struct postfix_row *row,
	const struct import_place *place, struct bytes value)
{
	UNUSED(row);
	(void)postfix_each_line(p, place, value, sender_line, NULL);
}

/* ---- transport(5) ---- */

struct transport_kind {
	const char *name;
	const char *protocol; /* put in front of each hop; NULL: words are told */
	enum import_verdict verdict;
	const char *words;
};

static const struct transport_kind transport_kinds[] = {
	{ "smtp", "", IMPORT_TAKEN, NULL },
	{ "relay", "", IMPORT_TAKEN, NULL },
	{ "", "", IMPORT_TAKEN, NULL },
	{ "lmtp", "lmtp:", IMPORT_TAKEN, NULL },
	{ "local", NULL, IMPORT_NEEDLESS, "delivered here if its domain is local" },
	{ "virtual", NULL, IMPORT_NEEDLESS, "delivered here if its domain is local" },
	{ "dovecot", NULL, IMPORT_NEEDLESS, "delivered here if its domain is local" },
	{ "discard", NULL, IMPORT_BY_HAND,
		"nothing is thrown away silently here: error: refuses, an alias to /dev/null in "
		"directory.alias_file takes and forgets" },
	{ "retry", NULL, IMPORT_BY_HAND, "relais queue hold, or \"error:4.0.0 TEXT\"" },
};

/* "error:mailbox is closed", "error:5.1.6 moved" */
static bool
put_error(struct postfix *p, const struct import_place *place, struct bytes key, struct bytes text)
{
	struct buf value = BUF_INIT;
	bool ok;

	buf_printf(&value, "error:%.*s", (int)text.n, (const char *)text.p);
	ok = import_put(p->im, place, TABLE_TRANSPORT, key, buf_bytes(&value));
	buf_free(&value);
	return ok;
}

static bool
put_transport(struct postfix *p, const struct import_place *place, struct bytes key,
	const struct transport_kind *kind, struct bytes hops)
{
	struct buf value = BUF_INIT;
	bool ok = false;

	if (hops.n == 0 && kind->name[0] == 0) /* ":" */
		import_tell(p->im, place, IMPORT_NEEDLESS, "as without a line");
	else if (bytes_starts_with(hops, BYTES_LITERAL("unix:")))
		import_tell(p->im, place, IMPORT_BY_HAND,
			"the LMTP server's socket must be in RUN/outbound: \"lmtp:unix:NAME\"");
	else {
		if (hops.n == 0)
			buf_put_str(&value, "smtp:");
		ok = put_hops(p, place, kind->protocol, hops, &value) &&
		     import_put(p->im, place, TABLE_TRANSPORT, key, buf_bytes(&value));
	}
	buf_free(&value);
	return ok;
}

static bool
transport_line(struct postfix *p, const struct import_place *place, struct bytes key,
	struct bytes value, const void *arg)
{
	struct bytes hops = value, name = bytes_cut(&hops, ':');

	UNUSED(arg);
	if (bytes_is(name, "error"))
		return put_error(p, place, key, hops);
	for (size_t i = 0; i < NITEMS(transport_kinds); i++) {
		const struct transport_kind *kind = &transport_kinds[i];

		if (!bytes_is(name, kind->name))
			continue;
		if (kind->protocol != NULL)
			return put_transport(p, place, key, kind, hops);
		import_tell(p->im, place, kind->verdict, "%s: %s", kind->name, kind->words);
		return false;
	}
	import_tell(p->im, place, IMPORT_BY_HAND,
		"%.*s is a transport of master.cf, which has no counterpart here", (int)name.n,
		(const char *)name.p);
	return false;
}

void
take_transport_maps(struct postfix *p, const struct postfix_row *row,
	const struct import_place *place, struct bytes value)
{
	UNUSED(row);
	(void)postfix_each_line(p, place, value, transport_line, NULL);
}

/* ---- logins ---- */

static bool
password_line(struct postfix *p, const struct import_place *place, struct bytes key,
	struct bytes value, const void *arg)
{
	struct buf written = BUF_INIT;
	bool ok = false;

	UNUSED(arg);
	if (put_place(&written, key))
		ok = import_put(p->im, place, TABLE_RELAY_CREDENTIALS, buf_bytes(&written), value);
	else
		import_tell(p->im, place, IMPORT_BY_HAND, "its port's name is not known");
	buf_free(&written);
	return ok;
}

void
take_passwords(struct postfix *p, const struct postfix_row *row, const struct import_place *place,
	struct bytes value)
{
	UNUSED(row);
	(void)postfix_each_line(p, place, value, password_line, NULL);
}

/* ---- TLS ---- */

static const struct {
	const char *theirs, *ours; /* NULL: none */
	bool nexthop;              /* the name asked for, and those below it */
} levels[] = {
	{ "none", "none", false },
	{ "may", "may", false },
	{ "encrypt", "encrypt", false },
	{ "dane", "dane", false },
	{ "dane-only", "dane-only", false },
	{ "verify", "verify", false },
	{ "secure", "verify", true },
	{ "fingerprint", NULL, false },
};

/* The row's number, or -1. */
static int
level_of(struct bytes word)
{
	for (size_t i = 0; i < NITEMS(levels); i++)
		if (bytes_is(word, levels[i].theirs) && levels[i].ours != NULL)
			return (int)i;
	return -1;
}

void
take_tls_level(struct postfix *p, const struct postfix_row *row, const struct import_place *place,
	struct bytes value)
{
	int level = level_of(value);

	if (value.n == 0)
		import_tell(p->im, place, IMPORT_NEEDLESS, "empty");
	else if (level < 0)
		import_tell(p->im, place, IMPORT_BY_HAND,
			"%.*s: the levels are none, may, encrypt, verify, dane, dane-only",
			(int)value.n, (const char *)value.p);
	else
		import_set(p->im, place, row->section, row->option,
			bytes_from_str(levels[level].ours));
}

/* "match=nexthop:dot-nexthop:.example.net" as " name=..."; false: a word that has no meaning here
 */
static bool
put_names(struct buf *out, struct bytes key, struct bytes list)
{
	while (list.n > 0) {
		struct bytes name = bytes_cut(&list, ':');

		if (bytes_is(name, "nexthop"))
			continue; /* always good */
		if (bytes_is(name, "hostname"))
			return false; /* of an MX host: whatever DNS says */
		buf_put_str(out, " name=");
		if (bytes_is(name, "dot-nexthop"))
			buf_printf(out, ".%.*s", (int)key.n, (const char *)key.p);
		else
			buf_put_bytes(out, name);
	}
	return true;
}

static bool
policy_line(struct postfix *p, const struct import_place *place, struct bytes key,
	struct bytes value, const void *arg)
{
	struct bytes word, host = key;
	struct buf line = BUF_INIT;
	bool ok, match = false;
	int level;

	UNUSED(arg);
	ok = import_word(&value, &word) && (level = level_of(word)) >= 0;
	if (host.n > 2 && host.p[0] == '[')
		host = bytes_head(bytes_skip(host, 1), bytes_find(host, ']') - 1);
	if (ok)
		buf_put_str(&line, levels[level].ours);
	while (ok && import_word(&value, &word)) {
		ok = bytes_starts_with(word, BYTES_LITERAL("match=")) &&
		     put_names(&line, host, bytes_skip(word, strlen("match=")));
		match = true;
	}
	if (!ok)
		import_tell(p->im, place, IMPORT_BY_HAND,
			"%.*s: has no counterpart; levels are none, may, encrypt, verify "
			"[name=NAME], dane, dane-only",
			(int)word.n, (const char *)word.p);
	else if (levels[level].nexthop && !match)
		ok = put_names(&line, host, BYTES_LITERAL("dot-nexthop"));
	ok = ok && import_put(p->im, place, TABLE_TLS_POLICY, key, buf_bytes(&line));
	buf_free(&line);
	return ok;
}

void
take_tls_policies(struct postfix *p, const struct postfix_row *row,
	const struct import_place *place, struct bytes value)
{
	UNUSED(row);
	(void)postfix_each_line(p, place, value, policy_line, NULL);
}

/* ---- where it listens, by what it sends ---- */

void
take_inet_interfaces(struct postfix *p, const struct postfix_row *row,
	const struct import_place *place, struct bytes value)
{
	struct buf list = BUF_INIT;
	struct bytes word;

	UNUSED(row);
	if (bytes_is(value, "all")) {
		import_tell(p->im, place, IMPORT_NEEDLESS, "all is the default");
		return;
	}
	if (bytes_is(value, "loopback-only"))
		value = BYTES_LITERAL("127.0.0.1 ::1");
	while (import_word(&value, &word)) {
		bool v6 = bytes_find(word, ':') != BYTES_NOT_FOUND && word.p[0] != '[';

		if (bytes_is(word, "localhost"))
			word = BYTES_LITERAL("127.0.0.1");
		buf_printf(&list, v6 ? "%s[%.*s]:25" : "%s%.*s:25", list.len > 0 ? ", " : "",
			(int)word.n, (const char *)word.p);
	}
	if (import_set(p->im, place, "smtpd", "listen", buf_bytes(&list)))
		import_tell(p->im, place, IMPORT_BY_HAND,
			"submission, imapd and pop3d have a listen and listen_tls of their own");
	buf_free(&list);
}

void
take_inet_protocols(struct postfix *p, const struct postfix_row *row,
	const struct import_place *place, struct bytes value)
{
	bool v4 = bytes_search(value, BYTES_LITERAL("ipv4")) != BYTES_NOT_FOUND;
	bool v6 = bytes_search(value, BYTES_LITERAL("ipv6")) != BYTES_NOT_FOUND;

	UNUSED(row);
	if (v4 == v6)
		import_tell(p->im, place, IMPORT_NEEDLESS, "both are the default");
	else
		import_set(p->im, place, "smtp_client", v4 ? "source_ipv6" : "source_ipv4",
			BYTES_LITERAL("none"));
}
