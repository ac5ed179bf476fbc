/* SPDX-License-Identifier: ISC */
/*
 * lib/proto/charset.c - charsets of mail to UTF-8, by our tables or by iconv.
 *
 * Runs in:  imap session (inside the jail: no file can be opened any more).
 * Trusts:   nothing; names and octets come from messages.
 * Sources:  IANA's character set names; the Encoding Standard for what labels mean in practice
 *           (ISO-8859-1 and US-ASCII are read as Windows-1252, GB2312 and GBK as GB18030).
 */
#include "charset.h"

#include <errno.h>
#include <iconv.h>
#include <stdlib.h>

#include "charset_tables.h"

#define KEY_MAX 32

/* What iconv does for us: its name for it. The set holds them in this order. */
static const char *const modules[] = { "UTF-16", "UTF-16BE", "UTF-16LE", "UTF-32", "UTF-32BE",
	"UTF-32LE", "UTF-7", "ISO-2022-JP-2", "EUC-JP", "CP932", "GB18030", "BIG5-HKSCS", "UHC",
	"ISO-2022-KR", "ISO-2022-CN", "HZ" };

struct charsets {
	iconv_t module[NITEMS(modules)]; /* (iconv_t)-1 if it is not installed */
};

/* Other names (without '-', '_', small letters) for pages and modules. */
static const struct alias {
	const char *key, *means;
} aliases[] = {
	{ "latin1", "windows1252" },
	{ "iso88591", "windows1252" },
	{ "cp1252", "windows1252" },
	{ "latin2", "iso88592" },
	{ "latin3", "iso88593" },
	{ "latin4", "iso88594" },
	{ "cyrillic", "iso88595" },
	{ "arabic", "iso88596" },
	{ "greek", "iso88597" },
	{ "hebrew", "iso88598" },
	{ "iso88598i", "iso88598" },
	{ "iso88598e", "iso88598" },
	{ "iso88599", "windows1254" },
	{ "latin5", "windows1254" },
	{ "latin6", "iso885910" },
	{ "iso885911", "windows874" },
	{ "tis620", "windows874" },
	{ "cp874", "windows874" },
	{ "latin9", "iso885915" },
	{ "cp1250", "windows1250" },
	{ "cp1251", "windows1251" },
	{ "cp1253", "windows1253" },
	{ "cp1254", "windows1254" },
	{ "cp1255", "windows1255" },
	{ "cp1256", "windows1256" },
	{ "cp1257", "windows1257" },
	{ "cp1258", "windows1258" },
	{ "koi8", "koi8r" },
	{ "koi8ru", "koi8u" },
	{ "macintosh", "macroman" },
	{ "mac", "macroman" },
	{ "ibm437", "cp437" },
	{ "ibm850", "cp850" },
	{ "ibm852", "cp852" },
	{ "ibm866", "cp866" },
	{ "iso2022jp", "iso2022jp2" },
	{ "iso2022jp1", "iso2022jp2" },
	{ "shiftjis", "cp932" },
	{ "sjis", "cp932" },
	{ "xsjis", "cp932" },
	{ "windows31j", "cp932" },
	{ "xeucjp", "eucjp" },
	{ "gb2312", "gb18030" },
	{ "gbk", "gb18030" },
	{ "cp936", "gb18030" },
	{ "euccn", "gb18030" },
	{ "xgbk", "gb18030" },
	{ "big5", "big5hkscs" },
	{ "cnbig5", "big5hkscs" },
	{ "xxbig5", "big5hkscs" },
	{ "euckr", "uhc" },
	{ "ksc56011987", "uhc" },
	{ "ksc5601", "uhc" },
	{ "cp949", "uhc" },
	{ "windows949", "uhc" },
	{ "hzgb2312", "hz" },
	{ "unicode11utf7", "utf7" },
};

/* The name without '-', '_' and blanks, in small letters; empty if too long. */
static void
make_key(struct bytes name, char key[KEY_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < name.n; i++) {
		if (name.p[i] == '-' || name.p[i] == '_' || name.p[i] == ' ' || name.p[i] == 0)
			continue;
		if (n + 1 >= KEY_MAX) {
			n = 0;
			break;
		}
		key[n++] = (char)ascii_lower(name.p[i]);
	}
	key[n] = 0;
}

struct charsets *
charsets_open(void)
{
	struct charsets *cs = xcalloc(1, sizeof(*cs));

	for (size_t i = 0; i < NITEMS(modules); i++)
		cs->module[i] = iconv_open("UTF-8", modules[i]);
	return cs;
}

void
charsets_close(struct charsets **cs)
{
	if (*cs == NULL)
		return;
	for (size_t i = 0; i < NITEMS(modules); i++)
		if ((*cs)->module[i] != (iconv_t)-1)
			iconv_close((*cs)->module[i]);
	free(*cs);
	*cs = NULL;
}

bool
charset_find(const struct charsets *set, struct bytes name, struct charset *out)
{
	char key[KEY_MAX], module[KEY_MAX];
	const char *means = key;

	*out = CHARSET_UNKNOWN;
	make_key(name, key);
	for (size_t i = 0; i < NITEMS(aliases); i++)
		if (strcmp(key, aliases[i].key) == 0)
			means = aliases[i].means;
	if (strcmp(means, "usascii") == 0 || strcmp(means, "ascii") == 0)
		return true;
	if (strcmp(means, "utf8") == 0) {
		out->kind = CHARSET_UTF8;
		return true;
	}
	for (size_t i = 0; i < charset_page_count; i++) {
		if (strcmp(means, charset_pages[i].key) == 0) {
			*out = (struct charset){ CHARSET_TABLE, charset_pages[i].high, NULL };
			return true;
		}
	}
	for (size_t i = 0; set != NULL && i < NITEMS(modules); i++) {
		make_key(bytes_from_str(modules[i]), module);
		if (strcmp(means, module) == 0 && set->module[i] != (iconv_t)-1) {
			*out = (struct charset){ CHARSET_ICONV, NULL, set->module[i] };
			return true;
		}
	}
	return false;
}

/* --- conversion ------------------------------------------------------------------- */

static const uint16_t *
windows1252(void)
{
	for (size_t i = 0; i < charset_page_count; i++)
		if (strcmp(charset_pages[i].key, "windows1252") == 0)
			return charset_pages[i].high;
	return NULL;
}

static void
convert_table(const uint16_t *high, struct bytes in, struct buf *out)
{
	while (in.n > 0) {
		size_t n = utf8_ascii_len(in);

		buf_put(out, in.p, n);
		in = bytes_skip(in, n);
		if (in.n > 0)
			utf8_put(out, high[in.p[0] - 0x80]);
		in = bytes_skip(in, 1);
	}
}

/* Could in (less than four octets) be the beginning of a character? */
static bool
is_utf8_start(struct bytes in)
{
	uint8_t whole[4] = { 0, 0x80, 0x80, 0x80 };
	uint32_t c;

	if (in.n == 0 || in.n > 3)
		return false;
	memcpy(whole, in.p, in.n);
	if (in.n == 1 && (whole[0] == 0xe0 || whole[0] == 0xf0))
		whole[1] = 0xa0; /* 0x80 would be overlong */
	return whole[0] >= 0xc2 && utf8_get(bytes_make(whole, 4), &c) > in.n;
}

/* UTF-8 is copied; what is not becomes U+FFFD, or with a page what that says. Returns the octets
 * used: a character that may go on is left, unless last. */
static size_t
convert_utf8(const uint16_t *page, struct bytes in, bool last, struct buf *out)
{
	size_t used = 0;
	uint32_t c;

	while (used < in.n) {
		struct bytes rest = bytes_skip(in, used);
		size_t n = utf8_ascii_len(rest);

		if (n == 0)
			n = utf8_get(rest, &c);
		if (n == 0 && !last && is_utf8_start(rest))
			break;
		if (n > 0)
			buf_put(out, rest.p, n);
		else
			utf8_put(out, page == NULL ? UTF8_REPLACEMENT : page[rest.p[0] - 0x80]);
		used += n == 0 ? 1 : n;
	}
	return used;
}

static size_t
convert_iconv(iconv_t cd, struct bytes in, bool last, struct buf *out)
{
	/* iconv's prototype forgot a const; it does not write there */
	char *p;
	size_t left = in.n;

	memcpy(&p, &in.p, sizeof(p));
	while (left > 0) {
		size_t room = 4 * left + 16, before;
		char *to = (char *)buf_room(out, room);

		before = room;
		if (iconv(cd, &p, &left, &to, &room) != (size_t)-1) {
			buf_added(out, before - room);
			break;
		}
		buf_added(out, before - room);
		if (errno == E2BIG)
			continue;
		if (errno == EINVAL && !last)
			break;
		utf8_put(out, UTF8_REPLACEMENT);
		p++;
		left--;
	}
	return in.n - left;
}

static size_t
convert(struct charset charset, struct bytes in, bool last, struct buf *out)
{
	switch (charset.kind) {
	case CHARSET_TABLE:
		convert_table(charset.high, in, out);
		return in.n;
	case CHARSET_ICONV:
		return convert_iconv(charset.iconv, in, last, out);
	case CHARSET_UTF8:
		return convert_utf8(NULL, in, last, out);
	case CHARSET_ASCII:
		break;
	}
	return convert_utf8(windows1252(), in, last, out);
}

void
charset_begin(struct charset_stream *s, struct charset charset)
{
	*s = (struct charset_stream){ .charset = charset };
	if (charset.kind == CHARSET_ICONV)
		iconv(charset.iconv, NULL, NULL, NULL, NULL);
}

void
charset_feed(struct charset_stream *s, struct bytes in, struct buf *utf8)
{
	size_t used;

	while (s->nheld > 0 && in.n > 0) { /* complete what the last piece broke off */
		s->held[s->nheld++] = in.p[0];
		in = bytes_skip(in, 1);
		used = convert(s->charset, bytes_make(s->held, s->nheld),
			s->nheld == sizeof(s->held), utf8);
		s->nheld -= used;
		memmove(s->held, s->held + used, s->nheld);
	}
	used = convert(s->charset, in, false, utf8);
	in = bytes_skip(in, used);
	if (in.n >= sizeof(s->held)) { /* never seen: iconv waits for more than it may */
		convert(s->charset, in, true, utf8);
		return;
	}
	if (in.n > 0)
		memcpy(s->held, in.p, in.n);
	s->nheld += in.n;
}

void
charset_end(struct charset_stream *s, struct buf *utf8)
{
	convert(s->charset, bytes_make(s->held, s->nheld), true, utf8);
	s->nheld = 0;
}

void
charset_to_utf8(struct charset charset, struct bytes in, struct buf *utf8)
{
	struct charset_stream s;

	charset_begin(&s, charset);
	charset_feed(&s, in, utf8);
	charset_end(&s, utf8);
}
