/* SPDX-License-Identifier: ISC */
/*
 * tests/fuzz/fuzz_tls_text.c - what keyholder would sign, and server names: whatever passes must
 * be one of the two forms, written out here once more in another way.
 */
#include <stdlib.h>

#include "tls_name.h"
#include "tls_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_text(struct bytes text)
{
	enum tls_text kind = tls_text_kind(text);

	if (kind == TLS_TEXT_VERIFY) {
		ASSERT(text.n == 64 + 33 + 1 + 32 || text.n == 64 + 33 + 1 + 48);
		ASSERT(bytes_search(text, BYTES_LITERAL("TLS 1.3, server CertificateVerify")) ==
			64);
		ASSERT(bytes_trim(bytes_head(text, 64)).n == 0);
	} else if (kind == TLS_TEXT_EXCHANGE) {
		ASSERT(text.n == 64 + 4 + (size_t)text.p[67]);
		ASSERT(text.p[64] == 3 && text.p[65] == 0);
	}
	for (unsigned key = TLS_KEY_P256; key <= TLS_KEY_RSA; key++)
		for (unsigned scheme = 0; scheme < 0x0900; scheme += (scheme & 15) == 15 ? 0xf1 : 1)
			ASSERT(!tls_text_allowed((enum tls_key_type)key, (uint16_t)scheme, text) ||
				kind != TLS_TEXT_NONE);
}

static void
check_name(struct bytes in)
{
	char name[TLS_NAME_SIZE], again[TLS_NAME_SIZE];
	int n = tls_name_clean(in, name);

	if (n > 0) {
		ASSERT(strlen(name) == (size_t)n);
		ASSERT(tls_name_clean(bytes_from_str(name), again) == n);
		ASSERT(strcmp(name, again) == 0);
		ASSERT(tls_name_matches(name, name));
	}
	if (tls_name_clean_pattern(in, name) > 0)
		ASSERT(tls_name_clean_pattern(bytes_from_str(name), again) > 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_text(bytes_make(data, size));
	check_name(bytes_make(data, size));
	return 0;
}
