/* SPDX-License-Identifier: ISC */
/*
 * imapd/fetch_section.c - the octets behind BODY[...].
 *
 * Runs in:  imap session.
 * Sources:  RFC 3501 sec. 6.4.5.
 */
#include "err.h"
#include "fetch.h"
#include "imap_text.h"
#include "rfc5322.h"

bool
imap_section_is_cached(const struct imap_section *section)
{
	return section->text == IMAP_SECTION_FIELDS && section->depth == 0 &&
	       store_fields_cached(section->fields, section->field_count);
}

/* The header or text of the message itself: no parsing needed. */
static struct bytes
top_section(struct bytes message, enum imap_section_text text)
{
	size_t header = text == IMAP_SECTION_ALL ? 0 : rfc5322_header_len(message);

	if (text == IMAP_SECTION_ALL)
		return message;
	return text == IMAP_SECTION_TEXT ? bytes_skip(message, header)
					 : bytes_head(message, header);
}

static int
part_section(struct imap_fetch_cursor *c, const struct imap_section *section, struct bytes *out)
{
	static const enum mime_section sections[] = {
		[IMAP_SECTION_ALL] = MIME_SECTION_ALL,
		[IMAP_SECTION_HEADER] = MIME_SECTION_HEADER,
		[IMAP_SECTION_FIELDS] = MIME_SECTION_HEADER,
		[IMAP_SECTION_FIELDS_NOT] = MIME_SECTION_HEADER,
		[IMAP_SECTION_TEXT] = MIME_SECTION_TEXT,
		[IMAP_SECTION_MIME] = MIME_SECTION_MIME,
	};
	struct mime_range range;
	int r;

	if (c->root == NULL)
		c->root = mime_parse(&c->arena, c->content.text);
	r = mime_section_range(
		c->root, section->part, section->depth, sections[section->text], &range);
	if (r == ERR_OK)
		*out = mime_range_bytes(c->content.text, range);
	return r;
}

static bool
is_fields(const struct imap_section *section)
{
	return section->text == IMAP_SECTION_FIELDS || section->text == IMAP_SECTION_FIELDS_NOT;
}

static int
section_octets(struct imap_session *s, struct imap_fetch_cursor *c,
	const struct imap_section *section, struct bytes *out)
{
	struct store_cached cached;
	int r;

	if (!c->open && imap_section_is_cached(section)) {
		if ((r = store_cached(s->view, c->seq, &cached)) < 0)
			return r;
		*out = cached.fields;
		return ERR_OK;
	}
	if (section->depth > 0)
		return part_section(c, section, out);
	*out = top_section(c->content.text, section->text);
	return ERR_OK;
}

int
imap_fetch_section(struct imap_session *s, struct imap_fetch_cursor *c,
	const struct imap_section *section, struct bytes *out, bool *there)
{
	int r = section_octets(s, c, section, out);

	*there = r != ERR_NOT_FOUND || section->depth == 0;
	if (!*there) {
		*out = BYTES_NONE;
		return ERR_OK;
	}
	if (r < 0)
		return r;
	if (is_fields(section)) {
		buf_clear(&c->fields);
		imap_put_header_fields(&c->fields, *out, section->fields, section->field_count,
			section->text == IMAP_SECTION_FIELDS_NOT);
		*out = buf_bytes(&c->fields);
	}
	if (section->partial)
		*out = bytes_head(bytes_skip(*out, section->offset), section->length);
	return ERR_OK;
}
