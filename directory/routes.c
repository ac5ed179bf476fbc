/* SPDX-License-Identifier: ISC */
/*
 * directory/routes.c - look-ups for mail that leaves, see the header for the order.
 *
 * Runs in:  directory, perhaps in a thread of a database's.
 * Trusts:   the tables; addresses may be anything.
 */
#include "routes.h"

#include "err.h"
#include "route_records.h"

/* ---- the keys of a table that an address is looked up by, one after the other ---- */

struct lookup {
	struct directory_tables *t;
	struct arena *a;
	enum table_kind kind;
	struct bytes key, value; /* of what was found */
};

/* 1 found; 0 not there; ERR_IO */
static int
try_key(struct lookup *l, struct bytes key)
{
	int r;

	l->key = key;
	r = tables_route(l->t, l->a, l->kind, key, &l->value);
	return r == ERR_OK ? 1 : r == ERR_NOT_FOUND ? 0 : ERR_IO;
}

/* user+detail@domain, user@domain */
static int
try_address(struct lookup *l, const struct mail_address *address)
{
	struct bytes base, detail;
	int r = try_key(l, address->key);

	if (r == 0 && mail_address_detail(address->local, l->t->delimiters, &base, &detail))
		r = try_key(l, mail_address_key(l->a, base, address->domain));
	return r;
}

/* ".example.org" for every domain above the domain. */
static int
try_above(struct lookup *l, struct bytes domain)
{
	size_t dot;
	int r = 0;

	if (next_hop_is_address(domain) || (domain.n > 0 && domain.p[0] == '['))
		return 0;
	while (r == 0 && (dot = bytes_find(domain, '.')) != BYTES_NOT_FOUND) {
		r = try_key(l, bytes_skip(domain, dot));
		domain = bytes_skip(domain, dot + 1);
	}
	return r;
}

/* A key of the tables whose keys are senders. */
static int
try_sender(struct lookup *l, struct bytes reverse_path)
{
	struct mail_address sender;
	int r;

	if (reverse_path.n == 0)
		return try_key(l, BYTES_LITERAL("<>"));
	if (mail_address_fold(l->a, reverse_path, &sender) < 0 || sender.domain.n == 0)
		return 0;
	if ((r = try_address(l, &sender)) == 0)
		r = try_key(l, mail_address_key(l->a, BYTES_NONE, sender.domain));
	return r;
}

/* ---- next hops ---- */

/* The domain by MX, a literal as the host that it is. */
static struct bytes
hop_of_domain(struct arena *a, struct bytes domain)
{
	struct buf b = BUF_INIT;
	struct next_hop h;
	const char *why;
	struct bytes hop = domain;

	/* "[ipv6:...]" has another one form; and a domain may be called like a protocol */
	if (next_hop_parse(domain, &h, &why) == ERR_OK) {
		next_hop_put(&b, &h);
		hop = arena_bytes(a, buf_bytes(&b));
		buf_free(&b);
	}
	return hop;
}

/* What a table says. */
static int
take_value(struct arena *a, struct bytes value, struct bytes domain, struct route *out)
{
	struct next_hop h;
	const char *why;

	if (transport_record_parse(a, value, &out->next_hop, &why) < 0)
		return ERR_IO; /* never compiled so; a database may say anything */
	if (out->next_hop.n == 0) {
		out->next_hop = hop_of_domain(a, domain);
		return ERR_OK;
	}
	if (next_hop_parse(out->next_hop, &h, &why) < 0)
		return ERR_IO;
	if (h.is_error) {
		out->next_hop = BYTES_NONE;
		out->verdict = h.is_temporary ? DIRECTORY_ROUTE_LATER : DIRECTORY_ROUTE_REFUSED;
		out->enhanced = h.enhanced;
		out->text = h.text;
	}
	return ERR_OK;
}

static int
find_transport(struct lookup *l, const struct mail_address *recipient)
{
	int r;

	l->kind = TABLE_TRANSPORT;
	if ((r = try_address(l, recipient)) == 0 && (r = try_key(l, recipient->domain)) == 0 &&
		(r = try_above(l, recipient->domain)) == 0)
		r = try_key(l, BYTES_LITERAL("*"));
	return r;
}

int
route_find(struct directory_tables *t, struct arena *a, const struct mail_address *recipient,
	const struct bytes *reverse_path, struct route *out)
{
	struct lookup l = { .t = t, .a = a };
	int r = find_transport(&l, recipient);

	*out = (struct route){ .source = ROUTE_TRANSPORT };
	if (r == 0 && reverse_path != NULL) {
		out->source = ROUTE_SENDER;
		l.kind = TABLE_SENDER_TRANSPORT;
		r = try_sender(&l, *reverse_path);
	}
	if (r < 0)
		return r;
	if (r > 0) {
		out->key = l.key;
		return take_value(a, l.value, recipient->domain, out);
	}
	if (t->smarthost_bad)
		return ERR_IO;
	out->source = t->smarthost.n > 0 ? ROUTE_SMARTHOST : ROUTE_DOMAIN;
	out->next_hop = t->smarthost.n > 0 ? t->smarthost : hop_of_domain(a, recipient->domain);
	return ERR_OK;
}

struct bytes
route_rule(const struct route *route, struct arena *a)
{
	enum table_kind kind = TABLE_TRANSPORT;

	switch (route->source) {
	case ROUTE_DOMAIN:
		return BYTES_NONE;
	case ROUTE_SMARTHOST:
		return BYTES_LITERAL("smarthost");
	case ROUTE_SENDER:
		kind = TABLE_SENDER_TRANSPORT;
		break;
	case ROUTE_TRANSPORT:
		break;
	}
	return bytes_from_str(arena_printf(a, "%s %.*s", table_kind_name(kind), (int)route->key.n,
		(const char *)route->key.p));
}

/* ---- what is behind a next hop ---- */

struct hopping {
	struct lookup l;
	bool has_login; /* the sender's own, at this next hop */
	struct bytes login;
	struct directory_hop_alternative *alternative;
};

/* host:port, host; with above ".domain" too */
static int
try_host(struct lookup *l, const struct directory_hop_alternative *alternative, bool above)
{
	/* the port of smtp is an option of another's; who changes it names it in tables too */
	uint16_t port = alternative->port != 0 ? alternative->port : 25;
	struct bytes host = alternative->host;
	int r = 0;

	if (alternative->kind != NEXT_HOP_SRV)
		r = try_key(l, route_host_key(l->a, host, port));
	if (r == 0)
		r = try_key(l, route_host_key(l->a, host, 0));
	if (r == 0 && above)
		r = try_above(l, host);
	return r;
}

static int
take_policy(struct hopping *p)
{
	struct directory_hop_alternative *alternative = p->alternative;
	struct tls_policy_record policy;
	const char *why;
	int r;

	p->l.kind = TABLE_TLS_POLICY;
	r = try_host(&p->l, alternative, true);
	if (r <= 0)
		return r;
	if (tls_policy_record_parse(p->l.a, p->l.value, &policy, &why) < 0)
		return ERR_IO;
	alternative->has_tls = true;
	alternative->tls = policy.level;
	alternative->tls_names = policy.names;
	return ERR_OK;
}

static int
take_credentials(struct hopping *p)
{
	struct directory_hop_alternative *alternative = p->alternative;
	struct credentials_record c;
	struct bytes value = p->login;
	const char *why;
	int r = 1;

	if (!p->has_login) {
		p->l.kind = TABLE_RELAY_CREDENTIALS;
		r = try_host(&p->l, alternative, false);
		value = p->l.value;
	}
	if (r <= 0)
		return r;
	if (credentials_record_parse(value, &c, &why) < 0)
		return ERR_IO;
	alternative->login = c.login;
	alternative->password = c.password;
	return ERR_OK;
}

/*
 * The sender's own login: only where the operator sends this sender's mail, by the smarthost or
 * sender_transport. By the domain of a recipient its password would go to a stranger.
 */
static int
find_sender_login(struct hopping *p, const struct directory_hop *hop)
{
	struct directory_tables *t = p->l.t;
	struct bytes next_hop;
	const char *why;
	int r;

	if (t->smarthost.n == 0 || !bytes_equal(t->smarthost, hop->next_hop)) {
		p->l.kind = TABLE_SENDER_TRANSPORT;
		r = try_sender(&p->l, hop->reverse_path);
		if (r <= 0)
			return r;
		if (transport_record_parse(p->l.a, p->l.value, &next_hop, &why) < 0)
			return ERR_IO;
		if (!bytes_equal(next_hop, hop->next_hop))
			return ERR_OK;
	}
	if (hop->reverse_path.n == 0)
		return ERR_OK;
	p->l.kind = TABLE_RELAY_CREDENTIALS;
	r = try_sender(&p->l, hop->reverse_path);
	p->has_login = r > 0;
	p->login = p->l.value;
	return r < 0 ? r : ERR_OK;
}

static int
take_source(struct hopping *p, struct bytes reverse_path, struct directory_hop_answer *out)
{
	struct source_record source;
	const char *why;
	int r;

	p->l.kind = TABLE_SOURCE_ADDRESS;
	r = try_sender(&p->l, reverse_path);
	if (r <= 0)
		return r;
	if (source_record_parse(p->l.a, p->l.value, &source, &why) < 0)
		return ERR_IO;
	out->source_ipv4 = source.ipv4;
	out->source_ipv6 = source.ipv6;
	out->helo = source.helo;
	return ERR_OK;
}

/* "_submission._tcp.example.org" */
static struct bytes
srv_name(struct arena *a, const struct next_hop_alternative *in)
{
	if (in->host.p[0] == '_')
		return in->host;
	return bytes_from_str(arena_printf(a, "_submission%s._tcp.%.*s",
		in->protocol == NEXT_HOP_SMTPS ? "s" : "", (int)in->host.n,
		(const char *)in->host.p));
}

static int
take_alternative(struct hopping *p, const struct next_hop_alternative *in)
{
	struct directory_hop_alternative *out = p->alternative;
	int r;

	*out = (struct directory_hop_alternative){
		.protocol = in->protocol, .kind = in->kind, .host = in->host, .port = in->port
	};
	if (in->kind == NEXT_HOP_UNIX)
		return ERR_OK;
	if (in->protocol == NEXT_HOP_SMTPS && in->kind != NEXT_HOP_SRV && in->port == 0)
		out->port = NEXT_HOP_SMTPS_PORT;
	if (in->protocol == NEXT_HOP_LMTP && in->port == 0)
		out->port = NEXT_HOP_LMTP_PORT;
	if ((r = take_policy(p)) < 0 || (r = take_credentials(p)) < 0)
		return r;
	if (in->kind == NEXT_HOP_SRV)
		out->host = srv_name(p->l.a, in);
	out->tls_required = in->protocol == NEXT_HOP_SMTPS || (out->login.n > 0 && !out->has_tls);
	return out->host.n > DIRECTORY_HOST_MAX ? ERR_LIMIT : ERR_OK;
}

static int
hop_answer(struct hopping *p, const struct directory_hop *hop, const struct next_hop *h,
	struct directory_hop_answer *out)
{
	int r = find_sender_login(p, hop);

	for (unsigned i = 0; r >= 0 && i < h->count; i++) {
		p->alternative = &out->alternatives[i];
		r = take_alternative(p, &h->alternatives[i]);
	}
	if (r >= 0)
		r = take_source(p, hop->reverse_path, out);
	return r;
}

void
route_hop(struct directory_tables *t, struct arena *a, const struct directory_hop *hop,
	struct directory_hop_answer *out)
{
	struct hopping p = { .l = { .t = t, .a = a } };
	struct next_hop h;
	const char *why;
	int r;

	*out = (struct directory_hop_answer){ .status = DIRECTORY_HOP_BAD };
	if (next_hop_parse(hop->next_hop, &h, &why) < 0 || h.is_error)
		return;
	r = hop_answer(&p, hop, &h, out);
	out->status = r >= 0           ? DIRECTORY_HOP_OK
		      : r == ERR_LIMIT ? DIRECTORY_HOP_BAD
				       : DIRECTORY_HOP_TEMPORARY;
	out->count = r >= 0 ? h.count : 0;
}
