/* SPDX-License-Identifier: ISC */
/*
 * tests/fuzz/fuzz_search_text.c - the first line is a key (or a charset's name), the rest a
 * message. What is found in one piece is found in many: decoders and charsets are also fed octet
 * by octet.
 */
#include <stddef.h>
#include <stdint.h>

#include "mime_decode.h"
#include "rfc5322.h"
#include "search_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_decoder(enum mime_encoding e, struct bytes in)
{
	struct buf whole = BUF_INIT, pieces = BUF_INIT;
	struct mime_decoder d;

	mime_decode(e, in, &whole);
	mime_decode_begin(&d, e);
	for (size_t i = 0; i < in.n; i++)
		mime_decode_feed(&d, bytes_make(in.p + i, 1), &pieces);
	mime_decode_end(&d, &pieces);
	ASSERT(bytes_equal(buf_bytes(&whole), buf_bytes(&pieces)));
	buf_free(&whole);
	buf_free(&pieces);
}

static void
check_charset(struct charset c, struct bytes in)
{
	struct buf whole = BUF_INIT, pieces = BUF_INIT;
	struct charset_stream s;

	charset_to_utf8(c, in, &whole);
	ASSERT(utf8_is_valid(buf_bytes(&whole)));
	charset_begin(&s, c);
	for (size_t i = 0; i < in.n; i++)
		charset_feed(&s, bytes_make(in.p + i, 1), &pieces);
	charset_end(&s, &pieces);
	/* iconv may see a broken character end elsewhere when it comes in pieces */
	ASSERT(c.kind == CHARSET_ICONV || bytes_equal(buf_bytes(&whole), buf_bytes(&pieces)));
	ASSERT(utf8_is_valid(buf_bytes(&pieces)));
	buf_free(&whole);
	buf_free(&pieces);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct charsets *set;
	struct bytes message = bytes_make(data, size), name = bytes_cut(&message, '\n');
	struct arena a = ARENA_INIT;
	struct mime_part *root = mime_parse(&a, message);
	struct buf folded = BUF_INIT, again = BUF_INIT;
	struct search_key key;
	struct charset c;

	if (set == NULL)
		set = charsets_open();
	charset_find(set, name, &c);
	check_charset(c, message);
	check_decoder(MIME_BASE64, message);
	check_decoder(MIME_QUOTED_PRINTABLE, message);
	utf8_fold(message, &folded);
	utf8_fold(buf_bytes(&folded), &again);
	ASSERT(utf8_is_valid(buf_bytes(&folded)));
	ASSERT(bytes_equal(buf_bytes(&folded), buf_bytes(&again)));
	if (search_key_make(&a, name, &key) == 0) {
		bool body = search_body(set, message, root, &key);

		ASSERT(!body || search_text(set, message, root, &key));
		if (utf8_is_valid(message)) {
			bool found = search_utf8(message, &key);

			ASSERT(found ==
				(bytes_search(buf_bytes(&folded), key.folded) != BYTES_NOT_FOUND));
		}
	}
	buf_free(&folded);
	buf_free(&again);
	arena_reset(&a);
	return 0;
}
