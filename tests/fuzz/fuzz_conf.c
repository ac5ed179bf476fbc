/* SPDX-License-Identifier: ISC */
/*
 * tests/fuzz/fuzz_conf.c - the configuration parser. What it takes without an error, it must
 * take again in the form in which it shows it, and show the same.
 */
#include <stdint.h>

#include "conf.h"
#include "err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf shown = BUF_INIT, again_shown = BUF_INIT;
	struct conf c, again;

	/* an include would read files of this machine */
	if (size > 65536 ||
		bytes_search(bytes_make(data, size), BYTES_LITERAL("include")) != BYTES_NOT_FOUND)
		return 0;
	conf_init(&c);
	if (conf_parse(&c, "fuzz", bytes_make(data, size)) == ERR_OK) {
		conf_show(&shown, &c);
		conf_init(&again);
		ASSERT(conf_parse(&again, "shown", buf_bytes(&shown)) == ERR_OK);
		conf_show(&again_shown, &again);
		ASSERT(bytes_equal(buf_bytes(&shown), buf_bytes(&again_shown)));
		conf_free(&again);
	}
	conf_free(&c);
	buf_free(&shown);
	buf_free(&again_shown);
	return 0;
}
