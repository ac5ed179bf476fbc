/* SPDX-License-Identifier: ISC */
/* lib/store/cache_file.c - the cache's octets; see the header and docs/mailbox.md. */
#include "cache_file.h"

#include "crc32c.h"
#include "err.h"

#define VERSION 1

static const char magic[8] = { 'R', 'E', 'L', 'A', 'I', 'S', 'C', 'A' };

void
cache_header_encode(uint8_t out[CACHE_HEADER_SIZE], uint32_t uidvalidity)
{
	memset(out, 0, CACHE_HEADER_SIZE);
	memcpy(out, magic, sizeof(magic));
	set_u32(out + 8, VERSION);
	set_u32(out + 12, CACHE_HEADER_SIZE);
	set_u32(out + 16, uidvalidity);
	set_u32(out + 28, crc32c(0, bytes_make(out, 28)));
}

int
cache_header_decode(struct bytes in, uint32_t *uidvalidity)
{
	*uidvalidity = 0;
	if (in.n < CACHE_HEADER_SIZE || memcmp(in.p, magic, sizeof(magic)) != 0 ||
		get_u32(in.p + 28) != crc32c(0, bytes_head(in, 28)))
		return ERR_CORRUPT;
	if (get_u32(in.p + 8) != VERSION || get_u32(in.p + 12) != CACHE_HEADER_SIZE)
		return ERR_UNSUPPORTED;
	*uidvalidity = get_u32(in.p + 16);
	return ERR_OK;
}

/* The next n octets of *rest; false if there are fewer. */
static bool
take(struct bytes *rest, uint32_t n, struct bytes *out)
{
	if (n > rest->n)
		return false;
	*out = bytes_head(*rest, n);
	*rest = bytes_skip(*rest, n);
	return true;
}

int
cache_record_decode(struct bytes record, uint32_t uid, uint64_t size, struct store_cached *out)
{
	struct bytes rest;
	const uint8_t *p = record.p;

	*out = (struct store_cached){ 0 };
	if (record.n < CACHE_RECORD_HEADER || record.n > CACHE_RECORD_MAX)
		return ERR_CORRUPT;
	if (get_u32(p) != crc32c(0, bytes_skip(record, 4)) || get_u32(p + 4) != record.n ||
		get_u32(p + 8) != uid || get_u64(p + 16) != size)
		return ERR_CORRUPT;
	rest = bytes_skip(record, CACHE_RECORD_HEADER);
	out->header_octets = get_u32(p + 12);
	if (!take(&rest, get_u32(p + 24), &out->envelope) ||
		!take(&rest, get_u32(p + 28), &out->body) ||
		!take(&rest, get_u32(p + 32), &out->bodystructure) ||
		!take(&rest, get_u32(p + 36), &out->fields) || rest.n != 0)
		return ERR_CORRUPT;
	return ERR_OK;
}

bool
cache_record_encode(struct buf *out, uint32_t uid, uint64_t size, const struct store_cached *c)
{
	size_t len =
		CACHE_RECORD_HEADER + c->envelope.n + c->body.n + c->bodystructure.n + c->fields.n;
	uint8_t *p;

	if (len > CACHE_RECORD_MAX)
		return false;
	p = buf_room(out, len);
	set_u32(p + 4, (uint32_t)len);
	set_u32(p + 8, uid);
	set_u32(p + 12, c->header_octets);
	set_u64(p + 16, size);
	set_u32(p + 24, (uint32_t)c->envelope.n);
	set_u32(p + 28, (uint32_t)c->body.n);
	set_u32(p + 32, (uint32_t)c->bodystructure.n);
	set_u32(p + 36, (uint32_t)c->fields.n);
	buf_added(out, CACHE_RECORD_HEADER);
	buf_put_bytes(out, c->envelope);
	buf_put_bytes(out, c->body);
	buf_put_bytes(out, c->bodystructure);
	buf_put_bytes(out, c->fields);
	p = out->data + out->start + out->len - len;
	set_u32(p, crc32c(0, bytes_make(p + 4, len - 4)));
	return true;
}

void
cache_record_set_uid(struct buf *record, uint32_t uid)
{
	uint8_t *p = record->data + record->start;

	ASSERT(record->len >= CACHE_RECORD_HEADER);
	set_u32(p + 8, uid);
	set_u32(p, crc32c(0, bytes_make(p + 4, record->len - 4)));
}
