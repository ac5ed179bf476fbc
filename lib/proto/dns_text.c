/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/dns_text.c - DNS records as a zone file would have them: for people.
 *
 * Pure. Sources: RFC 1035 sec. 5.1, RFC 3597 sec. 5, RFC 5952 (IPv6 addresses), RFC 6698 sec. 2.2.
 */
#include <arpa/inet.h>

#include "dns_rdata.h"

static bool
put_address(struct buf *out, struct bytes rdata)
{
	char text[INET6_ADDRSTRLEN];
	int family = rdata.n == 4 ? AF_INET : AF_INET6;

	if (inet_ntop(family, rdata.p, text, sizeof(text)) == NULL)
		return false;
	buf_put_str(out, text);
	return true;
}

static bool
put_a(struct buf *out, struct bytes rdata)
{
	return rdata.n == 4 && put_address(out, rdata);
}

static bool
put_aaaa(struct buf *out, struct bytes rdata)
{
	return rdata.n == 16 && put_address(out, rdata);
}

static bool
put_name(struct buf *out, struct bytes rdata)
{
	char name[DNS_NAME_SIZE];

	if (dns_name_rdata_read(rdata, name) < 0)
		return false;
	buf_printf(out, "%s.", name);
	return true;
}

static bool
put_mx(struct buf *out, struct bytes rdata)
{
	struct dns_mx mx;

	if (dns_mx_read(rdata, &mx) < 0)
		return false;
	buf_printf(out, "%u %s.", mx.preference, mx.host);
	return true;
}

static bool
put_srv(struct buf *out, struct bytes rdata)
{
	struct dns_srv srv;

	if (dns_srv_read(rdata, &srv) < 0)
		return false;
	buf_printf(out, "%u %u %u %s.", srv.priority, srv.weight, srv.port, srv.target);
	return true;
}

static void
put_hex(struct buf *out, struct bytes b)
{
	for (size_t i = 0; i < b.n; i++)
		buf_printf(out, "%02x", b.p[i]);
}

static bool
put_tlsa(struct buf *out, struct bytes rdata)
{
	struct dns_tlsa tlsa;

	if (dns_tlsa_read(rdata, &tlsa) < 0)
		return false;
	buf_printf(out, "%u %u %u ", tlsa.usage, tlsa.selector, tlsa.matching_type);
	put_hex(out, tlsa.data);
	return true;
}

static void
put_string(struct buf *out, struct bytes b)
{
	buf_put_u8(out, '"');
	for (size_t i = 0; i < b.n; i++) {
		if (b.p[i] < ' ' || b.p[i] >= 0x7f)
			buf_printf(out, "\\%03u", b.p[i]);
		else if (b.p[i] == '"' || b.p[i] == '\\')
			buf_printf(out, "\\%c", b.p[i]);
		else
			buf_put_u8(out, b.p[i]);
	}
	buf_put_u8(out, '"');
}

static bool
put_txt(struct buf *out, struct bytes rdata)
{
	const size_t before = out->len;
	struct bytes string;
	int r = rdata.n == 0 ? ERR_SYNTAX : 1;

	while (r > 0 && (r = dns_txt_next(&rdata, &string)) > 0) {
		if (out->len > before)
			buf_put_u8(out, ' ');
		put_string(out, string);
	}
	return r == 0;
}

static bool
put_soa(struct buf *out, struct bytes rdata)
{
	char primary[DNS_NAME_SIZE], mailbox[DNS_NAME_SIZE];

	if (dns_name_read(&rdata, primary) < 0 || dns_name_read(&rdata, mailbox) < 0 ||
		rdata.n != 20)
		return false;
	buf_printf(out, "%s. %s.", primary, mailbox);
	for (size_t i = 0; i < 20; i += 4)
		buf_printf(out, " %u",
			(unsigned)rdata.p[i] << 24 | (unsigned)rdata.p[i + 1] << 16 |
				(unsigned)rdata.p[i + 2] << 8 | rdata.p[i + 3]);
	return true;
}

static const struct row {
	uint16_t type;
	const char *name;
	bool (*put)(struct buf *out, struct bytes rdata); /* false: cannot be read */
} types[] = {
	{ DNS_TYPE_A, "A", put_a },
	{ DNS_TYPE_NS, "NS", put_name },
	{ DNS_TYPE_CNAME, "CNAME", put_name },
	{ DNS_TYPE_SOA, "SOA", put_soa },
	{ DNS_TYPE_PTR, "PTR", put_name },
	{ DNS_TYPE_MX, "MX", put_mx },
	{ DNS_TYPE_TXT, "TXT", put_txt },
	{ DNS_TYPE_AAAA, "AAAA", put_aaaa },
	{ DNS_TYPE_SRV, "SRV", put_srv },
	{ DNS_TYPE_DS, "DS", NULL },
	{ DNS_TYPE_DNSKEY, "DNSKEY", NULL },
	{ DNS_TYPE_TLSA, "TLSA", put_tlsa },
	{ DNS_TYPE_CAA, "CAA", NULL },
};

int
dns_type_parse(struct bytes text, uint16_t *type)
{
	uint64_t number;

	for (size_t i = 0; i < NITEMS(types); i++)
		if (bytes_is_nocase(text, types[i].name)) {
			*type = types[i].type;
			return ERR_OK;
		}
	if (!bytes_starts_with_nocase(text, BYTES_LITERAL("TYPE")) ||
		bytes_to_u64(bytes_skip(text, 4), UINT16_MAX, &number) < 0)
		return ERR_SYNTAX;
	*type = (uint16_t)number;
	return ERR_OK;
}

static const struct row *
row_of(uint16_t type)
{
	for (size_t i = 0; i < NITEMS(types); i++)
		if (types[i].type == type)
			return &types[i];
	return NULL;
}

void
dns_type_put(struct buf *out, uint16_t type)
{
	const struct row *row = row_of(type);

	if (row == NULL)
		buf_printf(out, "TYPE%u", type);
	else
		buf_put_str(out, row->name);
}

void
dns_rdata_put_text(struct buf *out, uint16_t type, struct bytes rdata)
{
	const struct row *row = row_of(type);
	const size_t before = out->len;

	if (row != NULL && row->put != NULL && row->put(out, rdata))
		return;
	buf_truncate(out, before);
	buf_printf(out, "\\# %zu", rdata.n);
	if (rdata.n > 0)
		buf_put_u8(out, ' ');
	put_hex(out, rdata);
}
