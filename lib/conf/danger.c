/* SPDX-License-Identifier: ISC */
/*
 * lib/conf/danger.c - what makes a server a relay for strangers, or lets passwords and mail travel
 * without TLS: one row for each, with a measure.
 *
 * The same rows are told at a start (what is dangerous), by `relais config check` (the same), and
 * keep a reload from taking a change that makes one of them larger.
 */
#include <stdio.h>

#include "check_private.h"
#include "common_conf.h"
#include "directory_conf.h"
#include "imapd_conf.h"
#include "ip_block.h"
#include "ledger_conf.h"
#include "listen.h"
#include "mailauth_conf.h"
#include "pop3d_conf.h"
#include "qmgr_conf.h"
#include "resolver_conf.h"
#include "smtp_client_conf.h"
#include "submission_conf.h"
#include "tls_conf.h"

#define NEVER 1000 /* no level is so high: a change is dangerous, the state may be meant */

static bool
is_reachable(const struct conf_list *doors)
{
	struct listen_address a;

	for (size_t i = 0; i < doors->n; i++)
		if (listen_parse(bytes_from_str(doors->v[i]), &a) == 0 && !listen_is_loopback(&a))
			return true;
	return false;
}

/* Passwords without TLS: 1 on this machine only, 2 from elsewhere. */
static unsigned
plaintext_auth(const struct conf *c, const char *option)
{
	const struct common_conf *common = conf_values(c, "");
	const struct smtpd_conf *submission = conf_values(c, "submission");
	const struct imapd_conf *imapd = conf_values(c, "imapd");
	const struct pop3d_conf *pop3d = conf_values(c, "pop3d");

	if (strcmp(common->plaintext_auth, "always") != 0)
		return 0;
	return is_reachable(&submission->listen) || is_reachable(&imapd->listen) ||
			       is_reachable(&pop3d->listen)
		       ? 2
		       : 1;
}

/* A door whose users lose the port on which TLS begins at once. */
static unsigned
without_tls(const struct conf *c, const char *option)
{
	const struct conf_list *with = conf_option_value(c, option);
	char other[64];

	snprintf(other, sizeof(other), "%.*s", (int)(strlen(option) - strlen("_tls")), option);
	return with->n == 0 && is_reachable(conf_option_value(c, other));
}

/* 1: only one that we signed ourselves; 2: none. */
static unsigned
certificate(const struct conf *c, const char *option)
{
	const struct tls_conf *tls = conf_values(c, "tls");

	if (tls->certificate[0] != 0 || tls->certificates.n > 0)
		return 0;
	return tls->self_signed ? 1 : 2;
}

static unsigned
outbound_tls(const struct conf *c, const char *option)
{
	static const struct {
		const char *word;
		unsigned level;
	} levels[] = { { "none", 3 }, { "may", 2 }, { "dane", 1 }, { "encrypt", 1 } };
	const struct smtp_client_conf *client = conf_values(c, "smtp_client");

	for (size_t i = 0; i < NITEMS(levels); i++)
		if (strcmp(client->tls, levels[i].word) == 0)
			return levels[i].level;
	return 0; /* verify, dane-only */
}

static unsigned
dnssec(const struct conf *c, const char *option)
{
	const struct resolver_conf *r = conf_values(c, "resolver");

	for (size_t i = 0; i < r->insecure_domains.n; i++)
		if (strcmp(r->insecure_domains.v[i], ".") == 0)
			return 1;
	return r->trust_anchor[0] == 0;
}

/* Networks of our own use (RFC 1918, 4193, loopback, link-local) may be as wide as they are. */
static bool
is_own_use(const struct ip_block *b)
{
	static const struct ip_block own[] = { { 4, 8, { 127 } }, { 4, 8, { 10 } },
		{ 4, 12, { 172, 16 } }, { 4, 16, { 192, 168 } }, { 4, 10, { 100, 64 } },
		{ 4, 16, { 169, 254 } }, { 6, 128, { [15] = 1 } }, { 6, 7, { 0xfc } },
		{ 6, 10, { 0xfe, 0x80 } } };

	for (size_t i = 0; i < NITEMS(own); i++)
		if (ip_block_contains(&own[i], b))
			return true;
	return false;
}

/* How many /16, or IPv6 /32, are in those that are larger; so one more of them is told, too. */
static unsigned
width(const struct conf *c, const char *option)
{
	const struct conf_list *networks = conf_option_value(c, option);
	uint64_t sum = 0;
	struct ip_block b;

	for (size_t i = 0; i < networks->n; i++) {
		unsigned common;

		if (ip_block_parse(bytes_from_str(networks->v[i]), &b) < 0 || is_own_use(&b))
			continue;
		common = b.family == 4 ? 16 : 32;
		if (b.prefix < common)
			sum += (uint64_t)1 << (common - b.prefix);
	}
	return sum < UINT32_MAX ? (unsigned)sum : UINT32_MAX;
}

static unsigned
trusted_users(const struct conf *c, const char *option)
{
	const struct directory_conf *d = conf_values(c, "directory");

	return (unsigned)d->trusted_users.n;
}

static unsigned
send_limits(const struct conf *c, const char *option)
{
	const struct ledger_conf *l = conf_values(c, "ledger");

	return l->send_messages == 0 && l->send_recipients == 0;
}

static unsigned
backscatter(const struct conf *c, const char *option)
{
	const struct qmgr_conf *q = conf_values(c, "qmgr");

	return q->bounce_to_strangers;
}

/* The database is on another host, and TLS may be left out. */
static unsigned
database_tls(const struct conf *c, const char *option)
{
	static const char *const open[] = { "sslmode=disable", "sslmode=allow", "sslmode=prefer" };
	const struct directory_conf *d = conf_values(c, "directory");
	const char *host = strstr(d->postgresql, "host=");

	if (host == NULL || host[5] == '/' || strncmp(host + 5, "127.", 4) == 0 ||
		strncmp(host + 5, "::1", 3) == 0 || strncmp(host + 5, "localhost", 9) == 0)
		return 0;
	for (size_t i = 0; i < NITEMS(open); i++)
		if (strstr(d->postgresql, open[i]) != NULL)
			return 1;
	return 0;
}

const struct conf_danger conf_dangers[] = {
	{ "plaintext-auth", "plaintext_auth", plaintext_auth, 2,
		"passwords travel without TLS, for all on their way to read and to send mail with",
		"set it to never, or to loopback" },
	{ "submission-tls", "submission.listen_tls", without_tls, NEVER,
		"submission has no port where TLS begins with the connection: clients set up for "
		"465 have none, or go on without",
		"set it to *:465" },
	{ "imap-tls", "imapd.listen_tls", without_tls, NEVER,
		"IMAP has no port where TLS begins with the connection: clients set up for 993 "
		"have none, or go on without",
		"set it to *:993" },
	{ "pop3-tls", "pop3d.listen_tls", without_tls, NEVER,
		"POP3 has no port where TLS begins with the connection: clients set up for 995 "
		"have none, or go on without",
		"set it to *:995" },
	{ "certificate", "tls.self_signed", certificate, 2,
		"the doors have no certificate that others signed",
		"set tls.certificate and tls.key, or tls.certificates, or self_signed = yes" },
	{ "outbound-tls", "smtp_client.tls", outbound_tls, 3,
		"mail to other hosts travels with less protection, for all on its way to read",
		"set it to dane" },
	{ "dnssec", "resolver.trust_anchor", dnssec, 1,
		"nothing in the DNS is proven, and so no certificate of a host by DANE",
		"set it to /usr/share/dns/root.key, and name only zones of your own in "
		"insecure_domains" },
	{ "trusted-networks", "mailauth.trusted_networks", width, 1,
		"mail from a large part of the world is not verified: anybody there may pretend to "
		"be anybody",
		"name only networks of hosts of your own" },
	{ "trusted-forwarders", "mailauth.trusted_forwarders", width, 1,
		"forged mail from a large part of the world is not refused",
		"name only the hosts that forward to you" },
	{ "ban-exempt", "ledger.ban_exempt", width, 1,
		"passwords may be guessed without end from a large part of the world, and then "
		"mail be sent",
		"name only networks of your own" },
	{ "trusted-users", "directory.trusted_users", trusted_users, NEVER,
		"more local users may send mail as anybody, and without limits",
		"name only users of services that you trust so far" },
	{ "send-limits", "ledger.send_messages", send_limits, NEVER,
		"an account whose password was guessed may send without end",
		"set a number that no user of yours needs" },
	{ "backscatter", "qmgr.bounce_to_strangers", backscatter, 1,
		"reports go to people whose names others forged, and this host onto block lists",
		"set it to no" },
	{ "database-tls", "directory.postgresql", database_tls, 1,
		"passwords' records and addresses travel from the database without TLS",
		"write sslmode=verify-full" },
};

const size_t nconf_dangers = NITEMS(conf_dangers);

void
check_dangers(struct conf_findings *f)
{
	for (size_t i = 0; i < NITEMS(conf_dangers); i++) {
		const struct conf_danger *d = &conf_dangers[i];

		if (d->level(f->conf, d->option) >= d->alarm)
			conf_find(f, CONF_WARNING, d->option, d->cure, "%s", d->text);
	}
}

unsigned
conf_find_new_dangers(struct conf_findings *of_fresh, const struct conf *running)
{
	unsigned n = 0;

	of_fresh->check = "danger";
	of_fresh->blocks = true;
	for (size_t i = 0; i < NITEMS(conf_dangers); i++) {
		const struct conf_danger *d = &conf_dangers[i];

		if (d->level(of_fresh->conf, d->option) <= d->level(running, d->option))
			continue;
		conf_find(of_fresh, CONF_ERROR, d->option, d->cure, "%s", d->text);
		n++;
	}
	return n;
}
