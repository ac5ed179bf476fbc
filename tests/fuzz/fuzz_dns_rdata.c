/* SPDX-License-Identifier: ISC */
/*
 * tests/fuzz/fuzz_dns_rdata.c - every reader on any octets; a name that was read is written and
 * read as the same again. The first two octets are the type.
 */
#include "dns_rdata.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
name_again(const char *text)
{
	struct buf wire = BUF_INIT;
	char again[DNS_NAME_SIZE];
	struct bytes rest;

	ASSERT(dns_name_write(bytes_from_str(text), &wire) == ERR_OK);
	rest = buf_bytes(&wire);
	ASSERT(dns_name_read(&rest, again) >= 0 && rest.n == 0);
	ASSERT(strcmp(text, again) == 0);
	buf_free(&wire);
}

static void
read_all(struct bytes rdata)
{
	char name[DNS_NAME_SIZE];
	uint8_t address[16];
	struct dns_mx mx;
	struct dns_srv srv;
	struct dns_tlsa tlsa;
	struct buf text = BUF_INIT;

	if (dns_name_rdata_read(rdata, name) >= 0)
		name_again(name);
	if (dns_mx_read(rdata, &mx) == ERR_OK)
		name_again(mx.host);
	if (dns_srv_read(rdata, &srv) == ERR_OK)
		name_again(srv.target);
	if (dns_tlsa_read(rdata, &tlsa) == ERR_OK)
		ASSERT(tlsa.data.n == rdata.n - 3);
	ASSERT((dns_a_read(rdata, address) == ERR_OK) == (rdata.n == 4));
	ASSERT((dns_aaaa_read(rdata, address) == ERR_OK) == (rdata.n == 16));
	if (dns_txt_read(rdata, &text) == ERR_OK)
		ASSERT(text.len < rdata.n);
	else
		ASSERT(text.len == 0);
	buf_free(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes rdata;
	struct buf text = BUF_INIT;

	if (size < 2)
		return 0;
	rdata = bytes_make(data + 2, size - 2);
	read_all(rdata);
	dns_rdata_put_text(&text, (uint16_t)(data[0] << 8 | data[1]), rdata);
	for (size_t i = 0; i < text.len; i++)
		ASSERT(text.data[i] >= ' ' && text.data[i] < 0x7f);
	buf_clear(&text);
	if (dns_name_write(rdata, &text) == ERR_OK) {
		struct bytes rest = buf_bytes(&text);
		char name[DNS_NAME_SIZE];

		ASSERT(dns_name_read(&rest, name) >= 0 && rest.n == 0);
	}
	buf_free(&text);
	return 0;
}
