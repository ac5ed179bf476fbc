/* SPDX-License-Identifier: ISC */
/* lib/conf/check_mail.c - how mail leaves, what is verified, and the database. */
#include "check_private.h"
#include "common_conf.h"
#include "directory_conf.h"
#include "err.h"
#include "mailauth_conf.h"
#include "next_hop.h"
#include "resolver_conf.h"
#include "smtp_client_conf.h"

/* Mail for all others would come back here. */
static bool
is_us(const struct common_conf *common, struct bytes host)
{
	if (bytes_equal_nocase(host, bytes_from_str(common->hostname)))
		return true;
	for (size_t i = 0; i < common->domain.n; i++)
		if (bytes_equal_nocase(host, bytes_from_str(common->domain.v[i])))
			return true;
	return false;
}

static void
check_relay(struct conf_findings *f, const struct next_hop_alternative *a)
{
	const struct common_conf *common = conf_values(f->conf, "");
	const int n = (int)a->host.n;
	const char *host = (const char *)a->host.p;

	if (a->kind != NEXT_HOP_UNIX && is_us(common, a->host) && (a->port == 0 || a->port == 25))
		conf_find(f, CONF_ERROR, "smarthost", "name another host, or leave it empty",
			"%.*s is this host itself: mail would go round in circles", n, host);
	else if (a->protocol == NEXT_HOP_SMTP && a->port == NEXT_HOP_SMTPS_PORT)
		conf_find(f, CONF_WARNING, "smarthost",
			arena_printf(&f->arena, "write \"smtps:[%.*s]\"", n, host),
			"at port 465 TLS begins with the connection, which \"smtp\" does not do");
	else if (a->kind == NEXT_HOP_MX && a->port != 0 && a->port != 25)
		conf_find(f, CONF_WARNING, "smarthost",
			arena_printf(&f->arena, "if the host itself is meant write \"[%.*s]:%u\"",
				n, host, a->port),
			"without brackets the MX hosts of %.*s are asked at port %u", n, host,
			a->port);
}

void
check_smarthost(struct conf_findings *f)
{
	const struct common_conf *common = conf_values(f->conf, "");
	struct next_hop h;
	const char *why = "";

	if (common->smarthost[0] == 0)
		return;
	if (next_hop_parse(bytes_from_str(common->smarthost), &h, &why) < 0) {
		conf_find(f, CONF_ERROR, "smarthost", "write it as \"[relay.example.net]:587\"",
			"\"%s\": %s", common->smarthost, why);
		return;
	}
	if (h.is_error)
		conf_find(f, CONF_WARNING, "smarthost", "name a host, or leave it empty",
			"no mail leaves: all of it gets that error");
	for (unsigned i = 0; i < h.count; i++)
		check_relay(f, &h.alternatives[i]);
}

void
check_outbound(struct conf_findings *f)
{
	const struct smtp_client_conf *client = conf_values(f->conf, "smtp_client");
	const struct resolver_conf *resolver = conf_values(f->conf, "resolver");

	if (strcmp(client->source_ipv4, "none") == 0 && strcmp(client->source_ipv6, "none") == 0)
		conf_find(f, CONF_ERROR, "smtp_client.source_ipv4", "leave one of them empty",
			"source_ipv6 is none too: no mail leaves");
	if (strcmp(client->tls, "dane-only") == 0 && resolver->trust_anchor[0] == 0)
		conf_find(f, CONF_ERROR, "smtp_client.tls",
			"set resolver.trust_anchor, as to /usr/share/dns/root.key",
			"no mail leaves: without a trust anchor nothing in the DNS is proven");
	if (strcmp(client->tls, "verify") == 0 && client->tls_ca.n == 0)
		conf_find(f, CONF_ERROR, "smtp_client.tls_ca",
			"set it to /etc/ssl/certs/ca-certificates.crt",
			"no mail leaves: smtp_client.tls is verify, and nobody is trusted");
}

void
check_database(struct conf_findings *f)
{
	const struct directory_conf *d = conf_values(f->conf, "directory");

	if (d->postgresql[0] == 0)
		return;
	if (d->postgresql_domains[0] == 0 && d->postgresql_accounts[0] == 0 &&
		d->postgresql_aliases[0] == 0 && d->postgresql_transport[0] == 0 &&
		d->postgresql_sender_transport[0] == 0 && d->postgresql_tls_policy[0] == 0)
		conf_find(f, CONF_WARNING, "directory.postgresql", "write one, or remove this",
			"nothing is asked of the database: every query is empty");
	if (strstr(d->postgresql, "password=") != NULL)
		conf_find(f, CONF_WARNING, "directory.postgresql",
			"put it into a file of its own: directory.postgresql_password_file",
			"the database's password is here for all who read or print this file");
}
