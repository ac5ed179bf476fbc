/* SPDX-License-Identifier: ISC */
/* lib/store/folder_name.c - IMAP names and Maildir++ directories; see the header. */
#include "folder_name.h"

#include "err.h"
#include "imap_text.h"
#include "store.h"

#define DIR_MAX 250 /* of the 255 a directory's name may have: room for a suffix */

struct bytes
folder_name_trim(struct bytes name)
{
	while (name.n > 0 && name.p[name.n - 1] == STORE_DELIMITER)
		name.n--;
	return name;
}

bool
folder_name_is_inbox(struct bytes name)
{
	return bytes_is_nocase(name, "INBOX");
}

/* One level: not empty, and not what a path would read as something else. */
static bool
level_is_ok(struct bytes level)
{
	return level.n > 0 && !bytes_is(level, ".") && !bytes_is(level, "..");
}

int
store_name_check(struct bytes name)
{
	struct buf utf8 = BUF_INIT;
	struct bytes rest;
	int r;

	name = folder_name_trim(name);
	if (name.n == 0)
		return ERR_SYNTAX;
	if (name.n > STORE_NAME_MAX)
		return ERR_LIMIT;
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] < 0x20 || name.p[i] > 0x7e)
			return ERR_SYNTAX;
	if (name.p[0] == STORE_DELIMITER)
		return ERR_SYNTAX;
	for (rest = name; rest.n > 0;)
		if (!level_is_ok(bytes_cut(&rest, STORE_DELIMITER)))
			return ERR_SYNTAX;
	r = imap_utf7_decode(&utf8, name);
	buf_free(&utf8);
	return r;
}

int
folder_name_to_dir(struct buf *out, struct bytes name)
{
	size_t before = out->len;
	int r;

	name = folder_name_trim(name);
	if ((r = store_name_check(name)) < 0)
		return r;
	if (folder_name_is_inbox(name)) {
		buf_put_u8(out, '.');
		return ERR_OK;
	}
	/* INBOX in any case is one folder, so its children have one spelling as well */
	buf_put_u8(out, '.');
	if (bytes_starts_with_nocase(name, BYTES_LITERAL("INBOX/"))) {
		buf_put_str(out, "INBOX");
		name = bytes_skip(name, 5);
	}
	for (size_t i = 0; i < name.n; i++) {
		if (name.p[i] == STORE_DELIMITER)
			buf_put_u8(out, '.');
		else if (name.p[i] == '.' || name.p[i] == '\\')
			buf_printf(out, "\\%02x", name.p[i]);
		else
			buf_put_u8(out, name.p[i]);
	}
	if (out->len - before > DIR_MAX) {
		buf_truncate(out, before);
		return ERR_LIMIT;
	}
	return ERR_OK;
}

static int
hex_value(uint8_t c)
{
	if (ascii_is_digit(c))
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int
folder_name_from_dir(struct buf *out, struct bytes dir)
{
	size_t before = out->len;
	bool empty_level = true;

	if (dir.n < 2 || dir.n > DIR_MAX || dir.p[0] != '.')
		return ERR_SYNTAX;
	for (size_t i = 1; i < dir.n; i++) {
		uint8_t c = dir.p[i];

		if (c == '.') {
			if (empty_level)
				goto bad; /* "..", "...x" */
			buf_put_u8(out, STORE_DELIMITER);
			empty_level = true;
			continue;
		}
		empty_level = false;
		if (c == '\\' && i + 2 < dir.n && hex_value(dir.p[i + 1]) >= 0 &&
			hex_value(dir.p[i + 2]) >= 0) {
			c = (uint8_t)(hex_value(dir.p[i + 1]) << 4 | hex_value(dir.p[i + 2]));
			i += 2;
		}
		if (c < 0x20 || c > 0x7e || c == STORE_DELIMITER)
			goto bad; /* no name of ours can say it */
		buf_put_u8(out, c);
	}
	if (!empty_level && out->len - before <= STORE_NAME_MAX)
		return ERR_OK;
bad:
	buf_truncate(out, before);
	return ERR_SYNTAX;
}

unsigned
folder_name_special_use(struct bytes name)
{
	static const struct {
		const char *name;
		unsigned use;
	} rows[] = {
		{ "Drafts", STORE_USE_DRAFTS },
		{ "Sent", STORE_USE_SENT },
		{ "Sent Items", STORE_USE_SENT },
		{ "Sent Messages", STORE_USE_SENT },
		{ "Trash", STORE_USE_TRASH },
		{ "Deleted Items", STORE_USE_TRASH },
		{ "Deleted Messages", STORE_USE_TRASH },
		{ "Junk", STORE_USE_JUNK },
		{ "Spam", STORE_USE_JUNK },
		{ "Archive", STORE_USE_ARCHIVE },
		{ "Archives", STORE_USE_ARCHIVE },
	};

	for (size_t i = 0; i < NITEMS(rows); i++)
		if (bytes_is_nocase(name, rows[i].name))
			return rows[i].use;
	return 0;
}
