/* SPDX-License-Identifier: ISC */
/*
 * cli/dns/dns_check_names.c - hosts: MX, their addresses and the way back (PTR), TLSA, SRV.
 *
 * Runs in:  the operator's command.
 * Sources:  RFC 5321 sec. 5.1, RFC 7505, RFC 8601 sec. 2.7.3 (iprev), RFC 7672, RFC 6186.
 */
#include "dns_check.h"

/* ---- MX ---- */

static void
check_other_host(struct dns_checking *c, const char *host)
{
	struct ip_block addresses[DNS_ADDRESSES_MAX];
	bool secure, alias;
	int n = dns_ask_addresses(c, "MX", host, addresses, &secure, &alias);

	if (n == 0)
		dns_find(c, DNS_WRONG, "MX", host, "mend it, or take it out of the MX records",
			"it has no address");
	else if (n > 0 && alias)
		dns_find(c, DNS_WRONG, "MX", host,
			"an MX record must lead to a name with addresses",
			"it is an alias (CNAME)");
	else if (n > 0)
		dns_find(c, DNS_RIGHT, "MX", c->f->domain, "", "%s takes mail, too", host);
}

static void
check_mx(struct dns_checking *c)
{
	const struct dns_facts *f = c->f;
	const char *todo = dns_publish(c, dns_planned(c, "MX"));
	const struct dns_answer *answer = dns_ask(c, "MX", DNS_TYPE_MX, f->domain);
	const char *others[DNS_RECORDS_MAX];
	bool is_ours = false, is_null = false;
	size_t n = 0;

	if (answer == NULL)
		return;
	if (answer->status != DNS_OK) {
		dns_find(c, DNS_WRONG, "MX", f->domain, todo,
			answer->status == DNS_NXDOMAIN ? "the domain does not exist"
						       : "there is no MX record");
		return;
	}
	for (uint32_t i = 0; i < answer->count; i++) {
		struct dns_mx mx;

		if (dns_mx_read(answer->rdata[i], &mx) < 0)
			continue;
		if (mx.host[0] == 0)
			is_null = true;
		else if (strcmp(mx.host, f->hostname) == 0)
			is_ours = true;
		else
			others[n++] = arena_str(c->a, bytes_from_str(mx.host));
	}
	if (is_null)
		dns_find(c, DNS_WRONG, "MX", f->domain, todo,
			"a null MX says that the domain takes no mail");
	else if (!is_ours)
		dns_find(c, DNS_WRONG, "MX", f->domain, todo, "%s is none of its hosts",
			f->hostname);
	else
		dns_find(c, DNS_RIGHT, "MX", f->domain, "", "%s", f->hostname);
	for (size_t i = 0; i < n; i++)
		check_other_host(c, others[i]);
}

/* ---- addresses, and back ---- */

static bool
has_address(const struct ip_block *list, size_t n, const struct ip_block *b)
{
	for (size_t i = 0; i < n; i++)
		if (ip_block_equal(&list[i], b))
			return true;
	return false;
}

static void
check_addresses(struct dns_checking *c)
{
	const struct dns_facts *f = c->f;
	char text[IP_BLOCK_TEXT];
	bool alias;
	int n = dns_ask_addresses(c, "address", f->hostname, c->found, &c->host_secure, &alias);

	if (n < 0)
		return;
	c->n_found = (size_t)n;
	if (n == 0) {
		const struct dns_record *r = dns_planned(c, "address");

		dns_find(c, DNS_WRONG, "address", f->hostname,
			r != NULL ? dns_publish(c, r) : "publish its A and AAAA records",
			"it has no address");
	}
	if (alias)
		dns_find(c, DNS_WRONG, "address", f->hostname,
			"a host that takes mail needs a name of its own", "it is an alias (CNAME)");
	for (size_t i = 0; i < f->n_addresses; i++) {
		bool known = has_address(c->found, c->n_found, &f->addresses[i]);

		ip_block_text(&f->addresses[i], text);
		if (n > 0)
			dns_find(c, known ? DNS_RIGHT : DNS_HINT, "address", f->hostname,
				known ? "" : "publish it if mail comes to it or leaves from it",
				known ? "%s" : "%s is ours, and not among its addresses", text);
	}
}

/* The names that a PTR record gives: one of them must have the address. */
static void
check_way_back(struct dns_checking *c, const struct ip_block *b)
{
	const struct dns_facts *f = c->f;
	const char *todo = arena_printf(
		c->a, "let who gives you the address set its PTR record: %s.", f->hostname);
	const char *names[8], *confirmed = NULL;
	char text[IP_BLOCK_TEXT], reverse[DNS_REVERSE_SIZE], name[DNS_NAME_SIZE];
	const struct dns_answer *answer;
	size_t n = 0;

	ip_block_text(b, text);
	dns_reverse_name(b->addr, b->family == 4 ? 4 : 16, reverse);
	if ((answer = dns_ask(c, "PTR", DNS_TYPE_PTR, reverse)) == NULL)
		return;
	for (uint32_t i = 0; i < answer->count && n < NITEMS(names); i++)
		if (dns_name_rdata_read(answer->rdata[i], name) > 0)
			names[n++] = arena_str(c->a, bytes_from_str(name));
	if (n == 0) {
		dns_find(c, DNS_WRONG, "PTR", text, todo,
			"the address has no name: many hosts take no mail from it");
		return;
	}
	for (size_t i = 0; i < n; i++) {
		struct ip_block addresses[DNS_ADDRESSES_MAX];
		bool secure, alias;
		int k = dns_ask_addresses(c, "PTR", names[i], addresses, &secure, &alias);

		if (k < 0)
			return;
		if (has_address(addresses, (size_t)k, b) &&
			(confirmed == NULL || strcmp(names[i], f->hostname) == 0))
			confirmed = names[i];
	}
	if (confirmed == NULL)
		dns_find(c, DNS_WRONG, "PTR", text, todo, "its name %s does not lead back to it",
			names[0]);
	else if (strcmp(confirmed, f->hostname) != 0)
		dns_find(c, DNS_HINT, "PTR", text, todo, "its name is %s, but we greet as %s",
			confirmed, f->hostname);
	else
		dns_find(c, DNS_RIGHT, "PTR", text, "", "%s, and back", confirmed);
}

void
dns_check_hosts(struct dns_checking *c)
{
	check_mx(c);
	check_addresses(c);
	for (size_t i = 0; i < c->n_found; i++)
		check_way_back(c, &c->found[i]);
	for (size_t i = 0; i < c->f->n_sources; i++)
		if (!has_address(c->found, c->n_found, &c->f->sources[i]))
			check_way_back(c, &c->f->sources[i]);
}

/* ---- TLSA ---- */

/* Do these records fit the certificate? As DANE-EE: of an authority nothing is known here. */
static bool
is_pinned(const struct dns_answer *answer, const struct dns_certificate *certificate)
{
	for (uint32_t i = 0; i < answer->count; i++) {
		struct dns_tlsa t;

		if (dns_tlsa_read(answer->rdata[i], &t) < 0)
			continue;
		if (t.usage == 2)
			return true;
		if (t.usage == 3 && t.matching_type == 1 && t.selector <= 1 && t.data.n == 32 &&
			memcmp(t.data.p, t.selector == 1 ? certificate->key : certificate->leaf,
				32) == 0)
			return true;
	}
	return false;
}

void
dns_check_tlsa(struct dns_checking *c)
{
	const struct dns_record *r = dns_planned(c, "TLSA");
	const struct dns_answer *answer;
	size_t pinned = 0;

	if (r == NULL || c->n_found == 0 ||
		(answer = dns_ask(c, "TLSA", DNS_TYPE_TLSA, r->name)) == NULL)
		return;
	if (answer->status != DNS_OK && !c->host_secure) {
		dns_find(c, DNS_HINT, "TLSA", r->name,
			"sign the zone; then TLSA records tell all others that mail to you is "
			"encrypted",
			"%s is not in a zone with DNSSEC", c->f->hostname);
		return;
	}
	if (answer->status != DNS_OK) {
		dns_find(c, DNS_HINT, "TLSA", r->name, dns_publish(c, r), "there is none");
		return;
	}
	for (size_t i = 0; i < c->f->n_certificates; i++)
		pinned += is_pinned(answer, &c->f->certificates[i]);
	if (pinned < c->f->n_certificates)
		dns_find(c, DNS_WRONG, "TLSA", r->name, dns_publish(c, r),
			"%zu of our %zu certificates fit%s none of the records: hosts that check "
			"them send no mail",
			c->f->n_certificates - pinned, c->f->n_certificates,
			c->f->n_certificates - pinned == 1 ? "s" : "");
	else if (!answer->secure)
		dns_find(c, DNS_HINT, "TLSA", r->name, "sign the zone",
			"without DNSSEC nobody looks at it");
	else
		dns_find(c, DNS_RIGHT, "TLSA", r->name, "", "it fits our certificate");
}

/* ---- SRV ---- */

static void
check_service(struct dns_checking *c, const struct dns_record *r, const struct dns_service *s)
{
	const struct dns_answer *answer = dns_ask(c, "SRV", DNS_TYPE_SRV, r->name);
	const char *elsewhere = NULL;
	bool here = false, wrong_port = false;

	if (answer == NULL)
		return;
	for (uint32_t i = 0; i < answer->count; i++) {
		struct dns_srv srv;

		if (dns_srv_read(answer->rdata[i], &srv) < 0 || srv.target[0] == 0)
			continue;
		if (strcmp(srv.target, c->f->hostname) != 0)
			elsewhere = arena_str(c->a, bytes_from_str(srv.target));
		else if (srv.port == s->port)
			here = true;
		else
			wrong_port = true;
	}
	if (wrong_port)
		dns_find(c, DNS_WRONG, "SRV", r->name, dns_publish(c, r),
			"it sends clients to a port where we do not listen");
	else if (s->port == 0)
		return;
	else if (elsewhere != NULL)
		dns_find(c, DNS_HINT, "SRV", r->name, dns_publish(c, r), "it leads to %s",
			elsewhere);
	else if (!here)
		dns_find(c, DNS_HINT, "SRV", r->name, dns_publish(c, r),
			"there is none: clients have to guess");
	else
		dns_find(c, DNS_RIGHT, "SRV", r->name, "", "%s port %u", c->f->hostname, s->port);
}

void
dns_check_services(struct dns_checking *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->p->n && n < DNS_SERVICES; i++)
		if (c->p->records[i].type == DNS_TYPE_SRV)
			check_service(c, &c->p->records[i], &c->f->services[n++]);
}
