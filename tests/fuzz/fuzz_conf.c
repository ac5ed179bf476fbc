/* SPDX-License-Identifier: ISC */
/*
 * tests/fuzz/fuzz_conf.c - the configuration parser. What it takes without an error, it must
 * take again in the form in which it shows it, and show the same: without a difference, and so
 * without a danger. The checks look at whatever came of any text.
 */
#include <stdint.h>

#include "conf_check.h"
#include "err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(const struct conf *c)
{
	struct conf_findings f;
	struct buf words = BUF_INIT;
	struct conf defaults;

	conf_findings_init(&f, c, "fuzz");
	conf_check_syntax(&f);
	conf_check(&f);
	conf_init(&defaults);
	(void)conf_find_new_dangers(&f, &defaults);
	(void)conf_put_differences(&words, &defaults, c);
	for (const struct conf_finding *n = f.first; n != NULL; n = n->next)
		conf_finding_put(&words, n);
	conf_free(&defaults);
	conf_findings_free(&f);
	buf_free(&words);
}

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
		ASSERT(conf_put_differences(&again_shown, &c, &again) == 0);
		conf_show(&again_shown, &again);
		ASSERT(bytes_equal(buf_bytes(&shown), buf_bytes(&again_shown)));
		conf_free(&again);
	}
	check(&c);
	conf_free(&c);
	buf_free(&shown);
	buf_free(&again_shown);
	return 0;
}
