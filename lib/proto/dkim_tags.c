/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/dkim_tags.c - tag-lists, and the values in them.
 *
 * Runs in:  mailauth-verify, dkim-keeper, cli.
 * Trusts:   nothing.
 * Sources:  RFC 6376 sec. 2.8, 3.2.
 */
#include "dkim_tags.h"

#include "encode.h"

static bool
is_fws(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool
is_name(struct bytes name)
{
	if (name.n == 0 || !ascii_is_alpha(name.p[0]))
		return false;
	for (size_t i = 1; i < name.n; i++)
		if (!ascii_is_alpha(name.p[i]) && !ascii_is_digit(name.p[i]) && name.p[i] != '_')
			return false;
	return true;
}

/* tval of sec. 3.2; octets of UTF-8 may stand in notes, and who reads a tag refuses them there */
static bool
is_value(struct bytes value)
{
	for (size_t i = 0; i < value.n; i++)
		if ((value.p[i] < 0x21 && !is_fws(value.p[i])) || value.p[i] == 0x7f)
			return false;
	return true;
}

static int
add_tag(struct dkim_tags *out, struct bytes spec)
{
	size_t equals = bytes_find(spec, '=');
	struct dkim_tag tag;

	if (equals == BYTES_NOT_FOUND)
		return ERR_SYNTAX;
	tag.name = bytes_trim(bytes_head(spec, equals));
	tag.value = bytes_trim(bytes_skip(spec, equals + 1));
	if (!is_name(tag.name) || !is_value(tag.value))
		return ERR_SYNTAX;
	for (size_t i = 0; i < out->count; i++)
		if (bytes_equal(out->tag[i].name, tag.name))
			return ERR_EXISTS;
	if (out->count == DKIM_TAGS_MAX)
		return ERR_LIMIT;
	out->tag[out->count++] = tag;
	return ERR_OK;
}

int
dkim_tags_parse(struct bytes text, struct dkim_tags *out)
{
	out->count = 0;
	do {
		int r = add_tag(out, bytes_cut(&text, ';'));

		if (r < 0)
			return r;
	} while (bytes_trim(text).n > 0);
	return ERR_OK;
}

bool
dkim_tags_get(const struct dkim_tags *tags, const char *name, struct bytes *value)
{
	for (size_t i = 0; i < tags->count; i++)
		if (bytes_is(tags->tag[i].name, name)) {
			*value = tags->tag[i].value;
			return true;
		}
	*value = BYTES_NONE;
	return false;
}

bool
dkim_list_next(struct bytes *rest, struct bytes *item)
{
	while (rest->n > 0) {
		*item = bytes_trim(bytes_cut(rest, ':'));
		if (item->n > 0)
			return true;
	}
	return false;
}

size_t
dkim_signed_fields_count(struct bytes fields, struct bytes name)
{
	struct bytes item;
	size_t count = 0;

	while (dkim_list_next(&fields, &item))
		if (bytes_equal_nocase(item, name))
			count++;
	return count;
}

int
dkim_base64_decode(struct bytes value, struct buf *out)
{
	struct buf plain = BUF_INIT;
	uint8_t *p = buf_room(&plain, value.n);
	size_t n = 0;
	int r;

	for (size_t i = 0; i < value.n; i++)
		if (!is_fws(value.p[i]))
			p[n++] = value.p[i];
	buf_added(&plain, n);
	r = plain.len == 0 ? ERR_SYNTAX : base64_decode(out, buf_bytes(&plain));
	buf_free(&plain);
	return r;
}
