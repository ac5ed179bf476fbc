/* SPDX-License-Identifier: ISC */
/* lib/store/index_file.c - the snapshot's octets; see the header and docs/mailbox.md. */
#include "index_file.h"

#include <endian.h>

#include "crc32c.h"
#include "err.h"

#define VERSION     1
#define AT_DATA_CRC 120
#define AT_CRC      124

static const char magic[8] = { 'R', 'E', 'L', 'A', 'I', 'S', 'I', 'X' };

void
index_record_swap(struct index_record *r)
{
#if __BYTE_ORDER == __BIG_ENDIAN
	r->uid = le32toh(r->uid);
	r->name_len = le16toh(r->name_len);
	r->keywords = le64toh(r->keywords);
	r->modseq = le64toh(r->modseq);
	r->date = (int64_t)le64toh((uint64_t)r->date);
	r->size = le64toh(r->size);
	r->lf = le32toh(r->lf);
	r->name_off = le32toh(r->name_off);
	r->key_len = le16toh(r->key_len);
	r->cache_len = le32toh(r->cache_len);
	r->cache_off = le64toh(r->cache_off);
#else
	UNUSED(r);
#endif
}

struct bytes
index_keyword_next(struct bytes *rest)
{
	struct bytes name = BYTES_NONE;

	if (rest->n > 1 && rest->p[0] > 0 && rest->p[0] < rest->n)
		name = bytes_head(bytes_skip(*rest, 1), rest->p[0]);
	*rest = name.n == 0 ? BYTES_NONE : bytes_skip(*rest, name.n + 1);
	return name;
}

static int
check_keywords(struct bytes list)
{
	unsigned n = 0;

	while (list.n > 0) {
		struct bytes name = index_keyword_next(&list);

		if (name.n == 0 || name.n > INDEX_KEYWORD_MAX || ++n > INDEX_KEYWORDS_MAX)
			return ERR_CORRUPT;
		if (bytes_find(name, 0) != BYTES_NOT_FOUND)
			return ERR_CORRUPT;
	}
	return ERR_OK;
}

bool
index_name_ok(struct bytes name)
{
	return name.n > 0 && name.n <= 255 && name.p[0] != '.' &&
	       bytes_find(name, '/') == BYTES_NOT_FOUND && bytes_find(name, 0) == BYTES_NOT_FOUND;
}

/* Every record: UIDs ascend and stay below uidnext, names lie in the heap. */
static int
check_records(const struct index_view *v)
{
	uint32_t before = 0;

	/* as index_name_ok(), for all at once */
	if (bytes_find(v->names, '/') != BYTES_NOT_FOUND ||
		bytes_find(v->names, 0) != BYTES_NOT_FOUND)
		return ERR_CORRUPT;
	for (size_t i = 0; i < v->header.count; i++) {
		const uint8_t *r = v->records.p + i * INDEX_RECORD_SIZE;
		uint32_t uid = get_u32(r), name_off = get_u32(r + 44);
		uint16_t name_len = get_u16(r + 6), key_len = get_u16(r + 48);

		if (uid <= before || uid >= v->header.uidnext)
			return ERR_CORRUPT;
		if (name_len == 0 || name_len > 255 || key_len == 0 || key_len > name_len)
			return ERR_CORRUPT;
		if (name_off > v->names.n || name_len > v->names.n - name_off ||
			v->names.p[name_off] == '.')
			return ERR_CORRUPT;
		before = uid;
	}
	return ERR_OK;
}

uint64_t
index_size(struct bytes header)
{
	if (header.n < INDEX_HEADER_SIZE || memcmp(header.p, magic, sizeof(magic)) != 0 ||
		crc32c(0, bytes_head(header, AT_CRC)) != get_u32(header.p + AT_CRC))
		return 0;
	return INDEX_HEADER_SIZE + (uint64_t)get_u32(header.p + 44) * INDEX_RECORD_SIZE +
	       get_u32(header.p + 48) + get_u32(header.p + 52);
}

int
index_decode(struct bytes file, struct index_view *out)
{
	struct index_header *h = &out->header;
	struct bytes rest;
	int r;

	*out = (struct index_view){ 0 };
	if (file.n < INDEX_HEADER_SIZE || memcmp(file.p, magic, sizeof(magic)) != 0)
		return ERR_CORRUPT;
	if (crc32c(0, bytes_head(file, AT_CRC)) != get_u32(file.p + AT_CRC))
		return ERR_CORRUPT;
	if (get_u32(file.p + 8) != VERSION || get_u32(file.p + 12) != INDEX_HEADER_SIZE)
		return ERR_UNSUPPORTED;
	h->generation = get_u64(file.p + 16);
	h->uidvalidity = get_u32(file.p + 24);
	h->uidnext = get_u32(file.p + 28);
	h->highestmodseq = get_u64(file.p + 32);
	h->recent_uid = get_u32(file.p + 40);
	h->count = get_u32(file.p + 44);
	h->keyword_octets = get_u32(file.p + 48);
	h->name_octets = get_u32(file.p + 52);
	h->reserved = get_u32(file.p + 56);
	h->incomplete = get_u32(file.p + 60);
	rest = bytes_skip(file, INDEX_HEADER_SIZE);
	if (h->count > INDEX_MESSAGES_MAX || h->uidnext == 0 || h->uidvalidity == 0 ||
		rest.n !=
			(uint64_t)h->count * INDEX_RECORD_SIZE + h->keyword_octets + h->name_octets)
		return ERR_CORRUPT;
	if (crc32c(0, rest) != get_u32(file.p + AT_DATA_CRC))
		return ERR_CORRUPT;
	out->records = bytes_head(rest, (size_t)h->count * INDEX_RECORD_SIZE);
	rest = bytes_skip(rest, out->records.n);
	out->keywords = bytes_head(rest, h->keyword_octets);
	out->names = bytes_skip(rest, h->keyword_octets);
	if ((r = check_keywords(out->keywords)) < 0)
		return r;
	return check_records(out);
}

void
index_encode(struct buf *out, const struct index_header *h, struct bytes records,
	struct bytes keywords, struct bytes names)
{
	uint8_t *p = buf_room(out, INDEX_HEADER_SIZE);
	uint32_t crc = crc32c(0, records);

	crc = crc32c(crc, keywords);
	crc = crc32c(crc, names);
	memset(p, 0, INDEX_HEADER_SIZE);
	memcpy(p, magic, sizeof(magic));
	set_u32(p + 8, VERSION);
	set_u32(p + 12, INDEX_HEADER_SIZE);
	set_u64(p + 16, h->generation);
	set_u32(p + 24, h->uidvalidity);
	set_u32(p + 28, h->uidnext);
	set_u64(p + 32, h->highestmodseq);
	set_u32(p + 40, h->recent_uid);
	set_u32(p + 44, (uint32_t)(records.n / INDEX_RECORD_SIZE));
	set_u32(p + 48, (uint32_t)keywords.n);
	set_u32(p + 52, (uint32_t)names.n);
	set_u32(p + 56, h->reserved);
	set_u32(p + 60, h->incomplete);
	set_u32(p + AT_DATA_CRC, crc);
	set_u32(p + AT_CRC, crc32c(0, bytes_make(p, AT_CRC)));
	buf_added(out, INDEX_HEADER_SIZE);
	buf_put_bytes(out, records);
	buf_put_bytes(out, keywords);
	buf_put_bytes(out, names);
}
