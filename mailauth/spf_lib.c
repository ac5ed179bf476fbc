/* SPDX-License-Identifier: ISC */
/*
 * mailauth/spf_lib.c - libspf2 as a judge of one mechanism: does it match the client's address?
 *
 * libspf2 gets a record with that one mechanism, written anew by us, and looks up what it needs
 * through our layer. No octet of a foreign name reaches it: names are "t.x" (the target) and "0.x"
 * to "9.x" (hosts of an mx), and our layer knows what they stand for. Addresses are the only thing
 * it learns. Why so little of it: docs/spf.md.
 *
 * Runs in:  mailauth-verify, CLI; on a check's fiber.
 * Trusts:   libspf2 with addresses and with our own records.
 * Sources:  RFC 7208 sec. 5.
 */
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>

#include <spf2/spf.h>

#include "spf_private.h"

#define TARGET "t.x"

struct spf_lib {
	SPF_dns_server_t dns;
	SPF_server_t *server;
};

/* The client's address stands for every one there is: "/0" matches all of a family, and libspf2
 * knows no such prefix. */
static bool
any_address(const struct spf_check *c)
{
	return (c->values.client.family == 4 ? c->directive->prefix4 : c->directive->prefix6) ==
		       0 &&
	       (c->directive->mechanism == SPF_MECH_A || c->directive->mechanism == SPF_MECH_MX);
}

static void
add_address(struct spf_check *c, SPF_dns_rr_t *rr, struct bytes rdata)
{
	size_t n = rr->rr_type == ns_t_a ? 4 : 16;

	if (rdata.n != n || SPF_dns_rr_buf_realloc(rr, rr->num_rr, n) != SPF_E_SUCCESS)
		return;
	memcpy(rr->rr[rr->num_rr++], any_address(c) ? c->values.client.addr : rdata.p, n);
}

/* The hosts of an mx, under the names by which libspf2 will ask for their addresses. */
static void
add_hosts(struct spf_check *c, SPF_dns_rr_t *rr)
{
	char name[8];

	if (c->count > SPF_HOSTS_MAX) {
		spf_break(c, SPF_PERMERROR, "%.*s has more than %d mail hosts", (int)c->target.n,
			(const char *)c->target.p, SPF_HOSTS_MAX);
		return;
	}
	c->mx_hosts = arena_alloc(&c->arena, SPF_HOSTS_MAX * sizeof(*c->mx_hosts));
	c->mx_count = 0;
	for (uint32_t i = 0; i < c->count; i++) {
		struct dns_mx mx;
		int n;

		if (dns_mx_read(c->rdata[i], &mx) < 0 || mx.host[0] == 0)
			continue;
		memcpy(c->mx_hosts[c->mx_count], mx.host, sizeof(mx.host));
		n = snprintf(name, sizeof(name), "%u.x", c->mx_count++);
		if (SPF_dns_rr_buf_realloc(rr, rr->num_rr, (size_t)n + 1) == SPF_E_SUCCESS)
			memcpy(rr->rr[rr->num_rr++]->mx, name, (size_t)n + 1);
	}
}

static enum dns_status
ask_for(struct spf_check *c, const char *name, uint16_t type)
{
	unsigned host = (unsigned)(name[0] - '0');
	enum dns_status status;
	struct bytes mx;

	if (strcmp(name, TARGET) == 0)
		return spf_ask_counted(c, type, c->target);
	ASSERT(host < c->mx_count);
	mx = bytes_from_str(c->mx_hosts[host]);
	status = spf_ask(c, type, mx);
	if (dns_status_is_temporary(status))
		spf_break(c, SPF_TEMPERROR, "no addresses of %.*s: %s", (int)mx.n,
			(const char *)mx.p, dns_status_name(status));
	return status;
}

/* What libspf2 calls. It must not get NULL, and of failures TRY_AGAIN only: others count as none.
 */
static SPF_dns_rr_t *
lookup(SPF_dns_server_t *dns, const char *name, ns_type type, int should_cache)
{
	struct spf_check *c = ((struct spf_engine *)dns->hook)->running;
	SPF_dns_rr_t *rr = SPF_dns_rr_new_init(dns, name, type, 0, HOST_NOT_FOUND);

	ASSERT(rr != NULL);
	if (type == ns_t_a || type == ns_t_aaaa || type == ns_t_mx)
		(void)ask_for(c, name, (uint16_t)type);
	if (type == ns_t_mx)
		add_hosts(c, rr);
	else
		for (uint32_t i = 0; i < c->count; i++)
			add_address(c, rr, c->rdata[i]);
	if (c->broken)
		rr->herrno = TRY_AGAIN;
	else if (rr->num_rr > 0)
		rr->herrno = NETDB_SUCCESS;
	return rr;
}

/* clang wants the attribute, not _Noreturn, to see the same type */
__attribute__((noreturn)) static void
on_error(const char *file, int line, const char *message)
{
	assert_failed(message, file, line);
}

static void
on_message(const char *file, int line, const char *message)
{
	/* only ours would interest, and they say nothing */
}

struct spf_lib *
spf_lib_new(struct spf_engine *e)
{
	struct spf_lib *lib = xcalloc(1, sizeof(*lib));
	SPF_response_t *response = NULL;

	SPF_error_handler = on_error;
	SPF_warning_handler = on_message;
	SPF_info_handler = on_message;
	SPF_debug_handler = on_message;
	lib->dns.lookup = lookup;
	lib->dns.name = "relais";
	lib->dns.hook = e;
	lib->server = SPF_server_new_dns(&lib->dns, 0);
	ASSERT(lib->server != NULL && SPF_server_set_rec_dom(lib->server, "x") == SPF_E_SUCCESS);
	/* explanations are ours: a short one without macros keeps it from making one each time */
	(void)SPF_server_set_explanation(lib->server, "x", &response);
	SPF_response_free(response);
	return lib;
}

void
spf_lib_free(struct spf_lib *lib)
{
	SPF_server_free(lib->server);
	free(lib);
}

/* The mechanism with a qualifier of ours: what it matches, passes. */
static void
write_record(const struct spf_check *c, struct buf *out)
{
	const struct spf_directive *d = c->directive;
	bool four = c->values.client.family == 4;
	const uint8_t *address = d->address;
	unsigned prefix = four ? d->prefix4 : d->prefix6, longest = four ? 32 : 128;
	char text[INET6_ADDRSTRLEN];

	buf_put_str(out, "v=spf1 +");
	switch (d->mechanism) {
	case SPF_MECH_A:
		buf_put_str(out, "a:" TARGET);
		break;
	case SPF_MECH_MX:
		buf_put_str(out, "mx:" TARGET);
		break;
	case SPF_MECH_IP4:
	case SPF_MECH_IP6:
		if (prefix == 0)
			address = c->values.client.addr;
		buf_printf(out, "%s:%s", four ? "ip4" : "ip6",
			inet_ntop(four ? AF_INET : AF_INET6, address, text, sizeof(text)));
		break;
	case SPF_MECH_EXISTS:
		buf_put_str(out, "exists:" TARGET);
		return;
	default:
		buf_put_str(out, "all");
		return;
	}
	if (prefix != 0 && prefix != longest)
		buf_printf(out, "%s/%u", !four && d->mechanism != SPF_MECH_IP6 ? "/" : "", prefix);
}

static SPF_request_t *
new_request(struct spf_lib *lib, const struct ip_block *client)
{
	SPF_request_t *request = SPF_request_new(lib->server);
	struct in_addr v4;
	struct in6_addr v6;

	ASSERT(request != NULL);
	memcpy(&v4, client->addr, sizeof(v4));
	memcpy(&v6, client->addr, sizeof(v6));
	if (client->family == 4)
		(void)SPF_request_set_ipv4(request, v4);
	else
		(void)SPF_request_set_ipv6(request, v6);
	(void)SPF_request_set_env_from(request, "x@x");
	request->cur_dom = "x";
	return request;
}

bool
spf_lib_matches(struct spf_check *c, const struct spf_directive *d, struct bytes target)
{
	struct spf_lib *lib = c->engine->lib;
	SPF_request_t *request;
	SPF_response_t *response;
	SPF_record_t *record = NULL;
	struct buf text = BUF_INIT;
	SPF_errcode_t err;
	bool matches;

	if ((d->mechanism == SPF_MECH_IP4 && c->values.client.family != 4) ||
		(d->mechanism == SPF_MECH_IP6 && c->values.client.family != 6))
		return false;
	c->directive = d;
	c->target = target;
	write_record(c, &text);
	request = new_request(lib, &c->values.client);
	response = SPF_response_new(request);
	ASSERT(response != NULL);
	err = SPF_record_compile(lib->server, response, &record, buf_str(&text));
	if (err == SPF_E_SUCCESS) {
		/* not SPF_request_query_mailfrom(): that lets any loopback address pass */
		response->spf_record_exp = record;
		err = SPF_record_interpret(record, request, response, 0);
	}
	matches = err == SPF_E_SUCCESS && SPF_response_result(response) == SPF_RESULT_PASS;
	if (err != SPF_E_SUCCESS)
		spf_break(c, SPF_TEMPERROR, "libspf2 on %s: %s", buf_str(&text), SPF_strerror(err));
	if (record != NULL)
		SPF_record_free(record);
	SPF_response_free(response);
	SPF_request_free(request);
	buf_free(&text);
	return matches && !c->broken;
}
