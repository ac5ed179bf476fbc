/* SPDX-License-Identifier: ISC */
/* tests/fuzz/fuzz_keeper_file.c - a DKIM key's file: what reads is written again as it was. */
#include "err.h"
#include "keeper_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct keeper_key *key, *again;
	struct buf text = BUF_INIT;
	char name[KEEPER_NAME_MAX + 1];

	if (keeper_file_parse(bytes_make(data, size), &key) < 0)
		return 0;
	keeper_key_name(key, name);
	ASSERT(strchr(name, '/') == NULL && name[0] != '.');
	keeper_file_write(key, &text);
	ASSERT(keeper_file_parse(buf_bytes(&text), &again) == ERR_OK);
	ASSERT(bytes_equal(buf_bytes(&again->record), buf_bytes(&key->record)));
	keeper_key_free(&again);
	keeper_key_free(&key);
	buf_free(&text);
	return 0;
}
