/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/mime_section.c - from IMAP's part numbers to a place in the message.
 *
 * Runs in:  imap session.
 * Sources:  RFC 3501 sec. 6.4.5.
 */
#include "mime.h"

#include "err.h"

static const struct mime_part *
nth_child(const struct mime_part *part, uint32_t n)
{
	const struct mime_part *p = part->child;

	while (p != NULL && n > 1) {
		p = p->next;
		n--;
	}
	return n == 0 ? NULL : p;
}

/* Part n of a message: if it is not multipart, it is its own part 1. */
static const struct mime_part *
part_of_message(const struct mime_part *message, uint32_t n)
{
	if (message->kind == MIME_MULTIPART)
		return nth_child(message, n);
	return n == 1 ? message : NULL;
}

const struct mime_part *
mime_find(const struct mime_part *root, const uint32_t *path, size_t npath)
{
	const struct mime_part *p = root;

	for (size_t i = 0; i < npath && p != NULL; i++) {
		if (i == 0)
			p = part_of_message(p, path[i]);
		else if (p->kind == MIME_MULTIPART)
			p = nth_child(p, path[i]);
		else if (p->kind == MIME_MESSAGE && p->child != NULL)
			p = part_of_message(p->child, path[i]);
		else
			p = NULL;
	}
	return p;
}

/* The message whose HEADER and TEXT a path means: NULL if what it names is none. */
static const struct mime_part *
message_at(const struct mime_part *part, bool by_number)
{
	if (!by_number)
		return part;
	return part->kind == MIME_MESSAGE ? part->child : NULL;
}

int
mime_section_range(const struct mime_part *root, const uint32_t *path, size_t npath,
	enum mime_section what, struct mime_range *out)
{
	const struct mime_part *part = mime_find(root, path, npath);

	*out = (struct mime_range){ 0, 0 };
	if (part == NULL)
		return ERR_NOT_FOUND;
	if (what == MIME_SECTION_ALL && npath == 0) {
		*out = (struct mime_range){ part->header_at, part->header_len + part->body_len };
		return ERR_OK;
	}
	if (what == MIME_SECTION_ALL) {
		*out = (struct mime_range){ part->body_at, part->body_len };
		return ERR_OK;
	}
	if (what == MIME_SECTION_MIME && npath == 0)
		return ERR_NOT_FOUND;
	if (what != MIME_SECTION_MIME && (part = message_at(part, npath > 0)) == NULL)
		return ERR_NOT_FOUND;
	if (what == MIME_SECTION_TEXT)
		*out = (struct mime_range){ part->body_at, part->body_len };
	else
		*out = (struct mime_range){ part->header_at, part->header_len };
	return ERR_OK;
}
