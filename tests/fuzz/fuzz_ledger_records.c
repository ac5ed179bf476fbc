/* SPDX-License-Identifier: ISC */
/*
 * tests/fuzz/fuzz_ledger_records.c - address blocks as text, and ledger's records of bans and of
 * what was sent: what is taken is written again as the same.
 *
 * First octet: which; the rest is the text or the record (of a ban: length of the key, key, value).
 */
#include <stdlib.h>

#include "ban_list.h"
#include "err.h"
#include "sending.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
block(struct bytes in)
{
	char text[IP_BLOCK_TEXT];
	struct ip_block b, again;

	if (ip_block_parse(in, &b) < 0)
		return;
	ASSERT(ip_block_valid(&b));
	ASSERT(ip_block_parse(bytes_from_str(ip_block_text(&b, text)), &again) == ERR_OK);
	ASSERT(ip_block_equal(&b, &again));
	again = ip_block_widen(b, (uint8_t)(in.p[0] % 129));
	ASSERT(ip_block_valid(&again) && ip_block_contains(&again, &b));
}

static void
ban(struct bytes in)
{
	struct ban_list *l = ban_list_new(10);
	struct ledger_subject subject;
	struct buf key = BUF_INIT, value = BUF_INIT;
	struct bytes k = bytes_head(bytes_skip(in, 1), in.p[0]);
	struct bytes v = bytes_skip(in, 1 + (size_t)in.p[0]);
	struct ban *b;

	if (ban_list_load(l, k, v) == ERR_OK) {
		ASSERT(ban_subject(k, &subject) == ERR_OK);
		b = ban_list_get(l, &subject);
		ASSERT(b != NULL);
		ban_key(&b->subject, &key);
		ban_value(b, &value);
		ASSERT(bytes_equal(buf_bytes(&key), k) && bytes_equal(buf_bytes(&value), v));
	}
	buf_free(&key);
	buf_free(&value);
	ban_list_free(&l);
}

static void
sent(struct bytes in)
{
	const struct sending_policy policy = { 100, 100, 100, 3, 50 };
	struct ledger_send_answer answer;
	struct buf out = BUF_INIT;
	struct sent s;

	if (sent_decode(in, &s) < 0)
		return;
	sent_encode(&s, &out);
	ASSERT(bytes_equal(buf_bytes(&out), in));
	sending_ask(&policy, &s, 1, 1, UINT64_C(1800000000), &answer);
	buf_free(&out);
}

static void
ring(struct bytes in)
{
	const struct siphash_key key = { { 1, 2 } };
	uint32_t fresh[64];
	struct buf b = BUF_INIT;
	size_t n = in.n < 64 ? in.n / 8 : 8;

	buf_put_bytes(&b, in);
	n = sending_new(&key, buf_bytes(&b), bytes_head(in, n * 8), fresh);
	sending_remember(&b, fresh, n, 20);
	ASSERT(b.len >= 4 && b.len <= 4 + 20 * 4 && b.len % 4 == 0);
	buf_free(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	void (*const parts[])(struct bytes) = { block, ban, sent, ring };

	if (size > 1 && size < 2000)
		parts[data[0] % NITEMS(parts)](bytes_make(data + 1, size - 1));
	return 0;
}
