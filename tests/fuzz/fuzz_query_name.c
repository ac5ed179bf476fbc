/* SPDX-License-Identifier: ISC */
/* tests/fuzz/fuzz_query_name.c - names as they are asked: what is clean stays as it is; and
 * resolv.conf. */
#include "forwarders.h"
#include "query_name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const system[] = { "system" };
	const struct conf_list option = { 1, system };
	struct arena a = ARENA_INIT;
	struct query_name name, again;
	struct forwarders f;

	query_name_clean(bytes_make(data, size), &name);
	if (name.status != DNS_BAD_NAME) {
		query_name_clean(bytes_from_str(name.text), &again);
		ASSERT(again.status == name.status && strcmp(again.text, name.text) == 0);
	}
	forwarders_of(&option, bytes_make(data, size), &a, &f);
	ASSERT(f.n > 0);
	arena_reset(&a);
	return 0;
}
