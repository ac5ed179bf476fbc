/* SPDX-License-Identifier: ISC */
/* lib/store/log_file.c - the log's octets; see the header and docs/mailbox.md. */
#include "log_file.h"

#include "crc32c.h"
#include "err.h"

#define VERSION 1

static const char magic[8] = { 'R', 'E', 'L', 'A', 'I', 'S', 'L', 'G' };

void
log_header_encode(uint8_t out[LOG_HEADER_SIZE], const struct log_header *h)
{
	memset(out, 0, LOG_HEADER_SIZE);
	memcpy(out, magic, sizeof(magic));
	set_u32(out + 8, VERSION);
	set_u32(out + 12, LOG_HEADER_SIZE);
	set_u64(out + 16, h->generation);
	set_u32(out + 24, h->uidvalidity);
	set_u32(out + 28, crc32c(0, bytes_make(out, 28)));
}

int
log_header_decode(struct bytes in, struct log_header *h)
{
	*h = (struct log_header){ 0 };
	if (in.n < LOG_HEADER_SIZE || memcmp(in.p, magic, sizeof(magic)) != 0 ||
		get_u32(in.p + 28) != crc32c(0, bytes_head(in, 28)))
		return ERR_CORRUPT;
	if (get_u32(in.p + 8) != VERSION || get_u32(in.p + 12) != LOG_HEADER_SIZE)
		return ERR_UNSUPPORTED;
	h->generation = get_u64(in.p + 16);
	h->uidvalidity = get_u32(in.p + 24);
	return ERR_OK;
}

void
log_hints_encode(uint8_t out[LOG_HINTS_SIZE], const struct log_hints *h)
{
	set_u32(out, h->synced);
	set_u32(out + 4, h->synced_reserved);
	set_u64(out + 8, (uint64_t)h->new_mtime_ns);
	set_u64(out + 16, (uint64_t)h->cur_mtime_ns);
	set_u32(out + 24, h->end);
	set_u32(out + 28, crc32c(0, bytes_make(out, 28)));
}

void
log_hints_decode(struct bytes in, struct log_hints *h)
{
	*h = (struct log_hints){ 0 };
	if (in.n < LOG_HINTS_SIZE || get_u32(in.p + 28) != crc32c(0, bytes_head(in, 28)))
		return;
	h->synced = get_u32(in.p);
	h->synced_reserved = get_u32(in.p + 4);
	h->new_mtime_ns = (int64_t)get_u64(in.p + 8);
	h->cur_mtime_ns = (int64_t)get_u64(in.p + 16);
	h->end = get_u32(in.p + 24);
}

/* The checksum begins with the generation: what an earlier log left in a block is not taken. */
static uint32_t
record_crc(uint64_t generation, struct bytes record)
{
	uint8_t seed[8];

	set_u64(seed, generation);
	return crc32c(crc32c(0, bytes_make(seed, sizeof(seed))), bytes_skip(record, 4));
}

long
log_record_decode(uint64_t generation, struct bytes in, struct log_record *out)
{
	uint32_t len;

	*out = (struct log_record){ 0 };
	if (in.n < LOG_RECORD_HEADER)
		return 0;
	len = get_u32(in.p + 4);
	if (len < LOG_RECORD_HEADER || len > LOG_RECORD_MAX)
		return ERR_CORRUPT;
	if (in.n < len)
		return 0;
	in = bytes_head(in, len);
	if (get_u32(in.p) != record_crc(generation, in))
		return ERR_CORRUPT;
	out->modseq = get_u64(in.p + 8);
	out->type = (enum log_type)in.p[16];
	out->body = bytes_skip(in, LOG_RECORD_HEADER);
	return (long)len;
}

size_t
log_record_begin(struct buf *out, enum log_type type, uint64_t modseq)
{
	size_t began = out->len;

	buf_put_u64(out, 0); /* checksum and length, at the end */
	buf_put_u64(out, modseq);
	buf_put_u8(out, (uint8_t)type);
	buf_put(out, "\0\0\0\0\0\0\0", 7);
	return began;
}

void
log_record_end(struct buf *out, size_t began, uint64_t generation)
{
	uint8_t *p = out->data + out->start + began;
	size_t len = out->len - began;

	ASSERT(len <= LOG_RECORD_MAX);
	set_u32(p + 4, (uint32_t)len);
	set_u32(p, record_crc(generation, bytes_make(p, len)));
}

void
log_name_put(struct buf *out, const struct log_name *e)
{
	buf_put_u32(out, e->uid);
	buf_put_u8(out, e->state);
	buf_put_u8(out, 0);
	buf_put_u16(out, (uint16_t)e->name.n);
	buf_put_u16(out, e->key_len);
	buf_put_u16(out, 0);
	buf_put_bytes(out, e->name);
}

bool
log_name_next(struct bytes *rest, struct log_name *out)
{
	size_t n;

	if (rest->n < 12)
		return false;
	n = get_u16(rest->p + 6);
	*out = (struct log_name){ .uid = get_u32(rest->p),
		.state = rest->p[4],
		.key_len = get_u16(rest->p + 8),
		.name = bytes_head(bytes_skip(*rest, 12), n) };
	if (n == 0 || n > 255 || out->name.n != n || out->key_len == 0 || out->key_len > n)
		return false;
	*rest = bytes_skip(*rest, 12 + n);
	return true;
}
