/* SPDX-License-Identifier: ISC */
/*
 * tests/fuzz/fuzz_dkim_tags.c - DKIM's tag-lists: what is taken keeps what the header promises. The
 * first octet says what the rest is: 's' a signature, 'k' a key record, else a list.
 */
#include "dkim_tags.h"
#include "dns_rdata.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
within(struct bytes part, struct bytes all)
{
	ASSERT(part.n == 0 || (part.p >= all.p && part.p + part.n <= all.p + all.n));
}

static void
try_tags(struct bytes text)
{
	struct dkim_tags tags;

	if (dkim_tags_parse(text, &tags) < 0)
		return;
	ASSERT(tags.count > 0 && tags.count <= DKIM_TAGS_MAX);
	for (size_t i = 0; i < tags.count; i++) {
		within(tags.tag[i].name, text);
		within(tags.tag[i].value, text);
		ASSERT(tags.tag[i].name.n > 0);
		ASSERT(bytes_find(tags.tag[i].value, ';') == BYTES_NOT_FOUND);
		for (size_t j = 0; j < i; j++)
			ASSERT(!bytes_equal(tags.tag[i].name, tags.tag[j].name));
	}
}

static void
try_signature(struct bytes text)
{
	struct dkim_signature s;
	const char *why;
	int r = dkim_signature_parse(text, &s, &why);

	within(s.domain, text);
	within(s.selector, text);
	within(s.identity, text);
	within(s.signature, text);
	ASSERT((*why == '\0') == (r == ERR_OK));
	if (r < 0)
		return;
	ASSERT(dns_name_is_host(s.domain) && dns_name_is_host(s.selector));
	ASSERT(dkim_signed_fields_count(s.fields, BYTES_LITERAL("From")) > 0);
	ASSERT(s.algorithm != DKIM_ALGORITHM_OTHER);
	ASSERT(!s.has_time || !s.has_expiry || s.expiry > s.time);
}

static void
try_key(struct bytes text)
{
	struct dkim_key_record r;
	struct buf key = BUF_INIT;
	const char *why;

	if (dkim_key_record_parse(text, &r, &why) == ERR_OK) {
		within(r.key, text);
		ASSERT(r.revoked == (r.key.n == 0));
		ASSERT(dkim_base64_decode(r.key, &key) == ERR_OK || key.len == 0);
	}
	buf_free(&key);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes text = bytes_skip(bytes_make(data, size), 1);

	if (size == 0)
		return 0;
	if (data[0] == 's')
		try_signature(text);
	else if (data[0] == 'k')
		try_key(text);
	else
		try_tags(text);
	return 0;
}
