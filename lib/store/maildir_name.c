/* SPDX-License-Identifier: ISC */
/* lib/store/maildir_name.c - the names of message files; see the header. */
#include "maildir_name.h"

#include "err.h"
#include "store.h"

static const struct {
	char letter;
	unsigned flag;
} flag_letters[] = {
	{ 'D', STORE_DRAFT },
	{ 'F', STORE_FLAGGED },
	{ 'R', STORE_ANSWERED },
	{ 'S', STORE_SEEN },
	{ 'T', STORE_DELETED },
};

/* One ",X=number" of the base; anything else is somebody else's. */
static void
parse_attribute(struct bytes a, struct maildir_name *out)
{
	uint64_t v;

	if (a.n < 3 || a.p[1] != '=' || bytes_to_u64(bytes_skip(a, 2), INT64_MAX, &v) < 0)
		return;
	if (a.p[0] == 'S')
		out->size = v;
	else if (a.p[0] == 'U' && v <= UINT32_MAX)
		out->uid = (uint32_t)v;
}

static uint64_t
parse_letters(struct bytes info)
{
	uint64_t letters = 0;

	for (size_t i = 0; i < info.n; i++)
		if (ascii_is_alpha(info.p[i]))
			letters |= MAILDIR_LETTER(info.p[i]);
	return letters;
}

int
maildir_name_parse(struct bytes name, struct maildir_name *out)
{
	static const struct bytes info_mark = BYTES_LITERAL(":2,");
	struct bytes rest = name;
	size_t colon;

	*out = (struct maildir_name){ 0 };
	if (name.n == 0 || name.n > MAILDIR_NAME_MAX || name.p[0] == '.')
		return ERR_SYNTAX;
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] == '/' || name.p[i] == 0)
			return ERR_SYNTAX;
	colon = bytes_find(name, ':');
	if (colon != BYTES_NOT_FOUND) {
		rest = bytes_head(name, colon);
		if (bytes_starts_with(bytes_skip(name, colon), info_mark)) {
			out->has_info = true;
			out->letters = parse_letters(bytes_skip(name, colon + info_mark.n));
		}
	}
	out->base = rest;
	out->key = bytes_cut(&rest, ',');
	while (rest.n > 0)
		parse_attribute(bytes_cut(&rest, ','), out);
	return out->key.n == 0 ? ERR_SYNTAX : ERR_OK;
}

unsigned
maildir_flags(uint64_t letters)
{
	unsigned flags = 0;

	for (size_t i = 0; i < NITEMS(flag_letters); i++)
		if ((letters & MAILDIR_LETTER(flag_letters[i].letter)) != 0)
			flags |= flag_letters[i].flag;
	return flags;
}

uint64_t
maildir_letters(unsigned flags)
{
	uint64_t letters = 0;

	for (size_t i = 0; i < NITEMS(flag_letters); i++)
		if ((flags & flag_letters[i].flag) != 0)
			letters |= MAILDIR_LETTER(flag_letters[i].letter);
	return letters;
}

void
maildir_name_put(struct buf *out, struct bytes base, uint64_t letters)
{
	buf_put_bytes(out, base);
	buf_put(out, ":2,", 3);
	for (unsigned i = 0; i < 52; i++)
		if ((letters >> i & 1) != 0)
			buf_put_u8(out, (uint8_t)(i < 26 ? 'A' + i : 'a' + i - 26));
}

void
maildir_base_with_uid(struct buf *out, struct bytes base, uint32_t uid)
{
	struct bytes rest = base;
	bool first = true;

	while (rest.n > 0) {
		struct bytes part = bytes_cut(&rest, ',');

		if (!first && part.n >= 2 && part.p[0] == 'U' && part.p[1] == '=')
			continue;
		if (!first)
			buf_put_u8(out, ',');
		buf_put_bytes(out, part);
		first = false;
	}
	buf_printf(out, ",U=%u", uid);
}
