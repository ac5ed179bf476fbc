/* SPDX-License-Identifier: ISC */
/* lib/store/state.c - a folder as the index says; see the header. */
#include "state.h"

#include <endian.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "err.h"
#include "maildir_name.h"

void
state_init(struct state *s, uint64_t generation, uint32_t uidvalidity)
{
	*s = (struct state){ 0 };
	s->header.generation = generation;
	s->header.uidvalidity = uidvalidity;
	s->header.uidnext = 1;
	s->header.recent_uid = 1;
	s->header.highestmodseq = 1;
	s->forwarded_bit = STORE_KEYWORDS_MAX;
}

void
state_free(struct state *s)
{
	if (s->map != NULL)
		munmap(s->map, s->map_size);
	free(s->tail);
	buf_free(&s->tail_names);
	for (unsigned i = 0; i < s->n_keywords; i++)
		free(s->keywords[i]);
	*s = (struct state){ 0 };
}

static int
add_keyword(struct state *s, struct bytes name)
{
	char *copy;

	if (name.n == 0 || name.n > STORE_KEYWORD_MAX || s->n_keywords == STORE_KEYWORDS_MAX ||
		bytes_find(name, 0) != BYTES_NOT_FOUND)
		return ERR_CORRUPT;
	copy = xmalloc(name.n + 1);
	memcpy(copy, name.p, name.n);
	copy[name.n] = 0;
	if (bytes_is_nocase(name, "$Forwarded") && s->forwarded_bit == STORE_KEYWORDS_MAX)
		s->forwarded_bit = s->n_keywords;
	s->keywords[s->n_keywords++] = copy;
	return ERR_OK;
}

static void
note_cache_end(struct state *s, const struct index_record *r)
{
	if (r->cache_len > 0 && r->cache_off + r->cache_len > s->cache_end)
		s->cache_end = r->cache_off + r->cache_len;
}

int
state_from_map(struct state *s, void *map, size_t size)
{
	struct index_view v;
	struct bytes keywords;
	int r;

	state_init(s, 0, 0);
	s->map = map;
	s->map_size = size;
	if ((r = index_decode(bytes_make(map, size), &v)) < 0) {
		state_free(s);
		return r;
	}
	s->header = v.header;
	s->base = (struct index_record *)((uint8_t *)map + INDEX_HEADER_SIZE);
	s->n_base = v.header.count;
	s->base_names = v.names;
	for (keywords = v.keywords; keywords.n > 0;)
		r = add_keyword(s, index_keyword_next(&keywords));
	ASSERT(r == ERR_OK); /* index_decode() has looked */
	for (size_t i = 0; i < s->n_base; i++) {
		struct index_record *m = &s->base[i];

		index_record_swap(m);
		if ((m->state & ~INDEX_ON_DISK) != 0) /* a page is copied only if it must be */
			m->state &= INDEX_ON_DISK;
		note_cache_end(s, m);
	}
	return ERR_OK;
}

size_t
state_lower_bound(const struct state *s, uint32_t uid)
{
	size_t lo = 0, hi = state_total(s);

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (state_record(s, mid)->uid < uid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

struct index_record *
state_find(const struct state *s, uint32_t uid, size_t hint)
{
	struct index_record *r;
	size_t i = hint;

	if (i >= state_total(s) || state_record(s, i)->uid != uid)
		i = state_lower_bound(s, uid);
	if (i >= state_total(s))
		return NULL;
	r = state_record(s, i);
	return r->uid == uid && (r->state & INDEX_GONE) == 0 ? r : NULL;
}

struct bytes
state_name(const struct state *s, const struct index_record *r)
{
	struct bytes heap =
		(r->state & INDEX_NAME_IN_TAIL) != 0 ? buf_bytes(&s->tail_names) : s->base_names;

	return bytes_head(bytes_skip(heap, r->name_off), r->name_len);
}

struct bytes
state_key(const struct state *s, const struct index_record *r)
{
	return bytes_head(state_name(s, r), r->key_len);
}

unsigned
state_keyword(const struct state *s, struct bytes name)
{
	for (unsigned i = 0; i < s->n_keywords; i++)
		if (bytes_is_nocase(name, s->keywords[i]))
			return i;
	return STORE_KEYWORDS_MAX;
}

uint64_t
state_letters(const struct state *s, unsigned flags, uint64_t keywords)
{
	uint64_t letters = maildir_letters(flags);

	if (s->forwarded_bit < STORE_KEYWORDS_MAX && (keywords >> s->forwarded_bit & 1) != 0) {
		letters |= MAILDIR_LETTER('P');
		keywords &= ~((uint64_t)1 << s->forwarded_bit);
	}
	return letters | (keywords << MAILDIR_KEYWORD_SHIFT & MAILDIR_KEYWORD_LETTERS);
}

uint64_t
state_known_letters(const struct state *s)
{
	unsigned n = s->n_keywords < 26 ? s->n_keywords : 26;
	uint64_t letters = maildir_letters(STORE_FLAGS_ALL);

	letters |= (((uint64_t)1 << n) - 1) << MAILDIR_KEYWORD_SHIFT;
	if (s->forwarded_bit < STORE_KEYWORDS_MAX)
		letters |= MAILDIR_LETTER('P');
	if (s->forwarded_bit < 26)
		letters &= ~((uint64_t)1 << (s->forwarded_bit + MAILDIR_KEYWORD_SHIFT));
	return letters;
}

uint64_t
state_letter_keywords(const struct state *s, uint64_t letters)
{
	uint64_t keywords = letters >> MAILDIR_KEYWORD_SHIFT & 0x3ffffff;

	if (s->n_keywords < STORE_KEYWORDS_MAX)
		keywords &= ((uint64_t)1 << s->n_keywords) - 1;
	if (s->forwarded_bit < STORE_KEYWORDS_MAX) {
		keywords &= ~((uint64_t)1 << s->forwarded_bit);
		if ((letters & MAILDIR_LETTER('P')) != 0)
			keywords |= (uint64_t)1 << s->forwarded_bit;
	}
	return keywords;
}

static void
set_name(struct state *s, struct index_record *r, struct bytes name, uint16_t key_len)
{
	r->name_off = (uint32_t)s->tail_names.len;
	r->name_len = (uint16_t)name.n;
	r->key_len = key_len;
	r->state |= INDEX_NAME_IN_TAIL;
	buf_put_bytes(&s->tail_names, name);
}

static int
apply_append(struct state *s, const struct log_record *rec)
{
	struct index_record r;
	struct bytes name = bytes_skip(rec->body, sizeof(r));

	if (rec->body.n < sizeof(r))
		return ERR_CORRUPT;
	memcpy(&r, rec->body.p, sizeof(r));
	index_record_swap(&r);
	if (r.uid < s->header.uidnext || r.uid == UINT32_MAX || !index_name_ok(name) ||
		r.key_len == 0 || r.key_len > name.n || state_total(s) >= INDEX_MESSAGES_MAX)
		return ERR_CORRUPT;
	if (s->n_tail == s->cap_tail) {
		s->cap_tail = s->cap_tail == 0 ? 8 : s->cap_tail * 2;
		s->tail = xrealloc(s->tail, s->cap_tail * sizeof(r));
	}
	r.state &= INDEX_ON_DISK;
	r.modseq = rec->modseq;
	set_name(s, &r, name, r.key_len);
	note_cache_end(s, &r);
	s->tail[s->n_tail++] = r;
	s->header.uidnext = r.uid + 1;
	return ERR_OK;
}

static int
apply_flags(struct state *s, const struct log_record *rec)
{
	for (struct bytes b = rec->body; b.n >= 16; b = bytes_skip(b, 16)) {
		struct index_record *r = state_find(s, get_u32(b.p), 0);

		if (r == NULL)
			continue;
		r->flags = b.p[4] & STORE_FLAGS_ALL;
		r->keywords = get_u64(b.p + 8);
		r->modseq = rec->modseq;
		r->state |= INDEX_NAME_STALE;
	}
	return ERR_OK;
}

static int
apply_expunge(struct state *s, const struct log_record *rec)
{
	for (struct bytes b = rec->body; b.n >= 4; b = bytes_skip(b, 4)) {
		struct index_record *r = state_find(s, get_u32(b.p), 0);

		if (r == NULL)
			continue;
		r->state |= INDEX_GONE;
		s->n_gone++;
	}
	return ERR_OK;
}

static int
apply_keyword(struct state *s, const struct log_record *rec)
{
	return add_keyword(s, rec->body);
}

static int
apply_names(struct state *s, const struct log_record *rec)
{
	struct bytes rest = rec->body;
	struct log_name e;

	while (log_name_next(&rest, &e)) {
		struct index_record *r = state_find(s, e.uid, 0);

		if (!index_name_ok(e.name))
			return ERR_CORRUPT;
		if (r == NULL)
			continue;
		r->state = (uint8_t)(e.state & (INDEX_IN_NEW | INDEX_NAME_STALE)) |
			   (r->state & INDEX_SIZE_UNKNOWN);
		set_name(s, r, e.name, e.key_len);
	}
	return ERR_OK;
}

static int
apply_recent(struct state *s, const struct log_record *rec)
{
	if (rec->body.n < 4)
		return ERR_CORRUPT;
	s->header.recent_uid = get_u32(rec->body.p);
	return ERR_OK;
}

static int
apply_uidnext(struct state *s, const struct log_record *rec)
{
	if (rec->body.n < 8)
		return ERR_CORRUPT;
	if (get_u32(rec->body.p) > s->header.uidnext)
		s->header.uidnext = get_u32(rec->body.p);
	s->header.reserved = get_u32(rec->body.p + 4);
	return ERR_OK;
}

static int
apply_fold(struct state *s, const struct log_record *rec)
{
	if (rec->body.n < 8)
		return ERR_CORRUPT;
	s->fold = get_u64(rec->body.p);
	return ERR_OK;
}

static int
apply_cached(struct state *s, const struct log_record *rec)
{
	struct index_record *r;
	const uint8_t *p = rec->body.p;

	if (rec->body.n < 24)
		return ERR_CORRUPT;
	if ((r = state_find(s, get_u32(p), 0)) == NULL)
		return ERR_OK;
	r->lf = get_u32(p + 4);
	r->cache_len = get_u32(p + 8);
	r->state = (uint8_t)(r->state & ~INDEX_SIZE_UNKNOWN);
	r->cache_off = get_u64(p + 16);
	note_cache_end(s, r);
	return ERR_OK;
}

int
state_apply(struct state *s, const struct log_record *rec)
{
	static int (*const rows[])(struct state *, const struct log_record *) = {
		[LOG_APPEND] = apply_append,
		[LOG_FLAGS] = apply_flags,
		[LOG_EXPUNGE] = apply_expunge,
		[LOG_KEYWORD] = apply_keyword,
		[LOG_NAMES] = apply_names,
		[LOG_RECENT] = apply_recent,
		[LOG_UIDNEXT] = apply_uidnext,
		[LOG_FOLD] = apply_fold,
		[LOG_CACHED] = apply_cached,
	};
	int r;

	if ((unsigned)rec->type >= NITEMS(rows) || rows[rec->type] == NULL)
		return ERR_CORRUPT;
	if ((r = rows[rec->type](s, rec)) < 0)
		return r;
	if (rec->modseq > s->header.highestmodseq)
		s->header.highestmodseq = rec->modseq;
	return ERR_OK;
}

void
state_encode(const struct state *s, uint64_t generation, struct buf *out)
{
	struct buf records = BUF_INIT, names = BUF_INIT, keywords = BUF_INIT;
	struct index_header h = s->header;

	for (size_t i = 0; i < state_total(s); i++) {
		struct index_record r = *state_record(s, i);
		struct bytes name = state_name(s, &r);

		if ((r.state & INDEX_GONE) != 0)
			continue;
		r.name_off = (uint32_t)names.len;
		r.state &= INDEX_ON_DISK;
		r.spare = 0;
		buf_put_bytes(&names, name);
		index_record_swap(&r);
		buf_put(&records, &r, sizeof(r));
	}
	for (unsigned i = 0; i < s->n_keywords; i++) {
		buf_put_u8(&keywords, (uint8_t)strlen(s->keywords[i]));
		buf_put_str(&keywords, s->keywords[i]);
	}
	h.generation = generation;
	index_encode(out, &h, buf_bytes(&records), buf_bytes(&keywords), buf_bytes(&names));
	buf_free(&records);
	buf_free(&names);
	buf_free(&keywords);
}
