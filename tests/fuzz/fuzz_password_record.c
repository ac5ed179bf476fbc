/* SPDX-License-Identifier: ISC */
/* tests/fuzz/fuzz_password_record.c - an account's line with its password records. Records that
 * cost little are also checked against a password. */
#include "account_words.h"
#include "err.h"
#include "password_record.h"
#include "records.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
one_record(struct bytes record)
{
	const char *why = NULL, *scheme = password_record_scheme(record);
	struct scram_record scram, again;
	struct buf text = BUF_INIT;
	bool ok = password_record_check(record, &why) == ERR_OK;

	ASSERT(ok || why != NULL);
	ASSERT(!ok || bytes_is(record, "*") || scheme[0] != 0);
	(void)password_record_is_weak(record);
	if (password_record_scram(record, &scram)) {
		scram_record_put(&text, &scram);
		ASSERT(scram_record_parse(scram.hash, buf_bytes(&text), &again) == ERR_OK);
		ASSERT(again.iterations == scram.iterations);
	} else if (strstr(scheme, "SHA") == scheme || strstr(scheme, "SSHA") == scheme ||
		   strstr(scheme, "MD5") != NULL || strstr(scheme, "PLAIN") != NULL) {
		if (strstr(scheme, "CRYPT") == NULL && bytes_find(record, '$') == BYTES_NOT_FOUND)
			(void)password_record_verify(record, BYTES_LITERAL("secret"));
	}
	buf_free(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes line = bytes_make(data, size), rest = line, send_as;
	struct account_record record;
	struct account_password p;
	struct arena a = ARENA_INIT;
	const char *why = NULL;
	int words, n = 0;

	if (size > 4096)
		return 0;
	words = account_words_check(&a, line, &why);
	ASSERT(words == ERR_OK || why != NULL);
	while (account_next_password(&rest, &p) > 0) {
		n++;
		one_record(p.record);
		ASSERT(p.name.n == 0 || account_app_name_is_valid(p.name));
	}
	for (rest = line; account_next_send_as(&rest, &send_as) > 0;)
		ASSERT(send_as.n > 0);
	/* what look-ups read has a first record */
	if (account_record_parse(line, &record, &why) == ERR_OK && words == ERR_OK)
		ASSERT(n > 0);
	arena_reset(&a);
	one_record(line);
	return 0;
}
