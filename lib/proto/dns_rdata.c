/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/dns_rdata.c - the data of DNS records, type by type.
 *
 * Pure. Trusts nothing: DNSSEC says who wrote a record, not that it is sane.
 * Sources: RFC 1035 sec. 3.3, RFC 3596, RFC 2782, RFC 6698 sec. 2.1.
 */
#include "dns_rdata.h"

static uint16_t
get_be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

int
dns_a_read(struct bytes rdata, uint8_t out[4])
{
	if (rdata.n != 4)
		return ERR_SYNTAX;
	memcpy(out, rdata.p, 4);
	return ERR_OK;
}

int
dns_aaaa_read(struct bytes rdata, uint8_t out[16])
{
	if (rdata.n != 16)
		return ERR_SYNTAX;
	memcpy(out, rdata.p, 16);
	return ERR_OK;
}

int
dns_name_rdata_read(struct bytes rdata, char out[DNS_NAME_SIZE])
{
	int n = dns_name_read(&rdata, out);

	return n >= 0 && rdata.n > 0 ? ERR_SYNTAX : n;
}

int
dns_mx_read(struct bytes rdata, struct dns_mx *out)
{
	if (rdata.n < 3)
		return ERR_SYNTAX;
	out->preference = get_be16(rdata.p);
	return dns_name_rdata_read(bytes_skip(rdata, 2), out->host) < 0 ? ERR_SYNTAX : ERR_OK;
}

int
dns_srv_read(struct bytes rdata, struct dns_srv *out)
{
	if (rdata.n < 7)
		return ERR_SYNTAX;
	out->priority = get_be16(rdata.p);
	out->weight = get_be16(rdata.p + 2);
	out->port = get_be16(rdata.p + 4);
	return dns_name_rdata_read(bytes_skip(rdata, 6), out->target) < 0 ? ERR_SYNTAX : ERR_OK;
}

int
dns_tlsa_read(struct bytes rdata, struct dns_tlsa *out)
{
	if (rdata.n < 4)
		return ERR_SYNTAX;
	*out = (struct dns_tlsa){ rdata.p[0], rdata.p[1], rdata.p[2], bytes_skip(rdata, 3) };
	return ERR_OK;
}

int
dns_txt_next(struct bytes *rest, struct bytes *string)
{
	if (rest->n == 0)
		return 0;
	*string = bytes_head(bytes_skip(*rest, 1), rest->p[0]);
	if (string->n < rest->p[0])
		return ERR_SYNTAX;
	*rest = bytes_skip(*rest, 1 + string->n);
	return 1;
}

int
dns_txt_read(struct bytes rdata, struct buf *out)
{
	const size_t before = out->len;
	struct bytes string;
	int r = rdata.n == 0 ? ERR_SYNTAX : 1;

	while (r > 0 && (r = dns_txt_next(&rdata, &string)) > 0)
		buf_put_bytes(out, string);
	if (r < 0)
		buf_truncate(out, before);
	return r;
}
